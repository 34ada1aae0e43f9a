//! The part of crc-fast's interface that the AWS SDK and s3s call, over [`crc32fast`] and [`crc`]. Why,
//! and until when: `Cargo.toml`.

use std::fmt;

use crc::Crc;

/// The checksums that S3 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-32, which the SDK sends with every object.
    Crc32IsoHdlc,
    /// CRC-32C.
    Crc32Iscsi,
    /// CRC-64/NVME, which S3 itself adds to an object that comes with no checksum.
    Crc64Nvme,
}

// The smallest tables: these two are met only where an object is read that somebody else wrote.
static CRC_32C: Crc<u32> = Crc::<u32>::new(&crc::CRC_32_ISCSI);
static CRC_64: Crc<u64> = Crc::<u64>::new(&crc::CRC_64_NVME);

/// A checksum under way.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Crc32(crc32fast::Hasher),
    Crc32c(crc::Digest<'static, u32>),
    Crc64(crc::Digest<'static, u64>),
}

impl Digest {
    /// The checksum of no bytes.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Crc32(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => State::Crc32c(CRC_32C.digest()),
            CrcAlgorithm::Crc64Nvme => State::Crc64(CRC_64.digest()),
        })
    }

    /// Takes in further bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(hasher) => hasher.update(bytes),
            State::Crc32c(digest) => digest.update(bytes),
            State::Crc64(digest) => digest.update(bytes),
        }
    }

    /// The checksum of all bytes taken in; one of 32 bits in the lower half.
    pub fn finalize(&self) -> u64 {
        match self.0.clone() {
            State::Crc32(hasher) => hasher.finalize().into(),
            State::Crc32c(digest) => digest.finalize().into(),
            State::Crc64(digest) => digest.finalize(),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `check` values of the catalogue of parametrised CRC algorithms, reveng.sourceforge.io.
    #[test]
    fn each_checksum_has_its_catalogued_check_value_in_one_piece_and_in_many() {
        for (algorithm, check) in [
            (CrcAlgorithm::Crc32IsoHdlc, 0xcbf4_3926),
            (CrcAlgorithm::Crc32Iscsi, 0xe306_9283),
            (CrcAlgorithm::Crc64Nvme, 0xae8b_1486_0a79_9888),
        ] {
            let mut whole = Digest::new(algorithm);
            whole.update(b"123456789");
            assert_eq!(whole.finalize(), check, "{algorithm:?}");
            let mut pieces = Digest::new(algorithm);
            for byte in b"123456789" {
                pieces.update(&[*byte]);
            }
            assert_eq!(pieces.finalize(), check, "{algorithm:?} by the byte");
        }
    }
}
