//! The lines of a check, printed at once or kept for a document.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;

use crate::output::{self, Output, OutputError};
use collector::diagnosis::Diagnosis;
use collector::env::variable;
use collector::redact::Redactor;
use collector::telemetry::printable;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Level {
    Ok,
    Warn,
    Fail,
    /// It could not be tried.
    Skip,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skip => "-",
        }
    }

    /// The SGR colour of the level's word.
    const fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Warn => "33",
            Self::Fail => "1;31",
            Self::Skip => "2",
        }
    }
}

/// A line of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Line {
    /// What was tried.
    what: &'static str,
    /// How it went.
    level: Level,
    /// What was found.
    message: String,
    /// The next step, as docs/failures.md has it.
    to_do: Option<Cow<'static, str>>,
}

/// The lines of a check.
pub(super) struct Checklist {
    output: Output,
    colours: bool,
    warned: u32,
    failed: u32,
    lines: Vec<Line>,
    /// Why the first unprinted line could not be printed.
    unprinted: Option<OutputError>,
    redactor: Arc<Redactor>,
}

/// A check with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Checked<'a> {
    /// In the order in which they were tried.
    checks: &'a [Line],
    /// Checks of the level `warn`.
    warned: u32,
    /// Checks of the level `fail`. If there are any, the exit code is 1.
    failed: u32,
    /// The whole in a sentence.
    verdict: &'a str,
}

impl Checklist {
    /// Lines on standard output. They have colours on a terminal, unless `NO_COLOR` is set.
    pub(super) fn new(output: Output, redactor: Arc<Redactor>) -> Self {
        let colours = output::is_terminal() && variable("NO_COLOR").is_none();
        Self { output, colours, warned: 0, failed: 0, lines: Vec::new(), unprinted: None, redactor }
    }

    /// Reports a success.
    pub(super) fn ok(&mut self, what: &'static str, message: impl Display) {
        self.line(Level::Ok, what, &message, None);
    }

    /// Reports a success that needs some action.
    pub(super) fn warn(&mut self, what: &'static str, message: impl Display, diagnosis: Diagnosis) {
        self.warned += 1;
        self.line(Level::Warn, what, &message, Some(diagnosis));
    }

    /// Reports a failure.
    pub(super) fn fail(&mut self, what: &'static str, message: impl Display, diagnosis: Diagnosis) {
        self.failed += 1;
        self.line(Level::Fail, what, &message, Some(diagnosis));
    }

    /// Reports something that could not be tried.
    pub(super) fn skip(&mut self, what: &'static str, reason: impl Display) {
        self.line(Level::Skip, what, &format!("not checked: {reason}"), None);
    }

    fn line(&mut self, level: Level, what: &'static str, message: &dyn Display, diagnosis: Option<Diagnosis>) {
        let clean = |text: &dyn Display| one_line(&self.redactor.redact(&text.to_string()));
        let to_do = diagnosis.map(|diagnosis| diagnosis.row().next);
        let line = Line { what, level, message: clean(message), to_do };
        if !self.output.json && (!self.output.quiet || level == Level::Fail) && self.unprinted.is_none() {
            self.unprinted = output::print(line.shown(self.colours)).err();
        }
        self.lines.push(line);
    }

    /// Prints the last line, or the whole as a document. `verdict` replaces the usual last line if the check did not
    /// fail.
    ///
    /// # Errors
    /// If a line could not be printed.
    pub(super) fn finish(mut self, verdict: Option<String>) -> Result<(), OutputError> {
        if let Some(unprinted) = self.unprinted.take() {
            return Err(unprinted);
        }
        let verdict = verdict.filter(|_| !self.failed()).unwrap_or_else(|| self.verdict());
        let Self { warned, failed, .. } = self;
        let checked = Checked { checks: &self.lines, warned, failed, verdict: &verdict };
        self.output.result(&checked, || verdict.clone())
    }

    /// Whether anything failed.
    pub(super) fn failed(&self) -> bool {
        self.failed > 0
    }

    fn verdict(&self) -> String {
        match (self.failed, self.warned) {
            (0, 0) => "everything that a run needs works".to_owned(),
            (0, warned) => format!("everything that a run needs works; {warned} to look at"),
            (failed, 0) => format!("{failed} to fix"),
            (failed, warned) => format!("{failed} to fix, {warned} to look at"),
        }
    }
}

impl Line {
    fn shown(&self, colours: bool) -> String {
        let word = format!("{:<4}", self.level.word());
        let word = if colours { format!("\u{1b}[{}m{word}\u{1b}[0m", self.level.colour()) } else { word };
        let to_do = self.to_do.as_ref().map_or_else(String::new, |to_do| format!(" -> {to_do}"));
        format!("{word}  {:<13}  {}", self.what, printable(&format!("{}{to_do}", self.message)))
    }
}

/// A text on one line, since scripts read the lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_one_line() {
        let shown = |level, message: &str, colours| {
            Line { what: "token", level, message: one_line(message), to_do: None }.shown(colours)
        };
        assert_eq!(shown(Level::Fail, "a\n  b", false), "FAIL  token          a b");
        assert_eq!(shown(Level::Fail, "a\u{1b}[2J", false), r"FAIL  token          a\u{1b}[2J");
        assert_eq!(shown(Level::Ok, "a", true), "\u{1b}[32mok  \u{1b}[0m  token          a");
    }

    #[test]
    fn only_what_failed_makes_the_check_fail() {
        let mut checklist = Checklist::new(Output { quiet: true, ..Output::default() }, Arc::default());
        checklist.ok("a", "b");
        checklist.skip("a", "b");
        checklist.warn("a", "b", Diagnosis::Store);
        assert_eq!(
            (checklist.failed(), checklist.verdict().as_str()),
            (false, "everything that a run needs works; 1 to look at")
        );
        checklist.fail("a", "b", Diagnosis::Store);
        assert_eq!((checklist.failed(), checklist.verdict().as_str()), (true, "1 to fix, 1 to look at"));
    }
}
