//! The API's responses as received, kept next to the records: the same records when read again, no secret,
//! and no cost to the records if they cannot be kept.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use collector::config::{Config, MEDIA_PER_PAGE};
use collector::graph::Page;
use collector::record::{Batch, Model, Own};
use sandbox::Options;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use support::aws::{BUCKET, S3Fault, STALLS};
use support::harness::{APP_SECRET, Harness, STAMP, Setting, TIME, TOKEN, text};

const LOCATION: &str = "answers_location = answers/{job}_{ymd}/{job}_{datetime}.jsonl.gz";

fn keeping(ini: String) -> String {
    ini.replace("[common]", &format!("[common]\n{LOCATION}"))
}

fn with_own_fields(ini: String) -> String {
    let own = |section: &str| format!("{section}\ntopic = topic str\nasked_at = asked_at timestamp");
    let sections = ["[luxury_profile]", "[luxury_media]", "[hashtag_media]"];
    sections.iter().fold(ini, |ini, section| ini.replace(section, &own(section)))
}

async fn harness(faults: &[&'static str]) -> Harness {
    Harness::new(Setting { faults: faults.to_vec(), config: Some(keeping), ..Setting::default() }).await
}

#[derive(Deserialize)]
struct Line {
    topic: String,
    edge: String,
    page: u32,
    asked_at: DateTime<Utc>,
    body: String,
}

/// The text of the responses under a key.
fn kept(harness: &Harness, key: &str) -> String {
    harness.aws.objects().iter().find(|(found, _)| found == key).map(text).unwrap_or_else(|| panic!("no {key}"))
}

fn lines(text: &str) -> Vec<Line> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn key(job: &str) -> String {
    format!("answers/{job}_{}.jsonl.gz", STAMP.replace("{model}", job))
}

/// The records of a model that the record path makes of the responses, in the order of the objects.
fn read_again(config: &Config, model: Model, lines: &[Line]) -> Vec<Value> {
    let mapping = config.mapping(model);
    let of_page = |page: u32| match model {
        Model::MediaHashtag => config.limits.media_per_hashtag as usize,
        _ => (config.limits.media_per_account - (page - 1) * MEDIA_PER_PAGE).min(MEDIA_PER_PAGE) as usize,
    };
    let topics: Vec<(&str, &str)> = match model {
        Model::MediaHashtag => config.hashtags.iter().map(|h| (h.name.as_str(), h.user_id.as_str())).collect(),
        _ => config.accounts.iter().map(|a| (a.username.as_str(), a.user_id.as_str())).collect(),
    };
    let mut records = Vec::new();
    for (topic, user_id) in topics {
        let mut pages: Vec<&Line> = lines.iter().filter(|line| line.topic == topic).collect();
        pages.sort_by_key(|line| line.page);
        let (mut batch, mut seen) = (Batch::default(), HashSet::new());
        for line in &pages {
            let asked_at = line.asked_at.format("%Y-%m-%dT%H:%M:%S%z").to_string();
            let own = Own { user_id, topic, asked_at: &asked_at };
            let mut push = |record: &RawValue| batch.push(mapping.flatten(record, own, &[]));
            let (body, limit) = (line.body.as_str(), of_page(line.page));
            let read = match (line.edge.as_str(), model) {
                ("recent_media", Model::MediaHashtag) => Page::of_hashtag(body, limit),
                ("business_discovery", Model::Brand) if line.page == 1 => {
                    push(&Page::of_account(body, limit).unwrap().profile.unwrap());
                    None
                }
                ("business_discovery", Model::Media) => Page::of_account(body, limit),
                _ => None,
            };
            read.iter().flat_map(|page| &page.records).for_each(|record| push(record));
        }
        let new = batch.records.iter().filter(|record| seen.insert(record.id.clone()));
        records.extend(new.map(|record| serde_json::to_value(record).unwrap()));
    }
    records
}

#[tokio::test]
async fn the_responses_kept_give_the_same_records_when_they_are_read_again() {
    let paged = |ini: String| with_own_fields(keeping(ini)) + "\n[limits]\nmedia_per_account = 70\n";
    for faults in [
        &[][..],
        &["dior=bad_records", "#dior=bad_records", "gucci=no_profile", "prada=no_media", "#fendi=empty_page"],
        &["*=twice"],
        &["*=members", "ysl=same_media", "#ysl=fat"],
        &["*=deep"],
        &["*=transientx5", "gucci=many", "#gucci=many"],
    ] {
        let harness =
            Harness::new(Setting { faults: faults.to_vec(), config: Some(paged), ..Setting::default() }).await;
        let config = Config::load(harness.config_file().as_ref()).unwrap();
        for (job, models) in [("brand_media", &[Model::Brand, Model::Media][..]), ("hashtag", &[Model::MediaHashtag])] {
            // A debug build takes long for a large response.
            let event = json!({"job": job, "time": TIME});
            let response = harness.invoke_within(event, std::time::Duration::from_secs(300)).await.unwrap();
            let lines = lines(&kept(&harness, &key(job)));
            assert!(lines.iter().all(|line| (Utc::now() - line.asked_at).num_seconds() <= 300));
            let reported = response.summary.answers.clone().unwrap();
            assert_eq!((reported.key, reported.answers, reported.lost), (key(job), lines.len(), 0), "{faults:?}");
            for &model in models {
                let stored = harness.records(model.name());
                assert!(stored.len() >= 10 && read_again(&config, model, &lines) == stored, "{faults:?} {model}");
            }
        }
        assert!(!harness.leaks());
    }
}

#[tokio::test]
async fn the_further_pages_of_a_busy_hashtag_are_kept_too_also_of_a_shard() {
    let config = |ini: String| keeping(ini) + "\n[limits]\nmedia_per_hashtag = auto\n";
    let options = |o: &mut Options| o.hashtag_pace = Some(180);
    let harness = Harness::new(Setting { config: Some(config), options: Some(options), ..Setting::default() }).await;
    // A medium that is published meanwhile would move the pages.
    harness.sandbox.set_now(chrono::Utc::now());
    let event = json!({"job": "hashtag", "time": TIME, "hashtags": ["dior", "gucci"], "shard": "s-1"});
    let response = harness.invoke(event).await.unwrap();
    let lines = lines(&kept(&harness, &key("hashtag").replace(".jsonl", "_s-1.jsonl")));
    assert_eq!((lines.len(), response.summary.answers.as_ref().unwrap().answers), (10, 10), "5 pages of each");
    let config = Config::load(harness.config_file().as_ref()).unwrap();
    let stored = harness.records("media_hashtag");
    assert!(stored.len() == 500 && read_again(&config, Model::MediaHashtag, &lines) == stored);
    assert!(!harness.leaks());
}

#[tokio::test]
async fn without_a_location_nothing_is_kept_nor_reported() {
    let harness = Harness::with_faults(&[]).await;
    let response = harness.run("hashtag").await.unwrap();
    assert!(!harness.aws.objects().iter().any(|(key, _)| key.contains("answers")));
    assert!(!serde_json::to_string(&response).unwrap().contains("answers"));
}

#[tokio::test]
async fn a_field_that_no_mapping_has_is_in_the_kept_responses_if_it_is_requested_for_them() {
    let config = |ini: String| keeping(ini).replace("[common]", "[common]\nanswers_profile_fields = biography website");
    let harness = Harness::new(Setting { config: Some(config), ..Setting::default() }).await;
    harness.run("brand_media").await.unwrap();
    let text = kept(&harness, &key("brand_media"));
    assert_eq!(text.matches(r#"\"biography\":"#).count(), 11);
    assert!(harness.records("brand").iter().all(|record| record.as_object().unwrap().len() == 6));
}

#[tokio::test]
async fn no_secret_is_in_the_responses_nor_in_the_address_of_a_next_page() {
    let app = json!({"app_id": "4711", "app_secret": APP_SECRET});
    let faults = vec!["dior=token_in_caption", "#dior=token_in_caption", "gucci=quotes_token", "#gucci=quotes_token"];
    let harness =
        Harness::new(Setting { faults, config: Some(keeping), secret: Some(app), ..Setting::default() }).await;
    for job in ["brand_media", "hashtag"] {
        harness.run(job).await.unwrap();
        let text = kept(&harness, &key(job));
        assert!(text.contains("REDACTED") && lines(&text).len() == 10, "an error is not kept");
        let percent: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let escaped: String = TOKEN.bytes().map(|byte| format!("u{byte:04x}")).collect();
        for secret in [TOKEN, &percent, &escaped] {
            assert!(!text.to_ascii_lowercase().contains(&secret.to_ascii_lowercase()), "{job}: {secret}");
        }
        assert_eq!(text.contains("access_token=REDACTED"), job == "hashtag", "the address of the next page");
    }
    assert!(!harness.leaks());
}

#[tokio::test]
async fn responses_that_cannot_be_stored_cost_no_record_and_are_reported() {
    for code in ["AccessDenied", STALLS] {
        let harness = harness(&[]).await;
        harness.aws.fail_s3(S3Fault { part: "answers/", status: 403, code, times: 99 });
        let event = json!({"job": "brand_media", "time": TIME});
        let response = harness.invoke_within(event, std::time::Duration::from_secs(6)).await.unwrap();
        let reported = response.summary.answers.clone().unwrap();
        assert_eq!((response.summary.records(), reported.answers, reported.lost), (286, 0, 11), "{code}");
        let errors = harness.logged("ERROR");
        let [line] = &errors[..] else { panic!("{errors:?}") };
        assert_eq!((&line["kind"], &line["count"]), (&json!("answers"), &json!(11)));
        assert!(line["message"].as_str().unwrap().contains("lux-raw/answers/brand_media_2026-01-31/"), "{line}");
        assert!(!harness.leaks());
    }
}

#[tokio::test]
async fn a_run_whose_records_cannot_be_stored_keeps_its_answers() {
    let harness = harness(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/media_", status: 403, code: "AccessDenied", times: 99 });
    let error = harness.run("brand_media").await.unwrap_err();
    assert_eq!((error.cause.kind(), error.summary.answers.as_ref().unwrap().answers), ("store", 11));
    assert_eq!(lines(&kept(&harness, &key("brand_media"))).len(), 11);
}

#[tokio::test]
async fn a_run_that_lost_topics_leaves_the_answers_of_an_earlier_one() {
    let harness = harness(&["#gucci=not_therex2"]).await;
    let event = json!({"job": "hashtag", "time": TIME});
    assert_eq!(harness.invoke(event.clone()).await.unwrap().summary.answers.as_ref().unwrap().key, key("hashtag"));
    assert_eq!(lines(&kept(&harness, &key("hashtag"))).len(), 10, "nothing was there before");
    let second = harness.invoke(event.clone()).await.unwrap();
    let apart = format!("partial/{}", key("hashtag"));
    assert_eq!(second.summary.answers.as_ref().unwrap().key, apart);
    assert_eq!(lines(&kept(&harness, &apart)).len(), 10);
    harness.invoke(event).await.unwrap();
    assert_eq!(lines(&kept(&harness, &key("hashtag"))).len(), 11, "a whole run replaces it");
}

#[tokio::test]
async fn a_part_of_a_run_has_an_object_of_its_own() {
    let harness = harness(&[]).await;
    for more in [json!({"hashtags": ["dior"]}), json!({"hashtags": ["dior"], "shard": "s-1"})] {
        let mut event = json!({"job": "hashtag", "time": TIME});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        harness.invoke(event).await.unwrap();
    }
    // The ends of the names, after the model or the job.
    let ends = |prefix: &str, stem: &str, ending: &str| {
        let keys = harness.aws.objects().into_iter().filter(|(key, _)| key.starts_with(prefix));
        let names = keys.map(|(key, _)| key.rsplit_once('/').unwrap().1.replace(stem, "").replace(ending, ""));
        names.collect::<Vec<_>>()
    };
    let answers = ends("answers/", "hashtag_", ".jsonl.gz");
    assert!(answers.len() == 2 && answers == ends("raw/", "media_hashtag_", ".json"), "{answers:?}");
}

#[tokio::test]
async fn the_answers_say_that_they_are_compressed_by_name_and_type() {
    let harness = harness(&[]).await;
    harness.run("hashtag").await.unwrap();
    let client = collector::aws::s3(&harness.aws.config().await);
    let head = client.head_object().bucket(BUCKET).key(key("hashtag")).send().await.unwrap();
    assert_eq!((head.content_type(), head.content_encoding()), (Some("application/gzip"), None));
}
