//! JSON of which only parts are needed, read once from its beginning to its end.
//!
//! [`Reader`] walks objects and lists itself and leaves each value to serde. A serde visitor cannot continue after a
//! value of another shape, and the API's responses may hold one anywhere: here it affects only its own field. What is
//! skipped is never kept, so the memory in use depends on what was requested and not on what was sent.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A JSON text, from a position on.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a str);

/// The name of a field. It may hold a lone surrogate, so its text is bytes.
#[derive(Debug)]
pub struct Name<'a> {
    text: Cow<'a, [u8]>,
    /// The name as received, in quotes.
    pub raw: &'a str,
}

/// Why a value has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// The value has another JSON type.
    OtherType,
    /// The string holds a lone surrogate.
    NotUnicode,
}

/// A string. It is borrowed if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A string that may hold lone surrogates.
#[derive(Deserialize)]
struct Bytes<'a>(#[serde(borrow)] Cow<'a, [u8]>);

/// Reads the whole of `text` by `read`; `None` if it is not JSON.
pub fn read<'a, T>(text: &'a str, read: impl FnOnce(&mut Reader<'a>) -> Option<T>) -> Option<T> {
    let mut reader = Reader(text);
    let value = read(&mut reader)?;
    reader.peek().is_none().then_some(value)
}

/// The fields `names` of the object in `text`; `None` if it is not an object. If a name is given twice, the last one
/// counts, as in most JSON readers.
pub fn fields<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    fields_of(text, &names)?.try_into().ok()
}

/// [`fields`], for names that are known at run time.
pub fn fields_of<'a>(text: &'a str, names: &[impl AsRef<str>]) -> Option<Vec<Option<&'a RawValue>>> {
    let mut found = vec![None; names.len()];
    let is_object = read(text, |value| {
        value.object(|name, value| {
            if let Some((_, slot)) = names.iter().zip(&mut found).find(|(wanted, _)| name.is(wanted.as_ref())) {
                *slot = Some(value.raw()?);
            }
            Some(())
        })
    });
    is_object?.then_some(found)
}

/// The text of a JSON string.
pub fn text(value: &RawValue) -> Result<Cow<'_, str>, NotText> {
    Reader(value.get()).text()
}

/// The first `most` characters of a string. A string that is not Unicode is taken as JSON text.
pub fn beginning(value: Option<&RawValue>, most: usize) -> Option<String> {
    let value = value?;
    let text = match text(value) {
        Ok(text) => text,
        Err(NotText::NotUnicode) => value.get().into(),
        Err(NotText::OtherType) => return None,
    };
    Some(text.chars().take(most).collect())
}

/// An integer, written as a number or as a string.
pub fn integer(value: Option<&RawValue>) -> Option<i64> {
    let value = value?;
    value.get().parse().ok().or_else(|| text(value).ok()?.parse().ok())
}

/// Whether a value is `true`.
pub fn is_true(value: Option<&RawValue>) -> bool {
    value.is_some_and(|value| value.get() == "true")
}

/// The text of a value without white space between its parts, in UTF-8 and with no more escapes than JSON
/// needs. Names, numbers and the order stay unchanged at any depth.
///
/// # Errors
/// [`NotText::NotUnicode`] if a string in it holds a lone surrogate.
pub fn compact(value: &RawValue) -> Result<String, NotText> {
    let mut rest = value.get();
    let mut compact = String::with_capacity(rest.len());
    while let Some(start) = rest.find('"') {
        let (between, from_string) = rest.split_at(start);
        let mut reader = Reader(from_string);
        let string = serde_json::to_string(&reader.text()?).expect("a string is written into memory");
        compact.extend(between.chars().filter(|c| !c.is_ascii_whitespace()));
        compact.push_str(&string);
        rest = reader.0;
    }
    compact.extend(rest.chars().filter(|c| !c.is_ascii_whitespace()));
    Ok(compact)
}

impl<'a> Reader<'a> {
    /// The first byte of the next token.
    pub fn peek(&mut self) -> Option<u8> {
        self.0 = self.0.trim_start_matches([' ', '\n', '\r', '\t']);
        self.0.bytes().next()
    }

    /// The next value as received; `None` if there is no valid one.
    pub fn raw(&mut self) -> Option<&'a RawValue> {
        self.value()
    }

    /// The text of the next value.
    ///
    /// # Errors
    /// [`NotText`]. The reader then stays before the value.
    pub fn text(&mut self) -> Result<Cow<'a, str>, NotText> {
        if self.peek() != Some(b'"') {
            return Err(NotText::OtherType);
        }
        self.value().map(|Text(text)| text).ok_or(NotText::NotUnicode)
    }

    /// Passes each field of the next value to `field`, which may read the field's value. Returns whether it is an
    /// object; a value of another type is skipped. `None` if it is not JSON.
    pub fn object(&mut self, mut field: impl FnMut(&Name<'a>, &mut Self) -> Option<()>) -> Option<bool> {
        self.members(b'{', b'}', |reader| {
            let name = reader.name()?;
            reader.take(b':')?;
            reader.member(|value| field(&name, value))
        })
    }

    /// Passes each element of the next value to `element`, as [`object`](Self::object) does.
    pub fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<bool> {
        self.members(b'[', b']', |reader| reader.member(&mut element))
    }

    fn members(&mut self, open: u8, close: u8, mut member: impl FnMut(&mut Self) -> Option<()>) -> Option<bool> {
        if self.take(open).is_none() {
            self.skip()?;
            return Some(false);
        }
        if self.take(close).is_some() {
            return Some(true);
        }
        loop {
            member(self)?;
            if self.take(close).is_some() {
                return Some(true);
            }
            self.take(b',')?;
        }
    }

    /// Passes the next value to `read`, and skips it if `read` did not read it.
    fn member(&mut self, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.peek();
        let before = self.0.len();
        read(self)?;
        if self.0.len() < before { Some(()) } else { self.skip() }
    }

    fn name(&mut self) -> Option<Name<'a>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let before = self.0;
        let Bytes(text) = self.value()?;
        Some(Name { text, raw: before.get(..before.len() - self.0.len())? })
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        if self.peek() != Some(byte) {
            return None;
        }
        self.0 = self.0.get(1..)?;
        Some(())
    }

    fn skip(&mut self) -> Option<()> {
        self.value::<IgnoredAny>().map(drop)
    }

    /// The next value; `None`, without a step, if it is not a `T`.
    fn value<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter();
        let value = values.next()?.ok()?;
        self.0 = self.0.get(values.byte_offset()..)?;
        Some(value)
    }
}

impl Name<'_> {
    /// Whether it is `name`, with or without escapes.
    pub fn is(&self, name: &str) -> bool {
        *self.text == *name.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn texts<const N: usize>(text: &str, names: [&str; N]) -> Option<[Option<String>; N]> {
        fields(text, names).map(|found| found.map(|value| value.map(|v| v.get().to_owned())))
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn fields_are_found_in_any_order_and_the_last_of_a_name_counts() {
        let text = r#" {"x":[{}],"\u0061":1, "b" : "\ud83d" ,"a":{"a":2}} "#;
        assert_eq!(texts(text, ["a", "b", "c"]), Some([Some(r#"{"a":2}"#.into()), Some(r#""\ud83d""#.into()), None]));
        assert_eq!(fields_of(text, &["c".to_owned()]).map(|found| found.len()), Some(1));
        assert_eq!(texts("{}", ["a"]), Some([None]));
    }

    #[test]
    fn a_name_with_a_lone_surrogate_costs_no_other_field() {
        assert_eq!(texts(r#"{"\ud83d":1,"a":2,"b\udc5c":3}"#, ["a", "b"]), Some([Some("2".into()), None]));
    }

    #[test]
    fn a_value_that_is_not_an_object_has_no_fields() {
        for text in [
            "",
            "null",
            "7",
            "\"{}\"",
            "[]",
            "[[]]",
            "{} {}",
            "{\"a\":1",
            "{\"a\":}",
            "{\"a\" 1}",
            "{[]:1}",
            "{a:1}",
            "{,}",
            "{\"a\":1,}",
            "{\"a\":1]",
        ] {
            assert_eq!(texts(text, ["a"]), None, "{text}");
        }
    }

    #[test]
    fn a_list_is_walked_and_another_value_skipped() {
        let elements = |text| {
            let mut elements = Vec::new();
            let is_list = read(text, |value| {
                value.list(|element| {
                    elements.push(element.raw()?.get());
                    Some(())
                })
            });
            is_list.map(|is_list| (is_list, elements.join(" ")))
        };
        assert_eq!(elements(r#"[1, "a" ,{"b":[]},null]"#), Some((true, r#"1 "a" {"b":[]} null"#.to_owned())));
        assert_eq!(elements("[ ]"), Some((true, String::new())));
        for other in ["7", "{}", "\"\\ud83d\"", "1e999", "\"[]\""] {
            assert_eq!(elements(other), Some((false, String::new())), "{other}");
        }
        for text in ["", "[1", "[1],", "[1,]", "[,]", "[1 2]", "[1}"] {
            assert_eq!(elements(text), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_skipped() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"x":{deep},"a":{deep}}}"#);
        assert_eq!(texts(&text, ["a"]), Some([Some(deep)]));
    }

    #[test]
    fn a_value_is_read_by_its_type() {
        assert_eq!(text(&raw(r#""a\u00e9\ud83d\udc5c""#)).unwrap(), "aé👜");
        assert_eq!(text(&raw(r#""\udc5c""#)), Err(NotText::NotUnicode));
        assert_eq!(text(&raw("7")), Err(NotText::OtherType));
        let int = |text| integer(Some(&*raw(text)));
        assert_eq!(
            [int("7"), int("\"-7\""), int("7.0"), int("null"), integer(None)],
            [Some(7), Some(-7), None, None, None]
        );
        let start = |text| beginning(Some(&*raw(text)), 2);
        assert_eq!(
            [start("\"abc\""), start(r#""\ud83d""#), start("7")],
            [Some("ab".into()), Some("\"\\".into()), None]
        );
        assert!(is_true(Some(&*raw("true"))) && !is_true(Some(&*raw("\"true\""))) && !is_true(None));
    }

    #[test]
    fn in_compact_text_only_white_space_and_needless_escapes_are_left_out() {
        let given = "{ \"b\\u00e9\" : [ 1.0, 1e999 , -0, \"a \\\" b\\\\\" ] ,\n\t\"u\":\"https:\\/\\/a.b\\/c\", \"a\":{}, \"a\": null}";
        let expected = "{\"bé\":[1.0,1e999,-0,\"a \\\" b\\\\\"],\"u\":\"https://a.b/c\",\"a\":{},\"a\":null}";
        assert_eq!(compact(&raw(given)).unwrap(), expected);
        let deep = format!("{}{}", "[ ".repeat(100_000), "] ".repeat(100_000));
        assert_eq!(compact(&raw(deep.trim_end())).unwrap().len(), 200_000);
        for bad in [r#"["\ud83d"]"#, r#"{"\udc5c":1}"#] {
            assert_eq!(compact(&raw(bad)), Err(NotText::NotUnicode));
        }
    }

    proptest! {
        #[test]
        fn compact_text_has_the_same_value(texts in prop::collection::vec(any::<String>(), 0..4), number in any::<i64>()) {
            let value = json!({"a": texts, "b": {"c": number, "d": [null, true]}});
            for text in [value.to_string(), format!("{value:#}")] {
                let compact = compact(&raw(&text)).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Value>(&compact).unwrap(), &value);
                prop_assert_eq!(compact, value.to_string());
            }
        }

        #[test]
        fn a_text_is_an_object_exactly_if_serde_takes_it_for_one(text in "[\\[\\]{}:,\"a0-9\\\\ ]{0,40}|\\{(\"a\" ?: ?[0-9\\[\\]{}\"],? ?){0,4}\\}") {
            let is_object = serde_json::from_str::<Value>(&text).is_ok_and(|value| value.is_object());
            prop_assert_eq!(fields(&text, ["a"]).is_some(), is_object);
        }
    }
}
