//! The memory budget of a run.
//!
//! A function of 128 MB has, in MiB, while it collects and while it stores:
//!
//! | what | collecting | storing |
//! | --- | ---: | ---: |
//! | the process, with its connections | 10 | 10 |
//! | bodies of up to [`SMALL_BODY`], 16 topics at a time | 8 | |
//! | a larger body and its longest text, one at a time: 2 × 8 | 16 | |
//! | records, at most | 36 | 36 |
//! | their objects, no larger than the records | | 36 |
//! | two quality objects, and their examples: 2 × 2 × 2 | | 8 |
//! | the responses that are kept, compressed | 6 | 6 |
//! | together | 76 | 96 |
//!
//! A larger function has proportionally more memory for records and kept responses. The records of 1,000 accounts with
//! 25 media of 620 bytes each take 34 MiB.

use crate::env::variable;

/// The largest body that is read, in bytes, after decompression.
pub const MAX_BODY: usize = 8 * MIB;

/// A body up to this size, in bytes, needs no permit; of larger ones, one is in memory at a time. The response
/// for an account with 25 media has 27 KB.
pub const SMALL_BODY: usize = 512 * 1024;

/// The largest size of the examples in a quality object, in bytes. 1,000 accounts with 25 media each, with
/// a tenth of the fields defaulted, take 1 MB.
pub const MAX_QUALITY: usize = 2 * MIB;

/// The bytes that a record takes in addition to its text: ten fields of 48, and the allocator's share.
pub const RECORD: usize = 700;

const MIB: usize = 1024 * 1024;

/// The memory of a function of unknown size, in MiB: Lambda's minimum.
const MIN_MIB: usize = 128;

/// The share of the memory for records, and that for the responses that are kept.
const RECORDS_SHARE: (usize, usize) = (9, 32);
const RESPONSES_SHARE: (usize, usize) = (3, 64);

/// The budget of a process.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    records: usize,
    kept_responses: usize,
}

impl Budget {
    /// The budget of a process with `mib` MiB of memory, at least 128.
    pub fn of(mib: usize) -> Self {
        let bytes = mib.max(MIN_MIB).saturating_mul(MIB);
        let share = |(of, whole): (usize, usize)| bytes / whole * of;
        Self { records: share(RECORDS_SHARE), kept_responses: share(RESPONSES_SHARE) }
    }

    /// The function's budget. Lambda gives the size of its memory in `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    pub fn from_env() -> Self {
        let named = variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        Self::of(named.and_then(|mib| mib.parse().ok()).unwrap_or(MIN_MIB))
    }

    /// The bytes that a run's records may take. Each takes its text in the response and [`RECORD`].
    pub fn records(&self) -> usize {
        self.records
    }

    /// The maximum size of the responses that a run keeps, in compressed bytes. 11 accounts with 25 media each take 0.1
    /// MiB.
    pub fn kept_responses(&self) -> usize {
        self.kept_responses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_function_has_a_larger_budget_and_none_has_less_than_the_least() {
        let of = |mib| (Budget::of(mib).records() / MIB, Budget::of(mib).kept_responses() / MIB);
        assert_eq!([of(0), of(128), of(512), of(10_240)], [(36, 6), (36, 6), (144, 24), (2880, 480)]);
    }
}
