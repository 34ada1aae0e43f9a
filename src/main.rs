//! The Lambda function: starts up and hands each invocation to the collector.

use std::process::ExitCode;

use collector::function::{Function, Invocation};
use collector::secret;
use collector::telemetry::{self, Format};
use collector::traces;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "standard output is where Lambda takes the log from")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        eprintln!(
            "data-collector is the Lambda function: run `luxury-brands` in a terminal (`cargo run -- --help`), or this under `cargo lambda watch`"
        );
        return ExitCode::FAILURE;
    }
    let function = Function::from_env();
    let redactor = function.redactor();
    let subscriber = telemetry::subscriber(Format::Json, telemetry::level_from_env(), move |line| {
        println!("{}", redactor.redact(line));
    });
    let (traces, problem) = match traces::from_env(function.redactor()) {
        Ok(traces) => (traces, None),
        Err(problem) => (None, Some(problem)),
    };
    // No other subscriber is set.
    let _ = tracing::subscriber::set_global_default(subscriber.with(traces));
    if let Some(problem) = problem {
        tracing::warn!(kind = "tracing", "{problem}");
    }

    let renews = secret::renewal_from_env().unwrap_or_else(|told| {
        tracing::warn!(kind = "config", "{told}");
        false
    });
    let function = function.with_token_renewal(renews);
    function.prepare().await;
    let handler = service_fn(async |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        let deadline = context.deadline();
        let span = traces::invocation(context.xray_trace_id.as_deref());
        let invocation = Invocation::new(context.request_id, deadline);
        function.invoke(&payload, &invocation, &()).instrument(span).await
    });
    match lambda_runtime::run(handler).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}
