//! Shows the progress of a run: a bar while topics are fetched and a table afterwards, or plain lines if the output is
//! not a terminal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;

use super::output::{self, Output};
use collector::collect::{Collected, Outcome, Progress, Topic, failure_of};
use collector::counted::counted;
use collector::lock::lock;
use collector::redact::Redactor;

/// Watches a run.
pub(super) struct Watch {
    output: Output,
    bar: ProgressBar,
    rows: Mutex<Vec<Row>>,
}

/// The outcome of a topic.
#[derive(Debug, Clone, Default)]
struct Row {
    topic: String,
    records: usize,
    defaulted: usize,
    rejected: usize,
    failure: String,
}

impl Watch {
    /// Sends the log to standard error, above the bar, and starts watching.
    pub(super) fn start(output: Output, redactor: Arc<Redactor>) -> Self {
        let bar = output.bar("{bar:30} {pos}/{len} topics  {elapsed}  {wide_msg}");
        output::log_above(&bar, output.level(), &redactor);
        Self { output, bar, rows: Mutex::default() }
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, Vec<Row>> {
        lock(&self.rows)
    }

    /// Removes the bar and returns the table with its line break; empty if there were no topics.
    pub(super) fn finish(&self) -> String {
        self.bar.finish_and_clear();
        let rows = self.rows();
        if rows.is_empty() { String::new() } else { format!("{}\n", table(&rows, output::is_terminal())) }
    }
}

impl Progress for Watch {
    fn begin(&self, topics: &[Topic<'_>]) {
        self.bar.set_length(topics.len() as u64);
        self.bar.enable_steady_tick(Duration::from_millis(100));
        *self.rows() = topics.iter().map(|t| Row { topic: t.name().to_owned(), ..Row::default() }).collect();
    }

    fn done(&self, topic: Topic<'_>, outcome: &Outcome<'_>) {
        let mut rows = self.rows();
        let Some(row) = rows.iter_mut().find(|row| row.topic == topic.name()) else { return };
        if let Ok(Collected { batches, .. }) = outcome {
            row.records = batches.iter().map(|(_, b)| b.records.len()).sum();
            row.defaulted = batches.iter().map(|(_, b)| b.defaulted()).sum();
            row.rejected = batches.iter().map(|(_, b)| b.rejects.len()).sum();
        }
        // The log line just before this has all of it.
        row.failure = failure_of(outcome).map_or_else(String::new, |failure| match failure.code {
            Some(code) => format!("{} ({code})", failure.kind),
            None => failure.kind.to_string(),
        });
        if self.bar.is_hidden() && outcome.is_ok() {
            let Row { topic, records, defaulted, rejected, .. } = row;
            let records = counted(*records, "record");
            self.output.remark(format_args!("{topic}: {records}, {defaulted} defaulted, {rejected} rejected"));
        }
        self.bar.set_message(topic.name().to_owned());
        self.bar.inc(1);
    }
}

fn table(rows: &[Row], framed: bool) -> Table {
    let mut table = Table::new();
    table.load_preset(if framed { presets::UTF8_FULL_CONDENSED } else { presets::NOTHING });
    table.set_header(["topic", "records", "defaulted", "rejected", "failure"]);
    for Row { topic, records, defaulted, rejected, failure } in rows {
        table.add_row([
            topic.clone(),
            records.to_string(),
            defaulted.to_string(),
            rejected.to_string(),
            failure.clone(),
        ]);
    }
    for column in 1..=3 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
