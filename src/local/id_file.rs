//! The file in which single runs leave each other the ids of hashtags. Without it, each process of a cron job asks for
//! all of them again.
//!
//! It lies beside the data: in `.cache` of its folder, or in the user's cache where the data goes to a bucket. Ids are
//! those of the API at one address, and are kept apart by it. The sandbox has made-up ids, and no file.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::warn;
use url::Url;

use crate::env::variable;
use crate::function::IdStore;
use crate::graph::HashtagIds;
use crate::sink::{Sink, replace_file};
use crate::topic::{HashtagId, HashtagName};

const NAME: &str = "hashtag_ids.json";

/// The tries at the lock, and the wait between two. A process holds it for about a millisecond.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// The ids in the file, by the address of the API.
type Ids = BTreeMap<String, BTreeMap<String, String>>;

/// The file of hashtag ids.
pub(super) struct IdFile;

impl IdStore for IdFile {
    fn recall(&self, sink: &Sink, end_point: &str) -> HashtagIds {
        let Some(path) = path(sink) else { return HashtagIds::new() };
        let ids = read(&path).and_then(|mut ids| all_known(&ids.remove(&address(end_point)).unwrap_or_default()));
        ids.unwrap_or_else(|error| {
            tell(&path, "cannot be read", &error);
            HashtagIds::new()
        })
    }

    fn remember(&self, sink: &Sink, end_point: &str, before: &HashtagIds, now: &HashtagIds) {
        let Some(path) = path(sink) else { return };
        if let Err(error) = merge(&path, &address(end_point), before, now) {
            tell(&path, "cannot be written", &error);
        }
    }
}

fn tell(path: &Path, problem: &str, error: &io::Error) {
    let path = path.display();
    warn!(kind = "hashtag_ids", "{path} {problem} ({error}): hashtag ids are asked for again, a call each");
}

/// The file; `None` where a bucket has the data and the user has no cache.
fn path(sink: &Sink) -> Option<PathBuf> {
    match sink {
        Sink::Folder(folder) => Some(folder.join(".cache").join(NAME)),
        Sink::S3 { .. } => {
            let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
            let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
            Some(cache.join("luxury-brands").join(NAME))
        }
    }
}

/// The API's address without a path, which has the version.
fn address(end_point: &str) -> String {
    Url::parse(end_point).map_or_else(|_| end_point.to_owned(), |url| url.origin().ascii_serialization())
}

/// The ids in the file. A file that does not exist has none.
fn read(path: &Path) -> io::Result<Ids> {
    match crate::file::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Ids::new()),
        Err(error) => Err(error),
    }
}

fn known((name, id): (&String, &String)) -> Option<(HashtagName, HashtagId)> {
    Some((HashtagName::new(name)?, HashtagId::new(id)?))
}

fn all_known(ids: &BTreeMap<String, String>) -> io::Result<HashtagIds> {
    let all: Option<HashtagIds> = ids.iter().map(known).collect();
    all.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it has what is no hashtag or no id"))
}

/// Puts into the file what a run has changed. What other processes have put there meanwhile stays.
fn merge(path: &Path, address: &str, before: &HashtagIds, now: &HashtagIds) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // The lock ends with the process, whatever ends that.
    let _lock = locked(&path.with_extension("lock"))?;
    // A damaged file was told when it was read.
    let mut ids = read(path).unwrap_or_default();
    let of_api = ids.entry(address.to_owned()).or_default();
    of_api.retain(|name, id| known((name, id)).is_some());
    for (hashtag, id) in before.iter().filter(|(hashtag, _)| !now.contains_key(*hashtag)) {
        if of_api.get(hashtag.as_str()).is_some_and(|known| known == id.as_str()) {
            of_api.remove(hashtag.as_str());
        }
    }
    let changed = now.iter().filter(|(hashtag, id)| before.get(*hashtag) != Some(*id));
    of_api.extend(changed.map(|(hashtag, id)| (hashtag.to_string(), id.to_string())));
    replace_file(path, &serde_json::to_vec(&ids)?)
}

/// Locks a file. One that stays locked is let go of: the last process to write then wins.
fn locked(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
            _ => break,
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://graph.facebook.com/v26.0";

    fn ids(ids: &[(&str, &str)]) -> HashtagIds {
        ids.iter().map(|(name, id)| (HashtagName::new(name).unwrap(), HashtagId::new(id).unwrap())).collect()
    }

    fn folder() -> (tempfile::TempDir, Sink, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::Folder(folder.path().join("local_env"));
        let path = path(&sink).unwrap();
        (folder, sink, path)
    }

    #[test]
    fn ids_are_recalled_at_the_address_that_they_are_from_and_at_no_other() {
        let (folder, sink, path) = folder();
        assert_eq!(IdFile.recall(&sink, API), HashtagIds::new());
        IdFile.remember(&sink, API, &HashtagIds::new(), &ids(&[("dior", "17"), ("명품", "18")]));
        assert_eq!(path, folder.path().join("local_env/.cache/hashtag_ids.json"));
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"https://graph.facebook.com":{"dior":"17","명품":"18"}}"#);
        assert_eq!(IdFile.recall(&sink, &API.replace("v26", "v27")), ids(&[("dior", "17"), ("명품", "18")]));
        for other in ["http://127.0.0.1:4000/v26.0", "http://graph.facebook.com/v26.0", "sandbox"] {
            assert_eq!(IdFile.recall(&sink, other), HashtagIds::new(), "{other}");
        }
    }

    #[test]
    fn what_others_have_put_there_stays_and_an_id_proved_wrong_goes() {
        let (_folder, sink, _) = folder();
        let before = ids(&[("dior", "1"), ("gucci", "2"), ("prada", "3")]);
        IdFile.remember(&sink, API, &HashtagIds::new(), &before);
        IdFile.remember(&sink, API, &ids(&[("prada", "3")]), &ids(&[("prada", "33"), ("ysl", "4")]));
        IdFile.remember(&sink, API, &before, &ids(&[("dior", "11")]));
        assert_eq!(IdFile.recall(&sink, API), ids(&[("dior", "11"), ("prada", "33"), ("ysl", "4")]));
    }

    #[test]
    fn a_damaged_file_gives_no_id_and_is_replaced_whole() {
        let (_folder, sink, path) = folder();
        for damaged in [
            "",
            "[]",
            r#"{"https://graph.facebook.com":{"dior":17}}"#,
            r#"{"https://graph.facebook.com":{"dior":"x"}}"#,
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, damaged).unwrap();
            assert_eq!(IdFile.recall(&sink, API), HashtagIds::new(), "{damaged}");
            IdFile.remember(&sink, API, &HashtagIds::new(), &ids(&[("dior", "17")]));
            assert_eq!(IdFile.recall(&sink, API), ids(&[("dior", "17")]), "{damaged}");
        }
    }

    #[test]
    fn a_lock_that_another_process_keeps_costs_a_second_and_no_id() {
        let (_folder, sink, path) = folder();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let lock = locked(&path.with_extension("lock")).unwrap();
        IdFile.remember(&sink, API, &HashtagIds::new(), &ids(&[("dior", "17")]));
        assert_eq!(IdFile.recall(&sink, API), ids(&[("dior", "17")]));
        drop(lock);
    }
}
