//! The roll-up of results in the format of Step Functions.

use serde_json::json;

use super::*;
use collector::diagnosis::Diagnosis;
use collector::error::Cause;
use collector::report::Error;
use collector::report::Summary;

fn item(shard: &str, secret_id: &str, output: Value) -> Value {
    let accounts = json!([{"name": "a", "user_id": "1"}, {"name": "b", "user_id": "2"}]);
    let event = json!({"job": "brand_media", "shard": shard, "secret_id": secret_id, "accounts": accounts});
    let mut item = json!({"Name": "x", "Status": "SUCCEEDED", "Input": json!({"event": event}).to_string()});
    item.as_object_mut().unwrap().extend(output.as_object().unwrap().clone());
    item
}

fn succeeded(shard: &str, secret_id: &str, records: u64, usage: u32) -> Value {
    let summary = json!({
        "files": [{"key": "k", "records": 2, "bytes": 9}, {"key": "l", "records": records, "bytes": 9}],
        "failures": [{"topic": "b", "kind": "not_there", "code": 110, "message": "Invalid user id"}],
        "quality": {"rejected": 1, "defaulted": 3}, "api_calls": 2, "usage_percent": usage,
    });
    item(shard, secret_id, json!({"Output": json!({"summary": summary}).to_string()}))
}

fn failed(shard: &str) -> Value {
    let cause = cause();
    item(shard, "c/2", json!({"Status": "FAILED", "Error": "nothing_collected", "Cause": cause}))
}

/// A failed function's error, as Step Functions records it.
fn cause() -> String {
    let summary = Summary { api_calls: 6, ..Summary::default() };
    // The text contains what looks like its own end.
    let cause = Cause::Store("x.json could not be stored; summary: {\"api_calls\":9}".to_owned(), Diagnosis::Store);
    let error = Error { cause, summary: Box::new(summary), redactor: Default::default() };
    json!({"errorType": "nothing_collected", "errorMessage": error.to_string()}).to_string()
}

fn read_items(items: &[Value]) -> Vec<Item> {
    super::items(json!(items).to_string().as_bytes()).unwrap()
}

fn summary_of(items: &[Value], before: Option<RollupSummary>) -> RollupSummary {
    sum("brand_media", "2026-01-31T23:00:00Z", &read_items(items), before)
}

#[test]
fn shards_are_summed_up_by_credential_with_what_failed() {
    let summary = summary_of(&[succeeded("s-1", "c/1", 50, 12), succeeded("s-2", "c/1", 48, 15), failed("s-3")], None);
    insta::assert_json_snapshot!(summary.totals, @r#"
    {
      "shards": 3,
      "failed_shards": 1,
      "unknown_shards": 0,
      "topics": 6,
      "failed_topics": 4,
      "records": 102,
      "objects": 4,
      "rejected": 2,
      "defaulted": 6,
      "api_calls": 10
    }
    "#);
    let usage: Vec<_> =
        summary.credentials.iter().map(|u| (u.secret_id.as_str(), u.api_calls, u.usage_percent)).collect();
    assert_eq!(usage, [("c/1", 4, Some(15)), ("c/2", 6, None)]);
    let error = summary.shards[2].error.as_deref();
    let error_text = r#"nothing_collected: x.json could not be stored; summary: {"api_calls":9}"#;
    assert!(error.unwrap().starts_with(error_text), "{error:?}");
    assert_eq!((summary.failures.len(), summary.failures[0].shard.as_str()), (2, "s-1"));
}

#[test]
fn a_result_that_was_cut_short_has_unknown_figures_and_not_zeros() {
    let whole = cause();
    for cut in [&whole[..whole.len() - 2], &whole[..20], "", "States.DataLimitExceeded"] {
        let item = item("s-1", "c/1", json!({"Status": "FAILED", "Error": "nothing_collected", "Cause": cut}));
        let summary = summary_of(&[item, succeeded("s-2", "c/1", 1, 1)], None);
        assert_eq!(
            (summary.totals.unknown_shards, summary.totals.failed_shards, summary.totals.topics),
            (1, 1, 4),
            "{cut}"
        );
        assert!(!summary.shards[0].figures_known && summary.shards[1].figures_known);
    }
    let no_summary = item("s-1", "c/1", json!({"Output": "{}"}));
    assert_eq!(summary_of(&[no_summary], None).totals.unknown_shards, 1);
}

#[test]
fn shards_that_ran_again_replace_what_was_known_of_them_and_the_others_stay() {
    let first = summary_of(&[succeeded("s-1", "c/1", 50, 12), failed("s-2")], None);
    let again = summary_of(&[succeeded("s-2", "c/2", 50, 12)], Some(first.clone()));
    assert_eq!((again.totals.shards, again.totals.failed_shards, again.totals.records), (2, 0, 104));
    let repeated = summary_of(&[failed("s-1"), succeeded("s-2", "c/2", 50, 12)], Some(first));
    assert_eq!(repeated.totals.failed_shards, 0, "what s-1 stored is still there");
}

#[tokio::test]
async fn the_files_that_the_manifest_lists_are_read_and_a_missing_one_is_an_error() {
    let manifest = json!({
        "DestinationBucket": "b", "MapRunArn": "arn",
        "ResultFiles": {"FAILED": [{"Key": "runs/x/FAILED_0.json", "Size": 1}], "PENDING": [], "SUCCEEDED": [{"Key": "runs/x/SUCCEEDED_0.json", "Size": 1}]},
    });
    let event = json!({"job": "brand_media", "time": "2026-01-31T23:00:00Z", "results": "runs/x/manifest.json"});
    let event = RollupEvent::parse(&event).unwrap();
    for there in [true, false] {
        let get = async |key: String| {
            Ok(match key.as_str() {
                "runs/x/manifest.json" => Some(manifest.to_string().into()),
                "runs/x/SUCCEEDED_0.json" => Some(json!([succeeded("s-1", "c/1", 5, 1)]).to_string().into()),
                "runs/x/FAILED_0.json" if there => Some(json!([failed("s-2")]).to_string().into()),
                _ => None,
            })
        };
        let summary = read(&event, &event.results, "summary/k.json", get).await;
        match summary {
            Ok(summary) => assert!(there && summary.totals.shards == 2),
            Err(error_text) => {
                assert!(!there && error_text.contains("runs/x/FAILED_0.json do not exist"), "{error_text}")
            }
        }
    }
}

#[test]
fn any_results_are_summed_up_without_a_panic() {
    for odd in [json!([{}]), json!([{"Input": "{", "Output": 7}]), json!([{"Input": null, "Status": "TIMED_OUT"}])] {
        let items = super::items(odd.to_string().as_bytes()).unwrap();
        assert_eq!(sum("hashtag", "t", &items, None).totals.shards, 1);
    }
    assert!(super::items(b"{}").is_none() && Manifest::read(b"[]").is_none());
    assert!(Manifest::read(b"[{\"Status\":\"FAILED\"}]").is_none(), "results are no manifest");
}
