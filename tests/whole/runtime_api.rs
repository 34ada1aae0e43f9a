//! The real binary under the stand-in of the Lambda Runtime API.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use collector::sandbox::{Answer, RuntimeApi};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// Runs the binary on `events`, each with 30 seconds to go, and gives its answers and its standard output.
pub async fn run(
    binary: &Path,
    folder: &Path,
    variables: &[(&str, String)],
    events: &[Value],
) -> (Vec<Answer>, String) {
    let events = events.iter().map(|event| (event.clone(), Duration::from_secs(30))).collect();
    watched(binary, folder, variables, events, |_, _| {}).await
}

/// Runs the binary on `events` with what each has to go, and tells `watch` its process id and how many
/// are done, whenever more are.
pub async fn watched(
    binary: &Path,
    folder: &Path,
    variables: &[(&str, String)],
    events: Vec<(Value, Duration)>,
    mut watch: impl FnMut(u32, usize),
) -> (Vec<Answer>, String) {
    let all = events.len();
    let mut function = Function::start(Command::new(binary), folder, variables, events).await;
    let mut done = 0;
    while done < all {
        assert!(function.runs(), "the function ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = function.answered();
        if now > done {
            done = now;
            watch(function.id(), done);
        }
    }
    let Ended { answers, log, stderr } = function.end().await;
    assert_eq!(stderr, "", "the log is on standard output");
    (answers, log)
}

/// The binary under way.
pub struct Function {
    child: Child,
    api: RuntimeApi,
    answers: Vec<Answer>,
    log: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

/// What it left behind.
pub struct Ended {
    pub answers: Vec<Answer>,
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
        // Read all along: a function whose pipe is full stands still.
        let (log, stderr) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        Self { child, api, answers: Vec::new(), log, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How many events are done.
    pub fn answered(&mut self) -> usize {
        self.answers.extend(std::iter::from_fn(|| self.api.try_answer()));
        self.answers.len()
    }

    /// Ends it, where it still runs.
    pub async fn end(mut self) -> Ended {
        self.child.kill().await.unwrap();
        self.answered();
        Ended { answers: self.answers, log: self.log.await.unwrap(), stderr: self.stderr.await.unwrap() }
    }
}

fn read(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        pipe.read_to_string(&mut text).await.map(|_| text).unwrap()
    })
}
