//! What runs without faults collect.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use support::harness::{Harness, Setting, TIME};

const HOUSES: [&str; 11] = [
    "hermes",
    "chanelofficial",
    "dior",
    "louisvuitton",
    "gucci",
    "prada",
    "ysl",
    "celine",
    "maisonvalentino",
    "miumiu",
    "fendi",
];

#[tokio::test]
async fn brand_media_stores_every_profile_and_25_media_of_each_in_order() {
    let harness = Harness::with_faults(&[]).await;
    let response = harness.run("brand_media").await.unwrap();
    let brands = harness.records("brand");
    let names: Vec<_> = brands.iter().map(|b| b["user_name"].as_str().unwrap()).collect();
    assert_eq!(names, HOUSES);
    let fields: Vec<_> = brands[0].as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 6);
    let media = harness.records("media");
    assert_eq!(media.len(), 275);
    let owners: Vec<_> = media.chunks(25).map(|m| m[0]["user_id"].as_str().unwrap()).collect();
    assert_eq!(owners, brands.iter().map(|b| b["user_id"].as_str().unwrap()).collect::<Vec<_>>());
    assert_eq!(
        response.target_file,
        "lux-raw/raw/brand_2026-01-31/brand_2026-01-31_235907.json\nlux-raw/raw/media_2026-01-31/media_2026-01-31_235907.json"
    );
    assert_eq!((response.status_code, response.summary.records(), response.summary.api_calls), (200, 286, 11));
    assert!(!harness.leaks());
}

#[tokio::test]
async fn an_object_is_one_line_of_compact_utf8_in_the_mappings_order() {
    let harness = Harness::with_faults(&[]).await;
    harness.run("brand_media").await.unwrap();
    let objects = harness.aws.objects();
    let (_, bytes) = objects.iter().find(|(key, _)| key.starts_with("raw/media_")).unwrap();
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(!text.contains('\n') && !text.contains("\": ") && !text.contains("\\u00e9") && !text.contains("\\/"));
    let order = [
        "user_id",
        "media_id",
        "timestamp",
        "caption",
        "media_type",
        "media_product_type",
        "media_url",
        "permalink",
        "like_count",
        "comments_count",
    ];
    let positions: Vec<_> = order.iter().map(|f| text.find(&format!("\"{f}\":")).unwrap()).collect();
    assert!(positions.is_sorted(), "{positions:?}");
}

#[tokio::test]
async fn a_hashtags_id_is_looked_up_once_per_process() {
    let harness = Harness::with_faults(&[]).await;
    for run in 1..=2 {
        assert_eq!(harness.run("hashtag").await.unwrap().summary.api_calls, if run == 1 { 22 } else { 11 });
    }
    let searches = harness.sandbox.calls().iter().filter(|c| c.path == "ig_hashtag_search").count();
    assert_eq!((searches, harness.records("media_hashtag").len()), (11, 275));
}

#[tokio::test]
async fn a_pinned_hashtag_id_is_never_looked_up() {
    let config = |ini: String| ini + "\n[hashtag_id]\ngucci = 17843857450040591\n";
    let harness = Harness::new(Setting { config: Some(config), ..Setting::default() }).await;
    // The sandbox does not know that id, which shows that it is the one used.
    let response = harness.run("hashtag").await.unwrap();
    assert_eq!((response.summary.failures.len(), response.summary.failures[0].topic.as_str()), (1, "gucci"));
    let asked: Vec<_> =
        harness.sandbox.calls().into_iter().filter(|c| c.path.starts_with("17843857450040591")).collect();
    assert_eq!((asked.len(), harness.calls_of("#gucci")), (1, 0));
}

#[tokio::test]
async fn the_quality_object_of_each_model_lists_every_topic_with_the_time_of_its_response() {
    let harness = Harness::with_faults(&["dior=not_there", "gucci=hang_up"]).await;
    let start = Utc::now();
    harness.run("brand_media").await.unwrap();
    for (model, records) in [("brand", 1), ("media", 25)] {
        let quality = harness.quality(model).unwrap();
        let topics: Vec<_> = quality["topics"].as_array().unwrap().iter().map(|run| run["topic"].clone()).collect();
        assert_eq!((topics, quality.get("subset")), (HOUSES.map(Value::from).to_vec(), None));
        let hermes = harness.topic_run(model, "hermes");
        let expected = json!({"topic": "hermes", "user_id": "17841400681603877", "asked_at": hermes["asked_at"], "records": records});
        assert_eq!(hermes, expected);
        let [dior, gucci] = ["dior", "gucci"].map(|topic| harness.topic_run(model, topic));
        for run in [hermes, dior.clone()] {
            let text = run["asked_at"].as_str().unwrap();
            let asked_at = DateTime::parse_from_rfc3339(text).unwrap().to_utc();
            assert!(text.len() == "2026-11-24T03:00:02.123Z".len() && text.ends_with('Z'), "{text}");
            assert!((start - TimeDelta::milliseconds(1)..Utc::now()).contains(&asked_at), "{run}");
        }
        assert_eq!((&dior["kind"], &dior["records"]), (&json!("not_there"), &json!(0)));
        assert_eq!((&gucci["kind"], &gucci["asked_at"]), (&json!("transient"), &json!(null)), "its last try had none");
    }
}

#[tokio::test]
async fn the_same_event_twice_replaces_its_objects() {
    let harness = Harness::with_faults(&[]).await;
    harness.run("hashtag").await.unwrap();
    let before: Vec<_> = harness.aws.objects().into_iter().map(|(key, _)| key).collect();
    harness.run("hashtag").await.unwrap();
    assert_eq!(before, harness.aws.objects().into_iter().map(|(key, _)| key).collect::<Vec<_>>());
}

#[tokio::test]
async fn shards_of_one_run_stand_side_by_side_with_their_own_topics() {
    let harness = Harness::with_faults(&[]).await;
    for (shard, account) in [("a", "dior"), ("b-2", "fendi")] {
        harness
            .invoke(json!({"job": "brand_media", "time": TIME, "shard": shard, "accounts": [account]}))
            .await
            .unwrap();
    }
    let keys: Vec<_> =
        harness.aws.objects().into_iter().map(|(key, _)| key).filter(|k| k.starts_with("raw/brand_")).collect();
    assert_eq!(
        keys,
        [
            "raw/brand_2026-01-31/brand_2026-01-31_235907_a.json",
            "raw/brand_2026-01-31/brand_2026-01-31_235907_b-2.json"
        ]
    );
    assert_eq!((harness.calls_of("dior"), harness.calls_of("fendi"), harness.calls_of("gucci")), (1, 1, 0));
}

#[tokio::test]
async fn only_mapped_fields_are_requested_compressed_and_with_the_token_in_the_query() {
    let harness = Harness::with_faults(&[]).await;
    harness.run("brand_media").await.unwrap();
    harness.run("hashtag").await.unwrap();
    let calls = harness.sandbox.calls();
    let discovery = calls.iter().find(|c| c.topic == "dior").unwrap();
    assert_eq!(discovery.path, "17841400000000001");
    insta::assert_snapshot!(discovery.query["fields"], @"business_discovery.username(dior){id,username,name,profile_picture_url,followers_count,media_count,media.limit(25){id,timestamp,caption,media_type,media_product_type,media_url,permalink,like_count,comments_count}}");
    let recent = calls.iter().find(|c| c.path.ends_with("/recent_media")).unwrap();
    let query: Vec<_> =
        recent.query.iter().filter(|(k, _)| *k != "access_token").map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        query,
        ["fields=id,timestamp,caption,media_type,like_count,comments_count", "limit=25", "user_id=17841400000000001"]
    );
    assert!(calls.iter().all(|c| c.encoding.contains("gzip") && c.query["access_token"] == support::harness::TOKEN));
}

#[tokio::test]
async fn at_most_the_configured_number_of_topics_is_fetched_at_a_time() {
    let options = |o: &mut sandbox::Options| o.latency = Duration::from_millis(20);
    let two: fn(String) -> String = |ini| ini + "\n[limits]\nconcurrency = 2\n";
    for (config, most) in [(two, 2), (std::convert::identity, 16)] {
        let harness =
            Harness::new(Setting { options: Some(options), config: Some(config), ..Setting::default() }).await;
        assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286);
        assert!(harness.sandbox.most_at_once() <= most);
        assert!(harness.sandbox.most_at_once() > 1, "topics are fetched concurrently");
    }
}

#[tokio::test]
async fn what_the_api_leaves_out_is_defaulted_and_reported_by_record() {
    let harness = Harness::with_faults(&[]).await;
    let response = harness.run("brand_media").await.unwrap();
    let hidden: Vec<Value> = harness.records("media").into_iter().filter(|m| m["like_count"] == 0).collect();
    assert!(!hidden.is_empty());
    let quality = harness.quality("media").unwrap();
    let reported = quality["defaulted"]["like_count"]["not found field"].as_array().unwrap();
    assert_eq!(reported.len(), hidden.len());
    assert!(reported.iter().zip(&hidden).all(|(t, h)| t["id"] == h["media_id"] && t.get("value").is_none()));
    let row = response
        .error_log
        .lines()
        .find(|l| l.starts_with("luxury_media-[not found field] like_count(like_count)"))
        .unwrap();
    assert!(row.ends_with(&format!(" {}", hidden.len())), "{row}");
}

#[tokio::test]
async fn a_run_ends_in_one_line_with_its_summary_and_every_line_has_the_request_and_the_job() {
    let harness = Harness::with_faults(&[]).await;
    harness.run("brand_media").await.unwrap();
    let log = harness.log();
    let summaries: Vec<_> = log.iter().filter(|l| l["summary"].is_object()).collect();
    assert_eq!((summaries.len(), summaries[0], &summaries[0]["level"]), (1, log.last().unwrap(), &json!("INFO")));
    assert_eq!(summaries[0]["summary"]["files"][0]["records"], 11);
    assert!(
        log.iter().all(|l| l["requestId"] == "request-1" && l["job"] == "brand_media" && l["timestamp"].is_string()),
        "{log:#?}"
    );
    let counted: Vec<_> = harness.logged("INFO").into_iter().filter(|l| l["field"] == "like_count").collect();
    assert_eq!(counted.len(), 1, "a field that the API leaves out is one INFO line");
    let each =
        harness.logged("DEBUG").into_iter().filter(|l| l["field"] == "like_count" && l["record"].is_string()).count();
    assert_eq!(counted[0]["count"], each);
}

#[tokio::test]
async fn the_line_of_each_topic_and_the_summary_say_how_long_they_took() {
    let slow = Setting { options: Some(|o| o.latency = Duration::from_millis(20)), ..Setting::default() };
    let harness = Harness::new(Setting { faults: vec!["gucci=permission", "prada=not_there"], ..slow }).await;
    harness.run("brand_media").await.unwrap();
    let log = harness.log();
    let run = log.last().unwrap()["summary"]["elapsed_ms"].as_u64().unwrap();
    let ends = |message: &str| -> Vec<u64> {
        let of_topics = log.iter().filter(|line| line["message"].as_str().unwrap().starts_with(message));
        of_topics.map(|line| line["elapsed_ms"].as_u64().unwrap()).collect()
    };
    let (collected, failed) = (ends("topic collected"), ends("topic failed: "));
    assert_eq!((collected.len(), failed.len()), (9, 2));
    assert!(collected.iter().chain(&failed).all(|took| (20..=run).contains(took)), "{collected:?} {failed:?} {run}");
}

/// The metrics of a run under faults, each with its unit and its value; "" if it sent none.
async fn metrics(job: &str, faults: &[&'static str]) -> String {
    let harness = Harness::with_faults(faults).await;
    // A run that fails sends metrics too.
    let _ = harness.run(job).await;
    let lines: Vec<_> = harness.log().into_iter().filter(|line| line.get("_aws").is_some()).collect();
    let [line] = &lines[..] else { return String::new() };
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&directive["Dimensions"], &line["job"]), (&json!([["job"]]), &json!(job)));
    let shown = |metric: &Value| {
        let name = metric["Name"].as_str().unwrap();
        format!("{name} {} {}", metric["Unit"].as_str().unwrap(), line[name])
    };
    directive["Metrics"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_run_sends_the_metrics_that_alarms_read_and_no_others() {
    for (job, faults, expected) in [
        ("brand_media", &[][..], "records Count 286, failed_topics Count 0"),
        ("hashtag", &["#dior=permission"], "records Count 250, failed_topics Count 1"),
        ("token", &[], "token_days_left None 39"),
        ("token", &["token=expiring"], "token_days_left None 3"),
        ("token", &["token=invalid"], ""),
        ("token", &["token=never"], ""),
    ] {
        assert_eq!(metrics(job, faults).await, expected, "{job} {faults:?}");
    }
}

#[tokio::test]
async fn topics_that_failed_for_the_reason_of_the_whole_run_are_not_counted_in_a_metric() {
    for stopped in
        ["*=throttled", "fendi=throttled", "gucci=usage:96", "fendi=token", "fendi=code:2635", "fendi=wrong_ig_user_id"]
    {
        let sent = metrics("brand_media", &[stopped]).await;
        assert!(sent.ends_with("failed_topics Count 0"), "{stopped}: {sent}");
    }
    assert_eq!(metrics("hashtag", &["#*=permission"]).await, "records Count 0", "the run itself failed");
}

#[tokio::test]
async fn another_version_than_the_configured_one_is_logged_once_a_run() {
    let config = |ini: String| ini.replace("v26.0", "v17.0");
    let faults = vec!["*=version:v21.0"];
    let harness = Harness::new(Setting { config: Some(config), faults, ..Setting::default() }).await;
    harness.run("brand_media").await.unwrap();
    let reported = harness
        .logged("WARNING")
        .into_iter()
        .filter(|l| l["message"].as_str().unwrap().contains("v17.0 was requested and v21.0 responds"))
        .count();
    assert_eq!(reported, 1);
    assert_eq!(harness.run("hashtag").await.unwrap().summary.api_version.as_deref(), Some("v21.0"));
}
