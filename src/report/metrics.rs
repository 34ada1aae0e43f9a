//! Metrics in CloudWatch's embedded metric format.

use chrono::Utc;
use serde_json::{Value, json};
use tracing::info;

use super::summary::{Quality, RenewalEnd, Summary};
use crate::env::variable;
use crate::telemetry::METRICS;
use crate::topic::Job;

/// The CloudWatch namespace of the metrics.
pub const NAMESPACE: &str = "LuxuryBrandsDataCollector";

/// What tells the metrics of one stack from those of another in the same region: the variable `SERVICE`, which
/// templates set to the stack's name.
pub fn service_from_env() -> Option<String> {
    variable("SERVICE")
}

/// A metric's name, CloudWatch unit and value; `None` stands for what is not known, and is not sent.
pub struct Metric(pub &'static str, pub &'static str, pub Option<Value>);

impl Summary {
    /// The run's metrics. Each is billed for each set of dimensions, so a job without topics sends nothing of
    /// records, and what a model had stands in the log and the quality objects alone.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        let Quality { rejected, defaulted, .. } = &self.quality;
        let token_days = self.token.as_ref().and_then(|t| t.days_left);
        let renewal = self.token.as_ref().and_then(|t| t.renewal.as_ref());
        let mut metrics = vec![
            Metric("api_calls", "Count", Some(json!(self.api_calls))),
            Metric("usage_percent", "Percent", self.usage_percent.map(|p| json!(p))),
            Metric("elapsed_ms", "Milliseconds", Some(json!(self.elapsed_ms))),
            Metric("overlap", "Count", self.gaps.as_ref().map(|gaps| json!(gaps.overlap))),
            Metric("gaps_likely", "Count", self.gaps.as_ref().map(|gaps| json!(gaps.likely.len()))),
            Metric("answers_lost", "Count", self.answers.as_ref().map(|a| json!(a.lost))),
            Metric("token_renewals_failed", "Count", renewal.map(|r| json!(u8::from(r.end == RenewalEnd::Failed)))),
            Metric("token_days_left", "None", token_days.map(|d| json!(d))),
            Metric("version_days_left", "None", self.version_days_left.map(|d| json!(d))),
        ];
        if self.job.and_then(Job::named).is_some_and(|job| job.topics_key().is_some()) {
            metrics.extend([
                Metric("records", "Count", Some(json!(self.records()))),
                Metric("rejected", "Count", Some(json!(rejected))),
                Metric("defaulted_fields", "Count", Some(json!(defaulted))),
                Metric("failed_topics", "Count", Some(json!(self.failures.len()))),
            ]);
        }
        metrics
    }
}

/// Sends the metrics of a job: the log's line that holds them. The dimension is `job`, and with a service `service`
/// and `job`.
pub fn emit(metrics: &[Metric], job: &str, service: Option<&str>) {
    let line = embedded(metrics, job, service).to_string();
    info!(target: METRICS, { json.metrics = line }, "metrics");
}

fn embedded(metrics: &[Metric], job: &str, service: Option<&str>) -> Value {
    let known = || metrics.iter().filter_map(|Metric(name, unit, value)| Some((*name, *unit, value.as_ref()?)));
    let definitions: Vec<Value> = known().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let dimensions = service.map(|service| ("service", service)).into_iter().chain([("job", job)]);
    let names: Vec<&str> = dimensions.clone().map(|(name, _)| name).collect();
    let mut line = json!({"_aws": {
        "Timestamp": Utc::now().timestamp_millis(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions}],
    }});
    if let Value::Object(line) = &mut line {
        line.extend(known().map(|(name, _, value)| (name.to_owned(), value.clone())));
        line.extend(dimensions.map(|(name, value)| (name.to_owned(), json!(value))));
    }
    line
}
