//! Objects in a folder. Each file is complete or does not exist.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Condition;

/// The extension of a file that is not complete yet.
const PART: &str = ".part";

/// Nobody writes a part file that is older than this. A part is written at the end of a run, and no run of
/// a terminal takes longer.
const ABANDONED: Duration = Duration::from_secs(15 * 60);

/// Writes a file under a temporary name and then renames it, so that no reader sees half of it; `false`
/// where `condition` is not met.
pub(super) fn write_whole(path: &Path, body: &[u8], condition: Condition) -> std::io::Result<bool> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
        remove_abandoned(folder);
    }
    let part = part_of(path);
    let placed = std::fs::write(&part, body).and_then(|()| match condition {
        Condition::None => std::fs::rename(&part, path).map(|()| true),
        // Unlike a rename, a hard link replaces nothing.
        Condition::IfNew => match std::fs::hard_link(&part, path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            linked => linked.map(|()| true),
        },
    });
    if condition == Condition::IfNew || placed.is_err() {
        // A failure here adds nothing: the first error is returned.
        let _ = std::fs::remove_file(&part);
    }
    placed
}

/// The temporary name of a file. The dot in front hides it from Spark and Hadoop, from shells' globs and
/// from `ls`.
fn part_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().display();
    path.with_file_name(format!(".{name}.{}{PART}", std::process::id()))
}

/// Whether a file has a name that [`part_of`] gives.
fn is_part(name: &str) -> bool {
    let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART)?.rsplit_once('.'));
    name.is_some_and(|(_, process)| !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit()))
}

/// Removes the part files of processes that were killed while they wrote. A file that cannot be removed
/// stays; it costs no object.
fn remove_abandoned(folder: &Path) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|file| file.file_name().to_str().is_some_and(is_part)) {
        let modified = file.metadata().and_then(|about| about.modified()).ok();
        if modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > ABANDONED) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_part_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw/x/y.json");
        write_whole(&path, b"[1]", Condition::None).unwrap();
        write_whole(&path, b"[2]", Condition::None).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"[2]");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_there_stays_where_only_a_new_one_is_to_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("y.json");
        assert!(write_whole(&path, b"[1]", Condition::IfNew).unwrap());
        assert!(!write_whole(&path, b"[2]", Condition::IfNew).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"[1]");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_killed_processes_left_is_removed_by_a_later_write_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("y.json");
        let aged = |name: &str, age: Duration| {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        let own = part_of(&path).file_name().unwrap().to_str().unwrap().to_owned();
        for (name, age) in [(".x.json.17.part", 16), (&own, 16), (".x.json.18.part", 14), (".z.json.part", 16)] {
            aged(name, Duration::from_secs(age * 60));
        }
        for name in ["x.json.19.part", ".x.json", "x.json"] {
            aged(name, 2 * ABANDONED);
        }
        write_whole(&path, b"[2]", Condition::None).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".x.json", ".x.json.18.part", ".z.json.part", "x.json", "x.json.19.part", "y.json"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("y.json");
        std::fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, b"[2]", Condition::None).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
