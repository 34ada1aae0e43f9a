//! The error of an invocation that failed, with the summary of what was done before.

use std::fmt;
use std::sync::Arc;

use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Summary;
use crate::error::Cause;
use crate::redact::Redactor;

/// The error of an invocation, with the summary of what was done before.
pub struct Error {
    /// What failed.
    pub cause: Cause,
    /// The summary of the run up to the failure.
    pub summary: Box<Summary>,
    /// Takes the secrets out of the error's texts.
    pub redactor: Arc<Redactor>,
}

impl Error {
    /// The cause, as text.
    pub fn text(&self) -> String {
        self.redactor.redact(&self.cause.with_next_step()).into_owned()
    }

    /// The cause as text, without what is already in the log.
    pub fn beyond_the_log(&self) -> String {
        self.redactor.redact(&self.cause.beyond_the_log()).into_owned()
    }
}

/// The text of an invocation error. It is JSON, so that the figures can be read as data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorMessage<S> {
    /// The cause, as text.
    pub message: String,
    /// The run's [`Summary`].
    pub summary: S,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = ErrorMessage { message: self.cause.with_next_step(), summary: &*self.summary };
        let text = serde_json::to_string(&message).expect("a struct of strings, numbers and lists is JSON");
        f.write_str(&self.redactor.redact(&text))
    }
}

/// The cause and the summary in an [`Error`]'s text. Any other text is returned whole, without a summary.
pub fn parts(text: &str) -> (String, Option<Value>) {
    match serde_json::from_str(text) {
        Ok(ErrorMessage { message, summary }) => (message, Some(summary)),
        Err(_) => (text.to_owned(), None),
    }
}

/// The runtime logs a returned error with `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.kind(), self.text())
    }
}

/// An error without a source, whose text would leave the process with its secrets.
impl std::error::Error for Error {}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.cause.kind().to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Diagnosis;

    #[test]
    fn the_parts_of_an_error_are_found_again_whatever_its_cause_quotes() {
        for cause in ["plain", "it says \"; summary: {}\" and ; summary: [", ""] {
            let summary = Box::new(Summary { job: Some("hashtag"), ..Summary::default() });
            let error =
                Error { cause: Cause::Store(cause.to_owned(), Diagnosis::Store), summary, redactor: Arc::default() };
            let (found, summary) = parts(&error.to_string());
            assert!(found.starts_with(&format!("{cause}; ")), "{found}");
            assert_eq!(summary.unwrap()["job"], "hashtag");
        }
        for other in ["Task timed out after 60.00 seconds", r#"{"message":"cut","summary":{"job":"#, "7", "{}"] {
            assert_eq!(parts(other), (other.to_owned(), None));
        }
    }
}
