//! Metrics in CloudWatch's embedded metric format.

use chrono::Utc;
use serde_json::{Value, json};
use tracing::info;

use super::summary::Summary;
use crate::env::variable;
use crate::telemetry::METRICS;

/// The CloudWatch namespace of the metrics.
const NAMESPACE: &str = "LuxuryBrandsDataCollector";

/// The dimension `service`, which separates the metrics of stacks in one region: the variable `SERVICE`, which the
/// templates set to the stack's name.
pub fn service_from_env() -> Option<String> {
    variable("SERVICE")
}

/// A metric's name, CloudWatch unit and value.
pub struct Metric(pub &'static str, pub &'static str, pub Value);

impl Summary {
    /// The run's metrics, each of which an alarm or the dashboard reads. CloudWatch bills each one, so every other
    /// figure is only in the summary.
    pub(super) fn metrics(&self, has_failed: bool) -> Vec<Metric> {
        if self.has_topics() {
            // Other alarms cover runs that failed or were stopped.
            let failed = self.failures.iter().filter(|failure| !failure.kind.stops_the_run()).count();
            let failed = (!has_failed).then(|| Metric("failed_topics", "Count", failed.into()));
            return [Metric("records", "Count", self.records().into())].into_iter().chain(failed).collect();
        }
        let token = self.token.as_ref().filter(|token| token.is_usable()).and_then(|token| token.days_left);
        let days = [("token_days_left", token), ("version_days_left", self.version_days_left)];
        days.into_iter().filter_map(|(name, days)| Some(Metric(name, "None", days?.into()))).collect()
    }
}

/// Logs the line that holds the metrics of a job, if there are any. The dimension is `job`, and with a service
/// `service` and `job`.
pub fn emit(metrics: &[Metric], job: &str, service: Option<&str>) {
    if metrics.is_empty() {
        return;
    }
    let line = embedded(metrics, job, service).to_string();
    info!(target: METRICS, { json.metrics = line }, "metrics");
}

fn embedded(metrics: &[Metric], job: &str, service: Option<&str>) -> Value {
    let definitions: Vec<Value> =
        metrics.iter().map(|Metric(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let dimensions = service.map(|service| ("service", service)).into_iter().chain([("job", job)]);
    let names: Vec<&str> = dimensions.clone().map(|(name, _)| name).collect();
    let mut line = json!({"_aws": {
        "Timestamp": Utc::now().timestamp_millis(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": definitions}],
    }});
    if let Value::Object(line) = &mut line {
        line.extend(metrics.iter().map(|Metric(name, _, value)| ((*name).to_owned(), value.clone())));
        line.extend(dimensions.map(|(name, value)| (name.to_owned(), json!(value))));
    }
    line
}
