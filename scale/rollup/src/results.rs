//! The files of the result writer. A missing field affects only its own number.

use serde::Deserialize;
use serde_json::Value;

use super::{Failed, Outcome, number};
use collector::report;

/// The result writer's `manifest.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Manifest {
    result_files: Files,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE", default)]
struct Files {
    succeeded: Vec<File>,
    failed: Vec<File>,
    pending: Vec<File>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    key: String,
}

impl Manifest {
    /// Parses a manifest; `None` if `bytes` are not one.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        // serde would read a list as the manifest's fields in their order.
        bytes.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(bytes).ok()).flatten()
    }

    /// The keys of all files of results.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let Files { succeeded, failed, pending } = &self.result_files;
        succeeded.iter().chain(failed).chain(pending).map(|file| file.key.as_str())
    }

    /// The keys of the files of shards that failed.
    pub fn files_of_failures(&self) -> impl Iterator<Item = &str> {
        let Files { failed, pending, .. } = &self.result_files;
        failed.iter().chain(pending).map(|file| file.key.as_str())
    }
}

/// One child execution, as the result writer describes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Item {
    name: String,
    status: String,
    input: Value,
    output: Value,
    error: Option<String>,
    cause: Option<String>,
}

/// Parses the child executions of one file of results; `None` if `bytes` are none.
pub fn items(bytes: &[u8]) -> Option<Vec<Item>> {
    serde_json::from_slice(bytes).ok()
}

/// Step Functions writes inputs and outputs as JSON texts.
fn opened(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    }
}

impl Item {
    /// The function's event.
    pub fn event(&self) -> Value {
        let mut input = opened(&self.input);
        input.get_mut("event").map(Value::take).unwrap_or(input)
    }

    /// Whether the execution succeeded.
    pub fn succeeded(&self) -> bool {
        self.status == "SUCCEEDED"
    }

    /// The results of the shard, and the topics that failed in it.
    pub(super) fn outcome(&self) -> (Outcome, Vec<Failed>) {
        let event = self.event();
        let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let shard = Some(text("shard")).filter(|s| !s.is_empty()).unwrap_or_else(|| self.name.clone());
        let topics = ["accounts", "hashtags"].iter().find_map(|key| event.get(key)?.as_array()).map_or(0, Vec::len);
        let (message, failed) = self.failure();
        let summary = if self.succeeded() { self.summary() } else { failed.unwrap_or_default() };
        let figures_known = summary.is_object();
        let files = summary.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
        let outcome = Outcome {
            secret_id: text("secret_id"),
            error: (!self.succeeded()).then(|| self.reason(&message)),
            figures_known,
            topics,
            records: files.iter().map(|file| number(file, "/records")).sum(),
            objects: files.len(),
            rejected: number(&summary, "/quality/rejected"),
            defaulted: number(&summary, "/quality/defaulted"),
            api_calls: number(&summary, "/api_calls"),
            usage_percent: summary.get("usage_percent").and_then(Value::as_u64).and_then(|p| p.try_into().ok()),
            shard: shard.clone(),
        };
        let failed = summary.get("failures").and_then(Value::as_array).into_iter().flatten();
        let failed = failed.map(|failure| {
            let text = |key: &str| failure.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let code = failure.get("code").and_then(Value::as_i64);
            Failed { shard: shard.clone(), topic: text("topic"), kind: text("kind"), code, message: text("message") }
        });
        (outcome, failed.collect())
    }

    fn summary(&self) -> Value {
        opened(&self.output).get("summary").cloned().unwrap_or_default()
    }

    /// The cause and the summary, from the function's error in the execution's cause.
    fn failure(&self) -> (String, Option<Value>) {
        let cause = self.cause.as_deref().unwrap_or_default();
        let payload = serde_json::from_str::<Value>(cause).unwrap_or_default();
        report::parts(payload.get("errorMessage").and_then(Value::as_str).unwrap_or(cause))
    }

    fn reason(&self, message: &str) -> String {
        let kind = self.error.as_deref().unwrap_or(&self.status);
        let short: String = message.chars().take(300).collect();
        if short.is_empty() { kind.to_owned() } else { format!("{kind}: {short}") }
    }
}
