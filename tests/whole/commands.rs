//! The commands of `local` beside the jobs, as a person or a script runs them.

use std::path::Path;
use std::process::{Command, Output};

use collector::config::Config;
use collector::sandbox::{Options, Sandbox};
use serde_json::json;

use crate::aws::{Aws, BUCKET, KEY, S3Fault};
use crate::stage::{CONFIGURE_INI, TOKEN};

pub fn local(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.current_dir(folder).args(arguments).env_remove("SECRET_ID").env_remove("SECRET_FILE");
    command.envs(environment.iter().copied()).output().unwrap()
}

pub fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("configure.ini"), config).unwrap();
    folder
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

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
fn a_check_on_the_sandbox_tells_everything_and_succeeds() {
    let folder = folder(CONFIGURE_INI);
    let checked = local(folder.path(), &["check", "--sandbox"], &[]);
    assert!(checked.status.success(), "{checked:?}");
    let told: Vec<String> = levels(&checked).into_iter().map(|(level, what)| format!("{level} {what}")).collect();
    let expected = [
        "ok secret",
        "ok configuration",
        "ok schedule",
        "ok token",
        "ok expiry",
        "ok data access",
        "ok scopes",
        "ok call",
        "warn version",
        "ok usage",
        "ok bucket",
    ];
    assert_eq!(told, expected);
    assert_eq!(
        std::fs::read_dir(folder.path().join("sandbox_env")).unwrap().count(),
        0,
        "the probe is taken away again"
    );
}

#[test]
fn a_check_tells_what_fails_and_fails() {
    let folder = folder(CONFIGURE_INI);
    let cases: [(&[&str], &[&str]); 5] = [
        (&["token=invalid"], &["token"]),
        (&["token=undecodable"], &["token"]),
        (&["*=throttled"], &["token", "call"]),
        (&["*=usage:97"], &["call", "usage"]),
        (&["hermes=not_there", "chanelofficial=not_there", "dior=not_there"], &["call"]),
    ];
    for (faults, failed) in cases {
        let arguments = ["check", "--sandbox", "--no-write"].into_iter();
        let arguments: Vec<&str> = arguments.chain(faults.iter().flat_map(|f| ["--fault", f])).collect();
        let checked = local(folder.path(), &arguments, &[]);
        assert_eq!(checked.status.code(), Some(1), "{faults:?}");
        let told: Vec<String> = levels(&checked).into_iter().filter(|l| l.0 == "FAIL").map(|l| l.1).collect();
        assert_eq!(told, failed, "{faults:?}: {}", out(&checked));
    }
}

#[test]
fn a_check_warns_of_what_is_near_and_still_succeeds() {
    let folder = folder(CONFIGURE_INI);
    let arguments = ["check", "--sandbox", "--fault", "token=expiring", "--fault", "hermes=not_there"];
    let checked = local(folder.path(), &arguments, &[]);
    assert!(checked.status.success());
    assert_eq!((level(&checked, "data access"), level(&checked, "call")), ("warn".into(), "warn".into()));
}

#[test]
fn a_check_lists_every_fault_of_the_configuration() {
    let folder =
        folder(&CONFIGURE_INI.replace("version = v17.0", "version = 17").replace("caption str", "caption text"));
    let checked = local(folder.path(), &["check", "--sandbox"], &[]);
    assert_eq!(checked.status.code(), Some(1));
    let text = out(&checked);
    assert!(
        text.contains("[API] version") && text.contains("[luxury_media] caption") && text.contains("-> mend it in")
    );
}

#[test]
fn a_check_without_a_secret_tells_what_goes_into_one() {
    let folder = folder(CONFIGURE_INI);
    let checked = local(folder.path(), &["check"], &[("SECRET_FILE", "nowhere.ini")]);
    assert_eq!((checked.status.code(), level(&checked, "secret").as_str()), (Some(1), "FAIL"));
    assert!(out(&checked).contains("nowhere.ini") && out(&checked).contains("[SECRET]"));
}

#[test]
fn a_file_that_is_no_secret_by_its_size_is_not_read() {
    let folder = folder(CONFIGURE_INI);
    let checked = local(folder.path(), &["check"], &[("SECRET_FILE", "/dev/zero")]);
    assert_eq!((checked.status.code(), level(&checked, "secret").as_str()), (Some(1), "FAIL"));
    assert!(out(&checked).contains("/dev/zero") && out(&checked).contains("at most 1048576 are read"));
}

/// A check with the real API's way in and out: a secret in Secrets Manager, the sandbox as the API, S3.
async fn checked_on(aws: &Aws, bucket: &str, faults: &[&str]) -> Output {
    let options = Options {
        token: Some(TOKEN.to_owned()),
        faults: faults.iter().map(|f| f.parse().unwrap()).collect(),
        ..Options::for_config(&Config::parse(CONFIGURE_INI.as_bytes(), "").unwrap())
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let folder = folder(&CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point()));
    let secret = json!({"ig_user_id": "17841400000000000", "access_token": TOKEN, "bucket": bucket});
    aws.set_secrets([secret.to_string()]);
    let end_point = aws.end_point();
    tokio::task::spawn_blocking(move || {
        let environment = [
            ("SECRET_ID", "collector"),
            ("AWS_ENDPOINT_URL", end_point.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY.0),
            ("AWS_SECRET_ACCESS_KEY", KEY.1),
            ("AWS_REGION", "us-west-2"),
        ];
        local(folder.path(), &["check", "-vv"], &environment)
    })
    .await
    .unwrap()
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
async fn a_bucket_that_may_not_be_written_is_told_with_what_to_look_at() {
    let aws = Aws::start().await;
    aws.fail_s3(S3Fault { part: "quality", status: 403, code: "AccessDenied", times: 9 });
    let checked = checked_on(&aws, BUCKET, &[]).await;
    assert_eq!((checked.status.code(), level(&checked, "bucket").as_str()), (Some(1), "FAIL"));
    let text = out(&checked);
    assert!(text.contains("AccessDenied") && text.contains("s3:PutObject"), "{text}");
    let told = format!("{text}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(told.contains("REDACTED") && !told.contains(KEY.1), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_prints_no_token_even_where_the_api_quotes_it() {
    let aws = Aws::start().await;
    let checked = checked_on(&aws, BUCKET, &["hermes=quotes_token", "token=quotes_token"]).await;
    assert_eq!((level(&checked, "token"), level(&checked, "call")), ("warn".into(), "FAIL".into()));
    assert!(!format!("{checked:?}").contains(TOKEN), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_there_is_told_by_its_name() {
    let aws = Aws::start().await;
    let folder = folder(CONFIGURE_INI);
    let end_point = aws.end_point();
    let checked = tokio::task::spawn_blocking(move || {
        let environment = [
            ("SECRET_ID", "collector"),
            ("AWS_ENDPOINT_URL", end_point.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY.0),
            ("AWS_SECRET_ACCESS_KEY", KEY.1),
            ("AWS_REGION", "us-west-2"),
        ];
        local(folder.path(), &["check"], &environment)
    });
    let checked = checked.await.unwrap();
    assert_eq!((checked.status.code(), level(&checked, "secret").as_str()), (Some(1), "FAIL"));
    assert!(out(&checked).contains("the secret collector could not be read"), "{}", out(&checked));
}

#[test]
fn hashtag_ids_prints_a_section_that_pins_every_hashtag_and_nothing_else() {
    let pinned = folder(&format!("{CONFIGURE_INI}\n[hashtag_id]\nhermes = 17\n"));
    let printed = local(pinned.path(), &["hashtag-ids", "--sandbox"], &[]);
    assert!(printed.status.success(), "{printed:?}");
    let section = out(&printed);
    assert!(section.starts_with("[hashtag_id]\nhermes = 17\nchanel = "), "{section}");
    let config = Config::parse(format!("{CONFIGURE_INI}\n{section}").as_bytes(), "").unwrap();
    assert!(config.notices.is_empty() && config.hashtags.iter().all(|h| h.id.is_some()));
    assert_eq!(config.plan().unpinned, 0);
}

#[test]
fn hashtag_ids_prints_those_found_and_fails_for_the_rest() {
    let folder = folder(CONFIGURE_INI);
    let printed = local(folder.path(), &["hashtag-ids", "--sandbox", "--fault", "#dior=not_there"], &[]);
    assert_eq!(printed.status.code(), Some(1));
    assert_eq!((out(&printed).lines().count(), out(&printed).contains("dior")), (11, false));
    assert!(String::from_utf8_lossy(&printed.stderr).contains("dior: not_there"));
}

#[test]
fn a_schedule_that_cannot_work_is_refused_with_its_sum() {
    let folder = folder(&format!("{CONFIGURE_INI}\n[limits]\nhashtag_runs_per_hour = 60\n"));
    let planned = local(folder.path(), &["plan"], &[]);
    assert_eq!((planned.status.code(), out(&planned)), (Some(1), String::new()));
    let told = String::from_utf8_lossy(&planned.stderr).into_owned();
    assert!(told.contains("[limits] calls_per_hour") && told.contains("671 calls an hour, 200 are allowed"), "{told}");
}

#[test]
fn every_shell_has_its_completions() {
    let folder = folder(CONFIGURE_INI);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = out(&local(folder.path(), &["completions", shell], &[]));
        assert!(script.contains("hashtag-ids") && script.contains("brand_media"), "{shell}");
    }
}

#[test]
fn a_run_stores_what_the_format_says() {
    for (format, first, last) in [("array", b"[{".as_slice(), b"}]".as_slice()), ("ndjson", b"{\"", b"}\n")] {
        let folder = folder(&CONFIGURE_INI.replace("[common]", &format!("[common]\nformat = {format}")));
        let event = r#"{"time":"2026-11-24T03:00:00Z","shard":"s-1","hashtags":["hermes","dior"]}"#;
        let ran = local(folder.path(), &["hashtag", "--sandbox", "--event", event], &[]);
        assert!(ran.status.success(), "{ran:?}");
        let key = "sandbox_env/raw/media_hashtag_2026-11-24/media_hashtag_2026-11-24_030000_s-1.json";
        let bytes = std::fs::read(folder.path().join(key)).unwrap();
        assert!(bytes.starts_with(first) && bytes.ends_with(last), "{format}");
        let lines = bytes.iter().filter(|b| **b == b'\n').count();
        assert_eq!(lines, if format == "array" { 0 } else { 50 }, "{format}");
    }
}

/// The data of the page that a report wrote.
fn page(folder: &Path) -> serde_json::Value {
    let html = std::fs::read_to_string(folder.join("report.html")).unwrap();
    let (_, data) = html.split_once(r#"id="data">"#).unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_report_counts_a_repaired_hour_as_one_run_and_each_record_once() {
    let folder = folder(CONFIGURE_INI);
    let run = |arguments: &[&str]| {
        let ran = local(folder.path(), arguments, &[]);
        assert!(ran.status.success(), "{ran:?}");
    };
    run(&["brand_media", "--sandbox", "--event", r#"{"time":"2026-11-24T03:00:00Z"}"#, "--fault", "gucci=not_there"]);
    run(&["report", "sandbox_env"]);
    let before = page(folder.path());
    assert_eq!((&before["source"]["records"], before["failures"].as_array().unwrap().len()), (&json!(260), 1));
    let again = r#"{"time":"2026-11-24T03:00:00Z","accounts":["gucci","dior"]}"#;
    run(&["brand_media", "--sandbox", "--event", again]);
    run(&["report", "sandbox_env"]);
    let after = page(folder.path());
    assert_eq!((&after["source"]["records"], after["failures"].as_array().unwrap().len()), (&json!(286), 0));
    assert_eq!((&after["jobs"][0]["runs"], &after["tables"]["media"]["runs"]), (&json!(1), &json!([1])));
    let records = after["tables"]["media"]["houses"]["records"].as_array().unwrap();
    assert!(records.len() == 11 && records.iter().all(|house| *house == json!([25])), "{records:?}");
}

#[test]
fn a_report_says_where_its_data_is_from_and_that_the_sandboxs_is_made_up() {
    let folder = folder(CONFIGURE_INI);
    let nothing = local(folder.path(), &["report"], &[]);
    let told = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(
        nothing.status.code() == Some(1) && told.contains("nothing collected in local_env or sandbox_env"),
        "{told}"
    );
    local(folder.path(), &["brand_media", "--sandbox"], &[]);
    let of_sandbox = local(folder.path(), &["report"], &[]);
    assert!(out(&of_sandbox).contains(" of sandbox_env, the sandbox's made-up data ("), "{of_sandbox:?}");
    assert!(
        String::from_utf8_lossy(&of_sandbox.stderr).contains("nothing collected in local_env: sandbox_env is read")
    );
    assert_eq!(page(folder.path())["source"]["made_up"], true);
    std::fs::rename(folder.path().join("sandbox_env"), folder.path().join("local_env")).unwrap();
    local(folder.path(), &["brand_media", "--sandbox"], &[]);
    let of_local = local(folder.path(), &["report"], &[]);
    assert!(out(&of_local).contains(" files of local_env (") && of_local.stderr.is_empty(), "{of_local:?}");
    assert_eq!(
        (&page(folder.path())["source"]["place"], &page(folder.path())["source"]["made_up"]),
        (&json!("local_env"), &json!(false))
    );
}
