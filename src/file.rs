//! Reads files that people write by hand, and writes files so that no reader sees half of one.

use std::fs::{File, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

/// The largest file that is read, in bytes. A configuration of 10,000 accounts has about half of it.
pub const MAX_FILE: u64 = 1024 * 1024;

/// The extension of a file that is not complete yet.
const PART: &str = ".part";

/// The age from which a part file is abandoned. A part is written at the end of a run, and no run in a terminal takes
/// longer.
const ABANDONED_AFTER: Duration = Duration::from_secs(15 * 60);

/// The bytes of the file.
///
/// # Errors
/// As [`std::fs::read`], and [`ErrorKind::FileTooLarge`] beyond [`MAX_FILE`]. No more than that is read, even from a
/// device, which has no size.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    let size = size.max(bytes.len() as u64);
    if bytes.len() as u64 <= MAX_FILE {
        return Ok(bytes);
    }
    let message = format!("it has {size} bytes, at most {MAX_FILE} are read: remove what does not belong there");
    Err(io::Error::new(ErrorKind::FileTooLarge, message))
}

/// Writes a file, so that no reader sees half of it.
///
/// # Errors
/// If it cannot be written. An earlier file stays then.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    written(path, bytes)?.persist(path)?;
    Ok(())
}

/// Writes a file as [`write()`] does, unless one exists; `false` if one exists, which stays.
///
/// # Errors
/// If it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match written(path, bytes)?.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Writes a file as [`write()`] does if `is_current` accepts its present content (`None` if there is no file). Returns
/// whether it is written. Other processes that do the same wait meanwhile.
///
/// # Errors
/// If it cannot be read or written.
pub fn replace(path: &Path, bytes: &[u8], is_current: impl FnOnce(Option<&[u8]>) -> bool) -> io::Result<bool> {
    std::fs::create_dir_all(folder(path))?;
    let _lock = locked(&path.with_extension("lock"))?;
    let current = match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let is_current = is_current(current.as_deref());
    if is_current {
        write(path, bytes)?;
    }
    Ok(is_current)
}

/// The attempts to take a lock, and the time between them: a second in all.
const LOCK_TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Locks a file. If another process keeps the lock, it is ignored: the last process to write then wins. The lock ends
/// with the process, however that ends.
///
/// # Errors
/// If the file cannot be opened or locked.
pub fn locked(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
            _ => break,
        }
    }
    Ok(file)
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = folder(path);
    std::fs::create_dir_all(folder)?;
    remove_abandoned(folder);
    // The process's umask applies to this.
    #[cfg(unix)]
    let permissions = Some(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    #[cfg(not(unix))]
    let permissions = None;
    let mut part = part(path, permissions)?;
    part.write_all(bytes)?;
    Ok(part)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that will get the name `path`. Otherwise it is removed. The dot at the start of its temporary name hides it
/// from Spark and Hadoop, from shells' globs and from `ls`. Without `permissions` nobody else can read it.
pub(crate) fn part(path: &Path, permissions: Option<Permissions>) -> io::Result<NamedTempFile> {
    let prefix = format!(".{}.", path.file_name().unwrap_or_default().display());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(PART);
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    builder.tempfile_in(folder(path))
}

/// Removes the part files of processes that were killed while they wrote. A file that cannot be removed
/// stays; it costs no object.
fn remove_abandoned(folder: &Path) {
    let is_part = |name: &str| name.starts_with('.') && name.ends_with(PART);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|file| file.file_name().to_str().is_some_and(is_part)) {
        let modified = file.metadata().and_then(|about| about.modified()).ok();
        if modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

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
            "it has 3000000 bytes, at most 1048576 are read: remove what does not belong there"
        );
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("it has 1048577 bytes"));
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_part_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw/x/y.json");
        write(&path, b"[1]").unwrap();
        write(&path, b"[2]").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"[2]");
        assert_eq!(files(path.parent().unwrap()), ["y.json"]);
    }

    #[test]
    fn a_new_file_replaces_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("y.json");
        assert!(write_new(&path, b"[1]").unwrap());
        assert!(!write_new(&path, b"[2]").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"[1]");
        assert_eq!(files(folder.path()), ["y.json"]);
    }

    #[test]
    fn a_file_is_replaced_only_while_it_is_as_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x/y.json");
        assert!(replace(&path, b"1", |current| current.is_none()).unwrap());
        assert!(!replace(&path, b"2", |current| current.is_none()).unwrap());
        assert!(replace(&path, b"3", |current| current == Some(b"1")).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"3");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_mode_that_any_new_file_has() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode();
        std::fs::write(folder.path().join("any"), b"").unwrap();
        write(&folder.path().join("y.json"), b"[1]").unwrap();
        assert_eq!(mode("y.json"), mode("any"));
    }

    #[test]
    fn what_killed_processes_left_is_removed_by_a_later_write_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("y.json");
        let aged = |name: &str, age: Duration| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        let own = part(&path, None).unwrap().path().file_name().unwrap().to_str().unwrap().to_owned();
        for (name, age) in [(".x.json.17.part", 16), (&own, 16), (".x.json.18.part", 14)] {
            aged(name, Duration::from_secs(age * 60));
        }
        for name in ["x.json.19.part", ".x.json", "x.json"] {
            aged(name, 2 * ABANDONED_AFTER);
        }
        write(&path, b"[2]").unwrap();
        assert_eq!(files(folder.path()), [".x.json", ".x.json.18.part", "x.json", "x.json.19.part", "y.json"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("y.json");
        std::fs::create_dir(&path).unwrap();
        assert!(write(&path, b"[2]").is_err());
        assert_eq!(files(folder.path()), ["y.json"]);
    }
}
