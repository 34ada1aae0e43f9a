use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    let types = Some(vec!["IMAGE".into(), "VIDEO".into()]);
    let media_type = Field { allowed: types, ..Field::new("media_type", "media_type", FieldType::Str) };
    Mapping::new(
        Model::Media,
        vec![
            Field::new("user_id", "user_id", FieldType::Str),
            Field::new("media_id", "id", FieldType::Str),
            Field::new("timestamp", "timestamp", FieldType::Timestamp),
            Field::new("caption", "caption", FieldType::Str),
            media_type,
            Field::new("media_url", "media_url", FieldType::Url),
            Field::new("like_count", "like_count", FieldType::Int),
        ],
    )
});

const OWN: Own<'_> = Own { user_id: "178", topic: "dior", asked_at: "2026-11-24T03:00:02+0000" };

fn flatten_by<'m>(mapping: &'m Mapping, raw: &str, unknown: &[String]) -> Result<Record<'m>, Reject> {
    let raw: &RawValue = serde_json::from_str(raw).unwrap();
    mapping.flatten(raw, OWN, unknown)
}

fn flatten(raw: &str) -> Result<Record<'static>, Reject> {
    flatten_by(&MAPPING, raw, &[])
}

fn stored(record: &Record<'_>) -> Value {
    serde_json::to_value(record).unwrap()
}

/// The issues as (output field, kind, value received).
fn issues<'r>(record: &'r Record<'_>) -> Vec<(&'static str, IssueKind, Option<&'r str>)> {
    let one = |i: &'r Issue| (&*MAPPING.fields()[i.field].output, i.kind, i.value.as_deref().map(RawValue::get));
    record.issues.iter().map(one).collect()
}

const GOOD: &str = r#"{"like_count":12,"id":"1","timestamp":"2023-09-01T07:38:34+0000","caption":"Herm\u00e8s \ud83c\udf0e\r\n\u0001","media_type":"IMAGE","media_url":"https:\/\/a.b\/c?x=1","extra":[1]}"#;

#[test]
fn a_good_record_is_flat_in_the_mappings_order_and_compact_utf8() {
    let record = flatten(GOOD).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&record).unwrap(), @r#"{"user_id":"178","media_id":"1","timestamp":"2023-09-01T07:38:34+0000","caption":"Hermès 🌎\r\n\u0001","media_type":"IMAGE","media_url":"https://a.b/c?x=1","like_count":12}"#);
    assert_eq!((record.id.as_str(), issues(&record)), ("1", vec![]));
}

#[test]
fn a_bad_field_gets_its_default_and_an_issue_with_the_received_value() {
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
        let flat = flatten(&record.to_string()).unwrap();
        assert_eq!(stored(&flat)[name], default, "{name} = {value}");
        assert_eq!(issues(&flat), [(name, kind, Some(value.to_string().as_str()))]);
    }
}

#[test]
fn a_missing_field_differs_from_one_that_the_api_no_longer_knows() {
    let record = flatten_by(&MAPPING, r#"{"id":"1"}"#, &["like_count".to_owned()]).unwrap();
    assert_eq!(
        stored(&record),
        json!({"user_id":"178","media_id":"1","timestamp":"1970-01-01T00:00:00+0000","caption":"","media_type":"","media_url":"","like_count":0})
    );
    let missing = ["timestamp", "caption", "media_type", "media_url"].map(|name| (name, IssueKind::NotFound, None));
    assert_eq!(issues(&record), [&missing[..], &[("like_count", IssueKind::UnknownField, None)]].concat());
}

#[test]
fn a_nullable_field_is_null_instead_of_its_default_and_otherwise_itself() {
    let nullable = MAPPING.fields().iter().map(|field| Field { nullable: true, ..field.clone() }).collect();
    let nullable = Mapping::new(Model::Media, nullable);
    let bad = r#"{"id":"1","timestamp":"today","media_type":"FEED","media_url":"x","like_count":"12"}"#;
    let record = flatten_by(&nullable, bad, &[]).unwrap();
    assert_eq!(
        stored(&record),
        json!({"user_id":"178","media_id":"1","timestamp":null,"caption":null,"media_type":null,"media_url":null,"like_count":null})
    );
    assert_eq!(record.issues.len(), 5, "a null counts as defaulted");
    let (good, plain) = (flatten_by(&nullable, GOOD, &[]).unwrap(), flatten(GOOD).unwrap());
    assert_eq!(stored(&good), stored(&plain));
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
        let reject = flatten(raw).unwrap_err();
        assert_eq!((reject.reason, reject.record.get()), (reason, raw));
    }
}

#[test]
fn of_a_name_given_twice_the_last_one_counts() {
    let flat = stored(&flatten(r#"{"id":"1","like_count":1,"id":"2","like_count":3}"#).unwrap());
    assert_eq!((&flat["media_id"], &flat["like_count"]), (&json!("2"), &json!(3)));
}

#[test]
fn a_lone_surrogate_costs_only_its_field() {
    let record = flatten(r#"{"id":"1","caption":"cut \ud83d","like_count":4}"#).unwrap();
    let flat = stored(&record);
    assert_eq!((&flat["caption"], &flat["like_count"]), (&json!(""), &json!(4)));
    assert!(issues(&record).contains(&("caption", IssueKind::NotUnicode, Some(r#""cut \ud83d""#))));
}

#[test]
fn only_what_the_mapping_names_is_requested_and_user_id_is_ours() {
    assert_eq!(MAPPING.requested(), ["id", "timestamp", "caption", "media_type", "media_url", "like_count"]);
}

#[test]
fn a_field_of_parts_is_stored_as_its_compact_text_and_anything_else_is_defaulted() {
    let json = Field { request: "children{id}".into(), ..Field::new("parts", "children", FieldType::Json) };
    let mapping = |field: Field| Mapping::new(Model::Media, vec![Field::new("id", "id", FieldType::Str), field]);
    let plain = mapping(json.clone());
    assert_eq!(plain.requested(), ["id", "children{id}"], "requested with the fields within it");
    let stored_of = |mapping: &Mapping, value: &str| {
        let record = format!(r#"{{"id":"1","children":{value}}}"#);
        let record = flatten_by(mapping, &record, &[]).unwrap();
        (stored(&record)["parts"].clone(), record.issues.first().map(|issue| issue.kind))
    };
    for (given, text) in
        [(r#"{ "data" : [ {"id":"2\u0041"} ] }"#, r#"{"data":[{"id":"2A"}]}"#), ("[ ]", "[]"), ("{}", "{}")]
    {
        assert_eq!(stored_of(&plain, given), (json!(text), None));
    }
    let wrong = Some(IssueKind::WrongType);
    for given in ["null", "7", "true", r#""{}""#] {
        assert_eq!(stored_of(&plain, given), (json!(""), wrong), "{given}");
        let nullable = mapping(Field { nullable: true, ..json.clone() });
        assert_eq!(stored_of(&nullable, given), (Value::Null, wrong), "{given}");
    }
    assert_eq!(stored_of(&plain, r#"["\ud83d"]"#), (json!(""), Some(IssueKind::NotUnicode)));
    let unknown = flatten_by(&plain, r#"{"id":"1"}"#, &["children".to_owned()]).unwrap();
    assert_eq!(unknown.issues[0].kind, IssueKind::UnknownField, "known by its name only");
}

#[test]
fn our_own_fields_are_stored_in_every_model_whatever_the_response_holds_and_never_requested() {
    for model in Model::ALL {
        let mapping = Mapping::new(
            model,
            vec![
                Field::new("user_id", "user_id", FieldType::Str),
                Field::new("media_id", "id", FieldType::Str),
                Field::new("found_under", "topic", FieldType::Str),
                Field::new("at", "asked_at", FieldType::Timestamp),
            ],
        );
        let raw = r#"{"id":"1","topic":7,"asked_at":null,"user_id":"5"}"#;
        let record = flatten_by(&mapping, raw, &["topic".to_owned()]).unwrap();
        let (owner, requested) =
            if model == Model::Brand { ("5", &["user_id", "id"][..]) } else { ("178", &["id"][..]) };
        let expected =
            json!({"user_id": owner, "media_id": "1", "found_under": "dior", "at": "2026-11-24T03:00:02+0000"});
        assert_eq!((stored(&record), record.issues.len(), mapping.requested()), (expected, 0, requested.to_vec()));
    }
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
        let Ok(record) = flatten(&record.to_string()) else { return Ok(()) };
        let flat = stored(&record);
        let flat = flat.as_object().unwrap();
        prop_assert_eq!(flat.len(), 7);
        prop_assert!(flat.values().all(|v| v.is_string() || v.is_i64()));
        prop_assert_eq!(flat["media_id"].as_str(), Some(&*record.id));
        prop_assert!(!record.id.is_empty() && record.id.bytes().all(|b| b.is_ascii_digit()));
    }

    #[test]
    fn a_caption_is_stored_unchanged(caption in any::<String>()) {
        let flat = flatten(&json!({"id": "1", "caption": caption}).to_string()).unwrap();
        prop_assert_eq!(&stored(&flat)["caption"], &json!(caption));
    }
}
