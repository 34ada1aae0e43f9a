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
mod tests {
    use super::*;
    use crate::record::{Field, FieldType, Model, RejectReason};

    fn mapping() -> Mapping {
        let field = |output: &str, response: &str, kind| Field {
            output: output.into(),
            response: response.into(),
            kind,
            nullable: false,
            allowed: None,
        };
        Mapping::new(
            Model::Media,
            vec![field("media_id", "id", FieldType::Str), field("likes", "like_count", FieldType::Int)],
        )
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    /// Two records whose likes are defaulted, and two that were left out.
    fn tally_topic(tally: &mut Tally<'_>, topic: &str) {
        for (id, kind, value) in [("1", IssueKind::NotFound, None), ("2", IssueKind::WrongType, Some(raw("\"12\"")))] {
            tally.add(Record { id: id.into(), fields: Vec::new(), issues: vec![Issue { field: 1, kind, value }] });
        }
        for (reason, record) in
            [(RejectReason::IdNotDigits, r#"{"id":"x","n":1.50}"#), (RejectReason::NoId, r#"{"caption":"\ud83d"}"#)]
        {
            tally.reject(topic, Reject { reason, record: raw(record) });
        }
    }

    #[test]
    fn the_quality_object_tells_each_default_and_reject_and_why() {
        let mapping = mapping();
        let mut tally = Tally::new(&mapping);
        tally_topic(&mut tally, "dior");
        let about = About { job: "brand_media", time: "2026-01-31T23:59:07Z", ..About::default() };
        let json = tally.to_json(about, &["gucci"]);
        insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"model":"media","job":"brand_media","time":"2026-01-31T23:59:07Z","counts":{"records":2,"rejected":2,"defaulted":2},"failed_topics":["gucci"],"rejected":[{"topic":"dior","reason":"id is not made of digits","record":{"id":"x","n":1.50}},{"topic":"dior","reason":"id not found","record":"{\"caption\":\"\\ud83d\"}"}],"defaulted":{"likes":{"not found field":[{"id":"1"}],"wrong type":[{"id":"2","value":"12"}]}}}"#);
    }

    #[test]
    fn beyond_its_largest_size_the_object_counts_and_says_so() {
        let mapping = mapping();
        let mut tally = Tally::new(&mapping);
        let large = |name: &str| raw(&format!(r#"{{"{name}":"{}"}}"#, "x".repeat(900_000)));
        for _ in 0..3 {
            tally.reject("dior", Reject { reason: RejectReason::NoId, record: large("caption") });
        }
        tally_topic(&mut tally, "dior");
        let json = tally.to_json(About::default(), &[0; 0]);
        assert!(json.len() <= LARGEST_QUALITY + 1_000, "{}", json.len());
        let object: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(object["counts"]["rejected"], 5);
        assert_eq!(object["not_listed"], serde_json::json!({"rejected": 1, "defaulted": 0}));
        assert_eq!(object["rejected"].as_array().unwrap().len(), 4, "a small one still has room");
    }

    #[test]
    fn a_value_too_deep_for_a_strict_reader_is_told_as_text() {
        let mapping = mapping();
        for levels in 100..200 {
            let deep = raw(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
            let mut tally = Tally::new(&mapping);
            tally.reject("dior", Reject { reason: RejectReason::NotAnObject, record: deep.clone() });
            let issues = vec![Issue { field: 1, kind: IssueKind::WrongType, value: Some(deep) }];
            tally.add(Record { id: "1".into(), fields: Vec::new(), issues });
            let read: serde_json::Value = serde_json::from_slice(&tally.to_json(About::default(), &[0; 0])).unwrap();
            let told = &read["defaulted"]["likes"]["wrong type"][0]["value"];
            assert_eq!((told.is_string(), read["rejected"][0]["record"].is_string()), (levels > 122, levels > 122));
        }
    }

    #[test]
    fn the_quality_object_of_some_topics_names_them() {
        let mapping = mapping();
        let topics = ["dior".to_owned(), "gucci".to_owned()];
        let json = Tally::new(&mapping).to_json(About { topics: Some(&topics), ..About::default() }, &[0; 0]);
        assert!(String::from_utf8(json).unwrap().contains(r#""topics":["dior","gucci"],"counts""#));
    }

    #[test]
    fn counts_name_the_field_as_stored_and_as_received() {
        let mapping = mapping();
        let mut tally = Tally::new(&mapping);
        tally_topic(&mut tally, "dior");
        tally_topic(&mut tally, "gucci");
        let counts: Vec<_> = tally.defaulted_counts().into_iter().map(|(_, c)| (c.kind, c.field, c.count)).collect();
        assert_eq!(
            counts,
            [("not found field", "likes(like_count)".to_owned(), 2), ("wrong type", "likes(like_count)".to_owned(), 2)]
        );
        assert_eq!((tally.records, tally.rejected(), tally.defaulted()), (4, 4, 4));
        assert_eq!(tally.rejected_counts().iter().map(|c| c.count).sum::<usize>(), 4);
    }
}
