//! The objects that runs stored: where the configuration puts them, and what they hold.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Error, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::storage::{Storage, in_s3};
use collector::config::{Config, Locations, ObjectKey, RunName};
use collector::record::Model;

mod pattern;
pub(super) mod quality;
mod record;
mod snapshot;

pub(super) use pattern::{Notation, Pattern};
pub(super) use record::{Record, seconds};
pub(super) use snapshot::{Moment, Skipped, Snapshot};

/// An object, as its key names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) model: Model,
    /// The time of the run.
    pub(super) time: DateTime<Utc>,
    /// What sets it apart from the run's other objects: a shard, a part that repairs the run, or nothing.
    pub(super) part: String,
}

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Records,
    /// What was left out or defaulted.
    Quality,
}

/// The objects in a folder or under an S3 prefix.
pub(super) struct Stored {
    /// In the order of their keys.
    pub(super) objects: Vec<Object>,
    /// The keys of JSON files in the same folders that no location of the configuration gives.
    pub(super) others: Vec<String>,
    storage: Storage,
}

/// The folder of objects whose usual key an earlier run's object keeps.
const PARTIAL: &str = "partial/";

/// The file extensions of objects, as people name them in `configure.ini`.
const ENDINGS: [&str; 3] = [".json", ".ndjson", ".jsonl"];

impl Object {
    /// Whether the object of an earlier run keeps the usual key, so that this one is in `partial/`.
    fn is_partial(&self) -> bool {
        self.key.starts_with(PARTIAL)
    }
}

impl Stored {
    /// Lists what a configuration's runs stored in a folder, or in `s3://bucket/prefix`.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub(super) async fn list(place: &str, config: &Config) -> Result<Self> {
        let folders = patterns(&config.locations).iter().map(|(.., pattern)| pattern.folder()).collect();
        Self::list_folders(place, config, folders).await
    }

    /// Lists the same in a place that a person names.
    ///
    /// # Errors
    /// If there is no such folder, if it cannot be listed, or if it has no objects.
    pub(super) async fn named(place: &str, config: &Config) -> Result<Self> {
        let folder = Path::new(place);
        if in_s3(place).is_none() && !folder.is_dir() {
            let is = if folder.exists() { "is no folder" } else { "does not exist" };
            let path = std::env::current_dir().unwrap_or_default().join(folder);
            bail!("nothing collected in {place}: {} {is}", path.display());
        }
        let stored = Self::list(place, config).await?;
        if stored.objects.is_empty() { Err(stored.nothing(place, config)) } else { Ok(stored) }
    }

    /// Lists the objects of one time, in a folder or in `s3://bucket`.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub(super) async fn of_time(place: &str, config: &Config, time: DateTime<Utc>) -> Result<Self> {
        let (locations, name) = (&config.locations, |time| RunName { time, part: None });
        let mut folders = BTreeSet::new();
        for model in Model::ALL {
            let records = [locations.raw(model, name(time)), locations.partial(model, name(time))];
            let quality = [locations.quality(model, name(time)), locations.partial_quality(model, name(time))];
            let keys = records.iter().chain(&quality).map(ObjectKey::as_str);
            folders.extend(keys.map(|key| key.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()));
        }
        let mut stored = Self::list_folders(place, config, folders).await?;
        // A key may name its time to the minute.
        let key = |model, time| locations.raw(model, name(time));
        stored.objects.retain(|object| key(object.model, object.time) == key(object.model, time));
        Ok(stored)
    }

    async fn list_folders(place: &str, config: &Config, folders: BTreeSet<String>) -> Result<Self> {
        let storage = Storage::open(place).await?;
        let patterns = patterns(&config.locations);
        let mut keys = BTreeSet::new();
        for folder in folders {
            keys.extend(storage.list(&folder).await?);
        }
        let (mut objects, mut others) = (Vec::new(), Vec::new());
        for key in keys {
            if let Some(object) = patterns.iter().find_map(|pattern| object(pattern, &key)) {
                objects.push(object);
            } else if ENDINGS.iter().any(|ending| key.ends_with(ending)) {
                others.push(key);
            }
        }
        Ok(Self { objects, others, storage })
    }

    /// Reads an object.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) async fn read(&self, key: &str) -> Result<Vec<u8>> {
        self.storage.read(key).await
    }

    /// Reads objects. The error of one that cannot be read is text for a person.
    pub(super) async fn bodies(
        &self,
        objects: impl IntoIterator<Item = &Object>,
    ) -> Vec<(Object, Result<Vec<u8>, String>)> {
        let read = async |object: &Object| {
            let body = self.read(&object.key).await.map_err(|error| error.root_cause().to_string());
            (object.clone(), body)
        };
        join_all(objects.into_iter().map(read)).await
    }

    /// What the objects, all of one time, have of a model.
    pub(super) async fn snapshot(&self, config: &Config, model: Model, time: DateTime<Utc>) -> Snapshot {
        let bodies = self.bodies(self.objects.iter().filter(|object| object.model == model)).await;
        Snapshot::read(config, model, time, bodies)
    }

    /// The error if there are no objects in `place`. It says what was looked for.
    pub(super) fn nothing(&self, place: &str, config: &Config) -> Error {
        let locations = &config.locations;
        let looked_for: BTreeSet<&str> = patterns(locations)
            .iter()
            .map(|(.., pattern)| pattern.location)
            .filter(|location| !location.starts_with(PARTIAL))
            .collect();
        let looked_for = looked_for.into_iter().collect::<Vec<_>>().join(", ");
        let others = match self.others.as_slice() {
            [] => String::new(),
            [key] => format!("; {key} has another name"),
            [key, ..] => format!("; {} files have other names, such as {key}", self.others.len()),
        };
        anyhow!(
            "nothing collected in {place} (looked for {looked_for} with ymd = {} and datetime = {}{others})",
            locations.ymd(),
            locations.datetime()
        )
    }
}

/// The object that a key names by a location; `None` for a key of another location.
pub(super) fn object((kind, model, pattern): &(Kind, Model, Pattern<'_>), key: &str) -> Option<Object> {
    let (time, part) = pattern.run_of(key)?;
    Some(Object { key: key.to_owned(), kind: *kind, model: *model, time, part: part.to_owned() })
}

/// The locations of the objects of each model.
pub(super) fn patterns(locations: &Locations) -> Vec<(Kind, Model, Pattern<'_>)> {
    let of = |model| {
        [
            (Kind::Records, model, Pattern::records(locations, model)),
            (Kind::Quality, model, Pattern::quality(locations, Some(model))),
            (Kind::Records, model, Pattern::partial(locations, model)),
            (Kind::Quality, model, Pattern::partial_quality(locations, Some(model))),
        ]
    };
    Model::ALL.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests;
