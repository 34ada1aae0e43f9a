//! `luxury-brands brand_media`, `luxury-brands hashtag`, `luxury-brands token`: one run of a job.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::interrupt::{Interrupt, Signal};
use super::progress::Watch;
use super::{SandboxArgs, print_faults, repair};
use crate::aws;
use crate::error::Cause;
use crate::event::Event;
use crate::function::{Function, Invocation};
use crate::memory::Budget;
use crate::report::Error;
use crate::report::{Response, Summary};
use crate::secret::{self, Source};
use crate::telemetry::printable;
use crate::topic::Job;

/// The time limit of a run from a terminal.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The memory that a run from a terminal may use, in MiB.
const MEMORY: usize = 1024;

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The event, as JSON or as the path of a JSON file; what names no job gets this command's
    #[arg(long, value_name = "JSON|FILE")]
    event: Option<String>,
    #[command(flatten)]
    on: RunOn,
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Exchange a token that has fewer than 10 days left, prove the new one, and put it into the secret
    #[arg(long, conflicts_with = "sandbox")]
    renew: bool,
    #[command(flatten)]
    run: RunArgs,
}

impl TokenArgs {
    pub(super) async fn run(mut self, verbose: u8) -> Result<ExitCode> {
        self.run.on.renew = self.renew;
        self.run.run(Job::Token, verbose).await
    }
}

/// What a run runs on, and for how long, whatever its event.
#[derive(Debug, Args)]
pub(super) struct RunOn {
    /// Run on the built-in sandbox: no token, no AWS account, data into ./sandbox_env
    #[arg(long)]
    sandbox: bool,
    /// Give up after so many seconds, as Lambda would
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    args: SandboxArgs,
    /// Whether the token is renewed: an option of one command.
    #[arg(skip)]
    renew: bool,
}

impl RunArgs {
    pub(super) async fn run(self, job: Job, verbose: u8) -> Result<ExitCode> {
        if self.on.asks_for_help() {
            return Ok(print_faults());
        }
        self.on.run(&self.payload(job)?, verbose).await
    }

    /// The event of a run of `job`.
    fn payload(&self, job: Job) -> Result<Value> {
        let Some(event) = &self.event else { return Ok(json!({ "job": job.name() })) };
        let text = read_argument("--event ", event)?;
        let mut payload: Value =
            serde_json::from_str(&text).with_context(|| format!("--event {event:?} is not JSON"))?;
        if let Value::Object(fields) = &mut payload
            && !fields.contains_key("detail")
        {
            fields.entry("job").or_insert_with(|| job.name().into());
        }
        match Event::parse(&payload) {
            Ok(event) if event.job != job => {
                bail!("--event is for the job {:?}, the command for {:?}", event.job.name(), job.name())
            }
            // The function reports a wrong value, as it does on Lambda.
            _ => Ok(payload),
        }
    }
}

/// JSON from the command line, or the content of the file that is named there. `option` begins an error.
pub(super) fn read_argument(option: &str, argument: &str) -> Result<String> {
    if argument.trim_start().starts_with(['{', '[', '"']) {
        return Ok(argument.to_owned());
    }
    std::fs::read_to_string(Path::new(argument))
        .with_context(|| format!("{option}{argument:?} is neither JSON nor a file that can be read"))
}

impl RunOn {
    /// Whether only the list of faults is asked for.
    pub(super) fn asks_for_help(&self) -> bool {
        self.args.asks_for_help()
    }

    /// Runs the function on `payload` and prints the results. The first signal ends the run as its deadline
    /// does, and sets the exit code.
    pub(super) async fn run(&self, payload: &Value, verbose: u8) -> Result<ExitCode> {
        let interrupt = Interrupt::listen()?;
        // The sandbox stops when it is dropped, so it is kept to the end.
        let (function, _sandbox) = if self.sandbox {
            let sandbox = self.args.start(0).await?;
            (Function::against(sandbox.end_point(), sandbox.secret(self.args.config.clone())), Some(sandbox))
        } else {
            (Function::new(Source::from_env()).with_aws_from(aws::from_everywhere), None)
        };
        let function = function.with_secret_prefix(secret::prefix_from_env()).with_memory(Budget::of(MEMORY));
        let function = function.with_token_renewal(self.renew);
        let watch = Watch::start(verbose, function.redactor());
        let limit = self.timeout.map_or(TIME_LIMIT, Duration::from_secs);
        let request_id = format!("local-{}", std::process::id());
        let mut invocation = Invocation::new(request_id, SystemTime::now() + limit);
        invocation.interrupt = interrupt.token();
        let done = function.invoke(payload, &invocation, &watch).await;
        watch.finish();
        match &done {
            Ok(response) => print_response(response),
            Err(error) => print_error(error),
        }
        let signal = interrupt.signal();
        if let Some(signal) = signal {
            eprintln!("interrupted by {signal}{}", if done.is_ok() { ": what came is stored" } else { "" });
        }
        if let Ok(response) = &done {
            self.print_repair(&response.summary);
        }
        let succeeded = done.is_ok_and(|response| !response.summary.is_empty());
        let code = if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        Ok(signal.map_or(code, Signal::exit_code))
    }

    /// Prints how to collect the missing topics.
    fn print_repair(&self, summary: &Summary) {
        // The objects of an earlier run stay. They may have these topics.
        if !summary.partial.is_empty() {
            return;
        }
        if let (Some(job), Some(event)) = (summary.job, repair::of_summary(summary)) {
            let sandbox = if self.sandbox { " --sandbox" } else { "" };
            eprintln!("to repair it: luxury-brands {job}{sandbox} --event '{}'", event.to_json());
        }
    }
}

fn print_response(response: &Response) {
    let summary = &response.summary;
    for (file, place) in summary.files.iter().zip(response.target_file.lines()) {
        println!("{place}  {} records, {} bytes", file.records, file.bytes);
    }
    if !summary.quality.files.is_empty() {
        println!("quality: {}", summary.quality.files.join(", "));
    }
    let usage = summary.usage_percent.map_or_else(String::new, |percent| format!(", usage {percent} %"));
    println!("{} ({} ms, {} API calls{usage})", response.body, summary.elapsed_ms, summary.api_calls);
}

fn print_error(error: &Error) {
    // What the log has told is not told again.
    let text = match &error.cause {
        Cause::TopicsFailed { failed, topics, .. } => {
            format!("nothing was collected: {failed} of {topics} topics failed")
        }
        Cause::TokenUnknown(_) => "nothing was collected: the access token's state is unknown".to_owned(),
        _ => error.text(),
    };
    // A configuration's faults are on lines of their own, and each is printable.
    let has_lines = matches!(error.cause, Cause::Config(_));
    eprintln!("error: {}", if has_lines { text.into() } else { printable(&text) });
    if matches!(error.cause, Cause::Secret(_)) {
        eprintln!("To try it without a secret, add --sandbox.");
    }
}
