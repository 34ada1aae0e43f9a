use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::graph::Kind;
use crate::telemetry::{self, Format};

const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// The documents and the log's lines of `run`.
fn traced(header: Option<&str>, level: LevelFilter, run: impl FnOnce()) -> (Vec<Value>, Vec<String>) {
    let (documents, lines) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (sent, logged) = (Arc::clone(&documents), Arc::clone(&lines));
    let subscriber =
        telemetry::subscriber(Format::Json, level, move |line| logged.lock().unwrap().push(line.to_owned()));
    let subscriber = subscriber
        .with(Some(layer(move |document| sent.lock().unwrap().push(serde_json::from_str(document).unwrap()))));
    tracing::subscriber::with_default(subscriber, || invocation(header).in_scope(run));
    let lines = lines.lock().unwrap().clone();
    (Arc::into_inner(documents).unwrap().into_inner().unwrap(), lines)
}

/// A run of one topic, with two calls and an object.
fn run() {
    let run = info_span!("run", requestId = "r-1", job = "hashtag").entered();
    let topic = info_span!("topic", topic = "dior", kind = Empty, code = Empty).entered();
    for (status, failure) in [(429_u64, Some(("throttled", Some(4)))), (200, None)] {
        let host = "graph.facebook.com";
        let call =
            info_span!(target: TARGET, "call", host, call = "recent_media", status = Empty, kind = Empty, code = Empty);
        call.record("status", status);
        note_end(&call, failure);
    }
    tracing::info!("a line within the topic");
    note_end(&topic, None);
    drop(topic);
    let store = info_span!(target: TARGET, "store", service = "S3", operation = "PutObject", key = "raw/x.json", kind = Empty, code = Empty);
    note_end(&store, Some(("store", None)));
    drop(store);
    let _given_up = info_span!("topic", topic = "gucci", kind = Empty, code = Empty);
    drop(run);
}

/// A document in one line, with what each run makes anew replaced.
fn shown(documents: &[Value]) -> String {
    let ids: Vec<&Value> = documents.iter().map(|document| &document["id"]).collect();
    let number = |id: &Value| ids.iter().position(|known| *known == id).map_or(id.clone(), |n| n.into());
    let line = |document: &Value| {
        let mut document = document.clone();
        let times = ["start_time", "end_time"].map(|key| document.as_object_mut().unwrap().remove(key).unwrap());
        assert!(times[0].as_f64().unwrap() > 1.6e9 && times[1].as_f64() >= times[0].as_f64());
        (document["id"], document["parent_id"]) = (number(&document["id"]), number(&document["parent_id"]));
        document.to_string()
    };
    documents.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_is_a_subsegment_with_those_of_its_topics_calls_and_objects() {
    let (documents, _) = traced(Some(HEADER), LevelFilter::INFO, run);
    insta::assert_snapshot!(shown(&documents), @r#"
    {"annotations":{"call":"recent_media","code":4,"kind":"throttled"},"error":true,"http":{"response":{"status":429}},"id":0,"name":"graph.facebook.com","namespace":"remote","parent_id":2,"throttle":true,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","type":"subsegment"}
    {"annotations":{"call":"recent_media","kind":"ok"},"http":{"response":{"status":200}},"id":1,"name":"graph.facebook.com","namespace":"remote","parent_id":2,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","type":"subsegment"}
    {"annotations":{"kind":"ok","topic":"dior"},"id":2,"name":"dior","parent_id":5,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","type":"subsegment"}
    {"annotations":{"key":"raw/x.json","kind":"store"},"aws":{"operation":"PutObject"},"error":true,"id":3,"name":"S3","namespace":"aws","parent_id":5,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","type":"subsegment"}
    {"annotations":{"kind":"given_up","topic":"gucci"},"error":true,"id":4,"name":"gucci","parent_id":5,"trace_id":"1-5759e988-bd862e3fe1be46a994272793","type":"subsegment"}
    {"annotations":{"job":"hashtag","requestId":"r-1"},"id":5,"name":"run","parent_id":"53995c3f42cd8ad8","trace_id":"1-5759e988-bd862e3fe1be46a994272793","type":"subsegment"}
    "#);
}

#[test]
fn a_request_that_is_not_sampled_is_not_traced() {
    let header = HEADER.replace("Sampled=1", "Sampled=0");
    for header in [None, Some(""), Some(header.as_str())] {
        assert_eq!(traced(header, LevelFilter::INFO, run).0, [Value::Null; 0]);
    }
}

#[test]
fn a_trace_is_whole_at_any_level_of_the_log_and_adds_nothing_to_its_lines() {
    let (documents, lines) = traced(Some(HEADER), LevelFilter::ERROR, run);
    assert_eq!((documents.len(), lines.len()), (6, 0));
    let (_, lines) = traced(Some(HEADER), LevelFilter::DEBUG, run);
    assert_eq!(lines.len(), 1);
    let mut line: serde_json::Map<String, Value> = serde_json::from_str(&lines[0]).unwrap();
    line.remove("timestamp");
    insta::assert_snapshot!(Value::Object(line), @r#"{"job":"hashtag","level":"INFO","message":"a line within the topic","requestId":"r-1","topic":"dior"}"#);
}

#[test]
fn nothing_is_made_for_traces_where_there_are_none() {
    let subscriber = telemetry::subscriber(Format::Json, LevelFilter::DEBUG, |_| {});
    let made = tracing::subscriber::with_default(subscriber, || !invocation(Some(HEADER)).is_disabled());
    assert!(!made);
}

#[test]
fn the_flags_of_a_failure_are_those_of_the_kinds_there_are() {
    for kind in Kind::ALL {
        let (documents, _) = traced(Some(HEADER), LevelFilter::INFO, || {
            let topic = info_span!("topic", kind = Empty, code = Empty);
            note_end(&topic, Some((kind.name(), None)));
        });
        let flags = ["error", "fault", "throttle"].map(|flag| documents[0].get(flag).is_some());
        let expected = match kind {
            Kind::Throttled => [true, false, true],
            Kind::Transient => [false, true, false],
            _ => [true, false, false],
        };
        assert_eq!(flags, expected, "{kind}");
    }
}
