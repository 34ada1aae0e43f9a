//! What can go wrong with a call, and what happens then: the classes of failure in one table.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use strum::{Display, IntoStaticStr};

use crate::diagnosis::Diagnosis;
use crate::json::{self, beginning, fields};
use crate::memory::SMALL_BODY;

/// The class of a failure. It decides what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Display, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// It is temporary. The call is retried with backoff.
    Transient,
    /// A limit of the API is reached. The run makes no further call.
    Throttled,
    /// The version has ended. The run makes no further call.
    VersionEnded,
    /// The token is refused. The secret is read again once; after that the run makes no further call.
    Token,
    /// Something is not permitted. The topic fails.
    Permission,
    /// The topic does not exist, or not for this caller. It fails.
    #[serde(rename = "not_there")]
    #[strum(serialize = "not_there")]
    NotFound,
    /// A key of the secret is wrong. The run makes no further call, and the next one reads the secret again.
    SetUp,
    /// The caller has searched for as many hashtags in 7 days as are allowed. The topic fails, and the run makes no
    /// further search.
    HashtagQuota,
    /// The API does not know a field. The call is repeated without it.
    UnknownField,
    /// A response held more records than were requested. The first ones are kept, the others counted.
    TooManyRecords,
    /// The records of a response exceed the run's memory budget. They are not kept.
    Memory,
    /// None of the known failures. The topic fails, and the call is not repeated.
    Unexpected,
    /// The run's time ended before the topic was done.
    Deadline,
    /// The API's usage was so near its limit that no further call was started.
    Usage,
}

impl Kind {
    /// The name in logs, the summary and the quality object.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether a call that fails so is the last one of its run.
    pub(super) const fn ends_the_calls(self) -> bool {
        matches!(self, Self::Throttled | Self::VersionEnded | Self::SetUp)
    }

    /// Whether it ends the calls of the whole run, whichever topic it happened to.
    pub const fn stops_the_run(self) -> bool {
        self.ends_the_calls() || matches!(self, Self::Token | Self::Usage)
    }

    /// Whether the same call with other fields may succeed.
    pub(super) const fn is_of_the_call(self) -> bool {
        matches!(self, Self::NotFound | Self::Permission | Self::Unexpected)
    }

    /// What the kind proves without a code and a call.
    const fn diagnosis(self) -> Diagnosis {
        match self {
            Self::Transient => Diagnosis::NoResponse,
            Self::Throttled => Diagnosis::Throttled,
            Self::VersionEnded => Diagnosis::VersionEnded,
            Self::Token => Diagnosis::TokenRefused,
            Self::SetUp => Diagnosis::Secret,
            Self::Permission => Diagnosis::Forbidden,
            Self::NotFound => Diagnosis::NotThere,
            Self::HashtagQuota => Diagnosis::HashtagQuota,
            Self::UnknownField => Diagnosis::UnknownField,
            Self::TooManyRecords => Diagnosis::TooManyRecords,
            Self::Memory => Diagnosis::Memory,
            Self::Unexpected => Diagnosis::UnknownCode,
            Self::Deadline => Diagnosis::OutOfTime,
            Self::Usage => Diagnosis::NearLimit,
        }
    }
}

/// The `error` object of a response. Any field may be missing or have another type than documented. The other fields
/// are still read, since the code decides what happens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiError {
    /// `code`.
    pub code: Option<i64>,
    /// `error_subcode`; `subcode` in the responses of `debug_token`.
    pub error_subcode: Option<i64>,
    /// `is_transient`.
    pub is_transient: bool,
    /// The beginning of `message`. The text is localised, so only the names of our own fields are looked
    /// for in it.
    pub message: String,
    /// `fbtrace_id`, which Meta's support asks for.
    pub fbtrace_id: String,
}

/// The longest texts of the API that are kept, in characters.
const MESSAGE_CHARS: usize = 300;
const TRACE_CHARS: usize = 40;

impl ApiError {
    /// The error in a response's body; `None` if it holds none.
    pub fn read(body: &[u8]) -> Option<Self> {
        let body = match std::str::from_utf8(body) {
            Ok(text) => text.into(),
            // Replacing the invalid bytes of a large body would take three times its memory.
            Err(_) if body.len() > SMALL_BODY => return None,
            Err(_) => String::from_utf8_lossy(body),
        };
        let [error] = fields(&body, ["error"])?;
        Self::of(error?)
    }

    /// The error that a JSON object describes.
    pub(super) fn of(error: &RawValue) -> Option<Self> {
        let names = ["code", "error_subcode", "subcode", "is_transient", "message", "fbtrace_id"];
        let [code, error_subcode, subcode, is_transient, message, fbtrace_id] = fields(error.get(), names)?;
        Some(Self {
            code: json::integer(code),
            error_subcode: json::integer(error_subcode).or_else(|| json::integer(subcode)),
            is_transient: json::is_true(is_transient),
            message: beginning(message, MESSAGE_CHARS).unwrap_or_default(),
            fbtrace_id: beginning(fbtrace_id, TRACE_CHARS).unwrap_or_default(),
        })
    }
}

/// The class of a known code and subcode.
///
/// Sources, as of 2026-11: Meta's pages "Handling errors" and "Rate limits" of the Graph API and "Error codes" of the
/// Instagram platform, and recorded responses in public clients (python-facebook, facebook-apis-rs). Codes that no
/// source describes are left to the fallbacks of [`classify`] on purpose. 18 is a limit of resources, except for a
/// search: see [`Kind::HashtagQuota`]. No recording of it was found.
fn of_code(code: i64, subcode: Option<i64>) -> Option<Kind> {
    Some(match (code, subcode) {
        // "We restrict certain activity to protect our community": a block for behaviour, like 368, that shares
        // the code of the app's rate limit. Further calls make such a block last longer.
        (4, Some(2_207_051)) => Kind::Permission,
        (-2 | -1 | 1 | 2, _) => Kind::Transient,
        (4 | 17 | 18 | 32 | 341 | 613 | 80_001..=80_014, _) => Kind::Throttled,
        (2_635, _) => Kind::VersionEnded,
        (102 | 190, _) => Kind::Token,
        (3 | 10 | 200..=299 | 368, _) => Kind::Permission,
        (24 | 100 | 110 | 803, _) => Kind::NotFound,
        _ => return None,
    })
}

/// The class of a response that is an error: by its code and subcode first, then by `is_transient`, then by
/// the HTTP status.
pub fn classify(error: Option<&ApiError>, status: u16) -> Kind {
    if let Some(ApiError { code: Some(code), error_subcode, is_transient, .. }) = error {
        if let Some(kind) = of_code(*code, *error_subcode) {
            return kind;
        }
        if *is_transient {
            return Kind::Transient;
        }
    } else if error.is_some_and(|e| e.is_transient) {
        return Kind::Transient;
    }
    match status {
        429 => Kind::Throttled,
        408 | 500..=599 => Kind::Transient,
        // A known code is found above. A 2xx without one is not the expected JSON.
        200..=299 if error.is_none_or(|e| e.code.is_none()) => Kind::Transient,
        401 | 403 => Kind::Permission,
        404 => Kind::NotFound,
        _ => Kind::Unexpected,
    }
}

/// Why a topic, or the token job, failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The class.
    pub kind: Kind,
    /// The API's code; `None` if it gave none.
    pub code: Option<i64>,
    /// The API's subcode; `None` if it gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcode: Option<i64>,
    /// What happened. The text holds no secret.
    pub message: String,
    /// What it proves.
    #[serde(skip)]
    pub diagnosis: Diagnosis,
    /// The address or the version that the cause is about.
    #[serde(skip)]
    pub about: Option<String>,
    /// When the response that describes it arrived; `None` if the last try had no response.
    #[serde(skip)]
    pub asked_at: Option<DateTime<Utc>>,
}

impl Failure {
    /// A failure without a code and without a response.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let diagnosis = kind.diagnosis();
        Self { kind, code: None, subcode: None, message: message.into(), diagnosis, about: None, asked_at: None }
    }

    /// What happened and what it proves, as text.
    pub fn explained(&self) -> String {
        format!("{}: {self}; {}", self.kind, self.diagnosis.cause_about(self.about.as_deref()))
    }

    /// What it proves, about what, and the next step.
    pub fn sentence(&self) -> String {
        self.diagnosis.sentence_about(self.about.as_deref())
    }

    /// Whether it says that the topic is not there, and does not name the caller or a field.
    pub fn is_about_the_topic(&self) -> bool {
        matches!(
            self.diagnosis,
            Diagnosis::AccountNotThere
                | Diagnosis::HashtagNotThere
                | Diagnosis::NoLongerThere
                | Diagnosis::UnnamedField
        )
    }

    /// Whether only a person can resolve it. Any other failure may be gone in the next run.
    pub fn needs_a_person(&self) -> bool {
        matches!(self.kind, Kind::NotFound | Kind::Permission | Kind::UnknownField)
            && self.diagnosis != Diagnosis::NoLongerThere
    }

    /// The same failure, which proves `diagnosis`.
    pub fn with(self, diagnosis: Diagnosis) -> Self {
        Self { diagnosis, ..self }
    }

    /// The same failure, whose response arrived at `asked_at`.
    pub(super) fn at(self, asked_at: DateTime<Utc>) -> Self {
        Self { asked_at: Some(asked_at), ..self }
    }

    /// The failure that a response describes.
    pub(super) fn from_response(error: Option<&ApiError>, status: u16, otherwise: &str) -> Self {
        let kind = classify(error, status);
        let Some(error) = error else {
            return Self::new(kind, format!("HTTP {status}: {otherwise}"));
        };
        let ApiError { message: text, fbtrace_id, .. } = error;
        let trace = if fbtrace_id.is_empty() { String::new() } else { format!(", fbtrace_id {fbtrace_id}") };
        let message = format!("HTTP {status}{trace}: {text}");
        Self { code: error.code, subcode: error.error_subcode, ..Self::new(kind, message) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.subcode) {
            (Some(code), Some(subcode)) => write!(f, "({code}/{subcode}) {}", self.message),
            (Some(code), None) => write!(f, "({code}) {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests;
