//! Why an invocation failed. The kinds stay the same over versions.

use crate::config::ConfigError;
use crate::diagnosis::Diagnosis;
use crate::event::EventError;
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
    /// No topic gave a record.
    #[error("nothing was collected: {0}")]
    NothingCollected(String),
    /// Every topic failed, or those that did not gave no record. Each failure was logged by itself.
    #[error("nothing was collected: {failed} of {topics} topics failed, the first of them {first}")]
    TopicsFailed {
        /// The number of topics that failed.
        failed: usize,
        /// The number of topics.
        topics: usize,
        /// The first one's name and failure.
        first: String,
    },
    /// The question about the token failed. The failure was logged by itself.
    #[error("nothing was collected: the access token's state is unknown: {0}")]
    TokenUnknown(String),
    /// An object could not be stored.
    #[error("{0}")]
    Store(String),
    /// No object could be stored, so nothing was collected.
    #[error("nothing was collected, since nothing could be stored: {0}")]
    Sink(#[from] Unusable),
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
            Self::NothingCollected(_) | Self::TopicsFailed { .. } | Self::TokenUnknown(_) => "nothing_collected",
            Self::Store(_) | Self::Sink(_) => "store",
        }
    }
}
