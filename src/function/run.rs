//! A running invocation: its time limits, what is known of it so far, and its end.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::Instant;

use super::Invocation;
use crate::error::Cause;
use crate::graph::Failure;
use crate::redact::Redactor;
use crate::report::{Error, Response, Summary};
use crate::stop::Stop;

/// The time before Lambda's deadline at which unfinished topics are given up. It is for storing and
/// reporting.
const STORING_TIME: Duration = Duration::from_secs(2);

/// The time limit of a run whose deadline is unknown.
const UNKNOWN_DEADLINE: Duration = Duration::from_secs(60);

/// The part of the storing time that is reserved for the response.
const RESPONDING_TIME: Duration = Duration::from_millis(250);

/// The texts of the response.
#[derive(Default)]
pub(super) struct RunOutput {
    pub(super) error_log: String,
    pub(super) target_file: String,
}

/// A running invocation.
pub(super) struct Run {
    pub(super) started: DateTime<Utc>,
    clock: Instant,
    /// The end of collecting.
    pub(super) stop: Stop,
    /// The end of storing.
    pub(super) end: Instant,
    pub(super) summary: Summary,
    /// What made the log CRITICAL.
    pub(super) critical: Option<Failure>,
}

impl Run {
    pub(super) fn start(invocation: &Invocation) -> Self {
        let (clock, started) = (Instant::now(), Utc::now());
        let left = invocation.deadline.duration_since(SystemTime::now()).unwrap_or(UNKNOWN_DEADLINE);
        let end = clock + left.saturating_sub(RESPONDING_TIME);
        let stop = Stop::new(clock + left.saturating_sub(STORING_TIME), invocation.interrupt.clone());
        let time = started.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { started, clock, stop, end, summary: Summary { time, ..Summary::default() }, critical: None }
    }

    /// The time left for storing.
    pub(super) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    pub(super) fn finish(
        mut self,
        done: Result<RunOutput, Cause>,
        redactor: Arc<Redactor>,
        service: Option<&str>,
    ) -> Result<Response, Error> {
        self.summary.elapsed_ms = u64::try_from(self.clock.elapsed().as_millis()).expect("a run takes minutes");
        if done.is_ok() && self.summary.shard.is_some() {
            self.summary.topics = None;
        }
        self.summary.log(service);
        match done {
            Ok(RunOutput { error_log, target_file }) => {
                Ok(Response::new(self.started, error_log, target_file, self.summary, redactor))
            }
            Err(cause) => Err(Error { cause, summary: Box::new(self.summary), redactor }),
        }
    }
}
