//! Parses objects: records from a JSON array or one object a line, and the quality object beside them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Deserializer};

use collector::record::Model;

/// The fields of a record that the report uses, of all models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub(super) user_id: String,
    #[serde(deserialize_with = "text")]
    pub(super) user_name: String,
    pub(super) followers_count: Option<i64>,
    pub(super) media_count: Option<i64>,
    pub(super) media_id: String,
    #[serde(deserialize_with = "text")]
    pub(super) timestamp: String,
    #[serde(deserialize_with = "text")]
    pub(super) caption: String,
    #[serde(deserialize_with = "text")]
    pub(super) media_type: String,
    #[serde(deserialize_with = "text")]
    pub(super) media_product_type: String,
    #[serde(deserialize_with = "text")]
    pub(super) permalink: String,
    pub(super) like_count: Option<i64>,
    pub(super) comments_count: Option<i64>,
}

/// A string, or the `null` of a nullable field.
fn text<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// A topic whose records are missing from a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct FailedTopic {
    pub(super) topic: String,
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) code: Option<i64>,
    #[serde(default)]
    pub(super) message: String,
}

/// A quality object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Quality {
    /// The topics that the event selected; empty for all.
    pub(super) topics: Vec<String>,
    pub(super) failed_topics: Vec<FailedTopic>,
    pub(super) rejected: Vec<Rejected>,
    defaulted: BTreeMap<String, BTreeMap<String, Vec<Defaulted>>>,
    /// The cases that the object counts and has no room to list.
    not_listed: NotListed,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NotListed {
    defaulted: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rejected {
    #[serde(default)]
    topic: String,
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
struct Defaulted {
    id: String,
}

/// The reason of a hidden figure: the API left the field out.
pub(super) const NOT_FOUND: &str = "not found field";

/// The records of an object.
///
/// # Errors
/// What is wrong, and where, as text for a person.
pub(super) fn records(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let message = |error: serde_json::Error| error.to_string();
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        None => Err("it is empty".to_owned()),
        Some(b'[') => serde_json::from_slice(bytes).map_err(message),
        Some(_) => serde_json::Deserializer::from_slice(bytes).into_iter().collect::<Result<_, _>>().map_err(message),
    }
}

/// A quality object.
///
/// # Errors
/// As for [`records`].
pub(super) fn quality(bytes: &[u8]) -> Result<Quality, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The defaulted fields of an object's records, and the reasons.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    by_field: HashMap<String, HashMap<String, String>>,
    /// Whether each default is listed. Otherwise any 0 may stand for one.
    known: bool,
}

impl Defaults {
    /// The defaults that the quality objects beside an object of records list.
    pub(super) fn of(quality: &[Quality]) -> Self {
        let known = !quality.is_empty() && quality.iter().all(|quality| quality.not_listed.defaulted == 0);
        let mut by_field: HashMap<String, HashMap<String, String>> = HashMap::new();
        for (field, reasons) in quality.iter().flat_map(|quality| &quality.defaulted) {
            let of_field = by_field.entry(field.clone()).or_default();
            for (reason, records) in reasons {
                of_field.extend(records.iter().map(|record| (record.id.clone(), reason.clone())));
            }
        }
        Self { by_field, known }
    }

    /// Whether each default is listed.
    pub(super) const fn known(&self) -> bool {
        self.known
    }

    /// The meanings of the figures of a record of `model`.
    pub(super) fn figures(&self, model: Model, record: &Record) -> Figures {
        let id = record.id(model);
        Figures {
            followers: self.count("followers_count", id, record.followers_count),
            media: self.count("media_count", id, record.media_count),
            likes: self.count("like_count", id, record.like_count),
            comments: self.count("comments_count", id, record.comments_count),
        }
    }

    /// The meaning of a record's figure.
    fn count(&self, field: &str, id: &str, value: Option<i64>) -> Count {
        match (self.by_field.get(field).and_then(|of_field| of_field.get(id)), value) {
            (Some(reason), _) if reason == NOT_FOUND => Count::Hidden,
            (Some(_), _) | (None, None) => Count::Unusable,
            (None, Some(0)) if !self.known => Count::Unknown,
            (None, Some(n)) => Count::Counted(n),
        }
    }
}

impl Record {
    /// The id by which a quality object knows a record of `model`.
    pub(super) fn id(&self, model: Model) -> &str {
        if model == Model::Brand { &self.user_id } else { &self.media_id }
    }
}

/// The figures of a record. Those that its model does not have are unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) followers: Count,
    pub(super) media: Count,
    pub(super) likes: Count,
    pub(super) comments: Count,
}

impl Quality {
    /// Removes the entries of records and topics that a later object of the run has.
    pub(super) fn forget(&mut self, ids: &HashSet<String>, topics: &HashSet<String>) {
        self.failed_topics.retain(|failed| !topics.contains(&failed.topic));
        self.rejected.retain(|rejected| !topics.contains(&rejected.topic));
        for reasons in self.defaulted.values_mut() {
            for records in reasons.values_mut() {
                records.retain(|record| !ids.contains(&record.id));
            }
            reasons.retain(|_, records| !records.is_empty());
        }
    }

    /// How often each field was defaulted for each reason.
    pub(super) fn defaulted_counts(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.defaulted.iter().flat_map(|(field, reasons)| {
            reasons.iter().map(move |(reason, records)| (field.as_str(), reason.as_str(), records.len()))
        })
    }
}

/// The meaning of a record's figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// The figure was counted. It may be 0.
    Counted(i64),
    /// The API left the figure out. A 0 is stored for it.
    Hidden,
    /// The figure was defaulted for another reason.
    Unusable,
    /// A 0 is stored, and no quality object tells whether it was counted.
    Unknown,
}

impl Count {
    /// The figure; `None` where it was not counted.
    pub(super) const fn counted(self) -> Option<i64> {
        match self {
            Self::Counted(n) => Some(n),
            Self::Hidden | Self::Unusable | Self::Unknown => None,
        }
    }
}

/// A record's timestamp, in seconds since 1970; `None` for the default and for any other text.
pub(super) fn seconds(timestamp: &str) -> Option<i64> {
    let time = chrono::DateTime::parse_from_str(timestamp, "%Y-%m-%dT%H:%M:%S%z").ok()?.timestamp();
    (time != 0).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_and_an_object_a_line_give_the_same_records() {
        let array = records(br#"[{"media_id":"1","like_count":3},{"media_id":"2"}]"#).unwrap();
        let lines = records(b"{\"media_id\":\"1\",\"like_count\":3}\n{\"media_id\":\"2\"}\n").unwrap();
        assert_eq!(array, lines);
        assert_eq!((array.len(), array[0].like_count), (2, Some(3)));
    }

    #[test]
    fn the_null_of_a_nullable_field_is_a_missing_one() {
        let nulls = records(
            br#"[{"user_id":"1","media_id":"2","user_name":null,"timestamp":null,"caption":null,"media_type":null,"media_product_type":null,"permalink":null,"like_count":null}]"#,
        );
        assert_eq!(nulls, records(br#"[{"user_id":"1","media_id":"2"}]"#));
    }

    #[test]
    fn a_broken_object_is_an_error_with_the_position() {
        assert_eq!(records(b" \n").unwrap_err(), "it is empty");
        let error = records(br#"[{"media_id":"1"},{"media_"#).unwrap_err();
        assert!(error.contains("EOF") && error.contains("column"), "{error}");
        assert!(records(br#"[{"like_count":"12"}]"#).is_err());
        assert!(quality(b"<html>").is_err());
    }

    #[test]
    fn a_zero_that_stands_for_a_field_left_out_is_hidden_and_no_other_one_is() {
        let quality = quality(
            br#"{"model":"media","counts":{},"rejected":[],"defaulted":{"like_count":{"not found field":[{"id":"1"}],"wrong type":[{"id":"2","value":"12"}]}}}"#,
        );
        let defaults = Defaults::of(&[quality.unwrap()]);
        let count = |id, value| defaults.count("like_count", id, value);
        assert_eq!(count("1", Some(0)), Count::Hidden);
        assert_eq!(count("2", Some(0)), Count::Unusable);
        assert_eq!(count("3", Some(0)), Count::Counted(0));
        assert_eq!(count("3", Some(7)), Count::Counted(7));
        assert_eq!(defaults.count("comments_count", "1", Some(0)), Count::Counted(0));
    }

    #[test]
    fn a_zero_without_a_quality_object_that_lists_all_defaults_is_neither_counted_nor_hidden() {
        let count = |quality: &[Quality], id, value| Defaults::of(quality).count("like_count", id, value);
        assert_eq!(count(&[], "1", Some(0)), Count::Unknown);
        assert_eq!(count(&[], "1", Some(4)), Count::Counted(4));
        let full = br#"{"not_listed":{"rejected":0,"defaulted":1},"defaulted":{"like_count":{"not found field":[{"id":"1"}]}}}"#;
        let full = [quality(full).unwrap()];
        assert_eq!([count(&full, "1", Some(0)), count(&full, "2", Some(0))], [Count::Hidden, Count::Unknown]);
    }

    #[test]
    fn the_default_timestamp_is_no_time() {
        assert_eq!(seconds("1970-01-01T00:00:00+0000"), None);
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(seconds("2026-11-24T03:00:00+0900"), seconds("2026-11-23T18:00:00+0000"));
    }
}
