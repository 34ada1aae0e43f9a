//! The AWS SDK's configuration: region and credentials as everywhere in AWS, our HTTP client, and
//! retries and time limits set on purpose.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

use crate::http;

/// Tries of one operation, the first one included.
const TRIES: u32 = 4;

/// The first wait between tries, and the longest; the SDK draws each at random below an exponential bound.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// One try of an operation. What the run has left of its time bounds the whole of it; see `sink.rs`.
const ATTEMPT: Duration = Duration::from_secs(5);

/// An operation with all its tries, where nothing nearer bounds it.
const OPERATION: Duration = Duration::from_secs(15);

/// Loads the configuration from the environment. The standard variables count, `AWS_ENDPOINT_URL` and
/// `AWS_ENDPOINT_URL_S3` among them.
pub async fn config(client: reqwest::Client) -> SdkConfig {
    loader(client).load().await
}

/// The settings of [`config`] before the environment fills in the rest.
pub fn loader(client: reqwest::Client) -> ConfigLoader {
    let retries =
        RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(BACKOFF.0).with_max_backoff(BACKOFF.1);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http::for_sdk(client))
        .retry_config(retries)
        .timeout_config(timeouts)
}

/// The S3 client: path-style where an endpoint is set, since a custom one has no host for each bucket.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let custom =
        config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|v| !v.is_empty());
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(custom).build();
    aws_sdk_s3::Client::from_conf(config)
}
