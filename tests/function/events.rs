//! Events, secrets and configurations that cannot be used, and how they are reported.

use collector::report::{Error, ErrorMessage};
use serde_json::{Value, json};

use support::aws::{GARBLED, HANGS, VAST};
use support::harness::{Harness, Setting, TIME, TOKEN, secret};

async fn refused(harness: &Harness, event: Value) -> Error {
    let error = harness.invoke(event).await.unwrap_err();
    assert!(!harness.leaks());
    error
}

#[tokio::test]
async fn a_bad_event_is_an_error_that_names_what_was_given_and_carries_the_summary() {
    let harness = Harness::with_faults(&[]).await;
    for (event, given) in [
        (json!("nonsense"), "nonsense"),
        (json!({}), "no \"job\""),
        (json!({"job": "brand_media", "accounts": ["nosuch"]}), "nosuch"),
        (json!({"job": "hashtag", "shard": "A B"}), "A B"),
    ] {
        let error = refused(&harness, event).await;
        let ErrorMessage::<Value> { message, summary } = serde_json::from_str(&error.to_string()).unwrap();
        assert_eq!((error.cause.kind(), &summary["api_calls"]), ("event", &json!(0)));
        assert!(
            message.contains(given) && message.contains("docs/configuration.md#the-event has the grammar"),
            "{message}"
        );
    }
    assert!(harness.aws.objects().is_empty() && harness.sandbox.calls().is_empty());
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_a_warning_and_the_start_names_the_objects() {
    let harness = Harness::with_faults(&[]).await;
    let response =
        harness.invoke(json!({"job": "brand_media", "time": "<aws.scheduler.scheduled-time>"})).await.unwrap();
    let today = chrono::Utc::now().format("raw/brand_%Y-%m-%d").to_string();
    assert!(response.summary.files[0].key.starts_with(&today), "{:?}", response.summary.files);
    assert!(
        harness
            .logged("WARNING")
            .iter()
            .any(|l| l["message"].as_str().unwrap().contains("<aws.scheduler.scheduled-time>"))
    );
}

#[tokio::test]
async fn a_bad_secret_is_an_error_that_names_the_key_until_one_loads_without_a_restart() {
    let harness = Harness::with_faults(&[]).await;
    let file = harness.config_file();
    let bad = [
        String::new(),
        TOKEN.to_owned(),
        secret(&file, &json!({"access_token": ""})).to_string(),
        secret(&file, &json!({"bucket": null})).to_string(),
        secret("/nowhere/configure.ini", &json!({})).to_string(),
        secret(&file, &json!({})).to_string(),
    ];
    harness.aws.set_secrets(bad);
    for (kind, reported) in [
        ("secret", "ResourceNotFound"),
        ("secret", "not a JSON object"),
        ("secret", "access_token is empty"),
        ("secret", "bucket is missing"),
        ("config", "/nowhere/configure.ini"),
    ] {
        let error = refused(&harness, json!("brand_media")).await;
        assert!(error.cause.kind() == kind && error.to_string().contains(reported), "{error}");
    }
    assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286);
    let reads = harness.aws.secret_reads();
    harness.run("brand_media").await.unwrap();
    assert_eq!(harness.aws.secret_reads(), reads, "the secret is read when the process starts, not with each run");
}

#[tokio::test]
async fn an_unreadable_response_of_secrets_manager_is_an_error_that_quotes_nothing() {
    let harness = Harness::with_faults(&[]).await;
    harness
        .aws
        .set_secrets([format!(r#"{GARBLED}{{"Name":"collector","SecretString":"{{\"access_token\":\"{TOKEN}\"}}""#)]);
    let error = refused(&harness, json!("brand_media")).await;
    assert!(error.cause.kind() == "secret" && error.to_string().contains("collector"), "{error}");
}

#[tokio::test]
async fn a_secret_that_hangs_is_requested_again_within_the_run_and_is_an_error_at_its_end() {
    let harness = Harness::with_faults(&[]).await;
    let secret = secret(&harness.config_file(), &json!({})).to_string();
    harness.aws.set_secrets([HANGS.to_owned(), secret]);
    let run = async |seconds| {
        let event = json!({"job": "brand_media", "time": TIME});
        harness.invoke_within(event, std::time::Duration::from_secs(seconds)).await
    };
    assert_eq!(run(10).await.unwrap().summary.records(), 286);
    let harness = Harness::with_faults(&[]).await;
    harness.aws.set_secrets([HANGS.to_owned()]);
    let limit = std::time::Duration::from_secs(4);
    let reported = tokio::time::timeout(limit, harness.invoke_within(json!("brand_media"), limit)).await;
    let error = reported.expect("reported before Lambda's deadline").unwrap_err();
    assert!(error.cause.kind() == "secret" && error.text().contains("timed out"), "{error}");
    assert!(harness.aws.secret_reads() > 1, "{error}");
}

#[tokio::test]
async fn a_response_of_secrets_manager_that_is_too_large_is_not_read() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.set_secrets([VAST.to_owned()]);
    let error = harness.invoke(json!("brand_media")).await.unwrap_err();
    assert!(error.cause.kind() == "secret" && error.text().contains("larger than 1 MiB"), "{error}");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_lists_every_fault() {
    let config = |ini: String| {
        ini.replace("gucci = 17841400591500037", "")
            .replace("gucci = 17841401591500037", "")
            .replace("caption = caption str", "caption = caption text")
    };
    let harness = Harness::new(Setting { config: Some(config), ..Setting::default() }).await;
    let text = refused(&harness, json!("hashtag")).await.cause.to_string();
    assert!(
        text.contains("[luxury_media] caption")
            && text.contains("[hashtag_media] caption")
            && text.contains("\"gucci\" has no user id"),
        "{text}"
    );
}
