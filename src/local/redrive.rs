//! `luxury-brands redrive`: the failed events of a queue, run again by the deployed function.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;

use super::backend;
use super::interrupt::{Interrupt, Signal};
use super::output::{self, Output};
use crate::config::{Config, Limits, PACKAGED};
use crate::event::Event;
use crate::redact::Redactor;
use crate::topic::Job;
use crate::{aws, http};

mod invoke;
mod lines;
mod message;
mod queue;

use invoke::{DeployedFunction, Outcome};
use lines::{Lines, Word};
use message::{Waiting, sort};
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

impl RedriveArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let limits = Config::load(&self.config)?.limits;
        let most = self.max_age.map(|hours| Duration::from_secs(u64::from(hours) * 60 * 60));
        let ages = Ages { limits, most, now: Utc::now() };
        let redactor: Arc<Redactor> = Arc::default();
        backend::log(output, &redactor);
        let interrupt = Interrupt::listen()?;
        let config = aws::redacting(&aws::from_everywhere(http::client()?).await, Arc::clone(&redactor));
        let sqs = aws_sdk_sqs::Client::new(&config);
        let function = DeployedFunction::new(&config, self.function.clone(), Arc::clone(&redactor));
        let url = match &self.queue {
            Some(url) => url.clone(),
            None => function.failure_queue(&sqs).await?,
        };
        let mut queue = Queue::new(sqs, url, Arc::clone(&redactor));
        let mut lines = Lines::new(output, redactor);
        let done = self.redrive(&function, &mut queue, &ages, &interrupt, &mut lines).await;
        let hidden = queue.release().await;
        if hidden > 0 {
            output::note(format_args!(
                "{hidden} messages stay hidden for up to half an hour: they could not be given back"
            ));
        }
        done?;
        let code = lines.finish(hidden)?;
        Ok(interrupt.signal().map_or(code, Signal::exit_code))
    }

    async fn redrive(
        &self,
        function: &DeployedFunction,
        queue: &mut Queue,
        ages: &Ages,
        interrupt: &Interrupt,
        lines: &mut Lines,
    ) -> Result<()> {
        let token = interrupt.token();
        let messages = tokio::select! {
            messages = queue.receive() => messages?,
            () = token.cancelled() => return Ok(()),
        };
        let (waiting, unread) = sort(&messages, &self.function);
        for (id, why) in &unread {
            lines.unread(id, why);
        }
        for Waiting { failed, messages } in &waiting {
            if ages.is_too_old(&failed.event) {
                lines.event(Word::Old, failed, messages.len(), None);
                continue;
            }
            if self.dry_run || lines.is_stopped() {
                lines.event(Word::Wait, failed, messages.len(), None);
                continue;
            }
            queue.keep_hidden().await?;
            let outcome = tokio::select! {
                outcome = function.run(&failed.payload) => outcome,
                () = token.cancelled() => Outcome::Stopped("interrupted: the run may still end, and its message stays".to_owned()),
            };
            match outcome {
                Outcome::Succeeded(sentence) => {
                    lines.event(Word::Ok, failed, messages.len(), Some(sentence));
                    if let Err(error) = queue.delete(messages).await {
                        lines.warn(&format!(
                            "its message stays and would run once more, which replaces its objects: {error:#}"
                        ));
                    }
                }
                Outcome::Failed(why) => lines.event(Word::Fail, failed, messages.len(), Some(why)),
                Outcome::Stopped(why) => {
                    lines.event(Word::Fail, failed, messages.len(), Some(why));
                    lines.stop();
                }
            }
        }
        Ok(())
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
}
