//! The Lambda function of runs over shards (`scale/template.yaml`): sums up the results of all shards.

use std::process::ExitCode;

use collector::aws;
use collector::telemetry::{self, Format};
use lambda_runtime::{LambdaEvent, service_fn};
use rollup::RollupFunction;
use serde_json::Value;
use tracing::level_filters::LevelFilter;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "standard output is where Lambda takes the log from")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        eprintln!("rollup is the Lambda function of runs over shards: docs/scale.md describes how to deploy it");
        return ExitCode::FAILURE;
    }
    let function = RollupFunction::from_env();
    let redactor = function.redactor();
    let level = telemetry::level_from_env();
    let subscriber = telemetry::subscriber(Format::Json, level.clone().unwrap_or(LevelFilter::INFO), move |line| {
        println!("{}", redactor.redact(line));
    });
    // No other subscriber is set.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Err(problem) = level {
        tracing::warn!(kind = "config", "{problem}");
    }
    let handler = service_fn(async |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        function.invoke(&payload, &context.request_id, context.deadline(), aws::from_variables).await
    });
    match lambda_runtime::run(handler).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}
