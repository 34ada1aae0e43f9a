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
//! | the answers as they came, compressed, where they are kept | 6 | 6 |
//! | together | 76 | 96 |
//!
//! A larger function has proportionally more room for large bodies and for records. 1,000 accounts with 25
//! media each, of 620 bytes, take 34 MiB of the room for records.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::env::variable;

/// The largest body that is read, in bytes, after decompression.
pub const LARGEST_BODY: usize = 8 * MIB;

/// A body up to this size, in bytes, needs no permit. The answer for an account with 25 media has 27 KB.
pub const SMALL_BODY: usize = 512 * 1024;

/// The largest size of the examples in a quality object, in bytes. 1,000 accounts with 25 media each, with
/// a tenth of the fields defaulted, take 1 MB.
pub const LARGEST_QUALITY: usize = 2 * MIB;

/// The bytes that a record takes in addition to its text: ten fields of 48, and the allocator's share.
pub const RECORD: usize = 700;

const MIB: usize = 1024 * 1024;

/// The memory of a function of unknown size, in MiB: Lambda's minimum.
const LEAST: usize = 128;

/// The share of the memory for large bodies, and that for records.
const BODIES_SHARE: usize = 16;
const RECORDS_SHARE: (usize, usize) = (9, 32);
const ANSWERS_SHARE: (usize, usize) = (3, 64);

/// The budget of a process.
#[derive(Debug, Clone)]
pub struct Budget {
    records: usize,
    answers: usize,
    bodies: Arc<Semaphore>,
}

impl Budget {
    /// The budget of a process with `mib` MiB of memory, at least 128.
    pub fn of(mib: usize) -> Self {
        let bytes = mib.max(LEAST).saturating_mul(MIB);
        let bodies = bytes / BODIES_SHARE / LARGEST_BODY;
        let share = |(of, whole): (usize, usize)| bytes / whole * of;
        let (records, answers) = (share(RECORDS_SHARE), share(ANSWERS_SHARE));
        Self { records, answers, bodies: Arc::new(Semaphore::new(bodies)) }
    }

    /// The function's budget. Lambda gives the size of its memory in `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    pub fn from_env() -> Self {
        let named = variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        Self::of(named.and_then(|mib| mib.parse().ok()).unwrap_or(LEAST))
    }

    /// The bytes that a run's records may take. Each takes its text in the answer and [`RECORD`].
    pub fn records(&self) -> usize {
        self.records
    }

    /// What the answers of a run may take as they are kept, in compressed bytes. 11 accounts with 25 media
    /// each take 0.1 MiB.
    pub fn answers(&self) -> usize {
        self.answers
    }

    /// Waits for the permit of a body that is larger than [`SMALL_BODY`].
    pub async fn large_body(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.bodies).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_function_has_more_room_and_none_has_less_than_the_least() {
        let room = |mib| {
            let budget = Budget::of(mib);
            (budget.records() / MIB, budget.answers() / MIB, budget.bodies.available_permits())
        };
        let rooms = [room(0), room(128), room(512), room(10_240)];
        assert_eq!(rooms, [(36, 6, 1), (36, 6, 1), (144, 24, 4), (2880, 480, 80)]);
        assert!(room(usize::MAX).2 >= 1);
    }
}
