//! The fields that the shipped configuration does not collect, added by the lines in the documentation.

use collector::config::Config;
use collector::record::Model;
use serde_json::{Value, json};

use crate::commands::{folder, local, out};
use support::harness::{CONFIGURE_INI, Harness, Setting, TIME};

const DOC: &str = include_str!("../../docs/configuration.md");

/// The documented lines, each under its section of the shipped configuration.
pub fn with_todays_fields(ini: &str) -> String {
    let block = DOC.split("## Known fields").nth(1).unwrap().split("```ini\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    block.split("\n\n").fold(ini.to_owned(), |ini, section| {
        let (heading, lines) = section.trim().split_once('\n').unwrap();
        assert!(ini.contains(heading), "{heading}");
        ini.replacen(heading, &format!("{heading}\n{lines}"), 1)
    })
}

fn config(ini: String) -> String {
    with_todays_fields(&ini)
}

fn as_lines(ini: String) -> String {
    config(ini).replace("[common]", "[common]\nformat = ndjson").replace("media_url} json", "media_url} json?")
}

async fn harness(config: fn(String) -> String) -> Harness {
    Harness::new(Setting { config: Some(config), ..Setting::default() }).await
}

#[test]
fn the_documented_lines_work_without_a_notice() {
    let config = Config::parse(with_todays_fields(CONFIGURE_INI).as_bytes(), "").unwrap();
    assert_eq!(config.notices, []);
    let requested = config.mapping(Model::Media).requested();
    assert!(requested.contains(&"children{id,media_type,media_url}") && requested.contains(&"view_count"));
}

#[tokio::test]
async fn todays_fields_are_collected_and_what_the_api_leaves_out_is_reported() {
    let harness = harness(config).await;
    for job in ["brand_media", "hashtag"] {
        let summary = harness.run(job).await.unwrap().summary.clone();
        assert_eq!(summary.failures.len(), 0, "{:?}", summary.failures);
    }
    let brands = harness.records("brand");
    assert!(
        brands
            .iter()
            .all(|brand| brand["biography"] != "" && brand["website"] != "" && brand["follows_count"].is_i64())
    );
    let media = harness.records("media");
    let defaulted = &harness.quality("media").unwrap()["defaulted"];
    for (kind, field, left_out) in [
        ("VIDEO", "view_count", Value::Null),
        ("VIDEO", "thumbnail_url", json!("")),
        ("CAROUSEL_ALBUM", "children", json!("")),
    ] {
        let (with, without): (Vec<_>, Vec<_>) = media.iter().partition(|medium| medium["media_type"] == kind);
        assert!(!with.is_empty() && with.iter().all(|medium| medium[field] != left_out), "{field}");
        assert!(without.iter().all(|medium| medium[field] == left_out), "{field}");
        assert_eq!(defaulted[field]["not found field"].as_array().unwrap().len(), without.len(), "{field}");
    }
    let under_hashtags = harness.records("media_hashtag");
    assert!(under_hashtags.iter().all(|medium| medium["permalink"] != ""));
    for medium in media.iter().chain(&under_hashtags).filter(|medium| medium["media_type"] == "CAROUSEL_ALBUM") {
        let text = medium["children"].as_str().unwrap();
        let children: Value = serde_json::from_str(text).unwrap();
        let element = &children["data"][0];
        assert_eq!(element.as_object().unwrap().len(), 3, "what was asked for: {element}");
        assert!(!text.contains("\\/") && !text.contains(": "), "compact: {text}");
    }
}

#[tokio::test]
async fn a_field_of_parts_is_null_or_text_on_its_line_in_a_shard_too() {
    let harness = harness(as_lines).await;
    let event = json!({"job": "brand_media", "time": TIME, "accounts": ["dior", "gucci"], "shard": "a"});
    let summary = harness.invoke(event).await.unwrap().summary.clone();
    let key = &summary.files.iter().find(|file| file.key.contains("/media_")).unwrap().key;
    let body = harness.aws.objects().into_iter().find(|(stored, _)| stored == key).unwrap().1;
    let lines: Vec<Value> =
        std::str::from_utf8(&body).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(key.ends_with("_a.json") && lines.len() == 50);
    for line in lines {
        assert_eq!(line["children"].is_string(), line["media_type"] == "CAROUSEL_ALBUM", "{line}");
        assert!(line["children"].is_string() || line["children"].is_null());
    }
}

#[tokio::test]
async fn a_nested_field_that_the_api_no_longer_knows_affects_only_the_outer_one() {
    let harness = Harness::new(Setting {
        config: Some(|ini| {
            let ini = config(ini);
            ini.replace("children{id,media_type,media_url}", "children{id,timestamp}")
                .replace("timestamp timestamp", "timestamp timestamp?")
        }),
        ..Setting::default()
    })
    .await;
    harness.sandbox.set_faults(vec!["*=unknown_field:timestamp".parse().unwrap()]);
    let summary = harness.run("brand_media").await.unwrap().summary.clone();
    assert_eq!((summary.failures.len(), summary.records()), (0, 286), "{:?}", summary.failures);
    let defaulted = &harness.quality("media").unwrap()["defaulted"];
    assert!(
        defaulted["timestamp"]["unknown field"].is_array() && defaulted["children"]["unknown field"].is_array(),
        "{defaulted}"
    );
    let fields: Vec<_> = harness.logged("ERROR").iter().map(|line| line["field"].clone()).collect();
    assert!(fields.contains(&json!("children")), "only the field's name: {fields:?}");
}

#[tokio::test]
async fn a_field_that_is_known_to_be_refused_here_is_reported_before_it_costs_every_topic() {
    let ini = CONFIGURE_INI.replace("[hashtag_media]", "[hashtag_media]\nviews = view_count int");
    let notices = Config::parse(ini.as_bytes(), "").unwrap().notices;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].to_string().contains("[hashtag_media] views") && notices[0].to_string().contains("view_count"));
    let refused = |ini: String| ini.replace("[hashtag_media]", "[hashtag_media]\nviews = view_count int");
    let harness = harness(refused).await;
    let error = harness.run("hashtag").await.unwrap_err();
    assert_eq!((error.cause.kind(), error.summary.failures[0].code), ("nothing_collected", Some(100)));
    harness.run("brand_media").await.unwrap();
}

#[test]
fn every_engine_has_a_column_of_text_for_a_field_of_parts() {
    let folder = folder(&with_todays_fields(CONFIGURE_INI));
    for (engine, column) in [
        ("json-schema", "\"contentMediaType\": \"application/json\""),
        ("athena", "\"children\" varchar"),
        ("redshift", "\"children\" VARCHAR(65535) NOT NULL"),
        ("snowflake", "\"CHILDREN\" VARCHAR NOT NULL"),
        ("duckdb", "\"children\" VARCHAR NOT NULL"),
        ("spark", "`children` STRING NOT NULL"),
    ] {
        let printed = local(folder.path(), &["schema", "media", "--for", engine], &[]);
        assert!(out(&printed).contains(column), "{engine}: {}", out(&printed));
    }
}

#[test]
fn a_report_reads_records_that_have_more_fields() {
    let folder = folder(&with_todays_fields(CONFIGURE_INI));
    for job in ["brand_media", "hashtag"] {
        assert!(local(folder.path(), &[job, "--sandbox"], &[]).status.success());
    }
    let reported = local(folder.path(), &["report", "--out", "page.html"], &[]);
    assert!(reported.status.success(), "{reported:?}");
    assert!(std::fs::read_to_string(folder.path().join("page.html")).unwrap().contains("hermes"));
}
