//! Quality objects: what was left out or defaulted, and so what the figures of a record mean.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::Record;
use collector::record::Mapping;

/// A topic whose records are missing from a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct FailedTopic {
    pub(crate) topic: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) code: Option<i64>,
    #[serde(default)]
    pub(crate) message: String,
}

/// A topic of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct TopicRun {
    pub(crate) topic: String,
    pub(crate) user_id: String,
    /// When its last response arrived; `None` if none arrived, or if that is unknown.
    pub(crate) asked_at: Option<DateTime<Utc>>,
    /// The number of records stored.
    pub(crate) records: usize,
    /// The failure, if the topic failed or was cut short.
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<i64>,
    pub(crate) message: String,
}

/// The topics of a quality object.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Topics {
    Runs(Vec<TopicRun>),
    /// The names of the topics that the event selected, in objects of earlier versions; empty for all.
    Selected(Vec<String>),
}

impl Default for Topics {
    fn default() -> Self {
        Self::Runs(Vec::new())
    }
}

/// A quality object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Quality {
    topics: Topics,
    counts: Counts,
    pub(crate) failed_topics: Vec<FailedTopic>,
    pub(crate) rejected: Vec<Rejected>,
    defaulted: BTreeMap<String, BTreeMap<String, Vec<Defaulted>>>,
    /// The cases that the object counts and has no room to list.
    not_listed: NotListed,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Counts {
    records: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NotListed {
    defaulted: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rejected {
    #[serde(default)]
    topic: String,
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
struct Defaulted {
    id: String,
}

/// The reason of a hidden figure: the API left the field out.
pub(crate) const NOT_FOUND: &str = "not found field";

/// A quality object.
///
/// # Errors
/// The problem and its position, as text for a person.
pub(crate) fn quality(bytes: &[u8]) -> Result<Quality, String> {
    let mut quality: Quality = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    quality.failed_topics.extend(quality.runs().iter().filter_map(TopicRun::failed).collect::<Vec<_>>());
    Ok(quality)
}

impl TopicRun {
    /// The topic with its failure; `None` if it did not fail.
    pub(crate) fn failed(&self) -> Option<FailedTopic> {
        let (topic, kind) = (self.topic.clone(), self.kind.clone()?);
        Some(FailedTopic { topic, kind, code: self.code, message: self.message.clone() })
    }
}

impl From<&FailedTopic> for TopicRun {
    fn from(FailedTopic { topic, kind, code, message }: &FailedTopic) -> Self {
        let (topic, kind, message) = (topic.clone(), Some(kind.clone()), message.clone());
        Self { topic, kind, code: *code, message, ..Self::default() }
    }
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
        let known = quality.is_some_and(|quality| quality.not_listed.defaulted == 0);
        let mut by_field: HashMap<&str, HashMap<String, String>> = HashMap::new();
        for (output, reasons) in quality.into_iter().flat_map(|quality| &quality.defaulted) {
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
    /// The topics of the run; empty in objects of earlier versions.
    pub(crate) fn runs(&self) -> &[TopicRun] {
        if let Topics::Runs(runs) = &self.topics { runs } else { &[] }
    }

    /// The names of the topics that the event selected, in objects of earlier versions.
    pub(crate) fn selected(&self) -> &[String] {
        if let Topics::Selected(names) = &self.topics { names } else { &[] }
    }

    /// Whether this is the quality object of an object with so many records. A run that ended between its two puts
    /// leaves the quality object of an earlier run next to its records.
    pub(crate) fn is_of(&self, records: usize) -> bool {
        self.counts.records.is_none_or(|counted| counted == records)
    }

    /// Removes the entries of other topics, and of records with other ids.
    pub(crate) fn retain(&mut self, topic: impl Fn(&str) -> bool, ids: &HashSet<&str>) {
        self.failed_topics.retain(|failed| topic(&failed.topic));
        self.rejected.retain(|rejected| topic(&rejected.topic));
        for reasons in self.defaulted.values_mut() {
            for records in reasons.values_mut() {
                records.retain(|record| ids.contains(&*record.id));
            }
            reasons.retain(|_, records| !records.is_empty());
        }
    }

    /// How often each field was defaulted for each reason.
    pub(crate) fn defaulted_counts(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.defaulted.iter().flat_map(|(field, reasons)| {
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
    /// A 0 is stored, and no quality object tells whether it was counted.
    Unknown,
}

impl Count {
    /// The figure; `None` where it was not counted.
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
        assert_eq!(defaults.count("comments_count", "2", Some(0)), Count::Unusable, "nobody can hide comments");
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
