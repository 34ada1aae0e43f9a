//! The objects that runs stored: where the configuration puts them, and what they hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Error, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::storage::{Listed, Storage, in_s3};
use collector::config::{Config, Locations, ObjectKey, RunName};
use collector::counted::counted;
use collector::record::Model;

mod compacted;
mod pattern;
pub(super) mod quality;
mod record;
mod snapshot;

pub(super) use compacted::Day;
use compacted::Table;
pub(super) use pattern::{Notation, Pattern};
pub(super) use record::Record;
pub(super) use snapshot::{Body, Moment, Skipped, Snapshot};

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
    /// The files of Parquet that could not be read.
    pub(super) skipped: Vec<Skipped>,
    /// By key: the objects whose rows are in the Parquet of a finished day.
    compacted: HashMap<String, Compacted>,
    storage: Storage,
}

/// Where the rows of an object are.
struct Compacted {
    /// The day, as its folder is called.
    day: String,
    /// Whether the JSON object is still there.
    has_json: bool,
    /// Whether it has no records, and so no rows.
    is_empty: bool,
}

/// The files of some folders by name.
type Listing = BTreeMap<String, Listed>;

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
        let (mut stored, listed) = Self::list_folders(place, config, folders).await?;
        stored.list_compacted(config, &listed).await?;
        Ok(stored)
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
        let (mut stored, _) = Self::list_folders(place, config, folders).await?;
        // A key may name its time to the minute.
        let key = |model, time| locations.raw(model, name(time));
        stored.objects.retain(|object| key(object.model, object.time) == key(object.model, time));
        Ok(stored)
    }

    async fn list_folders(place: &str, config: &Config, folders: BTreeSet<String>) -> Result<(Self, Listing)> {
        let storage = Storage::open(place).await?;
        let patterns = patterns(&config.locations);
        let mut listing = Listing::new();
        for folder in folders {
            listing.extend(storage.list(&folder).await?.into_iter().map(|listed| (listed.name.clone(), listed)));
        }
        let (mut objects, mut others) = (Vec::new(), Vec::new());
        for key in listing.keys() {
            if let Some(object) = patterns.iter().find_map(|pattern| object(pattern, key)) {
                objects.push(object);
            } else if ENDINGS.iter().any(|ending| key.ends_with(ending)) {
                others.push(key.clone());
            }
        }
        Ok((Self { objects, others, skipped: Vec::new(), compacted: HashMap::new(), storage }, listing))
    }

    /// Notes which objects are in the Parquet of finished days, and adds those whose JSON is gone. The Parquet counts
    /// unless the JSON was written after it: by a repair, or by a run that replaced it.
    async fn list_compacted(&mut self, config: &Config, listing: &Listing) -> Result<()> {
        let patterns = patterns(&config.locations);
        for file in self.storage.list(&compacted::folder(compacted::OBJECTS)).await? {
            let Some(day) = compacted::day(&file.name) else { continue };
            let read = self.storage.read(&file.name).await.map_err(|error| error.root_cause().to_string());
            let rows = match read.and_then(compacted::objects) {
                Ok(rows) => rows,
                Err(reason) => {
                    self.skipped.push(Skipped { key: file.name, reason });
                    continue;
                }
            };
            // Only the JSON of a quality object says whether the sandbox made the data up. One of a day is enough.
            let mut made_up_is_read = false;
            for row in rows {
                let Some(object) = patterns.iter().find_map(|pattern| object(pattern, &row.name)) else { continue };
                let json = listing.get(&row.name);
                let is_newer = |json: &Listed| json.size != row.size || json.modified > row.modified;
                let is_first = json.is_some() && object.kind == Kind::Quality && !made_up_is_read;
                made_up_is_read |= is_first;
                if is_first || json.is_some_and(is_newer) {
                    continue;
                }
                // `[]`, perhaps with a line break.
                let is_empty = object.kind == Kind::Records && row.size <= 3;
                let compacted = Compacted { day: day.to_owned(), has_json: json.is_some(), is_empty };
                self.compacted.insert(row.name, compacted);
                if json.is_none() {
                    self.objects.push(object);
                }
            }
        }
        self.objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(())
    }

    /// The day of an object whose rows are in Parquet, as its folder is called.
    pub(super) fn day(&self, object: &Object) -> Option<&str> {
        self.compacted.get(&object.key).map(|compacted| compacted.day.as_str())
    }

    /// The rows of a model in the Parquet of a day.
    ///
    /// # Errors
    /// The file that cannot be read. Its objects are read as JSON. The reason says how many have none.
    pub(super) async fn compacted(&self, config: Arc<Config>, model: Model, day: &str) -> Result<Day, Skipped> {
        let mut files = Vec::new();
        for table in Table::ALL {
            let folder = format!("{}/{day}", compacted::folder(&table.name(model)));
            let listed = self.storage.list(&folder).await.map_err(|error| self.unread(model, day, folder, &error))?;
            for Listed { name, .. } in listed {
                let file = self.storage.read(&name).await;
                files.push((table, file.map_err(|error| self.unread(model, day, name.clone(), &error))?, name));
            }
        }
        let read = tokio::task::spawn_blocking(move || Day::read(config.mapping(model), files)).await;
        let read = read.unwrap_or_else(|error| Err((day.to_owned(), error.to_string())));
        read.map_err(|(name, reason)| self.unread(model, day, name, &anyhow!(reason)))
    }

    /// A file of Parquet that cannot be read.
    fn unread(&self, model: Model, day: &str, key: String, error: &Error) -> Skipped {
        let is_gone = |object: &&Object| {
            let compacted = self.compacted.get(&object.key);
            object.model == model && compacted.is_some_and(|compacted| compacted.day == day && !compacted.has_json)
        };
        let reason = match self.objects.iter().filter(is_gone).count() {
            0 => format!("{}; the JSON of its objects is read", error.root_cause()),
            gone => format!("{}; the JSON of {} of its day is gone", error.root_cause(), counted(gone, "object")),
        };
        Skipped { key, reason }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) async fn read(&self, key: &str) -> Result<Vec<u8>> {
        self.storage.read(key).await
    }

    /// Reads objects, from the rows of their day if they are there. The error of one that cannot be read is text for a
    /// person.
    pub(super) async fn bodies(
        &self,
        objects: impl IntoIterator<Item = &Object>,
        day: Option<Arc<Day>>,
    ) -> Vec<(Object, Result<Body, String>)> {
        let read = async |object: &Object| {
            let body = match (self.compacted.get(&object.key), &day) {
                (Some(compacted), Some(day)) if compacted.is_empty || day.has(object) => {
                    Ok(Body::Compacted(Arc::clone(day)))
                }
                // The day that could not be read is named once.
                (Some(Compacted { has_json: false, .. }), None) => return None,
                _ => self.read(&object.key).await.map(Body::Json).map_err(|error| error.root_cause().to_string()),
            };
            Some((object.clone(), body))
        };
        join_all(objects.into_iter().map(read)).await.into_iter().flatten().collect()
    }

    /// What the objects, all of one time, have of a model.
    pub(super) async fn snapshot(&self, config: &Config, model: Model, time: DateTime<Utc>) -> Snapshot {
        let bodies = self.bodies(self.objects.iter().filter(|object| object.model == model), None).await;
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
