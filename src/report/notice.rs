//! What a person is told of a run at once: that it failed, or that the log has a CRITICAL line.

use super::Summary;
use crate::error::Cause;
use crate::graph::{Failure, Kind};
use crate::telemetry::printable;

/// The most characters of a cause. A configuration's faults can fill pages.
const MOST_OF_A_CAUSE: usize = 1_000;

/// Why somebody is told of a run.
#[derive(Debug)]
pub enum Why<'r> {
    /// It failed.
    Failed(&'r Cause),
    /// It ended, and the log has a CRITICAL line.
    Critical(&'r Failure),
}

impl Summary {
    /// The lines for a person: what failed, what came all the same, what to do, and where the log's lines are.
    pub fn notice(&self, why: &Why<'_>, critical: Option<Kind>, request_id: &str) -> String {
        let (kind, text) = match why {
            Why::Failed(cause) => (cause.kind(), format!("failed: {cause}")),
            Why::Critical(failure) => (failure.kind.name(), format!("CRITICAL: {failure}")),
        };
        let beginning: String = text.chars().take(MOST_OF_A_CAUSE).collect();
        let shortened = if beginning.len() < text.len() { " …" } else { "" };
        let (job, time) = (self.job.unwrap_or("an event without a job"), &self.time);
        let lines = [
            format!("{job} of {time} {beginning}{shortened}"),
            format!("{} records stored, {} topics failed; kind {kind}", self.records(), self.failures.len()),
            format!("To do: {}", advice(why, critical)),
            format!("Log: requestId {request_id}"),
        ];
        lines.map(|line| printable(&line).into_owned()).join("\n")
    }
}

fn advice(why: &Why<'_>, critical: Option<Kind>) -> &'static str {
    match (critical, why) {
        (Some(Kind::Token), _) => "put a new token into the secret (docs/tokens.md)",
        (Some(Kind::Throttled), _) => {
            "nothing now, since calls prolong it; if it comes again, run less often or follow fewer topics"
        }
        (Some(Kind::VersionEnded), _) => "set [API] version to a living one (docs/versions.md)",
        (_, Why::Failed(Cause::Event(_))) => "correct the event and send it again (docs/failures.md)",
        (_, Why::Failed(Cause::Secret(_) | Cause::Config(_))) => "mend it; `luxury-brands check` tries it",
        (_, Why::Failed(Cause::Store(_))) => "make the bucket or the folder writable, then repeat the event",
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
        insta::assert_snapshot!(summary().notice(&Why::Failed(&cause), None, "r-1"), @r"
        hashtag of 2026-01-31T23:55:00Z failed: lux-raw/x.json could not be stored\n: AccessDenied
        0 records stored, 0 topics failed; kind store
        To do: make the bucket or the folder writable, then repeat the event
        Log: requestId r-1
        ");
    }

    #[test]
    fn what_is_critical_decides_what_to_do_in_a_run_that_failed_too() {
        let failure = Failure::new(Kind::Token, "no further call in this run: the API refuses the access token");
        let critical = summary().notice(&Why::Critical(&failure), Some(Kind::Token), "r-1");
        let failed = Cause::NothingCollected("11 of 11 topics failed".to_owned());
        let failed = summary().notice(&Why::Failed(&failed), Some(Kind::Token), "r-1");
        assert!(critical.starts_with("hashtag of 2026-01-31T23:55:00Z CRITICAL: no further call"), "{critical}");
        let to_do = "To do: put a new token into the secret";
        assert!(critical.contains(to_do) && failed.contains(to_do), "{failed}");
    }

    #[test]
    fn of_a_long_cause_the_beginning_is_told() {
        let told = summary().notice(&Why::Failed(&Cause::Store("é".repeat(5_000))), None, "r-1");
        assert!(told.chars().count() < 1_300 && told.contains("é …\n0 records stored"), "{told}");
    }
}
