//! An answer of the API to flat records, as `collect.rs` does it, both for an account and for a hashtag.
#![no_main]

use std::sync::LazyLock;

use collector::config::Config;
use collector::graph::{Discovery, MediaPage, TokenInfo};
use collector::quality::Tally;
use collector::record::{Batch, FieldType, Mapping, Model, Record};
use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

static CONFIG: LazyLock<Config> =
    LazyLock::new(|| Config::parse(include_bytes!("../../configure.ini"), "configure.ini").expect("it can work"));

const OWNER: &str = "17841400681603877";

fuzz_target!(|body: &str| {
    let _ = TokenInfo::read(body);
    for unknown in [&[][..], &["like_count".to_owned()]] {
        if let Some(answer) = Discovery::read(body) {
            let brand = CONFIG.mapping(Model::Brand);
            let mut batch = Batch::default();
            brand.flatten(&answer.profile, OWNER, unknown, &mut batch);
            check(brand, &batch, 1);
            media(CONFIG.mapping(Model::Media), &answer.media.unwrap_or_default().records, unknown);
        }
        if let Some(page) = MediaPage::read(body) {
            media(CONFIG.mapping(Model::MediaHashtag), &page.records, unknown);
        }
    }
});

fn media(mapping: &Mapping, received: &[Record<'_>], unknown: &[String]) {
    let mut whole = Batch::default();
    for record in received {
        let raw = match record {
            Record::Fields(fields) => RawValue::from_string(fields.to_json()).expect("as received"),
            Record::Raw(raw) => (*raw).to_owned(),
        };
        let mut one = Batch::default();
        mapping.flatten_record(record, OWNER, unknown, &mut one);
        mapping.flatten_record(record, OWNER, unknown, &mut whole);
        for record in check(mapping, &one, 1) {
            same_values(mapping, &raw, &record, &one);
        }
    }
    check(mapping, &whole, received.len());
}

/// The batch holds flat, whole records of the mapping's types, none of the received is missing, and each
/// default is accounted for.
fn check(mapping: &Mapping, batch: &Batch, received: usize) -> Vec<IndexMap<String, Value>> {
    assert_eq!(batch.records + batch.rejects.len(), received);
    assert!(!batch.json.contains(&b'\n'), "one line");
    let text = [b"[", &batch.json[..], b"]"].concat();
    let records: Vec<IndexMap<String, Value>> = serde_json::from_slice(&text).expect("valid JSON, flat");
    assert_eq!(records.len(), batch.records);
    let names: Vec<&str> = mapping.fields().iter().map(|f| f.output.as_str()).collect();
    for record in &records {
        assert_eq!(record.keys().collect::<Vec<_>>(), names, "every field, in order");
        for (field, value) in mapping.fields().iter().zip(record.values()) {
            match (field.kind, value) {
                (FieldType::Int, Value::Number(n)) => assert!(n.is_i64()),
                (FieldType::Str, Value::String(id)) if field.response == "id" => {
                    assert!(!id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
                }
                (FieldType::Str, Value::String(text)) => {
                    assert!(text.is_empty() || field.allowed.as_ref().is_none_or(|a| a.contains(text)));
                }
                (FieldType::Url, Value::String(url)) => {
                    let has_host = |u: url::Url| u.has_host() && matches!(u.scheme(), "http" | "https");
                    assert!(url.is_empty() || url::Url::parse(url).is_ok_and(has_host), "{url:?}");
                }
                (FieldType::Timestamp, Value::String(time)) => {
                    assert!(chrono::DateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S%z").is_ok(), "{time:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(batch.issues.iter().all(|i| i.record < batch.ids.len() && i.field < mapping.fields().len()));
    let mut tally = Tally::new(mapping);
    tally.add("dior", batch);
    assert_eq!((tally.records, tally.rejected()), (batch.records, batch.rejects.len()));
    assert_eq!(tally.defaulted(), batch.issues.len());
    let quality: Value = serde_json::from_slice(&tally.to_json("brand_media", "", None, &[0; 0])).expect("valid JSON");
    assert_eq!(quality["counts"]["rejected"], batch.rejects.len());
    records
}

/// A value is stored as another JSON reader finds it, or else its default is accounted for.
fn same_values(mapping: &Mapping, raw: &RawValue, stored: &IndexMap<String, Value>, batch: &Batch) {
    // What such a reader cannot take, half a surrogate pair for one, says nothing.
    let Ok(received) = serde_json::from_str::<Value>(raw.get()) else { return };
    for (index, field) in mapping.fields().iter().enumerate().filter(|(_, f)| f.response != "user_id") {
        let defaulted = batch.issues.iter().any(|i| i.field == index);
        let stored = &stored[&field.output];
        match received.get(&field.response) {
            Some(value) if !defaulted && value.as_f64() == Some(0.0) => assert_eq!(stored, 0, "-0 is 0"),
            Some(value) if !defaulted => assert_eq!(stored, value),
            Some(value) => assert!(!(field.kind == FieldType::Str && value.is_string() && field.allowed.is_none())),
            None => assert!(defaulted),
        }
    }
}
