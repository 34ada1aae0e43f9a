//! `local retry`: from what a run told, the run that repairs it.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use chrono::DateTime;
use clap::Args;
use serde::Serialize;

use super::print_faults;
use super::run::{RunOn, given};
use crate::report::Summary;
use crate::telemetry::printable;
use crate::topic::Job;

mod past;

use past::PastRun;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RetryArgs {
    /// What the run told, as a file, as JSON, or - for standard input
    #[arg(value_name = "FILE|JSON|-")]
    told: String,
    /// Print the event that repairs the run, as one line of JSON, and run nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    on: RunOn,
}

const EXAMPLES: &str = r#"Examples:
  local retry response.json
  aws s3 cp s3://BUCKET/quality/...json - | local retry - --dry-run
  aws lambda invoke --function-name FUNCTION --cli-binary-format raw-in-base64-out \
      --payload "$(local retry response.json --dry-run)" again.json"#;

impl RetryArgs {
    pub(super) async fn run(self, verbose: u8) -> Result<ExitCode> {
        if self.on.asks_for_help() {
            return Ok(print_faults());
        }
        let (name, text) = self.given()?;
        let told = past::read(name, &text).map_err(|error| anyhow!(error))?;
        let Some((event, why)) = repair(&told).map_err(|error| anyhow!(error))? else {
            eprintln!("nothing failed in this run: nothing is repeated");
            return Ok(ExitCode::SUCCESS);
        };
        eprintln!("{}", printable(&why));
        if self.dry_run {
            println!("{}", event.to_json());
            return Ok(ExitCode::SUCCESS);
        }
        self.on.run(&serde_json::to_value(&event)?, verbose).await
    }

    /// What is given, and a name for it.
    fn given(&self) -> Result<(&str, String)> {
        if self.told == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            return Ok(("standard input", text));
        }
        let text = given("", &self.told)?;
        Ok((if text == self.told { "the JSON given" } else { &self.told }, text))
    }
}

/// The event that repairs a run. Its fields are in the order in which a person reads them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Repair {
    job: &'static str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashtags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<String>,
}

impl Repair {
    /// One line of JSON.
    pub(super) fn to_json(&self) -> String {
        // Strings and lists: writing them into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The event that repairs what is left of a run that ended as `summary` tells; `None` where nothing is, or
/// nothing can be.
pub(super) fn of_summary(summary: &Summary) -> Option<Repair> {
    let told = past::read("the summary", &summary.to_json()).ok()?;
    repair(&told).ok()?.map(|(event, _)| event)
}

/// The event that repairs a run, and why it is that one; `None` where nothing failed.
///
/// Where objects lack or nothing was stored, the run is repeated as it was, since its objects' names are then
/// free, or hold what it would store again. Else the topics that failed are run alone and without its shard:
/// their objects lie beside those that there are, which a run under the same name would replace by fewer
/// records.
fn repair(told: &PastRun) -> Result<Option<(Repair, String)>, String> {
    let error = told.error.as_ref();
    let words = || error.map(|(_, words)| format!(": {words}")).unwrap_or_default();
    let Some(job) = told.job.as_deref().and_then(Job::named) else {
        return Err(format!("no job is told, so there is nothing to repeat: correct the event{}", words()));
    };
    let Some(key) = job.topics_key() else {
        let failed = error.is_some() || !told.failed.is_empty();
        let told = "the job \"token\" stores nothing that could be repaired: run it again with `local token`";
        return if failed { Err(told.to_owned()) } else { Ok(None) };
    };
    let is_lost = told.lost > 0 || error.is_some_and(|(kind, _)| kind == "store");
    if !is_lost && told.stored && told.failed.is_empty() {
        return Ok(None);
    }
    let time = told.time.clone().filter(|time| DateTime::parse_from_rfc3339(time).is_ok());
    let time = time.ok_or("no time is told under which to repeat it: give the event its \"time\" by hand")?;
    let as_it_was = is_lost || !told.stored;
    let (topics, shard, why) = if as_it_was {
        let what = match told.lost {
            _ if !is_lost => "nothing was stored".to_owned(),
            0 | 1 => "an object could not be stored".to_owned(),
            lost => format!("{lost} objects could not be stored"),
        };
        let why = format!("{what}{}: the run is repeated as it was", words());
        (told.topics.clone(), told.shard.clone(), why)
    } else {
        let why = format!("{} failed: run again alone, beside the run's other objects", told.failed.join(", "));
        (Some(told.failed.clone()), None, why)
    };
    let listed = |of: &str| topics.clone().filter(|_| key == of);
    let (accounts, hashtags) = (listed("accounts"), listed("hashtags"));
    Ok(Some((Repair { job: job.name(), time, accounts, hashtags, shard, secret_id: told.secret_id.clone() }, why)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    /// A run of all topics in which gucci failed.
    fn told() -> PastRun {
        PastRun {
            job: Some("brand_media".into()),
            time: Some("2026-11-24T03:00:00Z".into()),
            failed: vec!["gucci".into()],
            stored: true,
            ..PastRun::default()
        }
    }

    fn event(told: &PastRun) -> String {
        let (event, _) = repair(told).unwrap().unwrap();
        assert!(Event::parse(&serde_json::to_value(&event).unwrap()).is_ok());
        event.to_json()
    }

    fn error(kind: &str) -> Option<(String, String)> {
        Some((kind.into(), "because".into()))
    }

    #[test]
    fn topics_that_failed_are_repeated_alone_under_the_runs_time() {
        insta::assert_snapshot!(event(&told()), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["gucci"]}"#);
        let hashtag = PastRun { job: Some("hashtag".into()), failed: vec!["été".into(), "dior".into()], ..told() };
        insta::assert_snapshot!(event(&hashtag), @r#"{"job":"hashtag","time":"2026-11-24T03:00:00Z","hashtags":["été","dior"]}"#);
        let of_some = PastRun { topics: Some(vec!["dior".into(), "gucci".into()]), ..told() };
        assert_eq!(event(&of_some), event(&told()));
    }

    #[test]
    fn a_failed_topic_of_a_shard_keeps_its_credential_and_leaves_the_shards_object_alone() {
        let shard = PastRun { shard: Some("s-1".into()), secret_id: Some("c/1".into()), ..told() };
        insta::assert_snapshot!(event(&shard), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["gucci"],"secret_id":"c/1"}"#);
    }

    #[test]
    fn a_run_that_lost_objects_is_repeated_as_it_was() {
        let whole = r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z"}"#;
        assert_eq!(event(&PastRun { lost: 1, ..told() }), whole);
        assert_eq!(event(&PastRun { error: error("store"), failed: Vec::new(), ..told() }), whole);
        let topics = Some(vec!["dior".to_owned(), "gucci".to_owned()]);
        let some = PastRun { topics, lost: 1, ..told() };
        insta::assert_snapshot!(event(&some), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["dior","gucci"]}"#);
        let shard = PastRun { shard: Some("s-1".into()), secret_id: Some("c/1".into()), ..some };
        insta::assert_snapshot!(event(&shard), @r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["dior","gucci"],"shard":"s-1","secret_id":"c/1"}"#);
    }

    #[test]
    fn a_run_that_stored_nothing_is_repeated_as_it_was_whatever_the_reason() {
        for (kind, failed) in
            [("secret", vec![]), ("config", vec![]), ("event", vec![]), ("nothing_collected", vec!["gucci".to_owned()])]
        {
            let none = PastRun { stored: false, failed, error: error(kind), ..told() };
            assert_eq!(event(&none), r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z"}"#);
            // A line of the log does not tell that it was an error.
            assert_eq!(event(&PastRun { error: None, ..none }), event(&PastRun { stored: false, ..told() }));
        }
        let some = PastRun { topics: Some(vec!["dior".into()]), stored: false, ..told() };
        assert!(event(&some).contains(r#""accounts":["dior"]"#));
    }

    #[test]
    fn a_run_in_which_nothing_failed_is_not_repeated() {
        assert_eq!(repair(&PastRun { failed: Vec::new(), ..told() }), Ok(None));
        let token = PastRun { job: Some("token".into()), failed: Vec::new(), stored: false, ..told() };
        assert_eq!(repair(&token), Ok(None));
    }

    #[test]
    fn what_cannot_be_repaired_says_what_to_do_instead() {
        for (told, said) in [
            (PastRun { job: Some("token".into()), stored: false, ..told() }, "`local token`"),
            (PastRun { job: None, error: error("event"), ..told() }, "correct the event: because"),
            (PastRun { job: Some("nonsense".into()), ..told() }, "no job is told"),
            (PastRun { time: None, ..told() }, "no time is told"),
            (PastRun { time: Some("yesterday".into()), ..told() }, "no time is told"),
        ] {
            let error = repair(&told).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn the_reason_names_what_failed() {
        let why = |told: &PastRun| repair(told).unwrap().unwrap().1;
        assert!(why(&told()).contains("gucci failed"));
        assert!(why(&PastRun { lost: 2, ..told() }).contains("2 objects could not be stored"));
        assert!(
            why(&PastRun { stored: false, error: error("secret"), ..told() }).contains("nothing was stored: because")
        );
    }
}
