//! Quality objects: what was left out or defaulted, and so what the figures of a record mean.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::Record;
use collector::record::Mapping;

/// A topic of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct TopicRun {
    pub(crate) topic: String,
    /// Empty if the object does not say it.
    #[serde(deserialize_with = "or_default")]
    pub(crate) user_id: String,
    /// When the topic's last response arrived; `None` if there was none, or if the object does not say it.
    #[serde(deserialize_with = "or_default")]
    pub(crate) asked_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) records: usize,
    #[serde(flatten)]
    pub(crate) failure: Option<Failure>,
}

/// Why records of a topic are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Failure {
    #[serde(deserialize_with = "or_default")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) code: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) message: String,
}

/// A quality object. A value of an unexpected type, which another version may have written, counts as unknown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Quality {
    /// The topics of the run. An object of an earlier version has those that failed and those that the event selected.
    #[serde(deserialize_with = "topics")]
    pub(crate) topics: Vec<TopicRun>,
    /// Whether the sandbox made the data up.
    #[serde(deserialize_with = "or_default")]
    pub(crate) sandbox: bool,
    /// The topics that failed, in an object of an earlier version.
    #[serde(deserialize_with = "topics")]
    failed_topics: Vec<TopicRun>,
    #[serde(deserialize_with = "or_default")]
    counts: Counts,
    #[serde(deserialize_with = "or_default")]
    pub(crate) rejected: Vec<Rejected>,
    /// `None` if it cannot be read.
    #[serde(default = "empty", deserialize_with = "or_default")]
    defaulted: Option<BTreeMap<String, BTreeMap<String, Vec<Defaulted>>>>,
    /// The cases that the object counts and has no room to list; `None` if it cannot be read.
    #[serde(default = "empty", deserialize_with = "or_default")]
    not_listed: Option<NotListed>,
}

/// A value, or the default if it has another type.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Read<T> {
        Value(T),
        Other(IgnoredAny),
    }
    Ok(match Read::deserialize(deserializer)? {
        Read::Value(value) => value,
        Read::Other(_) => T::default(),
    })
}

fn empty<T: Default>() -> Option<T> {
    Some(T::default())
}

/// The topics of a quality object. Earlier versions list names.
fn topics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TopicRun>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Name(String),
        Run(TopicRun),
        Other(IgnoredAny),
    }
    let run = |entry| match entry {
        Entry::Name(topic) => Some(TopicRun { topic, ..TopicRun::default() }),
        Entry::Run(run) => Some(run),
        Entry::Other(_) => None,
    };
    let entries: Vec<Entry> = or_default(deserializer)?;
    Ok(entries.into_iter().filter_map(run).collect())
}

impl TopicRun {
    /// Whether an object of this version lists it, with its user id and its records.
    pub(crate) fn is_known(&self) -> bool {
        !self.user_id.is_empty()
    }

    /// Whether a record of the same object belongs to the topic.
    pub(crate) fn has(&self, record: &Record) -> bool {
        let is_named = if record.topic.is_empty() {
            self.user_id == record.user_id || self.topic == record.user_name
        } else {
            self.topic == record.topic
        };
        self.records > 0 && is_named
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Counts {
    records: Option<usize>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct NotListed {
    defaulted: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rejected {
    #[serde(default)]
    topic: String,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Defaulted {
    id: String,
}

/// A case in a row of the table `quality`: a record that was left out, or a field that was defaulted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Case<'r> {
    pub(super) topic: Option<&'r str>,
    pub(super) field: Option<&'r str>,
    pub(super) reason: Option<&'r str>,
    pub(super) id: Option<&'r str>,
}

/// The reason in the row of the cases that an object counts and does not list.
const NOT_LISTED: &str = "not listed";

/// The reason of a hidden figure: the API left the field out.
pub(crate) const NOT_FOUND: &str = "not found field";

/// A quality object.
///
/// # Errors
/// The problem and its position, as text for a person.
pub(crate) fn quality(bytes: &[u8]) -> Result<Quality, String> {
    let mut quality: Quality = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    for failed in std::mem::take(&mut quality.failed_topics) {
        quality.topics.retain(|run| run.topic != failed.topic);
        quality.topics.push(TopicRun { failure: Some(failed.failure.unwrap_or_default()), ..failed });
    }
    Ok(quality)
}

/// The defaulted fields of an object's records, and the reasons.
#[derive(Debug)]
pub(crate) struct Defaults<'m> {
    mapping: &'m Mapping,
    /// By response field, and then by record.
    by_field: HashMap<&'m str, HashMap<String, String>>,
    /// Whether each default is listed. Otherwise any 0 may stand for one.
    known: bool,
}

impl<'m> Defaults<'m> {
    /// The defaults that the quality object of an object of records lists.
    pub(crate) fn of(mapping: &'m Mapping, quality: Option<&Quality>) -> Self {
        let known = quality.is_some_and(Quality::lists_defaults);
        let mut by_field: HashMap<&str, HashMap<String, String>> = HashMap::new();
        for (output, reasons) in quality.into_iter().flat_map(|quality| &quality.defaulted).flatten() {
            let Some(field) = mapping.fields().iter().find(|field| field.output == *output) else { continue };
            let of_field = by_field.entry(&field.response).or_default();
            for (reason, records) in reasons {
                of_field.extend(records.iter().map(|record| (record.id.clone(), reason.clone())));
            }
        }
        Self { mapping, by_field, known }
    }

    /// Whether each default is listed.
    pub(crate) const fn known(&self) -> bool {
        self.known
    }

    /// The meanings of the figures of a record.
    pub(crate) fn figures(&self, record: &Record) -> Figures {
        let id = record.id(self.mapping.model);
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
            (Some(reason), _) if reason == NOT_FOUND && field == "like_count" => Count::Hidden,
            (Some(_), _) | (None, None) => Count::Unusable,
            (None, Some(0)) if !self.known => Count::Unknown,
            (None, Some(n)) => Count::Counted(n),
        }
    }
}

/// The figures of a record. Those that its model does not have are unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) followers: Count,
    pub(crate) media: Count,
    pub(crate) likes: Count,
    pub(crate) comments: Count,
}

impl Quality {
    /// Whether it counts this number of records. Objects of earlier versions may count none.
    pub(crate) fn is_of(&self, records: usize) -> bool {
        self.counts.records.is_none_or(|counted| counted == records)
    }

    /// Whether each default is listed.
    fn lists_defaults(&self) -> bool {
        self.defaulted.is_some() && self.not_listed.as_ref().is_some_and(|not_listed| not_listed.defaulted == 0)
    }

    /// A quality object whose rows are added.
    pub(super) fn of_rows() -> Self {
        Self { defaulted: empty(), not_listed: empty(), ..Self::default() }
    }

    /// Adds a row of the table `quality`, which has one for the object, and one for each case that it lists.
    pub(super) fn add_row(&mut self, outcome: &str, cases: Option<i64>, case: Case<'_>) {
        let cases = cases.and_then(|cases| usize::try_from(cases).ok());
        let reason = case.reason.unwrap_or_default();
        match (outcome, case.field) {
            ("stored", _) => self.counts.records = cases,
            ("rejected", _) if reason != NOT_LISTED => {
                let topic = case.topic.unwrap_or_default().to_owned();
                self.rejected.push(Rejected { topic, reason: reason.to_owned() });
            }
            ("defaulted", None) => self.not_listed = Some(NotListed { defaulted: cases.unwrap_or_default() }),
            ("defaulted", Some(field)) => {
                let fields = self.defaulted.get_or_insert_default();
                let records = fields.entry(field.to_owned()).or_default().entry(reason.to_owned()).or_default();
                records.push(Defaulted { id: case.id.unwrap_or_default().to_owned() });
            }
            _ => {}
        }
    }

    /// Removes the rejected records of other topics, and the defaults of records with other ids.
    pub(crate) fn retain(&mut self, topic: impl Fn(&str) -> bool, ids: &HashSet<&str>) {
        self.rejected.retain(|rejected| topic(&rejected.topic));
        for reasons in self.defaulted.iter_mut().flat_map(BTreeMap::values_mut) {
            for records in reasons.values_mut() {
                records.retain(|record| ids.contains(&*record.id));
            }
            reasons.retain(|_, records| !records.is_empty());
        }
    }

    /// How often each field was defaulted for each reason.
    pub(crate) fn defaulted_counts(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.defaulted.iter().flatten().flat_map(|(field, reasons)| {
            reasons.iter().map(move |(reason, records)| (field.as_str(), reason.as_str(), records.len()))
        })
    }
}

/// The meaning of a record's figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The figure was counted. It may be 0.
    Counted(i64),
    /// The API left out the likes, since their owner hides them. A 0 is stored for them.
    Hidden,
    /// The figure was defaulted for another reason.
    Unusable,
    /// A 0 is stored, and no quality object says whether it was counted.
    Unknown,
}

impl Count {
    /// The figure; `None` if it was not counted.
    pub(crate) const fn counted(self) -> Option<i64> {
        match self {
            Self::Counted(n) => Some(n),
            Self::Hidden | Self::Unusable | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use collector::config::Config;
    use collector::record::Model;

    fn config() -> Config {
        Config::parse(include_bytes!("../../../../configure.ini"), "configure.ini").unwrap()
    }

    #[test]
    fn the_topics_of_a_run_are_read_from_objects_of_this_version_and_of_earlier_ones() {
        let run = |topic: &str| TopicRun { topic: topic.into(), ..TopicRun::default() };
        let throttled = Some(Failure { kind: "throttled".into(), code: Some(4), message: "no".into() });
        let dior = TopicRun {
            user_id: "178".into(),
            asked_at: DateTime::from_timestamp_millis(1_795_489_202_123),
            records: 50,
            ..run("dior")
        };
        let gucci = TopicRun { failure: throttled.clone(), ..run("gucci") };
        let now = br#"{"topics":[
            {"topic":"dior","user_id":"178","asked_at":"2026-11-24T03:00:02.123Z","records":50,"gap_likely":true},
            {"topic":"gucci","asked_at":null,"records":0,"kind":"throttled","code":4,"message":"no"}]}"#;
        assert_eq!(quality(now).unwrap().topics, [dior, gucci.clone()]);
        let before = br#"{"topics":["dior","gucci"],"failed_topics":[{"topic":"gucci","kind":"throttled","code":4,"message":"no"}]}"#;
        assert_eq!(quality(before).unwrap().topics, [run("dior"), gucci]);
        assert_eq!(quality(br#"{"failed_topics":[]}"#).unwrap().topics, []);
    }

    #[test]
    fn a_value_of_an_unexpected_type_is_unknown_and_the_rest_of_the_object_is_read() {
        let object = br#"{"counts":[],"rejected":{},"defaulted":{"like_count":[]},"topics":[7,
            {"topic":"dior","user_id":178,"asked_at":"yesterday","records":"50"},
            {"topic":"gucci","user_id":"179","asked_at":1795489202,"records":0,"kind":5,"code":"4","message":[]}]}"#;
        let read = quality(object).unwrap();
        let run = |topic: &str| TopicRun { topic: topic.into(), ..TopicRun::default() };
        let gucci = TopicRun { user_id: "179".into(), failure: Some(Failure::default()), ..run("gucci") };
        assert_eq!(read.topics, [run("dior"), gucci]);
        assert!(read.is_of(50) && !read.lists_defaults());
        let elsewhere = quality(br#"{"topics":{},"failed_topics":7,"not_listed":3,"defaulted":{}}"#).unwrap();
        assert!(elsewhere.topics.is_empty() && !elsewhere.lists_defaults());
        assert!(quality(b"{}").unwrap().lists_defaults() && quality(b"[").is_err());
    }

    #[test]
    fn a_zero_that_replaces_a_field_left_out_is_hidden_and_no_other_one_is() {
        let quality = quality(
            br#"{"model":"media","counts":{},"rejected":[],"defaulted":{"like_count":{"not found field":[{"id":"1"}],"wrong type":[{"id":"2","value":"12"}]},"comments_count":{"not found field":[{"id":"2"}]}}}"#,
        );
        let config = config();
        let defaults = Defaults::of(config.mapping(Model::Media), Some(&quality.unwrap()));
        let count = |id, value| defaults.count("like_count", id, value);
        assert_eq!(count("1", Some(0)), Count::Hidden);
        assert_eq!(count("2", Some(0)), Count::Unusable);
        assert_eq!(count("3", Some(0)), Count::Counted(0));
        assert_eq!(count("3", Some(7)), Count::Counted(7));
        assert_eq!(defaults.count("comments_count", "1", Some(0)), Count::Counted(0));
        assert_eq!(defaults.count("comments_count", "2", Some(0)), Count::Unusable, "comments cannot be hidden");
    }

    #[test]
    fn a_zero_without_a_quality_object_that_lists_all_defaults_is_neither_counted_nor_hidden() {
        let config = config();
        let count = |quality: Option<&Quality>, id, value| {
            Defaults::of(config.mapping(Model::Media), quality).count("like_count", id, value)
        };
        assert_eq!(count(None, "1", Some(0)), Count::Unknown);
        assert_eq!(count(None, "1", Some(4)), Count::Counted(4));
        let full = br#"{"not_listed":{"rejected":0,"defaulted":1},"defaulted":{"like_count":{"not found field":[{"id":"1"}]}}}"#;
        let full = quality(full).unwrap();
        assert_eq!(
            [count(Some(&full), "1", Some(0)), count(Some(&full), "2", Some(0))],
            [Count::Hidden, Count::Unknown]
        );
    }
}
