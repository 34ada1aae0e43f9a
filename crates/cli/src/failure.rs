//! The end of a command that failed: one error on standard error, an exit code, and with `--json` a document.

use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, Output, OutputError};
use collector::config::ConfigError;
use collector::diagnosis::Diagnosis;
use collector::report::Error;
use collector::secret::SecretError;
use collector::telemetry::printable;

/// Says what to do if there is no secret at all. The other errors of a secret end in their own remedies.
pub(super) fn remark_no_secret(error: &SecretError, output: Output) {
    if error.diagnosis() == Diagnosis::NoSecret {
        output.remark(format_args!("Next step: {}", Diagnosis::NoSecret.row().next));
    }
}

/// An error of several lines. Its text is printable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Lines(pub(super) String);

/// Arguments that clap accepts and the command cannot use, or a file named in one. The exit code is clap's.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(super) struct UsageError(pub(super) anyhow::Error);

/// A failure with `--json`, in the form of a Lambda error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Failure<'a> {
    /// The kind, which stays the same over versions. `command` is a failure that no run can have.
    #[cfg_attr(
        test,
        schemars(extend("enum" = ["event", "secret", "config", "http", "nothing_collected", "store", "command"]))
    )]
    error_type: &'a str,
    /// What failed, and what to do. For a run it is JSON, as in Lambda: {"message": ..., "summary": ...}, with the
    /// summary of response.schema.json.
    error_message: &'a str,
}

/// Prints the document of a run that failed.
pub(super) fn print_run(error: &Error) -> Result<(), OutputError> {
    output::print_json(&Failure { error_type: error.cause.kind(), error_message: &error.to_string() })
}

/// Reports what failed.
pub(super) fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    let text = shown(error);
    output::note(format!("error: {text}"));
    if error.is::<UsageError>() {
        return output::usage_error();
    }
    if let Some(error) = error.chain().find_map(|cause| cause.downcast_ref()) {
        remark_no_secret(error, output);
    }
    if output.json && !error.is::<OutputError>() {
        // A failure to write is already reported.
        let _ = output::print_json(&Failure { error_type: kind(error), error_message: &text });
    }
    ExitCode::FAILURE
}

/// An error for a terminal: on one line, unless it has several on purpose.
fn shown(error: &anyhow::Error) -> String {
    let error = error.downcast_ref().map_or(error, |UsageError(error)| error);
    let text = format!("{error:#}");
    let has_lines = error.chain().any(|cause| cause.is::<ConfigError>() || cause.is::<Lines>());
    if has_lines { text } else { printable(&text).into_owned() }
}

fn kind(error: &anyhow::Error) -> &'static str {
    let is = |matches: fn(&(dyn std::error::Error + 'static)) -> bool| error.chain().any(matches);
    match () {
        () if is(|cause| cause.is::<ConfigError>()) => "config",
        () if is(|cause| cause.is::<SecretError>()) => "secret",
        () => "command",
    }
}
