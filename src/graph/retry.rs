//! The backoff between tries.

use std::time::Duration;

/// The tries of one call, including the first one.
pub(super) const TRIES: u32 = 3;

/// The upper bound of the first wait. Each further bound is twice the one before.
const FIRST: Duration = Duration::from_millis(400);

/// The largest bound.
const LONGEST: Duration = Duration::from_secs(5);

/// The longest `Retry-After` that is waited for. A longer one fails the topic.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The waits between tries: exponential backoff with full jitter. Each wait is drawn at random between zero
/// and its bound, so that topics that failed together are not tried again together ("Exponential Backoff
/// And Jitter", AWS Architecture Blog).
pub(super) fn backoff() -> impl Iterator<Item = Duration> + Send + Sync + Unpin {
    (0..TRIES - 1).map(|n| bound(n).mul_f64(fastrand::f64()))
}

fn bound(n: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(n)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_wait_fewer_than_tries_and_each_is_below_its_bound() {
        for _ in 0..1_000 {
            let waits: Vec<_> = backoff().collect();
            assert_eq!(waits.len(), 2);
            assert!(waits.iter().zip([400, 800]).all(|(w, most)| *w <= Duration::from_millis(most)), "{waits:?}");
        }
    }

    #[test]
    fn bounds_grow_to_the_longest() {
        assert_eq!([0, 1, 2, 3, 4, 99].map(|n| bound(n).as_millis()), [400, 800, 1_600, 3_200, 5_000, 5_000]);
    }
}
