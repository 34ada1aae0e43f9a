//! The mapping of a model: which field of a response becomes which field of a stored record.

use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;
use strum::IntoStaticStr;

use super::{Issue, IssueKind, Model, Record, Reject, RejectReason, check};
use crate::json::{self, Reader};

/// The type of a field, as a mapping line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FieldType {
    /// A JSON string.
    Str,
    /// A JSON string that is empty or an http(s) URL with a host.
    Url,
    /// A JSON string `YYYY-MM-DDTHH:MM:SS` with the offset `+HHMM`, `+HH:MM` or `Z` that names a real
    /// instant. It is stored with the offset as `+HHMM`, so that the column has one form.
    Timestamp,
    /// A JSON integer that fits `i64`.
    Int,
    /// A JSON object or list. Stored as a string that holds its compact text, so that the record stays flat.
    Json,
}

impl FieldType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Str, Self::Url, Self::Timestamp, Self::Int, Self::Json];

    /// The word for the type in `configure.ini`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The type that a word of `configure.ini` names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}

/// One line of a mapping: `<output> = <response> <type>[?] [A|B|C]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in the stored record.
    pub output: String,
    /// The name in the API's response.
    pub response: String,
    /// What is requested of the API: the name, and for a `json` field also the fields within it, as in
    /// `children{id,media_type}`.
    pub request: String,
    /// The type that the value must have.
    pub kind: FieldType,
    /// Whether a bad or missing value is stored as `null`: a type with `?`.
    pub nullable: bool,
    /// The allowed values; `None` if any value is allowed.
    pub allowed: Option<Vec<String>>,
}

impl Field {
    /// A field that is never `null` and takes any value of its type.
    pub fn new(output: &str, response: &str, kind: FieldType) -> Self {
        let (output, response, request) = (output.to_owned(), response.to_owned(), response.to_owned());
        Self { output, response, request, kind, nullable: false, allowed: None }
    }

    /// The value that is stored instead of a bad or missing one. It is `null` only for a nullable field,
    /// since the warehouse's columns are NOT NULL.
    pub fn default_value(&self) -> Value {
        match self.kind {
            _ if self.nullable => Value::Null,
            FieldType::Str | FieldType::Url | FieldType::Json => "".into(),
            FieldType::Timestamp => "1970-01-01T00:00:00+0000".into(),
            FieldType::Int => 0.into(),
        }
    }
}

/// The fields of one model, in the order of the stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The model of the records.
    pub model: Model,
    fields: Vec<Field>,
    /// Further response fields to request, for the responses that are kept.
    extra: Vec<String>,
}

/// The response field that identifies a record. A record without it is left out.
pub const ID: &str = "id";

/// The collector's own field of media: the topic's user id, from `[add_user_id]`.
pub const OWNER: &str = "user_id";

/// The collector's own field that holds the requested account or hashtag.
pub const TOPIC: &str = "topic";

/// The collector's own field that holds the time at which the response arrived.
pub const ASKED_AT: &str = "asked_at";

/// The values of our own fields, which a mapping names like response fields. The API does not have them, and they are
/// never requested.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// The value of [`OWNER`].
    pub user_id: &'a str,
    /// The value of [`TOPIC`].
    pub topic: &'a str,
    /// The value of [`ASKED_AT`], in the form of [`FieldType::Timestamp`].
    pub asked_at: &'a str,
}

impl<'a> Own<'a> {
    fn value(&self, field: &Field) -> &'a str {
        match field.response.as_str() {
            TOPIC => self.topic,
            ASKED_AT => self.asked_at,
            _ => self.user_id,
        }
    }
}

/// Whether a field of `model` is one of the collector's own.
pub fn is_own(model: Model, response: &str) -> bool {
    matches!(response, TOPIC | ASKED_AT) || model != Model::Brand && response == OWNER
}

impl Mapping {
    /// A mapping that stores `fields` in this order.
    pub fn new(model: Model, fields: Vec<Field>) -> Self {
        Self { model, fields, extra: Vec::new() }
    }

    /// The same mapping, which also requests the response fields `extra` and stores none of them.
    #[must_use]
    pub fn with_extra_fields(self, extra: Vec<String>) -> Self {
        Self { extra, ..self }
    }

    /// The fields, in the order of the stored record.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What to request of the API, each response field once: those of the mapping in its order, and then the
    /// further ones. [`requested_name`] is the response field of each.
    pub fn requested(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let mapped = self.fields.iter().filter(|f| !self.is_own_field(f)).map(|f| f.request.as_str());
        let extra = self.extra.iter().map(String::as_str);
        mapped.chain(extra).filter(|request| seen.insert(requested_name(request))).collect()
    }

    /// The response fields that are requested only for the responses that are kept.
    pub fn requested_only_to_keep(&self) -> impl Iterator<Item = &str> {
        let is_mapped = |name: &str| self.fields.iter().any(|field| field.response == name);
        self.extra.iter().map(String::as_str).filter(move |name| !is_mapped(name))
    }

    fn is_own_field(&self, field: &Field) -> bool {
        is_own(self.model, &field.response)
    }

    /// Checks one record as received and flattens it, in one pass over its text.
    ///
    /// `own` holds the values of our own fields. `unknown` names the response fields that the API no longer knows. The
    /// call did not request them.
    ///
    /// # Errors
    /// [`Reject`] if the record is not an object, or has no usable id.
    pub fn flatten(&self, record: &RawValue, own: Own<'_>, unknown: &[String]) -> Result<Record<'_>, Reject> {
        let reject = |reason| Reject { reason, record: record.to_owned() };
        let mut id = Err(RejectReason::NoId);
        let mut checked: Vec<Option<Checked>> = self.fields.iter().map(|_| None).collect();
        let is_object = json::read(record.get(), |record| {
            record.object(|name, value| {
                let start = *value;
                if name.is(ID) {
                    id = check::id(value);
                }
                // A response field may be mapped more than once. If a name is given twice, the last one counts.
                let mapped = self.fields.iter().zip(&mut checked).filter(|(field, _)| name.is(&field.response));
                for (field, checked) in mapped {
                    *value = start;
                    *checked = Some(check::value(field, value).map_err(|kind| (kind, as_received(start))));
                }
                Some(())
            })
        });
        if is_object != Some(true) {
            return Err(reject(RejectReason::NotAnObject));
        }
        let id = id.map_err(reject)?;
        let mut flat = Record { id, fields: Vec::with_capacity(self.fields.len()), issues: Vec::new() };
        for (index, (field, checked)) in self.fields.iter().zip(checked).enumerate() {
            let checked = match checked {
                _ if self.is_own_field(field) => Ok(own.value(field).into()),
                Some(checked) => checked,
                None if unknown.contains(&field.response) => Err((IssueKind::UnknownField, None)),
                None => Err((IssueKind::NotFound, None)),
            };
            let stored = checked.unwrap_or_else(|(kind, value)| {
                flat.issues.push(Issue { field: index, kind, value });
                field.default_value()
            });
            flat.fields.push((&field.output, stored));
        }
        Ok(flat)
    }
}

/// The value that is stored, or why it cannot be, with the value as received.
type Checked = Result<Value, (IssueKind, Option<Box<RawValue>>)>;

fn as_received(mut value: Reader<'_>) -> Option<Box<RawValue>> {
    value.raw().map(RawValue::to_owned)
}

/// The response field of what is requested: `children` of `children{id,media_type}`.
pub fn requested_name(request: &str) -> &str {
    request.split_once('{').map_or(request, |(name, _)| name)
}
