//! The commands of `luxury-brands` other than the jobs, as a person or a script runs them.

use std::path::Path;
use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use collector::config::Config;
use serde_json::{Value, json};

use support::aws::Aws;
use support::harness::CONFIGURE_INI;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_luxury-brands"));
    command.current_dir(folder).args(arguments).env_remove("SECRET_ID").env_remove("SECRET_FILE");
    command.env("XDG_CACHE_HOME", folder.join("user_cache"));
    command
}

pub fn local(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(folder, arguments).envs(environment.iter().copied()).output().unwrap()
}

/// Runs a command without `--sandbox`, with `aws` instead of AWS.
pub async fn local_on(aws: &Aws, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    command.envs(aws.environment());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("configure.ini"), config).unwrap();
    folder
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
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
    let printed = String::from_utf8_lossy(&planned.stderr).into_owned();
    assert!(
        printed.contains("[limits] calls_per_hour") && printed.contains("671 calls an hour, 200 are allowed"),
        "{printed}"
    );
}

#[test]
fn every_shell_has_its_completions() {
    let folder = folder(CONFIGURE_INI);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = out(&local(folder.path(), &["completions", shell], &[]));
        assert!(script.contains("hashtag-ids") && script.contains("brand_media"), "{shell}");
    }
}

/// What bash offers for the words of a command line, the last of them incomplete.
#[cfg(unix)]
fn completed(script: &Path, words: &[&str]) -> Vec<String> {
    let complete = r#"source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        f=$(complete -p luxury-brands | sed 's/.* -F \([^ ]*\) .*/\1/')
        "$f" luxury-brands "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"; printf '%s\n' "${COMPREPLY[@]}""#;
    let bash = Command::new("bash").args(["--norc", "-c", complete]).arg(script).args(words).output().unwrap();
    out(&bash).lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_and_their_options() {
    let folder = folder(CONFIGURE_INI);
    let script = folder.path().join("completions.bash");
    std::fs::write(&script, local(folder.path(), &["completions", "bash"], &[]).stdout).unwrap();
    for (words, offered) in [
        (&["luxury-brands", "che"][..], &["check"][..]),
        (&["luxury-brands", "hashtag"], &["hashtag", "hashtag-ids"]),
        (&["luxury-brands", "brand_media", "--fa"], &["--fail-on", "--fault"]),
        (&["luxury-brands", "brand_media", "--fail-on", ""], &["partial"]),
        (&["luxury-brands", "hashtag-ids", "--sec"], &["--secret"]),
        (&["luxury-brands", "sandbox", "day", "--js"], &["--json"]),
    ] {
        let mut found = completed(&script, words);
        found.sort();
        assert_eq!(found, offered, "{words:?}");
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

/// The data on the page of a report.
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
    assert_eq!(
        (&before["source"]["records"], before["collector"]["failures"].as_array().unwrap().len()),
        (&json!(260), 1)
    );
    let again = r#"{"time":"2026-11-24T03:00:00Z","accounts":["gucci","dior"]}"#;
    run(&["brand_media", "--sandbox", "--event", again]);
    run(&["report", "sandbox_env"]);
    let after = page(folder.path());
    assert_eq!(
        (&after["source"]["records"], after["collector"]["failures"].as_array().unwrap().len()),
        (&json!(286), 0)
    );
    let sum = |row: &Value| row.as_array().unwrap().iter().filter_map(Value::as_i64).sum::<i64>();
    assert_eq!(sum(&after["collector"]["jobs"][0]["runs"]), 1);
    let records = after["collector"]["likes"]["media"]["records"].as_array().unwrap();
    assert!(records.len() == 11 && records.iter().all(|house| sum(house) == 25), "{records:?}");
}

#[test]
fn a_report_says_where_its_data_is_from_and_that_the_sandboxs_is_made_up_in_a_copy_too() {
    let folder = folder(CONFIGURE_INI);
    let nothing = local(folder.path(), &["report"], &[]);
    let printed = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(
        nothing.status.code() == Some(1) && printed.contains("nothing collected in local_env or sandbox_env"),
        "{printed}"
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
    let made_up = |place: &str| {
        let report = local(folder.path(), &["report"], &[]);
        assert!(out(&report).contains(&format!(" files of {place} (")) && report.stderr.is_empty(), "{report:?}");
        page(folder.path())["source"]["made_up"].clone()
    };
    assert_eq!(made_up("local_env, the sandbox's made-up data"), true);
    // Real data has the same objects without `sandbox`.
    support::aws::walk(&folder.path().join("local_env/quality"), &mut |path| {
        let quality = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, quality.replace(r#""sandbox":true,"#, "")).unwrap();
    });
    assert_eq!(made_up("local_env"), false);
}

#[test]
fn a_place_without_data_says_what_was_looked_for_and_where() {
    let folder = folder(CONFIGURE_INI);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let nosuch = format!("{} does not exist", folder.path().canonicalize().unwrap().join("nosuch").display());
    for (place, expected) in [
        ("nosuch", ["nothing collected in nosuch: /", &nosuch]),
        ("configure.ini", ["nothing collected in configure.ini: /", "/configure.ini is no folder"]),
        (
            "empty",
            ["nothing collected in empty (looked for quality/{model}_{ymd}/", "raw/brand_{ymd}/brand_{datetime}.json"],
        ),
    ] {
        for command in [&["report", place][..], &["schema", "--for", "duckdb", "--from", place]] {
            let output = local(folder.path(), command, &[]);
            let printed = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), out(&output)), (Some(1), String::new()), "{printed}");
            assert!(expected.iter().all(|part| printed.contains(part)), "{printed}");
        }
    }
    let output = local(folder.path(), &["report", "--config", "nope.ini"], &[]);
    assert!(output.status.code() == Some(1) && String::from_utf8_lossy(&output.stderr).contains("nope.ini"));
}

#[test]
fn a_report_reads_the_locations_and_fields_of_the_configuration() {
    let folder = folder(CONFIGURE_INI);
    let elsewhere = CONFIGURE_INI
        .replace("raw/brand_{ymd}/brand_{datetime}.json", "houses/{ymd}/profiles+{datetime}.json")
        .replace("raw/media_{ymd}/media_{datetime}.json", "houses/{ymd}/posts+{datetime}.json")
        .replace("datetime = %Y-%m-%d_%H%M%S", "datetime = %Y%m%dT%H%M%S")
        .replace("followers_count = followers_count int", "fans = followers_count int")
        .replace("media_id = id str", "post = id str");
    let pages = [CONFIGURE_INI, &elsewhere].map(|config| {
        std::fs::write(folder.path().join("configure.ini"), config).unwrap();
        // The clock of `sandbox day` is the schedule's, so that both have the same likes.
        let until = "2026-11-24T04:00:00Z";
        let day = ["sandbox", "day", "--hours", "1", "--until", until, "--fault", "gucci=bad_records"];
        for arguments in [&day[..], &["report", "sandbox_env"]] {
            let ran = local(folder.path(), arguments, &[]);
            assert!(ran.status.success(), "{ran:?}");
        }
        let page = page(folder.path());
        std::fs::remove_dir_all(folder.path().join("sandbox_env")).unwrap();
        page
    });
    for part in ["/source/records", "/source/unknown", "/followers", "/series", "/collector/likes", "/posts"] {
        let [shipped, other] = pages.each_ref().map(|page| page.pointer(part).unwrap());
        assert_eq!(shipped, other, "{part}");
    }
}

#[test]
fn the_responses_of_a_sandbox_day_have_the_times_of_its_runs() {
    let folder = folder(CONFIGURE_INI);
    let ran = local(folder.path(), &["sandbox", "day", "--hours", "1", "--until", "2026-11-24T04:00:00Z"], &[]);
    assert!(ran.status.success(), "{ran:?}");
    for (key, run) in [
        ("media_2026-11-24/media_2026-11-24_030000", "2026-11-24T03:00:00Z"),
        ("media_hashtag_2026-11-24/media_hashtag_2026-11-24_035500", "2026-11-24T03:55:00Z"),
    ] {
        let quality = std::fs::read(folder.path().join(format!("sandbox_env/quality/{key}.json"))).unwrap();
        let quality: Value = serde_json::from_slice(&quality).unwrap();
        let run: DateTime<Utc> = run.parse().unwrap();
        for topic in quality["topics"].as_array().unwrap() {
            let asked_at: DateTime<Utc> = topic["asked_at"].as_str().unwrap().parse().unwrap();
            assert!((run..run + TimeDelta::minutes(1)).contains(&asked_at), "{topic}");
        }
    }
}

#[test]
fn the_error_for_a_removed_command_names_its_replacement() {
    let folder = folder(CONFIGURE_INI);
    for (arguments, replacement) in [
        (&["redrive", "--function", "f", "--dry-run"][..], "`retry`"),
        (&["compare", "there", "s3://here", "--json"], "docs/migrating.md"),
    ] {
        let removed = local(folder.path(), arguments, &[]);
        let error = String::from_utf8_lossy(&removed.stderr);
        assert!(removed.status.code() == Some(2) && removed.stdout.is_empty(), "{removed:?}");
        assert!(error.lines().count() == 1 && error.contains(replacement), "{error}");
    }
}

#[test]
fn the_error_for_a_removed_option_names_its_replacement() {
    let folder = folder(CONFIGURE_INI);
    for (option, replacement) in [
        (["--latency-ms", "300"], "`--latency` with a unit"),
        (["--latency", "300"], "such as 60s"),
        (["--timeout", "60"], "such as 60s"),
        (["--fault", "help"], "`luxury-brands sandbox faults`"),
    ] {
        let removed = local(folder.path(), &[&["hashtag", "--sandbox"], &option[..]].concat(), &[]);
        let error = String::from_utf8_lossy(&removed.stderr);
        assert!(removed.status.code() == Some(2) && error.contains(replacement), "{error}");
    }
}

#[test]
fn options_select_the_topics_and_the_time_of_a_run() {
    let folder = folder(CONFIGURE_INI);
    let time = "2026-01-31T03:00:00Z";
    let options = ["brand_media", "--sandbox", "--json", "--accounts", "dior,gucci", "--time", time];
    let run: serde_json::Value = serde_json::from_str(&out(&local(folder.path(), &options, &[]))).unwrap();
    assert_eq!((&run["summary"]["topics"], &run["summary"]["time"]), (&json!(["dior", "gucci"]), &json!(time)));
    let both = local(folder.path(), &[&options[..], &["--event", "{}"]].concat(), &[]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[test]
fn a_variable_sets_an_option_and_the_command_line_takes_precedence() {
    let folder = folder(CONFIGURE_INI);
    let variables = [("LUXURY_BRANDS_SANDBOX", "1"), ("LUXURY_BRANDS_FAIL_ON", "partial")];
    let lost = ["hashtag", "--fault", "#gucci=not_there"];
    assert_eq!(local(folder.path(), &lost, &variables).status.code(), Some(3));
    let variables = [("LUXURY_BRANDS_CONFIG", "missing.ini")];
    assert_eq!(local(folder.path(), &["plan"], &variables).status.code(), Some(1));
    assert_eq!(local(folder.path(), &["plan", "--config", "configure.ini"], &variables).status.code(), Some(0));
}

#[test]
fn help_is_coloured_on_request() {
    let folder = folder(CONFIGURE_INI);
    for (when, is_coloured) in [("always", true), ("never", false), ("auto", false)] {
        let help = out(&local(folder.path(), &["--color", when, "--help"], &[]));
        assert_eq!(help.contains('\u{1b}'), is_coloured, "{when}");
    }
}

#[test]
fn init_writes_a_secret_and_a_configuration_that_check_asks_to_fill_in_and_overwrites_none() {
    let folder = tempfile::tempdir().unwrap();
    let init = |more: &[&str]| out(&local(folder.path(), &[&["init", "--secret", "s/x.ini"], more].concat(), &[]));
    assert_eq!(init(&[]).matches("wrote ").count(), 2);
    let checked = local(folder.path(), &["check", "--secret", "s/x.ini"], &[]);
    assert!(checked.status.code() == Some(1) && out(&checked).contains("ig_user_id"), "{checked:?}");
    let secret = folder.path().join("s/x.ini");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&secret.metadata().unwrap().permissions()) & 0o777, 0o600);
    std::fs::write(&secret, "mine").unwrap();
    assert_eq!(init(&[]).matches("kept ").count(), 2);
    let files: serde_json::Value = serde_json::from_str(&init(&["--json"])).unwrap();
    assert_eq!(files[0]["written"], json!(false));
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "mine");
}
