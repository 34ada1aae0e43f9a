//! What a command prints: the one way to standard output and to standard error.
//!
//! `println!` panics if the reader of a pipe is gone or a device is full. clippy therefore refuses it, as it does
//! `std::io::stdout` outside this file.

#![allow(clippy::disallowed_methods, reason = "this is the one place that writes")]

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, Args, ColorChoice};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tracing::level_filters::LevelFilter;

use super::help::GLOBAL;
use super::removed;
use collector::redact::Redactor;
use collector::telemetry::{self, Format};

/// How much a command prints, and in what form.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = GLOBAL)]
pub(super) struct Output {
    /// Log more: -v for INFO, -vv for DEBUG
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Print errors only: no progress, no table, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print one JSON document on standard output; docs/json has the schemas
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Colour the help and the usage errors: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(super) color: ColorChoice,
}

/// Standard output did not take what was written.
#[derive(Debug, thiserror::Error)]
#[error("standard output could not be written")]
pub(super) struct OutputError(#[source] io::Error);

impl Output {
    /// Prints the result of a command: the document with `--json`, nothing with `--quiet`, else the text.
    ///
    /// # Errors
    /// As [`print`].
    pub(super) fn result(self, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), OutputError> {
        if self.json {
            return print_json(document);
        }
        if self.quiet { Ok(()) } else { print(text()) }
    }

    /// Prints a remark on standard error, unless `--quiet`.
    pub(super) fn remark(self, text: impl Display) {
        if !self.quiet {
            note(text);
        }
    }

    /// The lowest level that the log shows.
    pub(super) const fn level(self) -> LevelFilter {
        match self.verbose {
            0 if self.quiet => LevelFilter::ERROR,
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        }
    }

    /// Sends the log to standard error.
    pub(super) fn log(self, redactor: &Arc<Redactor>) {
        log_above(&ProgressBar::hidden(), self.level(), redactor);
    }

    /// A progress bar. It is hidden with `--quiet`, and if standard error is not a terminal.
    pub(super) fn bar(self, template: &str) -> ProgressBar {
        let is_drawn = !self.quiet && io::stderr().is_terminal();
        let bar = if is_drawn { ProgressBar::no_length() } else { ProgressBar::hidden() };
        bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

/// Sends the log to standard error, above a progress bar.
pub(super) fn log_above(bar: &ProgressBar, level: LevelFilter, redactor: &Arc<Redactor>) {
    let (bar, redactor) = (bar.clone(), Arc::clone(redactor));
    let subscriber =
        telemetry::subscriber(Format::Text, level, move |line| bar.suspend(|| note(redactor.redact(line))));
    // No other subscriber is set.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Prints a text and a line break on standard output. A reader that closed the pipe has read enough: the rest is
/// dropped, the command finishes its work, and the exit code is that of the work.
///
/// # Errors
/// If the text could not be written, as on a full device.
pub(super) fn print(text: impl Display) -> Result<(), OutputError> {
    print_whole(format!("{text}\n").as_bytes())
}

/// Prints a JSON document on one line of standard output.
///
/// # Errors
/// As [`print`].
pub(super) fn print_json(document: &impl Serialize) -> Result<(), OutputError> {
    print(serde_json::to_string(document).map_err(|error| OutputError(error.into()))?)
}

/// Prints a text for another program, unchanged.
///
/// # Errors
/// As [`print`].
pub(super) fn print_whole(text: &[u8]) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    unless_closed(out.write_all(text).and_then(|()| out.flush()))
}

/// Prints a line on standard error. One that cannot be written is lost: there is nowhere left to report it.
pub(super) fn note(text: impl Display) {
    // In one write, so that the lines of two processes do not mix.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// The value of `--color`, which also applies to errors in the other arguments.
pub(super) fn color(arguments: &[OsString]) -> ColorChoice {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let inline = texts.iter().find_map(|text| text.strip_prefix("--color="));
    let next = texts.windows(2).find_map(|pair| matches!(pair, ["--color", _]).then(|| pair.last().copied()).flatten());
    let variable = std::env::var("LUXURY_BRANDS_COLOR").ok();
    inline.or(next).or(variable.as_deref()).and_then(|when| when.parse().ok()).unwrap_or_default()
}

/// Prints what clap returns instead of a command: a help text, or a usage error. `variable` sets a refused option if
/// the command line does not.
pub(super) fn print_usage(error: &clap::Error, variable: Option<String>) -> ExitCode {
    if let Some(replacement) = removed::replacement(error) {
        note(replacement);
        return usage_error();
    }
    let printed = error.print();
    if let Some(variable) = variable {
        note(format_args!("The variable {variable} sets it."));
    }
    if error.use_stderr() {
        return usage_error();
    }
    match unless_closed(printed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(format!("error: {:#}", anyhow::Error::from(error)));
            ExitCode::FAILURE
        }
    }
}

/// The exit code of wrong arguments, which is clap's own.
pub(super) fn usage_error() -> ExitCode {
    ExitCode::from(2)
}

/// Whether standard output is a terminal.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

fn unless_closed(written: io::Result<()>) -> Result<(), OutputError> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}
