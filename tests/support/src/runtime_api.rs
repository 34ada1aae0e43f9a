//! Runs the real binary under the mock of the Lambda Runtime API.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sandbox::{InvocationResult, RuntimeApi};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::harness::Harness;

/// Runs the binary on `events`, each with a limit of 30 seconds. Returns its results and its standard output.
pub async fn run(
    binary: &Path,
    folder: &Path,
    variables: &[(&str, String)],
    events: &[Value],
) -> (Vec<InvocationResult>, String) {
    let events = events.iter().map(|event| (event.clone(), Duration::from_secs(30))).collect();
    watched(binary, folder, variables, events, |_, _| {}).await
}

/// Runs the binary on `events`, each with its limit. Calls `watch` with the process id and the number of
/// events done, each time that this number grows.
pub async fn watched(
    binary: &Path,
    folder: &Path,
    variables: &[(&str, String)],
    events: Vec<(Value, Duration)>,
    mut watch: impl FnMut(u32, usize),
) -> (Vec<InvocationResult>, String) {
    let all = events.len();
    let mut function = Function::start(Command::new(binary), folder, variables, events).await;
    let mut done = 0;
    while done < all {
        assert!(function.runs(), "the function ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = function.done();
        if now > done {
            done = now;
            watch(function.id(), done);
        }
    }
    let Ended { results, log, stderr } = function.end().await;
    assert_eq!(stderr, "", "the log is on standard output");
    (results, log)
}

/// A running process of the binary.
pub struct Function {
    child: Child,
    api: RuntimeApi,
    results: Vec<InvocationResult>,
    log: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

/// The output of a process.
pub struct Ended {
    pub results: Vec<InvocationResult>,
    pub log: String,
    pub stderr: String,
}

impl Function {
    /// Starts `command`, which is the binary or becomes it, in `folder`.
    pub async fn start(
        mut command: Command,
        folder: &Path,
        variables: &[(&str, String)],
        events: Vec<(Value, Duration)>,
    ) -> Self {
        let api = RuntimeApi::start().await.unwrap();
        for (event, limit) in events {
            api.hand_out(event, limit);
        }
        let mut child = command
            .current_dir(folder)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.address().to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "collector"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ])
            .envs(variables.iter().map(|(k, v)| (k, v)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // The output is read at once: a process blocks on a full pipe.
        let (log, stderr) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        Self { child, api, results: Vec::new(), log, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The number of events done.
    pub fn done(&mut self) -> usize {
        self.results.extend(std::iter::from_fn(|| self.api.try_result()));
        self.results.len()
    }

    /// Ends the process if it still runs.
    pub async fn end(mut self) -> Ended {
        self.child.kill().await.unwrap();
        self.done();
        Ended { results: self.results, log: self.log.await.unwrap(), stderr: self.stderr.await.unwrap() }
    }
}

fn read(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        pipe.read_to_string(&mut text).await.map(|_| text).unwrap()
    })
}

/// The function's environment on `harness`, with the allocator's settings of `template.yaml`.
pub fn variables(harness: &Harness) -> Vec<(&'static str, String)> {
    let allocator = ("MALLOC_MMAP_THRESHOLD_", "131072".to_owned());
    harness.aws.environment().into_iter().chain([allocator]).collect()
}
