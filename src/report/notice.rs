//! The message about the problems that a run shows for the first time, and about those that are over.

use chrono::SecondsFormat;

use super::Summary;
use crate::counted::counted;
use crate::notices::Changes;
use crate::telemetry::printable;

/// The most characters of a problem's text. A configuration's faults can fill pages.
const MAX_TEXT: usize = 1_000;

/// The most topics that are named. A shard has hundreds.
const MAX_NAMES: usize = 20;

/// A problem's text as a message shows it: one line of a limited length.
pub fn notice_text(text: &str) -> String {
    let beginning: String = text.chars().take(MAX_TEXT).collect();
    let shortened = if beginning.len() < text.len() { " …" } else { "" };
    printable(&format!("{beginning}{shortened}")).into_owned()
}

impl Summary {
    /// The lines of the message: what was stored, each new problem with the next step, each problem that is over, and
    /// how to find the lines of the log. `None` if there is nothing to report.
    pub fn notice(&self, changes: &Changes, request_id: &str) -> Option<String> {
        if changes.is_empty() {
            return None;
        }
        let (job, time) = (self.job.unwrap_or("an event without a job"), &self.time);
        let (records, topics) = (counted(self.records(), "record"), counted(self.failures.len(), "topic"));
        let figures = if self.has_topics() { format!(": {records} stored, {topics} failed") } else { String::new() };
        let mut lines = vec![format!("{job} of {time}{figures}")];
        for (problem, topics) in by_cause(&changes.new, |problem| (problem.cause, problem.topic.as_deref())) {
            lines.push(format!("{}{}; kind {}", names(&topics), problem.message, problem.kind));
            lines.push(format!("Next step: {}", problem.next));
        }
        for (open, topics) in by_cause(&changes.over, |open| (&open.cause, open.topic.as_deref())) {
            let since = open.since.to_rfc3339_opts(SecondsFormat::Secs, true);
            lines.push(format!("Over (since {since}): {}{}", names(&topics), open.message));
        }
        lines.push(format!("Log: requestId {}", printable(request_id)));
        Some(lines.join("\n"))
    }
}

/// For each cause, its first problem and the topics of all its problems.
fn by_cause<'p, P>(problems: &'p [P], key: impl Fn(&'p P) -> (&'p str, Option<&'p str>)) -> Vec<(&'p P, Vec<&'p str>)> {
    let mut groups: Vec<(&P, Vec<&str>)> = Vec::new();
    for problem in problems {
        let (cause, topic) = key(problem);
        let same =
            |(first, topics): &&mut (&'p P, Vec<&str>)| key(first).0 == cause && topics.is_empty() == topic.is_none();
        match groups.iter_mut().find(same) {
            Some((_, topics)) => topics.extend(topic),
            None => groups.push((problem, topic.into_iter().collect())),
        }
    }
    groups
}

/// The names of topics in front of a text.
fn names(topics: &[&str]) -> String {
    let more = match topics.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first: Vec<&str> = topics.iter().take(MAX_NAMES).copied().collect();
    if first.is_empty() { String::new() } else { format!("{}{more} ", first.join(", ")) }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::diagnosis::Diagnosis;
    use crate::error::Cause;
    use crate::notices::{OpenProblem, Problem};

    fn shown(changes: &Changes) -> String {
        let summary = Summary { job: Some("hashtag"), time: "2026-01-31T23:55:00Z".to_owned(), ..Summary::default() };
        summary.notice(changes, "r-1\n").unwrap()
    }

    fn over(topic: &str) -> OpenProblem {
        OpenProblem {
            cause: "not_there".to_owned(),
            topic: Some(topic.to_owned()),
            secret_id: None,
            message: "failed: no hashtag".to_owned(),
            since: DateTime::UNIX_EPOCH,
            is_reported: true,
            runs: Default::default(),
        }
    }

    #[test]
    fn a_notice_has_the_new_problems_with_the_next_step_and_those_that_are_over() {
        let problem = Problem::of_run(&Cause::Store("x.json: AccessDenied".to_owned(), Diagnosis::StoreDenied));
        let changes = Changes { new: vec![problem], over: vec![over("dior"), over("gucci")] };
        insta::assert_snapshot!(shown(&changes), @r"
        hashtag of 2026-01-31T23:55:00Z: 0 records stored, 0 topics failed
        Failed: x.json: AccessDenied; kind store
        Next step: allow s3:PutObject under the locations' folder, quality/ and partial/, and kms:GenerateDataKey if a key of your own encrypts the bucket
        Over (since 1970-01-01T00:00:00Z): dior, gucci failed: no hashtag
        Log: requestId r-1\n
        ");
    }

    #[test]
    fn topics_with_the_same_problem_are_one_line_of_which_the_first_are_named() {
        let problem = |topic: usize| Problem {
            topic: Some(format!("t{topic}")),
            ..Problem::outdated(Diagnosis::Configuration, "odd")
        };
        let text = shown(&Changes { new: (1..=22).map(problem).collect(), over: Vec::new() });
        assert!(
            text.contains("\nt1, t2, ") && text.contains(", t20 and 2 more CRITICAL: odd; kind config\n"),
            "{text}"
        );
    }

    #[test]
    fn a_long_text_is_shortened_and_kept_on_one_line() {
        assert_eq!(notice_text("a\nb"), r"a\nb");
        assert_eq!(notice_text(&"é".repeat(5_000)), "é".repeat(1_000) + " …");
    }
}
