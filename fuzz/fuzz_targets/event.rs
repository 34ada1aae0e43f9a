//! From a payload to an event and the keys of its objects.
#![no_main]

use std::sync::LazyLock;

use chrono::DateTime;
use collector::config::{Config, RunName};
use collector::event::Event;
use collector::record::Model;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static CONFIG: LazyLock<Config> =
    LazyLock::new(|| Config::parse(include_bytes!("../../configure.ini"), "configure.ini").expect("it can work"));

/// An invocation error becomes a log line and a queue's message, so it must not grow with the payload.
const MAX_ERROR: usize = 2_000;

fuzz_target!(|payload: &[u8]| {
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else { return };
    let event = match Event::parse(&payload) {
        Ok(event) => event,
        Err(error) => {
            let error = error.to_string();
            assert!(error.ends_with(" has the grammar") && error.len() < MAX_ERROR, "{error}");
            return;
        }
    };
    assert!(event.time.is_none() || event.invalid_time.is_none());
    assert!(event.invalid_time.as_ref().is_none_or(|t| t.chars().count() <= 121));
    assert_eq!(event.subset.is_some(), event.subset.as_ref().is_some_and(|s| !s.is_empty()));
    if let Err(error) = event.check_subset(&CONFIG.topics(event.job)) {
        assert!(error.to_string().len() < MAX_ERROR, "{error}");
    }
    let part = event.part();
    assert_eq!(part.is_some(), event.shard.is_some() || event.subset.is_some(), "never under the whole run's name");
    let run = RunName { time: event.time.unwrap_or(DateTime::UNIX_EPOCH), part: part.as_deref() };
    for model in Model::ALL {
        let key = CONFIG.locations.raw(model, run).to_string();
        assert!(key.starts_with("raw/") && key.ends_with(".json") && key.split('/').count() == 3, "{key}");
        assert!(key.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-.".contains(&b)), "{key}");
        assert!(part.as_ref().is_none_or(|part| key.ends_with(&format!("_{part}.json"))), "{key}");
    }
});
