//! The terminal binary, as a person types it.

use std::path::Path;
use std::process::{Command, Output};

use collector::config::Config;
use sandbox::{Options, Sandbox};

use support::harness::{CONFIGURE_INI, TOKEN};

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_luxury-brands"));
    command.current_dir(folder).args(arguments).env_remove("SECRET_ID").env_remove("SECRET_FILE");
    command.env("XDG_CACHE_HOME", folder.join("user_cache"));
    command
}

pub fn local(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("configure.ini"), CONFIGURE_INI).unwrap();
    folder
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn records(folder: &Path, model: &str) -> usize {
    let mut count = 0;
    support::aws::walk(&folder.join("sandbox_env/raw"), &mut |path| {
        if path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{model}_2")) {
            count += serde_json::from_slice::<Vec<serde_json::Value>>(&std::fs::read(path).unwrap()).unwrap().len();
        }
    });
    count
}

/// A mock of the API with its topics, and a folder with a secret whose calls go there.
pub async fn stand_in(faults: &[&str]) -> (Sandbox, tempfile::TempDir) {
    let mut options = Options::for_config(&Config::parse(CONFIGURE_INI.as_bytes(), "configure.ini").unwrap());
    options.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let sandbox = Sandbox::start(options).await.unwrap();
    let folder = folder();
    let ini = CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point());
    std::fs::write(folder.path().join("configure.ini"), ini.replace("v17.0", "v26.0")).unwrap();
    let secret = format!("[SECRET]\nig_user_id = 17841400000000001\naccess_token = {TOKEN}\nbucket = local_env\n");
    std::fs::write(folder.path().join("secret.ini"), secret).unwrap();
    (sandbox, folder)
}

#[test]
fn each_job_runs_on_the_sandbox_with_nothing_else_there() {
    let folder = folder();
    for (job, model, count) in [("brand_media", "media", 275), ("hashtag", "media_hashtag", 275)] {
        let output = local(folder.path(), &[job, "--sandbox"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(records(folder.path(), model), count);
        let printed = text(&output.stdout);
        assert!(
            printed.contains("topic")
                && printed.contains("sandbox_env/raw/")
                && printed.lines().any(|l| l.contains("gucci")),
            "{printed}"
        );
    }
    assert_eq!(records(folder.path(), "brand"), 11);
    let output = local(folder.path(), &["token", "--sandbox"]);
    assert!(output.status.success() && text(&output.stdout).contains("valid, 39 days left"));
}

#[test]
fn the_sandbox_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["brand_media", "--sandbox", "--fail-on", "partial"][..],
        &["check", "--sandbox"],
        &["sandbox", "day", "--hours", "1", "--until", "2026-11-24T03:00:00Z"],
        &["report", "--json"],
        &["schema", "--for", "duckdb", "--from", "sandbox_env"],
    ] {
        let output = local(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        // The data may be of another configuration.
        let reads_data = ["report", "schema"].contains(&arguments[0]);
        assert_eq!(text(&output.stderr).contains("the built-in configuration is used"), reads_data, "{arguments:?}");
    }
    let named = local(folder.path(), &["schema", "--for", "duckdb", "--config", "packaged"]);
    assert!(named.status.success() && named.stderr.is_empty(), "{}", text(&named.stderr));
    // A real run needs the file: the built-in accounts are those of nobody.
    std::fs::write(
        folder.path().join("secret.ini"),
        "[SECRET]\naccess_token = placeholder\nig_user_id = 17841400000000000\nbucket = local_env\n",
    )
    .unwrap();
    let output = local(folder.path(), &["brand_media", "--secret", "secret.ini"]);
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("configure.ini could not be read"));
}

#[test]
fn what_goes_wrong_is_in_the_table_and_an_error_ends_with_status_1() {
    let folder = folder();
    let output = local(folder.path(), &["brand_media", "--sandbox", "--fault", "gucci=not_there"]);
    let row = text(&output.stdout).lines().find(|l| l.contains("gucci")).unwrap().to_owned();
    assert!(output.status.success() && row.contains("not_there (110)"), "{row}");
    let output = local(folder.path(), &["brand_media", "--sandbox", "--fault", "*=permission"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("error: nothing was collected: 11 of 11 topics failed"));
}

#[test]
fn a_run_that_reached_a_limit_prints_no_command_that_calls_again() {
    for (fault, has_hint) in [("gucci=throttled", false), ("*=usage:96", false), ("gucci=not_there", true)] {
        let folder = folder();
        let output = local(folder.path(), &["brand_media", "--sandbox", "--fault", fault]);
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(printed.contains("to repair it: "), has_hint, "{fault}: {printed}");
    }
}

#[test]
fn a_failure_is_reported_once() {
    let folder = folder();
    for (arguments, message, times) in [
        (["brand_media", "--sandbox", "--fault", "gucci=not_there"], "Invalid user id", 1),
        (["hashtag", "--sandbox", "--fault", "#gucci=permission"], "does not have permission", 1),
        (["brand_media", "--sandbox", "--fault", "*=permission"], "does not have permission", 1),
        (["brand_media", "--sandbox", "--fault", "*=permission"], "next step: ", 1),
        (["token", "--sandbox", "--fault", "token=permission"], "does not have permission", 1),
    ] {
        let output = local(folder.path(), &arguments);
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(printed.matches(message).count(), times, "{arguments:?}: {printed}");
    }
}

/// Whether `text` contains no control character except its own line ends, and no forged line.
fn is_safe(text: &str) -> bool {
    let acts = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    !text.contains(acts) && !text.lines().any(|line| line.trim_start().starts_with("CRITICAL forged"))
}

#[test]
fn a_response_cannot_control_the_terminal_or_forge_a_line() {
    let folder = folder();
    let (one, all) = ("gucci=control_characters", "*=control_characters");
    for arguments in [
        ["brand_media", "--sandbox", "--fault", one, "-vv"],
        ["brand_media", "--sandbox", "--fault", "*=bad_records", "-vv"],
        ["brand_media", "--sandbox", "--fault", all, "-vv"],
        ["hashtag", "--sandbox", "--fault", all, "-vv"],
        ["token", "--sandbox", "--fault", all, "-vv"],
        ["check", "--sandbox", "--fault", all, "-vv"],
        ["hashtag-ids", "--sandbox", "--fault", all, "-vv"],
        ["sandbox", "day", "--hours=1", "--fault=#dior=control_charactersx1", "-vv"],
    ] {
        let output = local(folder.path(), &arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(is_safe(&out) && is_safe(&err), "{arguments:?}: {output:?}");
        let escaped = r"Refused\r\nCRITICAL forged line\u{1b}[31m\u{9b}1m\u{202e}";
        let printed =
            [&out, &err].iter().any(|text| text.contains(escaped) || text.contains("Refused CRITICAL forged"));
        assert!(printed || arguments[3] == "*=bad_records", "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_configuration_is_quoted_in_lines_that_it_cannot_forge() {
    let folder = folder();
    let odd =
        CONFIGURE_INI.replace("version = v17.0", "version = \u{1b}[2J\nend\u{9b}point\u{1b} = 1\nymd\u{202e}x = 1");
    std::fs::write(folder.path().join("configure.ini"), format!("lost\u{1b}[31m = 1\n{odd}")).unwrap();
    for arguments in [["plan", "-v"], ["schema", "--for=spark"]] {
        let output = local(folder.path(), &arguments);
        let printed = text(&output.stderr);
        assert!(is_safe(&printed) && printed.lines().count() == 3, "{output:?}");
        assert!(printed.contains("\n  lost\\u{1b}[31m: is above the first section"), "{printed}");
    }
}

#[test]
fn an_event_is_given_as_json_or_as_a_file() {
    let folder = folder();
    let event = r#"{"time":"2026-01-31T23:59:07Z","accounts":["dior"],"shard":"x"}"#;
    std::fs::write(folder.path().join("event.json"), event).unwrap();
    for given in [event, "event.json"] {
        let output = local(folder.path(), &["brand_media", "--sandbox", "--event", given]);
        assert!(text(&output.stdout).contains("raw/brand_2026-01-31/brand_2026-01-31_235907_x.json"), "{output:?}");
    }
    for (given, printed) in [
        (r#"{"job":"hashtag"}"#, "is for the job \"hashtag\""),
        ("nowhere.json", "neither JSON nor a file"),
        ("{", "is not JSON"),
    ] {
        let output = local(folder.path(), &["brand_media", "--sandbox", "--event", given]);
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(printed), "{output:?}");
    }
}

#[test]
fn a_missing_secret_says_which_file_what_goes_into_it_and_that_the_sandbox_needs_none() {
    let folder = folder();
    // `../secret` is then below the test's own folder too.
    let project = folder.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let output = local(&project, &["brand_media"]);
    let printed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        ["../secret/dev_secret.ini", "[SECRET]", "ig_user_id", "access_token", "bucket", "--sandbox"]
            .iter()
            .all(|t| printed.contains(t)),
        "{printed}"
    );
}

#[test]
fn an_unknown_fault_lists_the_known_ones() {
    let output = local(folder().path(), &["brand_media", "--sandbox", "--fault", "gucci=throtled"]);
    assert!(
        output.status.code() == Some(2) && text(&output.stderr).contains("transient, throttled, blocked"),
        "{output:?}"
    );
}

#[test]
fn topics_are_planned_into_manifests_of_the_hours_whose_lines_are_events() {
    let folder = folder();
    std::fs::write(folder.path().join("credentials.csv"), "secret_id\nc/1\nc/2\n").unwrap();
    let output = local(folder.path(), &["shard", "--credentials", "credentials.csv", "--out", "out"]);
    assert!(output.status.success() && text(&output.stdout).contains("planned in "), "{output:?}");
    for (job, key) in [("brand_media", "accounts"), ("hashtag", "hashtags")] {
        let mut topics = Vec::new();
        let lines = std::fs::read_to_string(folder.path().join(format!("out/{job}/23.jsonl"))).unwrap();
        for line in lines.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(event["secret_id"].as_str().unwrap().starts_with("c/") && event["job"] == job);
            collector::event::Event::parse(&event).unwrap();
            topics.extend(event[key].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()));
        }
        assert_eq!(topics.len(), 11, "{topics:?}");
    }
}

#[test]
fn a_plan_that_does_not_fit_says_what_would() {
    let folder = folder();
    std::fs::write(folder.path().join("credentials.csv"), "secret_id,hashtags_per_week\nc/1,5\n").unwrap();
    let output = local(folder.path(), &["shard", "--credentials", "credentials.csv"]);
    let printed = text(&output.stderr);
    assert!(output.status.code() == Some(1) && printed.contains("1 more credential of "), "{printed}");
}

#[test]
fn shards_that_failed_become_a_manifest_of_their_own_without_their_time() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let event =
        serde_json::json!({"job": "brand_media", "shard": "s-1", "time": "2026-01-31T05:00:00Z", "accounts": ["dior"]});
    let item = |status: &str| serde_json::json!([{"Status": status, "Input": serde_json::json!({"event": event}).to_string()}]);
    let files =
        |keys: &[&str]| keys.iter().map(|k| serde_json::json!({"Key": format!("runs/x/{k}")})).collect::<Vec<_>>();
    let manifest = serde_json::json!({"ResultFiles": {"FAILED": files(&["FAILED_0.json"]), "PENDING": [], "SUCCEEDED": files(&["SUCCEEDED_0.json"])}});
    std::fs::write(at("manifest.json"), manifest.to_string()).unwrap();
    std::fs::write(at("FAILED_0.json"), item("FAILED").to_string()).unwrap();
    for results in ["manifest.json", "FAILED_0.json"] {
        let output = local(folder.path(), &["shard", "--failed", results, "--out", "again.jsonl"]);
        assert!(output.status.success() && text(&output.stdout).contains("\"2026-01-31T05:00:00Z\""), "{output:?}");
        let again = std::fs::read_to_string(at("again.jsonl")).unwrap();
        assert_eq!(again, "{\"accounts\":[\"dior\"],\"job\":\"brand_media\",\"shard\":\"s-1\"}\n");
    }
    std::fs::write(at("FAILED_0.json"), item("SUCCEEDED").to_string()).unwrap();
    let output = local(folder.path(), &["shard", "--failed", "manifest.json", "--out", "again.jsonl"]);
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("no shard that failed"), "{output:?}");
}
