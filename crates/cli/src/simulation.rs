//! Simulated months: the real function in random runs, repeats, repairs and faults of the store, and after each of them
//! what a load sees, compared with a model that shares no code with it.
//!
//! `MONTHS` says how many months are simulated, `SEED` is the seed of the first one. Each month has a seed of its own,
//! which a failure names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::repair::{self, Coverage};
use crate::stored::{self, Snapshot};
use collector::config::Config;
use collector::error::Cause;
use collector::function::{Function, Invocation, Settings};
use collector::record::Model;
use collector::secret::{Credentials, Secret};
use collector::topic::Job;

mod model;
mod world;

use model::{End, Ran, Seen};
use world::{Fault, Outcome, TOPICS, World};

/// One event, delivered.
#[derive(Debug, Clone)]
struct Step {
    /// Which of the day's two times.
    is_evening: bool,
    what: What,
    outcomes: [Outcome; TOPICS.len()],
    fault: Fault,
}

#[derive(Debug, Clone)]
enum What {
    /// All topics.
    Scheduled,
    /// Some topics, as bits.
    Subset(u8),
    /// A shard: two neighbouring topics, so that shards overlap.
    Shard(usize),
    /// What `retry` makes of one of the time's quality objects.
    Retry(usize),
}

const MODELS: [Model; 2] = [Model::Brand, Model::Media];

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        10 => Just(Outcome::Whole),
        1 => Just(Outcome::CutShort),
        2 => prop_oneof![Just(10), Just(24)].prop_map(Outcome::Failed),
    ];
    let what = prop_oneof![
        5 => Just(What::Scheduled),
        2 => (1..16_u8).prop_map(What::Subset),
        2 => (0..3_usize).prop_map(What::Shard),
        2 => (0..8_usize).prop_map(What::Retry),
    ];
    let fault = prop_oneof![
        14 => Just(Fault::None),
        2 => (0..4_usize, any::<bool>()).prop_map(|(put, hangs_up)| Fault::LosesResponse { put, hangs_up }),
        1 => prop_oneof![Just(403), Just(405), Just(501)].prop_map(Fault::Refuses),
        1 => prop_oneof![Just(403), Just(507)].prop_map(Fault::Down),
        2 => (0..4_usize, any::<bool>()).prop_map(|(put, after)| Fault::Kills { put, after }),
    ];
    (any::<bool>(), what, prop::array::uniform4(outcome), fault).prop_map(|(is_evening, what, outcomes, fault)| Step {
        is_evening,
        what,
        outcomes,
        fault,
    })
}

/// The steps of each day.
fn month() -> impl Strategy<Value = Vec<Vec<Step>>> {
    prop::collection::vec(prop::collection::vec(step(), 0..=4), 30)
}

/// The function in its world.
struct Simulation {
    world: World,
    function: Function,
    config: Config,
    history: Vec<Ran>,
    _folder: TempDir,
}

impl Simulation {
    async fn new() -> Self {
        let ini = include_str!("../../../configure.ini").lines().map(|line| match line.split_once(" = ") {
            Some(("accounts", _)) => format!("accounts = {}", TOPICS.join(" ")),
            Some((name, _)) if TOPICS.contains(&name) => {
                format!("{name} = 8{}", TOPICS.iter().position(|topic| topic == &name).unwrap())
            }
            Some(("version", _)) => "version = v26.0".to_owned(),
            _ => line.to_owned(),
        });
        let ini = ini.collect::<Vec<_>>().join("\n") + "\n[limits]\nmedia_per_account = 100\n";
        let folder = tempfile::tempdir().unwrap();
        let config_file = folder.path().join("configure.ini");
        std::fs::write(&config_file, &ini).unwrap();
        let credentials = Credentials {
            ig_user_id: "17841400000000001".into(),
            access_token: "placeholder".to_owned().into(),
            app: None,
        };
        let secret = Secret {
            credentials,
            bucket: "lux-raw".to_owned(),
            config_file,
            config_named_by: None,
            webhook: None,
            notices: Vec::new(),
        };
        let world = World::start().await;
        let (end_point, aws) = (Some(world.address()), Some(world.aws().await));
        let function = Function::new(Settings { secret: Some(secret), end_point, aws, ..Settings::default() });
        let config = Config::parse(ini.as_bytes(), "configure.ini").unwrap();
        Self { world, function, config, history: Vec::new(), _folder: folder }
    }

    /// Simulates a month. Returns the number of its runs.
    async fn month(&mut self, days: &[Vec<Step>]) -> Result<usize, String> {
        self.history.clear();
        {
            let mut state = self.world.state();
            state.objects.clear();
            state.journal.clear();
        }
        for (day, steps) in days.iter().enumerate() {
            for step in steps {
                // The clock of the events is behind that of the process, or years ahead of it.
                let first: DateTime<Utc> =
                    if day < 20 { "2026-11-01T03:00:00Z" } else { "2036-11-01T03:00:00Z" }.parse().unwrap();
                let time = first + TimeDelta::days(day as i64) + TimeDelta::hours(if step.is_evening { 12 } else { 0 });
                if let Some(event) = self.event(step, time) {
                    self.run(step, &event, time).await;
                    self.check(time).map_err(|problem| format!("day {}, {event}: {problem}", day + 1))?;
                }
            }
        }
        Ok(self.history.len())
    }

    fn event(&self, step: &Step, time: DateTime<Utc>) -> Option<Value> {
        let names = |chosen: &dyn Fn(usize) -> bool| {
            TOPICS.iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, name)| *name).collect::<Vec<_>>()
        };
        let whole = json!({"job": "brand_media", "time": time.to_rfc3339()});
        let with = |fields: Value| {
            let mut event = whole.clone();
            event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            event
        };
        Some(match step.what {
            What::Scheduled => whole.clone(),
            What::Subset(bits) => with(json!({"accounts": names(&|i| bits & (1 << i) != 0)})),
            What::Shard(n) => with(json!({"accounts": names(&|i| i == n || i == n + 1), "shard": format!("s-{n}")})),
            What::Retry(pick) => {
                let quality = self.quality(time);
                let report = &quality.get(pick % quality.len().max(1))?.1;
                let coverage =
                    Coverage::new(self.config.topics(Job::BrandMedia), &MODELS.map(|model| self.snapshot(model, time)));
                let (event, _) = repair::repair(&repair::read("x", report).unwrap(), Some(&coverage)).unwrap()?;
                serde_json::to_value(event).unwrap()
            }
        })
    }

    async fn run(&mut self, step: &Step, event: &Value, time: DateTime<Utc>) {
        self.world.begin(&step.outcomes, step.fault);
        let began = Utc::now().trunc_subsecs(3);
        let invocation = Invocation::new("simulated".to_owned(), SystemTime::now() + Duration::from_secs(30));
        let done = tokio::select! {
            done = self.function.invoke(event, &invocation, &()) => Some(done),
            () = self.world.killed() => None,
        };
        let end = match done {
            None => End::Killed,
            Some(Err(error)) if matches!(error.cause, Cause::Store(..)) => End::Lost,
            Some(_) => End::Well,
        };
        // What a killed process sent is under way a little longer. Responses of two runs are never of one moment.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let selected = event["accounts"].as_array();
        let is_selected = |name: &str| selected.is_none_or(|names| names.iter().any(|selected| selected == name));
        let outcomes = TOPICS.iter().enumerate().filter(|(_, name)| is_selected(name));
        let outcomes = outcomes.map(|(i, _)| (i, step.outcomes[i])).collect();
        let run = self.world.state().run;
        self.history.push(Ran { run, stamp: stamp(time), outcomes, end, began, ended: Utc::now() });
    }

    /// The quality objects of a time.
    fn quality(&self, time: DateTime<Utc>) -> Vec<(String, String)> {
        let state = self.world.state();
        let of_time = state.objects.iter().filter(|(key, _)| key.contains("quality/") && key.contains(&stamp(time)));
        of_time.map(|(key, body)| (key.clone(), String::from_utf8(body.to_vec()).unwrap())).collect()
    }

    /// What a load sees.
    fn snapshot(&self, model: Model, time: DateTime<Utc>) -> Snapshot {
        let (state, patterns) = (self.world.state(), stored::patterns(&self.config.locations));
        let objects = state.objects.iter().filter_map(|(key, body)| {
            let object = patterns.iter().find_map(|pattern| stored::object(pattern, key))?;
            (object.model == model && object.time == time).then(|| (object, Ok(stored::Body::Json(body.to_vec()))))
        });
        Snapshot::read(&self.config, model, time, objects.collect())
    }

    /// Compares what a load sees, and what `retry` would repair, with the model.
    fn check(&self, time: DateTime<Utc>) -> Result<(), String> {
        let snapshots = MODELS.map(|model| self.snapshot(model, time));
        let mut models = Vec::new();
        for (model, snapshot) in MODELS.into_iter().zip(&snapshots) {
            let expected = model::expected(&self.history, &self.world.state().journal, model.name(), &stamp(time))?;
            self.compare(model, snapshot, &expected).map_err(|problem| format!("{model}: {problem}"))?;
            models.push(expected);
        }
        if models.iter().any(|expected| expected.is_torn) {
            return Ok(());
        }
        let missing: BTreeSet<&str> = model::missing(&models).into_iter().map(|topic| TOPICS[topic]).collect();
        let coverage = Coverage::new(self.config.topics(Job::BrandMedia), &snapshots);
        for (key, report) in self.quality(time) {
            let repair = repair::repair(&repair::read("x", &report)?, Some(&coverage))?;
            let event = serde_json::to_value(repair.map(|(event, _)| event)).unwrap();
            let repaired: BTreeSet<&str> = match &event["accounts"] {
                Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
                // A run that stored nothing is repeated whole.
                _ if event.is_object() => TOPICS.into(),
                _ => BTreeSet::new(),
            };
            if repaired != missing {
                return Err(format!("retry of {key} repairs {repaired:?}, missing are {missing:?}"));
            }
        }
        Ok(())
    }

    fn compare(&self, model: Model, snapshot: &Snapshot, expected: &model::Expected) -> Result<(), String> {
        let mut records: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (record, _, moment) in &snapshot.records {
            let run = u32::try_from(record.followers_count.or(record.like_count).unwrap()).unwrap();
            let Ran { began, ended, .. } = self.history.iter().find(|ran| ran.run == run).unwrap();
            let is_moment = moment.known && (began..=ended).contains(&&moment.at);
            if !is_moment && !expected.is_torn {
                return Err(format!("{} was asked from {began} to {ended}, and not at {moment:?}", record.user_id));
            }
            records.entry(model::topic_of(&record.user_id)).or_default().push(run);
        }
        for (topic, name) in TOPICS.iter().enumerate() {
            let runs = records.get(&topic).map_or(&[][..], Vec::as_slice);
            let is_one = runs.iter().all(|run| *run == runs[0]);
            let got = runs.first().map(|run| self.history.iter().find(|ran| ran.run == *run).unwrap().outcomes[&topic]);
            if !is_one || got.is_some_and(|got| model::records(model.name(), got) != runs.len()) {
                return Err(format!("{name} is not there once: its records are of the runs {runs:?}"));
            }
            let of_topic: Vec<_> = snapshot.topics.iter().filter(|run| run.topic == *name).collect();
            let seen = match (of_topic.as_slice(), runs.first()) {
                ([], None) => None,
                ([run], Some(n)) if run.failure.is_none() => Some(Seen::Whole(*n)),
                ([_], Some(n)) => Some(Seen::CutShort(*n)),
                ([run], None) => run.failure.as_ref().map(|failure| match failure.kind.as_str() {
                    "permission" => Seen::Lost("permission"),
                    "not_there" => Seen::Lost("not_there"),
                    _ => Seen::Lost("another kind"),
                }),
                _ => return Err(format!("{name} is listed as {of_topic:?}")),
            };
            let expects = expected.topics.get(&topic);
            let is_there = !matches!(expects, Some(Seen::Whole(_) | Seen::CutShort(_))) || !runs.is_empty();
            if if expected.is_torn { !is_there } else { seen.as_ref() != expects } {
                return Err(format!("{name} is {seen:?}, expected is {expects:?}"));
            }
        }
        Ok(())
    }
}

fn stamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d_%H%M%S").to_string()
}

/// Simulates the month of a seed. Returns the number of its runs.
fn simulate(seed: u64, runtime: &tokio::runtime::Runtime, simulation: &mut Simulation) -> usize {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let cases = Cases { max_shrink_time: 120_000, failure_persistence: None, ..Cases::default() };
    let mut runner = TestRunner::new_with_rng(cases, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tree = month().new_tree(&mut runner).unwrap();
    let runs = std::cell::Cell::new(0);
    let simulation = std::cell::RefCell::new(simulation);
    let done = runner.run_one(tree, |days| {
        let done = runtime.block_on(simulation.borrow_mut().month(&days));
        runs.set(done.map_err(TestCaseError::fail)?);
        Ok(())
    });
    match done {
        Ok(_) => runs.get(),
        Err(proptest::test_runner::TestError::Fail(reason, days)) => {
            let steps = days.iter().enumerate().flat_map(|(day, steps)| steps.iter().map(move |step| (day + 1, step)));
            let steps: Vec<String> = steps.map(|(day, step)| format!("day {day}: {step:?}")).collect();
            panic!("SEED={seed}: {reason}\n{}", steps.join("\n"))
        }
        Err(error) => panic!("SEED={seed}: {error}"),
    }
}

/// Simulates a day of these steps, all in the morning.
fn day(steps: &[(What, [Outcome; TOPICS.len()], Fault)]) {
    let step = |(what, outcomes, fault): &(What, _, _)| Step {
        is_evening: false,
        what: what.clone(),
        outcomes: *outcomes,
        fault: *fault,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let done = Simulation::new().await.month(&[steps.iter().map(step).collect()]).await;
        assert_eq!(done, Ok(steps.len()));
    });
}

const WHOLE: [Outcome; TOPICS.len()] = [Outcome::Whole; TOPICS.len()];

/// All topics, one of which has another outcome.
fn but(topic: usize, outcome: Outcome) -> [Outcome; TOPICS.len()] {
    let mut outcomes = WHOLE;
    outcomes[topic] = outcome;
    outcomes
}

const LOST: Outcome = Outcome::Failed(10);

#[test]
fn a_run_and_repeats_that_each_lost_another_topic_have_all() {
    day(&[
        (What::Scheduled, but(2, LOST), Fault::None),
        (What::Scheduled, but(1, LOST), Fault::None),
        (What::Scheduled, [LOST, Outcome::Whole, LOST, LOST], Fault::None),
    ]);
}

#[test]
fn a_repeat_of_less_leaves_what_a_store_without_conditions_has() {
    day(&[
        (What::Scheduled, but(1, Outcome::CutShort), Fault::Refuses(403)),
        (What::Scheduled, but(3, Outcome::CutShort), Fault::Refuses(403)),
    ]);
}

#[test]
fn an_object_whose_response_was_lost_is_the_runs_own() {
    for hangs_up in [true, false] {
        day(&[(What::Scheduled, but(3, Outcome::CutShort), Fault::LosesResponse { put: 0, hangs_up })]);
    }
}

#[test]
fn a_topic_that_one_model_lost_to_a_kill_is_repaired() {
    day(&[(What::Shard(0), WHOLE, Fault::Kills { put: 1, after: true }), (What::Retry(0), WHOLE, Fault::None)]);
}

#[test]
fn overlapping_shards_and_a_late_repair_count_once_and_at_their_moment() {
    day(&[
        (What::Shard(0), WHOLE, Fault::None),
        (What::Shard(1), but(2, LOST), Fault::None),
        (What::Retry(0), WHOLE, Fault::None),
    ]);
}

#[test]
fn records_of_a_killed_run_that_a_later_one_takes_for_its_own_hide_no_repair() {
    day(&[
        (What::Scheduled, but(1, LOST), Fault::Kills { put: 2, after: true }),
        (What::Subset(0b1111), WHOLE, Fault::None),
        (What::Scheduled, but(2, LOST), Fault::LosesResponse { put: 1, hangs_up: false }),
    ]);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn simulated_months_lose_nothing_and_count_nothing_twice() {
    let started = Instant::now();
    let (months, seed) = (number("MONTHS"), number("SEED").unwrap_or(1));
    // By default, what 15 seconds have time for.
    let is_over = move |month: u64| match months {
        Some(months) => month >= months,
        None => started.elapsed() > Duration::from_secs(15),
    };
    let (next, total) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (next, total) = (Arc::clone(&next), Arc::clone(&total));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let mut simulation = runtime.block_on(Simulation::new());
                loop {
                    let month = next.fetch_add(1, Ordering::Relaxed);
                    if is_over(month) {
                        return month;
                    }
                    let runs = simulate(seed + month, &runtime, &mut simulation);
                    total.fetch_add(runs as u64, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let months = workers.into_iter().map(|worker| worker.join().unwrap()).min().unwrap();
    println!(
        "{months} months from SEED={seed}, {} runs, {:.0} s",
        total.load(Ordering::Relaxed),
        started.elapsed().as_secs_f64()
    );
}
