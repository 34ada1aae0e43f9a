//! Shards of a run: topics defined in the event, separate credentials, and the roll-up.

use std::process::Command;
use std::time::{Duration, SystemTime};

use rollup::{RollupFailure, RollupFunction, RollupResponse};
use sandbox::InvocationResult;
use serde_json::{Value, json};

use support::aws::BUCKET;
use support::harness::{Harness, Setting, TIME, secret};
use support::runtime_api;

const ROLLUP: &str = env!("CARGO_BIN_EXE_rollup");

async fn harness() -> Harness {
    let harness = Harness::new(Setting { options: Some(|o| o.token = None), ..Setting::default() }).await;
    for n in ["1", "2"] {
        let other = json!({"access_token": format!("placeholder-token-of-{n}"), "ig_user_id": format!("1784{n}")});
        harness.aws.name_secret(&format!("collectors/{n}"), secret(&harness.config_file(), &other).to_string());
    }
    harness
}

/// The roll-up's response to `event`.
async fn roll_up(harness: &Harness, event: Value) -> Result<RollupResponse, RollupFailure> {
    let function = RollupFunction::new(Some(BUCKET.to_owned()), harness.config_file().into());
    let deadline = SystemTime::now() + Duration::from_secs(30);
    function.invoke(&event, "request-1", deadline, async |_| harness.aws.config().await).await
}

fn event(job: &str, shard: &str, topics: Value) -> Value {
    let key = if job == "hashtag" { "hashtags" } else { "accounts" };
    json!({"job": job, "time": TIME, "shard": shard, "secret_id": format!("collectors/{shard}"), key: topics})
}

#[tokio::test]
async fn each_shard_runs_on_the_credential_that_its_event_names() {
    let harness = harness().await;
    for shard in ["1", "2", "1"] {
        let response = harness.invoke(event("brand_media", shard, json!(["dior"]))).await.unwrap();
        assert_eq!(response.summary.secret_id, Some(format!("collectors/{shard}")));
    }
    harness.run("brand_media").await.unwrap();
    let calls = harness.sandbox.calls();
    let with: Vec<_> = calls.iter().take(4).map(|c| (c.path.as_str(), c.query["access_token"].as_str())).collect();
    let (one, two) = (("17841", "placeholder-token-of-1"), ("17842", "placeholder-token-of-2"));
    assert_eq!(with, [one, two, one, ("17841400000000001", support::harness::TOKEN)]);
    assert_eq!(harness.aws.secret_reads(), 3, "each secret is read once in the life of the process");
}

#[tokio::test]
async fn hashtag_ids_are_remembered_for_each_credential() {
    let harness = harness().await;
    for (shard, calls) in [("1", 2), ("2", 2), ("1", 1), ("2", 1)] {
        let response = harness.invoke(event("hashtag", shard, json!(["gucci"]))).await.unwrap();
        assert_eq!(response.summary.api_calls, calls);
    }
}

#[tokio::test]
async fn topics_that_are_not_configured_come_with_their_ids() {
    let harness = harness().await;
    // The sandbox has the configured topics; the stored user id shows which definition was used.
    let accounts = json!([{"name": "dior", "user_id": "99"}]);
    harness.invoke(event("brand_media", "1", accounts)).await.unwrap();
    let (_, stored) = harness.aws.objects().into_iter().find(|(k, _)| k.starts_with("raw/media_")).unwrap();
    let stored: Vec<Value> = serde_json::from_slice(&stored).unwrap();
    assert!(stored.len() == 25 && stored.iter().all(|m| m["user_id"] == "99"));
    let pinned = json!([{"name": "gucci", "user_id": "98", "id": "17843857450040591"}]);
    assert!(harness.invoke(event("hashtag", "1", pinned)).await.is_err());
    assert!(harness.sandbox.calls().last().unwrap().path.starts_with("17843857450040591/"));
}

#[tokio::test]
async fn a_secret_that_the_function_may_not_use_is_refused_before_it_is_read() {
    let harness = harness().await;
    for id in ["collector", "collectors/", "other/1", "arn:aws:secretsmanager:eu-west-1:1:secret:collectors/1-abcdef"] {
        let error = harness.invoke(json!({"job": "token", "secret_id": id})).await.unwrap_err();
        assert!(error.cause.kind() == "event" && error.to_string().contains(id), "{error}");
    }
    assert_eq!((harness.aws.secret_reads(), harness.sandbox.calls().len()), (0, 0));
}

#[tokio::test]
async fn a_roll_up_leaves_one_summary_of_all_shards_and_keeps_it_when_some_run_again() {
    let harness = harness().await;
    let rollup = async |run: &str, shards: &[(&str, &str)]| {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (shard, account) in shards {
            let event = event("brand_media", shard, json!([account]));
            let mut item = json!({"Input": json!({"event": event}).to_string(), "Status": "SUCCEEDED"});
            match harness.invoke(event).await {
                Ok(response) => {
                    item["Output"] = json!({"summary": response.summary}).to_string().into();
                    good.push(item);
                }
                Err(error) => {
                    item["Status"] = "FAILED".into();
                    item["Error"] = error.cause.kind().into();
                    item["Cause"] = json!({"errorMessage": error.to_string()}).to_string().into();
                    bad.push(item);
                }
            }
        }
        let key = |name: &str| format!("runs/{run}/{name}.json");
        harness.aws.put(&key("SUCCEEDED_0"), &json!(good).to_string());
        harness.aws.put(&key("FAILED_0"), &json!(bad).to_string());
        let files =
            json!({"SUCCEEDED": [{"Key": key("SUCCEEDED_0")}], "FAILED": [{"Key": key("FAILED_0")}], "PENDING": []});
        harness.aws.put(&key("manifest"), &json!({"ResultFiles": files}).to_string());
        let event = json!({"job": "brand_media", "time": TIME, "results": key("manifest")});
        let response = roll_up(&harness, event).await.unwrap();
        let place = format!("{BUCKET}/summary/brand_media_2026-01-31/brand_media_2026-01-31_235907.json");
        assert_eq!(response.target_file, place);
        let objects = harness.aws.objects();
        let (_, summary) = objects.iter().find(|(k, _)| k.starts_with("summary/")).unwrap();
        serde_json::from_slice::<Value>(summary).unwrap()
    };
    let summary = rollup("a", &[("1", "dior"), ("2", "nosuch")]).await;
    assert_eq!((&summary["totals"]["shards"], &summary["totals"]["failed_shards"]), (&json!(2), &json!(1)));
    let summary = rollup("b", &[("2", "gucci")]).await;
    assert_eq!(summary["totals"]["failed_shards"], 0);
    assert_eq!((&summary["totals"]["records"], &summary["totals"]["topics"]), (&json!(52), &json!(2)));
    assert_eq!(summary["credentials"][1]["secret_id"], "collectors/2");
}

#[tokio::test]
async fn what_cannot_be_summed_up_is_an_error_of_its_kind() {
    let harness = harness().await;
    let event = json!({"job": "hashtag", "time": TIME, "results": "runs/x/manifest.json"});
    let error = roll_up(&harness, event.clone()).await.unwrap_err();
    assert!(error.kind == "results" && error.text.contains("runs/x/manifest.json do not exist"), "{error:?}");
    let mut raw = event;
    raw["results"] = json!("raw/x/manifest.json");
    assert_eq!(roll_up(&harness, raw).await.unwrap_err().kind, "event");
}

#[tokio::test]
async fn of_results_below_a_prefix_the_newest_ones_are_summed_up() {
    let harness = harness().await;
    let event = json!({"job": "hashtag", "time": TIME, "results": "runs/hashtag/x/"});
    let error = roll_up(&harness, event.clone()).await.unwrap_err();
    assert!(error.kind == "results" && error.text.contains("there are no results below runs/hashtag/x/"), "{error:?}");
    let item = |shard: &str| json!({"Input": json!({"event": {"shard": shard}}).to_string(), "Status": "FAILED"});
    for (run, shards) in [("b", &["s-1"][..]), ("a", &["s-2", "s-3"])] {
        let key = |name: &str| format!("runs/hashtag/x/{run}/{name}.json");
        harness.aws.put(&key("FAILED_0"), &json!(shards.iter().map(|s| item(s)).collect::<Vec<_>>()).to_string());
        let files = json!({"SUCCEEDED": [], "FAILED": [{"Key": key("FAILED_0")}], "PENDING": []});
        harness.aws.put(&key("manifest"), &json!({"ResultFiles": files}).to_string());
        // S3 reports the time of an object in whole seconds.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    assert_eq!(roll_up(&harness, event).await.unwrap().totals.failed_shards, 2);
    let printed = harness.log().into_iter().find(|line| line.get("_aws").is_some()).unwrap();
    assert_eq!((&printed["failed_shards"], &printed["job"]), (&json!(2), &json!("hashtag")));
}

#[tokio::test]
async fn the_collector_takes_no_roll_up() {
    let harness = harness().await;
    let event = json!({"job": "rollup", "time": TIME, "of": "hashtag", "results": "runs/x/manifest.json"});
    assert_eq!(harness.invoke(event).await.unwrap_err().cause.kind(), "event");
}

#[tokio::test]
async fn the_binary_sums_up_under_the_runtime_api_with_its_bucket_from_the_environment() {
    let harness = harness().await;
    let manifest = json!({"ResultFiles": {"SUCCEEDED": [], "FAILED": [], "PENDING": []}});
    harness.aws.put("runs/x/manifest.json", &manifest.to_string());
    let event = json!({"job": "hashtag", "time": TIME, "results": "runs/x/manifest.json"});
    let folder = tempfile::tempdir().unwrap();
    let variables: Vec<_> =
        runtime_api::variables(&harness).into_iter().filter(|(name, _)| *name != "SECRET_ID").collect();
    for bucket in [Some(BUCKET), None] {
        let bucket = bucket.map(|bucket| ("BUCKET", bucket.to_owned()));
        let variables: Vec<_> = variables.iter().cloned().chain(bucket.clone()).collect();
        let (results, log) =
            runtime_api::run(ROLLUP.as_ref(), folder.path(), &variables, std::slice::from_ref(&event)).await;
        match &results[..] {
            [InvocationResult::Response(response)] => {
                assert!(bucket.is_some() && response["totals"]["shards"] == 0, "{response}")
            }
            [InvocationResult::Error(error)] => {
                assert!(bucket.is_none() && error["errorType"] == "config", "{error}");
                assert!(error["errorMessage"].as_str().unwrap().contains("BUCKET is not set"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let printed = if bucket.is_some() { 2 } else { 1 };
        assert_eq!(lines.len(), printed, "the sentence and the metrics, or the error: {log}");
    }
    assert_eq!(harness.aws.secret_reads(), 0, "it knows no secret");
}

#[test]
fn started_outside_lambda_the_roll_up_says_what_it_is_in_one_line() {
    let output = Command::new(ROLLUP).env_remove("AWS_LAMBDA_RUNTIME_API").output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && printed.lines().count() == 1 && printed.contains("docs/scale.md"), "{printed}");
}
