//! `luxury-brands sandbox`: the built-in mock of the API.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::SandboxArgs;
use super::output::{self, Output};
use super::setting::default_config;
use sandbox::Fault;

pub(super) mod day;

#[derive(Debug, Subcommand)]
pub(super) enum SandboxCommand {
    /// Serve the sandbox on 127.0.0.1 until it is interrupted
    Serve(ServeArgs),
    /// Collect a day of sandbox data into ./sandbox_env, as the schedule would
    Day(day::DayArgs),
    /// List the faults that --fault takes
    Faults,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The port on 127.0.0.1; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value_os_t = default_config())]
    config: PathBuf,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

/// A sandbox that listens, with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listening {
    /// Its address, for `[API] end_point`.
    end_point: String,
}

impl SandboxCommand {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        match self {
            Self::Serve(args) => args.run(output).await,
            Self::Day(args) => args.run(output).await,
            Self::Faults => {
                if output.json {
                    output::print_json(&Fault::explanations())?;
                } else {
                    output::print(Fault::explained())?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl ServeArgs {
    async fn run(self, output: Output) -> Result<ExitCode> {
        let sandbox = self.sandbox.start(&self.config, self.port).await?;
        let end_point = sandbox.end_point();
        if output.json {
            output::print_json(&Listening { end_point })?;
        } else {
            output::print(format_args!(
                "the sandbox listens on {end_point}; set [API] end_point = {end_point}/{{VERSION}} to use it"
            ))?;
        }
        std::future::pending::<()>().await;
        Ok(ExitCode::SUCCESS)
    }
}
