//! The tally of what was left out or defaulted: its counts, and the quality object beside the data.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::record::{Issue, IssueKind, Mapping, Record, Reject};

/// What came of one model in one run, over all its topics.
#[derive(Debug)]
pub struct Tally<'m> {
    mapping: &'m Mapping,
    /// Records stored.
    pub records: usize,
    rejected: Vec<Rejected>,
    defaulted: BTreeMap<(usize, IssueKind), Vec<Defaulted>>,
}

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

/// A value received, as JSON that any reader takes: itself, or where it holds what strict readers
/// refuse (half a surrogate pair, 1e999), a string of it.
fn readable(value: Box<RawValue>) -> Box<RawValue> {
    if serde_json::from_str::<serde_json::Value>(value.get()).is_ok() {
        return value;
    }
    // A string can be written into memory.
    serde_json::value::to_raw_value(value.get()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl<'m> Tally<'m> {
    /// An empty tally of the records that `mapping` makes.
    pub fn new(mapping: &'m Mapping) -> Self {
        Self { mapping, records: 0, rejected: Vec::new(), defaulted: BTreeMap::new() }
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
            let of_field = self.defaulted.entry((field, kind)).or_default();
            of_field.push(Defaulted { id: id.clone(), value: value.map(readable) });
        }
    }

    /// Counts a topic's record that was left out.
    pub fn reject(&mut self, topic: &str, Reject { reason, record }: Reject) {
        self.rejected.push(Rejected { topic: topic.to_owned(), reason: reason.name(), record: readable(record) });
    }

    /// Records left out.
    pub fn rejected(&self) -> usize {
        self.rejected.len()
    }

    /// Fields given their default.
    pub fn defaulted(&self) -> usize {
        self.defaulted.values().map(Vec::len).sum()
    }

    /// Whether anything was left out or defaulted.
    pub fn has_issues(&self) -> bool {
        !self.rejected.is_empty() || !self.defaulted.is_empty()
    }

    fn field_label(&self, index: usize) -> String {
        self.mapping.fields().get(index).map(|f| format!("{}({})", f.output, f.response)).unwrap_or_default()
    }

    /// The defaulted fields by field, in the mapping's order, and reason.
    pub fn defaulted_counts(&self) -> Vec<(&str, Count)> {
        let count = |((field, kind), records): (&(usize, IssueKind), &Vec<Defaulted>)| {
            let output = self.mapping.fields().get(*field).map_or("", |f| f.output.as_str());
            (output, Count { kind: kind.name(), field: self.field_label(*field), count: records.len() })
        };
        self.defaulted.iter().map(count).collect()
    }

    /// The rejected records by reason.
    pub fn rejected_counts(&self) -> Vec<Count> {
        let id = self.mapping.fields().iter().position(|f| f.response == crate::record::ID).unwrap_or_default();
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for rejected in &self.rejected {
            *counts.entry(rejected.reason).or_default() += 1;
        }
        counts.into_iter().map(|(kind, count)| Count { kind, field: self.field_label(id), count }).collect()
    }

    /// The quality object: counts, rejected records as received, and the defaulted fields by field and
    /// reason with the ids of their records and the values received.
    ///
    /// `failed_topics` are those whose records are missing altogether.
    pub fn to_json<F: Serialize>(&self, job: &str, time: &str, failed_topics: &[F]) -> Vec<u8> {
        #[derive(Serialize)]
        struct Object<'a, F> {
            model: &'a str,
            job: &'a str,
            time: &'a str,
            counts: Counts,
            failed_topics: &'a [F],
            rejected: &'a [Rejected],
            defaulted: BTreeMap<&'a str, BTreeMap<&'a str, &'a [Defaulted]>>,
        }
        #[derive(Serialize)]
        struct Counts {
            records: usize,
            rejected: usize,
            defaulted: usize,
        }
        let mut defaulted: BTreeMap<&str, BTreeMap<&str, &[Defaulted]>> = BTreeMap::new();
        for ((field, kind), records) in &self.defaulted {
            if let Some(field) = self.mapping.fields().get(*field) {
                defaulted.entry(&field.output).or_default().insert(kind.name(), records);
            }
        }
        let counts = Counts { records: self.records, rejected: self.rejected(), defaulted: self.defaulted() };
        let model = self.mapping.model.name();
        let object = Object { model, job, time, counts, failed_topics, rejected: &self.rejected, defaulted };
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
        let json = tally.to_json("brand_media", "2026-01-31T23:59:07Z", &["gucci"]);
        insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"model":"media","job":"brand_media","time":"2026-01-31T23:59:07Z","counts":{"records":2,"rejected":2,"defaulted":2},"failed_topics":["gucci"],"rejected":[{"topic":"dior","reason":"id is not made of digits","record":{"id":"x","n":1.50}},{"topic":"dior","reason":"id not found","record":"{\"caption\":\"\\ud83d\"}"}],"defaulted":{"likes":{"not found field":[{"id":"1"}],"wrong type":[{"id":"2","value":"12"}]}}}"#);
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
