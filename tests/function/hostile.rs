//! Responses of a hostile peer.

use std::time::Duration;

use collector::graph::Kind;
use serde_json::{Value, json};

use support::harness::{APP_SECRET, Harness, Setting, TIME};

#[tokio::test]
async fn of_a_hundred_thousand_media_in_one_response_the_requested_number_is_kept_and_the_others_counted() {
    let harness = Harness::with_faults(&["dior=many"]).await;
    // A debug build on a busy machine takes long for a large response.
    let event = json!({"job": "brand_media", "time": TIME});
    let response = harness.invoke_within(event, Duration::from_secs(300)).await.unwrap();
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (11, 275));
    let [failure] = &response.summary.failures[..] else { panic!("{:?}", response.summary.failures) };
    assert_eq!((failure.topic.as_str(), failure.kind), ("dior", Kind::TooManyRecords));
    assert!(failure.message.starts_with("99975 records "), "{failure:?}");
    assert_eq!(harness.topic_run("media", "dior")["kind"], "too_many_records");
}

#[tokio::test]
async fn responses_that_together_exceed_the_memory_affect_no_topic_that_fits() {
    let fat = ["hermes=fat", "chanelofficial=fat", "louisvuitton=fat", "prada=fat", "ysl=fat", "celine=fat"];
    let harness = Harness::with_faults(&fat).await;
    let event = json!({"job": "brand_media", "time": TIME});
    let response = harness.invoke_within(event, Duration::from_secs(300)).await.unwrap();
    // Each response has 7.5 MB. The smallest function can hold 36 MiB of records.
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (9, 225));
    let failures = &response.summary.failures;
    assert!(failures.len() == 2 && failures.iter().all(|f| f.kind == Kind::Memory), "{failures:?}");
    assert!(failures.iter().all(|f| fat.contains(&format!("{}=fat", f.topic).as_str())), "{failures:?}");
}

#[tokio::test]
async fn bad_records_and_fields_are_reported_one_by_one_and_the_rest_is_kept() {
    let harness = Harness::with_faults(&["gucci=bad_records"]).await;
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((harness.records("media").len(), response.summary.quality.rejected), (270, 5));
    let quality = harness.quality("media").unwrap();
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
    let controls = harness.records("media").iter().any(|m| m["caption"] == "\u{0}\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{2028}");
    assert!(controls, "a caption of control characters is a caption");
    assert!(!harness.leaks());
}

#[tokio::test]
async fn names_given_twice_count_the_last_time() {
    let harness = Harness::with_faults(&["*=twice"]).await;
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((response.summary.records(), response.summary.quality.rejected), (286, 0));
}

#[tokio::test]
async fn a_token_in_a_paging_link_or_an_error_text_goes_nowhere() {
    let harness = Harness::with_faults(&["*=quotes_token"]).await;
    let error = harness.run("hashtag").await.unwrap_err();
    assert!(error.to_string().contains("REDACTED"), "{error}");
    assert!(!harness.leaks());
    let app = json!({"app_id": "4711", "app_secret": APP_SECRET});
    let harness =
        Harness::new(Setting { faults: vec!["*=quotes_token"], secret: Some(app), ..Setting::default() }).await;
    for job in ["hashtag", "token"] {
        let error = harness.run(job).await.unwrap_err().to_string();
        let proofs: Vec<String> = harness.sandbox.calls().iter().map(|c| c.query["appsecret_proof"].clone()).collect();
        assert!(error.contains("REDACTED") && !proofs.iter().any(|proof| error.contains(proof)), "{error}");
    }
    assert!(!harness.leaks());
    let harness = Harness::with_faults(&[]).await;
    harness.run("hashtag").await.unwrap();
    assert!(!harness.leaks());
}
