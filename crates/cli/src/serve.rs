//! `luxury-brands sandbox`: the stand-in of the API, for other processes to call.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::SandboxArgs;
use super::output::{self, Output};
use collector::config;

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The port on 127.0.0.1; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The configuration whose topics the sandbox has
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
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

impl ServeArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        if let Some(help) = self.sandbox.help(output) {
            return help;
        }
        let sandbox = self.sandbox.start(&self.config, self.port).await?;
        let end_point = sandbox.end_point();
        let told =
            || format!("the sandbox listens on {end_point}; set [API] end_point = {end_point}/{{VERSION}} to use it");
        if output.json {
            output::print_json(&Listening { end_point: end_point.clone() })?
        } else {
            output::print(told())?
        }
        std::future::pending::<()>().await;
        Ok(ExitCode::SUCCESS)
    }
}
