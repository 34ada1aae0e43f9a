//! The real binary, as Lambda runs it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use sandbox::{InvocationResult, Options};
use serde_json::{Value, json};

use support::aws::BUCKET;
use support::harness::{APP_SECRET, Harness, NEW_TOKEN, Setting, TIME, TOKEN};
use support::runtime_api;
use support::runtime_api::variables;

pub const BINARY: &str = env!("CARGO_BIN_EXE_data-collector");

async fn run(harness: &Harness, events: &[Value]) -> (Vec<InvocationResult>, String) {
    let folder = tempfile::tempdir().unwrap();
    runtime_api::run(Path::new(BINARY), folder.path(), &variables(harness), events).await
}

#[tokio::test]
async fn the_binary_collects_under_the_runtime_api_with_its_secret_and_bucket_from_aws() {
    let harness = Harness::with_faults(&[]).await;
    let (results, log) =
        run(&harness, &[json!({"job": "brand_media", "time": TIME}), json!({"job": "hashtag", "time": TIME})]).await;
    for result in &results {
        let InvocationResult::Response(response) = result else { panic!("{result:?}") };
        let keys: Vec<_> = response.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["body", "end_time", "error_log", "start_time", "statusCode", "summary", "target_file"]);
        assert_eq!(response["statusCode"], 200);
        let clock = response["start_time"].as_str().unwrap();
        assert!(chrono::NaiveDateTime::parse_from_str(clock, "%y%m%d_%H%M_%S").is_ok(), "{clock}");
        assert!(response["target_file"].as_str().unwrap().starts_with(&format!("{BUCKET}/raw/")));
    }
    assert_eq!(
        (harness.records("brand").len(), harness.records("media").len(), harness.records("media_hashtag").len()),
        (11, 275, 275)
    );
    assert_eq!(harness.aws.secret_reads(), 1, "the secret is read when the process starts");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("each line of the log is a JSON object");
        assert!(
            line["timestamp"].is_string()
                && line["level"].is_string()
                && line["requestId"].is_string()
                && line["job"].is_string(),
            "{line}"
        );
    }
    assert!(!log.contains(TOKEN));
}

#[tokio::test]
async fn the_kind_of_an_error_is_its_type_and_it_is_logged_once() {
    let harness = Harness::new(Setting { faults: vec!["*=token"], ..Setting::default() }).await;
    let (results, log) = run(&harness, &[json!({"job": "brand_media"}), json!("nonsense"), json!({})]).await;
    let kinds: Vec<_> = results
        .iter()
        .map(|result| {
            let InvocationResult::Error(error) = result else { panic!("{result:?}") };
            assert!(error["errorMessage"].as_str().unwrap().contains("\"summary\":{"), "{error}");
            error["errorType"].as_str().unwrap()
        })
        .collect();
    assert_eq!(kinds, ["nothing_collected", "event", "event"]);
    let lines: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().filter(|l| l["level"] == "CRITICAL").count(), 1);
    assert_eq!(lines.iter().filter(|l| l["message"].as_str().unwrap().starts_with("nothing_collected: ")).count(), 1);
    assert!(!log.contains(TOKEN) && !format!("{results:?}").contains(TOKEN));
}

#[tokio::test]
async fn the_metrics_of_two_stacks_differ_by_their_service() {
    let harness = Harness::with_faults(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    for (service, dimensions) in [(None, json!([["job"]])), (Some("staging"), json!([["service", "job"]]))] {
        let own = service.map(|service| ("SERVICE", service.to_owned()));
        let variables: Vec<_> = variables(&harness).into_iter().chain(own).collect();
        let (_, log) = runtime_api::run(Path::new(BINARY), folder.path(), &variables, &[json!("token")]).await;
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let sent = lines.iter().find(|line| line.get("_aws").is_some()).unwrap();
        assert_eq!(sent["_aws"]["CloudWatchMetrics"][0]["Dimensions"], dimensions);
        assert_eq!((sent["service"].as_str(), &sent["job"]), (service, &json!("token")));
    }
}

#[tokio::test]
async fn the_log_level_is_that_of_its_own_variable() {
    let harness = Harness::with_faults(&["token=invalid"]).await;
    let folder = tempfile::tempdir().unwrap();
    for (level, levels) in [("WARNING", &["CRITICAL", "WARNING"][..]), ("loud", &["CRITICAL", "INFO", "WARNING"])] {
        let own = [("LOG_LEVEL", level.to_owned()), ("AWS_LAMBDA_LOG_LEVEL", "DEBUG".to_owned())];
        let variables: Vec<_> = variables(&harness).into_iter().chain(own).collect();
        let (_, log) = runtime_api::run(Path::new(BINARY), folder.path(), &variables, &[json!("token")]).await;
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: BTreeSet<&str> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
        assert!(found.iter().eq(levels), "{log}");
        let expected = "LOG_LEVEL is \"loud\", DEBUG, INFO, WARNING, ERROR or CRITICAL expected: INFO is logged";
        assert_eq!(lines.iter().any(|line| line["message"] == expected), level == "loud", "{log}");
    }
}

#[tokio::test]
async fn a_variable_of_traces_is_a_warning_that_says_what_replaces_them() {
    let harness = Harness::with_faults(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    for (tracing, warnings) in [(None, 0), (Some("xray"), 1)] {
        let traces = tracing.map(|value: &str| ("TRACING", value.to_owned()));
        let variables: Vec<_> = variables(&harness).into_iter().chain(traces).collect();
        let events = [json!("token"), json!("token")];
        let (results, log) = runtime_api::run(Path::new(BINARY), folder.path(), &variables, &events).await;
        assert!(results.iter().all(|result| matches!(result, InvocationResult::Response(_))), "{results:?}");
        let about_it: Vec<&str> = log.lines().filter(|line| line.contains("TRACING")).collect();
        assert_eq!(about_it.len(), warnings, "{log}");
        assert!(about_it.iter().all(|line| line.contains(r#""level":"WARNING""#) && line.contains("elapsed_ms")));
    }
}

#[tokio::test]
async fn a_standard_variable_that_cannot_be_read_is_a_warning_and_does_not_count() {
    let harness = Harness::with_faults(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let wrong = ("AWS_REQUEST_CHECKSUM_CALCULATION", "never".to_owned());
    let variables: Vec<_> = variables(&harness).into_iter().chain([wrong]).collect();
    let (results, log) = runtime_api::run(Path::new(BINARY), folder.path(), &variables, &[json!("brand_media")]).await;
    assert!(matches!(&results[..], [InvocationResult::Response(_)]), "{results:?}");
    let warning = "AWS_REQUEST_CHECKSUM_CALCULATION=never is not a valid value of this variable and is ignored";
    assert!(log.lines().any(|line| line.contains(r#""level":"WARNING""#) && line.contains(warning)), "{log}");
}

#[tokio::test]
async fn a_secret_is_requested_in_the_region_of_its_arn() {
    let harness = Harness::with_faults(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:collector-AbCdEf";
    for (id, region) in [("collector", "us-west-2"), (arn, "us-east-1")] {
        let others = variables(&harness).into_iter().filter(|(name, _)| *name != "SECRET_ID");
        let variables: Vec<_> = others.chain([("SECRET_ID", id.to_owned())]).collect();
        let (results, _) = runtime_api::run(Path::new(BINARY), folder.path(), &variables, &[json!("token")]).await;
        assert!(matches!(&results[..], [InvocationResult::Response(_)]), "{results:?}");
        assert_eq!(harness.aws.signed_for(), region);
    }
}

#[test]
fn started_outside_lambda_it_says_what_it_is_in_one_line() {
    let output = Command::new(BINARY).env_remove("AWS_LAMBDA_RUNTIME_API").output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && printed.lines().count() == 1);
    assert!(
        printed.contains("Lambda function")
            && printed.contains("luxury-brands")
            && printed.contains("cargo lambda watch"),
        "{printed}"
    );
}

#[tokio::test]
async fn the_binary_renews_a_token_if_its_variable_is_on_and_reports_any_other_word() {
    for (word, puts, warnings) in [("on", 1, 0), ("off", 0, 0), ("yes", 0, 1)] {
        let secret = Some(json!({"app_id": "4711", "app_secret": APP_SECRET}));
        let options = |o: &mut Options| o.new_token = Some(NEW_TOKEN.to_owned());
        let setting = Setting { faults: vec!["token=ending"], options: Some(options), secret, ..Setting::default() };
        let harness = Harness::new(setting).await;
        let folder = tempfile::tempdir().unwrap();
        let variables = [&variables(&harness)[..], &[("TOKEN_RENEWAL", word.to_owned())]].concat();
        let events = [json!({"job": "token"}), json!({"job": "hashtag"})];
        let (results, log) = runtime_api::run(Path::new(BINARY), folder.path(), &variables, &events).await;
        assert!(results.iter().all(|result| matches!(result, InvocationResult::Response(_))), "{results:?}");
        assert_eq!(harness.aws.puts().len(), puts, "{word}");
        assert_eq!(log.lines().filter(|line| line.contains("TOKEN_RENEWAL is ")).count(), warnings, "{word}: {log}");
        assert!([TOKEN, NEW_TOKEN, APP_SECRET].iter().all(|secret| !format!("{log}{results:?}").contains(secret)));
    }
}
