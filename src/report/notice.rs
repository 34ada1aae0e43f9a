//! The notice to a person about a run that failed or has a CRITICAL line in its log.

use super::Summary;
use crate::error::Cause;
use crate::graph::{Failure, Kind};
use crate::telemetry::printable;

/// The most characters of a cause. A configuration's faults can fill pages.
const MAX_CAUSE: usize = 1_000;

impl Summary {
    /// The lines for a person: what failed, what was stored nevertheless, what to do, and how to find the log's
    /// lines. `None` if the run did not fail and has no CRITICAL line.
    pub fn notice(&self, error: Option<&Cause>, critical: Option<&Failure>, request_id: &str) -> Option<String> {
        let (kind, text) = match (error, critical) {
            (Some(cause), _) => (cause.kind(), format!("failed: {cause}")),
            (None, Some(failure)) => (failure.kind.name(), format!("CRITICAL: {failure}")),
            (None, None) => return None,
        };
        let beginning: String = text.chars().take(MAX_CAUSE).collect();
        let shortened = if beginning.len() < text.len() { " …" } else { "" };
        let (job, time) = (self.job.unwrap_or("an event without a job"), &self.time);
        let lines = [
            format!("{job} of {time} {beginning}{shortened}"),
            format!("{} records stored, {} topics failed; kind {kind}", self.records(), self.failures.len()),
            format!("To do: {}", advice(error, critical.map(|failure| failure.kind))),
            format!("Log: requestId {request_id}"),
        ];
        Some(lines.map(|line| printable(&line).into_owned()).join("\n"))
    }
}

fn advice(error: Option<&Cause>, critical: Option<Kind>) -> &'static str {
    match (critical, error) {
        (Some(Kind::Token), _) => "put a new token into the secret (docs/tokens.md)",
        (Some(Kind::Throttled), _) => {
            "nothing now, since calls prolong it; if it comes again, run less often or follow fewer topics"
        }
        (Some(Kind::VersionEnded), _) => "set [API] version to a living one (docs/versions.md)",
        (_, Some(Cause::Event(_))) => "correct the event and send it again (docs/failures.md)",
        (_, Some(Cause::Secret(_) | Cause::Config(_))) => "mend it; `luxury-brands check` tries it",
        (_, Some(Cause::Store(_))) => "make the bucket or the folder writable, then repeat the event",
        _ => "the log has the reason for each topic; `luxury-brands check` tries what a run needs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        Summary { job: Some("hashtag"), time: "2026-01-31T23:55:00Z".to_owned(), ..Summary::default() }
    }

    #[test]
    fn a_run_that_failed_is_told_with_its_cause_and_what_to_do() {
        let cause = Cause::Store("lux-raw/x.json could not be stored\n: AccessDenied".to_owned());
        insta::assert_snapshot!(summary().notice(Some(&cause), None, "r-1").unwrap(), @r"
        hashtag of 2026-01-31T23:55:00Z failed: lux-raw/x.json could not be stored\n: AccessDenied
        0 records stored, 0 topics failed; kind store
        To do: make the bucket or the folder writable, then repeat the event
        Log: requestId r-1
        ");
    }

    #[test]
    fn what_is_critical_decides_what_to_do_in_a_run_that_failed_too() {
        let failure = Failure::new(Kind::Token, "no further call in this run: the API refuses the access token");
        let critical = summary().notice(None, Some(&failure), "r-1").unwrap();
        let failed = Cause::NothingCollected("11 of 11 topics failed".to_owned());
        let failed = summary().notice(Some(&failed), Some(&failure), "r-1").unwrap();
        assert!(critical.starts_with("hashtag of 2026-01-31T23:55:00Z CRITICAL: no further call"), "{critical}");
        let to_do = "To do: put a new token into the secret";
        assert!(critical.contains(to_do) && failed.contains(to_do), "{failed}");
    }

    #[test]
    fn of_a_long_cause_the_beginning_is_told() {
        let told = summary().notice(Some(&Cause::Store("é".repeat(5_000))), None, "r-1").unwrap();
        assert!(told.chars().count() < 1_300 && told.contains("é …\n0 records stored"), "{told}");
    }
}
