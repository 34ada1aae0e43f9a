//! `luxury-brands retry`: repairs a run, from the report of that run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use collector::report::Error;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::terminal::{command, folder, local, records, stand_in, text};
use support::aws::S3Fault;
use support::harness::Harness;

const TIME: &str = "2026-11-24T03:00:00Z";

/// Every file under the sandbox's folder, with its bytes.
fn stored(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for kind in ["raw", "quality"] {
        let under = folder.join("sandbox_env").join(kind);
        if under.exists() {
            support::aws::walk(&under, &mut |path| files.push((path.to_owned(), std::fs::read(path).unwrap())));
        }
    }
    files.sort();
    files
}

/// The event that a dry run prints for a report on standard input. It runs nothing.
fn event(report: &str) -> Value {
    let folder = folder();
    let mut command = command(folder.path(), &["retry", "-", "--dry-run"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(report.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && stored(folder.path()).is_empty(), "{output:?}");
    assert_eq!(text(&output.stdout).lines().count(), 1, "{report}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn report_of(error: Error) -> String {
    let Diagnostic { error_type, error_message } = error.into();
    json!({"errorType": error_type, "errorMessage": error_message}).to_string()
}

/// An hour in which two accounts failed.
fn hour(folder: &Path) -> &'static str {
    let event = format!(r#"{{"time":"{TIME}"}}"#);
    let faults = ["--fault", "gucci=not_there", "--fault", "fendi=permission"];
    let ran = local(folder, &[["brand_media", "--sandbox", "--event", &event].as_slice(), &faults].concat());
    assert!(ran.status.success() && records(folder, "brand") == 9, "{ran:?}");
    assert!(
        text(&ran.stderr).contains(r#"to repair it: luxury-brands brand_media --sandbox --event '{"job":"#),
        "{ran:?}"
    );
    "sandbox_env/quality/media_2026-11-24/media_2026-11-24_030000.json"
}

#[test]
fn an_hour_is_repaired_by_further_objects_and_needs_no_second_repair() {
    let folder = folder();
    let quality = hour(folder.path());
    let before = stored(folder.path());
    let output = local(folder.path(), &["retry", quality, "--sandbox"]);
    assert!(output.status.success() && text(&output.stderr).starts_with("gucci, fendi failed"), "{output:?}");
    let after = stored(folder.path());
    assert!(before.iter().all(|file| after.contains(file)), "what the hour has stays as it is");
    assert_eq!((after.len(), records(folder.path(), "brand")), (before.len() + 4, 11));
    assert!(after.iter().filter(|(path, _)| path.to_str().unwrap().contains("_030000_part-")).count() == 4);
    assert_eq!(repair(folder.path(), quality), None);
    assert_eq!(stored(folder.path()), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_command_repairs_the_same_place_when_it_is_pasted() {
    let (sandbox, folder) = stand_in(&["gucci=permissionx1"]).await;
    let [secret, config] = ["secret.ini", "configure.ini"].map(|name| {
        std::fs::rename(folder.path().join(name), folder.path().join(format!("my {name}"))).unwrap();
        format!("my {name}")
    });
    let run = ["brand_media", "--secret", &secret, "--config", &config, "--out", "it's here"];
    let ran = local(folder.path(), &run);
    let printed = text(&ran.stderr);
    let hint = printed.lines().find_map(|line| line.strip_prefix("to repair it: ")).unwrap();
    let path = Path::new(env!("CARGO_BIN_EXE_luxury-brands")).parent().unwrap();
    let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    let mut pasted = std::process::Command::new("sh");
    pasted.args(["-c", hint]).env("PATH", path).current_dir(folder.path());
    assert!(pasted.output().unwrap().status.success(), "{hint}");
    let mut stored = Vec::new();
    support::aws::walk(&folder.path().join("it's here/raw"), &mut |path| stored.push(path));
    assert_eq!((stored.len(), sandbox.calls().len()), (4, 12), "{hint}: {stored:?}");
}

#[test]
fn a_report_of_made_up_data_is_not_repaired_on_the_real_api_nor_a_real_one_on_the_sandbox() {
    let folder = folder();
    let quality = hour(folder.path());
    let before = stored(folder.path());
    let refused = |arguments: &[&str]| {
        let output = local(folder.path(), arguments);
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{output:?}");
        assert_eq!(stored(folder.path()), before);
        text(&output.stderr)
    };
    for arguments in [&["retry", quality][..], &["retry", quality, "--dry-run"]] {
        assert!(refused(arguments).contains("whose data is made up: add --sandbox"));
    }
    let real = r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","files":[],"failures":[{"topic":"gucci"}]}"#;
    assert!(refused(&["retry", real, "--sandbox"]).contains("a run on the real API: leave out --sandbox"));
}

/// The accounts that a repair would collect; `None` if nothing is missing.
fn repair(folder: &Path, report: &str) -> Option<Value> {
    let output = local(folder, &["retry", report, "--sandbox", "--dry-run", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (repair, reason) = (&planned["repair"], planned["reason"].as_str().unwrap());
    assert_eq!(repair.is_null(), reason.contains("no topic is missing from the objects of this time"), "{planned}");
    repair.get("accounts").cloned()
}

/// Runs a time twice, each run with its own lost accounts. Returns the response of the second run.
fn run_twice(folder: &Path, lost: [&[&str]; 2]) -> String {
    let event = format!(r#"{{"time":"{TIME}"}}"#);
    let run = |lost: &[&str]| {
        let faults: Vec<String> = lost.iter().map(|account| format!("{account}=not_there")).collect();
        let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
        let ran =
            local(folder, &[["brand_media", "--sandbox", "--json", "--event", &event].as_slice(), &faults].concat());
        assert!(ran.status.success(), "{ran:?}");
        text(&ran.stdout)
    };
    run(lost[0]);
    run(lost[1])
}

/// The quality objects, those in `partial/` last.
fn quality(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for under in ["quality", "partial/quality"] {
        support::aws::walk(&folder.join("sandbox_env").join(under), &mut |path| paths.push(path));
    }
    assert_eq!(paths.len(), 4, "{paths:?}");
    paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

#[test]
fn a_topic_that_another_run_of_the_time_has_is_not_missing() {
    let folder = folder();
    let response = run_twice(folder.path(), [&["gucci"], &["dior"]]);
    for report in quality(folder.path()).iter().chain([&response]) {
        assert_eq!(repair(folder.path(), report), None, "{report}");
    }
    let report = local(folder.path(), &["report", "sandbox_env", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["source"]["files"], &report["source"]["records"]), (&json!(8), &json!(11 + 275)));
}

#[test]
fn only_the_topics_that_no_run_of_the_time_has_are_repaired_whichever_report_is_given() {
    let folder = folder();
    let response = run_twice(folder.path(), [&["gucci", "ysl"], &["ysl", "dior"]]);
    for report in quality(folder.path()).iter().chain([&response]) {
        assert_eq!(repair(folder.path(), report), Some(json!(["ysl"])), "{report}");
    }
    assert!(local(folder.path(), &["retry", &response, "--sandbox"]).status.success());
    assert_eq!(repair(folder.path(), &response), None);
}

#[test]
fn a_run_in_which_every_topic_failed_is_repeated_as_it_was_from_its_response() {
    let folder = folder();
    let event = format!(r#"{{"job":"brand_media","time":"{TIME}"}}"#);
    let arguments = ["brand_media", "--sandbox", "--json", "--event", &event, "--fault", "*=permission"];
    std::fs::write(folder.path().join("response.json"), local(folder.path(), &arguments).stdout).unwrap();
    let output = local(folder.path(), &["retry", "response.json", "--sandbox", "--dry-run"]);
    assert_eq!(text(&output.stdout).trim(), event, "{output:?}");
    assert!(local(folder.path(), &["retry", "response.json", "--sandbox"]).status.success());
    assert_eq!(records(folder.path(), "brand"), 11);
}

#[test]
fn of_a_run_in_which_every_topic_failed_only_those_that_no_other_run_has_are_repaired() {
    let folder = folder();
    let event = format!(r#"{{"job":"brand_media","time":"{TIME}"}}"#);
    let run =
        |fault| local(folder.path(), &["brand_media", "--sandbox", "--json", "--event", &event, "--fault", fault]);
    assert!(run("gucci=not_there").status.success());
    let failed = text(&run("*=permission").stdout);
    let quality = "sandbox_env/quality/brand_2026-11-24/brand_2026-11-24_030000.json".to_owned();
    for report in [&quality, &failed] {
        assert_eq!(repair(folder.path(), report), Some(json!(["gucci"])), "{report}");
    }
}

#[test]
fn a_place_that_cannot_be_listed_is_a_warning_and_the_report_says_what_is_missing() {
    let folder = folder();
    run_twice(folder.path(), [&["gucci"], &["dior"]]);
    let report = std::fs::read_to_string(folder.path().join(&quality(folder.path())[3])).unwrap();
    // As for a real run: without its secret, the place of the data is unknown.
    let output = local(folder.path(), &["retry", &report.replace(r#""sandbox":true,"#, ""), "--dry-run"]);
    assert!(text(&output.stderr).starts_with("WARNING only this report says what is missing: "), "{output:?}");
    let expected = format!(r#"{{"job":"brand_media","time":"{TIME}","accounts":["dior"]}}"#);
    assert_eq!(text(&output.stdout), expected + "\n");
}

#[test]
fn a_dry_run_prints_the_event_and_runs_nothing() {
    let folder = folder();
    let quality = hour(folder.path());
    let before = stored(folder.path());
    let whole = std::fs::read_to_string(folder.path().join(quality)).unwrap();
    for given in [quality, &whole] {
        let output = local(folder.path(), &["retry", given, "--sandbox", "--dry-run"]);
        let expected = r#"{"job":"brand_media","time":"2026-11-24T03:00:00Z","accounts":["gucci","fendi"]}"#;
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), format!("{expected}\n")), "{output:?}");
    }
    assert_eq!(stored(folder.path()), before);
}

#[tokio::test]
async fn a_response_and_a_line_of_the_log_give_the_event_that_fills_the_hour() {
    let harness = Harness::with_faults(&["gucci=not_therex1", "fendi=permissionx1"]).await;
    let response = harness.run("brand_media").await.unwrap();
    let log = harness.log();
    let line = log.iter().rfind(|line| line["summary"].is_object()).unwrap();
    let repair = event(&serde_json::to_string(&response).unwrap());
    assert_eq!(event(&line.to_string()), repair);
    assert_eq!(repair["accounts"], json!(["gucci", "fendi"]));
    assert_eq!(harness.records("brand").len(), 9);
    harness.invoke(repair).await.unwrap();
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (11, 275));
}

#[tokio::test]
async fn a_run_whose_object_was_lost_is_repeated_as_it_was() {
    for (given, part) in [
        (json!({"job": "hashtag", "time": TIME}), "/raw/"),
        (json!({"job": "hashtag", "time": TIME}), "/quality/"),
        (json!({"job": "hashtag", "time": TIME, "hashtags": ["dior", "gucci"]}), "/raw/"),
        (json!({"job": "hashtag", "time": TIME, "hashtags": ["dior", "gucci"], "shard": "s-1"}), "/raw/"),
    ] {
        let harness = Harness::with_faults(&[]).await;
        harness.aws.fail_s3(S3Fault { part, status: 403, code: "AccessDenied", times: 1 });
        let error = harness.invoke(given.clone()).await.unwrap_err();
        let line = harness.log().into_iter().rfind(|line| line["summary"].is_object()).unwrap();
        assert_eq!((event(&report_of(error)), event(&line.to_string())), (given.clone(), given.clone()));
        let again = harness.invoke(given.clone()).await.unwrap();
        let again = &again.summary;
        let named = given["shard"].is_null() && given["hashtags"].is_array();
        assert_eq!((again.lost.len(), again.topics.is_some()), (0, named), "a shard that succeeded names no topics");
    }
}

#[tokio::test]
async fn a_run_that_could_not_begin_is_repeated_under_its_time() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.set_secrets(["{}".to_owned()]);
    let error = harness.invoke(json!({"job": "hashtag", "time": TIME})).await.unwrap_err();
    assert_eq!((error.cause.kind(), event(&report_of(error))), ("secret", json!({"job": "hashtag", "time": TIME})));
}

fn refused(folder: &Path, given: &str) -> Output {
    let output = local(folder, &["retry", given, "--sandbox"]);
    assert!(output.stdout.is_empty() && stored(folder).is_empty(), "{output:?}");
    output
}

#[test]
fn a_run_in_which_nothing_failed_is_reported_and_not_repeated() {
    let folder = folder();
    let summary =
        json!({"job": "hashtag", "time": TIME, "sandbox": true, "files": [{"key": "raw/x.json"}], "failures": []});
    let topics = json!([{"topic": "dior", "records": 50}]);
    let quality = json!({"job": "hashtag", "time": TIME, "sandbox": true, "topics": topics, "rejected": []});
    let earlier = json!({"job": "hashtag", "time": TIME, "sandbox": true, "failed_topics": []});
    for given in [json!({"summary": summary}), quality, earlier] {
        let output = refused(folder.path(), &given.to_string());
        assert!(output.status.success() && text(&output.stderr).contains("nothing failed in this run"), "{output:?}");
    }
}

#[test]
fn what_cannot_be_read_or_repaired_is_an_error_that_says_what_was_given_and_what_to_do() {
    let folder = folder();
    std::fs::write(folder.path().join("secret.ini"), "[SECRET]\naccess_token = placeholder\n").unwrap();
    let failure = json!([{"topic": "token", "kind": "token", "code": 190, "message": "expired"}]);
    let token = json!({"summary": {"job": "token", "time": TIME, "sandbox": true, "files": [], "failures": failure}})
        .to_string();
    for (given, expected) in [
        ("nowhere.json", "\"nowhere.json\" is neither JSON nor a file that can be read"),
        ("secret.ini", "secret.ini is not JSON"),
        (
            r#"{"statusCode":200}"#,
            "the JSON given holds no report of a run (its keys: statusCode); give the report of one run",
        ),
        (token.as_str(), "run it again with `luxury-brands token`"),
    ] {
        let output = refused(folder.path(), given);
        let error = text(&output.stderr);
        assert!(
            output.status.code() == Some(2) && error.contains(expected) && !error.contains("placeholder"),
            "{error}"
        );
    }
}
