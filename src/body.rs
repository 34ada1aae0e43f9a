//! An object's bytes, put together from the batches of its topics, in the configured format.

use crate::config::Format;
use crate::record::Batch;

/// An object's bytes in the making.
#[derive(Debug)]
pub struct Body {
    format: Format,
    bytes: Vec<u8>,
}

impl Body {
    /// An object without records yet.
    pub fn new(format: Format) -> Self {
        Self { format, bytes: Vec::new() }
    }

    /// Appends a topic's records.
    pub fn add(&mut self, batch: &Batch) {
        if batch.records == 0 {
            return;
        }
        match (self.format, self.bytes.is_empty()) {
            (Format::Array, true) => self.bytes.push(b'['),
            (Format::Array, false) => self.bytes.push(b','),
            (Format::Ndjson, true) => {}
            (Format::Ndjson, false) => self.bytes.push(b'\n'),
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&batch.json);
        if self.format == Format::Ndjson {
            // JSON text holds no line break of its own: in strings they are escaped.
            for comma in &batch.commas {
                if let Some(byte) = self.bytes.get_mut(start + comma) {
                    *byte = b'\n';
                }
            }
        }
    }

    /// The object; `None` where no record was added: then there is none.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        if self.bytes.is_empty() {
            return None;
        }
        self.bytes.push(match self.format {
            Format::Array => b']',
            Format::Ndjson => b'\n',
        });
        Some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::record::{Field, FieldType, Mapping, Model};

    fn mapping() -> Mapping {
        let field = |name: &str, kind| Field { output: name.into(), response: name.into(), kind, allowed: None };
        Mapping::new(Model::Brand, vec![field("id", FieldType::Str), field("name", FieldType::Str)])
    }

    fn batch(names: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for (i, name) in names.iter().enumerate() {
            let raw = RawValue::from_string(json!({"id": i.to_string(), "name": name}).to_string()).unwrap();
            mapping().flatten_raw(&raw, "1", &[], &mut batch);
        }
        batch
    }

    fn body(format: Format, batches: &[&[&str]]) -> Option<String> {
        let mut body = Body::new(format);
        batches.iter().for_each(|names| body.add(&batch(names)));
        body.finish().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// What would break a format that looked for its separators in the text.
    const ODD: &str = "},{\n\r\\\"";

    #[test]
    fn an_array_is_one_compact_line_in_brackets() {
        insta::assert_snapshot!(body(Format::Array, &[&["a", "b"], &[], &[ODD]]).unwrap(), @r#"[{"id":"0","name":"a"},{"id":"1","name":"b"},{"id":"0","name":"},{\n\r\\\""}]"#);
    }

    #[test]
    fn ndjson_is_one_object_a_line_and_ends_in_a_line_break() {
        insta::assert_snapshot!(body(Format::Ndjson, &[&["a", "b"], &[], &[ODD]]).unwrap(), @r#"
        {"id":"0","name":"a"}
        {"id":"1","name":"b"}
        {"id":"0","name":"},{\n\r\\\""}
        "#);
    }

    #[test]
    fn no_records_make_no_object() {
        assert_eq!(Format::ALL.map(|format| body(format, &[&[], &[]])), [None, None]);
    }

    proptest! {
        #[test]
        fn both_formats_hold_the_same_records(topics in prop::collection::vec(prop::collection::vec(any::<String>(), 0..4), 1..4)) {
            let topics: Vec<Vec<&str>> = topics.iter().map(|t| t.iter().map(String::as_str).collect()).collect();
            let topics: Vec<&[&str]> = topics.iter().map(Vec::as_slice).collect();
            let array = body(Format::Array, &topics).unwrap_or_else(|| "[]".to_owned());
            let lines = body(Format::Ndjson, &topics).unwrap_or_default();
            prop_assert!(!array.contains('\n'));
            let array: Vec<Value> = serde_json::from_str(&array).unwrap();
            let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
            prop_assert_eq!(array, lines);
        }
    }
}
