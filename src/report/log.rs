//! What the log and the error log say about a run.

use tracing::{error, info, warn};

use super::metrics::emit;
use super::summary::{FailedTopic, Summary};
use crate::graph::Kind;
use crate::quality::Tally;
use crate::record::requested_name;
use crate::topic::Job;

impl Summary {
    /// Writes the log's last line of the run, and the metrics, those of `service` where there is one.
    pub fn log(&self, service: Option<&str>) {
        if let Some(job) = self.job {
            emit(&self.metrics(), job, service);
        }
        let summary = self.to_json();
        info!(json.summary = summary, "{}", self.sentence());
    }
}

/// Logs what was left out or defaulted, once for each model, reason and field.
pub fn log_quality(tallies: &[&Tally<'_>]) {
    for tally in tallies {
        let model = tally.mapping().model.name();
        for (field, count) in tally.defaulted_counts() {
            warn!(model, field, kind = count.kind, count = count.count, "fields defaulted");
        }
        for count in tally.rejected_counts() {
            warn!(model, kind = count.kind, count = count.count, "records left out");
        }
    }
}

/// Logs the fields that the API no longer knows, once a run.
pub fn log_unknown_fields(unknown: &[String], tallies: &[&Tally<'_>]) {
    for tally in tallies {
        let requested = tally.mapping().requested().into_iter().map(requested_name);
        for field in requested.filter(|f| unknown.iter().any(|u| u == f)) {
            let model = tally.mapping().model.name();
            error!(
                model,
                field,
                kind = Kind::UnknownField.name(),
                "the API no longer knows this field: it is defaulted; take it out of the mapping"
            );
        }
    }
}

/// The response's `error_log`: topic section, kind, field and count, one a line.
pub fn error_log(job: Job, tallies: &[&Tally<'_>], failures: &[FailedTopic]) -> String {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for tally in tallies {
        let section = tally.mapping().model.section();
        let counts = tally.defaulted_counts().into_iter().map(|(_, c)| c).chain(tally.rejected_counts());
        rows.extend(counts.map(|c| (format!("{section}-[{}] {}", c.kind, c.field), c.count)));
    }
    let section = job.topics_key().unwrap_or(job.name());
    rows.extend(failures.iter().map(|f| (format!("{section}-[{}] {}", f.kind, f.topic), 1)));
    let width = rows.iter().map(|(row, _)| row.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(|(row, count)| format!("{row:<width$}    {count}")).collect();
    lines.join("\n")
}
