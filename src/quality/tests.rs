//! The tally and its object.

use super::*;
use crate::record::{Field, FieldType, RejectReason};

fn mapping() -> Mapping {
    Mapping::new(
        Model::Media,
        vec![Field::new("media_id", "id", FieldType::Str), Field::new("likes", "like_count", FieldType::Int)],
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
fn the_quality_object_lists_each_default_and_reject_with_its_reason() {
    let mapping = mapping();
    let mut tally = Tally::new(&mapping);
    tally_topic(&mut tally, "dior");
    let about = About { job: "brand_media", time: "2026-01-31T23:59:07Z", ..About::default() };
    let json = tally.to_json(about, &[]);
    insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"model":"media","job":"brand_media","time":"2026-01-31T23:59:07Z","counts":{"records":2,"rejected":2,"defaulted":2},"topics":[],"rejected":[{"topic":"dior","reason":"id is not made of digits","record":{"id":"x","n":1.50}},{"topic":"dior","reason":"id not found","record":"{\"caption\":\"\\ud83d\"}"}],"defaulted":{"likes":{"not found field":[{"id":"1"}],"wrong type":[{"id":"2","value":"12"}]}}}"#);
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
    let json = tally.to_json(About::default(), &[]);
    assert!(json.len() <= MAX_QUALITY + 1_000, "{}", json.len());
    let object: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(object["counts"]["rejected"], 5);
    assert_eq!(object["not_listed"], serde_json::json!({"rejected": 1, "defaulted": 0}));
    assert_eq!(object["rejected"].as_array().unwrap().len(), 4, "a small one still fits");
}

#[test]
fn a_value_too_deep_for_a_strict_reader_is_stored_as_text() {
    let mapping = mapping();
    for levels in 100..200 {
        let deep = raw(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        let mut tally = Tally::new(&mapping);
        tally.reject("dior", Reject { reason: RejectReason::NotAnObject, record: deep.clone() });
        let issues = vec![Issue { field: 1, kind: IssueKind::WrongType, value: Some(deep) }];
        tally.add(Record { id: "1".into(), fields: Vec::new(), issues });
        let read: serde_json::Value = serde_json::from_slice(&tally.to_json(About::default(), &[])).unwrap();
        let value = &read["defaulted"]["likes"]["wrong type"][0]["value"];
        assert_eq!((value.is_string(), read["rejected"][0]["record"].is_string()), (levels > 122, levels > 122));
    }
}

#[test]
fn the_quality_object_lists_each_topic_of_the_run_with_its_result() {
    let run = |topic, records, failure| {
        let asked_at = DateTime::from_timestamp_millis(1_795_489_202_120);
        TopicRun { topic, user_id: "178", asked_at, records, other_id: None, failure, reach: None }
    };
    let late = Some(Failure::new(Kind::Deadline, "late"));
    let throttled = Some(Failure { code: Some(4), ..Failure::new(Kind::Throttled, "no") });
    let reach = Reach { pages: 4, overlap: None, gap_likely: true };
    let topics = [
        run("hermes", vec![(Model::Brand, 1), (Model::Media, 25)], None),
        run("dior", vec![(Model::Brand, 1), (Model::Media, 12)], late),
        TopicRun { asked_at: None, ..run("gucci", Vec::new(), throttled) },
        TopicRun { reach: Some(reach), ..run("ysl", vec![(Model::Media, 150)], None) },
    ];
    let mapping = mapping();
    let json = Tally::new(&mapping).to_json(About { subset: true, ..About::default() }, &topics);
    let json = String::from_utf8(json).unwrap().replace("},{", "},\n{");
    insta::assert_snapshot!(json, @r#"
    {"model":"media","job":"","time":"","subset":true,"counts":{"records":0,"rejected":0,"defaulted":0},"topics":[{"topic":"hermes","user_id":"178","asked_at":"2026-11-24T03:00:02.120Z","records":25},
    {"topic":"dior","user_id":"178","asked_at":"2026-11-24T03:00:02.120Z","records":12,"kind":"deadline","code":null,"message":"late"},
    {"topic":"gucci","user_id":"178","asked_at":null,"records":0,"kind":"throttled","code":4,"message":"no"},
    {"topic":"ysl","user_id":"178","asked_at":"2026-11-24T03:00:02.120Z","records":150,"pages":4,"overlap":null,"gap_likely":true}],"rejected":[],"defaulted":{}}
    "#);
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
