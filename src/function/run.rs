//! One invocation: its time limits, and what it did.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Cause;
use crate::event::Event;
use crate::notices::{Problem, TopicProblems};
use crate::report::Summary;
use crate::stop::Stop;

/// The time before Lambda's deadline at which unfinished topics are given up. It is for storing and
/// reporting.
pub const STORING_TIME: Duration = Duration::from_secs(2);

/// The time limit of a run whose deadline is unknown.
const UNKNOWN_DEADLINE: Duration = Duration::from_secs(60);

/// The part of the storing time that is reserved for the response.
const RESPONDING_TIME: Duration = Duration::from_millis(250);

/// One invocation, as the Lambda runtime describes it.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The id that groups the log lines of the run.
    pub request_id: String,
    /// Lambda's deadline. `cargo lambda watch` sends one in the past; it counts as unknown.
    pub deadline: SystemTime,
    /// Ends the run early when it is cancelled, as the deadline does. A person at a terminal can cancel it.
    pub interrupt: CancellationToken,
}

impl Invocation {
    /// An invocation that is never interrupted.
    pub fn new(request_id: String, deadline: SystemTime) -> Self {
        Self { request_id, deadline, interrupt: CancellationToken::new() }
    }
}

/// The start and the time limits of a run.
pub(super) struct Run {
    pub(super) started: DateTime<Utc>,
    clock: Instant,
    /// The end of collecting.
    pub(super) stop: Stop,
    /// The end of storing.
    pub(super) end: Instant,
}

/// What a run did, whether or not it succeeded.
#[derive(Default)]
pub(super) struct Done {
    /// The figures of the work. Those of the event are added by [`Run::summary`].
    pub(super) figures: Summary,
    pub(super) error_log: String,
    pub(super) target_file: String,
    pub(super) critical: Vec<Problem>,
    /// The problems of the topics; `None` if nothing was collected from them.
    pub(super) topics: Option<TopicProblems>,
    pub(super) error: Option<Cause>,
}

impl From<Cause> for Done {
    fn from(error: Cause) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

impl Run {
    pub(super) fn start(invocation: &Invocation) -> Self {
        let (clock, started) = (Instant::now(), Utc::now());
        let left = invocation.deadline.duration_since(SystemTime::now()).unwrap_or(UNKNOWN_DEADLINE);
        let end = clock + left.saturating_sub(RESPONDING_TIME);
        let stop = Stop::new(clock + left.saturating_sub(STORING_TIME), invocation.interrupt.clone());
        Self { started, clock, stop, end }
    }

    /// The time that names the objects.
    pub(super) fn time(&self, event: Option<&Event>) -> DateTime<Utc> {
        event.and_then(|event| event.time).unwrap_or(self.started)
    }

    /// The run in figures: those of its work, its event and its time. `event` is `None` if it could not be read.
    pub(super) fn summary(&self, event: Option<&Event>, has_failed: bool, figures: Summary) -> Summary {
        // There are thousands of shards. One that failed has to be repeated with its topics.
        let lists_topics = |event: &&Event| event.shard.is_none() || has_failed;
        Summary {
            job: event.map(|event| event.job.name()),
            time: self.time(event).to_rfc3339_opts(SecondsFormat::Secs, true),
            shard: event.and_then(|event| Some(event.shard.as_ref()?.as_str().to_owned())),
            secret_id: event.and_then(|event| Some(event.secret_id.as_ref()?.as_str().to_owned())),
            topics: event
                .filter(lists_topics)
                .and_then(Event::topics)
                .map(|topics| topics.into_iter().map(str::to_owned).collect()),
            elapsed_ms: u64::try_from(self.clock.elapsed().as_millis()).expect("a run takes minutes"),
            ..figures
        }
    }
}
