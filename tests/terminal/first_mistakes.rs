//! The messages about the most likely first mistakes name the part of docs/troubleshooting.md that explains them.

use std::path::Path;

use crate::commands::{folder, local, local_on};
use support::aws::{Aws, BUCKET, EXPIRED_SIGNATURE, S3Fault};
use support::harness::{CONFIGURE_INI, TOKEN, api_of};

/// The names by which GitHub links to the headings of docs/troubleshooting.md.
fn headings() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/troubleshooting.md");
    let page = std::fs::read_to_string(page).unwrap();
    let titles = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    titles.map(|title| title.to_lowercase().replace(' ', "-")).collect()
}

/// `check` and a run name the page in what they print for a person, and the page has it.
fn both_name(heading: &str, printed: &[String; 2]) {
    for printed in printed {
        let is_of_the_name = |c: char| c.is_ascii_lowercase() || c == '-';
        let parts = printed.split("docs/troubleshooting.md#").skip(1);
        let named: Vec<&str> = parts.map(|part| part.split(|c| !is_of_the_name(c)).next().unwrap()).collect();
        assert!(named.contains(&heading), "{heading}: {printed}");
        assert!(named.iter().all(|name| headings().iter().any(|heading| heading == name)), "{named:?}");
    }
}

const COMMANDS: [&str; 2] = ["check", "brand_media"];

/// What both commands print.
fn printed(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> [String; 2] {
    COMMANDS.map(|command| shown(&local(folder, &[&[command], arguments].concat(), environment)))
}

async fn printed_on(aws: &Aws, folder: &Path) -> [String; 2] {
    [shown(&local_on(aws, folder, &["check"]).await), shown(&local_on(aws, folder, &["brand_media"]).await)]
}

fn shown(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_secret_and_the_account() {
    let folder = folder(CONFIGURE_INI);
    for (fault, of_the_token, heading) in [
        ("*=wrong_ig_user_id", None, "wrong-instagram-user-id"),
        ("*=token", Some("token=invalid"), "expired-or-short-lived-token"),
        ("hermes=not_there", None, "personal-account"),
        ("*=permission", None, "missing-permission"),
        ("*=wrong_app_secret", None, "wrong-app-secret"),
        ("*=code:2635", None, "ended-version"),
    ] {
        let faults = [Some(fault), of_the_token].into_iter().flatten().flat_map(|fault| ["--fault", fault]);
        let arguments: Vec<&str> = ["--sandbox"].into_iter().chain(faults).collect();
        both_name(heading, &printed(folder.path(), &arguments, &[]));
    }
}

#[test]
fn a_version_that_has_ended_while_another_one_responds() {
    let folder = folder(CONFIGURE_INI);
    both_name("ended-version", &printed(folder.path(), &["--sandbox", "--fault", "*=version:v26.0"], &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_region() {
    let folder = tempfile::tempdir().unwrap();
    let _api = api_of(folder.path(), BUCKET).await;
    let environment = [("SECRET_FILE", "secret.ini"), ("HOME", "."), ("AWS_EC2_METADATA_DISABLED", "true")];
    both_name("no-region", &printed(folder.path(), &[], &environment));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_and_the_clock() {
    let (aws, folder) = (Aws::start().await, tempfile::tempdir().unwrap());
    let secret = |bucket: &str| {
        format!(r#"{{"ig_user_id": "17841400000000001", "access_token": "{TOKEN}", "bucket": "{bucket}"}}"#)
    };
    let _api = api_of(folder.path(), BUCKET).await;
    aws.set_secrets([secret("not-made-yet")]);
    both_name("no-bucket", &printed_on(&aws, folder.path()).await);
    aws.set_secrets([secret(BUCKET)]);
    aws.fail_s3(S3Fault { part: "PUT ", status: 403, code: "RequestTimeTooSkewed", times: 99 });
    both_name("wrong-clock", &printed_on(&aws, folder.path()).await);
    aws.set_secrets([EXPIRED_SIGNATURE.to_owned()]);
    both_name("wrong-clock", &printed_on(&aws, folder.path()).await);
}

#[test]
fn the_proxy() {
    let folder = folder(CONFIGURE_INI);
    for bucket in ["local_env", BUCKET] {
        let keys = format!("ig_user_id = 17841400000000001\naccess_token = {TOKEN}\nbucket = {bucket}\n");
        std::fs::write(folder.path().join("secret.ini"), format!("[SECRET]\n{keys}")).unwrap();
        let environment = [
            ("SECRET_FILE", "secret.ini"),
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("AWS_REGION", "us-west-2"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "placeholder-secret-access-key"),
        ];
        both_name("proxy", &printed(folder.path(), &[], &environment));
    }
}
