//! `local brand_media`, `local hashtag`, `local token`: one run of a job.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::progress::Watch;
use super::{SandboxArgs, print_faults};
use crate::aws;
use crate::error::{Cause, Error};
use crate::event::{Event, Job};
use crate::function::{Function, Invocation};
use crate::report::Response;
use crate::secret::{self, Source};

/// What a run from a terminal may take.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Run on the built-in sandbox: no token, no AWS account, data into ./sandbox_env
    #[arg(long)]
    sandbox: bool,
    /// The event, as JSON or as the path of a JSON file; what names no job gets this command's
    #[arg(long, value_name = "JSON|FILE")]
    event: Option<String>,
    /// Give up after so many seconds, as Lambda would
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    #[command(flatten)]
    on: SandboxArgs,
}

impl RunArgs {
    pub(super) async fn run(self, job: Job, verbose: u8) -> Result<ExitCode> {
        if self.on.asks_for_help() {
            return Ok(print_faults());
        }
        let payload = self.payload(job)?;
        let watch = Watch::start(verbose);
        // Kept to the end: the sandbox stops where it is dropped.
        let (function, _sandbox) = if self.sandbox {
            let sandbox = self.on.start(0).await?;
            (Function::against(sandbox.end_point(), sandbox.secret(self.on.config.clone())), Some(sandbox))
        } else {
            let function = Function::new(Source::from_env()).with_aws_from(aws::from_everywhere);
            (function.with_secret_prefix(secret::prefix_from_env()), None)
        };
        let limit = self.timeout.map_or(TIME_LIMIT, Duration::from_secs);
        let request_id = format!("local-{}", std::process::id());
        let invocation = Invocation::new(request_id, SystemTime::now() + limit);
        let done = function.invoke(&payload, &invocation, &watch).await;
        watch.finish();
        Ok(match done {
            Ok(response) => {
                print_response(&response);
                ExitCode::SUCCESS
            }
            Err(error) => {
                print_error(&error);
                ExitCode::FAILURE
            }
        })
    }

    /// The event that is given, for `job`.
    fn payload(&self, job: Job) -> Result<Value> {
        let Some(given) = &self.event else { return Ok(json!({ "job": job.name() })) };
        let text = if given.trim_start().starts_with(['{', '"']) {
            given.clone()
        } else {
            std::fs::read_to_string(Path::new(given))
                .with_context(|| format!("--event {given:?} is neither JSON nor a file that can be read"))?
        };
        let mut payload: Value =
            serde_json::from_str(&text).with_context(|| format!("--event {given:?} is not JSON"))?;
        if let Value::Object(fields) = &mut payload
            && !fields.contains_key("detail")
        {
            fields.entry("job").or_insert_with(|| job.name().into());
        }
        match Event::parse(&payload) {
            Ok(event) if event.job != job => {
                bail!("--event is for the job {:?}, the command for {:?}", event.job.name(), job.name())
            }
            // One that is wrong is told by the function, as on Lambda.
            _ => Ok(payload),
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
    eprintln!("error: {}", error.cause);
    if matches!(error.cause, Cause::Secret(_)) {
        eprintln!("To try it without a secret, add --sandbox.");
    }
}
