//! Tokens: refused, rotated, with a proof, and checked.

use std::time::Duration;

use chrono::Utc;
use collector::graph::{Client, Kind, Session};
use collector::memory::Budget;
use collector::secret::Credentials;
use collector::stop::Stop;
use collector::topic::HashtagName;
use collector::version::State;
use futures_util::FutureExt;
use sandbox::{Options, Sandbox};
use serde_json::json;
use tokio::time::{Instant, sleep};

use support::harness::{APP_SECRET, Harness, NEW_TOKEN, Setting, TOKEN, secret};

/// A sandbox that accepts only [`NEW_TOKEN`], and a client that knows the old one.
async fn rotated() -> (Sandbox, Client) {
    let hashtags = ["dior", "gucci"].map(str::to_owned).to_vec();
    let sandbox = Sandbox::start(Options { hashtags, token: Some(NEW_TOKEN.to_owned()), ..Options::default() }).await;
    let sandbox = sandbox.unwrap();
    let (http, end_point) = (collector::http::client().unwrap(), format!("{}/v26.0", sandbox.end_point()));
    let client =
        Client::new(http, end_point, "v26.0".to_owned(), credentials(TOKEN), Default::default(), Budget::of(0));
    (sandbox, client)
}

fn credentials(token: &str) -> Credentials {
    Credentials { ig_user_id: "17841400000000001".to_owned(), access_token: token.into(), app: None }
}

#[tokio::test]
async fn a_call_that_starts_while_the_secret_is_read_again_gets_the_new_token_too() {
    let (_sandbox, client) = rotated().await;
    let renew = || {
        async {
            sleep(Duration::from_millis(300)).await;
            Some(credentials(NEW_TOKEN))
        }
        .boxed()
    };
    let session = Session::new(&client, Stop::at(Instant::now() + Duration::from_secs(10)), &renew);
    let [dior, gucci] = ["dior", "gucci"].map(|name| HashtagName::new(name).unwrap());
    let later = async {
        sleep(Duration::from_millis(100)).await;
        session.hashtag_id(&gucci).await
    };
    let (first, later) = tokio::join!(session.hashtag_id(&dior), later);
    assert!(first.is_ok() && later.is_ok(), "{first:?} {later:?}");
    assert!(session.halted().is_none());
}

#[tokio::test]
async fn reading_the_secret_again_ends_at_the_deadline() {
    let (_sandbox, client) = rotated().await;
    let renew = || std::future::pending().boxed();
    let started = Instant::now();
    let session = Session::new(&client, Stop::at(started + Duration::from_millis(500)), &renew);
    let failure = session.hashtag_id(&HashtagName::new("dior").unwrap()).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Deadline);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_rotated_token_is_read_again_and_no_topic_is_lost() {
    let options = |o: &mut sandbox::Options| o.token = Some(NEW_TOKEN.to_owned());
    let harness = Harness::new(Setting { options: Some(options), ..Setting::default() }).await;
    let file = harness.config_file();
    harness.aws.set_secrets([
        secret(&file, &json!({})).to_string(),
        secret(&file, &json!({"access_token": NEW_TOKEN})).to_string(),
    ]);
    let response = harness.run("brand_media").await.unwrap();
    assert_eq!((response.summary.records(), response.summary.failures.len(), harness.aws.secret_reads()), (286, 0, 2));
    assert_eq!(harness.run("hashtag").await.unwrap().summary.failures.len(), 0);
    assert_eq!(harness.aws.secret_reads(), 2, "the new token is kept");
    assert!(harness.logged("CRITICAL").is_empty() && !harness.leaks());
}

#[tokio::test]
async fn a_dead_token_stops_the_run_after_one_more_reading_and_is_critical_once() {
    let config = |ini: String| ini + "\n[limits]\nconcurrency = 3\n";
    let harness = Harness::new(Setting { faults: vec!["*=token"], config: Some(config), ..Setting::default() }).await;
    let error = harness.run("brand_media").await.unwrap_err();
    assert_eq!((error.cause.kind(), error.summary.failures.len()), ("nothing_collected", 11));
    assert!(error.summary.failures.iter().all(|f| f.kind.name() == "token"), "{:?}", error.summary.failures);
    // The three calls in flight are refused. One is repeated with the reloaded secret and refused again, and the others
    // wait in vain.
    assert_eq!((harness.sandbox.calls().len(), harness.aws.secret_reads()), (4, 2));
    assert_eq!(harness.logged("CRITICAL").len(), 1);
    assert!(harness.has_no_records() && !harness.leaks());
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_leaves_the_token_refused() {
    let harness = Harness::with_faults(&["*=token"]).await;
    let file = harness.config_file();
    harness.aws.set_secrets([secret(&file, &json!({})).to_string(), "no JSON".to_owned()]);
    let error = harness.run("brand_media").await.unwrap_err();
    assert_eq!(error.cause.kind(), "nothing_collected");
    assert!(
        harness.logged("WARNING").iter().any(|l| l["message"].as_str().unwrap().contains("could not be read again"))
    );
}

#[tokio::test]
async fn every_call_proves_the_app_if_the_secret_names_it_and_debug_token_is_requested_as_the_app() {
    let options = |o: &mut sandbox::Options| {
        o.app_secret = Some(APP_SECRET.to_owned());
    };
    let app = json!({"app_id": "4711", "app_secret": APP_SECRET});
    let harness = Harness::new(Setting { options: Some(options), secret: Some(app), ..Setting::default() }).await;
    for job in ["brand_media", "hashtag", "token"] {
        assert!(harness.run(job).await.unwrap().summary.failures.is_empty(), "{job}");
    }
    let calls = harness.sandbox.calls();
    let debug = calls.iter().find(|c| c.topic == "token").unwrap();
    assert_eq!(
        (&debug.query["input_token"], &debug.query["access_token"]),
        (&TOKEN.to_owned(), &format!("4711|{APP_SECRET}"))
    );
    assert!(!harness.leaks());
}

#[tokio::test]
async fn the_token_job_logs_the_days_left_at_their_level() {
    for (faults, days, level, valid) in [
        (&[][..], Some(39), None, true),
        (&["token=never"][..], None, None, true),
        (&["token=expiring"][..], Some(3), Some("WARNING"), true),
        (&["token=invalid"][..], Some(0), Some("CRITICAL"), false),
        (&["token=undecodable"][..], Some(0), Some("CRITICAL"), false),
    ] {
        let harness = Harness::with_faults(faults).await;
        let response = harness.run("token").await.unwrap();
        let token = response.summary.token.as_ref().unwrap();
        assert_eq!((token.days_left, token.is_valid), (days, valid), "{faults:?}");
        // After an invalid token, the secret is read again, which is a separate WARNING.
        let about_the_token = |l: &serde_json::Value| !l["message"].as_str().unwrap().contains("read again");
        for checked in ["WARNING", "CRITICAL"] {
            let reported = harness.logged(checked).into_iter().filter(about_the_token).count();
            assert_eq!(reported, usize::from(level == Some(checked)), "{faults:?} {checked}");
        }
        assert!(harness.aws.objects().is_empty() && !harness.leaks());
    }
}

#[tokio::test]
async fn the_token_job_reports_when_the_responding_version_ends() {
    let config = |ini: String| ini.replace("v26.0", "v17.0");
    let days = || State::of("v21.0", Utc::now().date_naive()).days_left();
    let before = days();
    for (config, ended) in [(Some(config as fn(String) -> String), true), (None, false)] {
        let faults = if ended { vec!["*=version:v21.0"] } else { Vec::new() };
        let harness = Harness::new(Setting { config, faults, ..Setting::default() }).await;
        let reported = harness.run("token").await.unwrap().summary.version_days_left;
        let sent = harness.log().into_iter().find_map(|line| line.get("version_days_left")?.as_i64());
        assert_eq!(sent, reported, "a metric");
        let warned = harness.logged("WARNING").into_iter().filter(|l| l["kind"] == "version").collect::<Vec<_>>();
        if ended {
            assert!(reported == before || reported == days(), "{reported:?}");
            let message = warned[0]["message"].as_str().unwrap();
            assert!(message.starts_with("version v17.0 was requested and v21.0 responds"), "{message}");
            assert!(message.contains("set [API] version = v26.0"), "the newest version tested: {message}");
            let end = warned[1]["message"].as_str().unwrap();
            assert!(end.starts_with("version v21.0 ends in "), "{end}");
        } else {
            assert_eq!((reported, warned.len()), (None, 0), "its end is not announced");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_rotated_is_asked_about_again_before_it_is_critical() {
    let harness =
        Harness::new(Setting { options: Some(|o| o.token = Some(NEW_TOKEN.to_owned())), ..Setting::default() }).await;
    let secrets = [TOKEN, NEW_TOKEN].map(|token| json!({"access_token": token}));
    harness.aws.set_secrets(secrets.map(|other| secret(&harness.config_file(), &other).to_string()));
    let response = harness.run("token").await.unwrap();
    assert_eq!((response.summary.api_calls, response.summary.token.as_ref().unwrap().is_valid), (2, true));
    assert!(response.summary.failures.is_empty() && harness.logged("CRITICAL").is_empty());
    assert!(!harness.leaks());
}

#[tokio::test]
async fn a_token_job_without_a_response_is_an_error() {
    let harness = Harness::with_faults(&["token=permission"]).await;
    let error = harness.run("token").await.unwrap_err();
    assert_eq!((error.cause.kind(), error.summary.failures[0].code), ("nothing_collected", Some(10)));
}
