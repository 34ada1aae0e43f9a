//! The AWS SDK's configuration. Its standard variables apply in the function as they do in a terminal. The HTTP client,
//! the retries and the time limits are our own.
//!
//! Lambda passes the region and the credentials to a function only in variables, so the function reads only those
//! ([`from_variables`]). In a terminal, they may also come from profiles, SSO and other sources ([`from_everywhere`]).

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::retry::{ErrorKind, ReconnectMode};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use memchr::memmem;
use tracing::warn;

use crate::causes::with_causes;
use crate::env::variable;
use crate::http;
use crate::redact::Redactor;

mod access;

pub use access::{AwsProblem, check};

fn version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Tries of one operation, including the first one.
const TRIES: u32 = 4;

/// The first wait between tries, and the longest; the SDK draws each at random below an exponential bound.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// The time limit of one try. The run's remaining time limits the whole operation; see `sink.rs`.
const ATTEMPT: Duration = Duration::from_secs(5);

/// The time limit of an operation with all its tries, unless the run's own limit is shorter.
const OPERATION: Duration = Duration::from_secs(15);

/// Loads the configuration of the SDK: one of this module's two functions.
pub type Load = fn(http::Client) -> BoxFuture<'static, SdkConfig>;

/// The configuration in variables, as in Lambda. No file is read and no metadata service is asked. The SDK's loader
/// would link all its credential sources, which makes the function's package a seventh larger.
pub fn from_variables(client: http::Client) -> BoxFuture<'static, SdkConfig> {
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(variable);
    let mut config = SdkConfig::builder()
        .behavior_version(version())
        .http_client(http::for_sdk(client))
        .retry_config(retries())
        .timeout_config(timeouts())
        .sleep_impl(TokioSleep::new())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()));
    config.set_use_fips(parsed("AWS_USE_FIPS_ENDPOINT"));
    config.set_use_dual_stack(parsed("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_request_checksum_calculation(parsed("AWS_REQUEST_CHECKSUM_CALCULATION"));
    config.set_response_checksum_validation(parsed("AWS_RESPONSE_CHECKSUM_VALIDATION"));
    if parsed("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != Some(true) {
        config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
        config = config.service_config(Variables);
    }
    std::future::ready(config.build()).boxed()
}

/// The value of a variable. An unreadable value is a WARNING and is ignored.
fn parsed<T: FromStr>(name: &str) -> Option<T> {
    let value = variable(name)?;
    let parsed = value.to_ascii_lowercase().parse().ok();
    if parsed.is_none() {
        warn!(kind = "config", "{name}={value} is not a valid value of this variable and is ignored");
    }
    parsed
}

/// A service's own variables: `AWS_ENDPOINT_URL_S3` is `AWS_ENDPOINT_URL` of the service `s3`.
#[derive(Debug)]
struct Variables;

impl LoadServiceConfig for Variables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace([' ', '-'], "_");
        variable(&format!("{}_{service}", key.env())).or_else(|| variable(key.env()))
    }
}

/// The whole default chain of AWS: variables, profiles, SSO, processes, containers, instances.
pub fn from_everywhere(client: http::Client) -> BoxFuture<'static, SdkConfig> {
    loader(client).load().boxed()
}

/// The SDK's own loader with our settings.
pub fn loader(client: http::Client) -> aws_config::ConfigLoader {
    aws_config::defaults(version())
        .http_client(http::for_sdk(client))
        .retry_config(retries())
        .timeout_config(timeouts())
}

/// `config`, whose credentials `redactor` learns before they are used.
pub fn redacting(config: &SdkConfig, redactor: Arc<Redactor>) -> SdkConfig {
    let Some(credentials) = config.credentials_provider() else { return config.clone() };
    let learned = RedactedCredentials { credentials, redactor };
    config.to_builder().credentials_provider(SharedCredentialsProvider::new(learned)).build()
}

/// Credentials that a [`Redactor`] learns.
#[derive(Debug)]
struct RedactedCredentials {
    credentials: SharedCredentialsProvider,
    redactor: Arc<Redactor>,
}

impl ProvideCredentials for RedactedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.credentials.provide_credentials().await?;
            self.redactor.add(credentials.secret_access_key());
            credentials.session_token().into_iter().for_each(|token| self.redactor.add(token));
            Ok(credentials)
        })
    }
}

/// Tries of one operation, and the waits between them.
pub(crate) fn retries() -> RetryConfig {
    let retries = RetryConfig::standard().with_max_attempts(TRIES);
    // The SDK would close the connection of a failed try. It logs an ERROR each time if the connection belongs to
    // reqwest, whose pool drops broken connections itself.
    let retries = retries.with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    retries.with_initial_backoff(BACKOFF.0).with_max_backoff(BACKOFF.1)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build()
}

/// The endpoint of S3 that a variable, the profile or the program sets, instead of AWS's own. The variable or the
/// `[services]` section of S3 takes precedence over the general ones.
fn s3_endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let key = key.build().expect("all its parts are given");
    let of_s3 = config.service_config().and_then(|services| services.load_config(key));
    of_s3.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// The S3 client: path-style if an endpoint is set, since a custom one has no host for each bucket.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let custom = s3_endpoint(config).is_some();
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(custom).retry_classifier(WorthAnotherTry);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// The content of an object in a response of S3, at most `largest` bytes.
///
/// # Errors
/// Why it cannot be read, or its size if it is larger.
pub(crate) async fn content(got: GetObjectOutput, largest: u64) -> Result<Bytes, String> {
    let length = got.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
    if length > largest {
        return Err(format!("it has {length} bytes, at most {largest} are read"));
    }
    let content = got.body.collect().await.map_err(|error| with_causes(&error))?;
    Ok(content.into_bytes())
}

/// S3 errors that the SDK does not retry although a retry can succeed: by then the clock of a frozen function is right
/// again, or another writer has finished.
#[derive(Debug)]
struct WorthAnotherTry;

const WORTH_ANOTHER_TRY: [&str; 2] = ["<Code>RequestTimeTooSkewed</Code>", "<Code>ConditionalRequestConflict</Code>"];

impl ClassifyRetry for WorthAnotherTry {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let body = context.response().and_then(|response| response.body().bytes()).unwrap_or_default();
        if WORTH_ANOTHER_TRY.iter().any(|code| memmem::find(body, code.as_bytes()).is_some()) {
            return RetryAction::retryable_error(ErrorKind::TransientError);
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "worth another try"
    }
}
