//! `luxury-brands retry`: repairs a run, from the report of that run.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Args;

use super::run::{RunOn, read_argument};
use super::{print_faults, repair};
use crate::telemetry::printable;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RetryArgs {
    /// The run's response, error, log line or quality object, as a file, as JSON, or - for standard input
    #[arg(value_name = "FILE|JSON|-")]
    report: String,
    /// Print the event that repairs the run, as one line of JSON, and run nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    on: RunOn,
}

const EXAMPLES: &str = r#"Examples:
  luxury-brands retry response.json
  aws s3 cp s3://BUCKET/quality/...json - | luxury-brands retry - --dry-run
  aws lambda invoke --function-name FUNCTION --cli-binary-format raw-in-base64-out \
      --payload "$(luxury-brands retry response.json --dry-run)" again.json"#;

impl RetryArgs {
    pub(super) async fn run(self, verbose: u8) -> Result<ExitCode> {
        if self.on.asks_for_help() {
            return Ok(print_faults());
        }
        let (name, text) = self.input()?;
        let Some((event, why)) = repair::of_report(name, &text).map_err(|error| anyhow!(error))? else {
            eprintln!("nothing failed in this run: nothing is repeated");
            return Ok(ExitCode::SUCCESS);
        };
        eprintln!("{}", printable(&why));
        if self.dry_run {
            println!("{}", event.to_json());
            return Ok(ExitCode::SUCCESS);
        }
        self.on.run(&serde_json::to_value(&event)?, verbose).await
    }

    /// The report's text, and a name for it.
    fn input(&self) -> Result<(&str, String)> {
        if self.report == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            return Ok(("standard input", text));
        }
        let text = read_argument("", &self.report)?;
        Ok((if text == self.report { "the JSON given" } else { &self.report }, text))
    }
}
