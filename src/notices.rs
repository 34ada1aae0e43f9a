//! The problems that last longer than a run: which are open, and which have been reported. Each is reported once when
//! it starts and once when it is over.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::diagnosis::Diagnosis;
use crate::error::Cause;
use crate::event::Event;
use crate::graph::{Failure, Kind};
use crate::quality::TopicRun;
use crate::secret::SecretId;
use crate::topic::Shard;

/// The run of an event that cannot be read. The next event that can be read ends its problem.
pub const UNREADABLE_EVENT: &str = "event";

/// A run that has not been seen for this long no longer keeps a problem open: its schedule or its shard is gone. The
/// job `token` runs daily.
const MAX_UNSEEN: TimeDelta = TimeDelta::days(2);

/// The age at which the time of a run is updated. A more frequent update is not worth a put.
const SEEN_UPDATE: TimeDelta = TimeDelta::hours(12);

/// Why a run, or one of its topics, failed.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What identifies it in any run.
    pub cause: &'static str,
    /// The topic; `None` for the run as a whole.
    pub topic: Option<String>,
    /// Whether it concerns the run's credential, so that another credential has its own problem.
    pub is_of_the_credential: bool,
    /// Whether the first run that has it reports it. The others are reported by the second run in a row.
    pub is_urgent: bool,
    /// The kind in the log.
    pub kind: &'static str,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub next: Cow<'static, str>,
}

impl Problem {
    /// The problem of a run that failed with `error`.
    pub fn of_run(error: &Cause) -> Self {
        let kind = error.kind();
        let of_run = match error {
            Cause::TopicsFailed { first, .. } | Cause::TokenUnknown(first) => Self::of_failure(first),
            _ => Self::new(error.diagnosis().name(), kind, error.diagnosis()),
        };
        let is_of_the_credential = of_run.is_of_the_credential || kind == "secret";
        Self { kind, is_of_the_credential, message: format!("Failed: {error}"), ..of_run }
    }

    /// The problem of a run that stopped for `failure`.
    pub fn critical(failure: &Failure) -> Self {
        Self { message: format!("CRITICAL: {failure}"), ..Self::of_failure(failure) }
    }

    /// The problem of a run that continues with the last good configuration.
    pub fn outdated(diagnosis: Diagnosis, message: &str) -> Self {
        Self { message: format!("CRITICAL: {message}"), ..Self::new(diagnosis.name(), "config", diagnosis) }
    }

    fn of_topic(topic: &str, failure: &Failure) -> Self {
        let (topic, is_urgent) = (Some(topic.to_owned()), failure.needs_a_person());
        let message = format!("failed: {failure}");
        Self { topic, is_urgent, is_of_the_credential: false, message, ..Self::of_failure(failure) }
    }

    fn of_identity(topic: &str, id: &str) -> Self {
        let (kind, diagnosis) = ("identity", Diagnosis::OtherAccount);
        let message = format!("responds with the id {id}: {}", diagnosis.row().cause);
        Self { topic: Some(topic.to_owned()), message, ..Self::new(kind, kind, diagnosis) }
    }

    fn of_failure(failure: &Failure) -> Self {
        let (kind, diagnosis) = (failure.kind, failure.diagnosis);
        let cause = match kind {
            // The errors of an API that does not respond differ from run to run.
            Kind::Transient | Kind::Deadline => Kind::Transient.name(),
            // A call and `debug_token` do not name the same reason. A topic that has responded before has another one.
            Kind::Token | Kind::NotFound => kind.name(),
            _ => diagnosis.name(),
        };
        let is_of_the_credential = matches!(kind, Kind::Token | Kind::SetUp | Kind::Throttled | Kind::Usage);
        Self { is_of_the_credential, ..Self::new(cause, kind.name(), diagnosis) }
    }

    fn new(cause: &'static str, kind: &'static str, diagnosis: Diagnosis) -> Self {
        let (topic, message, next) = (None, String::new(), diagnosis.row().next);
        Self { cause, topic, is_of_the_credential: false, is_urgent: true, kind, message, next }
    }
}

/// The problems that a run shows.
#[derive(Debug, Default)]
pub struct Observation {
    /// The name of the run: its job, credential and shard, or [`UNREADABLE_EVENT`].
    pub run: String,
    /// The secret of its credential, if the event names one.
    pub secret_id: Option<SecretId>,
    /// The problems of the run as a whole.
    pub of_run: Vec<Problem>,
    /// The problems of its topics; `None` if it did not get as far.
    pub of_topics: Option<TopicProblems>,
}

/// The problems of topics.
#[derive(Debug, Default)]
pub struct TopicProblems {
    problems: Vec<Problem>,
    /// The topics that the API gave no response for. Their earlier problems may last.
    unclear: Vec<String>,
}

impl TopicProblems {
    /// The problems of a run's topics. A topic that failed because the whole run was stopped has no separate problem.
    pub fn of(topics: &[TopicRun<'_>]) -> Self {
        let mut found = Self::default();
        for TopicRun { topic, other_id, failure, .. } in topics {
            found.problems.extend(other_id.as_deref().map(|id| Problem::of_identity(topic, id)));
            let Some(failure) = failure else { continue };
            if failure.kind.stops_the_run() || matches!(failure.kind, Kind::Transient | Kind::Deadline) {
                found.unclear.push((*topic).to_owned());
            }
            if !failure.kind.stops_the_run() {
                found.problems.push(Problem::of_topic(topic, failure));
            }
        }
        found
    }
}

impl Observation {
    /// The observation of a run that shows no problem; `None` for an event that cannot be read.
    pub fn of(event: Option<&Event>) -> Self {
        let Some(event) = event else { return Self { run: UNREADABLE_EVENT.to_owned(), ..Self::default() } };
        let (secret_id, shard) = (event.secret_id.clone(), event.shard.as_ref().map(Shard::as_str));
        let parts = secret_id.as_ref().map(SecretId::as_str).into_iter().chain(shard);
        let run = parts.fold(event.job.name().to_owned(), |run, part| format!("{run}/{part}"));
        Self { run, secret_id, ..Self::default() }
    }

    /// The problems of the run, and those of its topics that have another cause.
    fn problems(&self) -> impl Iterator<Item = &Problem> {
        let of_topics = self.of_topics.iter().flat_map(|topics| &topics.problems);
        self.of_run.iter().chain(of_topics.filter(|p| self.of_run.iter().all(|of_run| of_run.cause != p.cause)))
    }

    /// The same, with other texts.
    #[must_use]
    pub fn with_texts(mut self, text: impl Fn(&str) -> String) -> Self {
        let of_topics = self.of_topics.iter_mut().flat_map(|topics| &mut topics.problems);
        self.of_run.iter_mut().chain(of_topics).for_each(|problem| problem.message = text(&problem.message));
        self
    }

    fn secret_of(&self, problem: &Problem) -> Option<&str> {
        self.secret_id.as_ref().filter(|_| problem.is_of_the_credential).map(SecretId::as_str)
    }

    fn has(&self, problem: &Problem, open: &OpenProblem) -> bool {
        (problem.cause, problem.topic.as_deref(), self.secret_of(problem)) == open.id()
    }

    /// Whether the run would show an open problem if that lasted. A failed run shows only its reason.
    fn would_show(&self, open: &OpenProblem) -> bool {
        match (&open.topic, &self.of_topics) {
            (None, _) => self.of_run.is_empty(),
            (Some(topic), Some(topics)) => !topics.unclear.contains(topic),
            (Some(_), None) => false,
        }
    }
}

/// A problem that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenProblem {
    /// As in [`Problem`].
    pub cause: String,
    /// As in [`Problem`].
    pub topic: Option<String>,
    /// The credential's secret, for a problem of one that an event names.
    pub secret_id: Option<String>,
    /// What happened first.
    pub message: String,
    /// When it was seen first.
    pub since: DateTime<Utc>,
    /// Whether it has been reported.
    pub is_reported: bool,
    /// The runs that have it, and when each was seen.
    pub runs: BTreeMap<String, DateTime<Utc>>,
}

impl OpenProblem {
    fn id(&self) -> (&str, Option<&str>, Option<&str>) {
        (&self.cause, self.topic.as_deref(), self.secret_id.as_deref())
    }
}

/// The problems that last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    open: Vec<OpenProblem>,
}

/// What a run changes in the open problems.
#[derive(Debug, Default)]
pub struct Changes {
    /// The problems to report.
    pub new: Vec<Problem>,
    /// The reported problems that are over.
    pub over: Vec<OpenProblem>,
}

impl Changes {
    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.over.is_empty()
    }
}

impl Notices {
    /// The open problems after a run at `now`, and what there is to report.
    pub fn after(&self, run: &Observation, now: DateTime<Utc>) -> (Self, Changes) {
        let (mut after, mut changes) = (Self::default(), Changes::default());
        for open in &self.open {
            let mut open = open.clone();
            let lasts = run.problems().any(|problem| run.has(problem, &open));
            let is_gone = !lasts && run.would_show(&open) && open.runs.remove(&run.run).is_some();
            let was_unreadable = run.run != UNREADABLE_EVENT && open.runs.remove(UNREADABLE_EVENT).is_some();
            open.runs.retain(|_, seen| now - *seen < MAX_UNSEEN);
            if !open.runs.is_empty() || lasts {
                after.open.push(open);
            } else if open.is_reported && (is_gone || was_unreadable) {
                changes.over.push(open);
            }
        }
        for problem in run.problems() {
            if after.add(problem, run, now) {
                changes.new.push(problem.clone());
            }
        }
        (after, changes)
    }

    /// Adds a problem of a run. Returns whether it is to be reported.
    fn add(&mut self, problem: &Problem, run: &Observation, now: DateTime<Utc>) -> bool {
        let Some(open) = self.open.iter_mut().find(|open| run.has(problem, open)) else {
            self.open.push(OpenProblem {
                cause: problem.cause.to_owned(),
                topic: problem.topic.clone(),
                secret_id: run.secret_of(problem).map(str::to_owned),
                message: problem.message.clone(),
                since: now,
                is_reported: problem.is_urgent,
                runs: BTreeMap::from([(run.run.clone(), now)]),
            });
            return problem.is_urgent;
        };
        let before = open.runs.get(&run.run).copied();
        if before.is_none_or(|seen| now - seen > SEEN_UPDATE) {
            open.runs.insert(run.run.clone(), now);
        }
        let is_due = problem.is_urgent || before.is_some();
        let is_new = is_due && !open.is_reported;
        open.is_reported |= is_due;
        is_new
    }

    /// These problems, and those of `other` that are not among them.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for open in &other.open {
            if !all.open.iter().any(|known| known.id() == open.id()) {
                all.open.push(open.clone());
            }
        }
        all
    }

    /// These problems, changed so that the next run reports the changes of `run` again, since they were not reported.
    #[must_use]
    pub fn unreported(&self, changes: &Changes, run: &Observation, now: DateTime<Utc>) -> Self {
        let still_open = |open: &OpenProblem| OpenProblem { runs: [(run.run.clone(), now)].into(), ..open.clone() };
        let mut all = self.with(&Self { open: changes.over.iter().map(still_open).collect() });
        for open in &mut all.open {
            open.is_reported &= !changes.new.iter().any(|problem| run.has(problem, open));
        }
        all
    }

    /// The open problems in an object. A damaged object has none.
    pub fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The open problems as JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a struct of strings and lists is JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run at an hour with failures: of the run, and of topics.
    fn run(name: &str, of_run: &[Kind], of_topics: &[(&'static str, Kind)]) -> Observation {
        let failures: Vec<Failure> = of_topics.iter().map(|(_, kind)| Failure::new(*kind, "refused")).collect();
        let topic = |((topic, _), failure): (&(&'static str, Kind), &Failure)| {
            let (asked_at, other_id, reach) = (None, None, None);
            TopicRun {
                topic,
                user_id: "1",
                asked_at,
                records: Vec::new(),
                other_id,
                failure: Some(failure.clone()),
                reach,
            }
        };
        let topics: Vec<TopicRun<'_>> = of_topics.iter().zip(&failures).map(topic).collect();
        let of_run = of_run.iter().map(|kind| Problem::critical(&Failure::new(*kind, "refused"))).collect();
        Observation { run: name.to_owned(), secret_id: None, of_run, of_topics: Some(TopicProblems::of(&topics)) }
    }

    /// What the runs report, one after the other, an hour apart.
    fn reports(runs: &[Observation]) -> Vec<String> {
        let mut notices = Notices::default();
        let shown = |cause: &str, topic: Option<&str>| format!("{cause} {}", topic.unwrap_or("-"));
        let mut reports = Vec::new();
        for (hour, run) in runs.iter().enumerate() {
            let now = DateTime::UNIX_EPOCH + TimeDelta::hours(hour as i64);
            let (after, changes) = notices.after(run, now);
            notices = Notices::read(&after.to_json());
            assert_eq!(notices, after);
            let new = changes.new.iter().map(|problem| shown(problem.cause, problem.topic.as_deref()));
            let over = changes.over.iter().map(|open| format!("over {}", shown(&open.cause, open.topic.as_deref())));
            reports.push(new.chain(over).collect::<Vec<_>>().join(", "));
        }
        reports
    }

    #[test]
    fn a_problem_of_two_jobs_is_new_with_the_first_and_over_with_the_last() {
        let bad = |name| run(name, &[Kind::Token], &[]);
        let good = |name| run(name, &[], &[]);
        let runs = [bad("brand_media"), bad("hashtag"), good("hashtag"), bad("brand_media"), good("brand_media")];
        assert_eq!(reports(&runs), ["token -", "", "", "", "over token -"]);
    }

    #[test]
    fn a_run_that_fails_for_another_reason_ends_no_problem_of_the_run() {
        let runs = [
            run("hashtag", &[Kind::Transient], &[]),
            run("hashtag", &[Kind::Deadline], &[]),
            run("hashtag", &[Kind::Throttled], &[]),
            run("hashtag", &[], &[]),
        ];
        assert_eq!(reports(&runs), ["transient -", "", "throttled -", "over transient -, over throttled -"]);
    }

    #[test]
    fn a_topic_that_needs_a_person_is_reported_at_once_and_any_other_by_the_second_run() {
        let runs = [
            run("hashtag", &[], &[("dior", Kind::NotFound), ("gucci", Kind::Transient)]),
            run("hashtag", &[], &[("gucci", Kind::Deadline), ("dior", Kind::NotFound)]),
            run("hashtag", &[], &[("gucci", Kind::Transient)]),
            run("hashtag", &[], &[("prada", Kind::Transient)]),
            run("hashtag", &[], &[]),
        ];
        let expected = ["not_there dior", "transient gucci", "over not_there dior", "over transient gucci", ""];
        assert_eq!(reports(&runs), expected);
    }

    #[test]
    fn a_problem_of_a_topic_lasts_while_the_api_says_nothing_of_the_topic() {
        let stopped = |kind| run("brand_media", &[Kind::Throttled], &[("dior", kind)]);
        let runs = [
            run("brand_media", &[], &[("dior", Kind::Permission)]),
            stopped(Kind::Throttled),
            run("brand_media", &[Kind::Transient], &[("dior", Kind::Transient)]),
            Observation { of_topics: None, ..run("brand_media", &[Kind::SetUp], &[]) },
            run("hashtag", &[], &[]),
            run("brand_media", &[], &[]),
        ];
        let last = "over forbidden dior, over throttled -, over transient -, over secret -";
        assert_eq!(reports(&runs), ["forbidden dior", "throttled -", "transient -", "secret -", "", last]);
    }

    #[test]
    fn an_account_under_anothers_name_is_reported_by_the_first_run() {
        let (user_id, other_id) = ("1", Some("2".to_owned()));
        let topic = TopicRun {
            topic: "dior",
            user_id,
            asked_at: None,
            records: Vec::new(),
            other_id,
            failure: None,
            reach: None,
        };
        let other = Observation { of_topics: Some(TopicProblems::of(&[topic])), ..run("brand_media", &[], &[]) };
        assert_eq!(reports(&[other, run("brand_media", &[], &[])]), ["identity dior", "over identity dior"]);
    }

    #[test]
    fn an_event_that_cannot_be_read_is_over_with_the_next_one_that_can() {
        let unreadable = || {
            let problem = Problem::critical(&Failure::new(Kind::Unexpected, "no job").with(Diagnosis::Event));
            Observation { of_run: vec![problem], ..Observation::of(None) }
        };
        let runs = [unreadable(), unreadable(), run("token", &[Kind::Token], &[])];
        assert_eq!(reports(&runs), ["event -", "", "token -, over event -"]);
    }

    #[test]
    fn each_credential_has_problems_of_its_own_and_the_api_has_not() {
        let of =
            |id: &str, kind| Observation { secret_id: SecretId::new(id), ..run(&format!("token/{id}"), &[kind], &[]) };
        let runs =
            [of("c/1", Kind::Token), of("c/2", Kind::Token), of("c/1", Kind::Transient), of("c/2", Kind::Transient)];
        assert_eq!(reports(&runs), ["token -", "token -", "transient -", ""]);
    }

    #[test]
    fn what_nobody_was_notified_of_is_reported_again() {
        let (bad, good) = (run("hashtag", &[Kind::Token], &[]), run("hashtag", &[], &[]));
        let now = DateTime::UNIX_EPOCH;
        let changes = |notices: &Notices, run| {
            let (after, changes) = notices.after(run, now);
            ((changes.new.len(), changes.over.len()), after.unreported(&changes, run, now), after)
        };
        let (first, refused, _) = changes(&Notices::default(), &bad);
        let (second, _, taken) = changes(&refused, &bad);
        let (third, refused, _) = changes(&taken, &good);
        let (fourth, _, taken) = changes(&refused, &good);
        assert_eq!([first, second, third, fourth], [(1, 0), (1, 0), (0, 1), (0, 1)]);
        assert_eq!(taken, Notices::default());
    }

    #[test]
    fn a_run_that_is_gone_keeps_no_problem_open() {
        let mut notices = Notices::default();
        let mut at = |hours, run: &Observation| {
            let (after, changes) = notices.after(run, DateTime::UNIX_EPOCH + TimeDelta::hours(hours));
            notices = after;
            (changes.new.len(), changes.over.len())
        };
        let bad = |name| run(name, &[Kind::Token], &[]);
        assert_eq!(at(0, &bad("token/s-1")), (1, 0));
        assert_eq!((at(24, &bad("token/s-2")), at(49, &bad("token/s-2"))), ((0, 0), (0, 0)));
        assert_eq!(at(50, &run("token/s-2", &[], &[])), (0, 1), "s-1 was last seen two days ago");
    }
}
