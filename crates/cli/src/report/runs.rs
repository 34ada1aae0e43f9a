//! What is missing: topics that failed, runs that did not take place, files that could not be read.

use std::collections::BTreeMap;

use serde::Serialize;

pub(super) use crate::stored::Skipped;
use crate::stored::quality::{self, TopicRun};

/// The most failures, and the most files, that the page lists. The others are counted.
pub(super) const MOST_LISTED: usize = 1_000;

/// A topic that failed in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    time: i64,
    job: &'static str,
    topic: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    message: String,
}

/// The failures, each once: the quality objects of both models of a run list the same ones.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<(i64, &'static str, String), Failure>);

impl Failures {
    pub(super) fn add(&mut self, job: &'static str, time: i64, topics: &[TopicRun]) {
        let failed = topics.iter().filter_map(|run| Some((&run.topic, run.failure.as_ref()?)));
        for (topic, quality::Failure { kind, code, message }) in failed {
            let message = message.chars().take(300).collect();
            let failure = Failure { time, job, topic: topic.clone(), kind: kind.clone(), code: *code, message };
            self.0.insert((time, job, topic.clone()), failure);
        }
    }

    /// The failures, newest first.
    pub(super) fn finish(self) -> Vec<Failure> {
        self.0.into_values().rev().collect()
    }
}

/// A gap in a job's usual rhythm of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Gap {
    job: &'static str,
    /// The run before the gap, in seconds since 1970.
    after: i64,
    /// The run after the gap.
    before: i64,
    missing: i64,
}

/// A job's runs: their number, their rhythm and its gaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rhythm {
    pub(super) job: &'static str,
    runs: usize,
    /// The usual seconds from one run to the next; 0 with fewer than two runs.
    every: i64,
    gaps: Vec<Gap>,
}

/// The rhythm of a job's runs, whose times ascend. The median distance is the usual one.
pub(super) fn rhythm(job: &'static str, times: &[i64]) -> Rhythm {
    let steps = || times.iter().zip(times.iter().skip(1)).map(|(a, b)| (*a, *b));
    let mut distances: Vec<i64> = steps().map(|(a, b)| b - a).filter(|d| *d > 0).collect();
    distances.sort_unstable();
    let every = distances.get(distances.len() / 2).copied().unwrap_or(0);
    let gap = |(after, before): (i64, i64)| {
        let missing = (before - after + every / 2).checked_div(every)? - 1;
        (missing > 0).then_some(Gap { job, after, before, missing })
    };
    Rhythm { job, runs: times.len(), every, gaps: steps().filter_map(gap).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_both_models_of_a_run_list_counts_once() {
        let failure = quality::Failure { kind: "permission".into(), code: Some(10), message: "no".into() };
        let failed = TopicRun { topic: "dior".into(), failure: Some(failure), ..TopicRun::default() };
        let mut failures = Failures::default();
        failures.add("brand_media", 1, std::slice::from_ref(&failed));
        failures.add("brand_media", 1, std::slice::from_ref(&failed));
        failures.add("brand_media", 2, &[failed]);
        assert_eq!(failures.finish().iter().map(|f| f.time).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn missing_runs_are_found_by_the_rhythm_of_the_others() {
        let gaps =
            |times: &[i64]| rhythm("hashtag", times).gaps.iter().map(|g| (g.after, g.missing)).collect::<Vec<_>>();
        assert_eq!(gaps(&[0, 300, 600, 1_500, 1_800]), [(600, 2)]);
        // A run that starts late leaves no gap.
        assert_eq!(gaps(&[0, 300, 700, 900, 1_200]), []);
        assert_eq!(gaps(&[]), []);
        assert_eq!(gaps(&[5]), []);
        assert_eq!(gaps(&[5, 5]), []);
    }
}
