//! Why an invocation failed. The kinds stay the same over versions.

use crate::config::ConfigError;
use crate::event::EventError;
use crate::secret::SecretError;

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
    /// No topic gave a record, or the token's state is unknown.
    #[error("nothing was collected: {0}")]
    NothingCollected(String),
    /// An object could not be stored.
    #[error("{0}")]
    Store(String),
}

impl Cause {
    /// The kind: Lambda's `errorType`, for alarms and queries.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Secret(_) => "secret",
            Self::Config(_) => "config",
            Self::Http(_) => "http",
            Self::NothingCollected(_) => "nothing_collected",
            Self::Store(_) => "store",
        }
    }
}
