//! What is wrong with a record, and what is wrong with one of its fields.

use serde_json::value::RawValue;

/// Why a field was given its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueKind {
    /// The API left the field out: hidden, empty or licensed. A default here is not a counted 0.
    NotFound,
    /// The API no longer knows the field, so it was not asked for.
    UnknownField,
    /// Another JSON type than the mapping says.
    WrongType,
    /// An integer beyond `i64`.
    OutOfRange,
    /// Not an http(s) URL with a host.
    NotUrl,
    /// Not a real instant in one of the forms of [`FieldType::Timestamp`](super::FieldType::Timestamp).
    NotTimestamp,
    /// Not among the allowed values.
    NotAllowed,
    /// A string that is no Unicode text: half of a surrogate pair.
    NotUnicode,
}

impl IssueKind {
    /// The words for it in the error log, the quality object and the logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not found field",
            Self::UnknownField => "unknown field",
            Self::WrongType => "wrong type",
            Self::OutOfRange => "out of range",
            Self::NotUrl => "not a url",
            Self::NotTimestamp => "not a timestamp",
            Self::NotAllowed => "not an allowed value",
            Self::NotUnicode => "not unicode",
        }
    }
}

/// Why a record was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// It is no JSON object.
    NotAnObject,
    /// It has no `id`.
    NoId,
    /// Its `id` is no string.
    IdNotString,
    /// Its `id` is not made of ASCII digits.
    IdNotDigits,
}

impl RejectReason {
    /// The words for it in the error log, the quality object and the logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAnObject => "record is not an object",
            Self::NoId => "id not found",
            Self::IdNotString => "id is not a string",
            Self::IdNotDigits => "id is not made of digits",
        }
    }
}

/// A field that was given its default.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Which of [`Mapping::fields`](super::Mapping::fields) it is.
    pub field: usize,
    /// Why.
    pub kind: IssueKind,
    /// The value received; `None` where none was.
    pub value: Option<Box<RawValue>>,
}

/// A record that was left out.
#[derive(Debug, Clone)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// The record as received.
    pub record: Box<RawValue>,
}
