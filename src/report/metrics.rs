//! The run's metrics, in CloudWatch's embedded metric format.

use chrono::Utc;
use serde_json::{Map, Value, json};

use super::summary::{Quality, Summary};

/// The CloudWatch namespace of the metrics.
pub const NAMESPACE: &str = "LuxuryBrandsDataCollector";

impl Summary {
    /// The run's metrics with their dimensions: one set for the job, and one for each model, since a job
    /// may have records of two models. `None` stands for an unknown value.
    pub(super) fn metrics(&self) -> Vec<(Vec<Metric>, Map<String, Value>)> {
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
            Metric("version_days_left", "None", self.version_days_left.map(|d| json!(d))),
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
pub(super) struct Metric(&'static str, &'static str, Option<Value>);

/// Metrics in CloudWatch's embedded metric format.
pub(super) fn embedded(metrics: &[Metric], dimensions: Map<String, Value>) -> String {
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
