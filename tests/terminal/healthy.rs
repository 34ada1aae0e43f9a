//! Runs without faults log nothing above INFO.

use std::path::Path;

use crate::terminal::{folder, local, text};
use crate::watch::Watching;

/// Checks a log of `-v`: it has lines, none is above INFO, and at most one of a process is about the version.
fn is_healthy<'l>(log: impl Iterator<Item = &'l str>) {
    let (mut infos, mut versions) = (0, 0);
    for line in log {
        assert!(!["WARNING", "ERROR", "CRITICAL"].iter().any(|level| line.starts_with(level)), "{line}");
        infos += usize::from(line.starts_with("INFO"));
        versions += usize::from(line.starts_with("INFO") && line.contains("v17.0"));
    }
    assert!(infos > 0 && versions <= 1, "{infos} lines, {versions} about the version");
}

fn run(folder: &Path, arguments: &[&str]) {
    let ran = local(folder, arguments);
    assert!(ran.status.success(), "{ran:?}");
    is_healthy(text(&ran.stderr).lines());
}

#[test]
fn a_healthy_run_of_each_job_logs_nothing_above_info() {
    let folder = folder();
    for job in ["brand_media", "hashtag", "token"] {
        run(folder.path(), &[job, "--sandbox", "-v"]);
    }
}

#[test]
fn healthy_runs_of_past_hours_log_nothing_above_info() {
    let until = "2026-01-31T03:00:00Z";
    run(folder().path(), &["sandbox", "day", "--hours", "3", "--until", until, "-v"]);
}

#[test]
fn a_healthy_watch_logs_nothing_above_info() {
    let folder = folder();
    let mut watching = Watching::start(folder.path(), &["--sandbox", "--hour", "20s", "-v"]);
    watching.until(13, " records in ");
    // A busy machine may miss a scheduled time.
    is_healthy(watching.printed_lines.iter().map(String::as_str).filter(|line| !line.contains(": missed at ")));
    watching.end("-TERM");
}
