//! The keys of the collected data.

use anyhow::Result;

use crate::storage::Storage;

/// The folders that hold objects.
const FOLDERS: [&str; 2] = ["raw", "quality"];

/// The ends of objects' keys, as people name them in `configure.ini`.
const ENDINGS: [&str; 3] = [".json", ".ndjson", ".jsonl"];

/// The keys of all objects in `storage`, sorted.
///
/// # Errors
/// Where a folder cannot be listed.
pub(super) async fn keys(storage: &Storage) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for folder in FOLDERS {
        keys.extend(storage.list(folder).await?);
    }
    keys.retain(|key| ENDINGS.iter().any(|ending| key.ends_with(ending)));
    keys.sort_unstable();
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_keys_are_those_of_raw_and_quality_objects_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Local(folder.path().to_owned());
        assert_eq!(keys(&storage).await.unwrap(), Vec::<String>::new());
        let expected = ["quality/media/b.json", "raw/brand/a.ndjson", "raw/media/b.json"];
        for key in expected.into_iter().rev().chain(["raw/media/b.json.7.part", "other/c.json"]) {
            storage.write(key, Vec::new()).await.unwrap();
        }
        assert_eq!(keys(&storage).await.unwrap(), expected);
    }
}
