//! A caller that the API throttles makes fewer calls until calls succeed again.

use std::time::{Duration, SystemTime};

use collector::function::{Function, Invocation};
use serde_json::json;

use support::harness::{Harness, Setting, settings};

/// The calls and the records of each of `jobs`, run one after another. A job that fails runs once more, as
/// on Lambda.
async fn runs(harness: &Harness, jobs: &[&str]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    for job in jobs {
        let before = harness.sandbox.calls().len();
        let mut done = harness.run(job).await;
        if done.is_err() {
            done = harness.run(job).await;
        }
        let records = done.map_or(0, |response| response.summary.records());
        runs.push((harness.sandbox.calls().len() - before, records));
    }
    runs
}

#[tokio::test]
async fn after_a_throttled_run_a_single_call_finds_out_whether_it_is_over() {
    let harness = Harness::with_faults(&["*=throttledx14"]).await;
    // All topics of the first run start together. Each of the next runs stops after its first call.
    assert_eq!(runs(&harness, &["brand_media"; 5]).await, [(11, 0), (1, 0), (1, 0), (1, 0), (11, 286)]);
}

#[tokio::test]
async fn hashtags_pause_after_two_throttled_runs_and_accounts_do_not() {
    let harness = Harness::with_faults(&["*=throttledx13"]).await;
    let jobs = ["hashtag", "hashtag", "hashtag", "hashtag", "brand_media", "brand_media", "hashtag"];
    let expected = [(11, 0), (1, 0), (0, 0), (0, 0), (1, 0), (11, 286), (22, 275)];
    assert_eq!(runs(&harness, &jobs).await, expected);
    let paused: Vec<_> = harness.logged("CRITICAL").into_iter().filter(|l| l["code"].is_null()).collect();
    assert_eq!(paused.len(), 2);
    assert_eq!(paused[0]["kind"], "throttled");
    let message = paused[0]["message"].as_str().unwrap();
    assert!(message.starts_with("no call in this run: the API throttled the last 2 runs; the next call is made at 20"));
}

#[tokio::test]
async fn lambda_repeats_no_throttled_run() {
    let harness = Harness::with_faults(&["*=throttled"]).await;
    for (job, topics, section) in [("brand_media", 11, "accounts"), ("hashtag", 11, "hashtags"), ("token", 1, "")] {
        let response = harness.run(job).await.expect("an answer that Lambda does not repeat");
        assert_eq!((response.status_code, response.summary.records()), (200, 0));
        assert_eq!(response.summary.failures.len(), topics, "{job}");
        assert!(response.summary.failures.iter().all(|f| f.kind.name() == "throttled"), "{job}");
        assert!(response.error_log.contains(section) && response.target_file.is_empty(), "{}", response.error_log);
    }
    assert!(harness.has_no_records());
}

#[tokio::test]
async fn a_run_that_collects_nothing_near_the_limit_ends_like_a_throttled_one() {
    let harness = Harness::with_faults(&["*=usage:96"]).await;
    let response = harness.run("hashtag").await.expect("a response that Lambda does not repeat");
    assert!(response.summary.failures.len() == 11 && harness.has_no_records());
    let critical = harness.logged("CRITICAL");
    assert!(critical.len() == 1 && critical[0]["kind"] == "usage", "{critical:?}");
    assert!(harness.run("brand_media").await.unwrap().summary.records() > 0, "the calls in flight finish");
    assert_eq!(harness.logged("CRITICAL").len(), 1);
}

#[tokio::test]
async fn near_the_limit_the_next_run_makes_four_calls_at_a_time() {
    let busy = Setting { options: Some(|o| o.latency = Duration::from_millis(20)), ..Setting::default() };
    let harness = Harness::new(Setting { faults: vec!["*=usage:80x11"], ..busy }).await;
    harness.run("brand_media").await.unwrap();
    assert_eq!(harness.sandbox.most_at_once(), 11, "nothing was known of the usage");
    let before = harness.sandbox.calls().len();
    harness.sandbox.forget_most_at_once();
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((harness.sandbox.calls().len() - before, response.summary.records()), (11, 286));
    assert_eq!(harness.sandbox.most_at_once(), 4);
    let reported: Vec<_> = harness.logged("WARNING").into_iter().filter(|l| l["usage_percent"] == 80).collect();
    assert_eq!(reported.len(), 1, "by the first run");
}

#[tokio::test]
async fn a_process_that_starts_knows_nothing_of_throttling_and_a_key_that_is_gone_is_a_warning() {
    let remembering = |ini: String| ini.replace("[common]", "[common]\nremember_throttling = bucket");
    let faults = vec!["*=throttledx22"];
    let harness = Harness::new(Setting { faults, config: Some(remembering), ..Setting::default() }).await;
    assert_eq!(runs(&harness, &["brand_media"]).await, [(11, 0)]);
    let function = Function::new(settings(&harness.aws).await);
    let invocation = Invocation::new("request-2".to_owned(), SystemTime::now() + Duration::from_secs(30));
    function.invoke(&json!({"job": "brand_media"}), &invocation, &()).await.unwrap();
    assert_eq!(harness.sandbox.calls().len(), 22);
    assert!(harness.has_no_records());
    let warned = harness.logged("WARNING").into_iter().filter(|line| line["kind"] == "config");
    let warned: Vec<String> = warned.map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    let expected = "configuration: [common] remember_throttling: no longer has an effect, remove it; ";
    assert!(warned.len() == 2 && warned.iter().all(|message| message.starts_with(expected)), "{warned:?}");
}
