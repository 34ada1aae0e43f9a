//! Commands of earlier versions: an error that names the replacement.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::failure::UsageError;

pub(super) const REDRIVE: &str = "`redrive` was removed: the next scheduled run replaces a failed one; \
    delete the messages of the failure queue (docs/failures.md), and repair a partial run with `retry`";

/// Whatever arguments the command had.
#[derive(Debug, Args)]
pub(super) struct RemovedArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

impl RemovedArgs {
    pub(super) fn run(self, replacement: &str) -> Result<ExitCode> {
        Err(UsageError(replacement.to_owned()).into())
    }
}
