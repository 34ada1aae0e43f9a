//! The event that repairs a run, from any report of that run.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::stored::quality::TopicRun;
use collector::report::Summary;
use collector::topic::Job;

mod coverage;
mod previous;

pub(super) use coverage::Coverage;
pub(super) use previous::{PreviousRun, read};

/// The event that repairs a run. Its fields are in the order in which a person reads them.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Repair {
    job: &'static str,
    /// The time of the run, RFC 3339.
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<Selected>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashtags: Option<Vec<Selected>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<String>,
}

/// A topic of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Selected {
    Configured(String),
    /// A topic that is not configured.
    Defined {
        name: String,
        user_id: String,
    },
}

impl Selected {
    fn name(&self) -> &str {
        match self {
            Self::Configured(name) | Self::Defined { name, .. } => name,
        }
    }
}

impl Repair {
    /// One line of JSON.
    pub(super) fn to_json(&self) -> String {
        // The values are strings and lists. Writing them into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The event that repairs the run with this summary; `None` if nothing failed, or nothing can be repaired.
pub(super) fn of_summary(summary: &Summary) -> Option<Repair> {
    repair(&read("the summary", &summary.to_json()).ok()?, None).ok()?.map(|(event, _)| event)
}

impl PreviousRun {
    /// The job and the time of the objects that the run stored; `None` if the report does not say it, or if the job
    /// stores none.
    pub(super) fn objects(&self) -> Option<(Job, DateTime<Utc>)> {
        let job = Job::named(self.job.as_deref()?).filter(|job| job.topics_key().is_some())?;
        Some((job, DateTime::parse_from_rfc3339(self.time.as_deref()?).ok()?.to_utc()))
    }

    /// The topics that none of the objects has. Without the objects, those that failed in the run.
    fn missing(&self, objects: Option<&Coverage>) -> Vec<Selected> {
        let Some(objects) = objects else { return self.failed.iter().cloned().map(Selected::Configured).collect() };
        let selected = |run: &TopicRun| {
            let (name, user_id) = (run.topic.clone(), run.user_id.clone());
            let by_name = objects.is_configured(&name) || user_id.is_empty();
            if by_name { Selected::Configured(name) } else { Selected::Defined { name, user_id } }
        };
        objects.missing.iter().map(selected).collect()
    }
}

/// The event that repairs a run, and the reason for this choice; `None` if nothing is missing. `objects` are those of
/// the run's time, of other runs too; without them, the report says what is missing.
///
/// A run that lost objects, or stored none, is repeated unchanged: its keys are free, or have the same objects. If the
/// objects of other runs have some of its topics, or other topics are missing too, a run that stored none is not
/// repeated whole. Otherwise only the missing topics are run, without the shard. Their objects then have separate keys.
/// Under the run's keys they would replace its objects by fewer records.
///
/// # Errors
/// Why the run cannot be repaired, and what to do instead.
pub(super) fn repair(previous: &PreviousRun, objects: Option<&Coverage>) -> Result<Option<(Repair, String)>, String> {
    let error = previous.error.as_ref();
    let words = || error.map(|(_, words)| format!(": {words}")).unwrap_or_default();
    let Some(job) = previous.job.as_deref().and_then(Job::named) else {
        return Err(format!("no job is named, so there is nothing to repeat: correct the event{}", words()));
    };
    let Some(key) = job.topics_key() else {
        let failed = error.is_some() || !previous.failed.is_empty();
        let message =
            "the job \"token\" stores nothing that could be repaired: run it again with `luxury-brands token`";
        return if failed { Err(message.to_owned()) } else { Ok(None) };
    };
    let is_lost = previous.lost > 0 || error.is_some_and(|(kind, _)| kind == "store");
    let topics = previous.topics.as_deref();
    let is_there = objects.is_some_and(|objects| objects.has_all(topics));
    let is_there_in_part = objects.is_some_and(|objects| objects.has_some(topics));
    let missing = previous.missing(objects);
    let names_missing = |topics: &[String]| missing.iter().all(|topic| topics.iter().any(|name| name == topic.name()));
    let is_enough = objects.is_none() || topics.is_none_or(names_missing);
    let is_repeated_whole = !is_there && (is_lost || !previous.stored && !is_there_in_part && is_enough);
    if !is_repeated_whole && missing.is_empty() {
        return Ok(None);
    }
    let time = previous.time.clone().filter(|time| DateTime::parse_from_rfc3339(time).is_ok());
    let time = time.ok_or("no time is named under which to repeat it: give the event its \"time\" by hand")?;
    let (topics, shard, reason) = if is_repeated_whole {
        let what = match previous.lost {
            _ if !is_lost => "nothing was stored".to_owned(),
            0 | 1 => "an object could not be stored".to_owned(),
            lost => format!("{lost} objects could not be stored"),
        };
        let reason = format!("{what}{}: the run is repeated unchanged", words());
        let topics = previous.topics.as_ref().map(|topics| topics.iter().cloned().map(Selected::Configured).collect());
        (topics, previous.shard.clone(), reason)
    } else {
        let names: Vec<&str> = missing.iter().map(Selected::name).collect();
        let reason = format!("{} failed: only these are collected, into separate objects", names.join(", "));
        (Some(missing), None, reason)
    };
    let listed = |of: &str| topics.clone().filter(|_: &Vec<Selected>| key == of);
    let (accounts, hashtags) = (listed("accounts"), listed("hashtags"));
    Ok(Some((
        Repair { job: job.name(), time, accounts, hashtags, shard, secret_id: previous.secret_id.clone() },
        reason,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use collector::event::Event;

    /// A run of all topics in which gucci failed.
    fn previous_run() -> PreviousRun {
        PreviousRun {
            job: Some("brand_media".into()),
            time: Some("2026-11-24T03:00:00Z".into()),
            failed: vec!["gucci".into()],
            stored: true,
            ..PreviousRun::default()
        }
    }

    fn event(previous: &PreviousRun) -> String {
        let (event, _) = repair(previous, None).unwrap().unwrap();
        assert!(Event::parse(&serde_json::to_value(&event).unwrap()).is_ok());
        event.to_json()
    }

    fn error(kind: &str) -> Option<(String, String)> {
        Some((kind.into(), "because".into()))
    }

    #[test]
    fn only_failed_topics_are_repeated_under_the_runs_time() {
        insta::assert_snapshot!(event(&previous_run()), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["gucci"]}"#);
        let hashtag =
            PreviousRun { job: Some("hashtag".into()), failed: vec!["été".into(), "dior".into()], ..previous_run() };
        insta::assert_snapshot!(event(&hashtag), @r#"{"job":"hashtag","time":"2026-11-24T03:00:00Z","hashtags":["été","dior"]}"#);
        let of_some = PreviousRun { topics: Some(vec!["dior".into(), "gucci".into()]), ..previous_run() };
        assert_eq!(event(&of_some), event(&previous_run()));
    }

    #[test]
    fn a_failed_topic_of_a_shard_keeps_its_credential_and_does_not_replace_the_shards_object() {
        let shard = PreviousRun { shard: Some("s-1".into()), secret_id: Some("c/1".into()), ..previous_run() };
        insta::assert_snapshot!(event(&shard), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["gucci"],"secret_id":"c/1"}"#);
    }

    #[test]
    fn a_run_that_lost_objects_is_repeated_as_it_was() {
        let whole = r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z"}"#;
        assert_eq!(event(&PreviousRun { lost: 1, ..previous_run() }), whole);
        assert_eq!(event(&PreviousRun { error: error("store"), failed: Vec::new(), ..previous_run() }), whole);
        let topics = Some(vec!["dior".to_owned(), "gucci".to_owned()]);
        let some = PreviousRun { topics, lost: 1, ..previous_run() };
        insta::assert_snapshot!(event(&some), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["dior","gucci"]}"#);
        let shard = PreviousRun { shard: Some("s-1".into()), secret_id: Some("c/1".into()), ..some };
        insta::assert_snapshot!(event(&shard), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["dior","gucci"],"shard":"s-1","secret_id":"c/1"}"#);
    }

    #[test]
    fn a_run_that_stored_nothing_is_repeated_as_it_was_whatever_the_reason() {
        for (kind, failed) in
            [("secret", vec![]), ("config", vec![]), ("event", vec![]), ("nothing_collected", vec!["gucci".to_owned()])]
        {
            let none = PreviousRun { stored: false, failed, error: error(kind), ..previous_run() };
            assert_eq!(event(&none), r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z"}"#);
            // A line of the log does not say that it was an error.
            assert_eq!(
                event(&PreviousRun { error: None, ..none }),
                event(&PreviousRun { stored: false, ..previous_run() })
            );
        }
        let some = PreviousRun { topics: Some(vec!["dior".into()]), stored: false, ..previous_run() };
        assert!(event(&some).contains(r#""accounts":["dior"]"#));
    }

    #[test]
    fn a_run_in_which_nothing_failed_is_not_repeated() {
        assert_eq!(repair(&PreviousRun { failed: Vec::new(), ..previous_run() }, None), Ok(None));
        let token = PreviousRun { job: Some("token".into()), failed: Vec::new(), stored: false, ..previous_run() };
        assert_eq!(repair(&token, None), Ok(None));
    }

    #[test]
    fn what_cannot_be_repaired_says_what_to_do_instead() {
        for (run, expected) in [
            (PreviousRun { job: Some("token".into()), stored: false, ..previous_run() }, "`luxury-brands token`"),
            (PreviousRun { job: None, error: error("event"), ..previous_run() }, "correct the event: because"),
            (PreviousRun { job: Some("nonsense".into()), ..previous_run() }, "no job is named"),
            (PreviousRun { time: None, ..previous_run() }, "no time is named"),
            (PreviousRun { time: Some("yesterday".into()), ..previous_run() }, "no time is named"),
        ] {
            let error = repair(&run, None).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_reason_names_what_failed() {
        let reason = |previous: &PreviousRun| repair(previous, None).unwrap().unwrap().1;
        assert!(reason(&previous_run()).contains("gucci failed"));
        assert!(reason(&PreviousRun { lost: 2, ..previous_run() }).contains("2 objects could not be stored"));
        assert!(
            reason(&PreviousRun { stored: false, error: error("secret"), ..previous_run() })
                .contains("nothing was stored: because")
        );
    }
}
