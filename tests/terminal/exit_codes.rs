//! The exit codes of every command, and the text that goes with them.

use std::path::Path;

use crate::commands::{folder, local, out};
use support::harness::CONFIGURE_INI;

/// A folder with a configuration, credentials, lists and reports, right and wrong.
fn filled() -> tempfile::TempDir {
    let folder = folder(CONFIGURE_INI);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("credentials.csv", "secret_id\nc/1\nc/2\n");
    write("few.csv", "secret_id,hashtags_per_week\nc/1,5\n");
    write("none.csv", "secret_id\n");
    write("wrong.csv", "name,user_id\nDior,x\n");
    write("results.json", "[]");
    write("faulty.ini", &CONFIGURE_INI.replace("end_point", "endpoint"));
    write("secret.ini", "[SECRET]\nig_user_id = me\naccess_token = placeholder\nbucket = local_env\n");
    write("file", "");
    write("headed.csv", "name,user_id\n");
    write("marked.json", "\u{feff}{\"accounts\":[\"dior\"]}");
    folder
}

/// The commands of each exit code. Signals are in `interrupts.rs`.
const CODES: [(i32, &[&str]); 4] = [
    (
        0,
        &[
            "--help",
            "--version",
            "brand_media --sandbox --fault gucci=not_there",
            "hashtag --sandbox --hashtags dior",
            "token --sandbox",
            "check --sandbox --no-write",
            "plan",
            "hashtag-ids --sandbox",
            "add-account newhouse --sandbox --accounts-from credentials.csv --help",
            "init --secret new/secret.ini --config new/configure.ini",
            "report sandbox_env",
            "schema --for DuckDB",
            "shard --credentials credentials.csv",
            "brand_media --sandbox --event marked.json",
            "sandbox day --hours 1",
            "sandbox faults",
            "completions bash",
        ],
    ),
    (
        1,
        &[
            "brand_media",
            "hashtag --secret secret.ini",
            "token --secret nosuch.ini",
            "token --sandbox --fault token=invalid",
            "watch",
            "check",
            "check --sandbox --config faulty.ini",
            "plan --config nosuch.ini",
            "plan --config faulty.ini",
            "hashtag-ids",
            "add-account dior",
            "init --secret file/secret.ini",
            "report nosuch",
            "report --config nosuch.ini",
            "schema --for duckdb --from nosuch",
            "shard --credentials few.csv",
            "shard --failed results.json --out again.jsonl",
            "brand_media --sandbox --fault *=permission",
            "brand_media --sandbox --config faulty.ini",
            "sandbox day --hours 1 --config nosuch.ini",
        ],
    ),
    (
        2,
        &[
            "",
            "brand-medai",
            "brand_media --sandbx",
            "brand_media --fault gucci=throttled",
            "brand_media --sandbox --secret secret.ini",
            "brand_media --sandbox --out s3://lux-raw",
            "brand_media --sandbox --fault nonsense",
            "brand_media --sandbox --fault gucci=throtled",
            "brand_media --sandbox --fault guci=throttled",
            "brand_media --sandbox --fault help --config nosuch.ini",
            "brand_media --sandbox --accounts diorr",
            "brand_media --sandbox --hashtags dior",
            "brand_media --sandbox --accounts-from nosuch.csv",
            "brand_media --sandbox --accounts-from wrong.csv",
            "brand_media --sandbox --time yesterday",
            "brand_media --sandbox --time 2026-01-31T23:59:60Z",
            "brand_media --sandbox --timeout 0",
            "brand_media --sandbox --timeout 0s",
            "brand_media --sandbox --timeout 2s",
            "brand_media --sandbox --timeout 2999ms",
            "brand_media --sandbox --timeout 25h",
            "brand_media --sandbox --event nosuch.json",
            "brand_media --sandbox --event {",
            "brand_media --sandbox --event {}x",
            "brand_media --sandbox --event []",
            r#"brand_media --sandbox --event {"job":"hashtag"}"#,
            r#"brand_media --sandbox --event {"time":"yesterday"}"#,
            r#"brand_media --sandbox --event {"time":"2026-01-31"}"#,
            r#"brand_media --sandbox --event {"acounts":["dior"]}"#,
            r#"brand_media --sandbox --event {"secret_id":"c/1"}"#,
            "hashtag --sandbox --hashtags guci",
            "hashtag --sandbox --accounts dior",
            "token --sandbox --accounts dior",
            "token --sandbox --renew",
            "watch --sandbox --hour 20",
            "watch --sandbox --timeout 1s",
            "retry nosuch.json",
            "retry {}",
            "retry {",
            "retry secret.ini",
            "check --api-version seventeen",
            "add-account @Dior --sandbox",
            "report s3://",
            "report gs://lux-raw",
            "report --since yesterday",
            "schema",
            "schema --for duckdb --from s3://",
            "schema --for duckdb --from gs://lux-raw",
            "schema views --for json-schema",
            "schema compaction --for spark",
            "shard",
            "shard --credentials nosuch.csv",
            "shard --credentials none.csv",
            "shard --credentials credentials.csv --accounts-from wrong.csv",
            "shard --credentials credentials.csv --every 5",
            "shard --credentials credentials.csv --every 5h",
            "shard --credentials credentials.csv --every 24h",
            "shard --credentials credentials.csv --hashtag-runs 0",
            "shard --credentials credentials.csv --out s3://",
            "shard --failed nosuch.json",
            "shard --failed wrong.csv",
            "sandbox serve --port 70000",
            "sandbox day --hours 0",
            "brand_media --sandbox --calls-allowed 0",
            "brand_media --sandbox --fault gucci=throttledx0",
            "brand_media --sandbox --accounts=",
            "report --since 2026-03-01 --until 2026-02-01",
            "init --secret same.ini --config same.ini",
            "init --secret .",
            "shard --credentials credentials.csv --accounts-from headed.csv",
            "completions tcsh",
            "completions bash --json",
        ],
    ),
    (3, &["brand_media --sandbox --fault gucci=not_there --fail-on partial"]),
];

#[test]
fn every_command_exits_as_the_table_says() {
    let folder = filled();
    let mut wrong = Vec::new();
    for (code, line) in CODES.iter().flat_map(|(code, lines)| lines.iter().map(move |line| (*code, *line))) {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let ran = local(folder.path(), &arguments, &[]);
        // A wrong command line gives an error and no document. Without a command, clap prints the help.
        let is_refused = out(&ran).is_empty() && (line.is_empty() || ran.stderr.starts_with(b"error: "));
        if ran.status.code() != Some(code) || code == 2 && !is_refused {
            wrong.push(format!("{code} expected: {line}: {ran:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn error(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let ran = local(folder, arguments, environment);
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn wrong_input_is_refused_with_the_form_expected() {
    let folder = filled();
    for (line, expected) in [
        (
            r#"brand_media --sandbox --event {"time":"yesterday"}"#,
            "a time of RFC 3339 such as 2026-01-31T23:00:00Z expected",
        ),
        ("brand_media --sandbox --timeout 2s", "3s to 24h expected: the last 2s are for storing"),
        ("hashtag --sandbox --accounts dior", "--accounts given, and the job \"hashtag\" takes --hashtags"),
        ("shard --credentials credentials.csv --every 5", "1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h expected"),
        ("report s3://", "s3://BUCKET or s3://BUCKET/PREFIX expected"),
        ("brand_media --sandbox --accounts diorr", "diorr (did you mean `dior`?)"),
        ("brand_media --sandbox --fault gucci=throtled", "\"throtled\" given (did you mean `throttled`?)"),
        ("brand_media --sandbox --fault guci=throttled", "\"guci\" given (did you mean `gucci`?)"),
        (r#"brand_media --sandbox --event {"job":"hashtag"}"#, "use `luxury-brands hashtag`"),
        ("shard --credentials wrong.csv", "secret_id (a name, not an ARN) and optionally the numbers calls_per_hour"),
        ("brand_media --sandbox --fault gucci=slow", "\"slow\" given (did you mean `slow:<ms>`?)"),
        ("brand-medai", "'brand_media'"),
    ] {
        let (code, text) = error(folder.path(), &line.split(' ').collect::<Vec<_>>(), &[]);
        assert!(code == Some(2) && text.contains(expected), "{line}: {text}");
    }
}

#[test]
fn what_is_typed_is_judged_before_any_file_is_read() {
    let empty = tempfile::tempdir().unwrap();
    for option in [["--fault", "help"], ["--fault", "nonsense"], ["--time", "noon"], ["--event", "{\"shard\":\"A\"}"]] {
        let (code, text) = error(empty.path(), &[&["brand_media", "--sandbox"], &option[..]].concat(), &[]);
        assert!(code == Some(2) && !text.contains("configure.ini"), "{text}");
    }
}

#[test]
fn a_wrong_variable_is_refused_by_its_name() {
    let folder = filled();
    for (variable, value, expected) in [
        ("LUXURY_BRANDS_TIMEOUT", "soon", "The variable LUXURY_BRANDS_TIMEOUT sets it."),
        ("LUXURY_BRANDS_JSON", "maybe", "true or false expected"),
        ("LUXURY_BRANDS_EVENT", "{}", "The variable LUXURY_BRANDS_EVENT sets it."),
        ("LUXURY_BRANDS_SANDBX", "1", "sets no option (did you mean `LUXURY_BRANDS_SANDBOX`?)"),
    ] {
        let arguments = ["brand_media", "--sandbox", "--accounts", "dior, gucci"];
        let (code, text) = error(folder.path(), &arguments, &[(variable, value)]);
        assert!(code == Some(2) && text.contains(expected), "{variable}: {text}");
    }
}

#[test]
fn a_cause_is_printed_once_with_what_names_the_file_and_the_remedy() {
    let folder = filled();
    let cause = "No such file or directory";
    let good = "[SECRET]\nig_user_id = 1\naccess_token = placeholder\nbucket = local_env\n";
    std::fs::write(folder.path().join("good.ini"), good).unwrap();
    std::fs::write(folder.path().join("names.ini"), format!("{good}config_file = nosuch.ini\n")).unwrap();
    std::fs::write(folder.path().join("token.ini"), good.replace("access_token", "token")).unwrap();
    for (line, expected, has_cause, has_sandbox) in [
        ("brand_media --secret nosuch.ini", "it needs a section [SECRET]", true, true),
        ("hashtag-ids --secret nosuch.ini", "it needs a section [SECRET]", true, true),
        ("hashtag-ids --secret secret.ini", "ig_user_id is not made of digits", false, false),
        ("brand_media --secret token.ini", "`token` is given: did you mean `access_token`?", false, false),
        ("watch --secret token.ini", "`token` is given: did you mean `access_token`?", false, false),
        ("plan --config nosuch.ini", "--config names it", true, false),
        ("brand_media --secret good.ini --config nosuch.ini", "--config names it", true, false),
        ("brand_media --secret names.ini", "`config_file` of the secret names it", true, false),
        ("hashtag-ids --secret names.ini", "`config_file` of the secret names it", true, false),
    ] {
        let (code, text) = error(folder.path(), &line.split(' ').collect::<Vec<_>>(), &[]);
        assert!(code == Some(1) && text.contains(expected), "{line}: {text}");
        assert_eq!(text.matches(cause).count(), usize::from(has_cause), "{line}: {text}");
        assert_eq!(text.contains("`--sandbox` needs none"), has_sandbox, "{line}: {text}");
    }
}
