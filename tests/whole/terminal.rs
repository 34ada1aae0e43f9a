//! The terminal binary, as a person types it.

use std::path::Path;
use std::process::{Command, Output};

use crate::stage::CONFIGURE_INI;

fn local(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.current_dir(folder).args(arguments).env_remove("SECRET_ID").env_remove("SECRET_FILE");
    command.output().unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("configure.ini"), CONFIGURE_INI).unwrap();
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn records(folder: &Path, model: &str) -> usize {
    let mut count = 0;
    crate::aws::walk(&folder.join("local_env/raw"), &mut |path| {
        if path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{model}_2")) {
            count += serde_json::from_slice::<Vec<serde_json::Value>>(&std::fs::read(path).unwrap()).unwrap().len();
        }
    });
    count
}

#[test]
fn each_job_runs_on_the_sandbox_with_nothing_else_there() {
    let folder = folder();
    for (job, model, count) in [("brand_media", "media", 275), ("hashtag", "media_hashtag", 275)] {
        let output = local(folder.path(), &[job, "--sandbox"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(records(folder.path(), model), count);
        let told = text(&output.stdout);
        assert!(
            told.contains("topic") && told.contains("local_env/raw/") && told.lines().any(|l| l.contains("gucci")),
            "{told}"
        );
    }
    assert_eq!(records(folder.path(), "brand"), 11);
    let output = local(folder.path(), &["token", "--sandbox"]);
    assert!(output.status.success() && text(&output.stdout).contains("valid, 39 days left"));
}

#[test]
fn what_goes_wrong_is_in_the_table_and_an_error_ends_with_status_1() {
    let folder = folder();
    let output = local(folder.path(), &["brand_media", "--sandbox", "--fault", "gucci=not_there"]);
    let row = text(&output.stdout).lines().find(|l| l.contains("gucci")).unwrap().to_owned();
    assert!(output.status.success() && row.contains("not_there") && row.contains("Invalid user id"), "{row}");
    let output = local(folder.path(), &["brand_media", "--sandbox", "--fault", "*=permission"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("error: nothing was collected: 11 of 11 topics failed"));
}

#[test]
fn an_event_is_taken_as_json_or_as_a_file() {
    let folder = folder();
    let event = r#"{"time":"2026-01-31T23:59:07Z","accounts":["dior"],"shard":"x"}"#;
    std::fs::write(folder.path().join("event.json"), event).unwrap();
    for given in [event, "event.json"] {
        let output = local(folder.path(), &["brand_media", "--sandbox", "--event", given]);
        assert!(text(&output.stdout).contains("raw/brand_2026-01-31/brand_2026-01-31_235907_x.json"), "{output:?}");
    }
    for (given, told) in [
        (r#"{"job":"hashtag"}"#, "is for the job \"hashtag\""),
        ("nowhere.json", "neither JSON nor a file"),
        ("{", "is not JSON"),
    ] {
        let output = local(folder.path(), &["brand_media", "--sandbox", "--event", given]);
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(told), "{output:?}");
    }
}

#[test]
fn a_missing_secret_says_which_file_what_goes_into_it_and_that_the_sandbox_needs_none() {
    let output = local(folder().path(), &["brand_media"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        ["../secret/dev_secret.ini", "[SECRET]", "ig_user_id", "access_token", "bucket", "--sandbox"]
            .iter()
            .all(|t| told.contains(t)),
        "{told}"
    );
}

#[test]
fn a_fault_that_there_is_not_is_told_with_those_that_there_are() {
    let output = local(folder().path(), &["brand_media", "--sandbox", "--fault", "gucci=throtled"]);
    assert!(
        output.status.code() == Some(1) && text(&output.stderr).contains("transient, throttled, blocked"),
        "{output:?}"
    );
}
