//! Storing: tries, losses and what is told of them.

use crate::aws::S3Fault;
use crate::stage::Stage;

#[tokio::test]
async fn s3_that_answers_503_twice_and_then_well_has_the_objects() {
    let stage = Stage::with_faults(&[]).await;
    stage.aws.fail_s3(S3Fault { part: "raw/media_", status: 503, code: "SlowDown", times: 2 });
    let response = stage.run("brand_media").await.unwrap();
    assert_eq!(
        (stage.records("brand").len(), stage.records("media").len(), response.summary.files.len()),
        (11, 275, 2)
    );
}

#[tokio::test]
async fn s3_that_denies_an_object_is_an_error_with_its_place_and_loss_and_the_other_one_is_stored() {
    let stage = Stage::with_faults(&[]).await;
    stage.aws.fail_s3(S3Fault { part: "raw/media_", status: 403, code: "AccessDenied", times: 99 });
    let error = stage.run("brand_media").await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.cause.kind(), "store");
    assert!(
        text.contains("lux-raw/raw/media_2026-01-31/media_2026-01-31_235907.json")
            && text.contains("AccessDenied")
            && text.contains("275 records are lost"),
        "{text}"
    );
    assert!(!text.contains("SdkBody"), "words for a person, not the SDK's inside: {text}");
    assert_eq!((stage.records("brand").len(), stage.records("media").len()), (11, 0));
    assert!(text.contains(r#""files":[{"key":"raw/brand_2026-01-31"#), "the summary tells what was stored: {text}");
    assert!(!stage.leaks());
}

#[tokio::test]
async fn a_quality_object_that_cannot_be_stored_is_an_error_too() {
    let stage = Stage::with_faults(&[]).await;
    stage.aws.fail_s3(S3Fault { part: "quality/", status: 403, code: "AccessDenied", times: 99 });
    let text = stage.run("brand_media").await.unwrap_err().to_string();
    assert!(text.contains("lux-raw/quality/media_2026-01-31"), "{text}");
    assert_eq!(stage.records("media").len(), 275);
}

#[tokio::test]
async fn what_s3_repeats_of_the_credentials_goes_nowhere() {
    let stage = Stage::with_faults(&[]).await;
    stage.aws.fail_s3(S3Fault { part: "raw/", status: 400, code: "ExpiredToken", times: 99 });
    let error = stage.run("brand_media").await.unwrap_err();
    assert!(error.to_string().contains("told to fail: REDACTED REDACTED"), "{error}");
    assert!(format!("{error:?}").contains("told to fail: REDACTED REDACTED"), "{error:?}");
    assert!(!stage.leaks());
}

#[tokio::test]
async fn an_object_has_its_content_type() {
    let stage = Stage::with_faults(&[]).await;
    stage.run("hashtag").await.unwrap();
    let client = collector::aws::s3(&stage.aws.config().await);
    let key = "raw/media_hashtag_2026-01-31/media_hashtag_2026-01-31_235907.json";
    let head = client.head_object().bucket(crate::aws::BUCKET).key(key).send().await.unwrap();
    assert_eq!(head.content_type(), Some("application/json"));
}
