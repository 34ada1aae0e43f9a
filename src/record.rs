//! One raw record and its mapping: checked, flattened and written as one flat JSON object.
//!
//! Pure: no I/O, no clock, no async. Fields are borrowed from the answer's text and written straight
//! into the batch's buffer; nothing in a record can make this panic.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

mod check;

/// What a stored record is about. Each model has one mapping, one location and one warehouse table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// An account's profile: `[luxury_profile]`.
    Brand,
    /// An account's media: `[luxury_media]`.
    Media,
    /// The media under a hashtag: `[hashtag_media]`.
    MediaHashtag,
}

impl Model {
    /// Every model, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Brand, Self::Media, Self::MediaHashtag];

    /// The name in object keys, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brand => "brand",
            Self::Media => "media",
            Self::MediaHashtag => "media_hashtag",
        }
    }

    /// The section of `configure.ini` that holds the model's mapping.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Brand => "luxury_profile",
            Self::Media => "luxury_media",
            Self::MediaHashtag => "hashtag_media",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type that a mapping line gives a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A JSON string.
    Str,
    /// A JSON string that is empty or an http(s) URL with a host.
    Url,
    /// A JSON string `%Y-%m-%dT%H:%M:%S%z` that names a real instant.
    Timestamp,
    /// A JSON integer that fits `i64`.
    Int,
}

impl FieldType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Str, Self::Url, Self::Timestamp, Self::Int];

    /// The word that stands for the type in `configure.ini`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Url => "url",
            Self::Timestamp => "timestamp",
            Self::Int => "int",
        }
    }

    /// The type that a word of `configure.ini` names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The JSON text stored in place of a bad or missing value: the warehouse's columns are NOT NULL.
    pub const fn default_json(self) -> &'static str {
        match self {
            Self::Str | Self::Url => "\"\"",
            Self::Timestamp => "\"1970-01-01T00:00:00+0000\"",
            Self::Int => "0",
        }
    }
}

/// One line of a mapping: `<output> = <response> <type> [A|B|C]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in the stored record.
    pub output: String,
    /// The name in the API's answer.
    pub response: String,
    /// What the value must be.
    pub kind: FieldType,
    /// The values allowed; `None` where any will do.
    pub allowed: Option<Vec<String>>,
}

/// The fields of one model, in the order in which they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The model that the mapping makes.
    pub model: Model,
    fields: Vec<Field>,
    /// `"output":` for each field, with the comma that precedes all but the first.
    labels: Vec<String>,
}

/// The response field that identifies a record; a record without one is left out.
pub const ID: &str = "id";

/// The response field of media that is ours: filled from `[add_user_id]` and never asked for.
pub const OWNER: &str = "user_id";

impl Mapping {
    /// A mapping of `fields`, stored in that order.
    pub fn new(model: Model, fields: Vec<Field>) -> Self {
        let label = |(i, f): (usize, &Field)| {
            format!("{}{}:", if i == 0 { "" } else { "," }, serde_json::Value::from(f.output.as_str()))
        };
        let labels = fields.iter().enumerate().map(label).collect();
        Self { model, fields, labels }
    }

    /// The fields, in the order in which they are stored.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The distinct response fields to ask the API for, in the mapping's order.
    pub fn requested(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::with_capacity(self.fields.len());
        for field in self.fields.iter().filter(|f| !self.is_ours(f)) {
            if !names.contains(&field.response.as_str()) {
                names.push(&field.response);
            }
        }
        names
    }

    fn is_ours(&self, field: &Field) -> bool {
        self.model != Model::Brand && field.response == OWNER
    }

    /// Checks one record and appends it, flat, to `batch`; a record without a usable id is put among
    /// the rejected ones instead.
    ///
    /// `owner` is the house's user id, stored in media. `unknown` names the response fields that the
    /// API no longer knows and was therefore not asked for.
    pub fn flatten(&self, record: &Received<'_>, owner: &str, unknown: &[String], batch: &mut Batch) {
        let id = match record.id() {
            Ok(id) => id,
            Err(reason) => return batch.reject(reason, record.to_json()),
        };
        batch.open_record();
        for (index, (field, label)) in self.fields.iter().zip(&self.labels).enumerate() {
            batch.json.extend_from_slice(label.as_bytes());
            if self.is_ours(field) {
                batch.push_string(owner);
                continue;
            }
            let value = record.get(&field.response);
            let written = match value {
                Some(value) => check::write(field, value.get(), &mut batch.json),
                None if unknown.contains(&field.response) => Err(IssueKind::UnknownField),
                None => Err(IssueKind::NotFound),
            };
            if let Err(kind) = written {
                batch.json.extend_from_slice(field.kind.default_json().as_bytes());
                batch.issue(&id, index, kind, value.map(RawValue::get));
            }
        }
        batch.json.push(b'}');
        batch.records += 1;
    }

    /// [`flatten`](Self::flatten) for a record that has not been taken apart yet.
    pub fn flatten_raw(&self, raw: &RawValue, owner: &str, unknown: &[String], batch: &mut Batch) {
        match serde_json::from_str::<Received<'_>>(raw.get()) {
            Ok(record) => self.flatten(&record, owner, unknown, batch),
            Err(_) => batch.reject(RejectReason::NotAnObject, raw.get().to_owned()),
        }
    }
}

/// A record as the API sent it: its fields' names and their JSON texts, borrowed from the answer.
#[derive(Debug, Default)]
pub struct Received<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Received<'a> {
    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a field out.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let value = self.get(name);
        self.0.retain(|(k, _)| k != name);
        value
    }

    /// The field's value. Of a name given twice the last one counts, as in most JSON readers.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(k, _)| k == name).map(|(_, v)| *v)
    }

    /// The integer that a field holds, as a number or as text.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        let raw = self.get(name)?.get();
        raw.parse().ok().or_else(|| check::string(raw).ok()?.parse().ok())
    }

    /// Whether a field holds `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|raw| raw.get() == "true")
    }

    /// The first `most` characters of the text that a field holds; one that is no Unicode as it is written.
    pub(crate) fn text(&self, name: &str, most: usize) -> Option<String> {
        let raw = self.get(name)?.get();
        let text = match check::string(raw) {
            Err(IssueKind::NotUnicode) => raw.into(),
            text => text.ok()?,
        };
        Some(text.chars().take(most).collect())
    }

    fn id(&self) -> Result<Cow<'a, str>, RejectReason> {
        let raw = self.get(ID).ok_or(RejectReason::NoId)?;
        let id = check::string(raw.get()).map_err(|_| RejectReason::IdNotString)?;
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RejectReason::IdNotDigits);
        }
        Ok(id)
    }

    /// The record as JSON again, each field exactly as received.
    fn to_json(&self) -> String {
        let fields: Vec<String> =
            self.0.iter().map(|(k, v)| format!("{}:{}", serde_json::Value::from(&**k), v.get())).collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// A name that is borrowed where it holds no escapes.
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Received<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Received<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut record = Received(Vec::with_capacity(12));
                while let Some((Name(name), value)) = map.next_entry()? {
                    record.0.push((name, value));
                }
                Ok(record)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

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
    /// Not a real instant written `%Y-%m-%dT%H:%M:%S%z`.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Which of [`Batch::ids`] the field belongs to.
    pub record: usize,
    /// Which of [`Mapping::fields`] it is.
    pub field: usize,
    /// Why.
    pub kind: IssueKind,
    /// The JSON text received; `None` where none was.
    pub value: Option<Box<str>>,
}

/// A record that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// Its JSON text as received.
    pub record: Box<str>,
}

/// The flat records of one model from one topic, and what was wrong with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records' JSON objects, joined by commas, without the brackets around them.
    pub json: Vec<u8>,
    /// How many records `json` holds.
    pub records: usize,
    /// Where in `json` the commas between the records stand.
    pub commas: Vec<usize>,
    /// The ids of the records that have an issue; issues refer to them by position.
    pub ids: Vec<Box<str>>,
    /// The fields that were given their defaults.
    pub issues: Vec<Issue>,
    /// The records that were left out.
    pub rejects: Vec<Reject>,
}

impl Batch {
    /// Adds the records of `other` and what was wrong with them.
    pub fn append(&mut self, other: Self) {
        if self.records > 0 && other.records > 0 {
            self.json.push(b',');
        }
        self.json.extend_from_slice(&other.json);
        self.records += other.records;
        let moved = self.ids.len();
        self.ids.extend(other.ids);
        self.issues.extend(other.issues.into_iter().map(|i| Issue { record: i.record + moved, ..i }));
        self.rejects.extend(other.rejects);
    }

    fn open_record(&mut self) {
        if self.records > 0 {
            self.commas.push(self.json.len());
            self.json.push(b',');
        }
        self.json.push(b'{');
    }

    fn push_string(&mut self, text: &str) {
        check::write_string(text, &mut self.json);
    }

    fn issue(&mut self, id: &str, field: usize, kind: IssueKind, value: Option<&str>) {
        if self.ids.last().is_none_or(|last| &**last != id) {
            self.ids.push(id.into());
        }
        let record = self.ids.len() - 1;
        self.issues.push(Issue { record, field, kind, value: value.map(Into::into) });
    }

    fn reject(&mut self, reason: RejectReason, record: String) {
        self.rejects.push(Reject { reason, record: record.into() });
    }
}

#[cfg(test)]
mod tests;
