//! The function's response.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::Summary;
use crate::redact::Redactor;

/// The function's response. It is only ever serialized to JSON, without the secrets that `redactor` knows.
#[derive(Debug, Clone)]
pub struct Response {
    fields: ResponseFields,
    redactor: Arc<Redactor>,
}

impl Deref for Response {
    type Target = ResponseFields;
    fn deref(&self) -> &ResponseFields {
        &self.fields
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.fields).map_err(S::Error::custom)?;
        let text = self.redactor.redact(&text).into_owned();
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// The parts of the response.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResponseFields {
    /// 200. Partial success is success, and everything else is an invocation error.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// When the run started, UTC, `%y%m%d_%H%M_%S`.
    pub start_time: String,
    /// When the run ended.
    pub end_time: String,
    /// The run in a sentence.
    pub body: String,
    /// A table of what was left out, defaulted or failed.
    pub error_log: String,
    /// `bucket/key` of each object of records, one per line.
    pub target_file: String,
    /// The run in figures.
    pub summary: Summary,
}

const CLOCK: &str = "%y%m%d_%H%M_%S";

impl Response {
    /// The response to a run that succeeded, at least in part.
    pub fn new(
        started: DateTime<Utc>,
        error_log: String,
        target_file: String,
        summary: Summary,
        redactor: Arc<Redactor>,
    ) -> Self {
        let clock = |t: DateTime<Utc>| t.format(CLOCK).to_string();
        let fields = ResponseFields {
            status_code: 200,
            start_time: clock(started),
            end_time: clock(Utc::now()),
            body: summary.sentence(),
            error_log,
            target_file,
            summary,
        };
        Self { fields, redactor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::json_schema;

    #[test]
    fn the_schema_in_docs_is_that_of_the_type() {
        json_schema::check::<ResponseFields>("response", "The function's response");
    }
}
