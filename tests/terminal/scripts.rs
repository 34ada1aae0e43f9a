//! What a script relies on: exit codes, and outputs that are closed or full.

use std::process::{Output, Stdio};

use collector::config::Config;
use sandbox::{Options, Sandbox};

use crate::terminal::{command, folder, local, text};
use support::aws::{Aws, BUCKET, KEY};
use support::harness::CONFIGURE_INI;

/// The standard outputs of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// Every command that needs neither a secret nor AWS, and `--help`.
const COMMANDS: [&[&str]; 13] = [
    &["--help"],
    &["--version"],
    &["brand_media", "--sandbox", "--event", "{\"accounts\":[\"dior\"]}"],
    &["token", "--sandbox"],
    &["check", "--sandbox", "--no-write"],
    &["check", "--sandbox", "--api-version", "v25.0"],
    &["hashtag-ids", "--sandbox"],
    &["plan"],
    &["schema", "--for", "duckdb"],
    &["sandbox", "faults"],
    &["sandbox", "day", "--hours", "1"],
    &["report", "sandbox_env"],
    &["shard", "--credentials", "credentials.csv"],
];

/// A folder in which each of the commands can run.
fn prepared() -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("credentials.csv"), "secret_id\nc/1\nc/2\n").unwrap();
    assert!(local(folder.path(), &["sandbox", "day", "--hours", "1"]).status.success());
    folder
}

/// Runs a command with one of its outputs closed.
fn with_closed(folder: &std::path::Path, arguments: &[&str], closed: Stream) -> Output {
    let mut child = command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    match closed {
        Stream::Out => drop(child.stdout.take()),
        Stream::Err => drop(child.stderr.take()),
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_closed_pipe_ends_no_command_early_and_is_no_error() {
    let folder = prepared();
    for arguments in COMMANDS {
        for more in [&[][..], &["--json"]] {
            let arguments = [arguments, more].concat();
            for closed in [Stream::Out, Stream::Err] {
                let output = with_closed(folder.path(), &arguments, closed);
                assert_eq!(output.status.code(), Some(0), "{arguments:?} {closed:?}: {output:?}");
                assert!(!text(&output.stderr).contains("panicked"), "{arguments:?}: {output:?}");
            }
        }
    }
}

#[test]
fn the_work_of_a_command_that_nobody_reads_is_done_and_sets_its_exit_code() {
    let folder = folder();
    let failing = ["check", "--sandbox", "--fault", "token=invalid"];
    assert_eq!(with_closed(folder.path(), &failing, Stream::Out).status.code(), Some(1));
    let partial = ["brand_media", "--sandbox", "--fault", "gucci=not_there", "--fail-on", "partial"];
    assert_eq!(with_closed(folder.path(), &partial, Stream::Out).status.code(), Some(3));
    assert_eq!(crate::terminal::records(folder.path(), "brand"), 10);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_one_error() {
    let folder = prepared();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in COMMANDS {
        for more in [&[][..], &["--json", "-q"]] {
            let arguments = [arguments, more].concat();
            let output = command(folder.path(), &arguments).stdout(full()).output().unwrap();
            let printed = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {printed}");
            let errors: Vec<_> = printed.lines().filter(|line| line.contains("standard output")).collect();
            assert!(
                matches!(errors[..], [error] if error.starts_with("error: standard output could not be written: No space left")),
                "{arguments:?}: {printed}"
            );
            assert!(!printed.contains("panicked"), "{printed}");
            let output = command(folder.path(), &arguments).stderr(full()).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        }
    }
}

fn code(folder: &std::path::Path, arguments: &[&str]) -> Option<i32> {
    local(folder, arguments).status.code()
}

#[test]
fn a_run_that_lost_topics_exits_with_3_on_request() {
    let folder = folder();
    let on = |arguments: &[&str]| code(folder.path(), &[&["brand_media", "--sandbox"], arguments].concat());
    let (one, all) = (["--fault", "gucci=not_there"], ["--fault", "*=permission"]);
    let partial = ["--fail-on", "partial"];
    assert_eq!(on(&one), Some(0), "partial success is success");
    assert_eq!(on(&[one, partial].concat()), Some(3));
    assert_eq!(on(&partial), Some(0));
    assert_eq!(on(&[all, partial].concat()), Some(1), "nothing was collected");
    assert_eq!(on(&["--fail-on", "nonsense"]), Some(2));
    let event = ["--event", r#"{"time":"2026-01-31T03:00:00Z"}"#];
    assert_eq!(on(&[event, one].concat()), Some(0));
    let report = "sandbox_env/quality/media_2026-01-31/media_2026-01-31_030000.json";
    assert_eq!(code(folder.path(), &[&["retry", "--sandbox", report], &one[..], &partial].concat()), Some(1));
    assert_eq!(code(folder.path(), &[&["retry", "--sandbox", report], &partial[..]].concat()), Some(0));
}

#[test]
fn token_and_check_agree_on_a_token() {
    let folder = folder();
    for (fault, expected) in [
        ("token=invalid", 1),
        ("token=undecodable", 1),
        ("token=token", 1),
        ("token=throttled", 1),
        ("token=http:500", 1),
        ("token=ending", 0),
        ("token=expiring", 0),
        ("token=never", 0),
    ] {
        for command in ["token", "check"] {
            let exited = code(folder.path(), &[command, "--sandbox", "--fault", fault]);
            assert_eq!(exited, Some(expected), "{command} {fault}");
        }
    }
}

#[test]
fn quiet_leaves_errors_and_nothing_else() {
    let folder = prepared();
    for arguments in COMMANDS {
        let is_text =
            ["--help", "--version", "schema", "hashtag-ids"].contains(&arguments[0]) || arguments.contains(&"faults");
        let output = local(folder.path(), &[arguments, &["--quiet"]].concat());
        assert!(output.stderr.is_empty() && output.stdout.is_empty() != is_text, "{arguments:?}: {output:?}");
    }
    let output = local(folder.path(), &["brand_media", "--sandbox", "-q", "--fault", "gucci=not_there"]);
    let printed = text(&output.stderr);
    assert!(output.stdout.is_empty() && printed.lines().count() == 1 && printed.contains("gucci"), "{output:?}");
    let output = local(folder.path(), &["check", "--sandbox", "-q", "--fault", "token=invalid"]);
    assert!(text(&output.stdout).lines().all(|line| line.starts_with("FAIL  token")), "{output:?}");
    assert_eq!(code(folder.path(), &["plan", "-q", "-v"]), Some(2));
}

#[test]
fn what_belongs_to_the_sandbox_is_refused_without_it() {
    let folder = folder();
    for option in [
        ["--fault", "gucci=throttled"],
        ["--seed", "1"],
        ["--latency", "0s"],
        ["--calls-allowed", "9"],
        ["--accounts-from", "accounts.csv"],
    ] {
        for command in ["brand_media", "hashtag", "token", "check", "hashtag-ids", "retry {}"] {
            let arguments: Vec<&str> = command.split(' ').chain(option).collect();
            let output = local(folder.path(), &arguments);
            let printed = text(&output.stderr);
            assert!(output.status.code() == Some(2) && printed.contains("--sandbox"), "{arguments:?}: {printed}");
        }
    }
    for arguments in [&["check", "--sandbox", "--secret", "x.ini"][..], &["completions", "bash", "--json"]] {
        assert_eq!(code(folder.path(), arguments), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_fault_of_what_the_sandbox_lacks_names_what_it_has() {
    let folder = folder();
    for command in ["brand_media --sandbox", "check --sandbox", "sandbox day", "sandbox serve"] {
        let arguments: Vec<&str> = command.split(' ').chain(["--fault", "nosuch=throttled"]).collect();
        let output = local(folder.path(), &arguments);
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{printed}");
        let named = ["--fault \"nosuch\" given", "hermes, chanelofficial", "#hermes, #chanel", "hashtags, token"];
        assert!(named.iter().all(|name| printed.contains(name)), "{printed}");
    }
    let output = local(folder.path(), &["sandbox", "faults"]);
    assert!(output.status.success() && text(&output.stdout).lines().count() == 51, "{output:?}");
}

#[test]
fn a_run_on_the_sandbox_takes_its_configuration_and_a_folder_of_its_own() {
    let folder = folder();
    std::fs::write(folder.path().join("moved.ini"), CONFIGURE_INI.replace("accounts = hermes ", "accounts = "))
        .unwrap();
    let event = r#"{"time":"2026-01-31T03:00:00Z"}"#;
    let arguments = ["brand_media", "--sandbox", "--config", "moved.ini", "--out", "elsewhere/data", "--event", event];
    let output = local(folder.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    let stored = std::fs::read(folder.path().join("elsewhere/data/sandbox_env").join(BRAND)).unwrap();
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&stored).unwrap().len(), 10);
    assert!(!folder.path().join("sandbox_env").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("elsewhere/data")).unwrap().count(), 1, "apart from real data");
    let again = local(
        folder.path(),
        &[&arguments[..4], &["--out", "elsewhere/data/sandbox_env"], &["--event", event]].concat(),
    );
    assert!(text(&again.stdout).contains("\nelsewhere/data/sandbox_env/raw/"), "{again:?}");
    for command in ["brand_media", "check"] {
        let output = local(folder.path(), &[command, "--sandbox", "--out", "s3://lux-raw"]);
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains("made up"), "{output:?}");
    }
    assert_eq!(code(folder.path(), &["brand_media", "--out", "s3://lux-raw/prefix"]), Some(2));
}

const BRAND: &str = "raw/brand_2026-01-31/brand_2026-01-31_030000.json";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_run_takes_its_secret_configuration_and_destination_from_the_command_line() {
    let options = Options::for_config(&Config::parse(CONFIGURE_INI.as_bytes(), "").unwrap());
    let (sandbox, aws) = (Sandbox::start(options).await.unwrap(), Aws::start().await);
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("real.ini"), CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point())).unwrap();
    let secret =
        "[SECRET]\nig_user_id = 1\naccess_token = placeholder\nbucket = local_env\nconfig_file = nowhere.ini\n";
    std::fs::write(at("secret.ini"), secret).unwrap();
    let end_point = aws.end_point();
    let run = |arguments: &[&str]| {
        let mut command = command(folder.path(), &[arguments, &["--secret", "secret.ini"]].concat());
        // The option takes precedence over the environment.
        command.env("SECRET_ID", "collector").env("SECRET_FILE", "nowhere.ini").env("AWS_ENDPOINT_URL", &end_point);
        command.env("AWS_ACCESS_KEY_ID", KEY.0).env("AWS_SECRET_ACCESS_KEY", KEY.1).env("AWS_REGION", "us-west-2");
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let job = ["brand_media", "--event", r#"{"time":"2026-01-31T03:00:00Z"}"#];
    let output = run(&job).await.unwrap();
    assert!(text(&output.stderr).contains("nowhere.ini"), "the secret names the configuration: {output:?}");
    let config = ["--config", "real.ini"];
    let output = run(&[&job[..], &config].concat()).await.unwrap();
    assert!(output.status.success() && at("local_env").join(BRAND).exists(), "{output:?}");
    let output = run(&[&job[..], &config, &["--out", "out"]].concat()).await.unwrap();
    assert!(output.status.success() && at("out").join(BRAND).exists(), "{output:?}");
    let output = run(&[&["check"], &config[..], &["--out", "tried"]].concat()).await.unwrap();
    let printed = text(&output.stdout);
    assert!(
        printed.contains("real.ini: 11 accounts") && printed.contains("the folder tried can be written"),
        "{output:?}"
    );
    assert!(aws.objects().is_empty());
    let output = run(&[&job[..], &config, &["--out", &format!("s3://{BUCKET}")]].concat()).await.unwrap();
    assert!(output.status.success() && aws.objects().iter().any(|(key, _)| key == BRAND), "{output:?}");
}

#[test]
fn a_sandbox_day_over_hours_that_are_there_already_is_refused_and_names_free_ones() {
    let folder = folder();
    let day = |until: &str| {
        let fault = ["--fault", "*=permission"];
        local(folder.path(), &[&["sandbox", "day", "--hours", "2", "--until", until], &fault[..]].concat())
    };
    let event = r#"{"time":"2026-11-24T02:00:00Z"}"#;
    assert!(local(folder.path(), &["brand_media", "--sandbox", "--event", event]).status.success());
    let refused = day("2026-11-24T03:00:00Z");
    let printed = text(&refused.stderr);
    assert!(refused.status.code() == Some(1) && printed.ends_with("with --until 2026-11-24T02:00:00Z\n"), "{printed}");
    assert!(text(&day("2026-11-24T02:00:00Z").stderr).contains("none of 26 runs collected anything"));
}
