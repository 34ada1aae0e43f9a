//! The roll-up: one summary of a run over all its shards, made from the results that the state machine
//! wrote.
//!
//! The result writer's format is that of Step Functions: a `manifest.json` that lists files of succeeded,
//! failed and pending child executions, each a JSON array with their inputs and outputs as JSON texts
//! (docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{error, info, warn};

use collector::counted::counted;
use collector::report::{Metric, emit};
use collector::sink::SinkError;

mod event;
mod function;
mod results;

pub use event::RollupEvent;
pub use function::{RollupError, RollupFailure, RollupFunction, RollupResponse};
pub use results::{Item, Manifest, items};

/// A run over all its shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupSummary {
    /// The job.
    pub job: String,
    /// The time that names the run's objects.
    pub time: String,
    /// The sums over all shards.
    pub totals: Totals,
    /// The use of each credential, by secret.
    pub credentials: Vec<Usage>,
    /// The topics that failed in shards that succeeded.
    pub failures: Vec<Failed>,
    /// Each shard, by name.
    pub shards: Vec<Outcome>,
}

/// The sums over all shards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The number of shards.
    pub shards: usize,
    /// The number of shards that failed, with all their topics.
    pub failed_shards: usize,
    /// The number of shards whose figures are unknown, since their results have no summary. The other sums do not
    /// include them.
    #[serde(default)]
    pub unknown_shards: usize,
    /// The number of topics.
    pub topics: usize,
    /// The number of topics that failed, including those of failed shards.
    pub failed_topics: usize,
    /// The number of records stored.
    pub records: u64,
    /// The number of objects stored, without quality objects.
    pub objects: usize,
    /// The number of records left out.
    pub rejected: u64,
    /// The number of fields that got their default.
    pub defaulted: u64,
    /// The number of calls to the API.
    pub api_calls: u64,
}

/// The use of a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The credential's secret; empty for the function's own.
    pub secret_id: String,
    /// The number of shards.
    pub shards: usize,
    /// The number of topics.
    pub topics: usize,
    /// The number of calls.
    pub api_calls: u64,
    /// The highest usage that the API reported, in percent.
    pub usage_percent: Option<u32>,
}

/// A topic that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The shard.
    pub shard: String,
    /// The topic.
    pub topic: String,
    /// The class of the failure.
    pub kind: String,
    /// The API's code.
    pub code: Option<i64>,
    /// What happened.
    pub message: String,
}

/// The results of a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The name; that of the execution if the event has none.
    pub shard: String,
    /// The secret of the credential.
    pub secret_id: String,
    /// Why the shard failed; `None` if it succeeded.
    pub error: Option<String>,
    /// Whether the figures are known. A result that Step Functions truncated has no summary.
    #[serde(default = "known")]
    pub figures_known: bool,
    /// The number of topics.
    pub topics: usize,
    /// The number of records stored.
    pub records: u64,
    /// The number of objects stored.
    pub objects: usize,
    /// The number of records left out.
    pub rejected: u64,
    /// The number of fields that got their default.
    pub defaulted: u64,
    /// The number of calls.
    pub api_calls: u64,
    /// The highest reported usage, in percent.
    pub usage_percent: Option<u32>,
}

/// Summaries that were written before this field existed counted every shard.
const fn known() -> bool {
    true
}

/// Reads the results whose manifest has the key `manifest` and sums them up for `event`, on top of the summary at
/// `summary_key` if one exists. Shards that ran again replace their earlier results, and the others stay.
///
/// # Errors
/// What could not be read.
pub async fn read(
    event: &RollupEvent,
    manifest: &str,
    summary_key: &str,
    get: impl AsyncFn(String) -> Result<Option<bytes::Bytes>, SinkError>,
) -> Result<RollupSummary, String> {
    let needed = async |key: &str| match get(key.to_owned()).await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(format!("the results {key} do not exist")),
        Err(error) => Err(error.to_string()),
    };
    let read = Manifest::read(&needed(manifest).await?);
    let read = read.ok_or_else(|| format!("{manifest} is not a manifest of a result writer"))?;
    let mut found = Vec::new();
    for key in read.files() {
        found.extend(items(&needed(key).await?).ok_or_else(|| format!("{key} is not a list of results"))?);
    }
    let before = get(summary_key.to_owned()).await.map_err(|e| e.to_string())?;
    // A summary that cannot be read is replaced. It is made from results, which are kept.
    let before = before.and_then(|bytes| serde_json::from_slice::<RollupSummary>(&bytes).ok());
    Ok(sum(event.job.name(), &event.time_text(), &found, before))
}

/// Sums up `items` on top of `before`.
pub fn sum(job: &str, time: &str, items: &[Item], before: Option<RollupSummary>) -> RollupSummary {
    let mut shards: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut failures: BTreeMap<String, Vec<Failed>> = BTreeMap::new();
    if let Some(before) = before {
        shards.extend(before.shards.into_iter().map(|outcome| (outcome.shard.clone(), outcome)));
        for failed in before.failures {
            failures.entry(failed.shard.clone()).or_default().push(failed);
        }
    }
    for item in items {
        let (outcome, failed) = item.outcome();
        // The objects of a shard stay stored, whatever happens when it runs again.
        if outcome.error.is_some() && shards.get(&outcome.shard).is_some_and(|known| known.error.is_none()) {
            continue;
        }
        failures.insert(outcome.shard.clone(), failed);
        shards.insert(outcome.shard.clone(), outcome);
    }
    let shards: Vec<Outcome> = shards.into_values().collect();
    let failures: Vec<Failed> = failures.into_values().flatten().collect();
    let totals = totals(&shards, &failures);
    RollupSummary { job: job.to_owned(), time: time.to_owned(), totals, credentials: usage(&shards), failures, shards }
}

fn totals(shards: &[Outcome], failures: &[Failed]) -> Totals {
    let mut totals = Totals { shards: shards.len(), ..Totals::default() };
    let lost: BTreeSet<&str> = shards.iter().filter(|s| s.error.is_some()).map(|s| s.shard.as_str()).collect();
    for shard in shards {
        totals.topics += shard.topics;
        totals.records += shard.records;
        totals.objects += shard.objects;
        totals.rejected += shard.rejected;
        totals.defaulted += shard.defaulted;
        totals.api_calls += shard.api_calls;
        totals.unknown_shards += usize::from(!shard.figures_known);
        if shard.error.is_some() {
            totals.failed_shards += 1;
            totals.failed_topics += shard.topics;
        }
    }
    totals.failed_topics += failures.iter().filter(|f| !lost.contains(f.shard.as_str())).count();
    totals
}

fn usage(shards: &[Outcome]) -> Vec<Usage> {
    let mut usage: BTreeMap<&str, Usage> = BTreeMap::new();
    for shard in shards {
        let of = usage.entry(&shard.secret_id).or_default();
        of.secret_id.clone_from(&shard.secret_id);
        of.shards += 1;
        of.topics += shard.topics;
        of.api_calls += shard.api_calls;
        of.usage_percent = of.usage_percent.max(shard.usage_percent);
    }
    usage.into_values().collect()
}

impl RollupSummary {
    /// The summary as JSON text.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a struct of strings, numbers and lists is JSON")
    }

    /// Logs each failed shard, the summary in one line, and the metrics of the whole run.
    pub fn log(&self, service: Option<&str>) {
        let metrics = [
            Metric("records", "Count", self.totals.records.into()),
            Metric("failed_shards", "Count", self.totals.failed_shards.into()),
        ];
        emit(&metrics, &self.job, service);
        for shard in &self.shards {
            if let Some(reason) = &shard.error {
                error!(
                    kind = "shard",
                    shard = shard.shard,
                    "shard failed with {}: {reason}",
                    counted(shard.topics, "topic")
                );
            }
            if !shard.figures_known {
                let shard = &shard.shard;
                warn!(kind = "shard", shard, "the shard's result holds no summary: its figures are in no sum");
            }
        }
        let Totals { shards, failed_shards, topics, failed_topics, records, .. } = &self.totals;
        info!(
            "{} at {}: {} of {} in {}; {} and {} failed",
            self.job,
            self.time,
            counted(*records, "record"),
            counted(*topics, "topic"),
            counted(*shards, "shard"),
            counted(*failed_shards, "shard"),
            counted(*failed_topics, "topic"),
        );
    }
}

/// A number in a JSON object, at any depth; 0 if there is none.
fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests;
