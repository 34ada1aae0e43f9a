//! What happened in a run, told three ways: the response, the log's last line, the metrics.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tracing::{error, info, warn};

use crate::event::Job;
use crate::graph::Kind;
use crate::quality::Tally;
use crate::record::Model;
use crate::redact::Redactor;
use crate::telemetry::METRICS;

/// The CloudWatch namespace of the metrics.
pub const NAMESPACE: &str = "LuxuryBrandsDataCollector";

/// An object of records.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// Its key, without the bucket.
    pub key: String,
    /// The records in it.
    pub records: usize,
    /// Its size.
    pub bytes: usize,
}

/// An object of a run that lost topics, where an earlier run's object of the same time stays.
#[derive(Debug, Clone, Serialize)]
pub struct Partial {
    /// Its key.
    pub key: String,
    /// The key of the earlier run's object.
    pub instead_of: String,
}

/// A topic whose records are missing, and why.
#[derive(Debug, Clone, Serialize)]
pub struct FailedTopic {
    /// The topic.
    pub topic: String,
    /// The class of its failure.
    pub kind: Kind,
    /// The API's code, where it gave one.
    pub code: Option<i64>,
    /// What happened.
    pub message: String,
}

/// What was left out or defaulted, of one model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelQuality {
    /// The model.
    pub model: &'static str,
    /// Records collected.
    pub records: usize,
    /// Records left out.
    pub rejected: usize,
    /// Fields given their default.
    pub defaulted: usize,
}

/// What was left out or defaulted in a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Quality {
    /// Records left out.
    pub rejected: usize,
    /// Fields given their default.
    pub defaulted: usize,
    /// The same by model.
    pub models: Vec<ModelQuality>,
    /// The quality objects that were stored.
    pub files: Vec<String>,
    /// Those that could not be stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
}

/// What the access token is still good for.
#[derive(Debug, Clone, Serialize)]
pub struct TokenState {
    /// Whether calls with it are answered.
    pub is_valid: bool,
    /// When it expires; `None` = never, or not told.
    pub expires_at: Option<DateTime<Utc>>,
    /// When access to data expires; `None` = never, or not told.
    pub data_access_expires_at: Option<DateTime<Utc>>,
    /// Whole days until the nearer of the two; 0 where it is not valid.
    pub days_left: Option<i64>,
    /// The permissions granted.
    pub scopes: Vec<String>,
}

/// A run in figures: the response's `summary`, the log's last line, and part of every error.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// The job; `None` where the event named none.
    pub job: Option<&'static str>,
    /// The time that names the objects.
    pub time: String,
    /// The shard of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The secret of the credential, where the event named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<String>,
    /// The topics that the event asked for, where it asked for some of them. Those of a shard are told where
    /// its run failed alone, since it then has to be repeated with them, and there are thousands of shards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// The objects stored.
    pub files: Vec<File>,
    /// Those of them that have a key of their own, since an earlier run's object has theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<Partial>,
    /// The objects of records that could not be stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<File>,
    /// The topics that failed.
    pub failures: Vec<FailedTopic>,
    /// What was left out or defaulted.
    pub quality: Quality,
    /// Calls made to the API, each try counted.
    pub api_calls: u64,
    /// The highest usage that the API told of, in percent; `None` where it told of none.
    pub usage_percent: Option<u32>,
    /// The version of the API that answered, where it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// What the token is still good for, for the job that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenState>,
    /// How long the run took.
    pub elapsed_ms: u64,
}

/// What the function answers. It is serialized without the secrets that `redactor` knows, as JSON alone.
#[derive(Debug, Clone)]
pub struct Response {
    answer: Answer,
    redactor: Arc<Redactor>,
}

impl Deref for Response {
    type Target = Answer;
    fn deref(&self) -> &Answer {
        &self.answer
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.answer).map_err(S::Error::custom)?;
        let text = self.redactor.redact(&text).into_owned();
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// The parts of the response.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// 200: partial success is success, and everything else is an invocation error.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// When the run started, UTC, `%y%m%d_%H%M_%S`.
    pub start_time: String,
    /// When it ended.
    pub end_time: String,
    /// The run in a sentence.
    pub body: String,
    /// A table of what was left out, defaulted or failed.
    pub error_log: String,
    /// `bucket/key` of each object of records, one a line.
    pub target_file: String,
    /// The run in figures.
    pub summary: Summary,
}

const CLOCK: &str = "%y%m%d_%H%M_%S";

impl Response {
    /// The response to a run that succeeded, at least in part.
    pub fn new(
        started: DateTime<Utc>,
        error_log: String,
        target_file: String,
        summary: Summary,
        redactor: Arc<Redactor>,
    ) -> Self {
        let clock = |t: DateTime<Utc>| t.format(CLOCK).to_string();
        let answer = Answer {
            status_code: 200,
            start_time: clock(started),
            end_time: clock(Utc::now()),
            body: summary.sentence(),
            error_log,
            target_file,
            summary,
        };
        Self { answer, redactor }
    }
}

impl Summary {
    /// Records stored, over all objects.
    pub fn records(&self) -> usize {
        self.files.iter().map(|f| f.records).sum()
    }

    /// The run in a sentence.
    pub fn sentence(&self) -> String {
        let job = self.job.unwrap_or("no job");
        if let Some(token) = &self.token {
            let state = if token.is_valid { "valid" } else { "not valid" };
            let left = token.days_left.map_or_else(|| "no expiry".to_owned(), |days| format!("{days} days left"));
            return format!("{job}: the access token is {state}, {left}");
        }
        let Quality { rejected, defaulted, .. } = self.quality;
        let (records, files, failed) = (self.records(), self.files.len(), self.failures.len());
        let apart = match self.partial.len() {
            0 => String::new(),
            partial => format!("; {partial} objects of an earlier run stay, and what came is in partial/"),
        };
        format!(
            "{job}: {records} records in {files} objects; {rejected} records rejected, {defaulted} fields defaulted, {failed} topics failed{apart}"
        )
    }

    /// The summary as JSON text.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists: writing them into memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Writes the log's last line of the run, and the metrics.
    pub fn log(&self) {
        if self.job.is_some() {
            for (metrics, dimensions) in self.metrics() {
                let metrics = embedded(&metrics, dimensions);
                info!(target: METRICS, { json.metrics = metrics }, "metrics");
            }
        }
        let summary = self.to_json();
        info!(json.summary = summary, "{}", self.sentence());
    }

    /// The run's metrics with their dimensions: one set for the job, and one for each model, since a
    /// job has records of two. `None` stands for what is not known.
    fn metrics(&self) -> Vec<(Vec<Metric>, Map<String, Value>)> {
        let job = json!(self.job);
        let Quality { rejected, defaulted, models, .. } = &self.quality;
        let token_days = self.token.as_ref().and_then(|t| t.days_left);
        let whole = vec![
            Metric("records", "Count", Some(json!(self.records()))),
            Metric("rejected", "Count", Some(json!(rejected))),
            Metric("defaulted_fields", "Count", Some(json!(defaulted))),
            Metric("failed_topics", "Count", Some(json!(self.failures.len()))),
            Metric("api_calls", "Count", Some(json!(self.api_calls))),
            Metric("usage_percent", "Percent", self.usage_percent.map(|p| json!(p))),
            Metric("elapsed_ms", "Milliseconds", Some(json!(self.elapsed_ms))),
            Metric("token_days_left", "None", token_days.map(|d| json!(d))),
        ];
        let mut sets = vec![(whole, Map::from_iter([("job".to_owned(), job.clone())]))];
        for model in models {
            let metrics = vec![
                Metric("records", "Count", Some(json!(model.records))),
                Metric("rejected", "Count", Some(json!(model.rejected))),
                Metric("defaulted_fields", "Count", Some(json!(model.defaulted))),
            ];
            sets.push((
                metrics,
                Map::from_iter([("job".to_owned(), job.clone()), ("model".to_owned(), json!(model.model))]),
            ));
        }
        sets
    }
}

/// A metric's name, CloudWatch unit and value.
struct Metric(&'static str, &'static str, Option<Value>);

/// Metrics in CloudWatch's embedded metric format.
fn embedded(metrics: &[Metric], dimensions: Map<String, Value>) -> String {
    let known = || metrics.iter().filter_map(|Metric(name, unit, value)| Some((*name, *unit, value.as_ref()?)));
    let definitions: Vec<Value> = known().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let names: Vec<&String> = dimensions.keys().collect();
    let mut line = json!({"_aws": {
        "Timestamp": Utc::now().timestamp_millis(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions}],
    }});
    if let Value::Object(line) = &mut line {
        line.extend(known().map(|(name, _, value)| (name.to_owned(), value.clone())));
        line.extend(dimensions);
    }
    line.to_string()
}

/// Tells once for each model, reason and field what was left out or defaulted.
pub fn log_quality(tallies: &[&Tally<'_>]) {
    for tally in tallies {
        let model = tally.mapping().model.name();
        for (field, count) in tally.defaulted_counts() {
            warn!(model, field, kind = count.kind, count = count.count, "fields defaulted");
        }
        for count in tally.rejected_counts() {
            warn!(model, kind = count.kind, count = count.count, "records left out");
        }
    }
}

/// Tells once which of the fields that a run asks for the API no longer knows.
pub fn log_unknown_fields(unknown: &[String], tallies: &[&Tally<'_>]) {
    for tally in tallies {
        for field in tally.mapping().requested().into_iter().filter(|f| unknown.iter().any(|u| u == f)) {
            let model = tally.mapping().model.name();
            error!(
                model,
                field,
                kind = Kind::UnknownField.name(),
                "the API no longer knows this field: it is defaulted; take it out of the mapping"
            );
        }
    }
}

/// The response's `error_log`: topic section, kind, field and count, one a line.
pub fn error_log(job: Job, tallies: &[&Tally<'_>], failures: &[FailedTopic]) -> String {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for tally in tallies {
        let section = tally.mapping().model.section();
        let counts = tally.defaulted_counts().into_iter().map(|(_, c)| c).chain(tally.rejected_counts());
        rows.extend(counts.map(|c| (format!("{section}-[{}] {}", c.kind, c.field), c.count)));
    }
    let section = job.topics_key().unwrap_or(job.name());
    rows.extend(failures.iter().map(|f| (format!("{section}-[{}] {}", f.kind, f.topic), 1)));
    let width = rows.iter().map(|(row, _)| row.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(|(row, count)| format!("{row:<width$}    {count}")).collect();
    lines.join("\n")
}

impl Quality {
    /// The quality of what `tallies` counted.
    pub fn of(tallies: &[&Tally<'_>]) -> Self {
        let model = |t: &&Tally<'_>| ModelQuality {
            model: Model::name(t.mapping().model),
            records: t.records,
            rejected: t.rejected(),
            defaulted: t.defaulted(),
        };
        let models: Vec<ModelQuality> = tallies.iter().map(model).collect();
        Self {
            rejected: models.iter().map(|m| m.rejected).sum(),
            defaulted: models.iter().map(|m| m.defaulted).sum(),
            models,
            files: Vec::new(),
            lost: Vec::new(),
        }
    }
}
