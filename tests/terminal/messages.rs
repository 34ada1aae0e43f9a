//! What is reported before the first call, or instead of one.

use std::time::{Duration, Instant};

use collector::function::{Function, Settings};
use collector::secret::Source;
use serde_json::json;

use crate::terminal::{command, folder, text};
use support::aws::{Aws, BUCKET, KEY};
use support::harness::{Harness, TIME, api_of, secret};
use support::recorder::Recorder;

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
        assert!(text.contains("the bucket not-made-yet cannot be used: the bucket does not exist"), "{text}");
        assert!(text.contains("us-west-2"), "{text}");
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
    assert!(text.contains("it is in eu-central-1, and us-west-2 is set); next step: set AWS_REGION"), "{text}");
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
    let expected = "no AWS region is set: AWS_REGION, AWS_DEFAULT_REGION and the AWS profile have none";
    for source in [Source::File(file), Source::Manager("collector".to_owned())] {
        let function = Function::new(Settings { source, aws: Some(aws.clone()), ..Settings::default() });
        let limit = std::time::SystemTime::now() + std::time::Duration::from_secs(30);
        let invocation = collector::function::Invocation::new("request-1".to_owned(), limit);
        let error = function.invoke(&event, &invocation, &()).await.unwrap_err();
        assert_eq!(error.cause.kind(), "secret");
        assert!(error.text().contains(expected), "{}", error.text());
        assert_eq!(harness.sandbox.calls().len(), 0);
    }
}

/// What `brand_media` prints if it finds, before its first call and within 5 seconds, that nothing can be stored in S3.
async fn refused(environment: &[(&'static str, String)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let api = api_of(folder.path(), BUCKET).await;
    let mut run = command(folder.path(), &["brand_media"]);
    run.env("SECRET_FILE", "secret.ini").env("HOME", folder.path()).envs(environment.iter().cloned());
    let started = Instant::now();
    let output = tokio::task::spawn_blocking(move || run.output().unwrap()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let printed = text(&output.stderr);
    assert_eq!((output.status.code(), api.calls().len()), (Some(1), 0), "{printed}");
    assert!(printed.contains("next step: "), "{printed}");
    printed
}

fn with_keys(others: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let keys = [("AWS_ACCESS_KEY_ID", KEY.0), ("AWS_SECRET_ACCESS_KEY", KEY.1), ("AWS_REGION", "us-west-2")];
    keys.iter().chain(others).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_are_found_before_the_first_call_though_the_metadata_address_is_silent() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let metadata = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", silent.local_addr().unwrap()));
    let printed = refused(&[metadata.clone(), ("AWS_REGION", "us-west-2".to_owned())]).await;
    assert!(printed.contains("there are no AWS credentials (") && printed.contains("Ec2InstanceMetadata"), "{printed}");
    let printed = refused(&[metadata]).await;
    assert!(printed.contains("no AWS region is set"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_be_loaded_are_found_before_the_first_call() {
    let profiles = tempfile::tempdir().unwrap();
    let sso = "sso_session = brands\nsso_account_id = 123456789012\nsso_role_name = reader\n[sso-session brands]\nsso_region = us-west-2\nsso_start_url = https://localhost/start\n";
    for (profile, cause, next) in [
        (sso, "the login of AWS single sign-on has ended", "`aws sso login`"),
        ("credential_process = false\n", "the AWS credentials cannot be loaded", "correct the AWS profile"),
    ] {
        let file = profiles.path().join("config");
        std::fs::write(&file, format!("[default]\nregion = us-west-2\n{profile}")).unwrap();
        let printed = refused(&[("AWS_CONFIG_FILE", file.to_str().unwrap().to_owned())]).await;
        assert!(printed.contains(cause) && printed.contains(next), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_cannot_be_reached_is_found_before_the_first_call() {
    let (refuses, wants_login) = (Recorder::start(403, String::new()).await, Recorder::start(407, String::new()).await);
    for (variable, value, cause) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "nothing accepts connections at the endpoint ("),
        ("AWS_ENDPOINT_URL_S3", "http://no-such-host.invalid", "the endpoint's host name is wrong, or this network"),
        ("AWS_ENDPOINT_URL_S3", "localhost:9000", "`localhost:9000` was not a valid URI"),
        ("AWS_REGION", "us west 2", "the region is malformed"),
        ("HTTPS_PROXY", &refuses.end_point(), "the proxy does not allow this host"),
        ("HTTPS_PROXY", &wants_login.end_point(), "the proxy needs a user and a password"),
        ("HTTPS_PROXY", "http://127.0.0.1:9", "the proxy's address is wrong, or the proxy does not run"),
        ("HTTPS_PROXY", "http://no-such-host.invalid", "the proxy's address is wrong, or the proxy does not run"),
    ] {
        let printed = refused(&with_keys(&[(variable, value)])).await;
        assert!(printed.contains(cause), "{variable}={value}: {printed}");
    }
    let fips = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_USE_FIPS_ENDPOINT", "true")];
    assert!(refused(&with_keys(&fips)).await.contains("excludes AWS_USE_FIPS_ENDPOINT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_the_store_refuses_are_found_before_the_first_call() {
    let aws = Aws::start().await;
    let end_point = aws.end_point();
    for (variable, code) in [("AWS_ACCESS_KEY_ID", "NotSignedUp"), ("AWS_SECRET_ACCESS_KEY", "SignatureDoesNotMatch")] {
        let printed = refused(&with_keys(&[("AWS_ENDPOINT_URL", &end_point), (variable, "placeholder-other")])).await;
        assert!(printed.contains("the AWS credentials are refused") && printed.contains(code), "{printed}");
    }
}

#[test]
fn a_file_of_root_certificates_that_cannot_be_used_is_a_warning_of_every_command() {
    let folder = folder();
    for (arguments, variable) in [(["check", "--sandbox"], "AWS_CA_BUNDLE"), (["token", "--sandbox"], "SSL_CERT_FILE")]
    {
        for (file, reason) in [("none.pem", "No such file"), ("empty.pem", "the file is empty")] {
            std::fs::write(folder.path().join("empty.pem"), "").unwrap();
            let output = command(folder.path(), &arguments).env(variable, file).output().unwrap();
            let printed = text(&output.stderr).to_lowercase();
            let expected = format!("{variable}={file}: {reason}").to_lowercase();
            assert!(output.status.success() && printed.contains("warning"), "{printed}");
            assert!(printed.contains(&expected) && printed.contains("a pem file"), "{printed}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_the_first_call() {
    let folder = folder();
    std::fs::write(folder.path().join("sandbox_env"), "").unwrap();
    let output = command(folder.path(), &["brand_media", "--sandbox", "-v"]).output().unwrap();
    let reported = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(reported.contains("the folder sandbox_env cannot be used: the folder cannot be written ("), "{reported}");
    assert!(!reported.contains("hermes"), "no call: {reported}");
}

#[test]
fn a_secret_that_was_filled_in_wrongly_is_reported_by_its_key_and_no_value() {
    let folder = folder();
    let good = ["ig_user_id = 1", "access_token = placeholder-of-a-token", "bucket = local_env"];
    for (line, reported) in [
        ("access_token = PUT-THE-TOKEN-HERE", "access_token is still the placeholder of an example"),
        ("access_token = \"placeholder-of-a-token\"", "access_token is in quotes"),
        ("access_token = placeholder of a token", "access_token has white space"),
        ("access_token =", "access_token is empty"),
        ("bucket = ./out", "bucket is a path; give the name of an S3 bucket, or local_env for the folder ./local_env"),
        ("bucket = s3://lux-raw", "bucket is an address; give only the bucket's name"),
    ] {
        let key = line.split(' ').next().unwrap();
        let lines = good.map(|other| if other.starts_with(key) { line } else { other });
        std::fs::write(folder.path().join("secret.ini"), format!("[SECRET]\n{}\n", lines.join("\n"))).unwrap();
        let mut run = command(folder.path(), &["brand_media"]);
        let output = run.env("SECRET_FILE", "secret.ini").output().unwrap();
        let error = text(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(reported), "{line}: {error}");
        assert!(!error.contains("placeholder-of-a-token") && !error.contains("./out"), "{error}");
    }
}

#[tokio::test]
async fn a_time_far_from_now_is_a_warning_and_the_run_continues() {
    let harness = Harness::with_faults(&[]).await;
    let reported =
        |harness: &Harness| harness.logged("WARNING").into_iter().filter(|line| line["kind"] == "time").count();
    harness.invoke(json!({"job": "brand_media"})).await.unwrap();
    assert_eq!(reported(&harness), 0);
    assert_eq!(harness.run("brand_media").await.unwrap().summary.records(), 286);
    assert_eq!(reported(&harness), 1);
}

#[tokio::test]
async fn a_leap_second_is_no_time_of_an_event_and_the_start_names_the_objects() {
    let harness = Harness::with_faults(&[]).await;
    let response = harness.invoke(json!({"job": "brand_media", "time": "2026-01-31T23:59:60Z"})).await.unwrap();
    assert!(!response.target_file.contains("2026-01-31"), "{}", response.target_file);
    let [reported] = &harness.logged("WARNING").into_iter().filter(|l| l["kind"] == "time").collect::<Vec<_>>()[..]
    else {
        panic!("one line");
    };
    let message = reported["message"].as_str().unwrap();
    assert!(message.contains("\"2026-01-31T23:59:60Z\" cannot be read, a time of RFC 3339 such as"), "{message}");
}

#[tokio::test]
async fn a_misspelt_key_of_the_secret_and_a_version_without_effect_are_warnings_of_the_function() {
    let harness = Harness::with_faults(&[]).await;
    let config = std::fs::read_to_string(harness.config_file()).unwrap();
    std::fs::write(harness.config_file(), config.replace("/{VERSION}", "/v26.0")).unwrap();
    let more = json!({"webhok": "https://hooks.example/placeholder"});
    harness.aws.set_secrets([secret(&harness.config_file(), &more).to_string()]);
    harness.run("brand_media").await.unwrap();
    for (kind, expected) in [("secret", "did you mean `webhook`?"), ("config", "[API] version: has no effect")] {
        let lines = harness.logged("WARNING").into_iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
        assert!(lines.len() == 1 && lines[0]["message"].as_str().unwrap().contains(expected), "{lines:?}");
    }
    assert!(!serde_json::Value::from(harness.log()).to_string().contains("placeholder"));
}
