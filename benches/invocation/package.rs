//! The size of the package that is deployed.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The size of the headers and the directory of a zip with the one file `bootstrap`.
const ZIP_OVERHEAD: u64 = 232;

/// The size of a zip with `binary` in it: its deflated size, and that of the headers.
pub(super) fn zipped(binary: &Path) -> Result<u64> {
    let bytes = std::fs::read(binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    let mut counted = DeflateEncoder::new(Counted(0), Compression::default());
    counted.write_all(&bytes)?;
    Ok(counted.finish()?.0 + ZIP_OVERHEAD)
}

struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
