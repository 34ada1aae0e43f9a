//! JSON as compact text, for a value that is stored as it came.

use serde_json::value::RawValue;

use super::{NotString, Text};

/// The text of a value without white space between its parts, in UTF-8 and with no more escapes than JSON
/// needs. Names, numbers and the order stay as they are, however deep it goes.
pub fn compact(value: &RawValue) -> Result<String, NotString> {
    let mut rest = value.get();
    let mut text = String::with_capacity(rest.len());
    while let Some(start) = rest.find('"') {
        let (between, from_string) = rest.split_at(start);
        let (string, after) = from_string.split_at(string_end(from_string));
        // What fails is half a surrogate pair, as in `json::string`.
        let written = serde_json::from_str(string).and_then(|Text(text): Text<'_>| serde_json::to_string(&text));
        text.extend(between.chars().filter(|c| !c.is_ascii_whitespace()));
        text.push_str(&written.map_err(|_| NotString::NotUnicode)?);
        rest = after;
    }
    text.extend(rest.chars().filter(|c| !c.is_ascii_whitespace()));
    Ok(text)
}

/// Where the string that `text` starts with ends, behind its quote.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn compacted(text: &str) -> Result<String, NotString> {
        compact(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn white_space_and_needless_escapes_go_and_everything_else_stays() {
        let given = "{ \"b\\u00e9\" : [ 1.0, 1e999 , -0, \"a \\\" b\\\\\" ] ,\n\t\"u\":\"https:\\/\\/a.b\\/c\", \"a\":{}, \"a\": null}";
        let expected = "{\"bé\":[1.0,1e999,-0,\"a \\\" b\\\\\"],\"u\":\"https://a.b/c\",\"a\":{},\"a\":null}";
        assert_eq!(compacted(given).unwrap(), expected);
        let deep = format!("{}{}", "[ ".repeat(100_000), "] ".repeat(100_000));
        assert_eq!(compacted(deep.trim_end()).unwrap().len(), 200_000);
    }

    #[test]
    fn half_a_surrogate_pair_anywhere_is_no_text() {
        for bad in [r#"["\ud83d"]"#, r#"{"\udc5c":1}"#] {
            assert_eq!(compacted(bad), Err(NotString::NotUnicode));
        }
    }

    proptest! {
        #[test]
        fn the_value_stays_the_same(texts in prop::collection::vec(any::<String>(), 0..4), number in any::<i64>()) {
            let value = json!({"a": texts, "b": {"c": number, "d": [null, true]}});
            for text in [value.to_string(), format!("{value:#}")] {
                let compact = compacted(&text).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Value>(&compact).unwrap(), &value);
                prop_assert_eq!(compact, value.to_string());
            }
        }
    }
}
