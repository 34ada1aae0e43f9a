//! `luxury-brands retry`: repairs a run, from the report of that run.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Error, Result, anyhow};
use clap::Args;
use serde::Serialize;

use super::failure::UsageError;
use super::output::{self, Output};
use super::repair::{self, Coverage, PreviousRun, Repair};
use super::run::{RunOnce, read_argument};
use collector::telemetry::printable;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RetryArgs {
    /// The report of the run, as a file, as JSON, or - for standard input
    #[arg(value_name = "FILE|JSON|-")]
    report: String,
    /// Print the event that repairs the run, and run nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: RunOnce,
}

/// What would be run, with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Planned<'a> {
    /// The event that repairs the run; null if nothing failed.
    repair: Option<&'a Repair>,
    /// Why this event repairs it.
    reason: &'a str,
}

const EXAMPLES: &str = r#"The report is the function's response, its error, its last line in the log, or a quality object. The objects of its time are read, including those of other runs. Topics that none of them has are collected under that time. A run that stored nothing, or lost an object, is repeated.

Examples:
  luxury-brands retry response.json
  aws s3 cp s3://BUCKET/quality/...json - | luxury-brands retry - --dry-run
  aws lambda invoke --function-name FUNCTION --cli-binary-format raw-in-base64-out \
      --payload "$(luxury-brands retry response.json --dry-run)" again.json"#;

impl RetryArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let (name, text) = self.input()?;
        let unusable = |error: String| UsageError(anyhow!(error));
        let previous = repair::read(name, &text).map_err(unusable)?;
        self.once.on.check_kind(previous.sandbox)?;
        let objects = self.objects(&previous, output).await;
        let Some((event, reason)) = repair::repair(&previous, objects.as_ref()).map_err(unusable)? else {
            let reason = match &objects {
                Some(_) => "no topic is missing from the objects of this time: nothing is repeated",
                None => "nothing failed in this run: nothing is repeated",
            };
            output.remark(reason);
            if output.json {
                output::print_json(&Planned { repair: None, reason })?;
            }
            return Ok(ExitCode::SUCCESS);
        };
        output.remark(printable(&reason));
        if self.dry_run {
            let planned = Planned { repair: Some(&event), reason: &reason };
            if output.json {
                output::print_json(&planned)?
            } else {
                output::print(event.to_json())?
            }
            return Ok(ExitCode::SUCCESS);
        }
        self.once.run(&serde_json::to_value(&event)?, output).await
    }

    /// The objects of the run's time, of all runs; `None`, with a WARNING, if there are none or they cannot be listed.
    async fn objects(&self, previous: &PreviousRun, output: Output) -> Option<Coverage> {
        let (job, time) = previous.objects()?;
        let listed = async {
            let (place, config) = self.once.on.place().await?;
            let objects = Coverage::of(&place, &config, job, time).await?;
            objects.with_context(|| format!("{place} has no objects of this time"))
        };
        let warn = |error: &Error| {
            output.remark(printable(&format!("WARNING only this report says what is missing: {error:#}")));
        };
        listed.await.inspect_err(warn).ok()
    }

    /// The report's text, and a name for it.
    fn input(&self) -> Result<(&str, String)> {
        if self.report == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            return Ok(("standard input", text));
        }
        let text = read_argument("", &self.report).map_err(UsageError)?;
        Ok((if text == self.report { "the JSON given" } else { &self.report }, text))
    }
}
