//! `luxury-brands check`: what it finds, and its exit code.

use std::process::Output;

use collector::config::Config;
use sandbox::{Options, Sandbox};
use serde_json::json;

use crate::commands::{folder, local, local_on, out};
use support::aws::{Aws, BUCKET, KEY, S3Fault};
use support::harness::{CONFIGURE_INI, TOKEN};

/// The level and the subject of each line of a check.
fn levels(output: &Output) -> Vec<(String, String)> {
    let line = |line: &str| (line[..4].trim().to_owned(), line[6..19].trim().to_owned());
    let text = out(output);
    let count = text.lines().count();
    text.lines().take(count - 1).map(line).collect()
}

fn level(output: &Output, what: &str) -> String {
    levels(output).into_iter().find(|(_, w)| w == what).unwrap_or_else(|| panic!("no {what}: {output:?}")).0
}

#[test]
fn a_check_on_the_sandbox_reports_everything_and_succeeds() {
    let folder = folder(CONFIGURE_INI);
    let checked = local(folder.path(), &["check", "--sandbox"], &[]);
    assert!(checked.status.success(), "{checked:?}");
    let printed: Vec<String> = levels(&checked).into_iter().map(|(level, what)| format!("{level} {what}")).collect();
    let expected = [
        "ok secret",
        "ok configuration",
        "ok schedule",
        "ok token",
        "ok expiry",
        "ok data access",
        "ok scopes",
        "ok account",
        "ok hashtag quota",
        "ok hashtag",
        "warn version",
        "ok usage",
        "ok calls",
        "ok bucket",
    ];
    assert_eq!(printed, expected);
    assert_eq!(
        std::fs::read_dir(folder.path().join("sandbox_env")).unwrap().count(),
        0,
        "the probe is taken away again"
    );
}

#[test]
fn a_check_reports_what_fails_and_fails() {
    let folder = folder(CONFIGURE_INI);
    let cases: [(&[&str], &[&str]); 8] = [
        (&["token=invalid"], &["token"]),
        (&["token=undecodable"], &["token"]),
        // A call that an earlier failure prevented is not a separate failure.
        (&["*=throttled"], &["token"]),
        (&["*=usage:97"], &["usage"]),
        (&["hermes=not_there", "chanelofficial=not_there", "dior=not_there"], &["account"]),
        (&["#hermes=not_there", "#chanel=not_there", "#dior=not_there"], &["hashtag"]),
        (&["hashtags=http:500"], &["hashtag quota"]),
        (&["#*=code:100/33"], &["hashtag quota", "hashtag"]),
    ];
    for (faults, failed) in cases {
        let arguments = ["check", "--sandbox", "--no-write"].into_iter();
        let arguments: Vec<&str> = arguments.chain(faults.iter().flat_map(|f| ["--fault", f])).collect();
        let checked = local(folder.path(), &arguments, &[]);
        assert_eq!(checked.status.code(), Some(1), "{faults:?}");
        let printed: Vec<String> = levels(&checked).into_iter().filter(|l| l.0 == "FAIL").map(|l| l.1).collect();
        assert_eq!(printed, failed, "{faults:?}: {}", out(&checked));
    }
}

#[test]
fn a_check_warns_of_what_is_near_and_still_succeeds() {
    let folder = folder(CONFIGURE_INI);
    let faults = ["token=expiring", "hermes=not_there", "#hermes=not_there"];
    let arguments: Vec<&str> =
        ["check", "--sandbox"].into_iter().chain(faults.iter().flat_map(|f| ["--fault", f])).collect();
    let checked = local(folder.path(), &arguments, &[]);
    assert!(checked.status.success());
    for what in ["data access", "account", "hashtag"] {
        assert_eq!(level(&checked, what), "warn", "{what}");
    }
}

#[test]
fn a_check_lists_every_fault_of_the_configuration() {
    let folder =
        folder(&CONFIGURE_INI.replace("version = v17.0", "version = 17").replace("caption str", "caption text"));
    let checked = local(folder.path(), &["check", "--sandbox"], &[]);
    assert_eq!(checked.status.code(), Some(1));
    let text = out(&checked);
    assert!(
        text.contains("[API] version")
            && text.contains("[luxury_media] caption")
            && text.contains("-> correct the configuration as the message says")
    );
}

/// What a check says about a file that holds no secret. It fails.
fn check_of_no_secret(file: &str) -> String {
    let folder = folder(CONFIGURE_INI);
    let checked = local(folder.path(), &["check"], &[("SECRET_FILE", file)]);
    assert_eq!((checked.status.code(), level(&checked, "secret").as_str()), (Some(1), "FAIL"));
    out(&checked)
}

#[test]
fn a_check_without_a_secret_says_what_goes_into_one() {
    let text = check_of_no_secret("nowhere.ini");
    assert!(text.contains("nowhere.ini") && text.contains("[SECRET]"));
}

#[test]
fn a_file_that_is_no_secret_by_its_size_is_not_read() {
    let text = check_of_no_secret("/dev/zero");
    assert!(text.contains("/dev/zero") && text.contains("at most 1048576 are read"));
}

/// A check as with the real API: a secret in Secrets Manager, the sandbox as the API, and S3.
pub async fn checked_on(aws: &Aws, bucket: &str, faults: &[&str]) -> Output {
    let options = Options {
        token: Some(TOKEN.to_owned()),
        faults: faults.iter().map(|f| f.parse().unwrap()).collect(),
        ..Options::for_config(&Config::parse(CONFIGURE_INI.as_bytes(), "").unwrap())
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let folder = folder(&CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point()));
    let secret = json!({"ig_user_id": "17841400000000000", "access_token": TOKEN, "bucket": bucket});
    aws.set_secrets([secret.to_string()]);
    local_on(aws, folder.path(), &["check", "-vv"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_stores_one_object_that_no_load_lists_and_no_more() {
    let aws = Aws::start().await;
    for _ in 0..2 {
        let checked = checked_on(&aws, BUCKET, &[]).await;
        assert!(checked.status.success(), "{checked:?}");
        assert_eq!(level(&checked, "bucket"), "ok");
        assert!(out(&checked).contains("collector in AWS Secrets Manager: bucket lux-raw"));
        let keys: Vec<String> = aws.objects().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["quality/check/check.json"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_may_not_be_written_is_reported_with_what_to_check() {
    let aws = Aws::start().await;
    aws.fail_s3(S3Fault { part: "quality", status: 403, code: "AccessDenied", times: 9 });
    let checked = checked_on(&aws, BUCKET, &[]).await;
    assert_eq!((checked.status.code(), level(&checked, "bucket").as_str()), (Some(1), "FAIL"));
    let text = out(&checked);
    assert!(text.contains("AccessDenied") && text.contains("-> allow s3:PutObject"), "{text}");
    let printed = format!("{text}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(printed.contains("REDACTED") && !printed.contains(KEY.1), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_prints_no_token_even_if_the_api_quotes_it() {
    let aws = Aws::start().await;
    let checked = checked_on(&aws, BUCKET, &["hermes=quotes_token", "token=quotes_token"]).await;
    assert_eq!((level(&checked, "token"), level(&checked, "account")), ("FAIL".into(), "FAIL".into()));
    assert!(!format!("{checked:?}").contains(TOKEN), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_reported_by_its_name() {
    let aws = Aws::start().await;
    let folder = folder(CONFIGURE_INI);
    let checked = local_on(&aws, folder.path(), &["check"]).await;
    assert_eq!((checked.status.code(), level(&checked, "secret").as_str()), (Some(1), "FAIL"));
    assert!(out(&checked).contains("the secret collector could not be read"), "{}", out(&checked));
}
