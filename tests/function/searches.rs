//! Searches for hashtags that find none, or that the quota refuses.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use sandbox::Server;
use serde_json::json;

use support::harness::{CONFIGURE_INI, Harness, Setting};

#[tokio::test]
async fn a_search_that_finds_no_hashtag_is_made_once_a_process() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let service = service_fn(move |_: Request<_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(r#"{"data":[]}"#)))) }
    });
    let api = Server::start(0, service).await.unwrap();
    let ini = CONFIGURE_INI.replace("https://graph.facebook.com", &format!("http://{}", api.address()));
    let harness = Harness::new(Setting { ini: Some(ini), ..Setting::default() }).await;
    for _ in 0..2 {
        let summary = harness.run("hashtag").await.unwrap_err().summary;
        assert!(summary.failures.iter().all(|f| f.kind.name() == "not_there" && f.code.is_none()), "{summary:?}");
        assert_eq!((summary.failures.len(), calls.load(Ordering::Relaxed)), (11, 11));
    }
}

#[tokio::test]
async fn a_used_up_hashtag_quota_ends_the_searches_of_the_run_and_known_hashtags_go_on() {
    let config = |ini: String| ini + "\n[limits]\nconcurrency = 1\n";
    let harness = Harness::new(Setting { config: Some(config), ..Setting::default() }).await;
    harness.invoke(json!({"job": "hashtag", "hashtags": ["gucci"]})).await.unwrap();
    harness.sandbox.set_faults(vec!["#dior=code:18".parse().unwrap()]);
    let before = harness.sandbox.calls().len();
    let summary = harness.run("hashtag").await.unwrap().summary.clone();
    // hermes and chanel are searched for before dior, and gucci needs no search.
    assert_eq!((summary.files[0].records, harness.sandbox.calls().len() - before), (75, 6));
    assert!(summary.failures.iter().all(|f| f.kind.name() == "hashtag_quota" && f.code == Some(18)));
    assert_eq!((summary.failures.len(), harness.logged("CRITICAL").len(), harness.logged("ERROR").len()), (8, 0, 1));
    let is_asked = |topic| harness.topic_run("media_hashtag", topic)["asked_at"].is_string();
    assert_eq!(["hermes", "dior", "gucci", "fendi"].map(is_asked), [true, true, true, false]);
    harness.sandbox.set_faults(Vec::new());
    assert!(harness.run("hashtag").await.unwrap().summary.failures.is_empty(), "the next run searches again");
}

#[tokio::test]
async fn code_18_on_another_call_is_throttling() {
    let harness = Harness::with_faults(&["dior=code:18"]).await;
    let summary = harness.run("brand_media").await.unwrap().summary.clone();
    assert_eq!((json!(summary.failures[0].kind), harness.logged("CRITICAL").len()), (json!("throttled"), 1));
}
