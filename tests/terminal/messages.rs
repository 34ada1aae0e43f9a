//! What is told before the first call, or instead of one.

use collector::function::{Function, Settings};
use collector::secret::Source;
use serde_json::json;

use crate::terminal::{command, folder, text};
use support::harness::{Harness, TIME, secret};

/// The harness with a secret that names `bucket`.
async fn with_bucket(bucket: &str) -> Harness {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.set_secrets([secret(&harness.config_file(), &json!({"bucket": bucket})).to_string()]);
    harness
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_found_before_the_first_call_until_it_does() {
    let harness = with_bucket("not-made-yet").await;
    for job in ["brand_media", "hashtag"] {
        let error = harness.run(job).await.unwrap_err();
        assert_eq!(error.cause.kind(), "store");
        let text = error.text();
        assert!(text.contains("the bucket not-made-yet does not exist") && text.contains("us-west-2"), "{text}");
        assert_eq!(harness.sandbox.calls().len(), 0, "{job}");
    }
    harness.run("token").await.expect("the job that needs no bucket");
    harness.aws.make_bucket("not-made-yet");
    harness.run("brand_media").await.expect("the next invocation looks again");
    assert!(!harness.leaks());
}

#[tokio::test]
async fn a_bucket_whose_state_is_unknown_is_written_to() {
    for (status, region) in [(403, None), (403, Some("eu-central-1")), (500, None), (400, None), (503, None)] {
        let harness = Harness::with_faults(&[]).await;
        harness.aws.heads().fail(status, region);
        assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286, "{status}");
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_found_before_the_first_call() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.heads().fail(301, Some("eu-central-1"));
    let error = harness.run("brand_media").await.unwrap_err();
    assert_eq!((error.cause.kind(), harness.sandbox.calls().len()), ("store", 0));
    let text = error.text();
    assert!(
        text.contains("is in the region eu-central-1, and us-west-2 is set: set AWS_REGION=eu-central-1"),
        "{text}"
    );
}

#[tokio::test]
async fn the_bucket_is_looked_at_once_a_process() {
    let harness = Harness::with_faults(&[]).await;
    for job in ["brand_media", "hashtag", "brand_media"] {
        harness.run(job).await.unwrap();
    }
    assert_eq!(harness.aws.heads().asked(), 1);
}

#[tokio::test]
async fn a_region_that_is_not_set_is_found_before_the_first_call() {
    let harness = Harness::with_faults(&[]).await;
    let aws = harness.aws.config().await.to_builder().region(None::<aws_config::Region>).build();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.ini");
    let lines = format!(
        "[SECRET]\nig_user_id = 1\naccess_token = {}\nbucket = lux-raw\nconfig_file = {}\n",
        support::harness::TOKEN,
        harness.config_file()
    );
    std::fs::write(&file, lines).unwrap();
    let event = json!({"job": "brand_media", "time": TIME});
    for (source, told) in [
        (Source::File(file), "no AWS region is set, and the bucket lux-raw is in S3: set AWS_REGION"),
        (Source::Manager("collector".to_owned()), "no AWS region is set: set AWS_REGION, or give the secret's ARN"),
    ] {
        let function = Function::new(Settings { source, aws: Some(aws.clone()), ..Settings::default() });
        let limit = std::time::SystemTime::now() + std::time::Duration::from_secs(30);
        let invocation = collector::function::Invocation::new("request-1".to_owned(), limit);
        let error = function.invoke(&event, &invocation, &()).await.unwrap_err();
        assert_eq!(error.cause.kind(), "secret");
        assert!(error.text().contains(told), "{}", error.text());
        assert_eq!(harness.sandbox.calls().len(), 0);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_first_call() {
    let folder = folder();
    std::fs::write(folder.path().join("sandbox_env"), "").unwrap();
    let output = command(folder.path(), &["brand_media", "--sandbox", "-v"]).output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("the folder sandbox_env cannot be written: "), "{told}");
    assert!(!told.contains("hermes"), "no call: {told}");
}

#[test]
fn a_secret_that_was_filled_in_wrongly_is_told_by_its_key_and_no_value() {
    let folder = folder();
    let good = ["ig_user_id = 1", "access_token = placeholder-of-a-token", "bucket = local_env"];
    for (line, told) in [
        ("access_token = PUT-THE-TOKEN-HERE", "access_token is still the placeholder of an example"),
        ("access_token = \"placeholder-of-a-token\"", "access_token is in quotes"),
        ("access_token = placeholder of a token", "access_token has white space"),
        ("access_token =", "access_token is empty"),
        ("bucket = ./out", "bucket is a path; give the name of an S3 bucket, or local_env for the folder ./local_env"),
        ("bucket = s3://lux-raw", "bucket is an address; give the bucket's name alone"),
    ] {
        let key = line.split(' ').next().unwrap();
        let lines = good.map(|other| if other.starts_with(key) { line } else { other });
        std::fs::write(folder.path().join("secret.ini"), format!("[SECRET]\n{}\n", lines.join("\n"))).unwrap();
        let mut run = command(folder.path(), &["brand_media"]);
        let output = run.env("SECRET_FILE", "secret.ini").output().unwrap();
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(told), "{line}: {error}");
        assert!(!error.contains("placeholder-of-a-token") && !error.contains("./out"), "{error}");
    }
}

#[tokio::test]
async fn a_time_far_from_now_is_a_warning_and_the_run_goes_on() {
    let harness = Harness::with_faults(&[]).await;
    let told = |harness: &Harness| harness.logged("WARNING").into_iter().filter(|line| line["kind"] == "time").count();
    harness.invoke(json!({"job": "brand_media"})).await.unwrap();
    assert_eq!(told(&harness), 0);
    assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286);
    assert_eq!(told(&harness), 1);
}
