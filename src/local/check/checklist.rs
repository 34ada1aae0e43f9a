//! The lines of a check, printed as they come.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::Arc;

use crate::env::variable;
use crate::redact::Redactor;
use crate::telemetry::printable;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
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

/// The lines of a check.
pub(super) struct Checklist {
    colours: bool,
    warned: u32,
    failed: u32,
    redactor: Arc<Redactor>,
}

impl Checklist {
    /// Lines on standard output. They have colours on a terminal, unless `NO_COLOR` is set.
    pub(super) fn on_stdout(redactor: Arc<Redactor>) -> Self {
        let plain = variable("NO_COLOR").is_some();
        Self { colours: std::io::stdout().is_terminal() && !plain, warned: 0, failed: 0, redactor }
    }

    /// Reports a success.
    pub(super) fn ok(&mut self, what: &str, message: impl Display) {
        self.line(Level::Ok, what, &message.to_string());
    }

    /// Reports a success that needs some action.
    pub(super) fn warn(&mut self, what: &str, message: impl Display, to_do: impl Display) {
        self.warned += 1;
        self.line(Level::Warn, what, &format!("{message} -> {to_do}"));
    }

    /// Reports a failure.
    pub(super) fn fail(&mut self, what: &str, message: impl Display, to_do: impl Display) {
        self.failed += 1;
        self.line(Level::Fail, what, &format!("{message} -> {to_do}"));
    }

    /// Reports something that could not be tried.
    pub(super) fn skip(&mut self, what: &str, why: impl Display) {
        self.line(Level::Skip, what, &format!("not checked: {why}"));
    }

    fn line(&self, level: Level, what: &str, message: &str) {
        println!("{}", shown(level, what, &self.redactor.redact(message), self.colours));
    }

    /// Whether anything failed.
    pub(super) fn failed(&self) -> bool {
        self.failed > 0
    }

    /// Prints the last line.
    pub(super) fn verdict(&self) -> String {
        match (self.failed, self.warned) {
            (0, 0) => "everything that a run needs works".to_owned(),
            (0, warned) => format!("everything that a run needs works; {warned} to look at"),
            (failed, 0) => format!("{failed} to mend"),
            (failed, warned) => format!("{failed} to mend, {warned} to look at"),
        }
    }
}

fn shown(level: Level, what: &str, message: &str, colours: bool) -> String {
    let word = format!("{:<4}", level.word());
    let word = if colours { format!("\u{1b}[{}m{word}\u{1b}[0m", level.colour()) } else { word };
    // A message always takes one line, since scripts read the lines.
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{word}  {what:<13}  {}", printable(&message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_one_line() {
        assert_eq!(shown(Level::Fail, "token", "a\n  b", false), "FAIL  token          a b");
        assert_eq!(shown(Level::Fail, "token", "a\u{1b}[2J", false), r"FAIL  token          a\u{1b}[2J");
        assert_eq!(shown(Level::Ok, "token", "a", true), "\u{1b}[32mok  \u{1b}[0m  token          a");
    }

    #[test]
    fn only_what_failed_makes_the_check_fail() {
        let mut checklist = Checklist { colours: false, warned: 0, failed: 0, redactor: Arc::default() };
        checklist.ok("a", "b");
        checklist.skip("a", "b");
        checklist.warn("a", "b", "c");
        assert_eq!(
            (checklist.failed(), checklist.verdict().as_str()),
            (false, "everything that a run needs works; 1 to look at")
        );
        checklist.fail("a", "b", "c");
        assert_eq!((checklist.failed(), checklist.verdict().as_str()), (true, "1 to mend, 1 to look at"));
    }
}
