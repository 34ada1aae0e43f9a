//! The file through which separate processes share the ids of hashtags. Without it, each process of a cron job looks up
//! all of them again.
//!
//! It is in `.cache` of the data's folder, or in the user's cache if the data goes to a bucket. Ids are stored per
//! address of the API. The sandbox has made-up ids, and no file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tracing::warn;

use collector::env::variable;
use collector::file::locked;
use collector::graph::{HashtagIds, KnownIds};
use collector::secret::{self, Source};
use collector::sink::Destination;
use collector::topic::{HashtagId, HashtagName};

const NAME: &str = "hashtag_ids.json";

/// The file of hashtag ids.
#[derive(Debug)]
pub(super) struct IdFile(PathBuf);

impl IdFile {
    /// The file of runs whose data goes to `destination`, or by default where the secret from `source` says. `None` if
    /// the data goes to a bucket and the user has no cache, or if the secret cannot be read, so that no run can start.
    pub(super) fn of(destination: Option<&Destination>, source: &Source) -> Option<Self> {
        let destination = match (destination, source) {
            (Some(given), _) => given.clone(),
            (None, Source::File(path)) => Destination::of(&secret::from_file(path).ok()?),
            // A secret of AWS names a bucket.
            (None, Source::Manager(_)) => return Self::in_cache(),
        };
        match destination {
            Destination::Folder(folder) => Some(Self(folder.join(".cache").join(NAME))),
            Destination::Bucket(_) => Self::in_cache(),
        }
    }

    fn in_cache() -> Option<Self> {
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
        Some(Self(cache.join("luxury-brands").join(NAME)))
    }

    /// The ids in the file; none, with a WARNING, if it is damaged.
    pub(super) fn read(&self) -> KnownIds {
        let ids = read(&self.0).and_then(|ids| ids.iter().map(|(api, ids)| Ok((api.clone(), checked(ids)?))).collect());
        ids.unwrap_or_else(|error| {
            self.warn("cannot be read", &error);
            KnownIds::new()
        })
    }

    /// Stores what a run has changed: the process knew the ids `before` it, and knows those `now` after it.
    pub(super) fn store(&self, before: &KnownIds, now: &KnownIds) {
        let none = HashtagIds::new();
        let of_apis = now.iter().map(|(api, now)| (api, before.get(api).unwrap_or(&none), now));
        for (api, before, now) in of_apis.filter(|(_, before, now)| before != now) {
            if let Err(error) = merge(&self.0, api, before, now) {
                self.warn("cannot be written", &error);
            }
        }
    }

    fn warn(&self, problem: &str, error: &io::Error) {
        let path = self.0.display();
        warn!(kind = "hashtag_ids", "{path} {problem} ({error}): hashtag ids are looked up again, one call each");
    }
}

/// The ids as the file has them, by the address of the API.
type Ids = BTreeMap<String, BTreeMap<String, String>>;

/// The ids in the file. A file that does not exist has none.
fn read(path: &Path) -> io::Result<Ids> {
    match collector::file::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Ids::new()),
        Err(error) => Err(error),
    }
}

fn known((name, id): (&String, &String)) -> Option<(HashtagName, HashtagId)> {
    Some((HashtagName::new(name)?, HashtagId::new(id)?))
}

fn checked(ids: &BTreeMap<String, String>) -> io::Result<HashtagIds> {
    let all: Option<HashtagIds> = ids.iter().map(known).collect();
    all.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it has an entry that is not a hashtag with its id"))
}

/// Writes what a run has changed into the file. Changes that other processes have made meanwhile stay.
fn merge(path: &Path, api: &str, before: &HashtagIds, now: &HashtagIds) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // The lock ends with the process, however the process ends.
    let _lock = locked(&path.with_extension("lock"))?;
    // A damaged file was reported when it was read.
    let mut ids = read(path).unwrap_or_default();
    let of_api = ids.entry(api.to_owned()).or_default();
    of_api.retain(|name, id| known((name, id)).is_some());
    for (hashtag, id) in before.iter().filter(|(hashtag, _)| !now.contains_key(*hashtag)) {
        if of_api.get(hashtag.as_str()).is_some_and(|known| known == id.as_str()) {
            of_api.remove(hashtag.as_str());
        }
    }
    let changed = now.iter().filter(|(hashtag, id)| before.get(*hashtag) != Some(*id));
    of_api.extend(changed.map(|(hashtag, id)| (hashtag.to_string(), id.to_string())));
    collector::file::write(path, &serde_json::to_vec(&ids)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://graph.facebook.com";

    fn ids(ids: &[(&str, &str)]) -> KnownIds {
        let id = |(name, id): &(&str, &str)| (HashtagName::new(name).unwrap(), HashtagId::new(id).unwrap());
        KnownIds::from([(API.to_owned(), ids.iter().map(id).collect())])
    }

    fn in_folder() -> (tempfile::TempDir, IdFile) {
        let folder = tempfile::tempdir().unwrap();
        let data = Destination::Folder(folder.path().join("local_env"));
        let file = IdFile::of(Some(&data), &Source::Manager("collector".to_owned())).unwrap();
        fs::create_dir_all(file.0.parent().unwrap()).unwrap();
        (folder, file)
    }

    #[test]
    fn the_file_is_in_the_folder_of_the_data_and_has_the_ids_of_each_api() {
        let (folder, file) = in_folder();
        assert_eq!(file.0, folder.path().join("local_env/.cache/hashtag_ids.json"));
        assert_eq!(file.read(), KnownIds::new());
        file.store(&KnownIds::new(), &ids(&[("dior", "17"), ("명품", "18")]));
        assert_eq!(fs::read_to_string(&file.0).unwrap(), r#"{"https://graph.facebook.com":{"dior":"17","명품":"18"}}"#);
        let other = KnownIds::from([("http://127.0.0.1:4000".to_owned(), ids(&[("dior", "1")])[API].clone())]);
        file.store(&file.read(), &other);
        assert_eq!(file.read(), ids(&[("dior", "17"), ("명품", "18")]).into_iter().chain(other).collect());
    }

    #[test]
    fn an_id_of_another_process_stays_and_an_id_proved_wrong_goes() {
        let (_folder, file) = in_folder();
        let before = ids(&[("dior", "1"), ("gucci", "2"), ("prada", "3")]);
        file.store(&KnownIds::new(), &before);
        file.store(&ids(&[("prada", "3")]), &ids(&[("prada", "33"), ("ysl", "4")]));
        file.store(&before, &ids(&[("dior", "11")]));
        assert_eq!(file.read(), ids(&[("dior", "11"), ("prada", "33"), ("ysl", "4")]));
    }

    #[test]
    fn a_damaged_file_gives_no_id_and_is_replaced_whole() {
        let (_folder, file) = in_folder();
        for damaged in [
            "",
            "[]",
            r#"{"https://graph.facebook.com":{"dior":17}}"#,
            r#"{"https://graph.facebook.com":{"dior":"x"}}"#,
        ] {
            fs::write(&file.0, damaged).unwrap();
            assert_eq!(file.read(), KnownIds::new(), "{damaged}");
            file.store(&KnownIds::new(), &ids(&[("dior", "17")]));
            assert_eq!(file.read(), ids(&[("dior", "17")]), "{damaged}");
        }
    }

    #[test]
    fn a_lock_that_another_process_keeps_costs_a_second_and_no_id() {
        let (_folder, file) = in_folder();
        let lock = locked(&file.0.with_extension("lock")).unwrap();
        file.store(&KnownIds::new(), &ids(&[("dior", "17")]));
        assert_eq!(file.read(), ids(&[("dior", "17")]));
        drop(lock);
    }
}
