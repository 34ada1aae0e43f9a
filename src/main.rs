//! The Lambda function: starts up and hands each invocation to the collector.

use std::process::ExitCode;

use collector::function::{Function, Invocation, Settings};
use collector::secret;
use collector::telemetry::{self, Format};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing::level_filters::LevelFilter;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "standard output is where Lambda takes the log from")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        eprintln!(
            "data-collector is the Lambda function: run `luxury-brands` in a terminal (`cargo run -- --help`), or this under `cargo lambda watch`"
        );
        return ExitCode::FAILURE;
    }
    let renewal = secret::renewal_from_env();
    let function = Function::new(Settings { renews_token: renewal == Ok(true), ..Settings::from_env() });
    let redactor = function.redactor();
    let level = telemetry::level_from_env();
    let subscriber = telemetry::subscriber(Format::Json, level.clone().unwrap_or(LevelFilter::INFO), move |line| {
        println!("{}", redactor.redact(line));
    });
    // No other subscriber is set.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if std::env::var_os("TRACING").is_some() {
        tracing::warn!(
            kind = "config",
            "TRACING no longer has an effect, remove it: the summary and the line of each topic have `elapsed_ms`, and Lambda's active tracing needs no variable"
        );
    }

    for problem in [renewal.err(), level.err()].into_iter().flatten() {
        tracing::warn!(kind = "config", "{problem}");
    }
    function.prepare().await;
    let handler = service_fn(async |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        let deadline = context.deadline();
        let invocation = Invocation::new(context.request_id, deadline);
        function.invoke(&payload, &invocation, &()).await
    });
    match lambda_runtime::run(handler).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}
