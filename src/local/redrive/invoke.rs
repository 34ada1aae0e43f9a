//! The deployed function: its failure queue, and one run of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;

use super::message::name_and_qualifier;
use crate::graph::Kind;
use crate::local::storage::redacted;
use crate::redact::Redactor;
use crate::report;

/// The longest run that is waited for: Lambda's limit of 15 minutes, and what the answer takes.
const LONGEST_RUN: Duration = Duration::from_secs(16 * 60);

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It stored what it collected.
    Succeeded(String),
    /// It failed. Another event may succeed.
    Failed(String),
    /// It failed, and every other run would now fail likewise.
    Stopped(String),
}

/// A function of the account, by its name or ARN.
pub(super) struct DeployedFunction {
    client: Client,
    name: String,
    redactor: Arc<Redactor>,
}

impl DeployedFunction {
    pub(super) fn new(config: &SdkConfig, name: String, redactor: Arc<Redactor>) -> Self {
        Self { client: Client::new(config), name, redactor }
    }

    /// The URL of the queue that takes the function's failed events.
    ///
    /// # Errors
    /// Where it has none, or it cannot be looked up.
    pub(super) async fn failure_queue(&self, sqs: &aws_sdk_sqs::Client) -> Result<String> {
        let asked = self.client.get_function_event_invoke_config().function_name(&self.name);
        // SAM configures the version $LATEST by its name.
        let latest = name_and_qualifier(&self.name).1.is_none().then(|| "$LATEST".to_owned());
        let asked = asked.set_qualifier(latest).send().await;
        let asked = asked.map_err(|e| redacted(&self.redactor, &e)).with_context(|| {
            format!(
                "the failure queue of the function {:?} cannot be looked up; needed are lambda:GetFunctionEventInvokeConfig, a region and credentials, or --queue",
                self.name
            )
        })?;
        let destination = asked.destination_config.and_then(|config| config.on_failure?.destination);
        let Some([account, queue]) = destination.as_deref().and_then(queue_of) else {
            let is = destination.unwrap_or_else(|| "nothing".to_owned());
            bail!(
                "the failed events of the function {:?} go to {is}: an SQS queue expected; name it with --queue",
                self.name
            );
        };
        let found = sqs.get_queue_url().queue_name(queue).queue_owner_aws_account_id(account).send().await;
        let found = found.map_err(|e| redacted(&self.redactor, &e));
        let url =
            found.with_context(|| format!("the queue {queue:?} has no URL; needed is sqs:GetQueueUrl, or --queue"))?;
        url.queue_url.with_context(|| format!("the queue {queue:?} has no URL"))
    }

    /// Runs the function on an event and waits until it has ended.
    pub(super) async fn run(&self, payload: &Value) -> Outcome {
        // A second try would be a second run, of which the first one's answer is lost.
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(LONGEST_RUN).operation_timeout(LONGEST_RUN);
        let patient = aws_sdk_lambda::config::Builder::new()
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let invoke = self.client.invoke().function_name(&self.name).payload(Blob::new(payload.to_string()));
        match invoke.customize().config_override(patient).send().await {
            Err(error) => Outcome::Stopped(format!("it was not run: {:#}", redacted(&self.redactor, &error))),
            Ok(answer) => {
                let body = answer.payload.map(Blob::into_inner).unwrap_or_default();
                outcome(answer.function_error.is_some(), &serde_json::from_slice(&body).unwrap_or_default())
            }
        }
    }
}

/// The account and the name in a queue's ARN.
fn queue_of(arn: &str) -> Option<[&str; 2]> {
    match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "sqs", _, account, name] => Some([account, name]),
        _ => None,
    }
}

/// Kinds of errors that every other run would end in too.
const OF_EVERY_RUN: [&str; 3] = ["secret", "config", "http"];

/// Kinds of failed topics that every other run would meet too.
const OF_EVERY_TOPIC: [Kind; 4] = [Kind::Throttled, Kind::Usage, Kind::Token, Kind::VersionEnded];

/// What the function's answer tells.
fn outcome(is_error: bool, answer: &Value) -> Outcome {
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    let (words, told) = report::parts(text("errorMessage").unwrap_or_default());
    let summary = answer.get("summary").or(told.as_ref());
    let failures = summary.and_then(|summary| summary.get("failures")?.as_array());
    let kinds = failures.into_iter().flatten().filter_map(|failure| failure.get("kind")?.as_str());
    let of_every_topic = kinds.into_iter().find(|kind| OF_EVERY_TOPIC.iter().any(|of| of.name() == *kind));
    if is_error {
        let kind = text("errorType").unwrap_or("error");
        let why = format!("{kind}: {words}");
        let stops = OF_EVERY_RUN.contains(&kind) || of_every_topic.is_some();
        return if stops { Outcome::Stopped(why) } else { Outcome::Failed(why) };
    }
    let stored = summary.is_some_and(|summary| {
        let files = summary.get("files").and_then(Value::as_array).is_some_and(|files| !files.is_empty());
        files || summary.get("token").is_some_and(Value::is_object)
    });
    let sentence = text("body").unwrap_or("the answer is not the collector's").to_owned();
    match of_every_topic {
        Some(kind) => Outcome::Stopped(format!("{kind}: {sentence}")),
        // A throttled run is no error of the invocation's.
        None if !stored => Outcome::Stopped(format!("nothing came: {sentence}")),
        None => Outcome::Succeeded(sentence),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failures(kind: &str) -> Value {
        json!([{"topic": "dior", "kind": kind, "code": 4, "message": "no"}])
    }

    fn response(files: usize, failures: &Value) -> Value {
        let files = vec![json!({"key": "raw/x.json", "records": 3, "bytes": 9}); files];
        json!({"statusCode": 200, "body": "3 records", "summary": {"files": files, "failures": failures}})
    }

    fn error(kind: &str, failures: &Value) -> Value {
        let message = json!({"message": "because", "summary": {"failures": failures}}).to_string();
        json!({"errorType": kind, "errorMessage": message})
    }

    #[test]
    fn a_run_that_stored_something_succeeded() {
        assert_eq!(outcome(false, &response(1, &json!([]))), Outcome::Succeeded("3 records".into()));
        assert_eq!(outcome(false, &response(1, &failures("not_there"))), Outcome::Succeeded("3 records".into()));
        let token = json!({"body": "valid", "summary": {"files": [], "failures": [], "token": {"is_valid": true}}});
        assert_eq!(outcome(false, &token), Outcome::Succeeded("valid".into()));
    }

    #[test]
    fn what_every_other_run_would_meet_stops_them() {
        for kind in ["throttled", "usage", "token", "version_ended"] {
            let stopped = Outcome::Stopped(format!("{kind}: 3 records"));
            assert_eq!(outcome(false, &response(1, &failures(kind))), stopped, "what it stored is not whole");
            let stopped = Outcome::Stopped("nothing_collected: because".into());
            assert_eq!(outcome(true, &error("nothing_collected", &failures(kind))), stopped);
        }
        for kind in ["secret", "config", "http"] {
            assert_eq!(outcome(true, &error(kind, &json!([]))), Outcome::Stopped(format!("{kind}: because")));
        }
    }

    #[test]
    fn a_failure_of_one_event_stops_no_other() {
        for kind in ["store", "event"] {
            assert_eq!(outcome(true, &error(kind, &json!([]))), Outcome::Failed(format!("{kind}: because")));
        }
        let lost = Outcome::Failed("nothing_collected: because".into());
        assert_eq!(outcome(true, &error("nothing_collected", &failures("not_there"))), lost);
        let ended = json!({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 60.00 seconds"});
        assert!(matches!(outcome(true, &ended), Outcome::Failed(why) if why.contains("60.00 seconds")));
    }

    #[test]
    fn a_run_of_which_nothing_came_did_not_succeed() {
        assert_eq!(outcome(false, &response(0, &json!([]))), Outcome::Stopped("nothing came: 3 records".into()));
        for other in [json!(null), json!("ok"), json!({"statusCode": 200})] {
            assert!(matches!(outcome(false, &other), Outcome::Stopped(why) if why.contains("not the collector's")));
        }
    }

    #[test]
    fn only_a_queue_is_one() {
        assert_eq!(queue_of("arn:aws:sqs:eu-west-1:000000000000:failed"), Some(["000000000000", "failed"]));
        for other in ["", "arn:aws:sns:eu-west-1:000000000000:failed", "https://sqs.eu-west-1.amazonaws.com/0/failed"] {
            assert_eq!(queue_of(other), None, "{other}");
        }
    }
}
