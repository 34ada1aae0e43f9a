//! A topic that is "not there" after it responded in the same process.

use std::time::Duration;

use collector::diagnosis::Diagnosis;
use sandbox::{FaultRule, Options};
use serde_json::json;
use tokio::time::sleep;

use support::harness::{Harness, Setting, TIME};

fn faults(rules: &[&str]) -> Vec<FaultRule> {
    rules.iter().map(|rule| rule.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_topic_that_responded_before_and_is_not_there_now_is_reported_with_its_other_causes() {
    for (job, rule, code) in [
        ("brand_media", "dior=code:100/33", 100),
        ("brand_media", "dior=not_there", 110),
        ("hashtag", "#dior=code:100/33", 100),
        ("hashtag", "#dior=code:24/2207024", 24),
    ] {
        let harness = Harness::with_faults(&[]).await;
        harness.run(job).await.unwrap();
        harness.sandbox.set_faults(faults(&[rule]));
        let summary = harness.run(job).await.unwrap().summary.clone();
        let failure = &summary.failures[0];
        assert_eq!((summary.failures.len(), failure.kind.name(), failure.code), (1, "not_there", Some(code)), "{rule}");
        assert_eq!(summary.causes[0].cause, Diagnosis::NoLongerThere);
        assert!(summary.sentence().contains("dior: the topic was removed or renamed, or the caller is throttled"));
    }
}

#[tokio::test]
async fn a_topic_that_never_responded_is_not_there() {
    let harness = Harness::with_faults(&["dior=not_there"]).await;
    harness.run("hashtag").await.unwrap();
    for _ in 0..2 {
        let summary = harness.run("brand_media").await.unwrap().summary.clone();
        assert!(
            !summary.causes.iter().any(|cause| cause.cause == Diagnosis::NoLongerThere),
            "the hashtag's answers are not the account's"
        );
    }
}

#[tokio::test]
async fn another_class_of_failure_is_reported_unchanged() {
    let harness = Harness::with_faults(&[]).await;
    harness.run("brand_media").await.unwrap();
    harness.sandbox.set_faults(faults(&["dior=permission"]));
    let summary = harness.run("brand_media").await.unwrap().summary.clone();
    assert_eq!(json!(summary.failures[0].kind), json!("permission"));
    assert!(!summary.causes.iter().any(|cause| cause.cause == Diagnosis::NoLongerThere));
}

#[tokio::test]
async fn a_further_page_that_is_not_there_is_doubted_since_the_first_one_responded() {
    let config = |ini: String| format!("{ini}\n[limits]\nmedia_per_account = 100\n");
    let slow = |options: &mut Options| options.latency = Duration::from_millis(700);
    let harness = Harness::new(Setting { config: Some(config), options: Some(slow), ..Setting::default() }).await;
    let event = json!({"job": "brand_media", "time": TIME, "accounts": ["dior"]});
    // The first page is already requested when the fault starts, so it succeeds.
    let after_the_first_call = async {
        while harness.sandbox.calls().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        harness.sandbox.set_faults(faults(&["dior=code:100/33"]));
    };
    let (response, ()) = tokio::join!(harness.invoke(event), after_the_first_call);
    let summary = response.unwrap().summary.clone();
    assert_eq!(harness.records("media").len(), 50);
    assert_eq!(summary.causes[0].cause, Diagnosis::NoLongerThere);
}
