//! `--json`: one document on standard output, as its schema in `docs/json` says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Output, Stdio};

use boon::{Compiler, Draft, Schemas};
use serde_json::{Value, json};

use crate::terminal::{command, folder, local, text};
use support::harness::CONFIGURE_INI;

/// Checks a document against `docs/json/<name>.schema.json`; the error says why it differs.
pub fn check(name: &str, document: &Value) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/json/{name}.schema.json"));
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.set_default_draft(Draft::V2020_12);
    compiler.enable_format_assertions();
    let schema = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(document, schema).map_err(|error| format!("{name}: {error:#}\n{document:#}"))
}

/// The document that a command printed, and nothing else, as its schema says.
pub fn document(name: &str, output: &Output) -> Value {
    let printed = text(&output.stdout);
    assert!(printed.ends_with('\n') && printed.lines().count() == 1, "{name}: {output:?}");
    let document = serde_json::from_str(&printed).unwrap();
    check(name, &document).unwrap_or_else(|error| panic!("{error}"));
    document
}

/// Runs a command with `--json`; its exit code and its document.
fn run_json(folder: &Path, name: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = local(folder, &[arguments, &["--json"]].concat());
    (output.status.code(), document(name, &output))
}

const TIME: &str = r#"{"time":"2026-01-31T03:00:00Z"}"#;

#[test]
fn each_job_prints_the_functions_response() {
    let folder = folder();
    let (code, run) = run_json(folder.path(), "response", &["brand_media", "--sandbox", "--event", TIME]);
    assert_eq!((code, &run["summary"]["failures"], &run["statusCode"]), (Some(0), &json!([]), &json!(200)));
    let partial = ["brand_media", "--sandbox", "--event", TIME, "--fault", "gucci=not_there", "--fail-on", "partial"];
    let (code, run) = run_json(folder.path(), "response", &partial);
    assert_eq!((code, &run["summary"]["failures"][0]["topic"]), (Some(3), &json!("gucci")));
    assert_eq!(run["summary"]["partial"].as_array().unwrap().len(), 2, "the first run's objects stay");
    let part = r#"{"shard":"s-1","hashtags":["dior"]}"#;
    assert_eq!(run_json(folder.path(), "response", &["hashtag", "--sandbox", "--event", part]).0, Some(0));
    for (fault, code) in [("token=ending", 0), ("token=invalid", 1), ("token=never", 0)] {
        assert_eq!(run_json(folder.path(), "response", &["token", "--sandbox", "--fault", fault]).0, Some(code));
    }
    let keeping = CONFIGURE_INI
        .replace("[common]", "[common]\nanswers_location = answers/{job}_{ymd}/{job}_{datetime}.jsonl.gz")
        .replace("[topic]", "[limits]\nmedia_per_hashtag = auto\n[topic]");
    std::fs::write(folder.path().join("configure.ini"), keeping).unwrap();
    let (code, run) = run_json(folder.path(), "response", &["hashtag", "--sandbox"]);
    assert!(code == Some(0) && run["summary"]["answers"].is_object() && run["summary"]["gaps"].is_object(), "{run:#}");
}

#[test]
fn a_command_that_fails_prints_its_error() {
    let folder = folder();
    let (code, error) = run_json(folder.path(), "failure", &["brand_media", "--sandbox", "--fault", "*=permission"]);
    assert_eq!((code, &error["errorType"]), (Some(1), &json!("nothing_collected")));
    let message: Value = serde_json::from_str(error["errorMessage"].as_str().unwrap()).unwrap();
    assert_eq!(message["summary"]["failures"].as_array().unwrap().len(), 11);
    let repaired = ["retry", "--sandbox", "--dry-run", &error.to_string()];
    assert_eq!(run_json(folder.path(), "repair", &repaired).1["repair"]["job"], "brand_media", "retry reads it");
    for (arguments, kind) in [
        (&["brand_media", "--secret", "nowhere.ini"][..], "secret"),
        (&["hashtag-ids", "--secret", "nowhere.ini"], "secret"),
        (&["plan", "--config", "nowhere.ini"], "config"),
        (&["report", "nowhere"], "command"),
    ] {
        let (code, error) = run_json(folder.path(), "failure", arguments);
        assert_eq!((code, &error["errorType"]), (Some(1), &json!(kind)), "{arguments:?}");
    }
    let usage = local(folder.path(), &["plan", "--nonsense", "--json"]);
    assert!(usage.status.code() == Some(2) && usage.stdout.is_empty(), "{usage:?}");
}

#[test]
fn every_other_command_prints_its_result() {
    let folder = folder();
    let at = folder.path();
    let (code, checked) = run_json(at, "check", &["check", "--sandbox", "--fault", "token=invalid"]);
    let failed: Vec<_> =
        checked["checks"].as_array().unwrap().iter().filter(|line| line["level"] == "fail").cloned().collect();
    assert!(code == Some(1) && failed.len() == 1 && failed[0]["what"] == "token", "{checked:#}");
    assert_eq!(run_json(at, "check", &["check", "--sandbox", "--api-version", "v25.0"]).0, Some(0));
    std::fs::write(at.join("wrong.ini"), "[API]\n").unwrap();
    assert_eq!(run_json(at, "check", &["check", "--sandbox", "--config", "wrong.ini"]).0, Some(1));

    assert_eq!(run_json(at, "plan", &["plan"]).1["calls_per_hour"], json!({"warm": 143, "cold": 154, "limit": 200}));
    let auto = CONFIGURE_INI.replace("[topic]", "[limits]\nmedia_per_hashtag = auto\n[topic]");
    std::fs::write(at.join("auto.ini"), auto).unwrap();
    assert!(run_json(at, "plan", &["plan", "--config", "auto.ini"]).1["calls_per_hour_with_further_pages"].is_object());

    let (code, ids) = run_json(at, "hashtag-ids", &["hashtag-ids", "--sandbox", "--fault", "#dior=not_there"]);
    assert_eq!((code, ids["hashtags"].as_array().unwrap().len()), (Some(1), 10));
    assert_eq!(ids["failures"][0]["topic"], "dior");

    let event = ["brand_media", "--sandbox", "--event", TIME, "--fault", "gucci=not_there"];
    let response = run_json(at, "response", &event).1.to_string();
    let (_, planned) = run_json(at, "repair", &["retry", "--sandbox", "--dry-run", &response]);
    assert_eq!(planned["repair"]["accounts"], json!(["gucci"]));
    let (code, repaired) = run_json(at, "response", &["retry", "--sandbox", &response]);
    assert_eq!((code, &repaired["summary"]["topics"]), (Some(0), &json!(["gucci"])));
    let (code, nothing) = run_json(at, "repair", &["retry", "--sandbox", &repaired.to_string()]);
    assert_eq!((code, &nothing["repair"]), (Some(0), &Value::Null));

    let (_, day) = run_json(at, "sandbox-day", &["sandbox", "day", "--hours", "1", "--fault", "#*=permission"]);
    assert_eq!((&day["runs"], day["failed"].as_array().unwrap().len()), (&json!(13), 12));
    let (_, page) = run_json(at, "report", &["report"]);
    assert_eq!((&page["source"]["place"], &page["source"]["made_up"]), (&json!("sandbox_env"), &json!(true)));

    std::fs::write(at.join("credentials.csv"), "secret_id\nc/1\nc/2\n").unwrap();
    let (_, shards) = run_json(at, "shard", &["shard", "--credentials", "credentials.csv"]);
    assert_eq!((shards["jobs"].as_array().unwrap().len(), &shards["credentials"]), (2, &json!(2)));
    let failed = json!([{"Status": "FAILED", "Input": json!({"event": {"job": "token", "time": "t"}}).to_string()}]);
    std::fs::write(at.join("results.json"), failed.to_string()).unwrap();
    let again = ["shard", "--failed", "results.json", "--out", "again.jsonl"];
    assert_eq!(run_json(at, "shard-failed", &again).1["shards"], 1);

    for engine in ["athena", "redshift", "snowflake", "duckdb", "spark"] {
        let (_, statements) = run_json(at, "statements", &["schema", "--for", engine]);
        let plain = text(&local(at, &["schema", "--for", engine]).stdout);
        assert_eq!((&statements["engine"], statements["statements"].as_str()), (&json!(engine), Some(&*plain)));
    }
    let schema = local(at, &["schema", "brand", "--for", "json-schema", "--json"]);
    assert!(serde_json::from_slice::<Value>(&schema.stdout).unwrap()["items"].is_object(), "it is a document as it is");
    assert_eq!(run_json(at, "faults", &["sandbox", "faults"]).1.as_array().unwrap().len(), 50);
}

#[test]
fn a_served_sandbox_prints_its_end_point_once_it_listens() {
    use std::io::BufRead;
    let folder = folder();
    let mut child = command(folder.path(), &["sandbox", "serve", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let printed: Value = serde_json::from_str(&line).unwrap();
    check("sandbox", &printed).unwrap();
    let port = printed["end_point"].as_str().unwrap().strip_prefix("http://127.0.0.1:").unwrap();
    let second = local(folder.path(), &["sandbox", "serve", "--port", port]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let refused =
        format!("error: the sandbox cannot listen on 127.0.0.1:{port}; without --port, it takes a free port: ");
    assert!(text(&second.stderr).starts_with(&refused), "{}", text(&second.stderr));
}

#[test]
fn a_schema_refuses_what_a_command_does_not_print() {
    let good = json!({"errorType": "config", "errorMessage": "x"});
    assert_eq!(check("failure", &good), Ok(()));
    for bad in [json!({"errorType": "config"}), json!({"errorType": "new", "errorMessage": "x"}), json!([]), {
        let mut more = good.clone();
        more["more"] = json!(1);
        more
    }] {
        assert!(check("failure", &bad).is_err(), "{bad}");
    }
}

/// The quality objects of a folder, those in `partial/` too.
fn quality_objects(folder: &Path) -> Vec<Value> {
    let mut objects = Vec::new();
    for place in ["sandbox_env/quality", "sandbox_env/partial/quality"] {
        support::aws::walk(&folder.join(place), &mut |path| {
            objects.push(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
        });
    }
    objects
}

#[test]
fn the_schema_of_the_quality_object_has_every_key_that_a_run_writes_and_no_other() {
    let folder = folder();
    let gaps = CONFIGURE_INI.replace("[topic]", "[limits]\nmedia_per_hashtag = auto\n[topic]");
    std::fs::write(folder.path().join("configure.ini"), gaps).unwrap();
    let lost = ["--fault", "hermes=permission", "--fault", "prada=hang_up", "--fault", "dior=bad_records"];
    for (job, event, faults) in [
        ("brand_media", TIME, &["--fault", "dior=bad_records"][..]),
        ("brand_media", TIME, &lost),
        ("hashtag", TIME, &["--fault", "#dior=bad_records"]),
        ("hashtag", r#"{"hashtags":["dior"],"time":"2026-01-31T04:00:00Z"}"#, &[]),
        ("hashtag", r#"{"shard":"s-1","time":"2026-01-31T05:00:00Z"}"#, &["--fault", "#gucci=not_there"]),
    ] {
        let done = local(folder.path(), &[&[job, "--sandbox", "--event", event], faults].concat());
        assert!(done.status.success(), "{done:?}");
    }
    let objects = quality_objects(folder.path());
    assert_eq!(objects.len(), 7);
    let mut keys = BTreeSet::new();
    for object in &objects {
        check("quality", object).unwrap_or_else(|error| panic!("{error}"));
        let lists = ["topics", "rejected"].map(|list| object[list].as_array().unwrap());
        let reasons = object["defaulted"].as_object().unwrap().values().flat_map(|field| field.as_object().unwrap());
        let defaulted = reasons.flat_map(|(_, cases)| cases.as_array().unwrap());
        let parts = lists.into_iter().flatten().chain(defaulted).chain([object, &object["counts"]]);
        keys.extend(parts.flat_map(|part| part.as_object().unwrap().keys().cloned()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json/quality.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let parts = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let named: BTreeSet<String> =
        parts.flat_map(|part| part["properties"].as_object().unwrap().keys().cloned()).collect();
    // No run here gets the id of another account, or rejects so much that cases are not listed.
    assert_eq!(named.difference(&keys).collect::<Vec<_>>(), ["identity", "not_listed"]);

    let mut full = objects[0].clone();
    full["topics"][0]["identity"] = json!("17841400000000000");
    full["not_listed"] = json!({"rejected": 1, "defaulted": 0});
    assert_eq!(check("quality", &full), Ok(()));
    for part in ["", "/counts", "/not_listed", "/topics/0"] {
        let mut more = full.clone();
        more.pointer_mut(part).unwrap()["more"] = json!(1);
        assert!(check("quality", &more).is_err(), "{part}");
    }
    full.as_object_mut().unwrap().remove("counts");
    assert!(check("quality", &full).is_err());
}
