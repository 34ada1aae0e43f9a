//! What GitHub runs: nothing that its owner could exchange under the same name.

use std::path::Path;

#[test]
fn every_action_is_pinned_by_the_hash_of_a_commit() {
    let mut pinned = 0;
    crate::aws::walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows"), &mut |path| {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some(used) = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ") else { continue };
            let (action, version) = used.split_once(" # ").unwrap_or((used, ""));
            let commit = action.split_once('@').map(|(_, commit)| commit);
            let is_hash = commit.is_some_and(|c| c.len() == 40 && c.bytes().all(|b| b.is_ascii_hexdigit()));
            let is_own = action.starts_with("./");
            assert!(is_own || is_hash && version.starts_with('v'), "{}: {used}", path.display());
            pinned += usize::from(is_hash);
        }
    });
    assert!(pinned > 10, "{pinned}");
}
