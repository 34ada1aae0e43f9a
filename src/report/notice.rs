//! The notice to a person about a run that failed or has a CRITICAL line in its log.

use super::Summary;
use crate::counted::counted;
use crate::diagnosis::Diagnosis;
use crate::error::Cause;
use crate::graph::Failure;
use crate::telemetry::printable;

/// The most characters of a cause. A configuration's faults can fill pages.
const MAX_CAUSE: usize = 1_000;

/// The reason for a CRITICAL line in the log.
#[derive(Debug, Clone)]
pub struct Critical {
    /// The kind of the line.
    pub kind: &'static str,
    /// What it proves.
    pub diagnosis: Diagnosis,
    /// What happened.
    pub message: String,
}

impl From<Failure> for Critical {
    fn from(failure: Failure) -> Self {
        Self { kind: failure.kind.name(), diagnosis: failure.diagnosis, message: failure.to_string() }
    }
}

impl Summary {
    /// The lines for a person: what failed, what was stored nevertheless, what to do, and how to find the log's
    /// lines. `None` if the run did not fail and has no CRITICAL line.
    pub fn notice(&self, error: Option<&Cause>, critical: Option<&Critical>, request_id: &str) -> Option<String> {
        let (kind, text, diagnosis) = match (error, critical) {
            (Some(cause), _) => (cause.kind(), format!("failed: {}", cause), cause.diagnosis()),
            (None, Some(critical)) => (critical.kind, format!("CRITICAL: {}", critical.message), critical.diagnosis),
            (None, None) => return None,
        };
        let diagnosis = critical.map_or(diagnosis, |critical| critical.diagnosis);
        let beginning: String = text.chars().take(MAX_CAUSE).collect();
        let shortened = if beginning.len() < text.len() { " …" } else { "" };
        let (job, time) = (self.job.unwrap_or("an event without a job"), &self.time);
        let lines = [
            format!("{job} of {time} {beginning}{shortened}"),
            format!(
                "{} stored, {} failed; kind {kind}",
                counted(self.records(), "record"),
                counted(self.failures.len(), "topic")
            ),
            format!("Next step: {}", diagnosis.row().next),
            format!("Log: requestId {request_id}"),
        ];
        Some(lines.map(|line| printable(&line).into_owned()).join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    fn summary() -> Summary {
        Summary { job: Some("hashtag"), time: "2026-01-31T23:55:00Z".to_owned(), ..Summary::default() }
    }

    #[test]
    fn the_notice_of_a_failed_run_has_the_cause_and_the_next_step() {
        let cause =
            Cause::Store("lux-raw/x.json could not be stored\n: AccessDenied".to_owned(), Diagnosis::StoreDenied);
        insta::assert_snapshot!(summary().notice(Some(&cause), None, "r-1").unwrap(), @r"
        hashtag of 2026-01-31T23:55:00Z failed: lux-raw/x.json could not be stored\n: AccessDenied
        0 records stored, 0 topics failed; kind store
        Next step: allow s3:PutObject under the locations' folder, quality/ and partial/, and kms:GenerateDataKey if a key of your own encrypts the bucket
        Log: requestId r-1
        ");
    }

    #[test]
    fn a_critical_failure_decides_the_next_step_of_a_failed_run() {
        let failure = Failure::new(Kind::Token, "no further call in this run").with(Diagnosis::TokenExpired);
        let failure = Critical::from(failure);
        let critical = summary().notice(None, Some(&failure), "r-1").unwrap();
        let failed = summary().notice(Some(&Cause::Interrupted), Some(&failure), "r-1").unwrap();
        assert!(critical.starts_with("hashtag of 2026-01-31T23:55:00Z CRITICAL: no further call"), "{critical}");
        let next = format!("Next step: {}", Diagnosis::TokenExpired.row().next);
        assert!(critical.contains(&next) && failed.contains(&next), "{failed}");
    }

    #[test]
    fn a_long_cause_is_shortened() {
        let text = summary().notice(Some(&Cause::Store("é".repeat(5_000), Diagnosis::Store)), None, "r-1").unwrap();
        assert!(text.chars().count() < 1_300 && text.contains("é …\n0 records stored"), "{text}");
    }
}
