//! How fast a run may call, according to earlier answers.
//!
//! A caller that is throttled and goes on calling waits the longer ("continuing to make calls will increase the
//! time before calls succeed", Graph API, Rate Limiting).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::usage::Usage;

/// The most calls at the same time, once an answer has reported a usage from [`Usage::WARN_PERCENT`] on.
pub(super) const FEW: usize = 4;

/// How long a reported usage counts. The limits are those of a rolling hour.
const USAGE_COUNTS: TimeDelta = TimeDelta::hours(1);

/// Runs that each try one call before the next ones pause.
const TRIED: u32 = 2;

/// The least pause: every other one of the runs that start every 5 minutes, a minute kept for their jitter.
const PAUSE: Duration = Duration::from_secs(9 * 60);

/// The longest pause, whatever the API says.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// What the process remembers of throttling from run to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Throttled {
    /// The runs in a row that the API throttled.
    pub(super) runs: u32,
    /// When the last of them was refused.
    at: DateTime<Utc>,
    /// The minutes until calls succeed again, if the API reported them.
    pub(super) regain_minutes: Option<u32>,
}

impl Throttled {
    /// What is remembered after one more run, refused at `now`.
    pub(super) fn again(earlier: Option<Self>, now: DateTime<Utc>, regain_minutes: Option<u32>) -> Self {
        Self { runs: earlier.map_or(0, |e| e.runs).saturating_add(1), at: now, regain_minutes }
    }

    /// Until when a run that can wait makes no call; `None` where it tries one.
    pub(super) fn pause(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let told = Duration::from_secs(u64::from(self.regain_minutes.unwrap_or(0)) * 60);
        let until = self.at + told.clamp(PAUSE, LONGEST_PAUSE);
        (self.runs >= TRIED && now < until).then_some(until)
    }
}

/// The last reported usage, and its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastUsage {
    percent: u32,
    at: DateTime<Utc>,
}

impl LastUsage {
    pub(super) fn new(percent: u32, at: DateTime<Utc>) -> Self {
        Self { percent, at }
    }

    /// Whether it lets only [`FEW`] calls go at the same time.
    pub(super) fn slows_down(&self, now: DateTime<Utc>) -> bool {
        self.percent >= Usage::WARN_PERCENT && now - self.at < USAGE_COUNTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap()
    }

    #[test]
    fn two_runs_try_a_call_before_the_next_ones_pause() {
        let first = Throttled::again(None, at(0), None);
        assert_eq!(first.pause(at(0)), None);
        let second = Throttled::again(Some(first), at(5), None);
        assert_eq!((second.pause(at(10)), second.pause(at(15))), (Some(at(14)), None));
        let third = Throttled::again(Some(second), at(15), None);
        assert_eq!((third.pause(at(20)), third.pause(at(25))), (Some(at(24)), None));
    }

    #[test]
    fn of_the_twelve_runs_of_a_throttled_hour_six_try_a_call() {
        let mut throttled = Throttled::again(None, at(0), None);
        let mut tried = 0;
        for minutes in (5..60).step_by(5) {
            if throttled.pause(at(minutes)).is_none() {
                throttled = Throttled::again(Some(throttled), at(minutes), None);
                tried += 1;
            }
        }
        assert_eq!(tried, 6);
    }

    #[test]
    fn a_pause_lasts_as_long_as_the_api_tells_up_to_an_hour() {
        let refused = |minutes| Throttled { runs: 2, at: at(0), regain_minutes: Some(minutes) };
        assert_eq!(
            [1, 30, 59, 600, u32::MAX].map(|m| refused(m).pause(at(1))),
            [9, 30, 59, 60, 60].map(|m| Some(at(m)))
        );
    }

    #[test]
    fn a_usage_slows_down_from_80_percent_for_an_hour() {
        assert!(!LastUsage::new(79, at(0)).slows_down(at(0)));
        assert!(LastUsage::new(80, at(0)).slows_down(at(59)));
        assert!(!LastUsage::new(100, at(0)).slows_down(at(60)));
    }
}
