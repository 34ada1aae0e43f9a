//! `luxury-brands watch`: hours of the schedule that take seconds, against a mock of the API.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::terminal::{command, folder, stand_in, text};
use support::aws::{BUCKET, KEY};
use support::harness::{CONFIGURE_INI, TOKEN, api_of};
use support::process::held;

/// A process that watches, and all that it prints.
pub struct Watching {
    child: Child,
    lines: Receiver<String>,
    pub printed_lines: Vec<String>,
}

impl Watching {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(folder, &[&["watch"], arguments].concat());
        command.env("SECRET_FILE", folder.join("secret.ini"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let read = |stream: Box<dyn Read + Send>, sender: mpsc::Sender<String>| {
            std::thread::spawn(move || {
                BufReader::new(stream).lines().for_each(|line| drop(sender.send(line.unwrap())))
            });
        };
        read(Box::new(child.stdout.take().unwrap()), sender.clone());
        read(Box::new(child.stderr.take().unwrap()), sender);
        Self { child, lines, printed_lines: Vec::new() }
    }

    /// Waits until `count` lines hold `part`.
    pub fn until(&mut self, count: usize, part: &str) {
        while self.printed_lines.iter().filter(|line| line.contains(part)).count() < count {
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            self.printed_lines
                .push(line.unwrap_or_else(|error| panic!("no {part:?} ({error}): {:#?}", self.printed_lines)));
        }
    }

    /// Ends the process by a signal: its exit code, and all that it printed.
    pub fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let code = self.child.wait().unwrap().code();
        self.printed_lines.extend(self.lines.iter());
        (code, self.printed_lines)
    }
}

/// The lines of runs of `job`, and the times that they start with.
fn runs_of<'t>(printed_lines: &'t [String], job: &str) -> Vec<(DateTime<Utc>, &'t str)> {
    let run = |line: &'t String| Some((line.split_once(&format!(" {job}: "))?.0.parse().ok()?, line.as_str()));
    printed_lines.iter().filter_map(run).collect()
}

fn calls_printed(line: &str) -> usize {
    let before = line.split(" API calls").next().unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_asks_for_each_hashtags_id_once_and_holds_no_more_at_its_end() {
    let (sandbox, folder) = stand_in(&[]).await;
    let mut watching = Watching::start(folder.path(), &["--hour", "12s"]);
    watching.until(3, " hashtag: ");
    let early = held(watching.child.id());
    watching.until(12, " hashtag: ");
    watching.until(1, " brand_media: ");
    let late = held(watching.child.id());
    let (code, printed_lines) = watching.end("-TERM");
    assert_eq!(code, Some(143), "{printed_lines:#?}");

    let (brand, hashtag) = (runs_of(&printed_lines, "brand_media"), runs_of(&printed_lines, "hashtag"));
    let calls = sandbox.calls();
    let lookups = calls.iter().filter(|call| call.path == "ig_hashtag_search").count();
    assert_eq!(lookups, 11, "each id is asked for once");
    let printed_calls: usize = brand.iter().chain(&hashtag).map(|(_, line)| calls_printed(line)).sum();
    let of_token = calls.iter().filter(|call| call.topic == "token").count();
    assert_eq!(printed_calls, calls.len() - of_token, "{printed_lines:#?}");
    assert_eq!(calls_printed(hashtag[0].1), 22);
    assert!(brand.iter().chain(&hashtag[1..12]).all(|(_, line)| calls_printed(line) == 11), "{printed_lines:#?}");

    for (model, runs) in [("brand", &brand), ("media", &brand), ("media_hashtag", &hashtag)] {
        for (time, _) in runs.iter() {
            let object = format!("raw/{model}_{}/{model}_{}.json", time.format("%F"), time.format("%F_%H%M%S"));
            assert!(folder.path().join("local_env").join(&object).exists(), "{object} of {printed_lines:#?}");
        }
    }
    let mut again = Watching::start(folder.path(), &["--hour", "12s"]);
    again.until(1, " hashtag: ");
    let printed_lines = again.end("-TERM").1;
    assert_eq!(
        calls_printed(runs_of(&printed_lines, "hashtag")[0].1),
        11,
        "the ids outlive the process: {printed_lines:#?}"
    );
    assert!(late.files <= early.files + 8 && late.rss_kib <= early.rss_kib + 16 * 1024, "{early:?} {late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_a_run_stores_what_was_collected_and_ends_the_watch() {
    let (_sandbox, folder) = stand_in(&["#gucci=stall"]).await;
    let mut watching = Watching::start(folder.path(), &["--hour", "12s", "-vv"]);
    // The DEBUG line of a topic that is done. The run itself waits for #gucci.
    watching.until(1, "model=media_hashtag");
    let (code, printed_lines) = watching.end("-TERM");
    assert_eq!(code, Some(143), "{printed_lines:#?}");
    let hashtag = runs_of(&printed_lines, "hashtag");
    assert!(hashtag.len() == 1 && !hashtag[0].1.contains(" 0 topics failed"), "{printed_lines:#?}");
    assert!(
        printed_lines
            .iter()
            .any(|line| line.contains("to repair it: luxury-brands hashtag --event") && line.contains("gucci"))
    );
    assert!(
        printed_lines.iter().any(|line| line.starts_with("ended by SIGTERM after ") && line.ends_with(" 0 failed"))
    );
    assert!(folder.path().join("local_env/raw").exists());
}

#[test]
fn a_signal_between_two_runs_ends_the_watch_at_once() {
    for (signal, name, code) in [("-TERM", "SIGTERM", 143), ("-INT", "SIGINT", 130)] {
        let folder = folder();
        let mut watching = Watching::start(folder.path(), &["--sandbox"]);
        watching.until(3, " runs next at ");
        let (ended, printed_lines) = watching.end(signal);
        assert_eq!(ended, Some(code), "{printed_lines:#?}");
        assert!(
            printed_lines.iter().any(|line| line.starts_with(&format!("ended by {name} after "))),
            "{printed_lines:#?}"
        );
    }
}

#[test]
fn a_run_that_fails_is_reported_and_the_next_one_starts() {
    let folder = folder();
    // The job `token`, at 06:17, may get one of the faults.
    let mut watching = Watching::start(folder.path(), &["--sandbox", "--hour", "12s", "--fault", "*=permissionx12"]);
    watching.until(1, " records in ");
    let (code, printed_lines) = watching.end("-TERM");
    assert_eq!(code, Some(143), "{printed_lines:#?}");
    let failed: Vec<&String> = printed_lines.iter().filter(|line| line.starts_with("error: ")).collect();
    // The signal may end a run in progress, which then fails.
    let nothing_collected = " failed: nothing was collected: 11 of 11 topics failed: the token lacks ";
    assert!(failed.iter().any(|line| line.contains(nothing_collected)), "{printed_lines:#?}");
    let ended = format!(", of which {} failed", failed.len());
    assert!(
        printed_lines.iter().any(|line| line.starts_with("ended by SIGTERM after ") && line.ends_with(&ended)),
        "{printed_lines:#?}"
    );
    assert!(folder.path().join("sandbox_env/raw").exists());
}

#[test]
fn with_json_each_run_is_a_document_and_the_rest_is_on_standard_error() {
    let folder = folder();
    let arguments = ["--sandbox", "--hour", "12s", "--fault", "*=permissionx11", "--json"];
    let mut watching = Watching::start(folder.path(), &arguments);
    watching.until(1, "\"errorType\"");
    watching.until(1, "\"statusCode\"");
    let printed_lines = watching.end("-TERM").1;
    let documents = printed_lines.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    for document in documents {
        let name = if document.get("errorType").is_some() { "failure" } else { "response" };
        crate::documents::check(name, &document).unwrap();
    }
    assert!(printed_lines.iter().any(|line| line.contains("ended by SIGTERM")));
}

/// The times that a WARNING lists as missed, of `hashtag` runs.
fn missed(line: &str) -> Vec<DateTime<Utc>> {
    let Some((_, rest)) = line.split_once("hashtag: missed at ") else { return Vec::new() };
    let list = rest.split(", since ").next().unwrap();
    let Some((first, last)) = list.split_once(" to ") else {
        return list.split(", ").map(|time| time.parse().unwrap()).collect();
    };
    let (first, last): (DateTime<Utc>, DateTime<Utc>) = (first.parse().unwrap(), last.parse().unwrap());
    (0..).map(|n| first + Duration::from_secs(300 * n)).take_while(|time| *time <= last).collect()
}

#[test]
fn each_time_that_passes_in_a_slow_run_is_run_or_named_as_missed() {
    let folder = folder();
    let mut watching = Watching::start(folder.path(), &["--sandbox", "--hour", "12s", "--fault", "*=slow:3500x1"]);
    watching.until(1, "hashtag: missed at ");
    watching.until(3, " hashtag: ");
    let (_, printed_lines) = watching.end("-TERM");
    let ran: Vec<DateTime<Utc>> = runs_of(&printed_lines, "hashtag").into_iter().map(|(time, _)| time).collect();
    let missed: Vec<DateTime<Utc>> = printed_lines.iter().flat_map(|line| missed(line)).collect();
    let all: BTreeSet<_> = ran.iter().chain(&missed).collect();
    assert_eq!(all.len(), ran.len() + missed.len(), "none is both: {printed_lines:#?}");
    let all: Vec<_> = all.into_iter().collect();
    assert!(all.windows(2).all(|pair| (*pair[1] - *pair[0]).num_seconds() == 300), "{printed_lines:#?}");
}

#[test]
fn a_shortened_hour_is_refused_against_the_real_api() {
    let folder = folder();
    let secret = format!("[SECRET]\nig_user_id = 17841400000000001\naccess_token = {TOKEN}\nbucket = local_env\n");
    std::fs::write(folder.path().join("secret.ini"), secret).unwrap();
    let mut refused = command(folder.path(), &["watch", "--hour", "12s"]);
    let refused = refused.env("SECRET_FILE", folder.path().join("secret.ini")).output().unwrap();
    let printed_lines = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(2) && printed_lines.starts_with("error: --hour is only for a mock of the API"),
        "{printed_lines}"
    );
    assert!(printed_lines.contains("https://graph.facebook.com/v17.0") && refused.stdout.is_empty(), "{printed_lines}");
}

#[test]
fn a_job_without_topics_is_named_once_and_never_runs() {
    let folder = folder();
    let config = CONFIGURE_INI.lines().map(|line| if line.starts_with("accounts = ") { "accounts =" } else { line });
    std::fs::write(folder.path().join("configure.ini"), config.collect::<Vec<_>>().join("\n")).unwrap();
    let mut watching = Watching::start(folder.path(), &["--sandbox", "--hour", "3s"]);
    watching.until(13, " hashtag: ");
    let (code, printed_lines) = watching.end("-TERM");
    assert_eq!(code, Some(143), "{printed_lines:#?}");
    let about: Vec<_> = printed_lines.iter().filter(|line| line.contains("brand_media")).collect();
    assert_eq!(about, ["brand_media does not run: [topic] accounts is empty"], "{printed_lines:#?}");
}

#[test]
fn an_option_of_a_single_run_is_refused() {
    let refused = command(folder().path(), &["watch", "--sandbox", "--fail-on", "partial"]).output().unwrap();
    assert!(refused.status.code() == Some(2) && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn a_watch_that_cannot_run_ends_with_the_reason() {
    let folder = folder();
    let refused = command(folder.path(), &["watch"]).output().unwrap();
    let printed_lines = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(1)
            && printed_lines.contains("--sandbox")
            && printed_lines.contains("dev_secret.ini"),
        "{printed_lines}"
    );
    std::fs::write(folder.path().join("configure.ini"), format!("{CONFIGURE_INI}\n[limits]\nconcurrency = 0\n"))
        .unwrap();
    let refused = command(folder.path(), &["watch", "--sandbox"]).output().unwrap();
    let printed_lines = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && printed_lines.contains("[limits] concurrency"), "{printed_lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_no_run_could_use_ends_the_watch_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let api = api_of(folder.path(), BUCKET).await;
    let keys = [("AWS_ACCESS_KEY_ID", KEY.0), ("AWS_SECRET_ACCESS_KEY", KEY.1), ("AWS_EC2_METADATA_DISABLED", "true")];
    let region = ("AWS_REGION", "us-west-2");
    let nowhere = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    for (environment, cause) in [
        (keys.to_vec(), "no AWS region is set"),
        (vec![keys[2], region], "there are no AWS credentials"),
        ([&keys[..], &[region, nowhere]].concat(), "nothing accepts connections at the endpoint"),
    ] {
        let mut watch = command(folder.path(), &["watch"]);
        watch.env("SECRET_FILE", "secret.ini").env("HOME", folder.path()).envs(environment);
        let output = tokio::task::spawn_blocking(move || watch.output().unwrap()).await.unwrap();
        let printed = text(&output.stderr);
        assert_eq!((output.status.code(), api.calls().len()), (Some(1), 0), "{printed}");
        let expected = format!("error: the bucket lux-raw cannot be used: {cause}");
        assert!(printed.starts_with(&expected) && printed.contains("; next step: "), "{printed}");
    }
}
