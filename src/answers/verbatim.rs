//! An answer's text as it is kept: without its paging, on one line, and whether strict readers take it.

use std::fmt;
use std::io::{self, Write};

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The name whose values are taken out, as JSON text. The API writes it without escapes; one that it wrote
/// with some would still hold no token that the process knows.
const PAGING: &str = "\"paging\"";

/// Writes the JSON text `answer` on one line, with `null` for each value of the name `paging`. Whatever
/// else stands in it is written as it is.
pub(super) fn write_without_paging(answer: &str, out: &mut impl Write) -> io::Result<()> {
    let mut rest = answer;
    while !rest.is_empty() {
        let (token, after) = token(rest);
        rest = after;
        out.write_all(token.trim_start_matches(['\n', '\r']).as_bytes())?;
        if token == PAGING
            && let Some(value) = after.trim_start().strip_prefix(':')
        {
            out.write_all(b":null")?;
            rest = after_value(value.trim_start());
        }
    }
    Ok(())
}

/// The next token of a JSON text: a string, or what stands up to the next character that means something.
fn token(text: &str) -> (&str, &str) {
    let length = match text.as_bytes() {
        [b'"', inside @ ..] => 1 + string_length(inside),
        [_, others @ ..] => 1 + others.iter().take_while(|b| !MARKS.contains(b)).count(),
        [] => 0,
    };
    // Both ends are ASCII characters, or the end of the text.
    text.split_at_checked(length).unwrap_or((text, ""))
}

/// The characters at which a token begins.
const MARKS: &[u8] = b"\"{}[]\n\r";

/// The bytes of a string up to and with its closing quote.
fn string_length(inside: &[u8]) -> usize {
    let mut escaped = false;
    let end = inside.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    end.map_or(inside.len(), |end| end + 1)
}

/// What follows the value that a text begins with: it ends at a comma or a bracket that is not its own.
fn after_value(text: &str) -> &str {
    let (mut at, mut levels) = (0, 0_usize);
    while let Some([byte, after @ ..]) = text.as_bytes().get(at..) {
        match byte {
            b'"' => at += string_length(after),
            b'{' | b'[' => levels += 1,
            b',' | b'}' | b']' if levels == 0 => break,
            b'}' | b']' => levels -= 1,
            _ => {}
        }
        at += 1;
    }
    text.get(at..).unwrap_or_default()
}

/// What is written into a JSON string.
pub(super) struct Escaped<'w, W>(pub(super) &'w mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for run in bytes.chunk_by(|before, after| !is_escaped(*before) && !is_escaped(*after)) {
            match run {
                [byte @ (b'"' | b'\\')] => self.0.write_all(&[b'\\', *byte])?,
                [byte @ ..0x20] => write!(self.0, "\\u{byte:04x}")?,
                plain => self.0.write_all(plain)?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..0x20)
}

/// Whether any reader takes a JSON text that one level stands around.
pub(super) fn is_readable(text: &str) -> bool {
    // serde_json takes 127 levels, and no reader that is known takes fewer.
    let mut reader = serde_json::Deserializer::from_str(text);
    Readable::deserialize(&mut reader).is_ok_and(|Readable { levels }| levels < LEVELS) && reader.end().is_ok()
}

/// The levels that serde_json reads.
const LEVELS: usize = 127;

/// A value that is read and not kept.
struct Readable {
    levels: usize,
}

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

const SCALAR: Readable = Readable { levels: 0 };

impl<'de> Visitor<'de> for Reading {
    type Value = Readable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Readable, E> {
        Ok(SCALAR)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Readable, E> {
        Ok(SCALAR)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Readable, E> {
        Ok(SCALAR)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Readable, E> {
        Ok(SCALAR)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Readable, E> {
        Ok(SCALAR)
    }

    fn visit_unit<E: Error>(self) -> Result<Readable, E> {
        Ok(SCALAR)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Readable, A::Error> {
        let mut levels = 0;
        while let Some(element) = seq.next_element::<Readable>()? {
            levels = levels.max(element.levels);
        }
        Ok(Readable { levels: levels + 1 })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Readable, A::Error> {
        let mut levels = 0;
        while let Some((_, value)) = map.next_entry::<Readable, Readable>()? {
            levels = levels.max(value.levels);
        }
        Ok(Readable { levels: levels + 1 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn without(text: &str) -> String {
        let mut out = Vec::new();
        write_without_paging(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paging_is_taken_out_wherever_it_stands_and_nothing_else_changes() {
        for (text, kept) in [
            (
                r#"{"paging":{"next":"https://x?a={}","cursors":{"after":"x"}},"data":[]}"#,
                r#"{"paging":null,"data":[]}"#,
            ),
            (
                r#"{"a":{"media":{"data":[{"id":"1"}],"paging" : {"next":"]}\"{"}}},"id":"3"}"#,
                r#"{"a":{"media":{"data":[{"id":"1"}],"paging":null}},"id":"3"}"#,
            ),
            (r#"{"paging":"https://x","x":1}"#, r#"{"paging":null,"x":1}"#),
            (r#"{"paging":[1,[2]],"x":1}"#, r#"{"paging":null,"x":1}"#),
            (r#"{"paging":17 }"#, r#"{"paging":null}"#),
            (r#"{"paging":null,"x":1}"#, r#"{"paging":null,"x":1}"#),
            (r#"{"caption":"\"paging\":{\\","x": 1.50}"#, r#"{"caption":"\"paging\":{\\","x": 1.50}"#),
            ("{\"a\":1,\r\n\n\"b\":2}", r#"{"a":1,"b":2}"#),
            (r#"["paging","x"]"#, r#"["paging","x"]"#),
        ] {
            assert_eq!(without(text), kept, "{text}");
        }
    }

    #[test]
    fn what_strict_readers_refuse_is_known() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(is_readable(r#"{"a":[1,-1,1.5,"é\ud83d\ude00",true,null]}"#) && is_readable(&nested(126)));
        for text in [r#"{"a":"\ud83d"}"#, "[1e999]", &nested(127), &nested(100_000), "{} {}", "{", ""] {
            assert!(!is_readable(text), "{text:.40}");
        }
    }

    /// `value` with `null` for each value of the name `paging`.
    fn model(value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let kept = |(name, value)| if name == "paging" { (name, Value::Null) } else { (name, model(value)) };
                Value::Object(fields.into_iter().map(kept).collect())
            }
            Value::Array(elements) => elements.into_iter().map(model).collect(),
            other => other,
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\{}\\[\\],:\n]{0,8}".prop_map(Value::from)
        ];
        let name = prop_oneof![Just("paging".to_owned()), "[a-z\"{}\\\\]{0,6}"];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from);
            let object = prop::collection::btree_map(name.clone(), inner, 0..5);
            prop_oneof![list, object.prop_map(|fields| Value::Object(fields.into_iter().collect()))]
        })
    }

    proptest! {
        #[test]
        fn whatever_json_it_is_paging_alone_is_taken_out(value in json(), is_pretty in any::<bool>()) {
            let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let kept = without(&text.unwrap());
            prop_assert!(!kept.contains('\n'));
            let mut escaped = Vec::new();
            Escaped(&mut escaped).write_all(kept.as_bytes()).unwrap();
            let escaped = String::from_utf8(escaped).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&format!("\"{escaped}\"")).unwrap(), kept.clone());
            prop_assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), model(value));
        }

        #[test]
        fn any_text_is_written(text in any::<String>()) {
            let _ = (without(&text), is_readable(&text));
        }
    }
}
