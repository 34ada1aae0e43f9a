//! What was collected of a model at one time: each topic once, from the best of the time's objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::quality::{self, Defaults, Failure, Figures, Quality, TopicRun};
use super::record::records;
use super::{Day, Kind, Object, Record};
use collector::config::Config;
use collector::record::{Mapping, Model};

/// What was collected of a model at one time.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// The records, in the order of the objects' keys.
    pub(crate) records: Vec<(Record, Figures, Moment)>,
    /// Each topic once, by its name: its best result, or its last failure if no object has a result.
    pub(crate) topics: Vec<TopicRun>,
    /// What the quality objects say about these topics.
    pub(crate) quality: Vec<Quality>,
    /// The number of objects of records for which no quality object lists the defaults.
    pub(crate) unknown: usize,
    /// The files that could not be read.
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) files: usize,
    pub(crate) bytes: usize,
}

/// What an object holds, as it was read.
#[derive(Debug)]
pub(crate) enum Body {
    /// The JSON of the object itself.
    Json(Vec<u8>),
    /// Its rows are in the Parquet of its day.
    Compacted(Arc<Day>),
}

/// When a response arrived. If that is unknown, it is the time of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) at: DateTime<Utc>,
    pub(crate) known: bool,
}

/// A file that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Skipped {
    pub(crate) key: String,
    pub(crate) reason: String,
}

/// An object of records with its quality object. One of the two may be missing.
#[derive(Debug, Default)]
struct Part {
    key: String,
    records: Vec<Record>,
    quality: Option<Quality>,
}

/// A topic in an object.
#[derive(Debug)]
struct Candidate {
    run: TopicRun,
    rank: Rank,
}

/// How good the result of a topic is. The greatest one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    grade: Grade,
    moment: Moment,
    /// The place of the object in the order of the keys.
    part: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Failed,
    CutShort,
    Complete,
}

impl Body {
    /// The bytes of the object; `None` if it was not read itself.
    const fn size(&self) -> Option<usize> {
        match self {
            Self::Json(json) => Some(json.len()),
            Self::Compacted(_) => None,
        }
    }
}

impl Snapshot {
    /// Reads the objects of a model at one time. One with any error is skipped as a whole.
    pub(crate) fn read(
        config: &Config,
        model: Model,
        time: DateTime<Utc>,
        objects: Vec<(Object, Result<Body, String>)>,
    ) -> Self {
        let (mut snapshot, mut parts) = (Self::default(), BTreeMap::new());
        for (object, body) in objects {
            let part: &mut Part = parts.entry((object.is_partial(), object.part.clone())).or_default();
            let size = body.as_ref().map_or(None, Body::size);
            match body.and_then(|body| part.add(config.mapping(model), &object, body)) {
                Ok(()) => {
                    snapshot.files += usize::from(size.is_some());
                    snapshot.bytes += size.unwrap_or_default();
                }
                Err(reason) => snapshot.skipped.push(Skipped { key: object.key, reason }),
            }
        }
        let mut parts: Vec<Part> = parts.into_values().collect();
        parts.sort_by(|a, b| a.key.cmp(&b.key));
        snapshot.choose(config.mapping(model), &owners(config, model, &parts), time, parts);
        snapshot
    }

    /// Takes each topic from the object with its best result.
    fn choose(&mut self, mapping: &Mapping, owners: &Owners, time: DateTime<Utc>, parts: Vec<Part>) {
        let candidates: Vec<Vec<Candidate>> =
            parts.iter().enumerate().map(|(i, part)| part.candidates(i, owners, time)).collect();
        let best = best(candidates.iter().flatten().map(|candidate| (candidate.run.topic.clone(), candidate.rank)));
        let mut taken = Vec::new();
        for (mut part, mut candidates) in parts.into_iter().zip(candidates) {
            candidates.retain(|candidate| best.get(&candidate.run.topic) == Some(&candidate.rank));
            let defaults = Defaults::of(mapping, part.own_quality());
            let ranked = part.records.into_iter().filter_map(|record| {
                let rank = candidates.iter().filter(|candidate| candidate.run.has(&record)).map(|c| c.rank).max()?;
                let figures = defaults.figures(&record);
                Some((record, figures, rank))
            });
            let ranked: Vec<_> = ranked.collect();
            if let Some(quality) = &mut part.quality {
                let ids = ranked.iter().map(|(record, ..)| record.id(mapping.model)).collect();
                quality.retain(|topic| candidates.iter().any(|candidate| candidate.run.topic == topic), &ids);
            }
            self.unknown += usize::from(!ranked.is_empty() && !defaults.known());
            self.quality.extend(part.quality);
            self.topics.extend(candidates.into_iter().map(|candidate| candidate.run));
            taken.push(ranked);
        }
        let once = distinct(taken).into_iter().map(|(record, figures, rank)| {
            let moment = if rank.moment.known { rank.moment } else { record.moment().unwrap_or(rank.moment) };
            (record, figures, moment)
        });
        self.records.extend(once);
    }
}

/// The greatest rank of each topic, or of each record.
fn best<K: Eq + Hash>(ranked: impl Iterator<Item = (K, Rank)>) -> HashMap<K, Rank> {
    let mut best = HashMap::new();
    for (of, rank) in ranked {
        best.entry(of).and_modify(|known: &mut Rank| *known = (*known).max(rank)).or_insert(rank);
    }
    best
}

type Ranked = (Record, Figures, Rank);

/// The records of all objects, each once. Two hashtags of a house may have the same post, and a record may not say
/// which of them it belongs to.
fn distinct(objects: Vec<Vec<Ranked>>) -> Vec<Ranked> {
    if objects.iter().filter(|records| !records.is_empty()).count() < 2 {
        return objects.into_iter().flatten().collect();
    }
    let identity = |record: &Record| (record.topic.clone(), record.user_id.clone(), record.media_id.clone());
    let best = best(objects.iter().flatten().map(|(record, _, rank)| (identity(record), *rank)));
    let is_best = |(record, _, rank): &Ranked| best.get(&identity(record)) == Some(rank);
    objects.into_iter().flatten().filter(is_best).collect()
}

/// The topic of each user id; `None` if several have it.
type Owners = HashMap<String, Option<String>>;

/// The topics that the configuration and the quality objects name.
fn owners(config: &Config, model: Model, parts: &[Part]) -> Owners {
    let configured: Vec<(&str, &str)> = match model {
        Model::Brand | Model::Media => {
            config.accounts.iter().map(|a| (a.user_id.as_str(), a.username.as_str())).collect()
        }
        Model::MediaHashtag => config.hashtags.iter().map(|h| (h.user_id.as_str(), h.name.as_str())).collect(),
    };
    let runs = parts.iter().filter_map(|part| part.quality.as_ref()).flat_map(|quality| &quality.topics);
    let named: BTreeSet<(&str, &str)> = configured
        .into_iter()
        .chain(runs.filter(|run| run.is_known()).map(|run| (&*run.user_id, &*run.topic)))
        .collect();
    let mut owners = Owners::new();
    for (user_id, topic) in named {
        owners.entry(user_id.to_owned()).and_modify(|known| *known = None).or_insert_with(|| Some(topic.to_owned()));
    }
    owners
}

impl Part {
    /// Adds an object to the part.
    ///
    /// # Errors
    /// If it could not be parsed, as text for a person.
    fn add(&mut self, mapping: &Mapping, object: &Object, body: Body) -> Result<(), String> {
        if object.kind == Kind::Records || self.key.is_empty() {
            self.key.clone_from(&object.key);
        }
        match (object.kind, body) {
            (Kind::Records, Body::Json(json)) => self.records = records(mapping, &json)?,
            (Kind::Records, Body::Compacted(day)) => self.records = day.records(mapping, &object.key),
            (Kind::Quality, Body::Json(json)) => self.quality = Some(quality::quality(&json)?),
            (Kind::Quality, Body::Compacted(day)) => self.quality = day.quality(&object.key),
        }
        Ok(())
    }

    /// The quality object, if it is of the run that stored these records. A run that ended between its two puts leaves
    /// that of another run next to its records. Their number differs, or some listed topic has none.
    fn own_quality(&self) -> Option<&Quality> {
        let quality = self.quality.as_ref().filter(|quality| quality.is_of(self.records.len()))?;
        let mut listed = quality.topics.iter().filter(|run| run.is_known() && run.records > 0);
        listed.all(|run| self.records.iter().any(|record| run.has(record))).then_some(quality)
    }

    /// The topics of the object, as its quality object lists them. Records of no listed topic are assigned to the owner
    /// of their user id.
    fn candidates(&self, part: usize, owners: &Owners, time: DateTime<Utc>) -> Vec<Candidate> {
        let unknown = Moment { at: time, known: false };
        let candidate = |run: TopicRun| {
            let moment = run.asked_at.map_or(unknown, |at| Moment { at, known: true });
            Candidate { rank: Rank { grade: Grade::of(&run), moment, part }, run }
        };
        let topics = self.quality.as_ref().map_or(&[][..], |quality| &quality.topics);
        let is_of_these = self.own_quality().is_some();
        let (listed, others): (Vec<_>, Vec<_>) = topics.iter().partition(|run| is_of_these && run.is_known());
        let mut candidates: Vec<_> = listed.iter().map(|run| candidate(TopicRun::clone(run))).collect();
        for record in &self.records {
            match candidates.iter_mut().enumerate().find(|(_, candidate)| candidate.run.has(record)) {
                Some((i, _)) if i < listed.len() => {}
                Some((_, candidate)) => candidate.run.records += 1,
                None => {
                    let (topic, user_id) = (self.topic(record, owners), record.user_id.clone());
                    let mut found = candidate(TopicRun { topic, user_id, records: 1, ..TopicRun::default() });
                    found.rank.moment = record.moment().unwrap_or(unknown);
                    candidates.push(found);
                }
            }
        }
        for run in others {
            match candidates.iter_mut().find(|candidate| candidate.run.topic == run.topic) {
                Some(found) if is_of_these && run.failure.is_some() => {
                    found.rank.grade = Grade::CutShort;
                    found.run.failure.clone_from(&run.failure);
                }
                Some(_) => {}
                None => candidates.push(candidate(self.without_records(run))),
            }
        }
        candidates
    }

    /// A topic none of whose records are here. If its quality object lists some, they are lost.
    fn without_records(&self, run: &TopicRun) -> TopicRun {
        let message = || format!("its records are not in {}", self.key);
        let lost = || Failure { kind: "store".to_owned(), code: None, message: message() };
        let failure = run.failure.clone().or_else(|| (run.records > 0).then(lost));
        TopicRun { records: 0, failure, ..run.clone() }
    }

    /// The topic of a record that no quality object assigns to one.
    fn topic(&self, record: &Record, owners: &Owners) -> String {
        let named = [&record.topic, &record.user_name].into_iter().find(|name| !name.is_empty());
        let owner = || owners.get(&record.user_id).and_then(Option::as_ref);
        let user_id = Some(&record.user_id).filter(|id| !id.is_empty());
        named.or_else(owner).or(user_id).unwrap_or(&self.key).clone()
    }
}

impl Grade {
    fn of(run: &TopicRun) -> Self {
        match (&run.failure, run.records) {
            (None, _) => Self::Complete,
            (Some(_), 0) => Self::Failed,
            (Some(_), _) => Self::CutShort,
        }
    }
}

#[cfg(test)]
mod tests;
