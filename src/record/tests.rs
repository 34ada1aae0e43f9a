use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn mapping() -> Mapping {
    let field = |output: &str, response: &str, kind| Field {
        output: output.into(),
        response: response.into(),
        kind,
        allowed: None,
    };
    let mut media_type = field("media_type", "media_type", FieldType::Str);
    media_type.allowed = Some(vec!["IMAGE".into(), "VIDEO".into()]);
    Mapping::new(
        Model::Media,
        vec![
            field("user_id", "user_id", FieldType::Str),
            field("media_id", "id", FieldType::Str),
            field("timestamp", "timestamp", FieldType::Timestamp),
            field("caption", "caption", FieldType::Str),
            media_type,
            field("media_url", "media_url", FieldType::Url),
            field("like_count", "like_count", FieldType::Int),
        ],
    )
}

fn flatten(raw: &str) -> (Value, Batch) {
    flatten_without(raw, &[])
}

fn flatten_without(raw: &str, unknown: &[String]) -> (Value, Batch) {
    let raw: Box<RawValue> = serde_json::from_str(raw).unwrap();
    let mut batch = Batch::default();
    mapping().flatten_record(&Record::Raw(&raw), "178", unknown, &mut batch);
    let json = serde_json::from_slice(format!("[{}]", String::from_utf8(batch.json.clone()).unwrap()).as_bytes());
    (json.unwrap(), batch)
}

const GOOD: &str = r#"{"like_count":12,"id":"1","timestamp":"2023-09-01T07:38:34+0000","caption":"Herm\u00e8s \ud83c\udf0e\r\n\u0001","media_type":"IMAGE","media_url":"https:\/\/a.b\/c?x=1","extra":[1]}"#;

#[test]
fn a_good_record_is_flat_in_the_mappings_order_and_compact_utf8() {
    let (_, batch) = flatten(GOOD);
    insta::assert_snapshot!(String::from_utf8(batch.json).unwrap(), @r#"{"user_id":"178","media_id":"1","timestamp":"2023-09-01T07:38:34+0000","caption":"Hermès 🌎\r\n\u0001","media_type":"IMAGE","media_url":"https://a.b/c?x=1","like_count":12}"#);
    assert_eq!((batch.records, batch.issues.len(), batch.rejects.len()), (1, 0, 0));
}

#[test]
fn a_bad_field_gets_its_default_and_is_told_with_the_value_received() {
    let cases: [(&str, Value, Value, IssueKind); 10] = [
        ("like_count", json!("12"), json!(0), IssueKind::WrongType),
        ("like_count", json!(true), json!(0), IssueKind::WrongType),
        ("like_count", json!(1.0), json!(0), IssueKind::WrongType),
        ("like_count", json!(u64::MAX), json!(0), IssueKind::OutOfRange),
        ("like_count", json!(null), json!(0), IssueKind::WrongType),
        ("caption", json!(7), json!(""), IssueKind::WrongType),
        ("caption", json!(null), json!(""), IssueKind::WrongType),
        ("media_url", json!("ftp://x.y/z"), json!(""), IssueKind::NotUrl),
        ("timestamp", json!("2023-02-30T00:00:00+0000"), json!("1970-01-01T00:00:00+0000"), IssueKind::NotTimestamp),
        ("media_type", json!("FEED"), json!(""), IssueKind::NotAllowed),
    ];
    for (name, value, default, kind) in cases {
        let mut record: Value = serde_json::from_str(GOOD).unwrap();
        record[name] = value.clone();
        let (flat, batch) = flatten(&record.to_string());
        assert_eq!(flat[0][name], default, "{name} = {value}");
        let [issue] = &batch.issues[..] else { panic!("{name} = {value}: {:?}", batch.issues) };
        assert_eq!((issue.kind, issue.value.as_deref()), (kind, Some(value.to_string().as_str())));
        assert_eq!((mapping().fields()[issue.field].output.as_str(), &*batch.ids[issue.record]), (name, "1"));
    }
}

#[test]
fn a_missing_field_is_told_apart_from_one_that_the_api_no_longer_knows() {
    let (flat, batch) = flatten_without(r#"{"id":"1"}"#, &["like_count".to_owned()]);
    assert_eq!(
        flat[0],
        json!({"user_id":"178","media_id":"1","timestamp":"1970-01-01T00:00:00+0000","caption":"","media_type":"","media_url":"","like_count":0})
    );
    let kinds: Vec<_> = batch.issues.iter().map(|i| i.kind).collect();
    assert_eq!(kinds, [[IssueKind::NotFound; 4].as_slice(), &[IssueKind::UnknownField]].concat());
    assert_eq!(batch.ids.len(), 1);
}

#[test]
fn a_record_without_an_id_of_digits_is_left_out_as_received() {
    let cases = [
        (r#"{"caption":"x"}"#, RejectReason::NoId),
        (r#"{"id":17}"#, RejectReason::IdNotString),
        (r#"{"id":null}"#, RejectReason::IdNotString),
        (r#"{"id":"12ab"}"#, RejectReason::IdNotDigits),
        (r#"{"id":""}"#, RejectReason::IdNotDigits),
        (r#"{"id":"１２"}"#, RejectReason::IdNotDigits),
        (r#"{"id":"\ud800"}"#, RejectReason::IdNotString),
        ("[1]", RejectReason::NotAnObject),
        ("null", RejectReason::NotAnObject),
        ("7", RejectReason::NotAnObject),
    ];
    for (raw, reason) in cases {
        let (flat, batch) = flatten(raw);
        assert_eq!(flat, json!([]), "{raw}: never an empty object in its place");
        assert_eq!(batch.rejects, [Reject { reason, record: raw.into() }]);
    }
}

#[test]
fn of_a_name_given_twice_the_last_one_counts() {
    let (flat, _) = flatten(r#"{"id":"1","like_count":1,"id":"2","like_count":3}"#);
    assert_eq!((&flat[0]["media_id"], &flat[0]["like_count"]), (&json!("2"), &json!(3)));
}

#[test]
fn half_a_surrogate_pair_costs_its_field_alone() {
    let (flat, batch) = flatten(r#"{"id":"1","caption":"cut \ud83d","like_count":4}"#);
    assert_eq!((&flat[0]["caption"], &flat[0]["like_count"]), (&json!(""), &json!(4)));
    assert!(
        batch.issues.iter().any(|i| i.kind == IssueKind::NotUnicode && i.value.as_deref() == Some(r#""cut \ud83d""#))
    );
}

#[test]
fn only_what_the_mapping_names_is_asked_for_and_user_id_is_ours() {
    assert_eq!(mapping().requested(), ["id", "timestamp", "caption", "media_type", "media_url", "like_count"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9]{1,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            Just("id".to_owned()),
            Just("caption".to_owned()),
            Just("like_count".to_owned()),
            any::<String>()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_record_is_stored_whole_or_left_out_whole(record in any_json()) {
        let (flat, batch) = flatten(&record.to_string());
        let rows = flat.as_array().unwrap();
        prop_assert_eq!((rows.len(), batch.records), (batch.records, 1 - batch.rejects.len()));
        for row in rows {
            let row = row.as_object().unwrap();
            prop_assert_eq!(row.len(), 7);
            prop_assert!(row.values().all(|v| v.is_string() || v.is_i64()));
            prop_assert!(row["media_id"].as_str().unwrap().bytes().all(|b| b.is_ascii_digit()));
        }
    }

    #[test]
    fn a_caption_comes_out_as_it_went_in(caption in any::<String>()) {
        let (flat, batch) = flatten(&json!({"id": "1", "caption": caption}).to_string());
        prop_assert_eq!(flat[0]["caption"].as_str(), Some(caption.as_str()));
        prop_assert_eq!(batch.records, 1);
    }
}
