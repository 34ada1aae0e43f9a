//! `luxury-brands sandbox`: the stand-in of the API, for other processes to call.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::{SandboxArgs, print_faults};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The port on 127.0.0.1; 0 for any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[command(flatten)]
    sandbox: SandboxArgs,
}

impl ServeArgs {
    pub(super) async fn run(self) -> Result<ExitCode> {
        if self.sandbox.asks_for_help() {
            return Ok(print_faults());
        }
        let sandbox = self.sandbox.start(self.port).await?;
        println!("the sandbox listens on {0}; set [API] end_point = {0}/{{VERSION}} to use it", sandbox.end_point());
        std::future::pending::<()>().await;
        Ok(ExitCode::SUCCESS)
    }
}
