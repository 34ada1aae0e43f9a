//! Answers that are made to hurt.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Stage, TIME};

#[tokio::test]
async fn a_hundred_thousand_media_in_one_answer_cost_no_other_topic() {
    let stage = Stage::with_faults(&["dior=many"]).await;
    // A build for tests on a busy machine takes long over a million defaults.
    let event = json!({"job": "brand_media", "time": TIME});
    let response = stage.invoke_within(event, Duration::from_secs(300)).await.unwrap();
    assert_eq!(
        (stage.records("brand").len(), stage.records("media").len(), response.summary.failures.len()),
        (11, 100_250, 0)
    );
    let told = stage.quality("media").unwrap()["counts"]["defaulted"].as_u64().unwrap();
    assert!(told > 800_000);
}

#[tokio::test]
async fn bad_records_and_fields_are_told_one_by_one_and_the_rest_is_kept() {
    let stage = Stage::with_faults(&["gucci=bad_records"]).await;
    let response = stage.run("brand_media").await.unwrap();
    assert_eq!((stage.records("media").len(), response.summary.quality.rejected), (270, 5));
    let quality = stage.quality("media").unwrap();
    let reasons: Vec<&str> =
        quality["rejected"].as_array().unwrap().iter().map(|r| r["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "id is not a string",
            "id is not made of digits",
            "id is not made of digits",
            "id is not a string",
            "record is not an object"
        ]
    );
    assert_eq!(quality["rejected"][0]["record"]["id"], 17, "as received");
    assert!(quality["rejected"].as_array().unwrap().iter().all(|r| r["topic"] == "gucci"));
    let values: Vec<&Value> = ["wrong type", "out of range"]
        .iter()
        .flat_map(|kind| quality["defaulted"]["like_count"][kind].as_array().unwrap())
        .map(|d| &d["value"])
        .collect();
    assert_eq!(values.len(), 4, "{values:?}");
    let controls = stage.records("media").iter().any(|m| m["caption"] == "\u{0}\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{2028}");
    assert!(controls, "a caption of control characters is a caption");
    assert!(!stage.leaks());
}

#[tokio::test]
async fn names_given_twice_count_the_last_time() {
    let stage = Stage::with_faults(&["*=twice"]).await;
    let response = stage.run("brand_media").await.unwrap();
    assert_eq!((response.summary.records(), response.summary.quality.rejected), (286, 0));
}

#[tokio::test]
async fn a_token_in_a_paging_link_or_an_error_text_goes_nowhere() {
    let stage = Stage::with_faults(&["*=quotes_token"]).await;
    let error = stage.run("hashtag").await.unwrap_err();
    assert!(error.to_string().contains("REDACTED"), "{error}");
    assert!(!stage.leaks());
    let stage = Stage::with_faults(&[]).await;
    stage.run("hashtag").await.unwrap();
    assert!(!stage.leaks());
}
