//! 2,000 invocations of one process of the real binary, with every fault around it. Its memory and its open files must
//! not grow. The sandbox and S3 run in the test's process, so that `/proc` describes only the function.
//!
//! The test takes some minutes and a release build, so it is not one of the usual ones:
//!
//! ```text
//! cargo build --release -p luxury-brands-data-collector
//! SOAK_BINARY=target/release/data-collector cargo test --test function soak -- --ignored --nocapture
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sandbox::InvocationResult;
use serde_json::{Value, json};

use crate::lambda::BINARY;
use support::aws::S3Fault;
use support::harness::{Harness, TIME, TOKEN};
use support::process::{Held, held};
use support::runtime_api;
use support::runtime_api::variables;

const INVOCATIONS: usize = 2_000;

/// The invocations before the first measurement. By then every fault has occurred, including large responses.
const WARM_UP: usize = 200;

/// The growth that is allowed. The memory that the allocator keeps differs from run to run. A leak of one record of 100
/// bytes per response would add 50 MB.
const MAX_GROWTH_KIB: u64 = 16 * 1024;

const MAX_NEW_FILES: usize = 8;

const FAULTS: [&str; 9] = [
    "hermes=throttled",
    "chanelofficial=token",
    "dior=html",
    "louisvuitton=truncated",
    "gucci=stall",
    "prada=bomb",
    "ysl=many",
    "celine=hang_up",
    "maisonvalentino=bad_records",
];

/// S3 denies the runs at this time.
const DENIED: &str = "2020-01-01T00:00:00Z";

/// The event of the `i`th invocation, and its limit in seconds. A topic with a fault runs together with good topics.
fn event(i: usize) -> (Value, f32) {
    let of = |accounts: &[&str], time: &str| json!({"job": "brand_media", "accounts": accounts, "time": time});
    let seconds = 30.0;
    match (i % 50, i % 10) {
        // These are rare: a debug build of the mock takes seconds for them.
        (0, _) if i.is_multiple_of(1_000) => (of(&["ysl", "miumiu"], TIME), 120.0),
        (10, _) if i % 200 == 10 => (of(&["prada", "miumiu"], TIME), 120.0),
        // The run is given up 0.6 s after its start.
        (20, _) => (of(&["gucci", "miumiu"], TIME), 2.6),
        (30, _) => (of(&["chanelofficial", "fendi"], TIME), seconds),
        (40, _) => (of(&["miumiu", "fendi"], DENIED), seconds),
        (4 | 29, _) => (of(&["dior", "louisvuitton", "celine", "miumiu"], TIME), seconds),
        (_, 1) => (json!({"job": "hashtag", "time": TIME}), seconds),
        (_, 2) => (of(&["hermes", "miumiu"], TIME), seconds),
        (_, 3) => (of(&["maisonvalentino", "miumiu"], TIME), seconds),
        (_, 5) => (json!("nonsense"), seconds),
        (_, 6) => (json!("token"), seconds),
        _ => (of(&["miumiu", "fendi"], TIME), seconds),
    }
}

#[tokio::test]
#[ignore = "takes minutes; see the top of this file"]
async fn two_thousand_invocations_of_one_process_leave_memory_and_files_as_they_were() {
    let harness = Harness::with_faults(&FAULTS).await;
    harness.aws.fail_s3(S3Fault { part: "raw/brand_2020", status: 403, code: "AccessDenied", times: usize::MAX });
    let binary = std::env::var_os("SOAK_BINARY").map_or_else(|| PathBuf::from(BINARY), PathBuf::from);
    let binary = binary.canonicalize().unwrap();
    let events = (0..INVOCATIONS).map(event).map(|(event, seconds)| (event, Duration::from_secs_f32(seconds)));
    let folder = tempfile::tempdir().unwrap();

    println!("{}", binary.display());
    println!("| invocations | elapsed s | RSS KiB | peak KiB | open files |\n| ---: | ---: | ---: | ---: | ---: |");
    let started = Instant::now();
    let mut measured: Vec<Held> = Vec::new();
    let mut next = 1;
    let watch = |process, done| {
        if done < next {
            return;
        }
        let now = held(process);
        println!(
            "| {done} | {:.1} | {} | {} | {} |",
            started.elapsed().as_secs_f32(),
            now.rss_kib,
            now.peak_kib,
            now.files
        );
        if done >= WARM_UP {
            measured.push(now);
        }
        next = (done / WARM_UP + 1) * WARM_UP;
    };
    let (results, log) =
        runtime_api::watched(&binary, folder.path(), &variables(&harness), events.collect(), watch).await;

    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for result in &results {
        let end = match result {
            InvocationResult::Response(response) if response["summary"]["failures"].as_array().unwrap().is_empty() => {
                "whole"
            }
            InvocationResult::Response(_) => "in part",
            InvocationResult::Error(error) => error["errorType"].as_str().unwrap(),
        };
        *ends.entry(end.to_owned()).or_default() += 1;
    }
    println!("{ends:?}, {} calls of the API, {} bytes of log", harness.sandbox.calls().len(), log.len());
    assert_eq!(results.len(), INVOCATIONS);
    let is_denied = |result: &&InvocationResult| matches!(result, InvocationResult::Error(e) if e["errorMessage"].as_str().unwrap().contains("AccessDenied"));
    let denied = results.iter().filter(is_denied).count();
    assert_eq!((denied, ends["event"]), (40, 200), "S3 denied and events refused, as often as asked for");
    assert!(!log.contains(TOKEN) && !harness.leaks());

    let (first, last) = (measured[0], measured[measured.len() - 1]);
    assert!(last.rss_kib <= first.rss_kib + MAX_GROWTH_KIB, "{measured:?}");
    assert!(measured.iter().all(|held| held.files <= first.files + MAX_NEW_FILES), "{measured:?}");
}
