//! Runs of the terminal binary that a signal ends.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use crate::terminal::{command, folder, records};
use support::aws::{S3Fault, STALLS};
use support::harness::Harness;

/// A run in progress.
struct Running {
    child: Child,
    lines: Receiver<String>,
    printed: Vec<String>,
}

/// Its end.
struct Ended {
    code: Option<i32>,
    out: String,
    printed: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(command(folder, arguments))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().for_each(|line| drop(sender.send(line.unwrap()))));
        Self { child, lines, printed: Vec::new() }
    }

    /// Waits until `count` lines of standard error hold `part`.
    fn until(mut self, count: usize, part: &str) -> Self {
        while self.printed.iter().filter(|line| line.contains(part)).count() < count {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            self.printed.push(line.unwrap_or_else(|error| panic!("no {part:?} ({error}): {:?}", self.printed)));
        }
        self
    }

    fn signal(self, signal: &str) -> Self {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self
    }

    fn end(mut self) -> Ended {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let code = self.child.wait().unwrap().code();
        self.printed.extend(self.lines.iter());
        Ended { code, out, printed: self.printed.join("\n") }
    }
}

const EVENT: &str = r#"{"time":"2026-01-31T23:59:07Z"}"#;

#[test]
fn a_signal_ends_a_run_as_its_deadline_does_and_sets_the_exit_code() {
    for (signal, name, code) in [("-TERM", "SIGTERM", 143), ("-INT", "SIGINT", 130), ("-HUP", "SIGHUP", 129)] {
        let folder = folder();
        let arguments = ["brand_media", "--sandbox", "--fault", "gucci=stall", "--event", EVENT];
        let run = Running::start(folder.path(), &arguments).until(10, "26 records");
        let ended = run.signal(signal).end();
        assert_eq!(ended.code, Some(code), "{}", ended.printed);
        assert_eq!((records(folder.path(), "brand"), records(folder.path(), "media")), (10, 250));
        let row = ended.out.lines().find(|line| line.contains("gucci")).unwrap();
        assert!(row.contains("deadline"), "{row}");
        assert!(ended.printed.contains("given up: not done when the run was interrupted"), "{}", ended.printed);
        assert!(ended.out.contains("sandbox_env/raw/brand_2026-01-31/brand_2026-01-31_235907.json  10 records"));
        assert!(
            ended.printed.contains(&format!("interrupted by {name}: what was collected is stored")),
            "{}",
            ended.printed
        );
        assert!(
            ended
                .printed
                .contains(r#"--event '{"job":"brand_media","time":"2026-01-31T23:59:07Z","accounts":["gucci"]}'"#)
        );
        let quality = folder.path().join("sandbox_env/quality/brand_2026-01-31/brand_2026-01-31_235907.json");
        let quality: Value = serde_json::from_slice(&std::fs::read(quality).unwrap()).unwrap();
        let gucci = quality["topics"].as_array().unwrap().iter().find(|run| run["topic"] == "gucci").unwrap();
        assert_eq!(
            (&gucci["kind"], &gucci["asked_at"], &gucci["records"]),
            (&json!("deadline"), &json!(null), &json!(0))
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_under_nohup_is_not_ended_by_sighup() {
    let folder = folder();
    let binary = env!("CARGO_BIN_EXE_luxury-brands");
    let mut command = Command::new("nohup");
    command.args([binary, "brand_media", "--sandbox", "-v", "--fault", "gucci=slow:2000"]).current_dir(folder.path());
    let ended = Running::spawn(command).until(10, "26 records").signal("-HUP").end();
    assert_eq!((ended.code, records(folder.path(), "brand")), (Some(0), 11), "{}", ended.printed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_run_at_once_with_the_code_of_the_first_one() {
    let harness = Harness::with_faults(&["gucci=stall"]).await;
    // The run stalls while it stores.
    harness.aws.fail_s3(S3Fault { part: "raw/", status: 0, code: STALLS, times: 99 });
    let folder = folder();
    let mut command = command(folder.path(), &["brand_media", "--event", EVENT]);
    command.envs(harness.aws.environment());
    let run = Running::spawn(command).until(10, "26 records");
    let mut run = run.signal("-TERM").until(1, "SIGTERM: the current run ends now");
    std::thread::sleep(Duration::from_millis(500));
    assert!(run.child.try_wait().unwrap().is_none(), "it still stores");
    let ended = run.signal("-INT").end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(143), ""), "{}", ended.printed);
    assert!(harness.aws.objects().is_empty());
}

#[test]
fn an_interrupted_run_without_results_prints_its_error_and_keeps_the_signals_code() {
    for (job, fault) in [("brand_media", "*=stall"), ("hashtag", "*=stall"), ("token", "token=stall")] {
        let folder = folder();
        let faults = ["--fault", fault, "--fault", "*=version:v21.0"];
        let run = Running::start(folder.path(), &[&[job, "--sandbox"], &faults[..]].concat());
        let run = run.until(1, "v21.0 responds");
        let ended = run.signal("-INT").end();
        assert_eq!(ended.code, Some(130), "{}", ended.printed);
        assert!(
            ended.printed.contains("error: nothing was collected: ")
                && ended.printed.ends_with("interrupted by SIGINT")
        );
        assert!(!folder.path().join("sandbox_env/raw").exists(), "only quality objects, which say why");
    }
}

#[test]
fn an_interrupted_sandbox_day_keeps_the_runs_that_are_done() {
    let folder = folder();
    let run = Running::start(folder.path(), &["sandbox", "day", "--hours", "1000", "-v"]).until(1, "fields defaulted");
    let ended = run.signal("-TERM").end();
    assert_eq!(ended.code, Some(143), "{}", ended.printed);
    assert!(ended.printed.contains("interrupted by SIGTERM after ") && ended.printed.ends_with(" of 13000 runs"));
    assert!(ended.out.contains("sandbox_env") && records(folder.path(), "brand") > 0, "{}", ended.out);
}
