//! An object's bytes: its records in the configured format.

use crate::config::Format;
use crate::record::Record;

/// The bytes that a record's defaults may add to its text.
const DEFAULTS: usize = 256;

/// An object's bytes while it is written.
#[derive(Debug)]
pub struct ObjectBody {
    format: Format,
    bytes: Vec<u8>,
}

impl ObjectBody {
    /// An empty object with memory reserved for `records` records whose text has `bytes` bytes. A vector that grows to
    /// tens of megabytes would hold up to twice its bytes.
    pub fn with_capacity(format: Format, records: usize, bytes: usize) -> Self {
        Self { format, bytes: Vec::with_capacity(bytes + records * DEFAULTS) }
    }

    /// Appends a record.
    pub fn add(&mut self, record: &Record<'_>) {
        let before: &[u8] = match (self.format, self.bytes.is_empty()) {
            (Format::Array, true) => b"[",
            (Format::Array, false) => b",",
            (Format::Ndjson, true) => b"",
            (Format::Ndjson, false) => b"\n",
        };
        self.bytes.extend_from_slice(before);
        serde_json::to_writer(&mut self.bytes, record).expect("strings, numbers and nulls are JSON");
    }

    /// The object; `None` if no record was added, since an empty object is not stored.
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
    use serde_json::Value;

    use super::*;

    fn body(format: Format, names: &[&str]) -> Option<String> {
        let mut body = ObjectBody::with_capacity(format, 0, 0);
        for (i, name) in names.iter().enumerate() {
            let fields = vec![("id", i.to_string().into()), ("name", (*name).into()), ("likes", Value::Null)];
            body.add(&Record { id: i.to_string(), fields, issues: Vec::new() });
        }
        body.finish().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// Text that would break a format that looked for separators in it.
    const ODD: &str = "},{\n\r\\\"";

    #[test]
    fn an_array_is_one_compact_line_in_brackets() {
        insta::assert_snapshot!(body(Format::Array, &["a", ODD]).unwrap(), @r#"[{"id":"0","name":"a","likes":null},{"id":"1","name":"},{\n\r\\\"","likes":null}]"#);
    }

    #[test]
    fn ndjson_is_one_object_a_line_and_ends_in_a_line_break() {
        insta::assert_snapshot!(body(Format::Ndjson, &["a", ODD]).unwrap(), @r#"
        {"id":"0","name":"a","likes":null}
        {"id":"1","name":"},{\n\r\\\"","likes":null}
        "#);
    }

    #[test]
    fn no_records_make_no_object() {
        assert_eq!([body(Format::Array, &[]), body(Format::Ndjson, &[])], [None, None]);
    }

    proptest! {
        #[test]
        fn both_formats_hold_the_same_records(names in prop::collection::vec(any::<String>(), 0..8)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let array = body(Format::Array, &names).unwrap_or_else(|| "[]".to_owned());
            let lines = body(Format::Ndjson, &names).unwrap_or_default();
            prop_assert!(!array.contains('\n'));
            let array: Vec<Value> = serde_json::from_str(&array).unwrap();
            let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
            prop_assert_eq!(array, lines);
        }
    }
}
