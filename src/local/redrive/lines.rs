//! The lines of the command, printed as they come, or kept for a document.

use std::process::ExitCode;
use std::sync::Arc;

use chrono::SecondsFormat;
use serde::Serialize;

use super::message::FailedEvent;
use crate::event::Event;
use crate::local::output::{self, Output, OutputError};
use crate::redact::Redactor;
use crate::telemetry::printable;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// It was run again.
    Ok,
    /// It failed again.
    Fail,
    /// It is too old.
    Old,
    /// It was not run.
    Wait,
}

impl Word {
    const fn shown(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "FAIL",
            Self::Old => "old",
            Self::Wait => "wait",
        }
    }
}

/// An event of the queue.
#[derive(Debug, Serialize)]
struct Line {
    outcome: Word,
    job: &'static str,
    time: Option<String>,
    topics: Option<Vec<String>>,
    shard: Option<String>,
    messages: usize,
    tries: u64,
    /// Why it failed before.
    failure: String,
    /// What came of this run; absent where it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
}

/// A message without an event that could be run.
#[derive(Debug, Serialize)]
struct Unread {
    message: String,
    reason: String,
}

/// What came of the events, in numbers.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Count {
    run: usize,
    failed: usize,
    too_old: usize,
    waiting: usize,
    unread: usize,
}

/// The lines, without secrets. Each is one line, whatever a message holds.
pub(super) struct Lines {
    output: Output,
    redactor: Arc<Redactor>,
    events: Vec<Line>,
    unread: Vec<Unread>,
    warnings: Vec<String>,
    is_stopped: bool,
    /// Why the first line that could not be printed could not.
    unprinted: Option<OutputError>,
}

/// The whole with `--json`.
#[derive(Serialize)]
struct Redriven<'a> {
    events: &'a [Line],
    unread: &'a [Unread],
    warnings: &'a [String],
    count: Count,
    /// Whether a failure that every run would meet ended the command.
    is_stopped: bool,
    /// The messages that could not be given back.
    hidden: usize,
}

impl Lines {
    pub(super) fn new(output: Output, redactor: Arc<Redactor>) -> Self {
        let (events, unread, warnings) = Default::default();
        Self { output, redactor, events, unread, warnings, is_stopped: false, unprinted: None }
    }

    /// An event and what became of it.
    pub(super) fn event(&mut self, outcome: Word, failed: &FailedEvent, messages: usize, result: Option<String>) {
        let result = result.map(|text| self.redactor.redact(&text).into_owned());
        let line = Line::of(outcome, failed, messages, result, &self.redactor);
        self.print(outcome.shown(), outcome == Word::Fail, &line.told());
        self.events.push(line);
    }

    /// A message without an event that could be run.
    pub(super) fn unread(&mut self, id: &str, why: &str) {
        let reason = self.redactor.redact(why).into_owned();
        self.print("FAIL", true, &format!("message {id}: {reason}"));
        self.unread.push(Unread { message: id.to_owned(), reason });
    }

    /// Something about the event before it.
    pub(super) fn warn(&mut self, text: &str) {
        let text = self.redactor.redact(text).into_owned();
        self.print("warn", false, &text);
        self.warnings.push(text);
    }

    /// Lets no further event run.
    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether no further event runs.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    fn print(&mut self, word: &str, is_failure: bool, text: &str) {
        if !self.output.json && (is_failure || !self.output.quiet) && self.unprinted.is_none() {
            self.unprinted = output::print(format_args!("{word:<4}  {}", printable(text))).err();
        }
    }

    /// Prints the numbers, or the whole as a document; the exit code. `hidden` messages could not be given back.
    ///
    /// # Errors
    /// Where a line could not be printed.
    pub(super) fn finish(mut self, hidden: usize) -> Result<ExitCode, OutputError> {
        if let Some(unprinted) = self.unprinted.take() {
            return Err(unprinted);
        }
        let of = |outcome| self.events.iter().filter(|line| line.outcome == outcome).count();
        let count = Count {
            run: of(Word::Ok),
            failed: of(Word::Fail),
            too_old: of(Word::Old),
            waiting: of(Word::Wait),
            unread: self.unread.len(),
        };
        self.output.remark(count.told(self.is_stopped));
        let code = if count.failed + count.unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if self.output.json {
            let Self { events, unread, warnings, is_stopped, .. } = &self;
            output::print_json(&Redriven { events, unread, warnings, count, is_stopped: *is_stopped, hidden })?;
        }
        Ok(code)
    }
}

impl Line {
    fn of(outcome: Word, failed: &FailedEvent, messages: usize, result: Option<String>, redactor: &Redactor) -> Self {
        let FailedEvent { event, tries, why, .. } = failed;
        let Event { job, time, shard, .. } = event;
        Self {
            outcome,
            job: job.name(),
            time: time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            topics: event.topics().map(|topics| topics.into_iter().map(str::to_owned).collect()),
            shard: shard.as_ref().map(|shard| shard.as_str().to_owned()),
            messages,
            tries: *tries,
            failure: redactor.redact(why).into_owned(),
            result,
        }
    }

    /// The event, its failure and what became of it.
    fn told(&self) -> String {
        let Self { job, time, messages, tries, failure, .. } = self;
        let topics = self.topics.as_ref().map(|topics| format!(" {}", topics.join(", "))).unwrap_or_default();
        let shard = self.shard.as_ref().map(|shard| format!(" shard {shard}")).unwrap_or_default();
        let times = if *tries == 1 { "once".to_owned() } else { format!("{tries} times") };
        let of = if *messages > 1 { format!(" in {messages} messages") } else { String::new() };
        let result = self.result.as_ref().map(|result| format!(" -> {result}")).unwrap_or_default();
        let time = time.as_deref().unwrap_or("no time");
        format!("{job:<11}  {time:<20}{topics}{shard}  tried {times}{of}, {failure}{result}")
    }
}

impl Count {
    /// The last line.
    fn told(&self, is_stopped: bool) -> String {
        let Self { run, failed, too_old, waiting, unread } = self;
        let parts = [
            (*run, "run again"),
            (*failed, if is_stopped { "failed, and the last failure ends the command" } else { "failed" }),
            (*waiting, "waiting"),
            (*too_old, "older than a period of the job, which --max-age runs under its own time"),
            (*unread, "without an event that could be run"),
        ];
        let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { "the queue is empty".to_owned() } else { parts.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn about(failed: &FailedEvent, messages: usize) -> String {
        Line::of(Word::Wait, failed, messages, None, &Redactor::default()).told()
    }

    fn event(given: &Value) -> Event {
        Event::parse(given).unwrap()
    }

    #[test]
    fn a_line_tells_the_event_and_its_failure() {
        let of = |payload: Value, tries| FailedEvent {
            event: event(&payload),
            payload,
            function: None,
            tries,
            why: "secret: it was denied".into(),
        };
        insta::assert_snapshot!([
            about(&of(json!({"job": "hashtag", "time": NOW}), 2), 1),
            about(&of(json!({"job": "brand_media", "time": NOW, "accounts": ["dior", "gucci"], "shard": "s-1"}), 1), 1),
            about(&of(json!("token"), 4), 2),
        ].join("\n"), @r"
        hashtag      2026-11-24T12:00:00Z  tried 2 times, secret: it was denied
        brand_media  2026-11-24T12:00:00Z dior, gucci shard s-1  tried once, secret: it was denied
        token        no time               tried 4 times in 2 messages, secret: it was denied
        ");
    }

    #[test]
    fn the_last_line_tells_what_is_left_and_why() {
        let all = Count { run: 3, failed: 1, too_old: 12, waiting: 2, unread: 1 };
        insta::assert_snapshot!([all.told(true), all.told(false), Count::default().told(false)].join("\n"), @r"
        3 run again; 1 failed, and the last failure ends the command; 2 waiting; 12 older than a period of the job, which --max-age runs under its own time; 1 without an event that could be run
        3 run again; 1 failed; 2 waiting; 12 older than a period of the job, which --max-age runs under its own time; 1 without an event that could be run
        the queue is empty
        ");
    }
}
