//! The runs of one side, and which run of the other side each belongs to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::record::Record;
use crate::local::report::name::{Kind, Name};
use crate::local::report::source;
use crate::local::storage::Storage;
use crate::record::Model;

/// The runs of a side: by model and time, the keys of their objects.
#[derive(Debug)]
pub(super) struct Side {
    storage: Storage,
    named: String,
    runs: BTreeMap<(&'static str, DateTime<Utc>), Vec<String>>,
    /// The keys whose names tell no model and time.
    pub(super) unnamed: Vec<String>,
}

/// A side with `--json`.
#[derive(Serialize)]
pub(super) struct About<'s> {
    place: &'s str,
    runs: usize,
}

/// Two runs of one model, or one that has no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) model: Model,
    pub(super) a: Option<DateTime<Utc>>,
    pub(super) b: Option<DateTime<Utc>>,
}

impl Side {
    /// The runs in a folder or under an `s3://` prefix.
    ///
    /// # Errors
    /// Where it cannot be listed, or has no object of records.
    pub(super) async fn open(named: &str) -> Result<Self> {
        let storage = Storage::open(named).await?;
        let keys = source::keys(&storage).await?;
        let (mut runs, mut unnamed) = (BTreeMap::<_, Vec<String>>::new(), Vec::new());
        for key in keys.into_iter().filter(|key| !key.starts_with("quality/")) {
            match Name::parse(&key) {
                Some(Name { kind: Kind::Raw, model, time, .. }) => {
                    runs.entry((model.name(), time)).or_default().push(key);
                }
                _ => unnamed.push(key),
            }
        }
        if runs.is_empty() {
            bail!(
                "nothing collected in {named}: it needs raw/ with objects such as raw/brand_2026-01-31/brand_2026-01-31_230000.json"
            );
        }
        Ok(Self { storage, named: named.to_owned(), runs, unnamed })
    }

    /// The side as data.
    pub(super) fn about(&self) -> About<'_> {
        About { place: &self.named, runs: self.runs.len() }
    }

    /// The side for a person.
    pub(super) fn shown(&self) -> String {
        format!("{}: {} runs", self.named, self.runs.len())
    }

    fn times(&self, model: Model) -> BTreeSet<DateTime<Utc>> {
        self.runs.keys().filter(|(of, _)| *of == model.name()).map(|(_, time)| *time).collect()
    }

    /// The records of a run, of all its objects.
    ///
    /// # Errors
    /// Where an object cannot be read, or holds no records.
    pub(super) async fn records(&self, model: Model, time: DateTime<Utc>) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for key in self.runs.get(&(model.name(), time)).into_iter().flatten() {
            let bytes = self.storage.read(key).await?;
            let read = Record::read(&bytes).with_context(|| format!("{} holds no records", self.storage.shown(key)))?;
            records.extend(read);
        }
        Ok(records)
    }
}

/// Pairs the runs of two sides: those of the same time, then the nearest ones that lie at most `within` apart.
pub(super) fn pairs(a: &Side, b: &Side, within: TimeDelta) -> Vec<Pair> {
    Model::ALL.into_iter().flat_map(|model| of_model(model, &a.times(model), &b.times(model), within)).collect()
}

fn of_model(model: Model, a: &BTreeSet<DateTime<Utc>>, b: &BTreeSet<DateTime<Utc>>, within: TimeDelta) -> Vec<Pair> {
    let mut near: Vec<(TimeDelta, DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for &time in a {
        let around = b.range(time - within..=time + within);
        near.extend(around.map(|&other| ((time - other).abs(), time, other)));
    }
    near.sort_unstable();
    let (mut of_a, mut of_b) = (BTreeMap::new(), BTreeSet::new());
    for (_, time, other) in near {
        if !of_a.contains_key(&time) && !of_b.contains(&other) {
            of_a.insert(time, other);
            of_b.insert(other);
        }
    }
    let mut pairs: Vec<Pair> =
        a.iter().map(|&time| Pair { model, a: Some(time), b: of_a.get(&time).copied() }).collect();
    pairs.extend(b.difference(&of_b).map(|&time| Pair { model, a: None, b: Some(time) }));
    pairs.sort_by_key(|pair| pair.a.or(pair.b));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(a: &[i64], b: &[i64], within: i64) -> Vec<(Option<i64>, Option<i64>)> {
        let times = |seconds: &[i64]| seconds.iter().filter_map(|s| DateTime::from_timestamp(*s, 0)).collect();
        let pairs = of_model(Model::Media, &times(a), &times(b), TimeDelta::seconds(within));
        pairs.into_iter().map(|pair| (pair.a.map(|t| t.timestamp()), pair.b.map(|t| t.timestamp()))).collect()
    }

    #[test]
    fn runs_of_one_time_belong_together_and_then_the_nearest_ones() {
        assert_eq!(paired(&[0, 300], &[0, 300], 0), [(Some(0), Some(0)), (Some(300), Some(300))]);
        assert_eq!(paired(&[7, 309], &[0, 300], 60), [(Some(7), Some(0)), (Some(309), Some(300))]);
        assert_eq!(paired(&[7], &[0], 5), [(None, Some(0)), (Some(7), None)]);
        assert_eq!(paired(&[10, 12], &[12, 30], 60), [(Some(10), Some(30)), (Some(12), Some(12))]);
        assert_eq!(paired(&[10], &[8, 11], 60), [(None, Some(8)), (Some(10), Some(11))]);
    }
}
