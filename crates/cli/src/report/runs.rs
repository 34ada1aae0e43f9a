//! What is missing: topics that failed, runs that did not take place, files that could not be read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use super::days::{DAY, Grid};
pub(super) use crate::stored::Skipped;
use crate::stored::quality::{self, TopicRun};
use collector::record::Model;

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

/// What was collected for a run after its slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Late {
    job: &'static str,
    /// The time of the run, in seconds since 1970.
    time: i64,
    /// When the first late response arrived.
    asked: i64,
    /// The houses of the late responses, by their indexes.
    houses: BTreeSet<usize>,
}

/// The late responses by job and run: both models of a run have the same ones.
#[derive(Debug, Default)]
pub(super) struct LateRuns(BTreeMap<(&'static str, i64), Late>);

impl LateRuns {
    /// Adds a response for a house that arrived at `asked`. Responses are added in the order of their moments.
    pub(super) fn add(&mut self, job: &'static str, time: i64, asked: i64, house: usize) {
        let late = self.0.entry((job, time)).or_insert_with(|| Late { job, time, asked, houses: BTreeSet::new() });
        late.houses.insert(house);
    }

    pub(super) fn finish(self) -> Vec<Late> {
        self.0.into_values().collect()
    }
}

/// The times of the runs of each model, which say when a response is late.
#[derive(Debug, Default)]
pub(super) struct Slots(BTreeMap<Model, (i64, BTreeSet<i64>)>);

impl Slots {
    /// The slots of runs, given by their models and times.
    pub(super) fn of(runs: impl Iterator<Item = (Model, i64)>) -> Self {
        let mut slots = Self::default();
        for (model, time) in runs {
            slots.0.entry(model).or_default().1.insert(time);
        }
        for (every, times) in slots.0.values_mut() {
            *every = usual(&times.iter().copied().collect::<Vec<_>>());
        }
        slots
    }

    /// The time at which the slot of a run ends, and the next one begins.
    pub(super) fn end(&self, model: Model, time: i64) -> i64 {
        let Some((every, times)) = self.0.get(&model) else { return i64::MAX };
        let next = times.range(time + 1..).next().copied();
        [next, (*every > 0).then_some(time + every)].into_iter().flatten().min().unwrap_or(i64::MAX)
    }
}

/// A gap in a job's usual rhythm of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Gap {
    /// The run before the gap, in seconds since 1970.
    after: i64,
    /// The run after the gap.
    before: i64,
    missing: i64,
}

/// The runs of a job, by UTC day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rhythm {
    pub(super) job: &'static str,
    /// The usual seconds from one run to the next; 0 with fewer than two runs.
    pub(super) every: i64,
    pub(super) runs: Vec<Option<i64>>,
    /// The topics of the runs.
    pub(super) expected: Vec<Option<i64>>,
    /// Those of them of which any object of their time has records, or that are complete without any.
    pub(super) collected: Vec<Option<i64>>,
    pub(super) gaps: Vec<Gap>,
    /// The times of the first and the last run.
    #[serde(skip)]
    pub(super) ends: Option<(i64, i64)>,
}

/// The topics of each run by job and time, and whether each was collected. Both models of a run list the same ones.
#[derive(Debug, Default)]
pub(super) struct Jobs(BTreeMap<(&'static str, i64), Topics>);

#[derive(Debug, Default)]
struct Topics {
    /// Whether nothing was stored in time.
    is_missing: bool,
    collected: BTreeMap<String, bool>,
}

impl Jobs {
    pub(super) fn add(&mut self, job: &'static str, time: i64, is_missing: bool, topics: &[TopicRun]) {
        let new = || Topics { is_missing: true, ..Topics::default() };
        let of_run = self.0.entry((job, time)).or_insert_with(new);
        of_run.is_missing &= is_missing;
        for topic in topics {
            let collected = of_run.collected.entry(topic.topic.clone()).or_default();
            *collected |= topic.failure.is_none() || topic.records > 0;
        }
    }

    /// The runs of each job on the days of `times`.
    pub(super) fn finish(self, times: &RangeInclusive<i64>) -> Vec<Rhythm> {
        let of_job = |job: &'static str| {
            let runs = self.0.range((job, i64::MIN)..=(job, i64::MAX)).map(|((_, time), topics)| (*time, topics));
            let scheduled: Vec<i64> = runs.clone().filter(|(_, run)| !run.is_missing).map(|(time, _)| time).collect();
            let mut grids = [Grid::default(), Grid::default(), Grid::default()];
            let [ran, expected, collected] = &mut grids;
            scheduled.iter().for_each(|time| ran.add(0, *time, 1));
            for (time, run) in runs {
                expected.add(0, time, whole(run.collected.len()));
                collected.add(0, time, whole(run.collected.values().filter(|collected| **collected).count()));
            }
            let [runs, expected, collected] =
                grids.map(|grid| grid.rows(1, times, DAY).into_iter().next().unwrap_or_default());
            let (every, gaps) = rhythm(&scheduled);
            let ends = scheduled.first().copied().zip(scheduled.last().copied());
            Rhythm { job, every, runs, expected, collected, gaps, ends }
        };
        let rhythms = ["brand_media", "hashtag"].map(of_job).into_iter();
        rhythms.filter(|rhythm| rhythm.expected.iter().any(Option::is_some)).collect()
    }
}

fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The usual seconds between runs, whose times ascend, and the gaps.
fn rhythm(times: &[i64]) -> (i64, Vec<Gap>) {
    let every = usual(times);
    let gap = |(after, before): (&i64, &i64)| {
        let missing = (before - after + every / 2).checked_div(every)? - 1;
        (missing > 0).then_some(Gap { after: *after, before: *before, missing })
    };
    (every, times.iter().zip(times.iter().skip(1)).filter_map(gap).collect())
}

/// The median distance of times that ascend; 0 if there are fewer than two.
fn usual(times: &[i64]) -> i64 {
    let steps = times.iter().zip(times.iter().skip(1));
    let mut distances: Vec<i64> = steps.map(|(a, b)| b - a).filter(|distance| *distance > 0).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied().unwrap_or(0)
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
        let gaps = |times: &[i64]| rhythm(times).1.iter().map(|g| (g.after, g.missing)).collect::<Vec<_>>();
        assert_eq!(gaps(&[0, 300, 600, 1_500, 1_800]), [(600, 2)]);
        // A run that starts late leaves no gap.
        assert_eq!(gaps(&[0, 300, 700, 900, 1_200]), []);
        assert_eq!(gaps(&[]), []);
        assert_eq!(gaps(&[5]), []);
        assert_eq!(gaps(&[5, 5]), []);
    }

    #[test]
    fn a_slot_ends_when_the_next_run_is_due() {
        let slots = Slots::of([0, 3_600, 7_200, 36_000].into_iter().map(|time| (Model::Brand, time)));
        let end = |time| slots.end(Model::Brand, time);
        assert_eq!([end(0), end(7_200), end(36_000)], [3_600, 10_800, 39_600]);
        assert_eq!(slots.end(Model::Media, 0), i64::MAX);
        assert_eq!(Slots::of([(Model::Media, 0)].into_iter()).end(Model::Media, 0), i64::MAX);
    }
}
