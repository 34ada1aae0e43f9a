//! `luxury-brands redrive`: the failed events of a queue, run again by the function.

use std::process::Output;
use std::time::Duration;

use chrono::{SecondsFormat, SubsecRound, Utc};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::aws::{KEY, SESSION_TOKEN};
use crate::harness::{Harness, Setting};
use crate::terminal::text;

mod account;

use account::{Account, Ran, record};

/// A time of an event, so many minutes ago.
fn ago(minutes: i64) -> String {
    (Utc::now() - chrono::Duration::minutes(minutes)).trunc_subsecs(0).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn hashtag(minutes: i64) -> Value {
    json!({"job": "hashtag", "time": ago(minutes)})
}

fn brand_media(minutes: i64) -> Value {
    json!({"job": "brand_media", "time": ago(minutes)})
}

/// A run of the function in `harness`.
async fn run(harness: &Harness, event: Value) -> Ran {
    match harness.invoke(event).await {
        Ok(response) => (false, serde_json::to_value(response).unwrap()),
        Err(error) => {
            let Diagnostic { error_type, error_message } = error.into();
            (true, json!({"errorType": error_type, "errorMessage": error_message}))
        }
    }
}

/// A run that stored something.
fn stored() -> Ran {
    (false, json!({"body": "3 records", "summary": {"files": [{"key": "raw/x.json"}], "failures": []}}))
}

fn failed(kind: &str) -> Ran {
    (true, json!({"errorType": kind, "errorMessage": "because"}))
}

/// No run is expected.
async fn none(event: Value) -> Ran {
    panic!("{event} was run")
}

/// The first words of the lines, and the exit code.
fn words(output: &Output) -> (Vec<String>, Option<i32>) {
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    (text(&output.stdout).lines().map(first).collect(), output.status.code())
}

fn left(account: &Account) -> Vec<String> {
    let (seen, hidden) = account.queue();
    assert_eq!(hidden, 0, "no message stays hidden");
    seen
}

#[tokio::test]
async fn an_event_whose_run_failed_is_run_again_and_its_objects_are_there() {
    let harness = Harness::with_faults(&[]).await;
    let mut account = Account::start().await;
    let event = brand_media(20);
    let secret = crate::harness::secret(&harness.config_file(), &json!({})).to_string();
    harness.aws.set_secrets(["{}".to_owned(), secret]);
    let (true, error) = run(&harness, event.clone()).await else { panic!("it has no secret") };
    account.put("m", &record(&event, &error), json!({}));
    let output = account.redrive(&[], async |event| run(&harness, event).await).await;
    assert_eq!(words(&output), (vec!["ok".to_owned()], Some(0)), "{output:?}");
    let told = text(&output.stdout);
    assert!(told.contains("tried 2 times, secret: ") && told.contains(" -> brand_media: 286 records"), "{told}");
    let objects = harness.aws.objects();
    let stamp = event["time"].as_str().unwrap().replace('T', "_").replace([':', 'Z'], "");
    assert!(objects.iter().any(|(key, _)| key.ends_with(&format!("/brand_{stamp}.json"))), "under its own time");
    assert_eq!(left(&account), [""; 0]);
}

#[tokio::test]
async fn the_first_throttled_run_ends_the_command_and_no_message_is_lost() {
    let harness = Harness::new(Setting { faults: vec!["*=throttled"], ..Setting::default() }).await;
    let mut account = Account::start().await;
    let latest = hashtag(1);
    for (id, event) in [("a", &hashtag(3)), ("b", &hashtag(2)), ("c", &latest)] {
        account.put_failed(id, event);
    }
    let told = account.redrive(&["--json"], async |event| run(&harness, event).await).await;
    let told = crate::documents::document("redrive", &told);
    assert_eq!((&told["is_stopped"], &told["count"]["waiting"]), (&json!(true), &json!(2)), "{told:#}");
    let mut runs = Vec::new();
    let output = account
        .redrive(&[], async |event| {
            runs.push(event.clone());
            run(&harness, event).await
        })
        .await;
    assert_eq!(words(&output), (["FAIL", "wait", "wait"].map(str::to_owned).to_vec(), Some(1)), "{output:?}");
    assert!(text(&output.stdout).lines().next().unwrap().contains("-> throttled: "), "{output:?}");
    assert_eq!(runs, [latest], "the latest event is run first");
    assert_eq!(left(&account), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_dry_run_lists_the_events_and_runs_and_deletes_none() {
    let mut account = Account::start().await;
    account.put_failed("a", &hashtag(3));
    account.put_failed("b", &hashtag(60));
    let output = account.redrive(&["--dry-run"], none).await;
    assert_eq!(words(&output), (["wait", "old"].map(str::to_owned).to_vec(), Some(0)), "{output:?}");
    assert!(text(&output.stdout).contains("hashtag") && text(&output.stdout).contains("secret: it was denied"));
    assert_eq!(left(&account), ["a", "b"]);
    let listed = account.redrive(&["--dry-run", "--json"], none).await;
    let listed = crate::documents::document("redrive", &listed);
    assert_eq!((&listed["events"][0]["outcome"], &listed["count"]["too_old"]), (&json!("wait"), &json!(1)));
    let all = account.redrive(&["--dry-run", "--max-age", "2"], none).await;
    assert_eq!(words(&all).0, ["wait", "wait"]);
}

#[tokio::test]
async fn an_old_event_stays_unless_its_age_is_allowed() {
    let mut account = Account::start().await;
    account.put_failed("a", &brand_media(90));
    account.put_failed("b", &brand_media(50));
    let output = account.redrive(&[], async |_| stored()).await;
    assert_eq!(words(&output), (["ok", "old"].map(str::to_owned).to_vec(), Some(0)), "{output:?}");
    assert!(text(&output.stderr).contains("1 run again; 1 older than a period of the job"), "{output:?}");
    assert_eq!(left(&account), ["a"]);
    let output = account.redrive(&["--max-age", "24"], async |_| stored()).await;
    assert_eq!((words(&output).1, left(&account)), (Some(0), Vec::new()));
}

#[tokio::test]
async fn one_event_in_many_messages_is_run_once() {
    let mut account = Account::start().await;
    // More than a request of SQS takes.
    let event = hashtag(2);
    for n in 0..23 {
        account.put_failed(&format!("{n:02}"), &event);
    }
    let mut runs = 0;
    let output = account
        .redrive(&[], async |_| {
            runs += 1;
            stored()
        })
        .await;
    assert_eq!((runs, words(&output)), (1, (vec!["ok".to_owned()], Some(0))), "{output:?}");
    assert_eq!(left(&account), [""; 0]);
}

#[tokio::test]
async fn a_failed_event_and_a_message_without_one_stay_and_cost_no_other_its_run() {
    let mut account = Account::start().await;
    let fails = hashtag(1);
    account.put_failed("a", &fails);
    account.put_failed("b", &hashtag(2));
    account.put_failed("c", &json!({"job": "nonsense"}));
    account.put("d", &json!("\u{1b}[2J forged"), json!({}));
    let output = account.redrive(&[], async |event| if event == fails { failed("store") } else { stored() }).await;
    assert_eq!(words(&output), (["FAIL", "FAIL", "FAIL", "ok"].map(str::to_owned).to_vec(), Some(1)), "{output:?}");
    let told = text(&output.stdout);
    assert!(told.contains(r#"message c: the event asks for the job "nonsense""#) && !told.contains('\u{1b}'), "{told}");
    assert!(text(&output.stderr).contains("1 run again; 1 failed; 2 without an event"), "{output:?}");
    assert_eq!(left(&account), ["a", "c", "d"]);
}

#[tokio::test]
async fn an_event_that_the_scheduler_could_not_deliver_is_run() {
    let mut account = Account::start().await;
    let attributes = json!({"ERROR_MESSAGE": {"StringValue": "Rate exceeded", "DataType": "String"}});
    account.put("a", &hashtag(2), attributes);
    let queue = "https://sqs.us-west-2.amazonaws.com/000000000000/failed";
    let output = account.redrive(&["--queue", queue], async |_| stored()).await;
    assert_eq!(words(&output), (vec!["ok".to_owned()], Some(0)), "{output:?}");
    assert!(text(&output.stdout).contains("tried 0 times, Rate exceeded"), "{output:?}");
    assert!(account.calls_of("event-invoke-config").is_empty(), "the queue is given");
}

#[tokio::test]
async fn a_run_that_takes_longer_than_other_calls_of_aws_is_waited_for_and_made_once() {
    let mut account = Account::start().await;
    account.put_failed("a", &hashtag(2));
    let output = account
        .redrive(&[], async |_| {
            tokio::time::sleep(Duration::from_secs(7)).await;
            stored()
        })
        .await;
    assert_eq!((words(&output).1, account.calls_of("Invoke").len()), (Some(0), 1), "{output:?}");
}

#[tokio::test]
async fn what_aws_refuses_is_told_without_the_credentials() {
    for (refused, said, words) in [
        ("Invoke", "it was not run", "not authorized: REDACTED REDACTED"),
        ("ReceiveMessage", "needed are sqs:ReceiveMessage", "not authorized: REDACTED REDACTED"),
        ("event-invoke-config", "needed are lambda:GetFunctionEventInvokeConfig", "not authorized: REDACTED REDACTED"),
        ("GetQueueUrl", "needed is sqs:GetQueueUrl", "not authorized: REDACTED REDACTED"),
    ] {
        let mut account = Account::start().await;
        account.put_failed("a", &hashtag(2));
        account.change(|shared| shared.refused = refused);
        let output = account.redrive(&[], none).await;
        let told = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains(said) && told.contains(words), "{refused}: {told}");
        assert!(!told.contains(KEY.1) && !told.contains(SESSION_TOKEN), "{told}");
        assert_eq!(left(&account), ["a"]);
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_deleted_is_told() {
    let mut account = Account::start().await;
    account.put_failed("a", &hashtag(2));
    account.change(|shared| shared.refused = "DeleteMessageBatch");
    let output = account.redrive(&[], async |_| stored()).await;
    assert_eq!(words(&output).0, ["ok", "warn"], "{output:?}");
    assert_eq!(left(&account), ["a"]);
}

#[tokio::test]
async fn a_function_without_a_queue_says_where_its_failed_events_go() {
    for (destination, is) in
        [(None, "go to nothing"), (Some("arn:aws:sns:us-west-2:000000000000:x"), "go to arn:aws:sns")]
    {
        let mut account = Account::start().await;
        account.change(|shared| shared.destination = destination);
        let output = account.redrive(&[], none).await;
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains(is) && told.contains("--queue"), "{told}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_gives_the_messages_back() {
    let mut account = Account::start().await;
    account.put_failed("a", &hashtag(2));
    account.put_failed("b", &hashtag(1));
    let child = account.command(&[]).spawn().unwrap();
    let id = child.id().unwrap().to_string();
    let (_, unanswered) = account.next_run().await;
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    drop(unanswered);
    assert_eq!(words(&output), (["FAIL", "wait"].map(str::to_owned).to_vec(), Some(130)), "{output:?}");
    assert!(text(&output.stdout).contains("interrupted: "), "{output:?}");
    assert_eq!(left(&account), ["a", "b"]);
}
