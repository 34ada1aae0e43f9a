//! Why an invocation failed. The kinds stay the same over versions.

use crate::config::ConfigError;
use crate::counted::counted;
use crate::diagnosis::Diagnosis;
use crate::event::EventError;
use crate::graph::Failure;
use crate::secret::SecretError;
use crate::sink::Unusable;

/// The cause of a failed invocation.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The event cannot be run.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Http(#[from] reqwest::Error),
    /// There was nothing to collect.
    #[error("nothing was collected: {}", .0.row().cause)]
    NothingCollected(Diagnosis),
    /// A signal ended the run before its first call.
    #[error("nothing was collected: the run was interrupted")]
    Interrupted,
    /// Every topic failed, or the other topics returned no record. The log has each cause with its topics.
    #[error("nothing was collected: {}: {first}", some_failed(*.failed, *.topics))]
    TopicsFailed {
        /// The number of topics that failed.
        failed: usize,
        /// The number of topics.
        topics: usize,
        /// The failure of the first topic with the most frequent cause.
        first: Failure,
    },
    /// The token's state could not be requested. The log has the failure.
    #[error("nothing was collected: the access token's state is unknown: {0}")]
    TokenUnknown(Failure),
    /// An object could not be stored.
    #[error("{0}")]
    Store(String, Diagnosis),
    /// No object could be stored, so nothing was collected.
    #[error("nothing was collected, since nothing could be stored: {0}")]
    Sink(#[from] Unusable),
}

fn some_failed(failed: usize, topics: usize) -> String {
    format!("{failed} of {} failed", counted(topics, "topic"))
}

impl Cause {
    /// The kind: Lambda's `errorType`, for alarms and queries.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Secret(_) => "secret",
            Self::Sink(unusable) if matches!(unusable.problem.diagnosis, Diagnosis::NoRegion) => "secret",
            Self::Config(_) => "config",
            Self::Http(_) => "http",
            Self::NothingCollected(_) | Self::Interrupted | Self::TopicsFailed { .. } | Self::TokenUnknown(_) => {
                "nothing_collected"
            }
            Self::Store(..) | Self::Sink(_) => "store",
        }
    }

    /// The row of the table of causes.
    pub fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Event(_) => Diagnosis::Event,
            Self::Secret(error) => error.diagnosis(),
            Self::Config(_) => Diagnosis::Configuration,
            Self::Http(_) => Diagnosis::Certificate,
            Self::NothingCollected(diagnosis) | Self::Store(_, diagnosis) => *diagnosis,
            Self::TopicsFailed { first, .. } | Self::TokenUnknown(first) => first.diagnosis,
            Self::Interrupted => Diagnosis::Interrupted,
            Self::Sink(unusable) => unusable.problem.diagnosis,
        }
    }

    /// The text with the next step, which the texts of some causes already have.
    pub fn with_next_step(&self) -> String {
        match self {
            Self::NothingCollected(diagnosis) => format!("{self}; next step: {}", diagnosis.row().next),
            Self::TopicsFailed { first, .. } | Self::TokenUnknown(first) => format!("{self}. {}", first.sentence()),
            Self::Store(_, diagnosis) => format!("{self}; {}", diagnosis.sentence()),
            _ => self.to_string(),
        }
    }

    /// The text with the next step, without what is already in the log.
    pub fn beyond_the_log(&self) -> String {
        match self {
            Self::TopicsFailed { failed, topics, first } => {
                format!("nothing was collected: {}: {}", some_failed(*failed, *topics), first.sentence())
            }
            Self::TokenUnknown(failure) => {
                format!("nothing was collected: the access token's state is unknown: {}", failure.sentence())
            }
            _ => self.with_next_step(),
        }
    }
}
