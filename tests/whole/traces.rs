//! The traces of the real binary, as X-Ray's daemon gets them.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::process::Stdio;
use std::time::Duration;

use collector::sandbox::RuntimeApi;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::aws::{KEY, S3Fault, SESSION_TOKEN};
use crate::harness::{APP_SECRET, Harness, Setting, TIME, TOKEN};
use crate::lambda::{BINARY, variables};

const PARENT: &str = "53995c3f42cd8ad8";
const SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const NOT_SAMPLED: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";

/// What came of some runs.
struct Traced {
    /// The datagrams that the daemon got.
    datagrams: Vec<String>,
    log: String,
}

/// Runs the binary on one event for each trace header, beside a daemon.
async fn trace(harness: &Harness, tracing: Option<&str>, job: &str, headers: &[&str]) -> Traced {
    trace_event(harness, tracing, &json!({"job": job, "time": TIME}), headers).await
}

async fn trace_event(harness: &Harness, tracing: Option<&str>, event: &Value, headers: &[&str]) -> Traced {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let mut api = RuntimeApi::start().await.unwrap();
    for header in headers {
        api.hand_out_traced(event.clone(), Duration::from_secs(30), header);
    }
    let mut command = Command::new(BINARY);
    command.env_clear().envs(variables(harness)).envs(tracing.map(|value| ("TRACING", value))).envs([
        ("AWS_LAMBDA_RUNTIME_API", api.address().to_string().as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "collector"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
        ("AWS_XRAY_DAEMON_ADDRESS", &address),
    ]);
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    for _ in headers {
        api.answered().await.unwrap();
    }
    child.start_kill().unwrap();
    let log = String::from_utf8(child.wait_with_output().await.unwrap().stdout).unwrap();
    // What was sent before an answer is there: on loopback a datagram is with its receiver at once.
    daemon.set_nonblocking(true).unwrap();
    let mut bytes = vec![0; 65_536];
    let mut datagrams = Vec::new();
    while let Ok(length) = daemon.recv(&mut bytes) {
        datagrams.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
    }
    Traced { datagrams, log }
}

impl Traced {
    fn documents(&self) -> Vec<Value> {
        let document = |datagram: &String| {
            let (header, document) = datagram.split_once('\n').unwrap();
            assert_eq!(serde_json::from_str::<Value>(header).unwrap(), json!({"format": "json", "version": 1}));
            serde_json::from_str(document).unwrap()
        };
        self.datagrams.iter().map(document).collect()
    }
}

/// The numbers of the documents by name and kind.
fn counted(documents: &[Value]) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for document in documents {
        *counts.entry((text(&document["name"]), text(&document["annotations"]["kind"]))).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_traced_run_shows_its_topics_calls_and_objects_under_lambdas_own_segment() {
    let harness = Harness::with_faults(&["gucci=permission", "dior=transientx1"]).await;
    let documents = trace(&harness, Some("xray"), "brand_media", &[SAMPLED]).await.documents();
    let counts = counted(&documents);
    let of = |name: &str, kind: &str| counts.get(&(name.to_owned(), kind.to_owned())).copied().unwrap_or_default();
    assert_eq!((of("run", ""), of("gucci", "permission"), of("dior", "ok"), of("hermes", "ok")), (1, 1, 1, 1));
    let calls = ["ok", "permission", "transient"].map(|kind| of("127.0.0.1", kind));
    assert_eq!((calls, of("S3", "ok")), ([10, 1, 1], 4), "each try is a call of its own: {counts:?}");
    assert_eq!(documents.len(), 1 + 11 + 12 + 4);

    let by_id: BTreeMap<&str, &Value> = documents.iter().map(|d| (d["id"].as_str().unwrap(), d)).collect();
    assert_eq!(by_id.len(), documents.len(), "an id is unique");
    for document in &documents {
        assert_eq!(
            (&document["trace_id"], &document["type"]),
            (&json!("1-5759e988-bd862e3fe1be46a994272793"), &json!("subsegment"))
        );
        let parent = document["parent_id"].as_str().unwrap();
        let above = by_id.get(parent).map(|parent| parent["name"].as_str().unwrap());
        let topic = above.is_some_and(|name| !["run", "S3", "127.0.0.1"].contains(&name));
        match document["name"].as_str().unwrap() {
            "run" => assert_eq!(parent, PARENT),
            "127.0.0.1" => assert!(topic, "{document} is of a topic"),
            _ => assert_eq!(above, Some("run"), "{document}"),
        }
        assert!(document["end_time"].as_f64() >= document["start_time"].as_f64());
    }
    let refused = documents.iter().find(|d| d["name"] == "127.0.0.1" && d["annotations"]["kind"] == "permission");
    let refused = refused.unwrap();
    assert!(refused["annotations"]["code"].is_i64() && refused["http"]["response"]["status"].is_i64(), "{refused}");
    assert_eq!(
        (&refused["error"], &refused["throttle"], &refused["fault"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn no_datagram_holds_a_secret_or_an_address_with_a_query() {
    let secret = json!({"app_id": "77", "app_secret": APP_SECRET});
    let harness =
        Harness::new(Setting { faults: vec!["*=quotes_token"], secret: Some(secret), ..Setting::default() }).await;
    harness.aws.fail_s3(S3Fault { part: "/raw/", status: 403, code: "ExpiredToken", times: 9 });
    for job in ["brand_media", "hashtag", "token"] {
        let traced = trace(&harness, Some("xray"), job, &[SAMPLED]).await;
        assert!(traced.datagrams.iter().any(|datagram| datagram.contains("127.0.0.1")), "{job}: {}", traced.log);
        for datagram in &traced.datagrams {
            let secrets = [TOKEN, APP_SECRET, KEY.1, SESSION_TOKEN, "access_token", "appsecret", "?", "REDACTED"];
            assert!(secrets.iter().all(|secret| !datagram.contains(secret)), "{datagram}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_a_secret_is_taken_out_of_a_datagram() {
    let harness = Harness::with_faults(&[]).await;
    // A shard ends the keys of its objects.
    let event = json!({"job": "hashtag", "time": TIME, "hashtags": ["dior"], "shard": TOKEN});
    let traced = trace_event(&harness, Some("xray"), &event, &[SAMPLED]).await;
    let keys: Vec<Value> = traced.documents().iter().map(|document| document["annotations"]["key"].clone()).collect();
    assert!(keys.iter().any(|key| key.as_str().is_some_and(|key| key.ends_with("_REDACTED.json"))), "{keys:?}");
    assert!(!traced.datagrams.concat().contains(TOKEN));
}

#[tokio::test]
async fn nothing_is_sent_where_tracing_is_off_or_the_request_is_not_sampled() {
    let harness = Harness::with_faults(&[]).await;
    assert_eq!(trace(&harness, None, "hashtag", &[SAMPLED]).await.datagrams, [""; 0]);
    assert_eq!(trace(&harness, Some("xray"), "hashtag", &[NOT_SAMPLED]).await.datagrams, [""; 0]);
    let both = trace(&harness, Some("xray"), "hashtag", &[NOT_SAMPLED, SAMPLED]).await;
    let runs = counted(&both.documents())[&("run".to_owned(), String::new())];
    assert_eq!(runs, 1, "each invocation has a header of its own");
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_told_and_costs_no_run() {
    let harness = Harness::with_faults(&[]).await;
    let traced = trace(&harness, Some("otlp"), "hashtag", &[SAMPLED]).await;
    assert!(traced.log.contains("TRACING=otlp: expected is xray") && traced.log.contains(r#""level":"WARNING""#));
    assert_eq!((traced.datagrams.len(), harness.records("media_hashtag").len()), (0, 275));
}

#[tokio::test]
async fn a_daemon_that_is_not_there_costs_no_run() {
    let harness = Harness::with_faults(&[]).await;
    // The stand-in of the daemon is closed once its process has ended, so this one never had any.
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut variables = variables(&harness).to_vec();
    variables.extend([("TRACING", "xray".to_owned()), ("AWS_XRAY_DAEMON_ADDRESS", gone)]);
    let folder = tempfile::tempdir().unwrap();
    let events = [json!({"job": "hashtag", "time": TIME})];
    crate::runtime_api::run(BINARY.as_ref(), folder.path(), &variables, &events).await;
    assert_eq!(harness.records("media_hashtag").len(), 275);
}
