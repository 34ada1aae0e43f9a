//! JSON of which only parts are needed: some fields of an object, the first elements of a list, and the
//! values in them.
//!
//! Everything else is skipped and never kept. So the memory in use depends on what was asked for and not on
//! what was sent. Half of a surrogate pair, or a value of another type, costs its own field alone.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

mod compact;

pub use compact::compact;

/// The fields `names` of the object in `text`, as JSON text; `None` where it is not an object. Of a name
/// that is given twice the last one counts, as in most JSON readers.
pub fn fields<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    let mut found = [None; N];
    read(text, FieldSeed { names: &names, found: &mut found })?;
    Some(found)
}

/// [`fields`], for names that are known at run time.
pub fn fields_of<'a>(text: &'a str, names: &[impl AsRef<str>]) -> Option<Vec<Option<&'a RawValue>>> {
    let mut found = vec![None; names.len()];
    read(text, FieldSeed { names, found: &mut found })?;
    Some(found)
}

/// The object in `text` without its field `name`, as JSON text, and that field. Of a name that is given
/// twice the last one counts.
pub fn split_off<'a>(text: &'a str, name: &str) -> Option<(Box<RawValue>, Option<&'a RawValue>)> {
    let (rest, value) = read(text, SplitSeed { name })?;
    // Names and values out of a JSON text make JSON again.
    Some((RawValue::from_string(rest).ok()?, value))
}

/// The first elements of a list.
#[derive(Debug, Default)]
pub struct Elements<'a> {
    /// The elements, at most as many as were asked for, as JSON text.
    pub first: Vec<&'a RawValue>,
    /// The number of elements after them.
    pub more: usize,
}

/// The first `most` elements of the list in `text`; `None` where it is not a list.
pub fn elements(text: &str, most: usize) -> Option<Elements<'_>> {
    read(text, ElementSeed { most })
}

/// The text of a JSON string. It is borrowed where the string holds no escapes.
pub fn string(value: &RawValue) -> Result<Cow<'_, str>, NotString> {
    if !value.get().starts_with('"') {
        return Err(NotString::OtherType);
    }
    // A `RawValue` is valid JSON, so only half of a surrogate pair can fail here.
    serde_json::from_str(value.get()).map(|Text(text)| text).map_err(|_| NotString::NotUnicode)
}

/// Why a value has no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotString {
    /// The value has another JSON type.
    OtherType,
    /// The string holds half of a surrogate pair.
    NotUnicode,
}

/// The first `most` characters of a string. A string that is not Unicode is taken as JSON text.
pub fn beginning(value: Option<&RawValue>, most: usize) -> Option<String> {
    let value = value?;
    let text = match string(value) {
        Ok(text) => text,
        Err(NotString::NotUnicode) => value.get().into(),
        Err(NotString::OtherType) => return None,
    };
    Some(text.chars().take(most).collect())
}

/// An integer, written as a number or as a string.
pub fn integer(value: Option<&RawValue>) -> Option<i64> {
    let value = value?;
    value.get().parse().ok().or_else(|| string(value).ok()?.parse().ok())
}

/// Whether a value is `true`.
pub fn is_true(value: Option<&RawValue>) -> bool {
    value.is_some_and(|value| value.get() == "true")
}

/// Reads the whole of `text`; `None` where it is not JSON, or not of the shape that `seed` takes.
fn read<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Option<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// A string. It is borrowed where it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The name of a field, as bytes: half of a surrogate pair in one name then costs no other field.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, [u8]>);

struct FieldSeed<'s, 'a, N> {
    names: &'s [N],
    /// A slot for each of the names.
    found: &'s mut [Option<&'a RawValue>],
}

impl<'a, N: AsRef<str>> DeserializeSeed<'a> for FieldSeed<'_, 'a, N> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a, N: AsRef<str>> Visitor<'a> for FieldSeed<'_, 'a, N> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            match self.names.iter().zip(&mut *self.found).find(|(asked, _)| asked.as_ref().as_bytes() == &*name) {
                Some((_, place)) => *place = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct SplitSeed<'s> {
    name: &'s str,
}

impl<'a> DeserializeSeed<'a> for SplitSeed<'_> {
    type Value = (String, Option<&'a RawValue>);
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for SplitSeed<'_> {
    type Value = (String, Option<&'a RawValue>);
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut rest, mut found) = ("{".to_owned(), None);
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            if string(name).is_ok_and(|name| name == self.name) {
                found = Some(value);
                continue;
            }
            if rest.len() > 1 {
                rest.push(',');
            }
            rest.extend([name.get(), ":", value.get()]);
        }
        rest.push('}');
        Ok((rest, found))
    }
}

struct ElementSeed {
    most: usize,
}

impl<'a> DeserializeSeed<'a> for ElementSeed {
    type Value = Elements<'a>;
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Elements<'a>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for ElementSeed {
    type Value = Elements<'a>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Elements<'a>, A::Error> {
        let mut elements = Elements::default();
        while elements.first.len() < self.most {
            match list.next_element()? {
                Some(element) => elements.first.push(element),
                None => return Ok(elements),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            elements.more += 1;
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<const N: usize>(text: &str, names: [&str; N]) -> Option<[Option<String>; N]> {
        fields(text, names).map(|found| found.map(|value| value.map(|v| v.get().to_owned())))
    }

    #[test]
    fn fields_are_found_wherever_they_stand_and_the_last_of_a_name_counts() {
        let text = r#"{"x":[{}],"\u0061":1, "b" : "\ud83d" ,"a":{"a":2}}"#;
        assert_eq!(texts(text, ["a", "b", "c"]), Some([Some(r#"{"a":2}"#.into()), Some(r#""\ud83d""#.into()), None]));
        assert_eq!(fields_of(text, &["c".to_owned()]).map(|found| found.len()), Some(1));
    }

    #[test]
    fn a_name_that_is_no_unicode_text_costs_no_other_field() {
        let text = r#"{"\ud83d":1,"a":2,"b\udc5c":3}"#;
        assert_eq!(texts(text, ["a", "b"]), Some([Some("2".into()), None]));
        let (rest, a) = split_off(text, "a").unwrap();
        assert_eq!((rest.get(), a.unwrap().get()), (r#"{"\ud83d":1,"b\udc5c":3}"#, "2"));
        let (rest, c) = split_off("{}", "c").unwrap();
        assert_eq!((rest.get(), c.is_none(), split_off("[]", "c").is_none()), ("{}", true, true));
    }

    #[test]
    fn a_value_that_is_not_an_object_has_no_fields_and_one_that_is_not_a_list_no_elements() {
        for text in ["", "null", "7", "\"{}\"", "[]", "[[]]", "{} {}", "{\"a\":1", "{\"a\":}"] {
            assert_eq!(texts(text, ["a"]), None, "{text}");
        }
        for text in ["", "null", "7", "{}", "[1", "[1],", "\"[]\""] {
            assert!(elements(text, 9).is_none(), "{text}");
        }
    }

    #[test]
    fn no_more_elements_are_kept_than_asked_for_and_the_others_are_counted() {
        let kept = |most| {
            let Elements { first, more } = elements(r#"[1,"a",{"b":[]},null]"#, most).unwrap();
            (first.iter().map(|v| v.get()).collect::<Vec<_>>().join(" "), more)
        };
        assert_eq!(kept(0), (String::new(), 4));
        assert_eq!(kept(3), (r#"1 "a" {"b":[]}"#.into(), 1));
        assert_eq!(kept(9), (r#"1 "a" {"b":[]} null"#.into(), 0));
    }

    #[test]
    fn deep_nesting_is_passed_over() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"x":{deep},"a":{deep}}}"#);
        assert_eq!(texts(&text, ["a"]), Some([Some(deep)]));
    }

    #[test]
    fn a_value_is_taken_for_what_it_is() {
        let value = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        assert_eq!(string(&value(r#""a\u00e9\ud83d\udc5c""#)).unwrap(), "aé👜");
        assert_eq!(string(&value(r#""\udc5c""#)), Err(NotString::NotUnicode));
        assert_eq!(string(&value("7")), Err(NotString::OtherType));
        let int = |text| integer(Some(&*value(text)));
        assert_eq!(
            [int("7"), int("\"-7\""), int("7.0"), int("null"), integer(None)],
            [Some(7), Some(-7), None, None, None]
        );
        let start = |text| beginning(Some(&*value(text)), 2);
        assert_eq!(
            [start("\"abc\""), start(r#""\ud83d""#), start("7")],
            [Some("ab".into()), Some("\"\\".into()), None]
        );
        assert!(is_true(Some(&*value("true"))) && !is_true(Some(&*value("\"true\""))) && !is_true(None));
    }
}
