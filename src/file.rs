//! Reading a file that somebody wrote by hand: the configuration and the secret.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The largest file that is read, in bytes. A configuration of 10,000 accounts has about half of it.
pub const LARGEST: u64 = 1024 * 1024;

/// The bytes of the file.
///
/// # Errors
/// As [`std::fs::read`], and [`ErrorKind::FileTooLarge`] beyond [`LARGEST`]. No more than that is read,
/// even from a device, which has no size of its own.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let size = size.max(bytes.len() as u64);
    if bytes.len() as u64 <= LARGEST {
        return Ok(bytes);
    }
    let message = format!("it has {size} bytes, at most {LARGEST} are read: take out what does not belong there");
    Err(io::Error::new(ErrorKind::FileTooLarge, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_largest_size_and_refused_beyond_it_with_both_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ini");
        std::fs::write(&path, vec![b'#'; 1024 * 1024]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1024 * 1024);
        std::fs::write(&path, vec![b'#'; 3_000_000]).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has 3000000 bytes, at most 1048576 are read: take out what does not belong there"
        );
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("it has 1048577 bytes"));
    }
}
