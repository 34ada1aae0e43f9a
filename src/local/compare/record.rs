//! The records of a run, with their fields in the order in which they stand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::record::Model;

/// A record: its fields, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Record;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record, which is an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Record, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Record(fields))
            }
        }
        from.deserialize_map(Fields)
    }
}

impl Record {
    /// The records of an object: a JSON array, or one object a line.
    pub(super) fn read(bytes: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'[') => serde_json::from_slice(bytes),
            _ => serde_json::Deserializer::from_slice(bytes).into_iter().collect(),
        }
    }

    /// A field's value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// What tells a record of a model from the others of its run; `None` where it has no id. A medium may stand under
    /// the hashtags of two houses.
    pub(super) fn id(&self, model: Model) -> Option<String> {
        let text = |field| self.get(field).and_then(Value::as_str).filter(|id| !id.is_empty());
        match model {
            Model::Brand => text("user_id").map(str::to_owned),
            Model::Media | Model::MediaHashtag => {
                text("media_id").map(|id| format!("{id} of {}", text("user_id").unwrap_or("?")))
            }
        }
    }
}
