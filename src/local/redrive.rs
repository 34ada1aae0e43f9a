//! `luxury-brands redrive`: the failed events of a queue, run again by the deployed function.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;

use super::backend;
use super::interrupt::{Interrupt, Signal};
use crate::config::{Config, Limits, PACKAGED};
use crate::event::Event;
use crate::redact::Redactor;
use crate::telemetry::printable;
use crate::topic::Job;
use crate::{aws, http};

mod invoke;
mod message;
mod queue;

use invoke::{DeployedFunction, Outcome};
use message::{FailedEvent, Waiting, sort};
use queue::Queue;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RedriveArgs {
    /// The function's name or ARN, the output FunctionName of the stack
    #[arg(long, value_name = "NAME")]
    function: String,
    /// The queue that holds the events; by default the one that takes the function's failed events
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// Also run events up to this age; by default none that is older than one period of its job
    #[arg(long, value_name = "HOURS")]
    max_age: Option<u32>,
    /// List the events and run none
    #[arg(long)]
    dry_run: bool,
    /// The configuration whose schedule gives each job's period; `packaged` is the one built into this program
    #[arg(long, value_name = "FILE", default_value = PACKAGED)]
    config: PathBuf,
}

const EXAMPLES: &str = "The events run one after another, the latest first. The first one that the API throttles ends \
    the command, as does a failure that every run would meet, such as a refused token. The message of an event is \
    deleted once its run has succeeded; all others stay. The exit status is 1 where an event failed or could not be \
    read.

Examples:
  luxury-brands redrive --function FUNCTION --dry-run
  luxury-brands redrive --function FUNCTION
  luxury-brands redrive --function FUNCTION --max-age 24";

/// A day: the period of the job that asks about the token.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which events run.
struct Ages {
    limits: Limits,
    most: Option<Duration>,
    now: DateTime<Utc>,
}

impl Ages {
    /// Whether what is collected now is too late for the event's time. One without a time is stored under the time of
    /// its run.
    fn is_too_old(&self, event: &Event) -> bool {
        let age = event.time.and_then(|time| (self.now - time).to_std().ok()).unwrap_or_default();
        let hourly = |runs: u32| Duration::from_secs(60 * 60) / runs.max(1);
        let period = match event.job {
            Job::BrandMedia => hourly(self.limits.brand_media_runs_per_hour),
            Job::Hashtag => hourly(self.limits.hashtag_runs_per_hour),
            Job::Token => DAY,
        };
        age > self.most.unwrap_or(period).max(period)
    }
}

/// What came of the events, in numbers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    run: usize,
    failed: usize,
    too_old: usize,
    waiting: usize,
    unread: usize,
}

impl RedriveArgs {
    pub(super) async fn run(self, verbose: u8) -> Result<ExitCode> {
        let limits = Config::load(&self.config)?.limits;
        let most = self.max_age.map(|hours| Duration::from_secs(u64::from(hours) * 60 * 60));
        let ages = Ages { limits, most, now: Utc::now() };
        let redactor: Arc<Redactor> = Arc::default();
        backend::log(verbose, &redactor);
        let interrupt = Interrupt::listen()?;
        let config = aws::redacting(&aws::from_everywhere(http::client()?).await, Arc::clone(&redactor));
        let sqs = aws_sdk_sqs::Client::new(&config);
        let function = DeployedFunction::new(&config, self.function.clone(), Arc::clone(&redactor));
        let url = match &self.queue {
            Some(url) => url.clone(),
            None => function.failure_queue(&sqs).await?,
        };
        let mut queue = Queue::new(sqs, url, Arc::clone(&redactor));
        let done = self.redrive(&function, &mut queue, &ages, &interrupt, &Lines(redactor)).await;
        let hidden = queue.release().await;
        if hidden > 0 {
            eprintln!("{hidden} messages stay hidden for up to half an hour: they could not be given back");
        }
        let code = done?;
        Ok(interrupt.signal().map_or(code, Signal::exit_code))
    }

    async fn redrive(
        &self,
        function: &DeployedFunction,
        queue: &mut Queue,
        ages: &Ages,
        interrupt: &Interrupt,
        lines: &Lines,
    ) -> Result<ExitCode> {
        let token = interrupt.token();
        let messages = tokio::select! {
            messages = queue.receive() => messages?,
            () = token.cancelled() => return Ok(ExitCode::FAILURE),
        };
        let (waiting, unread) = sort(&messages, &self.function);
        let mut count = Count { unread: unread.len(), ..Count::default() };
        for (id, why) in &unread {
            lines.print("FAIL", &format!("message {id}: {why}"));
        }
        let mut stopped = false;
        for Waiting { failed, messages } in &waiting {
            let about = about(failed, messages.len());
            if ages.is_too_old(&failed.event) {
                count.too_old += 1;
                lines.print("old", &about);
                continue;
            }
            if self.dry_run || stopped {
                count.waiting += 1;
                lines.print("wait", &about);
                continue;
            }
            queue.keep_hidden().await?;
            let outcome = tokio::select! {
                outcome = function.run(&failed.payload) => outcome,
                () = token.cancelled() => Outcome::Stopped("interrupted: the run may still end, and its message stays".to_owned()),
            };
            match outcome {
                Outcome::Succeeded(sentence) => {
                    count.run += 1;
                    lines.print("ok", &format!("{about} -> {sentence}"));
                    if let Err(error) = queue.delete(messages).await {
                        lines.print(
                            "warn",
                            &format!(
                                "its message stays and would run once more, which replaces its objects: {error:#}"
                            ),
                        );
                    }
                }
                Outcome::Failed(why) => {
                    count.failed += 1;
                    lines.print("FAIL", &format!("{about} -> {why}"));
                }
                Outcome::Stopped(why) => {
                    count.failed += 1;
                    lines.print("FAIL", &format!("{about} -> {why}"));
                    stopped = true;
                }
            }
        }
        eprintln!("{}", count.told(stopped));
        Ok(if count.failed + count.unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Count {
    /// The last line.
    fn told(&self, stopped: bool) -> String {
        let Self { run, failed, too_old, waiting, unread } = self;
        let parts = [
            (*run, "run again"),
            (*failed, if stopped { "failed, and the last failure ends the command" } else { "failed" }),
            (*waiting, "waiting"),
            (*too_old, "older than a period of the job, which --max-age runs under its own time"),
            (*unread, "without an event that could be run"),
        ];
        let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { "the queue is empty".to_owned() } else { parts.join("; ") }
    }
}

/// An event and its failure, on one line.
fn about(failed: &FailedEvent, messages: usize) -> String {
    let FailedEvent { event, tries, why, .. } = failed;
    let time = event.time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let topics = event.topics().map(|topics| format!(" {}", topics.join(", "))).unwrap_or_default();
    let shard = event.shard.as_ref().map(|shard| format!(" shard {}", shard.as_str())).unwrap_or_default();
    let times = if *tries == 1 { "once".to_owned() } else { format!("{tries} times") };
    let of = if messages > 1 { format!(" in {messages} messages") } else { String::new() };
    format!(
        "{:<11}  {:<20}{topics}{shard}  tried {times}{of}, {why}",
        event.job.name(),
        time.as_deref().unwrap_or("no time")
    )
}

/// Prints lines without secrets. Each is one line, whatever a message holds.
struct Lines(Arc<Redactor>);

impl Lines {
    fn print(&self, word: &str, line: &str) {
        println!("{word:<4}  {}", printable(&self.0.redact(line)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn event(given: &Value) -> Event {
        Event::parse(given).unwrap()
    }

    fn ages(most: Option<Duration>) -> Ages {
        let limits = Config::load(PACKAGED.as_ref()).unwrap().limits;
        Ages { limits, most, now: NOW.parse().unwrap() }
    }

    #[test]
    fn an_event_older_than_a_period_of_its_job_is_too_old_unless_more_is_allowed() {
        for (job, on_time, late) in [
            ("brand_media", "2026-11-24T11:00:00Z", "2026-11-24T10:59:59Z"),
            ("hashtag", "2026-11-24T11:55:00Z", "2026-11-24T11:54:59Z"),
            ("token", "2026-11-23T12:00:00Z", "2026-11-23T11:59:59Z"),
        ] {
            let at = |time: &str| event(&json!({"job": job, "time": time}));
            let is_too_old = |most: Option<Duration>, time: &str| ages(most).is_too_old(&at(time));
            assert_eq!([on_time, late].map(|time| is_too_old(None, time)), [false, true], "{job}");
            assert!(!is_too_old(Some(2 * DAY), late) && is_too_old(Some(2 * DAY), "2026-11-22T11:59:59Z"), "{job}");
            assert!(!is_too_old(Some(Duration::ZERO), on_time), "one that would run anyway still runs");
            assert!(!is_too_old(None, "2026-11-24T13:00:00Z"), "a clock that is behind makes nothing old");
        }
        assert!(!ages(None).is_too_old(&event(&json!("hashtag"))), "without a time it is stored as of now");
    }

    #[test]
    fn a_line_tells_the_event_and_its_failure() {
        let of = |payload: Value, tries| FailedEvent {
            event: event(&payload),
            payload,
            function: None,
            tries,
            why: "secret: it was denied".into(),
        };
        insta::assert_snapshot!([
            about(&of(json!({"job": "hashtag", "time": NOW}), 2), 1),
            about(&of(json!({"job": "brand_media", "time": NOW, "accounts": ["dior", "gucci"], "shard": "s-1"}), 1), 1),
            about(&of(json!("token"), 4), 2),
        ].join("\n"), @r"
        hashtag      2026-11-24T12:00:00Z  tried 2 times, secret: it was denied
        brand_media  2026-11-24T12:00:00Z dior, gucci shard s-1  tried once, secret: it was denied
        token        no time               tried 4 times in 2 messages, secret: it was denied
        ");
    }

    #[test]
    fn the_last_line_tells_what_is_left_and_why() {
        let all = Count { run: 3, failed: 1, too_old: 12, waiting: 2, unread: 1 };
        insta::assert_snapshot!([all.told(true), all.told(false), Count::default().told(false)].join("\n"), @r"
        3 run again; 1 failed, and the last failure ends the command; 2 waiting; 12 older than a period of the job, which --max-age runs under its own time; 1 without an event that could be run
        3 run again; 1 failed; 2 waiting; 12 older than a period of the job, which --max-age runs under its own time; 1 without an event that could be run
        the queue is empty
        ");
    }
}
