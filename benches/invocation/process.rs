//! A process of the function, and its costs according to the operating system.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sandbox::{InvocationResult, RuntimeApi};
use serde_json::{Value, json};

use super::quota::Quota;
use super::setup::Setup;

/// The longest wait for an invocation.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// The function's time limit for one event: Lambda's maximum.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// A process of the function that waits for events.
pub(super) struct Function {
    child: Child,
    api: RuntimeApi,
    /// The time from the start of the process to its first request for an event.
    pub(super) started: Duration,
}

/// One invocation.
pub(super) struct Invoked {
    /// The time from handing out the event to its result.
    pub(super) took: Duration,
    /// The processor time of all threads, up to the next request for an event.
    pub(super) processor: Duration,
    response: Value,
}

impl Invoked {
    /// The size of all stored objects, in bytes.
    pub(super) fn stored_bytes(&self) -> u64 {
        let files = self.response.pointer("/summary/files").and_then(Value::as_array);
        files.into_iter().flatten().filter_map(|file| file.get("bytes")?.as_u64()).sum()
    }
}

impl Function {
    /// Starts `binary` on `setup` and waits until it requests an event.
    pub(super) async fn start(binary: &Path, setup: &Setup, quota: Option<&Quota>) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let mut command = match quota {
            // The shell moves itself into the group and becomes the function. It uses none of the quota.
            Some(quota) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(quota.processes()).arg(binary);
                shell
            }
            None => Command::new(binary),
        };
        command
            .current_dir(setup.folder())
            .env_clear()
            .envs(setup.variables())
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "collector")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .stdout(Stdio::null());
        let spawned = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        // From here on the process ends when this value is dropped.
        let mut function = Self { child, api, started: Duration::ZERO };
        let asked = wait(&mut function.child, function.api.next_request()).await?;
        function.started = asked.duration_since(spawned);
        Ok(function)
    }

    /// Runs `job` and waits until the function requests the next event.
    pub(super) async fn invoke(&mut self, job: &str) -> Result<Invoked> {
        let before = self.processor_time()?;
        let handed = Instant::now();
        self.api.hand_out(json!({ "job": job }), TIME_LIMIT);
        let (returned, result) = wait(&mut self.child, self.api.result()).await?;
        wait(&mut self.child, self.api.next_request()).await?;
        let processor = self.processor_time()?.saturating_sub(before);
        match result {
            InvocationResult::Response(response) => {
                Ok(Invoked { took: returned.duration_since(handed), processor, response })
            }
            InvocationResult::Error(error) => bail!("{job} failed: {error}"),
        }
    }

    fn proc(&self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.child.id()).into()
    }

    /// The processor time of the current threads so far. `schedstat` counts nanoseconds; `stat` would count hundredths
    /// of a second.
    fn processor_time(&self) -> Result<Duration> {
        let mut sum = 0;
        for task in std::fs::read_dir(self.proc("task")).context("no /proc: this needs Linux")? {
            // A thread may end while the list is read.
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
            sum += text.split(' ').next().and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(sum))
    }

    /// The peak memory so far, in bytes.
    pub(super) fn peak_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(self.proc("status")).context("no /proc: this needs Linux")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().context("no VmHWM")?;
        Ok(kib * 1024)
    }

    /// Ends the process.
    pub(super) fn end(self) {
        drop(self);
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // The process may already have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of `event`, unless the process ends first.
async fn wait<T>(child: &mut Child, event: impl Future<Output = Option<T>>) -> Result<T> {
    match tokio::time::timeout(MAX_WAIT, event).await {
        Ok(Some(value)) => Ok(value),
        _ => match child.try_wait()? {
            Some(status) => bail!("the function ended: {status}"),
            None => bail!("the function does not respond"),
        },
    }
}
