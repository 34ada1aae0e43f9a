//! What is wrong with a record, and what is wrong with one of its fields.

use serde_json::value::RawValue;

/// Why a field got its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueKind {
    /// The API left the field out: hidden, empty or licensed. A default of 0 is then not a real 0.
    NotFound,
    /// The API no longer knows the field, so the call leaves it out.
    UnknownField,
    /// The value has another JSON type than the mapping says.
    WrongType,
    /// The integer does not fit `i64`.
    OutOfRange,
    /// The text is not an http(s) URL with a host.
    NotUrl,
    /// The text is not a real instant in a form of [`FieldType::Timestamp`](super::FieldType::Timestamp).
    NotTimestamp,
    /// The value is not one of the allowed values.
    NotAllowed,
    /// The string is not Unicode text: it holds a lone surrogate.
    NotUnicode,
}

impl IssueKind {
    /// The name in the error log, the quality object and the logs.
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
    /// The record is not a JSON object.
    NotAnObject,
    /// The record has no `id`.
    NoId,
    /// The `id` is not a string.
    IdNotString,
    /// The `id` is not made of ASCII digits.
    IdNotDigits,
}

impl RejectReason {
    /// The name in the error log, the quality object and the logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAnObject => "record is not an object",
            Self::NoId => "id not found",
            Self::IdNotString => "id is not a string",
            Self::IdNotDigits => "id is not made of digits",
        }
    }
}

/// A field that got its default.
#[derive(Debug, Clone)]
pub struct Issue {
    /// The field's index in [`Mapping::fields`](super::Mapping::fields).
    pub field: usize,
    /// Why.
    pub kind: IssueKind,
    /// The value as received; `None` if the response had none.
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
