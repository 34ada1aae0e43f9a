//! Every failure: what it costs, how often the call is tried, at which level it is logged, and that no secret appears
//! anywhere. `chaos.rs` tests the same on the function's own binary, with faults around it; its table is in
//! `dev_logs/2026-11-24-failures.md`.

use std::time::Duration;

use sandbox::Options;
use serde_json::json;

use support::harness::{Harness, Setting, TIME};

struct Row {
    fault: &'static str,
    brands: usize,
    media: usize,
    calls: usize,
    /// The reported class of the topic's failure; empty if the topic was collected.
    kind: &'static str,
    level: &'static str,
}

const fn row(
    fault: &'static str,
    brands: usize,
    media: usize,
    calls: usize,
    kind: &'static str,
    level: &'static str,
) -> Row {
    Row { fault, brands, media, calls, kind, level }
}

/// What each fault of the last account costs.
const ROWS: [Row; 49] = [
    row("transient", 10, 250, 3, "transient", "ERROR"),
    row("transientx2", 11, 275, 3, "", ""),
    row("code:1x1", 11, 275, 2, "", ""),
    row("code:-1x1", 11, 275, 2, "", ""),
    row("http:500", 10, 250, 3, "transient", "ERROR"),
    row("http:503x1", 11, 275, 2, "", ""),
    row("http:408x1", 11, 275, 2, "", ""),
    row("retry_after:1x1", 11, 275, 2, "", ""),
    row("retry_after:3600", 10, 250, 1, "transient", "ERROR"),
    row("hang_up", 10, 250, 3, "transient", "ERROR"),
    row("throttled", 10, 250, 1, "throttled", "CRITICAL"),
    row("code:17", 10, 250, 1, "throttled", "CRITICAL"),
    row("code:18", 10, 250, 1, "throttled", "CRITICAL"),
    row("code:2635", 10, 250, 1, "version_ended", "CRITICAL"),
    row("code:80002", 10, 250, 1, "throttled", "CRITICAL"),
    row("http:429", 10, 250, 1, "throttled", "CRITICAL"),
    row("token", 10, 250, 2, "token", "CRITICAL"),
    row("code:102", 10, 250, 2, "token", "CRITICAL"),
    row("tokenx1", 11, 275, 2, "", "WARNING"),
    row("blocked", 10, 250, 1, "permission", "ERROR"),
    row("permission", 10, 250, 1, "permission", "ERROR"),
    row("code:200", 10, 250, 1, "permission", "ERROR"),
    row("code:368", 10, 250, 1, "permission", "ERROR"),
    row("not_there", 10, 250, 1, "not_there", "ERROR"),
    row("code:24/2207024", 10, 250, 1, "not_there", "ERROR"),
    row("code:803", 10, 250, 1, "not_there", "ERROR"),
    row("code:100/33", 10, 250, 1, "not_there", "ERROR"),
    row("unexpected", 10, 250, 1, "unexpected", "ERROR"),
    row("control_characters", 10, 250, 1, "permission", "ERROR"),
    row("quotes_token", 10, 250, 1, "permission", "ERROR"),
    row("redirect", 10, 250, 1, "unexpected", "ERROR"),
    row("html", 10, 250, 3, "transient", "ERROR"),
    row("truncated", 10, 250, 3, "transient", "ERROR"),
    row("empty", 10, 250, 3, "transient", "ERROR"),
    row("null", 10, 250, 3, "transient", "ERROR"),
    row("array", 10, 250, 3, "transient", "ERROR"),
    row("not_utf8", 10, 250, 3, "transient", "ERROR"),
    row("large", 10, 250, 1, "unexpected", "ERROR"),
    row("bomb", 10, 250, 1, "unexpected", "ERROR"),
    row("members", 11, 275, 1, "", ""),
    row("cut_gzip", 10, 250, 3, "transient", "ERROR"),
    row("fat", 11, 275, 1, "", ""),
    row("many", 11, 275, 1, "too_many_records", "ERROR"),
    row("deep", 11, 275, 1, "", ""),
    row("twice", 11, 275, 1, "", ""),
    row("no_media", 11, 250, 1, "", "WARNING"),
    row("empty_page", 11, 250, 1, "", "WARNING"),
    row("no_profile", 10, 275, 1, "", "WARNING"),
    row("bad_records", 11, 270, 1, "", "WARNING"),
];

#[tokio::test]
async fn every_failure_affects_only_its_own_topic() {
    println!(
        "| failure | brands | media | calls | class | level | token shown |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    let mut wrong = Vec::new();
    for Row { fault, brands, media, calls, kind, level } in ROWS {
        let rule: &'static str = format!("fendi={fault}").leak();
        // The media at a fixed time: at some times an account hides no likes.
        let at_one_time = |options: &mut Options| options.now = TIME.parse().ok();
        let harness =
            Harness::new(Setting { faults: vec![rule], options: Some(at_one_time), ..Setting::default() }).await;
        let response = harness.run("brand_media").await.unwrap();
        let failures = &response.summary.failures;
        let found_kind = failures.first().map_or("", |f| f.kind.name());
        // The highest level, except for the warning about the event's time.
        let about = |l: &serde_json::Value| l["kind"] != "time";
        let found_level = ["CRITICAL", "ERROR", "WARNING"]
            .into_iter()
            .find(|level| harness.logged(level).iter().any(about))
            .unwrap_or("");
        let found = (
            harness.records("brand").len(),
            harness.records("media").len(),
            harness.calls_of("fendi"),
            found_kind,
            found_level,
            failures.len() <= 1,
        );
        let leaks = harness.leaks();
        let shown = if leaks { "YES" } else { "no" };
        println!("| {fault} | {} | {} | {} | {found_kind} | {found_level} | {shown} |", found.0, found.1, found.2);
        if found != (brands, media, calls, kind, level, true) || leaks {
            wrong.push(format!("{fault}: {found:?} {failures:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_failed_hashtag_affects_no_other() {
    for fault in ["#gucci=not_there", "#gucci=html", "#gucci=permission", "#gucci=blocked"] {
        let harness = Harness::with_faults(&[fault]).await;
        let response = harness.run("hashtag").await.unwrap();
        assert_eq!((harness.records("media_hashtag").len(), response.summary.failures.len()), (250, 1), "{fault}");
        let reported: Vec<_> = harness.logged("ERROR").into_iter().filter(|l| l["topic"] == "gucci").collect();
        assert_eq!(reported.len(), 1, "{fault}: reported once");
        assert!(
            response.error_log.lines().any(|l| l.starts_with("hashtags-[") && l.contains("gucci")),
            "{}",
            response.error_log
        );
    }
}

#[tokio::test]
async fn throttling_stops_waiting_calls_and_keeps_what_was_collected() {
    let config = |ini: String| ini + "\n[limits]\nconcurrency = 1\n";
    let harness =
        Harness::new(Setting { faults: vec!["dior=throttled"], config: Some(config), ..Setting::default() }).await;
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!(
        (harness.records("brand").len(), harness.sandbox.calls().len(), response.summary.failures.len()),
        (2, 3, 9)
    );
    assert!(response.summary.failures.iter().all(|f| f.kind.name() == "throttled"));
    assert_eq!(harness.logged("CRITICAL").len(), 1, "reported once at its level");
    let [error] = &harness.logged("ERROR")[..] else { panic!("{:?}", harness.logged("ERROR")) };
    assert_eq!(error["topics"].as_array().unwrap().len(), 9, "one line has each topic");
}

#[tokio::test]
async fn throttling_is_critical_even_after_a_response_that_reports_full_usage() {
    for faults in [&["dior=throttled", "dior=usage:100"][..], &["dior=throttled", "dior=slow:300", "gucci=usage:96"]] {
        let harness = Harness::with_faults(faults).await;
        harness.run("brand_media").await.unwrap();
        let reported: Vec<_> =
            harness.logged("CRITICAL").iter().map(|l| (l["kind"].clone(), l["code"].clone())).collect();
        assert_eq!(reported, [(json!("throttled"), json!(4))], "{faults:?}");
    }
}

#[tokio::test]
async fn usage_is_logged_from_80_percent_and_stops_further_calls_from_95() {
    let one_at_a_time = |ini: String| ini + "\n[limits]\nconcurrency = 1\n";
    for (fault, brands, warned, percent) in [
        ("hermes=usage:79", 11, 0, 79),
        ("hermes=usage:80", 11, 1, 80),
        ("hermes=usage:94", 11, 1, 94),
        ("hermes=usage:95", 1, 2, 95),
    ] {
        let harness =
            Harness::new(Setting { faults: vec![fault], config: Some(one_at_a_time), ..Setting::default() }).await;
        let response = harness.run("brand_media").await.unwrap();
        let is_about_usage = |l: &serde_json::Value| l["kind"] == "usage" || l["usage_percent"].is_u64();
        let about_usage = harness.logged("WARNING").into_iter().filter(is_about_usage).count();
        assert_eq!(
            (harness.records("brand").len(), about_usage, response.summary.usage_percent),
            (brands, warned, Some(percent)),
            "{fault}"
        );
        assert!(response.summary.failures.iter().all(|f| f.kind.name() == "usage"));
    }
}

#[tokio::test]
async fn a_field_that_the_api_no_longer_knows_affects_only_that_field() {
    let harness = Harness::with_faults(&["*=unknown_field:like_count", "*=unknown_field:name"]).await;
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((response.summary.records(), response.summary.failures.len()), (286, 0));
    assert!(harness.records("media").iter().all(|m| m["like_count"] == 0 && m["media_type"] != ""));
    let quality = harness.quality("media").unwrap();
    assert_eq!(quality["defaulted"]["like_count"]["unknown field"].as_array().unwrap().len(), 275);
    let errors: Vec<_> = harness.logged("ERROR").iter().map(|l| (l["model"].clone(), l["field"].clone())).collect();
    assert_eq!(errors, [(json!("brand"), json!("name")), (json!("media"), json!("like_count"))], "an ERROR once a run");
    assert!(harness.calls_of("dior") <= 3);
    let before = harness.sandbox.calls().len();
    harness.run("brand_media").await.unwrap();
    assert_eq!(harness.sandbox.calls().len() - before, 11, "the process goes on asking without them");
    assert_eq!(harness.logged("ERROR").len(), 4);
}

#[tokio::test]
async fn a_field_that_hashtags_do_not_know_is_still_requested_of_accounts() {
    let harness = Harness::with_faults(&["#dior=unknown_field:like_count"]).await;
    harness.run("hashtag").await.unwrap();
    let defaulted = &harness.quality("media_hashtag").unwrap()["defaulted"]["like_count"]["unknown field"];
    assert_eq!(defaulted.as_array().unwrap().len(), 25);
    harness.run("brand_media").await.unwrap();
    assert!(harness.records("media").iter().any(|m| m["like_count"] != 0));
    assert_eq!(harness.logged("ERROR").len(), 1);
}

#[tokio::test]
async fn an_unknown_field_that_was_not_requested_is_a_failure_of_the_topic() {
    let harness = Harness::with_faults(&["dior=code:100"]).await;
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!(
        (response.summary.failures.len(), response.summary.failures[0].kind.name(), harness.calls_of("dior")),
        (1, "not_there", 1)
    );
}

#[tokio::test]
async fn two_seconds_before_the_deadline_the_collected_records_are_stored_and_the_rest_named() {
    for fault in ["ysl=slow:60000", "ysl=stall"] {
        let harness = Harness::with_faults(&[fault]).await;
        let response =
            harness.invoke_within(json!({"job": "brand_media", "time": TIME}), Duration::from_secs(5)).await.unwrap();
        let failures = &response.summary.failures;
        assert_eq!(
            (harness.records("brand").len(), failures.len(), failures[0].topic.as_str()),
            (10, 1, "ysl"),
            "{fault}"
        );
        assert!(matches!(failures[0].kind.name(), "deadline" | "transient"), "{failures:?}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_a_timeout_and_is_tried_again() {
    let harness = Harness::with_faults(&["ysl=stallx1"]).await;
    let response =
        harness.invoke_within(json!({"job": "brand_media", "time": TIME}), Duration::from_secs(8)).await.unwrap();
    assert_eq!((harness.records("brand").len(), response.summary.failures.len(), harness.calls_of("ysl")), (11, 0, 2));
}

#[tokio::test]
async fn a_deadline_in_the_past_is_unknown() {
    let harness = Harness::with_faults(&[]).await;
    let deadline = std::time::UNIX_EPOCH + Duration::from_secs(600);
    let invocation = collector::function::Invocation::new("r".into(), deadline);
    let response = harness.function.invoke(&json!("brand_media"), &invocation, &()).await.unwrap();
    assert_eq!(response.summary.records(), 286);
}

#[tokio::test]
async fn nothing_collected_is_an_error_that_says_why_and_nothing_is_stored() {
    let harness = Harness::with_faults(&["*=permission"]).await;
    let error = harness.run("brand_media").await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.cause.kind(), "nothing_collected");
    assert!(
        text.contains("11 of 11 topics failed") && text.contains("hermes") && text.contains("\"failures\":["),
        "{text}"
    );
    assert!(harness.aws.objects().is_empty());
    assert!(harness.log().last().unwrap()["summary"]["failures"].as_array().unwrap().len() == 11);
}
