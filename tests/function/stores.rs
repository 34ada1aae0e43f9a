//! Storing: its tries, its losses, and how they are reported.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use support::aws::{BUCKET, HANGS_UP, S3Fault, STALLS, STORED, STORED_HANGS_UP, STORED_STALLS, VAST_ERROR};
use support::harness::{Harness, STAMP, TIME};

fn key(prefix: &str, model: &str) -> String {
    format!("{prefix}{model}_{}.json", STAMP.replace("{model}", model))
}

/// The keys with a prefix.
fn partial(harness: &Harness, prefix: &str) -> Vec<String> {
    harness.aws.objects().into_iter().map(|(key, _)| key).filter(|key| key.starts_with(prefix)).collect()
}

#[tokio::test]
async fn two_responses_of_503_from_s3_lose_no_object() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/media_", status: 503, code: "SlowDown", times: 2 });
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!(
        (harness.records("brand").len(), harness.records("media").len(), response.summary.files.len()),
        (11, 275, 2)
    );
    assert_eq!(harness.logged("ERROR").len(), 0, "{:?}", harness.logged("ERROR"));
}

#[tokio::test]
async fn s3_that_denies_an_object_is_an_error_with_its_place_and_loss_and_the_other_one_is_stored() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/media_", status: 403, code: "AccessDenied", times: 99 });
    let error = harness.run("brand_media").await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.cause.kind(), "store");
    assert!(
        text.contains("lux-raw/raw/media_2026-01-31/media_2026-01-31_235907.json")
            && text.contains("AccessDenied")
            && text.contains("275 records lost"),
        "{text}"
    );
    assert!(!text.contains("SdkBody"), "words for a person, not the SDK's inside: {text}");
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (11, 0));
    assert!(text.contains(r#""files":[{"key":"raw/brand_2026-01-31"#), "the summary says what was stored: {text}");
    assert!(!harness.leaks());
}

#[tokio::test]
async fn a_quality_object_that_cannot_be_stored_is_an_error_too() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "quality/", status: 403, code: "AccessDenied", times: 99 });
    let text = harness.run("brand_media").await.unwrap_err().to_string();
    assert!(text.contains("lux-raw/quality/media_2026-01-31"), "{text}");
    assert_eq!(harness.records("media").len(), 275);
}

#[tokio::test]
async fn a_run_that_lost_topics_leaves_the_better_object_and_goes_apart() {
    let harness = Harness::with_faults(&["gucci=not_there"]).await;
    let better = "[{\"of\":\"an earlier run\"}]";
    harness.aws.put(&key("raw/", "brand"), better);
    let response = harness.run("brand_media").await.unwrap();
    let object = |key: String| {
        let found = harness.aws.objects().into_iter().find(|(k, _)| *k == key).map(|(_, bytes)| bytes);
        found.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap())
    };
    let rows = |key| object(key).unwrap().as_array().unwrap().len();
    assert_eq!(object(key("raw/", "brand")).unwrap().to_string(), better);
    let partial = partial(&harness, "partial/brand_").pop().unwrap();
    assert_eq!((rows(partial.clone()), rows(key("raw/", "media"))), (10, 250), "each model on its own");
    let quality = object(partial.replace("partial/", "partial/quality/")).unwrap();
    assert_eq!(quality["object"], partial);
    assert_eq!(quality["instead_of"], key("raw/", "brand"));
    assert_eq!(object(key("quality/", "brand")), None, "it would be next to the earlier run's object");
    assert_eq!(object(key("quality/", "media")).unwrap()["object"], key("raw/", "media"));

    let summary = &response.summary;
    assert_eq!((summary.records(), summary.partial.len()), (260, 1));
    assert_eq!(summary.partial[0].instead_of, key("raw/", "brand"));
    assert!(response.target_file.contains("lux-raw/partial/brand_2026-01-31/"), "{}", response.target_file);
    assert!(response.body.contains("1 object of an earlier run stayed"), "{}", response.body);
    assert!(harness.logged("WARNING").iter().any(|line| line["kind"] == "partial"));
}

#[tokio::test]
async fn a_quality_object_without_records_does_not_replace_that_of_an_earlier_runs_records() {
    let harness = Harness::with_faults(&["*=no_profile"]).await;
    let earlier = "{\"of\":\"an earlier run\"}";
    harness.aws.put(&key("quality/", "brand"), earlier);
    harness.run("brand_media").await.unwrap();
    let object = |key: String| harness.aws.objects().into_iter().find(|(k, _)| *k == key).map(|(_, bytes)| bytes);
    assert_eq!(object(key("quality/", "brand")).as_deref(), Some(earlier.as_bytes()));
    let partial = partial(&harness, "partial/quality/brand_").pop().unwrap();
    let apart: Value = serde_json::from_slice(&object(partial).unwrap()).unwrap();
    assert_eq!((&apart["counts"]["rejected"], apart.get("object")), (&json!(11), None));
}

/// The bucket's objects by key, as text.
fn objects(harness: &Harness) -> BTreeMap<String, String> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    harness.aws.objects().into_iter().map(|(key, bytes)| (key, text(bytes))).collect()
}

#[tokio::test]
async fn a_run_without_any_record_leaves_no_object() {
    for (fault, is_ok) in [("*=throttled", true), ("*=permission", false)] {
        let harness = Harness::with_faults(&[fault]).await;
        let done = harness.run("brand_media").await;
        assert!(done.is_ok() == is_ok && objects(&harness).is_empty(), "{:?}", objects(&harness));
        let failures = done.map_or_else(|error| error.summary.failures.len(), |done| done.summary.failures.len());
        assert_eq!(failures, 11);
    }
}

#[tokio::test]
async fn a_model_without_records_has_a_quality_object_if_a_topic_failed() {
    let harness = Harness::with_faults(&["gucci=permission", "*=no_media"]).await;
    harness.run("brand_media").await.unwrap();
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (10, 0));
    let quality: Value = serde_json::from_str(&objects(&harness)[&key("quality/", "media")]).unwrap();
    assert_eq!((quality.get("object"), quality["topics"].as_array().unwrap().len()), (None, 11));
}

#[tokio::test]
async fn a_whole_run_replaces_one_that_lost_topics_and_a_repair_adds_an_object() {
    let harness = Harness::with_faults(&["gucci=not_therex2"]).await;
    harness.run("brand_media").await.unwrap();
    assert_eq!(harness.records("brand").len(), 10, "nothing was there before");
    harness.run("brand_media").await.unwrap();
    assert_eq!(harness.aws.objects().iter().filter(|(k, _)| k.starts_with("partial/brand_")).count(), 1);
    let repair = json!({"job": "brand_media", "time": TIME, "accounts": ["gucci"]});
    harness.invoke(repair).await.unwrap();
    assert_eq!((harness.records("brand").len(), harness.records("media").len()), (11, 275));
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((response.summary.files[0].records, response.summary.partial.len()), (11, 0));
    let quality = harness.aws.objects().into_iter().find(|(k, _)| *k == key("quality/", "brand")).unwrap().1;
    let quality: Value = serde_json::from_slice(&quality).unwrap();
    let topics = quality["topics"].as_array().unwrap();
    assert_eq!((topics.len(), &quality["counts"]["records"]), (11, &json!(11)));
    assert!(topics.iter().all(|run| run.get("kind").is_none()), "{quality}");
}

#[tokio::test]
async fn runs_that_lost_other_topics_do_not_replace_each_others_objects() {
    let harness = Harness::with_faults(&["gucci=not_there", "dior=not_therex1"]).await;
    harness.aws.put(&key("raw/", "brand"), "[]");
    harness.run("brand_media").await.unwrap();
    harness.run("brand_media").await.unwrap();
    assert_eq!(partial(&harness, "partial/brand_").len(), 2, "the second run has dior, and the first has not");
    harness.run("brand_media").await.unwrap();
    assert_eq!(partial(&harness, "partial/brand_").len(), 2);
}

#[tokio::test]
async fn an_object_whose_response_was_lost_is_this_runs_and_gets_its_quality_object() {
    for (status, code) in [(500, STORED), (0, STORED_HANGS_UP), (0, STORED_STALLS)] {
        let harness = Harness::with_faults(&["gucci=not_there"]).await;
        let faults = ["lux-raw/raw/brand", "lux-raw/raw/media", "lux-raw/quality/media"];
        faults.into_iter().for_each(|part| harness.aws.fail_s3(S3Fault { part, status, code, times: 1 }));
        let response = harness.run("brand_media").await.unwrap();
        assert_eq!(response.summary.partial.len(), 0, "{code}");
        assert!(partial(&harness, "partial/").is_empty(), "{code}");
        assert_eq!((harness.records("brand").len(), harness.records("media").len()), (10, 250));
        for model in ["brand", "media"] {
            assert_eq!(harness.quality(model).unwrap()["object"], key("raw/", model));
        }
    }
}

#[tokio::test]
async fn after_a_lost_response_an_earlier_runs_object_does_not_count_as_this_runs() {
    for (status, code) in [(500, "InternalError"), (503, "SlowDown"), (0, HANGS_UP)] {
        let harness = Harness::with_faults(&["gucci=not_there"]).await;
        let earlier = [(key("raw/", "brand"), "[1]"), (key("quality/", "brand"), "{}")];
        earlier.iter().for_each(|(key, body)| harness.aws.put(key, body));
        harness.aws.fail_s3(S3Fault { part: "lux-raw/raw/brand", status, code, times: 1 });
        let response = harness.run("brand_media").await.unwrap();
        assert_eq!((response.summary.partial.len(), response.summary.records()), (1, 260), "{code}");
        let objects = harness.aws.objects();
        assert!(earlier.iter().all(|(key, body)| objects.contains(&(key.clone(), body.as_bytes().to_vec()))), "{code}");
    }
}

#[tokio::test]
async fn a_store_that_rejects_the_condition_has_nothing_replaced_and_loses_nothing() {
    let rejections = [(400, "InvalidArgument"), (403, "AccessDenied"), (405, "MethodNotAllowed")];
    let others = [(409, "Conflict"), (428, "PreconditionRequired"), (500, "InternalError"), (501, "NotImplemented")];
    let rejections = rejections.into_iter().chain(others);
    for (status, code) in rejections {
        let harness = Harness::with_faults(&["gucci=not_there"]).await;
        harness.aws.fail_s3(S3Fault { part: "lux-raw/raw/", status, code, times: 99 });
        let response = harness.run("brand_media").await.unwrap();
        assert_eq!((response.summary.partial.len(), response.summary.records()), (2, 260), "{status}");
    }
}

#[tokio::test]
async fn an_object_whose_put_is_cut_off_goes_to_partial_if_nothing_may_be_replaced() {
    let harness = Harness::with_faults(&["gucci=not_there"]).await;
    harness.aws.fail_s3(S3Fault { part: "lux-raw/raw/", status: 0, code: HANGS_UP, times: 99 });
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((response.summary.partial.len(), response.summary.records()), (2, 260));
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "lux-raw/raw/", status: 0, code: HANGS_UP, times: 99 });
    let error = harness.run("brand_media").await.unwrap_err();
    assert_eq!((error.cause.kind(), error.summary.lost.len()), ("store", 2), "a whole run has no place apart");
}

#[tokio::test]
async fn tries_that_stall_are_given_up_in_time_for_another() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/media_", status: 0, code: STALLS, times: 2 });
    let event = json!({"job": "brand_media", "time": TIME});
    // With half of the time for each try, the two stalled ones would use up all of it.
    harness.invoke_within(event, Duration::from_secs(8)).await.unwrap();
    assert_eq!(harness.records("media").len(), 275);
}

#[tokio::test]
async fn a_clock_that_was_wrong_and_a_writer_at_the_same_time_are_worth_another_try() {
    for code in ["RequestTimeTooSkewed", "ConditionalRequestConflict"] {
        let harness = Harness::with_faults(&[]).await;
        harness.aws.fail_s3(S3Fault { part: "raw/media_", status: 403, code, times: 2 });
        harness.run("brand_media").await.unwrap();
        assert_eq!(harness.records("media").len(), 275, "{code}");
    }
}

#[tokio::test]
async fn an_error_of_s3_that_is_too_large_is_not_read() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/brand_", status: 400, code: VAST_ERROR, times: 99 });
    let error = harness.run("brand_media").await.unwrap_err();
    assert!(error.text().contains("larger than 1 MiB") && error.text().contains("11 records lost"), "{error}");
    assert_eq!(harness.records("media").len(), 275);
}

#[tokio::test]
async fn what_s3_repeats_of_the_credentials_goes_nowhere() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/", status: 400, code: "ExpiredToken", times: 99 });
    let error = harness.run("brand_media").await.unwrap_err();
    assert!(error.to_string().contains("set to fail: REDACTED REDACTED"), "{error}");
    assert!(format!("{error:?}").contains("set to fail: REDACTED REDACTED"), "{error:?}");
    assert!(!harness.leaks());
}

#[tokio::test]
async fn an_object_has_its_content_type() {
    let harness = Harness::with_faults(&[]).await;
    harness.run("hashtag").await.unwrap();
    let client = collector::aws::s3(&harness.aws.config().await);
    let key = "raw/media_hashtag_2026-01-31/media_hashtag_2026-01-31_235907.json";
    let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(head.content_type(), Some("application/json"));
}

#[tokio::test]
async fn a_summary_names_the_objects_that_were_lost() {
    for (part, lost) in [("raw/media_", "/lost/0/key"), ("quality/media_", "/quality/lost/0")] {
        let harness = Harness::with_faults(&[]).await;
        harness.aws.fail_s3(S3Fault { part, status: 403, code: "AccessDenied", times: 1 });
        let summary = serde_json::to_value(&harness.run("brand_media").await.unwrap_err().summary).unwrap();
        let key = summary.pointer(lost).and_then(Value::as_str).unwrap();
        assert!(key.starts_with(part), "{summary}");
        assert_eq!(
            (summary.get("lost").is_some(), summary["quality"].get("lost").is_some()),
            (part != "quality/media_", part == "quality/media_")
        );
    }
}

#[tokio::test]
async fn a_shard_that_failed_names_its_topics_and_one_that_succeeded_does_not() {
    let harness = Harness::with_faults(&[]).await;
    harness.aws.fail_s3(S3Fault { part: "raw/", status: 403, code: "AccessDenied", times: 1 });
    let event = json!({"job": "hashtag", "time": TIME, "hashtags": ["gucci", "dior"], "shard": "s-1"});
    let failed = harness.invoke(event.clone()).await.unwrap_err().summary;
    assert_eq!(failed.topics, Some(vec!["gucci".to_owned(), "dior".to_owned()]));
    assert_eq!(harness.invoke(event).await.unwrap().summary.topics, None);
}
