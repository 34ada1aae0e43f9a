//! The event of a roll-up.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::RollupError;
use collector::event::shown;
use collector::topic::Job;

/// The prefix of results. Outside it, the roll-up reads only its own summaries.
const RESULTS_PREFIX: &str = "runs/";

/// The ending of a manifest's key.
pub(super) const MANIFEST: &str = "/manifest.json";

/// What to sum up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupEvent {
    /// The shards' job.
    pub job: Job,
    /// The time that names the run's objects.
    pub time: DateTime<Utc>,
    /// Where the state machine's result writer left the results: the key of its `manifest.json`, or a prefix that
    /// ends in `/`. Below a prefix, the newest manifest counts.
    pub results: String,
}

impl RollupEvent {
    /// The event in a payload: an object with `job`, `time` (RFC 3339) and `results`.
    ///
    /// # Errors
    /// [`RollupError::Event`], which names what was given and what is allowed.
    pub fn parse(payload: &Value) -> Result<Self, RollupError> {
        let given = |key: &str| payload.get(key).unwrap_or(&Value::Null);
        let text = |key: &str| given(key).as_str();
        let wrong = |key: &'static str| RollupError::Event { key, given: shown(given(key)) };
        let job = text("job").and_then(Job::named).filter(|job| job.topics_key().is_some());
        let time = text("time").and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let results = text("results").filter(|key| {
            let parts = key.strip_suffix('/').unwrap_or(key);
            let plain = parts.split('/').all(|part| !matches!(part, "" | "." | ".."));
            plain && parts.starts_with(RESULTS_PREFIX) && (key.ends_with(MANIFEST) || key.ends_with('/'))
        });
        Ok(Self {
            job: job.ok_or_else(|| wrong("job"))?,
            time: time.ok_or_else(|| wrong("time"))?.with_timezone(&Utc),
            results: results.ok_or_else(|| wrong("results"))?.to_owned(),
        })
    }

    /// The time in a summary's form.
    pub fn time_text(&self) -> String {
        self.time.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({"job": "hashtag", "time": "2026-02-01T08:00:00+09:00", "results": "runs/a/b/manifest.json"})
    }

    #[test]
    fn it_names_its_job_its_time_and_its_results() {
        let event = RollupEvent::parse(&whole()).unwrap();
        assert_eq!((event.job, event.results.as_str()), (Job::Hashtag, "runs/a/b/manifest.json"));
        assert_eq!(event.time_text(), "2026-01-31T23:00:00Z");
        let mut below = whole();
        below["results"] = json!("runs/hashtag/2026-01-31T23:00:00Z/");
        assert_eq!(RollupEvent::parse(&below).unwrap().results, "runs/hashtag/2026-01-31T23:00:00Z/");
    }

    #[test]
    fn an_event_that_cannot_be_summed_up_is_an_error_with_the_given_value() {
        for (key, value) in [
            ("job", json!("token")),
            ("job", json!("rollup")),
            ("time", json!("x")),
            ("time", json!(null)),
            ("results", json!("raw/manifest.json")),
            ("results", json!("runs/../raw/manifest.json")),
            ("results", json!("runs/a/SUCCEEDED_0.json")),
            ("results", json!("runs/")),
            ("results", json!("runs//")),
        ] {
            let mut event = whole();
            event[key] = value.clone();
            let error = RollupEvent::parse(&event).unwrap_err().to_string();
            assert!(error.contains(&format!("{key:?}: {value}")) && error.contains("allowed"), "{error}");
        }
        for none in [json!("brand_media"), json!([]), json!(null)] {
            assert!(RollupEvent::parse(&none).is_err());
        }
    }
}
