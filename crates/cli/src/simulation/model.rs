//! What a load has to see, by a model that knows nothing of keys' order, merging or moments: only which run the API
//! answered with what, and which puts the store accepted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::world::{Outcome, Put, TOPICS};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Well,
    /// An object could not be stored.
    Lost,
    Killed,
}

/// A run.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) run: u32,
    /// Names the run's time, as the keys do.
    pub(super) stamp: String,
    /// Its topics, and what the API answered.
    pub(super) outcomes: BTreeMap<usize, Outcome>,
    pub(super) end: End,
    /// When it began and ended, by the clock of the process.
    pub(super) began: DateTime<Utc>,
    pub(super) ended: DateTime<Utc>,
}

/// What a load sees of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Records of a run, all that the run got.
    Whole(u32),
    /// The first of them.
    CutShort(u32),
    /// None, and the kind of the failure.
    Lost(&'static str),
}

/// What a load has to see of a model at a time.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) topics: BTreeMap<usize, Seen>,
    /// Whether a kill or a lost object left records without their quality object, or next to that of another run.
    pub(super) is_torn: bool,
}

/// The number of records that a run got of a topic.
pub(super) fn records(model: &str, outcome: Outcome) -> usize {
    match (model, outcome) {
        (_, Outcome::Failed(_)) => 0,
        ("brand", _) | (_, Outcome::CutShort) => 1,
        _ => 2,
    }
}

/// The puts of a model's objects at a time.
fn of<'p>(journal: &'p [Put], model: &str, stamp: &str) -> impl Iterator<Item = &'p Put> {
    let name = format!("/{model}_{stamp}");
    journal.iter().filter(move |put| put.key.contains(&name))
}

fn is_quality(key: &str) -> bool {
    key.contains("quality/")
}

fn quality_of(key: &str) -> String {
    match key.strip_prefix("raw/") {
        Some(name) => format!("quality/{name}"),
        None => key.replacen("partial/", "partial/quality/", 1),
    }
}

/// The topics in the records of a put.
fn topics(put: &Put) -> BTreeSet<usize> {
    let ids = put.body.as_array().into_iter().flatten().filter_map(|record| record["user_id"].as_str());
    ids.map(topic_of).collect()
}

/// What a load has to see.
///
/// # Errors
/// The rule that the store's objects break themselves.
pub(super) fn expected(history: &[Ran], journal: &[Put], model: &str, stamp: &str) -> Result<Expected, String> {
    let run = |number: u32| history.iter().find(|ran| ran.run == number).unwrap();
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut best, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    for put in of(journal, model, stamp) {
        last.insert(&put.key, put.run);
        if is_quality(&put.key) {
            for (topic, outcome) in &run(put.run).outcomes {
                if let Outcome::Failed(code) = outcome {
                    reasons.insert(*topic, if *code == 10 { "permission" } else { "not_there" });
                }
            }
            continue;
        }
        for topic in topics(put) {
            let is_whole = run(put.run).outcomes[&topic] == Outcome::Whole;
            let result = (is_whole, put.run);
            best.entry(topic).and_modify(|known: &mut (bool, u32)| *known = (*known).max(result)).or_insert(result);
        }
    }
    let (mut is_torn, mut adopts) = (false, BTreeSet::<u32>::new());
    for (key, number) in last.iter().filter(|(key, _)| !is_quality(key)) {
        let quality = last.get(&*quality_of(key));
        if quality == Some(number) {
            continue;
        }
        is_torn = true;
        adopts.extend(quality);
        let latest = run(quality.map_or(*number, |quality| *number.max(quality)));
        // Next to the records of a killed run, a later one may store a quality object of no records.
        if latest.end == End::Well && run(*number).end == End::Well {
            return Err(format!("run {number} left {key} without its quality object (of run {quality:?})"));
        }
    }
    // A run whose response was lost may take the records of a killed run for its own: `Context::store` says when.
    // A run that collected nothing leaves no object. Its response has the reasons.
    let has_collected = |ran: &Ran| ran.outcomes.values().any(|outcome| !matches!(outcome, Outcome::Failed(_)));
    let is_sound =
        |ran: &&Ran| ran.stamp == stamp && ran.end == End::Well && has_collected(ran) && !adopts.contains(&ran.run);
    for ran in history.iter().filter(is_sound) {
        let unexplained = ran.outcomes.keys().find(|topic| !best.contains_key(topic) && !reasons.contains_key(topic));
        if let Some(topic) = unexplained {
            return Err(format!("no object says why {} has no {model} in run {}", TOPICS[*topic], ran.run));
        }
    }
    let mut seen: BTreeMap<usize, Seen> = reasons.into_iter().map(|(topic, kind)| (topic, Seen::Lost(kind))).collect();
    seen.extend(
        best.into_iter()
            .map(|(topic, (is_whole, run))| (topic, if is_whole { Seen::Whole(run) } else { Seen::CutShort(run) })),
    );
    Ok(Expected { topics: seen, is_torn })
}

/// The topics that a repair has to collect: those that are not whole in one of the models.
pub(super) fn missing(models: &[Expected]) -> BTreeSet<usize> {
    let topics = models.iter().flat_map(|expected| expected.topics.keys().copied());
    let is_whole =
        |topic: &usize| models.iter().all(|expected| matches!(expected.topics.get(topic), Some(Seen::Whole(_))));
    topics.filter(|topic| !is_whole(topic)).collect()
}

/// The topic of a house.
pub(super) fn topic_of(user_id: &str) -> usize {
    user_id[1..].parse().unwrap()
}
