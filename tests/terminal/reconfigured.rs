//! A configuration in S3: read when the process starts, and again when it has changed.

use serde_json::json;

use crate::commands::{local_on, out};
use support::aws::S3Fault;
use support::harness::{Harness, Setting};

const KEY: &str = "settings/configure.ini";

/// The harness, whose secret names the configuration in S3, and its text.
async fn in_s3() -> (Harness, String) {
    let secret = json!({"config_file": format!("s3://lux-raw/{KEY}")});
    let harness = Harness::new(Setting { secret: Some(secret), ..Setting::default() }).await;
    let ini = std::fs::read_to_string(harness.config_file()).unwrap();
    harness.aws.put(KEY, &ini);
    (harness, ini)
}

/// The configuration with the accounts that are named.
fn with_accounts(ini: &str, accounts: &str) -> String {
    let line = ini.lines().find(|line| line.starts_with("accounts")).unwrap();
    ini.replace(line, &format!("accounts = {accounts}"))
}

/// The number of accounts that a run collects.
async fn collected(harness: &Harness) -> usize {
    let response = harness.invoke(json!("brand_media")).await.unwrap();
    response.summary.files.iter().find(|file| file.key.starts_with("raw/brand_")).unwrap().records
}

fn critical_lines(harness: &Harness) -> usize {
    harness.logged("CRITICAL").iter().filter(|line| line["kind"] == "config").count()
}

#[tokio::test]
async fn a_configuration_that_has_not_changed_is_not_sent_again() {
    let (harness, _) = in_s3().await;
    assert_eq!((collected(&harness).await, harness.aws.gets().statuses()), (11, vec![200]));
    assert_eq!((collected(&harness).await, harness.aws.gets().statuses()), (11, vec![304]));
    assert_eq!((collected(&harness).await, harness.aws.gets().statuses()), (11, vec![304]));
    assert_eq!((harness.aws.secret_reads(), critical_lines(&harness)), (1, 0));
}

#[tokio::test]
async fn a_changed_one_is_in_use_from_the_next_run_on_and_the_process_knows_what_it_knew() {
    let (harness, ini) = in_s3().await;
    harness.invoke(json!("hashtag")).await.unwrap();
    let searched = harness.sandbox.calls().len();
    assert_eq!(searched, 22, "each hashtag's id is asked for");
    harness.aws.put(KEY, &with_accounts(&ini, "dior gucci"));
    assert_eq!(collected(&harness).await, 2);
    harness.invoke(json!("hashtag")).await.unwrap();
    assert_eq!(harness.sandbox.calls().len(), searched + 2 + 11, "no id is asked for again");
    assert_eq!((harness.aws.heads().asked(), harness.aws.secret_reads(), critical_lines(&harness)), (1, 1, 0));
    assert_eq!(harness.logged("INFO").iter().filter(|line| line["kind"] == "config").count(), 1);
}

#[tokio::test]
async fn an_unusable_one_is_reported_in_each_run_and_the_last_good_one_stays_in_use() {
    let (harness, ini) = in_s3().await;
    harness.aws.put(KEY, &with_accounts(&ini, "dior"));
    assert_eq!((collected(&harness).await, critical_lines(&harness)), (1, 0));
    harness.aws.put(KEY, &with_accounts(&ini, "Not-A-Username"));
    for runs in 1..=2 {
        assert_eq!((collected(&harness).await, critical_lines(&harness)), (1, runs));
    }
    let line = harness.logged("CRITICAL").pop().unwrap()["message"].as_str().unwrap().to_owned();
    assert!(
        line.starts_with("the last good configuration stays in use: configuration s3://lux-raw/settings"),
        "{line}"
    );
    assert!(line.contains("[topic] accounts"), "{line}");
    harness.aws.fail_s3(S3Fault { part: "settings", status: 403, code: "AccessDenied", times: 1 });
    assert_eq!((collected(&harness).await, critical_lines(&harness)), (1, 3));
    harness.aws.put(KEY, &ini);
    assert_eq!((collected(&harness).await, critical_lines(&harness)), (11, 3), "mended");
    assert!(!harness.leaks());
}

#[tokio::test]
async fn another_version_of_the_api_is_called_from_the_next_run_on() {
    let (harness, ini) = in_s3().await;
    collected(&harness).await;
    harness.aws.put(KEY, &ini.replace("v26.0", "v25.0"));
    let response = harness.invoke(json!("brand_media")).await.unwrap();
    assert_eq!(response.summary.api_version.as_deref(), Some("v25.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_reads_it_too() {
    let (harness, _) = in_s3().await;
    let folder = tempfile::tempdir().unwrap();
    let checked = local_on(&harness.aws, folder.path(), &["check"]).await;
    let run = local_on(&harness.aws, folder.path(), &["brand_media"]).await;
    assert!(out(&checked).contains("configuration  s3://lux-raw/settings/configure.ini: 11 accounts"), "{checked:?}");
    assert!(run.status.success() && out(&run).contains("275 records"), "{run:?}");
}

#[tokio::test]
async fn at_the_start_one_that_cannot_be_read_is_the_error_config_until_it_can() {
    let (harness, ini) = in_s3().await;
    for (text, expected) in [
        (None, "configuration s3://lux-raw/settings/configure.ini could not be read: "),
        (Some("[topic]\n".to_owned()), "is invalid"),
        (Some("#".repeat(2_000_000)), "it has 2000000 bytes, at most 1048576 are read"),
    ] {
        match text {
            None => harness.aws.fail_s3(S3Fault { part: "settings", status: 404, code: "NoSuchKey", times: 1 }),
            Some(text) => harness.aws.put(KEY, &text),
        }
        let error = harness.invoke(json!("brand_media")).await.unwrap_err();
        assert_eq!((error.cause.kind(), harness.sandbox.calls().len()), ("config", 0));
        assert!(error.text().contains(expected), "{}", error.text());
    }
    harness.aws.put(KEY, &ini);
    assert_eq!(collected(&harness).await, 11);
    for file in ["s3://", "s3://lux-raw", "s3://lux-raw/", "s3:///x"] {
        let secret = json!({"config_file": file});
        let harness = Harness::new(Setting { secret: Some(secret), ..Setting::default() }).await;
        let error = harness.invoke(json!("brand_media")).await.unwrap_err().text();
        assert!(error.contains("a bucket and a key expected"), "{error}");
    }
}
