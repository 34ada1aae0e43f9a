//! The tally of what was left out or defaulted: its counts, and the quality object beside the data.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::memory::LARGEST_QUALITY;
use crate::record::{Issue, IssueKind, Mapping, Record, Reject};

/// What came of one model in one run, over all its topics.
#[derive(Debug)]
pub struct Tally<'m> {
    mapping: &'m Mapping,
    /// Records stored.
    pub records: usize,
    rejected: Examples<Rejected>,
    rejected_by_reason: BTreeMap<&'static str, usize>,
    defaulted: BTreeMap<(usize, IssueKind), Examples<Defaulted>>,
    /// What the examples take, in bytes.
    bytes: usize,
}

/// Cases of one kind: all are counted, and listed as long as there is room.
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
    fn add(&mut self, example: T, room: bool) {
        self.count += 1;
        if room {
            self.listed.push(example);
        }
    }

    fn left_out(&self) -> usize {
        self.count - self.listed.len()
    }
}

/// What an example takes in the object beside its texts: names, quotes and commas.
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

/// Which run and which object a quality object is about.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct About<'a> {
    /// The job.
    pub job: &'a str,
    /// The time that names the objects.
    pub time: &'a str,
    /// The topics that the run was asked for, where it was asked for some: the name of its objects is made
    /// from them and does not tell them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<&'a [String]>,
    /// Its key; `None` where there were no records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<&'a str>,
    /// The key that it would have, had not an earlier run's object it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<&'a str>,
    /// How far back the pages of each hashtag reached, where gaps are closed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub reach: &'a [Reach],
}

/// How far back the pages of a hashtag reached.
#[derive(Debug, Clone, Serialize)]
pub struct Reach {
    /// The hashtag.
    pub topic: String,
    /// Pages read.
    pub pages: u32,
    /// Media that the process had stored before; `None` where it had stored none.
    pub overlap: Option<usize>,
    /// Whether media are likely to be missing between the previous run and this one.
    pub gap_likely: bool,
}

/// How often a field was defaulted for one reason, or a record left out for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The reason.
    pub kind: &'static str,
    /// The field, as `output(response)`.
    pub field: String,
    /// How often.
    pub count: usize,
}

/// The levels of the quality object around a value: itself, `defaulted`, a field, a reason and an entry.
const LEVELS: usize = 5;

/// A value received, as JSON that any reader takes: itself, or where it holds what strict readers
/// refuse (half a surrogate pair, 1e999, more levels than 127 with those around it), a string of it.
fn readable(value: Box<RawValue>) -> Box<RawValue> {
    let in_its_place = ["[".repeat(LEVELS).as_str(), value.get(), &"]".repeat(LEVELS)].concat();
    if serde_json::from_str::<serde_json::Value>(&in_its_place).is_ok() {
        return value;
    }
    // A string can be written into memory.
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

    /// Counts a topic's record.
    pub fn add(&mut self, record: Record<'_>) {
        self.records += 1;
        let Record { id, issues, .. } = record;
        for Issue { field, kind, value } in issues {
            let value = value.map(readable);
            let room = self.room(id.len() + value.as_ref().map_or(0, |value| value.get().len()));
            self.defaulted.entry((field, kind)).or_default().add(Defaulted { id: id.clone(), value }, room);
        }
    }

    /// Counts a topic's record that was left out.
    pub fn reject(&mut self, topic: &str, Reject { reason, record }: Reject) {
        let record = readable(record);
        let room = self.room(topic.len() + record.get().len());
        self.rejected.add(Rejected { topic: topic.to_owned(), reason: reason.name(), record }, room);
        *self.rejected_by_reason.entry(reason.name()).or_default() += 1;
    }

    /// Whether the object has room for an example whose texts have so many bytes; takes it where it has.
    fn room(&mut self, bytes: usize) -> bool {
        let with = self.bytes + bytes + EXAMPLE;
        let room = with <= LARGEST_QUALITY;
        if room {
            self.bytes = with;
        }
        room
    }

    /// Records left out.
    pub fn rejected(&self) -> usize {
        self.rejected.count
    }

    /// Fields given their default.
    pub fn defaulted(&self) -> usize {
        self.defaulted.values().map(|examples| examples.count).sum()
    }

    /// Whether anything was left out or defaulted.
    pub fn has_issues(&self) -> bool {
        self.rejected.count > 0 || !self.defaulted.is_empty()
    }

    fn field_label(&self, index: usize) -> String {
        self.mapping.fields().get(index).map(|f| format!("{}({})", f.output, f.response)).unwrap_or_default()
    }

    /// The defaulted fields by field, in the mapping's order, and reason.
    pub fn defaulted_counts(&self) -> Vec<(&str, Count)> {
        let count = |((field, kind), examples): (&(usize, IssueKind), &Examples<Defaulted>)| {
            let output = self.mapping.fields().get(*field).map_or("", |f| f.output.as_str());
            (output, Count { kind: kind.name(), field: self.field_label(*field), count: examples.count })
        };
        self.defaulted.iter().map(count).collect()
    }

    /// The rejected records by reason.
    pub fn rejected_counts(&self) -> Vec<Count> {
        let id = self.mapping.fields().iter().position(|f| f.response == crate::record::ID).unwrap_or_default();
        let count = |(kind, count): (&&'static str, &usize)| Count { kind, field: self.field_label(id), count: *count };
        self.rejected_by_reason.iter().map(count).collect()
    }

    /// The quality object: counts, rejected records as received, and the defaulted fields by field and
    /// reason with the ids of their records and the values received. Beyond [`LARGEST_QUALITY`] cases are
    /// counted and no longer listed, and `not_listed` says how many.
    ///
    /// `failed_topics` are those whose records are missing altogether.
    pub fn to_json<F: Serialize>(&self, about: About<'_>, failed_topics: &[F]) -> Vec<u8> {
        #[derive(Serialize)]
        struct Object<'a, F> {
            model: &'a str,
            #[serde(flatten)]
            about: About<'a>,
            counts: Counts,
            #[serde(skip_serializing_if = "Option::is_none")]
            not_listed: Option<NotListed>,
            failed_topics: &'a [F],
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
        let model = self.mapping.model.name();
        let rejected = &self.rejected.listed;
        let object = Object { model, about, counts, not_listed, failed_topics, rejected, defaulted };
        // Maps with string keys and checked JSON texts: writing them into memory cannot fail.
        serde_json::to_vec(&object).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
