//! The roll-up: one summary of a run over all its shards, from what the state machine's result writer
//! left of them.
//!
//! The result writer's format is that of Step Functions: a `manifest.json` that lists files of succeeded,
//! failed and pending child executions, each a JSON array with their inputs and outputs as JSON texts
//! (docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{error, info, warn};

use crate::sink::SinkError;

mod event;
mod function;
mod results;

pub use event::RollupEvent;
pub use function::{RollupAnswer, RollupError, RollupFailure, RollupFunction};
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
    /// What each credential was used for, by secret.
    pub credentials: Vec<Usage>,
    /// The topics that failed in shards that succeeded.
    pub failures: Vec<Failed>,
    /// Each shard, by name.
    pub shards: Vec<Outcome>,
}

/// Sums over shards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Shards of the run.
    pub shards: usize,
    /// Shards that failed, with all their topics.
    pub failed_shards: usize,
    /// Shards whose figures are not known and stand in none of the sums: their results hold no summary.
    #[serde(default)]
    pub unknown_shards: usize,
    /// Topics asked for.
    pub topics: usize,
    /// Topics that failed, those of failed shards included.
    pub failed_topics: usize,
    /// Records stored.
    pub records: u64,
    /// Objects stored, without quality objects.
    pub objects: usize,
    /// Records left out.
    pub rejected: u64,
    /// Fields given their default.
    pub defaulted: u64,
    /// Calls made to the API.
    pub api_calls: u64,
}

/// What a credential was used for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its secret; empty for the function's own.
    pub secret_id: String,
    /// Its shards.
    pub shards: usize,
    /// Its topics.
    pub topics: usize,
    /// Calls made with it.
    pub api_calls: u64,
    /// The highest usage that the API told of, in percent.
    pub usage_percent: Option<u32>,
}

/// A topic that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Its shard.
    pub shard: String,
    /// The topic.
    pub topic: String,
    /// The class of its failure.
    pub kind: String,
    /// The API's code.
    pub code: Option<i64>,
    /// What happened.
    pub message: String,
}

/// What came of a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name; that of its execution where the event named none.
    pub shard: String,
    /// The secret of its credential.
    pub secret_id: String,
    /// Why it failed; `None` where it succeeded.
    pub error: Option<String>,
    /// Whether its figures are known: a result that Step Functions cut short holds no summary.
    #[serde(default = "known")]
    pub figures_known: bool,
    /// Its topics.
    pub topics: usize,
    /// Records stored.
    pub records: u64,
    /// Objects stored.
    pub objects: usize,
    /// Records left out.
    pub rejected: u64,
    /// Fields given their default.
    pub defaulted: u64,
    /// Calls made.
    pub api_calls: u64,
    /// The highest usage told of, in percent.
    pub usage_percent: Option<u32>,
}

/// Roll-ups of before there was the field counted every shard.
const fn known() -> bool {
    true
}

/// Reads the results that `event` names and sums them up, on top of the summary at `summary_key` where there
/// is one: shards that ran again alone replace what was known of them, and the others stay.
///
/// # Errors
/// What could not be read.
pub async fn read(
    event: &RollupEvent,
    summary_key: &str,
    get: impl AsyncFn(String) -> Result<Option<bytes::Bytes>, SinkError>,
) -> Result<RollupSummary, String> {
    let needed = async |key: &str| match get(key.to_owned()).await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(format!("the results {key} are not there")),
        Err(error) => Err(error.to_string()),
    };
    let manifest = Manifest::read(&needed(&event.results).await?)
        .ok_or_else(|| format!("{} is no manifest of a result writer", event.results))?;
    let mut found = Vec::new();
    for key in manifest.files() {
        found.extend(items(&needed(key).await?).ok_or_else(|| format!("{key} is no list of results"))?);
    }
    let before = get(summary_key.to_owned()).await.map_err(|e| e.to_string())?;
    // A summary that cannot be read is replaced: it is made of results, which are kept.
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
        // What a shard stored stays stored, whatever becomes of it when it runs once more.
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
    /// The object to store.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and lists: writing them into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Tells each shard that failed, and the whole in a line.
    pub fn log(&self) {
        for shard in &self.shards {
            if let Some(why) = &shard.error {
                error!(kind = "shard", shard = shard.shard, "shard failed with its {} topics: {why}", shard.topics);
            }
            if !shard.figures_known {
                let shard = &shard.shard;
                warn!(kind = "shard", shard, "the shard's result holds no summary: its figures are in no sum");
            }
        }
        let Totals { shards, failed_shards, topics, failed_topics, records, .. } = &self.totals;
        info!(
            "{} at {}: {records} records of {topics} topics in {shards} shards; {failed_shards} shards and {failed_topics} topics failed",
            self.job, self.time
        );
    }
}

/// A number of a JSON object, however deep; 0 where there is none.
fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests;
