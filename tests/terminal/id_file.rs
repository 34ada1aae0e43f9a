//! The file through which separate processes share the ids of hashtags, tested by the calls that the API counts.

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use sandbox::Sandbox;
use serde_json::{Value, json};

use crate::terminal::{command, local, records, stand_in, text};
use support::aws::walk;
use support::harness::{Harness, TIME};

const FILE: &str = "local_env/.cache/hashtag_ids.json";

fn start(folder: &Path, event: &Value) -> Child {
    let mut command = command(folder, &["hashtag", "--event", &event.to_string()]);
    let command = command.env("SECRET_FILE", folder.join("secret.ini"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A run in a separate process.
fn run(folder: &Path) -> Output {
    let output = start(folder, &json!({"time": TIME})).wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn lookups(sandbox: &Sandbox) -> usize {
    sandbox.calls().iter().filter(|call| call.path == "ig_hashtag_search").count()
}

fn ids(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(FILE)).unwrap()).unwrap()
}

fn write(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder.join(FILE).parent().unwrap()).unwrap();
    std::fs::write(folder.join(FILE), text).unwrap();
}

/// Every file below a folder that has to do with ids.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(folder, &mut |path| files.extend(path.to_str().unwrap().contains("hashtag_ids").then(|| path.to_owned())));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_process_asks_for_no_id() {
    let (sandbox, folder) = stand_in(&[]).await;
    for calls in [22, 33, 44] {
        run(folder.path());
        assert_eq!((sandbox.calls().len(), lookups(&sandbox)), (calls, 11));
    }
    assert_eq!(ids(folder.path())[sandbox.end_point()].as_object().unwrap().len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_at_the_same_time_lose_each_other_no_id() {
    let (sandbox, folder) = stand_in(&[]).await;
    let hashtags = ["hermes", "chanel", "dior", "louisvuitton", "gucci", "prada", "ysl", "celine"];
    let event = |hashtag| json!({"time": TIME, "hashtags": [hashtag]});
    let running = hashtags.map(|hashtag| start(folder.path(), &event(hashtag)));
    for process in running {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success() && !text(&output.stderr).contains("hashtag_ids"), "{output:?}");
    }
    assert_eq!(lookups(&sandbox), 8);
    assert_eq!(ids(folder.path())[sandbox.end_point()].as_object().unwrap().len(), 8);
    run(folder.path());
    assert_eq!(lookups(&sandbox), 11, "three were left to ask for");
    assert_eq!(files(folder.path()).len(), 2, "the file, its lock, and no part of a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_does_not_exist_is_looked_up_again() {
    let (sandbox, folder) = stand_in(&[]).await;
    run(folder.path());
    let before = ids(folder.path());
    let mut wrong = before.clone();
    wrong[sandbox.end_point()]["dior"] = "17".into();
    write(folder.path(), &wrong.to_string());
    run(folder.path());
    assert_eq!((sandbox.calls().len(), lookups(&sandbox)), (22 + 13, 12), "the wrong one, the search, the right one");
    assert_eq!(ids(folder.path()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_whose_hashtag_is_gone_leaves_the_file() {
    let (sandbox, folder) = stand_in(&[]).await;
    run(folder.path());
    sandbox.set_faults(vec!["#dior=not_there".parse().unwrap()]);
    let output = run(folder.path());
    assert!(text(&output.stdout).contains("in partial/. dior: the hashtag does not exist"), "{output:?}");
    assert_eq!(sandbox.calls().len(), 22 + 12, "its media, and the search");
    let left = ids(folder.path());
    let left = left[sandbox.end_point()].as_object().unwrap();
    assert!(left.len() == 10 && !left.contains_key("dior"), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_without_media_for_the_caller_is_looked_up_once_per_process() {
    let (sandbox, folder) = stand_in(&[]).await;
    run(folder.path());
    let before = ids(folder.path());
    sandbox.set_faults(vec!["#dior=not_therex1".parse().unwrap()]);
    run(folder.path());
    assert_eq!((sandbox.calls().len(), lookups(&sandbox)), (22 + 12, 12));
    assert_eq!(ids(folder.path()), before, "the search gave the same one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_read_only_file_only_costs_calls() {
    let (sandbox, folder) = stand_in(&[]).await;
    write(folder.path(), "{\"http");
    let printed = text(&run(folder.path()).stderr);
    assert!(printed.contains("WARNING") && printed.contains(&format!("{FILE} cannot be read")), "{printed}");
    assert_eq!(lookups(&sandbox), 11);
    assert!(!text(&run(folder.path()).stderr).contains("hashtag_ids.json"), "it is whole again");
    assert_eq!(lookups(&sandbox), 11);

    std::fs::remove_dir_all(folder.path().join("local_env/.cache")).unwrap();
    std::fs::write(folder.path().join("local_env/.cache"), "a file where the folder would be").unwrap();
    let printed = text(&run(folder.path()).stderr);
    assert!(printed.contains("WARNING") && printed.contains(&format!("{FILE} cannot be written")), "{printed}");
    assert_eq!(lookups(&sandbox), 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_a_sandbox_are_in_no_file_and_those_of_one_address_serve_no_other() {
    let (sandbox, folder) = stand_in(&[]).await;
    let real = r#"{"https://graph.facebook.com":{"dior":"17","gucci":"18"}}"#;
    write(folder.path(), real);
    let output = local(folder.path(), &["hashtag", "--sandbox"]);
    assert!(output.status.success() && records(folder.path(), "media_hashtag") == 275, "{output:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), real);
    assert_eq!(files(folder.path()).len(), 1);

    run(folder.path());
    assert_eq!(lookups(&sandbox), 11, "a mock is asked for its own ids");
    assert_eq!(ids(folder.path())["https://graph.facebook.com"], json!({"dior": "17", "gucci": "18"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn if_the_data_goes_to_a_bucket_the_file_is_in_the_users_cache() {
    let harness = Harness::with_faults(&[]).await;
    let cache = tempfile::tempdir().unwrap();
    let mut variables = support::runtime_api::variables(&harness);
    variables.push(("XDG_CACHE_HOME", cache.path().to_str().unwrap().to_owned()));
    let (event, folder) = (json!({"job": "hashtag", "time": TIME}), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        let mut command = command(folder.path(), &["hashtag", "--event", &event.to_string()]);
        let output = command.envs(variables.iter().map(|(name, value)| (*name, value))).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(lookups(&harness.sandbox), 11);
    }
    assert!(cache.path().join("luxury-brands/hashtag_ids.json").exists());
}
