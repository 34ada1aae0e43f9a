//! From a response of the API to flat records and their objects, as in `collect.rs` and `function/context.rs`, both for
//! an account and for a hashtag, with the shipped mappings and with nullable copies of them.
#![no_main]

use std::sync::LazyLock;

use collector::body::ObjectBody;
use collector::config::{Config, Format};
use collector::graph::{Page, TokenInfo};
use collector::quality::{About, Tally};
use collector::record::{ASKED_AT, Field, FieldType, ID, Mapping, Model, OWNER, Own, Record, Reject, RejectReason, TOPIC};
use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

const SHIPPED: &str = include_str!("../../configure.ini");

static CONFIGS: LazyLock<[Config; 2]> = LazyLock::new(|| {
    let nullable = |line: &str| if FieldType::ALL.iter().any(|t| line.ends_with(t.name())) { "?\n" } else { "\n" };
    let shipped = SHIPPED.replace("[luxury_media]", "[luxury_media]\nparts = children{id} json");
    let own = |section: &str| format!("{section}\ntopic = topic str\nasked_at = asked_at timestamp");
    let sections = ["[luxury_profile]", "[luxury_media]", "[hashtag_media]"];
    let shipped = sections.iter().fold(shipped, |ini, section| ini.replace(section, &own(section)));
    let nullable: String = shipped.lines().flat_map(|line| [line, nullable(line)]).collect();
    [&shipped, &nullable].map(|ini| Config::parse(ini.as_bytes(), "configure.ini").expect("it can work"))
});

const OWN: Own<'_> = Own { user_id: "17841400681603877", topic: "hermes", asked_at: "2026-11-24T03:00:02+0000" };

/// Few, so that some responses have more.
const LIMIT: usize = 4;

fuzz_target!(|body: &str| {
    let _ = TokenInfo::read(body);
    for config in &*CONFIGS {
        for unknown in [&[][..], &["like_count".to_owned()]] {
            if let Some(page) = Page::of_account(body, LIMIT) {
                check(config.mapping(Model::Brand), page.profile.as_slice(), unknown);
                own_fields(body, &page);
                media(config.mapping(Model::Media), &page, unknown);
            }
            if let Some(page) = Page::of_hashtag(body, LIMIT) {
                media(config.mapping(Model::MediaHashtag), &page, unknown);
            }
        }
    }
});

/// The profile's own fields are those that another JSON reader finds in addition to `media`.
fn own_fields(body: &str, page: &Page) {
    let Ok(mut whole) = serde_json::from_str::<Value>(body) else { return };
    let account = whole["business_discovery"].as_object_mut().expect("an account is an object");
    account.remove("media");
    let own = serde_json::from_str::<Value>(page.profile.as_ref().expect("an account has a profile").get()).expect("what the whole was, its parts are");
    assert_eq!(own.as_object(), Some(&*account));
}

fn media(mapping: &Mapping, page: &Page, unknown: &[String]) {
    assert!(page.records.len() <= LIMIT && (page.surplus == 0 || page.records.len() == LIMIT));
    if let Some(cursor) = &page.after {
        assert!(!cursor.as_str().contains(['(', ')', '{', '}', ',', '.']), "it is spliced into a call");
    }
    check(mapping, &page.records, unknown);
}

/// Each record received is stored or rejected, whole; each default is accounted for, and the objects hold
/// what was stored.
fn check(mapping: &Mapping, received: &[Box<RawValue>], unknown: &[String]) {
    let mut tally = Tally::new(mapping);
    let mut bodies = [Format::Array, Format::Ndjson].map(|format| (format, ObjectBody::with_capacity(format, 0, 0)));
    let (mut stored, mut defaulted) = (Vec::<Fields>::new(), 0);
    for raw in received {
        match mapping.flatten(raw, OWN, unknown) {
            Ok(record) => {
                flat_and_whole(mapping, &record);
                same_values(mapping, raw, &record);
                bodies.iter_mut().for_each(|(_, body)| body.add(&record));
                stored.push(record.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
                defaulted += record.issues.len();
                tally.add(record);
            }
            Err(reject) => {
                same_reason(raw, &reject);
                tally.reject("dior", reject);
            }
        }
    }
    for (format, body) in bodies {
        assert_eq!(read_back(format, body.finish()), stored, "{format:?}");
    }
    assert_eq!(
        (tally.records, tally.rejected(), tally.defaulted()),
        (stored.len(), received.len() - stored.len(), defaulted)
    );
    let quality: Value = serde_json::from_slice(&tally.to_json(About::default(), &[])).expect("valid JSON");
    let count = |name: &str| quality["counts"][name].as_u64().map(|n| n as usize);
    assert_eq!(
        [count("records"), count("rejected"), count("defaulted")].map(Option::unwrap),
        [tally.records, tally.rejected(), tally.defaulted()]
    );
}

type Fields = Vec<(String, Value)>;

fn read_back(format: Format, object: Option<Vec<u8>>) -> Vec<Fields> {
    let Some(object) = object else { return Vec::new() };
    let text = String::from_utf8(object).expect("UTF-8");
    let records: Vec<IndexMap<String, Value>> = match format {
        Format::Array => {
            assert!(!text.contains('\n'), "one line");
            serde_json::from_str(&text).expect("an array of objects")
        }
        Format::Ndjson => {
            let lines = text.strip_suffix('\n').expect("a line break at the end").split('\n');
            lines.map(|line| serde_json::from_str(line).expect("one object a line")).collect()
        }
    };
    assert!(!records.is_empty(), "no records, no object");
    records.into_iter().map(|record| record.into_iter().collect()).collect()
}

/// Every field of the mapping is present, in order and of its type; only defaulted fields may be null.
fn flat_and_whole(mapping: &Mapping, record: &Record<'_>) {
    let names: Vec<&str> = mapping.fields().iter().map(|f| f.output.as_str()).collect();
    assert_eq!(record.fields.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names, "every field, in order");
    assert!(!record.id.is_empty() && record.id.bytes().all(|b| b.is_ascii_digit()));
    assert!(record.issues.is_sorted_by(|a, b| a.field < b.field), "at most one issue a field");
    assert!(record.issues.iter().all(|issue| issue.field < names.len()));
    for (index, (field, (_, value))) in mapping.fields().iter().zip(&record.fields).enumerate() {
        if record.issues.iter().any(|issue| issue.field == index) {
            assert_eq!(*value, field.default_value());
            continue;
        }
        match (field.kind, value) {
            (FieldType::Int, Value::Number(n)) => assert!(n.is_i64()),
            (FieldType::Str, Value::String(id)) if field.response == ID => assert_eq!(*id, record.id),
            (FieldType::Str, Value::String(text)) => {
                assert!(field.allowed.as_ref().is_none_or(|a| a.contains(text)));
            }
            (FieldType::Url, Value::String(url)) => {
                let has_host = |u: url::Url| u.has_host() && matches!(u.scheme(), "http" | "https");
                assert!(url.is_empty() || url::Url::parse(url).is_ok_and(has_host), "{url:?}");
            }
            (FieldType::Json, Value::String(text)) => assert!(text.starts_with(['{', '[']), "{text:?}"),
            (FieldType::Timestamp, Value::String(time)) => {
                let real = chrono::DateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S%z").is_ok();
                assert!(real && time.len() == "1970-01-01T00:00:00+0000".len(), "{time:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A value is stored as another JSON reader finds it, or else its default is accounted for.
fn same_values(mapping: &Mapping, raw: &RawValue, record: &Record<'_>) {
    // Values that such a reader refuses, such as a lone surrogate, are skipped.
    let Ok(received) = serde_json::from_str::<Value>(raw.get()) else { return };
    for (index, (field, (_, stored))) in mapping.fields().iter().zip(&record.fields).enumerate() {
        let own = match field.response.as_str() {
            OWNER if mapping.model != Model::Brand => Some(OWN.user_id),
            TOPIC => Some(OWN.topic),
            ASKED_AT => Some(OWN.asked_at),
            _ => None,
        };
        if let Some(own) = own {
            assert_eq!(stored, own);
            continue;
        }
        let issue = record.issues.iter().find(|issue| issue.field == index);
        match (received.get(&field.response), issue) {
            (Some(value), None) if value.as_f64() == Some(0.0) => assert_eq!(*stored, 0, "-0 is 0"),
            (Some(value), None) if field.kind == FieldType::Timestamp => assert_eq!(*stored, in_one_form(value)),
            (Some(value), None) if field.kind == FieldType::Json => {
                let parts = stored.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
                assert_eq!(parts.as_ref(), Some(value));
            }
            (Some(value), None) => assert_eq!(stored, value),
            (Some(value), Some(issue)) => {
                assert!(!is_good(field, value), "{value}");
                let listed = issue.value.as_deref().map(|value| serde_json::from_str::<Value>(value.get()).unwrap());
                assert_eq!(listed.as_ref(), Some(value), "listed as received");
            }
            (None, issue) => assert!(issue.is_some_and(|issue| issue.value.is_none())),
        }
    }
}

/// Whether a value is of a type that has no further rules.
fn is_good(field: &Field, value: &Value) -> bool {
    let of_type = field.kind == FieldType::Str && value.is_string() || field.kind == FieldType::Int && value.is_i64();
    of_type && field.allowed.is_none()
}

fn in_one_form(time: &Value) -> String {
    let (local, offset) = time.as_str().expect("text").split_at("1970-01-01T00:00:00".len());
    let offset = if matches!(offset, "Z" | "-0000" | "-00:00") { "+0000".to_owned() } else { offset.replace(':', "") };
    format!("{local}{offset}")
}

/// A record is left out as received, for a reason that another JSON reader finds too.
fn same_reason(raw: &RawValue, reject: &Reject) {
    assert_eq!(reject.record.get(), raw.get());
    let Ok(received) = serde_json::from_str::<Value>(raw.get()) else { return };
    let reason = match (received.as_object(), received.get(ID)) {
        (None, _) => RejectReason::NotAnObject,
        (_, None) => RejectReason::NoId,
        (_, Some(Value::String(_))) => RejectReason::IdNotDigits,
        _ => RejectReason::IdNotString,
    };
    assert_eq!(reject.reason, reason);
}
