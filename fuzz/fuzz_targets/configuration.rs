//! From `configure.ini` to a checked configuration: whatever the text, an accepted configuration is usable.
#![no_main]

use chrono::DateTime;
use collector::config::{Config, RunName};
use collector::topic::Job;
use collector::record::Model;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let config = match Config::parse(text, "configure.ini") {
        Ok(config) => config,
        Err(error) => return assert!(error.to_string().starts_with("configuration configure.ini")),
    };
    let end_point = url::Url::parse(&config.end_point).expect("a URL");
    assert!(end_point.has_host() && matches!(end_point.scheme(), "http" | "https"));
    assert!(end_point.query().is_none() && end_point.fragment().is_none(), "a path can be added");

    let run = RunName { time: DateTime::UNIX_EPOCH, part: None };
    let mut keys: Vec<String> = Vec::new();
    for model in Model::ALL {
        keys.extend([config.locations.raw(model, run).to_string(), config.locations.quality(model, run).to_string()]);
        let mapping = config.mapping(model);
        assert!(mapping.fields().iter().any(|f| f.response == "id"), "a record is known by its id");
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        for request in mapping.requested() {
            let (name, within) = request.split_once('{').unwrap_or((request, "id}"));
            assert!(is_name(name) && within.strip_suffix('}').is_some_and(|fields| fields.split(',').all(is_name)));
        }
        let mut outputs: Vec<&str> = mapping.fields().iter().map(|f| f.output.as_str()).collect();
        outputs.sort_unstable();
        outputs.dedup();
        assert_eq!(outputs.len(), mapping.fields().len(), "no field overwrites another");
    }
    for key in &keys {
        assert!(!key.is_empty() && key.split('/').all(|part| !matches!(part, "" | "." | "..")), "{key:?}");
        assert_eq!(keys.iter().filter(|k| *k == key).count(), 1, "no object overwrites another: {key:?}");
    }

    for account in &config.accounts {
        let name = account.username.as_str();
        assert!((1..=30).contains(&name.len()));
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_')));
        assert!(account.user_id.as_str().bytes().all(|b| b.is_ascii_digit()));
    }
    assert!(!config.topics(Job::BrandMedia).is_empty() || !config.topics(Job::Hashtag).is_empty());
    let limits = &config.limits;
    assert!((1..=256).contains(&limits.concurrency) && (1..=50).contains(&limits.media_per_hashtag));
    let plan = config.plan();
    assert!(plan.calls_per_hour() <= limits.calls_per_hour.into());
    let _ = (plan.calls_per_hashtag_run(), plan.cold_calls_per_hour());
});
