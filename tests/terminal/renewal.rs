//! The renewal of a token near its end: whatever fails, the secret still works, and no token is printed or stored
//! elsewhere.

use std::time::Duration;

use collector::config::Config;
use collector::function::{Function, Invocation, Settings};
use collector::report::{Renewal, RenewalEnd};
use collector::secret::Source;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::commands::{folder, local};
use support::aws::{DENIED, HANGS};
use support::harness::{APP_SECRET, CONFIGURE_INI, Harness, NEW_TOKEN, Setting, TOKEN, secret, settings};

fn exchanging(options: &mut Options) {
    options.new_token = Some(NEW_TOKEN.to_owned());
    options.app_secret = Some(APP_SECRET.to_owned());
}

/// A token with 5 days left, its app, and a key that the collector does not know.
async fn harness(faults: &[&'static str], options: fn(&mut Options)) -> Harness {
    let secret = Some(json!({"app_id": "4711", "app_secret": APP_SECRET, "of_somebody_else": {"kept": [1.5, null]}}));
    let faults = [&["token=ending"], faults].concat();
    Harness::new(Setting { faults, options: Some(options), secret, renews_token: true, ..Setting::default() }).await
}

/// Runs the job `token`, and returns the result of the renewal.
async fn renewal(harness: &Harness) -> Option<Renewal> {
    let event = json!({"job": "token"});
    let response = harness.invoke_within(event, Duration::from_secs(10)).await.unwrap();
    response.summary.token.clone().unwrap().renewal
}

/// Whether a process that starts now can collect with the current secret.
async fn works(harness: &Harness) -> bool {
    let function = Function::new(settings(&harness.aws).await);
    let invocation = Invocation::new("later".to_owned(), std::time::SystemTime::now() + Duration::from_secs(30));
    function.invoke(&json!("hashtag"), &invocation, &()).await.is_ok_and(|r| r.summary.failures.is_empty())
}

fn exchanges(harness: &Harness) -> usize {
    harness.calls_of("exchange")
}

#[tokio::test]
async fn a_token_near_its_end_is_exchanged_proved_and_put_into_the_secret_with_all_else_unchanged() {
    let harness = harness(&[], exchanging).await;
    let before = secret(
        &harness.config_file(),
        &json!({"app_id": "4711", "app_secret": APP_SECRET, "of_somebody_else": {"kept": [1.5, null]}}),
    );
    let response = harness.run("token").await.unwrap();
    let token = response.summary.token.clone().unwrap();
    assert_eq!((token.days_left, token.renewal.as_ref().unwrap().end), (Some(60), RenewalEnd::Renewed));
    assert_eq!(response.body, "token: the access token is valid, 60 days left; renewal: renewed for 60 days");
    let puts = harness.aws.puts();
    assert_eq!(puts, [before.to_string().replace(TOKEN, NEW_TOKEN)], "to the byte");
    let topics: Vec<String> = harness.sandbox.calls().into_iter().map(|call| call.topic).collect();
    assert_eq!(topics, ["token", "exchange", "new_token", "self"]);
    let exchange = &harness.sandbox.calls()[1].query;
    let expected = [
        ("client_id", "4711"),
        ("client_secret", APP_SECRET),
        ("fb_exchange_token", TOKEN),
        ("grant_type", "fb_exchange_token"),
    ];
    assert!(exchange.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected), "{exchange:?}");
    let metric = harness.log().into_iter().find(|line| line.get("_aws").is_some()).unwrap();
    assert_eq!(metric["token_days_left"], 60);

    // The process continues with it, and a new process starts with it.
    assert!(harness.run("hashtag").await.unwrap().summary.failures.is_empty() && works(&harness).await);
    assert!(harness.sandbox.calls().iter().skip(4).all(|call| call.query["access_token"] == NEW_TOKEN));
    assert_eq!(renewal(&harness).await.unwrap().end, RenewalEnd::NotDue);
    assert!(harness.logged("ERROR").is_empty() && harness.logged("CRITICAL").is_empty() && !harness.leaks());
}

#[tokio::test]
async fn a_token_is_exchanged_only_below_ten_days_and_only_on_request() {
    for fault in ["token=never", "token=expiring"] {
        let secret = Some(json!({"app_id": "4711", "app_secret": APP_SECRET}));
        let faults = vec![fault];
        let setting = Setting { faults, options: Some(exchanging), secret, renews_token: true, ..Setting::default() };
        let harness = Harness::new(setting).await;
        assert_eq!(renewal(&harness).await.unwrap().end, RenewalEnd::NotDue, "{fault}");
        assert_eq!(
            (exchanges(&harness), harness.aws.puts().len(), harness.logged("ERROR").len()),
            (0, 0, 0),
            "{fault}"
        );
    }
    let secret = Some(json!({"app_id": "4711", "app_secret": APP_SECRET}));
    let setting = Setting { faults: vec!["token=ending"], options: Some(exchanging), secret, ..Setting::default() };
    let harness = Harness::new(setting).await;
    assert!(renewal(&harness).await.is_none() && exchanges(&harness) == 0 && harness.aws.puts().is_empty());
}

/// Checks that a renewal failed, named the reason, and did not change the secret.
async fn assert_failed(harness: &Harness, before: &str, reason: &str, what: &str) {
    let Renewal { end, message } = renewal(harness).await.unwrap();
    assert!(end == RenewalEnd::Failed && message.contains(reason), "{what}: {message}");
    assert!(message.ends_with("; the old token is valid for 5 more days"), "{what}: {message}");
    let errors = harness.logged("ERROR");
    assert!(errors.len() == 1 && errors[0]["kind"] == "renewal", "{what}: {errors:?}");
    assert!(harness.aws.puts().is_empty(), "{what}");
    harness.aws.set_secrets([before.to_owned()]);
    assert!(works(harness).await && !harness.leaks(), "{what}");
}

#[tokio::test]
async fn whatever_step_fails_the_secret_keeps_the_old_token_which_works() {
    for (fault, reason) in [
        ("exchange=permission", "the exchange failed: (10) no new token in the response"),
        ("exchange=token", "the exchange failed: (190/463)"),
        ("exchange=throttled", "the exchange failed: (4)"),
        ("exchange=transient", "the exchange failed: (2)"),
        (
            "exchange=quotes_token",
            "the exchange failed: (10) no new token in the response; its text is left out, since it may quote a token",
        ),
        ("exchange=html", "the exchange failed: "),
        ("exchange=null", "the exchange failed: "),
        ("exchange=truncated", "the exchange failed: "),
        ("exchange=redirect", "the exchange failed: "),
        ("exchange=hang_up", "the exchange failed: "),
        ("exchange=stall", "the exchange failed: "),
        ("new_token=permission", "the new token's state is unknown: (10)"),
        ("new_token=quotes_token", "the new token's state is unknown: (10)"),
        ("new_token=html", "the new token's state is unknown: "),
        ("new_token=invalid", "the new token is not valid: (190/463)"),
        ("new_token=undecodable", "the new token is not valid"),
        ("new_token=ending", "lasts no longer than the old one"),
        ("new_token=expiring", "access to data would end earlier"),
        ("self=permission", "a call with the new token failed: (10)"),
        ("self=token", "a call with the new token failed: (190/463)"),
        ("self=quotes_token", "a call with the new token failed: (10)"),
        ("self=hang_up", "a call with the new token failed: "),
        ("self=empty", "a call with the new token failed: "),
    ] {
        let harness = harness(&[fault], exchanging).await;
        let before = before(&harness);
        assert_failed(&harness, &before, reason, fault).await;
    }
}

/// The secret of [`harness`].
fn before(harness: &Harness) -> String {
    secret(&harness.config_file(), &json!({"app_id": "4711", "app_secret": APP_SECRET})).to_string()
}

#[tokio::test]
async fn an_exchange_that_gives_no_new_token_leaves_the_old_one() {
    let same = |o: &mut Options| (o.new_token, o.app_secret) = (Some(TOKEN.to_owned()), Some(APP_SECRET.to_owned()));
    let short = |o: &mut Options| (o.new_token, o.app_secret) = (Some("short".to_owned()), Some(APP_SECRET.to_owned()));
    let spaced = |o: &mut Options| {
        (o.new_token, o.app_secret) = (Some(NEW_TOKEN.replace('-', " ")), Some(APP_SECRET.to_owned()));
    };
    let none = |o: &mut Options| o.app_secret = Some(APP_SECRET.to_owned());
    let case = |options: fn(&mut Options), reason| (options, reason);
    for (options, reason) in [
        case(same, "the exchange gave the same token again"),
        case(short, "the exchange failed: the new token is not a valid token"),
        case(spaced, "the exchange failed: the new token is not a valid token"),
        case(none, "the exchange failed: (100)"),
    ] {
        // The unchanged token is what the sandbox calls the new one.
        let harness = harness(&["new_token=ending"], options).await;
        let before = before(&harness);
        assert_failed(&harness, &before, reason, reason).await;
    }
}

#[tokio::test]
async fn without_its_app_a_token_is_not_exchanged() {
    let options = |o: &mut Options| o.new_token = Some(NEW_TOKEN.to_owned());
    let faults = vec!["token=ending"];
    let setting = Setting { faults, options: Some(options), renews_token: true, ..Setting::default() };
    let harness = Harness::new(setting).await;
    let before = secret(&harness.config_file(), &Value::Null).to_string();
    assert_failed(&harness, &before, "the exchange needs app_id and app_secret", "no app").await;
    assert_eq!(exchanges(&harness), 0);
}

#[tokio::test]
async fn no_token_is_made_for_a_secret_that_cannot_be_put() {
    for (fault, reason) in [(DENIED, "the secret could not be put into AWS Secrets Manager: "), (HANGS, "")] {
        let harness = harness(&[], exchanging).await;
        let before = before(&harness);
        harness.aws.fail_puts(fault);
        assert_failed(&harness, &before, reason, fault).await;
        assert_eq!(exchanges(&harness), 0, "{fault}");
        assert!(harness.run("hashtag").await.unwrap().summary.failures.is_empty(), "the process goes on too");
        assert!(harness.sandbox.calls().iter().rev().take(11).all(|call| call.query["access_token"] == TOKEN));
    }
}

#[tokio::test]
async fn a_secret_that_was_rotated_or_cannot_be_read_meanwhile_is_not_changed() {
    for (second, reason) in [
        (
            json!({"access_token": "placeholder-token-of-somebody"}).to_string(),
            "the secret meanwhile has another token",
        ),
        (DENIED.to_owned(), "could not be read from AWS Secrets Manager"),
        ("no JSON".to_owned(), "is not a JSON object"),
    ] {
        // The secret changes before the exchange, or after it.
        for reads in [1, 2] {
            let harness = harness(&[], exchanging).await;
            let before = before(&harness);
            let second = match serde_json::from_str::<Value>(&second) {
                Ok(other) => secret(&harness.config_file(), &other).to_string(),
                Err(_) => second.clone(),
            };
            harness.aws.set_secrets(std::iter::repeat_n(before.clone(), reads).chain([second]));
            assert_failed(&harness, &before, reason, reason).await;
            assert_eq!(exchanges(&harness), reads - 1, "{reason}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_the_event_names_is_the_one_that_is_renewed() {
    let harness = harness(&[], exchanging).await;
    let named = before(&harness);
    harness.aws.name_secret("collectors/x", named.clone());
    let response = harness.invoke(json!({"job": "token", "secret_id": "collectors/x"})).await.unwrap();
    assert_eq!(response.summary.token.clone().unwrap().renewal.unwrap().end, RenewalEnd::Renewed);
    assert_eq!(harness.aws.puts(), [named.replace(TOKEN, NEW_TOKEN)]);
    harness.invoke(json!({"job": "hashtag", "secret_id": "collectors/x"})).await.unwrap();
    assert!(works(&harness).await && !harness.leaks(), "the function's own secret is unchanged");
}

#[tokio::test]
async fn a_file_that_cannot_be_replaced_keeps_the_old_token() {
    let mut harness = harness(&[], exchanging).await;
    let folder = tempfile::tempdir().unwrap();
    // The temporary name of the new file exceeds the longest possible name.
    let (path, short) = (folder.path().join("x".repeat(250)), folder.path().join("secret.ini"));
    let keys: serde_json::Map<String, Value> = serde_json::from_str(&before(&harness)).unwrap();
    let lines: Vec<String> = keys.iter().map(|(k, v)| format!("{k} = {}", v.as_str().unwrap())).collect();
    let text = format!("[SECRET]\n{}\n", lines.join("\n"));
    std::fs::write(&path, &text).unwrap();
    let aws = harness.aws.config().await;
    let function = |path: &std::path::Path, renews_token| {
        let source = Source::File(path.to_owned());
        Function::new(Settings { source, renews_token, aws: Some(aws.clone()), ..Settings::default() })
    };
    harness.function = function(&path, true);
    let Renewal { end, message } = renewal(&harness).await.unwrap();
    assert!(end == RenewalEnd::Failed && message.starts_with("the secret file could not be replaced: "), "{message}");
    assert_eq!(
        (std::fs::read_to_string(&path).unwrap(), std::fs::read_dir(folder.path()).unwrap().count()),
        (text.clone(), 1)
    );
    harness.function = function(&path, false);
    assert!(harness.run("hashtag").await.unwrap().summary.failures.is_empty() && !harness.leaks());
    std::fs::rename(&path, &short).unwrap();
    harness.function = function(&short, true);
    assert_eq!(renewal(&harness).await.unwrap().end, RenewalEnd::Renewed, "the next day's run does it");
    assert_eq!(std::fs::read_to_string(&short).unwrap(), text.replace(TOKEN, NEW_TOKEN));
}

/// A folder with a configuration and a secret in a file, for the sandbox.
fn terminal(sandbox: &Sandbox) -> (tempfile::TempDir, String) {
    let folder = folder(&CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point()));
    let text = format!(
        "# ours\n[SECRET]\nig_user_id = 17841400000000000\n; renewed by `luxury-brands token --renew`\naccess_token   =  {TOKEN}\nbucket = local_env\napp_id = 4711\napp_secret = {APP_SECRET}\n"
    );
    std::fs::write(folder.path().join("secret.ini"), &text).unwrap();
    (folder, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_renews_the_token_in_the_file_of_the_secret() {
    let mut options = Options::for_config(&Config::parse(CONFIGURE_INI.as_bytes(), "").unwrap());
    options.token = Some(TOKEN.to_owned());
    options.faults = vec!["token=ending".parse().unwrap()];
    exchanging(&mut options);
    let sandbox = Sandbox::start(options).await.unwrap();
    let (folder, text) = terminal(&sandbox);
    let done = tokio::task::spawn_blocking(move || {
        let file = || std::fs::read_to_string(folder.path().join("secret.ini")).unwrap();
        let run = |arguments: &[&str]| {
            let ran = local(folder.path(), arguments, &[("SECRET_FILE", "secret.ini")]);
            let message = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
            assert!(![TOKEN, NEW_TOKEN, APP_SECRET].iter().any(|secret| message.contains(secret)), "{message}");
            message
        };
        let message = run(&["token"]);
        assert!(message.contains("valid, 5 days left (") && file() == text, "{message}");
        let message = run(&["token", "--renew", "-v"]);
        assert!(message.contains("renewal: renewed for 60 days"), "{message}");
        assert_eq!(file(), text.replace(TOKEN, NEW_TOKEN), "comments and spaces stay");
        let message = run(&["token", "--renew"]);
        assert!(message.contains(" days left; renewal: not due before 10 days are left ("), "{message}");
        let ran = local(folder.path(), &["token", "--renew", "--sandbox"], &[]);
        assert_eq!(ran.status.code(), Some(2), "the sandbox's secret is kept nowhere: {ran:?}");
    });
    done.await.unwrap();
}
