//! The API's limits: how much of them is used, and how fast a run may call and repeat a call.
//!
//! A throttled caller that continues to make calls waits longer ("continuing to make calls will increase the time
//! before calls succeed", Graph API, Rate Limiting).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use serde_json::Value;

/// What the headers of one response say. The API sends them only after "enough requests", so a missing value
/// is unknown and not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The highest percentage of any limit.
    pub percent: Option<u32>,
    /// Minutes until calls succeed again, if the API says so.
    pub regain_minutes: Option<u32>,
}

/// The keys that hold percentages. Other keys do not; some of them are undocumented.
const PERCENTAGES: [&str; 3] = ["call_count", "total_cputime", "total_time"];

impl Usage {
    /// A WARNING is logged from this percentage on.
    pub const WARN_PERCENT: u32 = 80;

    /// No further call is started from this percentage on.
    pub const STOP_PERCENT: u32 = 95;

    /// Reads `X-App-Usage` and `X-Business-Use-Case-Usage`. Anything that is not as documented is skipped.
    pub fn read(headers: &HeaderMap) -> Self {
        let json = |name: &str| {
            headers.get_all(name).iter().filter_map(|v| serde_json::from_slice(v.as_bytes()).ok()).collect()
        };
        let mut usage = Self::default();
        let app: Vec<Value> = json("x-app-usage");
        app.iter().for_each(|value| usage.add(value));
        let business: Vec<Value> = json("x-business-use-case-usage");
        let entries =
            business.iter().filter_map(Value::as_object).flat_map(|o| o.values()).filter_map(Value::as_array).flatten();
        for entry in entries.filter(|entry| counts(entry)) {
            usage.add(entry);
            let minutes = entry.get("estimated_time_to_regain_access").and_then(whole).filter(|m| *m > 0);
            usage.regain_minutes = usage.regain_minutes.max(minutes);
        }
        usage
    }

    fn add(&mut self, value: &Value) {
        let highest = PERCENTAGES.iter().filter_map(|key| value.get(key).and_then(whole)).max();
        self.percent = self.percent.max(highest);
    }

    /// The higher values of both.
    pub fn max(self, other: Self) -> Self {
        Self { percent: self.percent.max(other.percent), regain_minutes: self.regain_minutes.max(other.regain_minutes) }
    }
}

/// Whether an entry is of the product that our calls count against: each product has its own limit.
fn counts(entry: &Value) -> bool {
    entry.get("type").and_then(Value::as_str).is_none_or(|product| product == "instagram")
}

fn whole(value: &Value) -> Option<u32> {
    // A float-to-integer cast saturates, so nothing that a header holds can overflow it.
    value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u32)
}

/// The maximum number of concurrent calls once a response has reported a usage of [`Usage::WARN_PERCENT`] or more.
pub(super) const MAX_CONCURRENT_NEAR_LIMIT: usize = 4;

/// How long a reported usage counts. The limits are those of a rolling hour.
const USAGE_COUNTS: TimeDelta = TimeDelta::hours(1);

/// The number of throttled runs that each try one call before later runs pause.
const RUNS_BEFORE_PAUSE: u32 = 2;

/// The shortest pause: it skips every other one of the 5-minute runs, with a minute of tolerance for their jitter.
const MIN_PAUSE: Duration = Duration::from_secs(9 * 60);

/// The longest pause, whatever the API says.
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);

/// What is remembered of throttling from run to run.
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

    /// Until when a run that can wait makes no call; `None` if it tries one.
    pub(super) fn pause(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let regain = Duration::from_secs(u64::from(self.regain_minutes.unwrap_or(0)) * 60);
        let until = self.at + regain.clamp(MIN_PAUSE, MAX_PAUSE);
        (self.runs >= RUNS_BEFORE_PAUSE && now < until).then_some(until)
    }
}

/// Whether a usage that was reported `age` ago limits the calls to [`MAX_CONCURRENT_NEAR_LIMIT`] at a time.
pub(super) fn slows_down(percent: u32, age: TimeDelta) -> bool {
    percent >= Usage::WARN_PERCENT && age < USAGE_COUNTS
}

/// The tries of one call, including the first one.
pub(super) const TRIES: u32 = 3;

/// The upper bound of the first wait. Each further bound is twice the one before.
const FIRST_BACKOFF: Duration = Duration::from_millis(400);

/// The largest bound.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The longest `Retry-After` that is honoured. With a longer one the topic fails.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The waits between tries: exponential backoff with full jitter. Each wait is drawn at random between zero
/// and its bound, so that topics that failed together are not tried again together ("Exponential Backoff
/// And Jitter", AWS Architecture Blog).
pub(super) fn backoff() -> impl Iterator<Item = Duration> + Send + Sync + Unpin {
    (0..TRIES - 1).map(|n| bound(n).mul_f64(fastrand::f64()))
}

fn bound(n: u32) -> Duration {
    FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(n)).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
    fn a_pause_lasts_as_long_as_the_api_says_up_to_an_hour() {
        let refused = |minutes| Throttled { runs: 2, at: at(0), regain_minutes: Some(minutes) };
        assert_eq!(
            [1, 30, 59, 600, u32::MAX].map(|m| refused(m).pause(at(1))),
            [9, 30, 59, 60, 60].map(|m| Some(at(m)))
        );
    }

    #[test]
    fn a_usage_slows_down_from_80_percent_for_an_hour() {
        assert!(!slows_down(79, TimeDelta::zero()) && slows_down(80, TimeDelta::minutes(59)));
        assert!(!slows_down(100, TimeDelta::hours(1)));
    }

    fn read(app: &str, business: &str) -> Usage {
        let mut headers = HeaderMap::new();
        headers.insert("x-app-usage", HeaderValue::from_bytes(app.as_bytes()).unwrap());
        headers.insert("x-business-use-case-usage", HeaderValue::from_bytes(business.as_bytes()).unwrap());
        Usage::read(&headers)
    }

    #[test]
    fn the_highest_percentage_counts_and_minutes_are_no_percentage() {
        let business = r#"{"178":[{"type":"instagram","call_count":41,"total_cputime":25,"total_time":97,"estimated_time_to_regain_access":190}],"2":[{"call_count":3}]}"#;
        assert_eq!(
            read(r#"{"call_count":28,"total_time":25,"total_cputime":25}"#, business),
            Usage { percent: Some(97), regain_minutes: Some(190) }
        );
    }

    #[test]
    fn the_usage_of_another_product_does_not_count() {
        let business = r#"{"1":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":60},{"type":"instagram","call_count":3}]}"#;
        assert_eq!(read("{}", business), Usage { percent: Some(3), regain_minutes: None });
    }

    #[test]
    fn what_is_missing_or_not_as_documented_is_unknown() {
        assert_eq!(Usage::read(&HeaderMap::new()), Usage::default());
        assert_eq!(read("oops", r#"{"178":{"call_count":99}}"#), Usage::default());
        assert_eq!(read(r#"{"call_volume":99,"call_count":"99","total_time":-1}"#, "[]"), Usage::default());
        assert_eq!(read(r#"{"call_count":96.7}"#, "{}").percent, Some(96));
    }

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
