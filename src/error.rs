//! Why an invocation failed, with a kind that stays the same over versions.

use std::fmt;
use std::sync::Arc;

use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::ConfigError;
use crate::event::EventError;
use crate::redact::Redactor;
use crate::report::Summary;
use crate::secret::SecretError;

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The event asks for nothing that the collector does.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Http(#[from] reqwest::Error),
    /// No topic gave a record, or the token's state was not told.
    #[error("nothing was collected: {0}")]
    NothingCollected(String),
    /// An object could not be stored.
    #[error("{0}")]
    Store(String),
    /// The results of a run's shards could not be summed up.
    #[error("{0}")]
    Rollup(String),
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
            Self::Rollup(_) => "rollup",
        }
    }
}

/// An error's words and those of its causes. For the AWS SDK's errors too, and not its
/// `DisplayErrorContext`: that one ends in a debug print of the whole answer, and the answer of Secrets
/// Manager is the secret.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// An invocation that failed, and what was done before.
pub struct Error {
    /// What failed.
    pub cause: Cause,
    /// The run in figures, as far as it came.
    pub summary: Box<Summary>,
    /// Takes the secrets out of the error's texts.
    pub redactor: Arc<Redactor>,
}

impl Error {
    /// What failed, in words.
    pub fn text(&self) -> String {
        self.redactor.redact(&self.cause.to_string()).into_owned()
    }
}

/// The text of an invocation error: JSON, so that whoever reads it finds the figures as data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorMessage<S> {
    /// What failed, in words.
    pub message: String,
    /// The run's [`Summary`].
    pub summary: S,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = ErrorMessage { message: self.cause.to_string(), summary: &*self.summary };
        // Strings, numbers and lists: writing them into memory cannot fail.
        f.write_str(&self.redactor.redact(&serde_json::to_string(&message).unwrap_or_default()))
    }
}

/// What failed and the summary, as an [`Error`]'s text holds them; a text that is no whole one of those, and
/// no summary.
pub fn parts(text: &str) -> (String, Option<Value>) {
    match serde_json::from_str(text) {
        Ok(ErrorMessage { message, summary }) => (message, Some(summary)),
        Err(_) => (text.to_owned(), None),
    }
}

/// What the runtime logs of a returned error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.kind(), self.text())
    }
}

/// Without a source: the texts of one would leave with its secrets.
impl std::error::Error for Error {}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.cause.kind().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_is_taken_apart_again_whatever_its_cause_quotes() {
        for cause in ["plain", "it says \"; summary: {}\" and ; summary: [", ""] {
            let summary = Box::new(Summary { job: Some("hashtag"), ..Summary::default() });
            let error = Error { cause: Cause::Store(cause.to_owned()), summary, redactor: Arc::default() };
            let (told, summary) = parts(&error.to_string());
            assert_eq!((told.as_str(), &summary.unwrap()["job"]), (cause, &Value::from("hashtag")));
        }
        for other in ["Task timed out after 60.00 seconds", r#"{"message":"cut","summary":{"job":"#, "7", "{}"] {
            assert_eq!(parts(other), (other.to_owned(), None));
        }
    }
}
