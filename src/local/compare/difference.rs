//! How two records of the same thing differ, by kind.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::record::Record;

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A run that only one side has.
    RunOnly,
    /// A record that only one side has.
    RecordOnly,
    /// A record without an id.
    NoId,
    /// A record that stands there more often on one side.
    Copies,
    /// The same records in another order.
    RecordOrder,
    /// The same fields in another order.
    FieldOrder,
    /// No field, or null, on one side, and its default on the other.
    MissingDefault,
    /// No field, or null, on one side, and a value on the other.
    Missing,
    /// The default on one side and a value on the other.
    Default,
    /// Values of different JSON types.
    Type,
    /// One instant in two spellings.
    TimeSpelling,
    /// Two addresses of one file.
    Address,
    /// Two numbers.
    Moved,
    /// Two values.
    Value,
}

impl Kind {
    /// The kind for a person. docs/migrating.md has what each means.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RunOnly => "run in one only",
            Self::RecordOnly => "record in one only",
            Self::NoId => "record without id",
            Self::Copies => "copies",
            Self::RecordOrder => "order of records",
            Self::FieldOrder => "order of fields",
            Self::MissingDefault => "missing, default",
            Self::Missing => "missing, value",
            Self::Default => "default, value",
            Self::Type => "type",
            Self::TimeSpelling => "spelling of a time",
            Self::Address => "address of a file",
            Self::Moved => "value moved",
            Self::Value => "value",
        }
    }
}

/// One difference between two records.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) kind: Kind,
    /// The field; empty where it is about the record.
    pub(super) field: String,
    /// How far a number moved.
    pub(super) moved: Option<u64>,
    /// Both values, as JSON.
    pub(super) values: String,
}

/// The differences between two records, in the order of their fields.
pub(super) fn between(a: &Record, b: &Record) -> Vec<Difference> {
    let mut differences = Vec::new();
    let names = |record: &Record| record.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let (of_a, of_b) = (names(a), names(b));
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    if of_a != of_b && set(&of_a) == set(&of_b) {
        let values = format!("{} | {}", of_a.join(","), of_b.join(","));
        differences.push(Difference { kind: Kind::FieldOrder, field: String::new(), moved: None, values });
    }
    let only_b = of_b.iter().filter(|name| !of_a.contains(name));
    for field in of_a.iter().chain(only_b) {
        let (left, right) = (a.get(field), b.get(field));
        if left == right {
            continue;
        }
        let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), short);
        let (kind, moved) = kind(left, right);
        let values = format!("{} | {}", shown(left), shown(right));
        differences.push(Difference { kind, field: field.clone(), moved, values });
    }
    differences
}

/// The characters of a value that are shown.
const SHOWN: usize = 60;

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The kind of the difference between two values, and how far a number moved.
fn kind(a: Option<&Value>, b: Option<&Value>) -> (Kind, Option<u64>) {
    let given = |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).cloned();
    let kind = match (given(a), given(b)) {
        // A null against no field at all.
        (None, None) => Kind::Type,
        (None, Some(value)) | (Some(value), None) if is_default(&value) => Kind::MissingDefault,
        (None, Some(_)) | (Some(_), None) => Kind::Missing,
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            return match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => (Kind::Moved, Some(a.abs_diff(b))),
                _ => (Kind::Value, None),
            };
        }
        (Some(Value::String(a)), Some(Value::String(b))) => of_texts(&a, &b),
        (Some(a), Some(b)) if std::mem::discriminant(&a) != std::mem::discriminant(&b) => Kind::Type,
        _ => Kind::Value,
    };
    (kind, None)
}

fn of_texts(a: &str, b: &str) -> Kind {
    let is_unset = |text: &str| is_default(&Value::from(text));
    if let (Some(a), Some(b)) = (instant(a), instant(b))
        && a == b
    {
        return Kind::TimeSpelling;
    }
    if is_unset(a) != is_unset(b) {
        return Kind::Default;
    }
    // The API signs each address of a file anew, and hands out the hosts that are near the caller.
    let file = |text: &str| {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        url.path_segments()?.next_back().filter(|name| !name.is_empty()).map(str::to_owned)
    };
    match (file(a), file(b)) {
        (Some(a), Some(b)) if a == b => Kind::Address,
        _ => Kind::Value,
    }
}

fn instant(text: &str) -> Option<chrono::DateTime<chrono::FixedOffset>> {
    // chrono takes `Z`, `+HH:MM` and `+HHMM` for `%#z`.
    chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%#z").ok()
}

/// Whether a value is the default of its type: see the table of types in docs/configuration.md.
fn is_default(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty() || instant(text).is_some_and(|time| time.timestamp() == 0),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        serde_json::from_str(text).unwrap()
    }

    fn kinds(a: &str, b: &str) -> Vec<(Kind, String)> {
        between(&record(a), &record(b)).into_iter().map(|difference| (difference.kind, difference.field)).collect()
    }

    #[test]
    fn a_difference_has_its_kind_and_its_field() {
        for (a, b, kind) in [
            (r#"{}"#, r#"{"f":""}"#, Kind::MissingDefault),
            (r#"{"f":null}"#, r#"{"f":0}"#, Kind::MissingDefault),
            (r#"{}"#, r#"{"f":"x"}"#, Kind::Missing),
            (r#"{"f":"x"}"#, r#"{"f":""}"#, Kind::Default),
            (r#"{"f":"1970-01-01T00:00:00+0000"}"#, r#"{"f":"2026-01-01T00:00:00+0000"}"#, Kind::Default),
            (r#"{"f":"1"}"#, r#"{"f":1}"#, Kind::Type),
            (r#"{"f":null}"#, r#"{}"#, Kind::Type),
            (r#"{"f":"2026-01-01T00:00:00Z"}"#, r#"{"f":"2026-01-01T00:00:00+0000"}"#, Kind::TimeSpelling),
            (r#"{"f":"2026-01-01T09:00:00+09:00"}"#, r#"{"f":"2026-01-01T00:00:00+0000"}"#, Kind::TimeSpelling),
            (r#"{"f":"https://a.b/x/1.jpg?s=1"}"#, r#"{"f":"https://c.d/y/1.jpg?s=2"}"#, Kind::Address),
            (r#"{"f":"https://a.b/1.jpg"}"#, r#"{"f":"https://a.b/2.jpg"}"#, Kind::Value),
            (r#"{"f":3}"#, r#"{"f":0}"#, Kind::Moved),
            (r#"{"f":1.5}"#, r#"{"f":1}"#, Kind::Value),
            (r#"{"f":"x"}"#, r#"{"f":"y"}"#, Kind::Value),
            (r#"{"f":true}"#, r#"{"f":false}"#, Kind::Value),
        ] {
            assert_eq!(kinds(a, b), [(kind, "f".to_owned())], "{a} {b}");
            assert_eq!(kinds(b, a), [(kind, "f".to_owned())], "{b} {a}");
        }
        assert_eq!(kinds(r#"{"a":1,"b":""}"#, r#"{"b":"","a":1}"#), [(Kind::FieldOrder, String::new())]);
        assert_eq!(kinds(r#"{"a":1,"b":"é"}"#, r#"{ "a": 1, "b": "\u00e9" }"#), []);
    }

    #[test]
    fn a_number_tells_how_far_it_moved() {
        let differences = between(&record(r#"{"n":-9223372036854775808}"#), &record(r#"{"n":9223372036854775807}"#));
        assert_eq!((differences[0].moved, differences[0].kind), (Some(u64::MAX), Kind::Moved));
    }

    #[test]
    fn a_long_value_is_shown_by_its_beginning() {
        let long = format!(r#"{{"f":"{}"}}"#, "é".repeat(5_000));
        assert!(between(&record(&long), &record("{}"))[0].values.chars().count() < 100);
    }
}
