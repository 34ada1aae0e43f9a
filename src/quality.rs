//! The tally of what was left out or defaulted: its counts, and the quality object.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::graph::{Failure, Kind};
use crate::memory::MAX_QUALITY;
use crate::record::{Field, Issue, IssueKind, Mapping, Model, Record, Reject};

/// The results of one model in one run, over all topics.
#[derive(Debug)]
pub struct Tally<'m> {
    mapping: &'m Mapping,
    /// The number of records stored.
    pub records: usize,
    rejected: Examples<Rejected>,
    rejected_by_reason: BTreeMap<&'static str, usize>,
    defaulted: BTreeMap<(usize, IssueKind), Examples<Defaulted>>,
    /// The bytes that the examples take.
    bytes: usize,
}

/// Cases of one kind. All are counted; they are listed until [`MAX_QUALITY`] is reached.
#[derive(Debug)]
struct Examples<T> {
    count: usize,
    listed: Vec<T>,
}

impl<T> Default for Examples<T> {
    fn default() -> Self {
        Self { count: 0, listed: Vec::new() }
    }
}

impl<T> Examples<T> {
    fn add(&mut self, example: T, fits: bool) {
        self.count += 1;
        if fits {
            self.listed.push(example);
        }
    }

    fn left_out(&self) -> usize {
        self.count - self.listed.len()
    }
}

/// The bytes of names, quotes and commas around an example.
const EXAMPLE: usize = 64;

#[derive(Debug, Serialize)]
struct Rejected {
    topic: String,
    reason: &'static str,
    record: Box<RawValue>,
}

#[derive(Debug, Serialize)]
struct Defaulted {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
}

/// The run and the object that a quality object belongs to.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct About<'a> {
    /// The job.
    pub job: &'a str,
    /// The time that names the objects.
    pub time: &'a str,
    /// Whether the sandbox made the data up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// Whether the event selected topics.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub subset: bool,
    /// The object's key; `None` if there were no records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<&'a str>,
    /// The object's usual key, if an earlier run's object keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<&'a str>,
}

/// A topic of a run, and its result.
#[derive(Debug)]
pub struct TopicRun<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Its configured user id.
    pub user_id: &'a str,
    /// When its last response arrived; `None` if there was none.
    pub asked_at: Option<DateTime<Utc>>,
    /// The number of records stored for it, by model.
    pub records: Vec<(Model, usize)>,
    /// The id in the response, if it is not the configured one of the account.
    pub other_id: Option<String>,
    /// Why all or some of its records are missing; `None` if none are.
    pub failure: Option<Failure>,
    /// How far back the pages of a hashtag reached; `None` unless gaps are closed.
    pub reach: Option<Reach>,
}

/// How far back the pages of a hashtag reached.
#[derive(Debug, Clone, Serialize)]
pub struct Reach {
    /// Pages read.
    pub pages: u32,
    /// Media that the process had stored before; `None` if it had stored none.
    pub overlap: Option<usize>,
    /// Whether media are likely to be missing between the previous run and this one.
    pub gap_likely: bool,
}

/// How often a field was defaulted, or a record left out, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The reason.
    pub kind: &'static str,
    /// The field, as `output(response)`.
    pub field: String,
    /// The number of cases.
    pub count: usize,
}

/// The entry of a topic in the quality object of a model.
#[derive(Serialize)]
struct Topic<'a> {
    topic: &'a str,
    user_id: &'a str,
    asked_at: Option<String>,
    records: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(flatten)]
    failure: Option<TopicFailure<'a>>,
    #[serde(flatten)]
    reach: Option<&'a Reach>,
}

#[derive(Serialize)]
struct TopicFailure<'a> {
    kind: Kind,
    code: Option<i64>,
    message: &'a str,
}

impl<'a> Topic<'a> {
    fn of(run: &'a TopicRun<'_>, model: Model) -> Self {
        let TopicRun { topic, user_id, asked_at, records, other_id, failure, reach } = run;
        let asked_at = asked_at.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
        let records = records.iter().find(|(of, _)| *of == model).map_or(0, |(_, records)| *records);
        let failure = failure.as_ref().map(|f| TopicFailure { kind: f.kind, code: f.code, message: &f.message });
        let identity = other_id.as_deref();
        Self { topic, user_id, asked_at, records, identity, failure, reach: reach.as_ref() }
    }
}

/// The levels of the quality object around a value: the object, `defaulted`, a field, a reason and an
/// entry.
const LEVELS: usize = 5;

/// A value of a response, as JSON that any reader accepts. A value that strict readers refuse (a lone surrogate, 1e999,
/// more than 127 levels together with those around it) becomes a string that holds its text.
fn readable(value: Box<RawValue>) -> Box<RawValue> {
    let nested = ["[".repeat(LEVELS).as_str(), value.get(), &"]".repeat(LEVELS)].concat();
    if serde_json::from_str::<serde_json::Value>(&nested).is_ok() {
        return value;
    }
    // Writing a string into memory cannot fail.
    serde_json::value::to_raw_value(value.get()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl<'m> Tally<'m> {
    /// An empty tally of the records that `mapping` makes.
    pub fn new(mapping: &'m Mapping) -> Self {
        Self {
            mapping,
            records: 0,
            rejected: Examples::default(),
            rejected_by_reason: BTreeMap::new(),
            defaulted: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// The mapping whose records are tallied.
    pub fn mapping(&self) -> &'m Mapping {
        self.mapping
    }

    /// Counts a record of a topic.
    pub fn add(&mut self, record: Record<'_>) {
        self.records += 1;
        let Record { id, issues, .. } = record;
        for Issue { field, kind, value } in issues {
            let value = value.map(readable);
            let fits = self.reserve(id.len() + value.as_ref().map_or(0, |value| value.get().len()));
            self.defaulted.entry((field, kind)).or_default().add(Defaulted { id: id.clone(), value }, fits);
        }
    }

    /// Counts a record of a topic that was left out.
    pub fn reject(&mut self, topic: &str, Reject { reason, record }: Reject) {
        let record = readable(record);
        let fits = self.reserve(topic.len() + record.get().len());
        self.rejected.add(Rejected { topic: topic.to_owned(), reason: reason.name(), record }, fits);
        *self.rejected_by_reason.entry(reason.name()).or_default() += 1;
    }

    /// Reserves the bytes of an example whose texts have `bytes` bytes; `false` if they would exceed
    /// [`MAX_QUALITY`].
    fn reserve(&mut self, bytes: usize) -> bool {
        let with = self.bytes + bytes + EXAMPLE;
        let fits = with <= MAX_QUALITY;
        if fits {
            self.bytes = with;
        }
        fits
    }

    /// The number of records left out.
    pub fn rejected(&self) -> usize {
        self.rejected.count
    }

    /// The number of fields that got their default.
    pub fn defaulted(&self) -> usize {
        self.defaulted.values().map(|examples| examples.count).sum()
    }

    fn field_label(&self, index: usize) -> String {
        self.mapping.fields().get(index).map(|f| format!("{}({})", f.output, f.response)).unwrap_or_default()
    }

    /// The defaulted fields, by field in the mapping's order, and by reason.
    pub fn defaulted_counts(&self) -> Vec<(&Field, Count)> {
        let count = |((index, kind), examples): (&(usize, IssueKind), &Examples<Defaulted>)| {
            let field = self.mapping.fields().get(*index)?;
            Some((field, Count { kind: kind.name(), field: self.field_label(*index), count: examples.count }))
        };
        self.defaulted.iter().filter_map(count).collect()
    }

    /// The rejected records by reason.
    pub fn rejected_counts(&self) -> Vec<Count> {
        let id = self.mapping.fields().iter().position(|f| f.response == crate::record::ID).unwrap_or_default();
        let count = |(kind, count): (&&'static str, &usize)| Count { kind, field: self.field_label(id), count: *count };
        self.rejected_by_reason.iter().map(count).collect()
    }

    /// The quality object: the counts, the rejected records as received, and by field and reason the ids of
    /// the records whose field was defaulted, with the values received. Beyond [`MAX_QUALITY`] cases
    /// are counted and not listed; `not_listed` holds their number. `topics` lists every topic of the run.
    pub fn to_json(&self, about: About<'_>, topics: &[TopicRun<'_>]) -> Vec<u8> {
        #[derive(Serialize)]
        struct Object<'a> {
            model: &'a str,
            #[serde(flatten)]
            about: About<'a>,
            counts: Counts,
            #[serde(skip_serializing_if = "Option::is_none")]
            not_listed: Option<NotListed>,
            topics: Vec<Topic<'a>>,
            rejected: &'a [Rejected],
            defaulted: BTreeMap<&'a str, BTreeMap<&'a str, &'a [Defaulted]>>,
        }
        #[derive(Serialize)]
        struct NotListed {
            rejected: usize,
            defaulted: usize,
        }
        #[derive(Serialize)]
        struct Counts {
            records: usize,
            rejected: usize,
            defaulted: usize,
        }
        let mut defaulted: BTreeMap<&str, BTreeMap<&str, &[Defaulted]>> = BTreeMap::new();
        for ((field, kind), examples) in &self.defaulted {
            if let Some(field) = self.mapping.fields().get(*field) {
                defaulted.entry(&field.output).or_default().insert(kind.name(), &examples.listed);
            }
        }
        let not_listed = NotListed {
            rejected: self.rejected.left_out(),
            defaulted: self.defaulted.values().map(Examples::left_out).sum(),
        };
        let not_listed = (not_listed.rejected + not_listed.defaulted > 0).then_some(not_listed);
        let counts = Counts { records: self.records, rejected: self.rejected(), defaulted: self.defaulted() };
        let model = self.mapping.model;
        let topics = topics.iter().map(|run| Topic::of(run, model)).collect();
        let (model, rejected) = (model.name(), &self.rejected.listed);
        let object = Object { model, about, counts, not_listed, topics, rejected, defaulted };
        serde_json::to_vec(&object).expect("the maps have string keys, and the JSON texts are checked")
    }
}

#[cfg(test)]
mod tests;
