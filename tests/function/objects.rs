//! Formats × pages × shards × rejects. Whatever the API returns, the stored objects equal those of a simple model of
//! the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use indexmap::IndexMap;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use self::api::{Api, Call};
use self::given::{Mapping, PAGE, Run};
use self::made::{good_run, runs};
use self::model::{ByFieldAndReason, Defaulted, Expected, Rejected, Stored, WITHIN_THE_RUN, expected, id};
use support::aws::BUCKET;
use support::harness::{Harness, STAMP, Setting, TIME};

mod api;
mod given;
mod made;
mod model;
mod values;

type Checked = Result<(), TestCaseError>;

/// Reads an object of records without the collector's code. Text that is not exactly in the format is an
/// error.
fn read(format: &str, text: &str) -> Result<Vec<IndexMap<String, Value>>, String> {
    let one = |text: &str| -> Result<IndexMap<String, Value>, String> {
        let record = serde_json::from_str(text).map_err(|e| format!("{e}: {text}"))?;
        // The text is compact and no name repeats: only then is it written back unchanged.
        if serde_json::to_string(&record).unwrap() == text { Ok(record) } else { Err(format!("not compact: {text}")) }
    };
    if format == "ndjson" {
        let lines = text.strip_suffix('\n').ok_or("no line break at the end")?;
        return lines.split('\n').map(one).collect();
    }
    if text.contains('\n') {
        return Err("more than one line".to_owned());
    }
    let records: Vec<&RawValue> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let texts: Vec<&str> = records.iter().map(|record| record.get()).collect();
    if format!("[{}]", texts.join(",")) != text {
        return Err("not compact".to_owned());
    }
    texts.into_iter().map(one).collect()
}

/// The quality object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quality {
    model: String,
    job: String,
    time: String,
    #[serde(default)]
    subset: bool,
    object: Option<String>,
    counts: BTreeMap<String, usize>,
    topics: Vec<TopicRun>,
    rejected: Vec<Rejected>,
    defaulted: ByFieldAndReason,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicRun {
    topic: String,
    user_id: String,
    asked_at: DateTime<Utc>,
    records: usize,
    identity: Option<String>,
    kind: Option<String>,
    #[serde(rename = "code")]
    _code: Option<i64>,
    message: Option<String>,
}

/// Compares two lists and shows the first difference. Whole lists would fill the screen.
fn same<T: PartialEq + Debug>(what: &str, found: &[T], expected: &[T]) -> Checked {
    for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
        prop_assert_eq!(found, expected, "{} {}", what, n);
    }
    prop_assert_eq!(found.len(), expected.len(), "how many: {}", what);
    Ok(())
}

/// Runs the whole function on a run's responses, and compares its objects and its report with the model.
async fn stores_what_the_contract_says(run: &Run) -> Checked {
    let api = Api::start(run.bodies()).await;
    let harness = Harness::new(Setting { ini: Some(run.ini(&api.end_point())), ..Setting::default() }).await;
    let start = Utc::now();
    let done = harness.invoke(run.event()).await;
    let Expected { calls, models, surplus } = expected(run);
    same("calls", &api.calls(), &calls)?;
    let objects: BTreeMap<String, Vec<u8>> = harness.aws.objects().into_iter().collect();
    let mut left: Vec<&String> = objects.keys().collect();
    let mut files = Vec::new();
    let part = part(run, left.first().map_or("", |key| key.as_str()))?;
    let is_empty = models.iter().all(|stored| stored.records.is_empty() && stored.rejected.is_empty());
    for (mapping, stored) in run.mappings.iter().zip(&models) {
        let key = |folder: &str| {
            format!("{folder}/{0}_{1}{part}.json", mapping.model, STAMP.replace("{model}", mapping.model))
        };
        let (raw, quality) = (key("raw"), key("quality"));
        left.retain(|key| **key != raw && **key != quality);
        prop_assert_eq!(objects.contains_key(&raw), !stored.records.is_empty(), "{}", raw);
        if let Some(bytes) = objects.get(&raw) {
            same_records(run.format, mapping, bytes, stored, start)?;
            files.push((raw.clone(), stored.records.len(), bytes.len()));
        }
        if is_empty {
            continue;
        }
        prop_assert!(objects.contains_key(&quality), "even without records of the model: {}", quality);
        let about = objects.contains_key(&raw).then_some(&*raw);
        same_quality(run, mapping.model, about, &objects[&quality], stored, &surplus, start)?;
    }
    prop_assert!(left.is_empty(), "no other objects: {:?}", left);
    let summary = match &done {
        Ok(response) => &response.summary,
        Err(error) => &error.summary,
    };
    prop_assert_eq!(done.is_ok(), !files.is_empty());
    let reported: Vec<_> = summary.files.iter().map(|file| (file.key.clone(), file.records, file.bytes)).collect();
    same("files", &reported, &files)?;
    let places: Vec<String> = files.iter().map(|(key, ..)| format!("{BUCKET}/{key}")).collect();
    prop_assert_eq!(done.map_or_else(|_| String::new(), |response| response.target_file.clone()), places.join("\n"));
    Ok(())
}

/// The end of the names of a run's objects: the shard, or for a subset without one the digits of the first
/// object. All objects have the same digits.
fn part(run: &Run, first: &str) -> Result<String, TestCaseError> {
    if let Some(shard) = &run.shard {
        return Ok(format!("_{shard}"));
    }
    if run.subset.is_none() {
        return Ok(String::new());
    }
    let digits = first.rsplit_once("_part-").and_then(|(_, end)| end.strip_suffix(".json")).unwrap_or_default();
    let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    prop_assert!(hex || first.is_empty(), "{}", first);
    Ok(format!("_part-{digits}"))
}

fn same_records(format: &str, mapping: &Mapping, bytes: &[u8], stored: &Stored, start: DateTime<Utc>) -> Checked {
    let text = std::str::from_utf8(bytes).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let mut records = read(format, text).map_err(TestCaseError::fail)?;
    for line in mapping.lines.iter().filter(|line| line.response == "asked_at") {
        for record in &mut records {
            let value = record.get_mut(line.output).unwrap();
            let at =
                NaiveDateTime::parse_from_str(value.as_str().unwrap(), "%Y-%m-%dT%H:%M:%S+0000").unwrap().and_utc();
            prop_assert!(start - at < TimeDelta::seconds(1) && at <= Utc::now(), "{}", at);
            *value = WITHIN_THE_RUN.into();
        }
    }
    let fields = |record: &IndexMap<String, Value>| record.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    let found: Vec<Vec<(String, Value)>> = records.iter().map(fields).collect();
    let own = |record: &Vec<(&str, Value)>| record.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    let expected: Vec<Vec<(String, Value)>> = stored.records.iter().map(own).collect();
    same("records", &found, &expected)
}

fn same_quality(
    run: &Run,
    model: &str,
    about: Option<&str>,
    bytes: &[u8],
    stored: &Stored,
    surplus: &[(&str, usize)],
    start: DateTime<Utc>,
) -> Checked {
    let strict = serde_json::from_slice::<Value>(bytes);
    prop_assert!(strict.is_ok(), "a strict reader takes it: {:?}", strict);
    let quality: Quality = serde_json::from_slice(bytes).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!((quality.model.as_str(), quality.job.as_str(), quality.time.as_str()), (model, run.job, TIME));
    prop_assert_eq!((quality.object.as_deref(), quality.subset), (about, run.subset.is_some()));
    let counts =
        [("records", stored.records.len()), ("rejected", stored.rejected.len()), ("defaulted", stored.defaults())];
    prop_assert_eq!(quality.counts, counts.map(|(name, count)| (name.to_owned(), count)).into());
    same("rejected", &quality.rejected, &stored.rejected)?;
    same("defaulted", &listed(&quality.defaulted), &listed(&stored.defaulted))?;
    for topic in &quality.topics {
        let at = topic.asked_at;
        prop_assert!(start - at < TimeDelta::milliseconds(1) && at <= Utc::now(), "{} at {}", topic.topic, at);
    }
    let found =
        quality.topics.iter().map(|run| (run.topic.as_str(), run.user_id.as_str(), run.records, run.identity.clone()));
    same("topics", &found.collect::<Vec<_>>(), &stored.topics)?;
    let failed: Vec<_> = quality
        .topics
        .iter()
        .filter_map(|run| {
            let count = run.message.as_deref()?.split(' ').next()?.to_owned();
            Some((run.topic.as_str(), run.kind.clone()?, count))
        })
        .collect();
    let surplus: Vec<_> =
        surplus.iter().map(|(topic, more)| (*topic, "too_many_records".to_owned(), more.to_string())).collect();
    same("failed topics", &failed, &surplus)
}

/// Every defaulted field with its reason.
fn listed(defaulted: &ByFieldAndReason) -> Vec<(&str, &str, &Defaulted)> {
    let mut list = Vec::new();
    for (field, reasons) in defaulted {
        for (reason, all) in reasons {
            list.extend(all.iter().map(|one| (field.as_str(), reason.as_str(), one)));
        }
    }
    list
}

/// The number of runs that are tried. `PROPTEST_CASES` overrides it.
const CASES: u32 = 48;

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    // Each step of shrinking is a whole run.
    ProptestConfig { cases, max_shrink_iters: 300, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_the_api_responds_the_objects_are_those_of_the_contract(spec in runs()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(stores_what_the_contract_says(&spec.run()))?;
    }
}

#[test]
fn the_runs_tried_reach_every_reason_and_reject_on_every_page_of_many() {
    const RUNS: usize = 50;
    let (mut runner, runs) = (TestRunner::deterministic(), runs());
    let (mut reasons, mut kinds, mut rejecting, mut surplus) = (BTreeSet::new(), BTreeSet::new(), 0, 0);
    for _ in 0..RUNS {
        let run = runs.new_tree(&mut runner).unwrap().current().run();
        let Expected { calls, models, surplus: more } = expected(&run);
        let pages = calls.iter().map(|call| call.page + 1).max().unwrap();
        kinds.insert((run.format, pages, run.shard.is_some(), run.subset.is_some()));
        for stored in models {
            reasons.extend(stored.rejected.iter().map(|rejected| rejected.reason.clone()));
            reasons.extend(stored.defaulted.values().flat_map(BTreeMap::keys).cloned());
        }
        let rejects = |call: &Call| {
            let topic = run.topics.iter().find(|topic| topic.name == call.topic).unwrap();
            topic.pages[call.page].records.iter().take(call.limit).any(|record| id(record).is_err())
        };
        rejecting += usize::from(pages > 1 && calls.iter().all(rejects));
        surplus += usize::from(!more.is_empty());
    }
    assert_eq!(reasons.len(), 11, "{reasons:?}");
    assert!(kinds.len() >= 16, "of two formats × four numbers of pages × shard or not × subset or not: {kinds:?}");
    assert!(rejecting * 4 >= RUNS && surplus * 4 >= RUNS, "{rejecting} reject on every page, {surplus} have surplus");
}

#[tokio::test]
async fn every_medium_of_one_to_four_pages_is_stored_in_either_format_and_in_ndjson_one_a_line() {
    for pages in 1..=4 {
        for format in ["array", "ndjson"] {
            let run = good_run(format, pages * PAGE);
            let api = Api::start(run.bodies()).await;
            let harness = Harness::new(Setting { ini: Some(run.ini(&api.end_point())), ..Setting::default() }).await;
            harness.invoke(run.event()).await.unwrap();
            let objects = harness.aws.objects();
            let (_, bytes) = objects.iter().find(|(key, _)| key.starts_with("raw/media_")).unwrap();
            let text = std::str::from_utf8(bytes).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let records: Vec<Map<String, Value>> = if format == "array" {
                serde_json::from_str(text).unwrap()
            } else {
                let one = |line: &&str| serde_json::from_str(line).map_err(|e| format!("{pages} pages: {e}"));
                lines.iter().map(one).collect::<Result<_, _>>().expect("one object a line")
            };
            assert_eq!((api.calls().len(), records.len()), (pages, pages * PAGE), "{format}");
            assert_eq!(lines.len(), if format == "array" { 1 } else { records.len() });
        }
    }
}
