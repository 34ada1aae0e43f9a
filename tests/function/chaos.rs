//! Everything that can go wrong around the function, tested on its real binary: what it stores and reports, what it
//! must not show, and how much memory it may use. The sandbox and AWS run in the test's process, so that `/proc`
//! describes only the function.
//!
//! The quick cases are ordinary tests. All cases take some minutes and a release build:
//!
//! ```text
//! cargo build --release -p luxury-brands-data-collector
//! CHAOS_BINARY=target/release/data-collector cargo test --test function chaos -- --ignored --nocapture
//! ```
//!
//! `CHAOS_WRITE=1` writes the table into `dev_logs/2026-11-24-failures.md`. `CHAOS_ONLY=<part>` runs only the cases
//! whose names contain that part.

use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use futures_util::stream;

use crate::lambda::BINARY;
use case::Case;
use limit::Limit;
use setup::Outcome;

mod answers;
mod case;
mod connections;
mod disk;
mod limit;
mod parts;
mod proxy;
mod secrets;
mod setup;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dev_logs/2026-11-24-failures.md");

const MARKS: [&str; 2] = ["<!-- chaos: begin -->\n", "<!-- chaos: end -->\n"];

/// The number of concurrent cases. Most of them wait most of the time.
const AT_ONCE: usize = 4;

fn cases() -> Vec<Case> {
    let only = std::env::var("CHAOS_ONLY").unwrap_or_default();
    let mut cases: Vec<Case> = [connections::cases(), answers::cases(), parts::cases()].into_iter().flatten().collect();
    cases.retain(|case| name(case).contains(&only));
    // The groups in the order of their first cases.
    let groups: Vec<&str> = cases.iter().map(|case| case.group).collect();
    cases.sort_by_key(|case| groups.iter().position(|group| *group == case.group));
    cases
}

fn name(case: &Case) -> String {
    format!("| {} | {} |", case.group, case.what)
}

/// A case's row in the table.
fn row(case: &Case, played: &Outcome) -> String {
    let reported: Vec<String> = case.reported.iter().map(|part| format!("`{part}`")).collect();
    let shown = if played.shown.is_empty() { "none" } else { "YES" };
    let mib = played.peak_kib.div_ceil(1024);
    format!("{} {} | {} | {} | {shown} | {mib} MiB |\n", name(case), played.stored, played.ends, reported.join(", "))
}

/// Runs the cases. Returns their rows in order, and what is wrong.
async fn play(cases: &[Case], binary: &Path, limited: bool) -> (String, Vec<String>) {
    let (mut rows, mut wrong) = (String::new(), Vec::new());
    let is_large = |case: &Case| case.group == "size";
    for group in cases.chunk_by(|a, b| is_large(a) == is_large(b)) {
        // A mock that is busy with another case's large responses is slow for its own calls.
        let at_once = if group.iter().any(is_large) { 1 } else { AT_ONCE };
        let play = async |case: &Case| case.play(binary, limited).await;
        let played: Vec<_> = stream::iter(group).map(play).buffered(at_once).collect().await;
        for (case, played) in group.iter().zip(played) {
            match played {
                Ok(played) => {
                    let row = row(case, &played);
                    print!("{row}");
                    rows += &row;
                    if !played.wrong.is_empty() {
                        wrong.push(format!("{}\n{}", name(case), played.wrong.join("\n")));
                    }
                }
                Err(why) => println!("{} skipped: {why}", name(case)),
            }
        }
    }
    (rows, wrong)
}

const HEAD: &str = "| what | case | stored | ends | reported | secrets shown | peak memory |\n| --- | --- | --- | --- | --- | --- | ---: |\n";

#[tokio::test]
async fn whatever_goes_wrong_costs_what_it_must_and_shows_no_secret() {
    let quick: Vec<Case> = cases().into_iter().filter(|case| case.quick).collect();
    let (_, wrong) = play(&quick, Path::new(BINARY), false).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
#[ignore = "takes minutes; see the top of this file"]
async fn all_that_can_go_wrong_costs_what_it_must_and_shows_no_secret_in_128_mb() {
    let binary = std::env::var_os("CHAOS_BINARY").map_or_else(|| PathBuf::from(BINARY), PathBuf::from);
    let binary = binary.canonicalize().unwrap();
    let limited = Limit::new().map(drop);
    match &limited {
        Ok(()) => println!("{} each in a control group with 128 MB", binary.display()),
        Err(error) => println!("{} without a limit of memory: no control group: {error}", binary.display()),
    }
    print!("{HEAD}");
    let (rows, wrong) = play(&cases(), &binary, limited.is_ok()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    if std::env::var_os("CHAOS_WRITE").is_some() && std::env::var_os("CHAOS_ONLY").is_none() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(MARKS[0]).unwrap();
        let (_, after) = rest.split_once(MARKS[1]).unwrap();
        std::fs::write(PAGE, [before, MARKS[0], "\n", HEAD, &rows, "\n", MARKS[1], after].concat()).unwrap();
    }
}
