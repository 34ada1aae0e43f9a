//! The report of a run, in any of its forms. Fields may be missing: that is an error only if the field is needed.
//! Errors quote only the names of keys, since the input may be a wrong file with a token in it.

use serde_json::Value;

use collector::report;

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PreviousRun {
    pub(super) job: Option<String>,
    pub(super) time: Option<String>,
    /// Whether the sandbox made the run's data up.
    pub(crate) sandbox: bool,
    pub(super) shard: Option<String>,
    pub(super) secret_id: Option<String>,
    /// The topics that the event selected; `None` for all, or if the report has none.
    pub(super) topics: Option<Vec<String>>,
    /// The topics that failed, each once.
    pub(super) failed: Vec<String>,
    /// Whether an object of records was stored.
    pub(super) stored: bool,
    /// The objects that could not be stored, quality objects among them.
    pub(super) lost: usize,
    /// The error's kind and text, if the run failed as a whole.
    pub(super) error: Option<(String, String)>,
}

pub(super) const EXPECTED: &str = r#"give the report of one run: the function's response, its error ("errorType" and "errorMessage"), its last line in the log (the one with "summary"), its summary, or a quality object"#;

/// Reads the report in `text`. It may be inside other JSON, as in the output of `aws lambda invoke` or in a log.
///
/// # Errors
/// What the text is instead. `name` is its file.
pub(crate) fn read(name: &str, text: &str) -> Result<PreviousRun, String> {
    let mut found = Vec::new();
    let mut other = None;
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.map_err(|error| format!("{name} is not JSON ({error}); {EXPECTED}"))?;
        match of(&value)? {
            Some(run) => found.push(run),
            None => other = other.or(Some(value)),
        }
    }
    let runs = found.len();
    if let (1, Some(run)) = (runs, found.pop()) {
        return Ok(run);
    }
    let is = match (runs, other) {
        (0, None) => "is empty".to_owned(),
        (0, Some(Value::Object(fields))) => {
            let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
            let keys: String = keys.join(", ").chars().take(120).collect();
            format!("holds no report of a run (its keys: {})", if keys.is_empty() { "none" } else { &keys })
        }
        (0, Some(_)) => "holds no report of a run (it is not a JSON object)".to_owned(),
        _ => format!("holds the reports of {runs} runs; give one of them"),
    };
    Err(format!("{name} {is}; {EXPECTED}"))
}

/// The run that `value` reports; `None` if it has no known form.
fn of(value: &Value) -> Result<Option<PreviousRun>, String> {
    let list = |key: &str| value.get(key).is_some_and(Value::is_array);
    if let Some(summary) = value.get("summary").filter(|summary| summary.is_object()) {
        return of(summary);
    }
    if let Some(words) = text(value, "errorMessage") {
        return of_error(text(value, "errorType").unwrap_or_default(), &words).map(Some);
    }
    if value.get("totals").is_some() && list("shards") {
        return Err("this is the summary of a run over shards; `luxury-brands shard --failed` runs the failed ones again (docs/scale.md)".to_owned());
    }
    if list("failed_topics") || list("topics") && list("rejected") {
        return Ok(Some(of_quality(value)));
    }
    if list("failures") && list("files") {
        let count = |pointer: &str| value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        let lost = count("/lost") + count("/quality/lost");
        let failed = topics(entries(value, "failures"));
        return Ok(Some(PreviousRun { failed, stored: count("/files") > 0, lost, ..known(value) }));
    }
    Ok(None)
}

/// The run of a quality object. Those of earlier versions have a separate list of the failed topics, and under `topics`
/// the names that the event selected.
///
/// If all topics of a whole run failed, it stored nothing. A subset is repeated by its topics in any case.
fn of_quality(value: &Value) -> PreviousRun {
    let run = PreviousRun { stored: true, ..known(value) };
    if value.get("failed_topics").is_some() {
        return PreviousRun { failed: topics(entries(value, "failed_topics")), ..run };
    }
    let has_failed = |entry: &&Value| entry.get("kind").is_some();
    let failed = topics(entries(value, "topics").filter(has_failed));
    let is_subset = value.get("subset") == Some(&Value::Bool(true));
    let stored =
        is_subset || value.get("object").is_some() || !entries(value, "topics").all(|entry| has_failed(&entry));
    PreviousRun { failed, topics: run.topics.filter(|_| is_subset), stored, ..run }
}

fn of_error(kind: String, words: &str) -> Result<PreviousRun, String> {
    let (cause, summary) = report::parts(words);
    let run = summary.as_ref().map(of).transpose()?.flatten();
    let run = run.ok_or_else(|| {
        format!("the error {kind:?} has no complete summary: it is not an error of the function, or it was cut off; repeat the event of that run")
    })?;
    Ok(PreviousRun { error: Some((kind, cause.to_owned())), ..run })
}

/// The fields that every form has under the same names.
fn known(value: &Value) -> PreviousRun {
    let of = |key: &str| text(value, key);
    let topics = value.get("topics").filter(|topics| topics.is_array()).map(|_| topics(entries(value, "topics")));
    PreviousRun {
        job: of("job"),
        time: of("time"),
        sandbox: value.get("sandbox") == Some(&Value::Bool(true)),
        shard: of("shard"),
        secret_id: of("secret_id"),
        topics,
        ..PreviousRun::default()
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// The entries of a list.
fn entries<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The topics of names, or of objects with a `topic`, each once.
fn topics<'v>(entries: impl Iterator<Item = &'v Value>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        if let Some(name) = entry.as_str().or_else(|| entry.get("topic")?.as_str())
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::Utc;
    use serde_json::json;

    use collector::diagnosis::Diagnosis;

    use super::*;
    use collector::error::Cause;
    use collector::graph::Kind;
    use collector::report::Error;
    use collector::report::{FailedTopic, File, Quality, Response, Summary};

    /// A summary from the function's own code, so that a renamed field fails these tests.
    fn summary() -> Summary {
        let file = |key: &str| File { key: key.into(), records: 3, bytes: 9 };
        let failed =
            |topic: &str| FailedTopic { topic: topic.into(), kind: Kind::Deadline, code: None, message: "late".into() };
        Summary {
            job: Some("brand_media"),
            time: "2026-11-24T03:00:00Z".into(),
            secret_id: Some("c/1".into()),
            topics: Some(vec!["dior".into(), "gucci".into()]),
            files: vec![file("raw/brand.json")],
            lost: vec![file("raw/media.json")],
            quality: Quality { lost: vec!["quality/brand.json".into()], ..Quality::default() },
            failures: vec![failed("gucci"), failed("gucci")],
            ..Summary::default()
        }
    }

    fn previous_run() -> PreviousRun {
        PreviousRun {
            job: Some("brand_media".into()),
            time: Some("2026-11-24T03:00:00Z".into()),
            secret_id: Some("c/1".into()),
            topics: Some(vec!["dior".into(), "gucci".into()]),
            failed: vec!["gucci".into()],
            stored: true,
            lost: 2,
            ..PreviousRun::default()
        }
    }

    #[test]
    fn a_response_a_log_line_and_a_summary_hold_the_same() {
        let response = Response::new(Utc::now(), String::new(), String::new(), summary(), Arc::default());
        let line = json!({"timestamp": "2026-11-24T03:00:02.000Z", "level": "INFO", "message": "brand_media: 3 records", "requestId": "r-1", "summary": serde_json::to_value(summary()).unwrap()});
        for text in [serde_json::to_string_pretty(&response).unwrap(), line.to_string(), summary().to_json()] {
            assert_eq!(read("x", &text).unwrap(), previous_run(), "{text}");
        }
    }

    #[test]
    fn an_error_holds_its_kind_and_the_summary() {
        let error = Error {
            cause: Cause::Store("it was denied".into(), Diagnosis::StoreDenied),
            summary: Box::new(summary()),
            redactor: Arc::default(),
        };
        let said = Some(("store".to_owned(), error.text()));
        let error = json!({"errorType": error.cause.kind(), "errorMessage": error.to_string()});
        let expected = PreviousRun { error: said, ..previous_run() };
        assert_eq!(read("x", &error.to_string()).unwrap(), expected);
    }

    #[test]
    fn a_quality_object_holds_the_failed_topics() {
        let of = |topics: Value| {
            let mut quality = json!({"model": "media", "job": "brand_media", "time": "2026-11-24T03:00:00Z", "counts": {"records": 250}, "rejected": [], "defaulted": {}});
            quality.as_object_mut().unwrap().extend(topics.as_object().unwrap().clone());
            let run = read("x", &quality.to_string()).unwrap();
            assert_eq!((run.failed, run.stored, run.lost), (vec!["gucci".to_owned()], true, 0));
            run.topics
        };
        let topics = json!([{"topic": "dior", "records": 250}, {"topic": "gucci", "kind": "throttled"}]);
        let selected = Some(vec!["dior".to_owned(), "gucci".to_owned()]);
        assert_eq!(of(json!({"topics": topics})), None);
        assert_eq!(of(json!({"topics": topics, "subset": true})), selected);
        assert_eq!(of(json!({"failed_topics": [{"topic": "gucci"}]})), None, "an earlier version");
        assert_eq!(of(json!({"failed_topics": [{"topic": "gucci"}], "topics": ["dior", "gucci"]})), selected);
    }

    #[test]
    fn every_form_of_a_report_says_whether_its_run_was_on_the_sandbox() {
        let summary = Summary { sandbox: true, ..summary() };
        let response = Response::new(Utc::now(), String::new(), String::new(), summary.clone(), Arc::default());
        let error = Error {
            cause: Cause::Store("it was denied".into(), Diagnosis::StoreDenied),
            summary: Box::new(summary.clone()),
            redactor: Arc::default(),
        };
        let error = json!({"errorType": error.cause.kind(), "errorMessage": error.to_string()});
        let line = json!({"message": "brand_media: 3 records", "summary": serde_json::to_value(&summary).unwrap()});
        let quality = json!({"job": "brand_media", "sandbox": true, "topics": [], "rejected": []});
        for text in
            [serde_json::to_string(&response).unwrap(), error.to_string(), line.to_string(), quality.to_string()]
        {
            assert!(read("x", &text).unwrap().sandbox, "{text}");
        }
        assert!(!previous_run().sandbox);
    }

    #[test]
    fn other_json_around_a_report_is_skipped() {
        let text = format!("{}{{\"StatusCode\":200,\"ExecutedVersion\":\"$LATEST\"}}\n", summary().to_json());
        assert_eq!(read("x", &text).unwrap(), previous_run());
        let log =
            format!("{{\"message\":\"topic failed\",\"level\":\"ERROR\"}}\n{{\"summary\":{}}}\n", summary().to_json());
        assert_eq!(read("x", &log).unwrap(), previous_run());
    }

    #[test]
    fn no_report_and_more_than_one_are_errors_that_quote_no_value() {
        let two = format!("{0}\n{0}", summary().to_json());
        for (text, expected) in [
            ("", "response.json is empty"),
            ("[SECRET]\naccess_token = placeholder", "response.json is not JSON ("),
            (r#"{"access_token": "placeholder"}"#, "response.json holds no report of a run (its keys: access_token)"),
            (r#""placeholder""#, "response.json holds no report of a run (it is not a JSON object)"),
            ("{}", "(its keys: none)"),
            (two.as_str(), "response.json holds the reports of 2 runs"),
        ] {
            let error = read("response.json", text).unwrap_err();
            assert!(error.contains(expected) && error.contains(EXPECTED) && !error.contains("placeholder"), "{error}");
        }
    }

    #[test]
    fn an_error_of_lambda_and_a_summary_over_shards_say_what_to_do_instead() {
        for (text, expected) in [
            (
                json!({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 60.00 seconds"}),
                "repeat the event",
            ),
            (json!({"errorMessage": "no; summary: {\"job\":"}), "cut off"),
            (json!({"job": "hashtag", "totals": {}, "failures": [], "shards": []}), "luxury-brands shard --failed"),
        ] {
            assert!(read("x", &text.to_string()).unwrap_err().contains(expected));
        }
    }
}
