//! What the log and the error log say about a run.

use serde_json::json;
use tracing::{error, info, warn};

use super::metrics::emit;
use super::summary::{FailedTopic, FailureCause, Summary};
use crate::error::Cause;
use crate::graph::Kind;
use crate::quality::{Count, Tally};
use crate::record::{Field, IssueKind, requested_name};
use crate::topic::Job;

impl Summary {
    /// Writes the run's metrics, with the dimension `service` if there is one, and the log's last line of the run, with
    /// the reason if the run failed.
    pub fn log(&self, service: Option<&str>, error: Option<&Cause>) {
        if let Some(job) = self.job {
            emit(&self.metrics(error.is_some()), job, service);
        }
        let summary = self.to_json();
        let reason = match error {
            // The sentence has the causes of the topics.
            None | Some(Cause::TopicsFailed { .. }) => String::new(),
            Some(cause) => format!("the run failed: {}; ", cause.beyond_the_log()),
        };
        info!(json.summary = summary, kind = error.map(Cause::kind), "{reason}{}", self.sentence());
    }
}

/// Logs the failures of topics, once for each cause.
pub fn log_failures(causes: &[FailureCause]) {
    for cause in causes {
        let FailureCause { kind, code, subcode, message, topics, .. } = cause;
        let (kind, count) = (kind.name(), cause.count());
        match topics.as_slice() {
            [topic] => error!(topic, kind, code, subcode, "{count}: {message}"),
            topics => {
                let topics = json!(topics).to_string();
                error!(json.topics = topics, kind, code, subcode, "{count}: {message}");
            }
        }
    }
}

/// The response fields that the API is documented to omit: hidden counts, licensed media and empty texts.
const DOCUMENTED_GAPS: [&str; 4] = ["like_count", "media_url", "caption", "name"];

/// Logs what was left out or defaulted, once for each model, reason and field.
pub fn log_quality(tallies: &[&Tally<'_>]) {
    for tally in tallies {
        let model = tally.mapping().model.name();
        // A field that the API does not know has its own line, an ERROR.
        let known = |(_, count): &(&Field, Count)| count.kind != IssueKind::UnknownField.name();
        for (field, count) in tally.defaulted_counts().into_iter().filter(known) {
            let (kind, number) = (count.kind, count.count);
            let is_documented =
                kind == IssueKind::NotFound.name() && DOCUMENTED_GAPS.contains(&field.response.as_str());
            let field = &field.output;
            if is_documented {
                info!(model, field, kind, count = number, "fields defaulted");
            } else {
                warn!(model, field, kind, count = number, "fields defaulted");
            }
        }
        for count in tally.rejected_counts() {
            warn!(model, kind = count.kind, count = count.count, "records left out");
        }
    }
}

/// Logs the fields that the API no longer knows, once per run.
pub fn log_unknown_fields(unknown: &[String], tallies: &[&Tally<'_>]) {
    for tally in tallies {
        let requested = tally.mapping().requested().into_iter().map(requested_name);
        let only_to_keep: Vec<&str> = tally.mapping().requested_only_to_keep().collect();
        for field in requested.filter(|f| unknown.iter().any(|u| u == f)) {
            let (model, kind) = (tally.mapping().model.name(), Kind::UnknownField.name());
            if only_to_keep.contains(&field) {
                error!(model, field, kind, "the API refuses this field of the kept responses: remove it from [common]");
            } else {
                error!(
                    model,
                    field, kind, "the API no longer knows this field, which is defaulted: remove it from the mapping"
                );
            }
        }
    }
}

/// The response's `error_log`: topic section, kind, field and count, one per line.
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
