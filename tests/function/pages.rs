//! More than one page of media per account.

use std::collections::BTreeSet;
use std::time::Duration;

use sandbox::Options;
use serde_json::{Value, json};

use support::harness::{Harness, Setting, TIME};

async fn harness(media: &'static str, faults: &[&'static str], options: Option<fn(&mut Options)>) -> Harness {
    let config: fn(String) -> String = match media {
        "50" => |ini| ini + "\n[limits]\nmedia_per_account = 50\n",
        "120" => |ini| ini + "\n[limits]\nmedia_per_account = 120\n",
        other => panic!("{other}"),
    };
    Harness::new(Setting { config: Some(config), faults: faults.to_vec(), options, ..Setting::default() }).await
}

async fn run(harness: &Harness, limit: u64) -> collector::report::Response {
    let event = json!({"job": "brand_media", "time": TIME, "accounts": ["dior"]});
    harness.invoke_within(event, Duration::from_secs(limit)).await.unwrap()
}

fn expressions(harness: &Harness) -> Vec<String> {
    harness.sandbox.calls().into_iter().map(|c| c.query["fields"].clone()).collect()
}

fn ids(harness: &Harness) -> BTreeSet<String> {
    harness.records("media").iter().map(|m| m["media_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn up_to_50_media_are_one_call() {
    let harness = harness("50", &[], None).await;
    assert_eq!((run(&harness, 30).await.summary.api_calls, harness.records("media").len()), (1, 50));
    assert!(expressions(&harness)[0].contains("media.limit(50){"));
}

#[tokio::test]
async fn more_are_fetched_page_by_page_after_the_cursor_and_no_more_than_configured() {
    let harness = harness("120", &[], None).await;
    let response = run(&harness, 30).await;
    assert_eq!((response.summary.api_calls, response.summary.failures.len()), (3, 0));
    assert_eq!((harness.records("brand").len(), harness.records("media").len(), ids(&harness).len()), (1, 120, 120));
    let asked = expressions(&harness);
    assert!(asked[0].contains("followers_count") && asked[0].contains("media.limit(50){"), "{asked:?}");
    assert!(asked[1].starts_with("business_discovery.username(dior){media.limit(50).after(QVFIUsandbox50){id,"));
    assert!(asked[2].contains("media.limit(20).after(QVFIUsandbox100){") && !asked[2].contains("followers_count"));
    let stamps: Vec<_> = harness.records("media").iter().map(|m| m["timestamp"].to_string()).collect();
    assert!(stamps.is_sorted_by(|a, b| a > b), "the order is the API's");
    let quality = harness.quality("media").unwrap();
    let hidden: Vec<Value> = harness.records("media").into_iter().filter(|m| m["like_count"] == 0).collect();
    let listed = quality["defaulted"]["like_count"]["not found field"].as_array().unwrap();
    assert!(listed.iter().zip(&hidden).all(|(t, h)| t["id"] == h["media_id"]), "issues keep their records over pages");
    assert_eq!(listed.len(), hidden.len());
}

#[tokio::test]
async fn a_repeated_medium_is_stored_once_and_the_pages_are_bounded() {
    let harness = harness("120", &["dior=same_media"], None).await;
    let response = run(&harness, 30).await;
    assert_eq!((response.summary.api_calls, harness.records("media").len(), ids(&harness).len()), (3, 50, 50));
}

#[tokio::test]
async fn an_empty_page_with_a_cursor_is_not_the_last_one_within_the_planned_calls() {
    let harness = harness("120", &["dior=empty_page"], None).await;
    let response = run(&harness, 30).await;
    assert_eq!((response.summary.api_calls, response.summary.records()), (3, 1));
    let warnings = harness.logged("WARNING");
    let short = warnings.iter().find(|line| line["kind"] == "short_pages").unwrap();
    assert!(short["message"].as_str().unwrap().starts_with("0 of 120 media were read"), "{short}");
    assert_eq!((&short["topic"], &short["pages"]), (&serde_json::json!("dior"), &serde_json::json!(3)));
}

#[tokio::test]
async fn if_a_further_page_fails_the_pages_before_it_are_kept_and_the_failure_is_reported() {
    let harness = harness("120", &[], Some(|o: &mut Options| o.calls_allowed = Some(2))).await;
    let response = run(&harness, 30).await;
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (1, 100));
    let failure = &response.summary.failures[0];
    assert_eq!((failure.topic.as_str(), failure.kind.name()), ("dior", "usage"));
    assert!(failure.message.starts_with("page 3 failed, with 100 media kept"), "{failure:?}");
    let entry = harness.topic_run("media", "dior");
    assert_eq!((&entry["kind"], &entry["records"]), (&serde_json::json!("usage"), &serde_json::json!(100)));
    assert!(entry["asked_at"].is_string(), "the second page has responded: {entry}");
    assert!(response.error_log.contains("accounts-[usage] dior"));
    let listed = harness.logged("ERROR");
    assert!(
        listed.iter().any(|l| l["message"].as_str().unwrap().starts_with("1 topic cut short: page 3")),
        "{listed:?}"
    );
}

#[tokio::test]
async fn when_the_time_is_over_the_received_pages_are_stored() {
    let harness = harness("120", &[], Some(|o: &mut Options| o.latency = Duration::from_millis(700))).await;
    // Two of these seconds are reserved for storing, and a try may take half of the rest.
    let response = run(&harness, 4).await;
    assert_eq!((harness.records("media").len() % 50, harness.records("brand").len()), (0, 1));
    assert!(response.summary.failures[0].message.contains("media kept"), "{response:?}");
}
