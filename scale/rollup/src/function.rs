//! The roll-up as a Lambda function. It reads results and writes a summary, and needs no secret.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use bytes::Bytes;
use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tracing::{Instrument, info_span};

use super::event::MANIFEST;
use super::{RollupEvent, Totals};
use collector::causes::with_causes;
use collector::config::{Config, ConfigError, Locations, PACKAGED};
use collector::env::variable;
use collector::redact::Redactor;
use collector::sink::{Sink, SinkError};
use collector::{aws, http, report};

/// The time before Lambda's deadline that is reserved for the response.
const RESPONDING_TIME: Duration = Duration::from_millis(250);

/// The time limit of a roll-up whose deadline is unknown.
const UNKNOWN_DEADLINE: Duration = Duration::from_secs(60);

/// The roll-up of a process.
pub struct RollupFunction {
    bucket: Option<String>,
    config_file: PathBuf,
    service: Option<String>,
    redactor: Arc<Redactor>,
    clients: OnceCell<Clients>,
}

/// What is built once per process.
struct Clients {
    aws: SdkConfig,
    bucket: String,
    locations: Locations,
}

/// The function's response.
#[derive(Debug, Clone, Serialize)]
pub struct RollupResponse {
    /// 200. A run that cannot be summed up is an invocation error.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// `bucket/key` of the summary.
    pub target_file: String,
    /// The sums over all shards.
    pub totals: Totals,
}

/// A roll-up that failed.
#[derive(Debug, thiserror::Error)]
pub enum RollupError {
    /// The event does not name a run that can be summed up.
    #[error(
        "the event has the {key:?}: {given}; allowed: \"job\" (brand_media or hashtag), \"time\" (RFC 3339) and \"results\" (runs/.../manifest.json)"
    )]
    Event {
        /// The key.
        key: &'static str,
        /// The value, shortened.
        given: String,
    },
    /// The environment does not name the bucket.
    #[error("the variable BUCKET is not set; expected: the bucket that holds the results of the run")]
    Bucket,
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Http(#[from] reqwest::Error),
    /// The results could not be read.
    #[error("{0}")]
    Results(String),
    /// The summary could not be stored.
    #[error(transparent)]
    Store(#[from] SinkError),
}

impl RollupError {
    /// The kind: Lambda's `errorType`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Event { .. } => "event",
            Self::Bucket | Self::Config(_) => "config",
            Self::Http(_) => "http",
            Self::Results(_) => "results",
            Self::Store(_) => "store",
        }
    }
}

/// An invocation that failed. It holds no secret.
pub struct RollupFailure {
    /// [`RollupError::kind`].
    pub kind: &'static str,
    /// The cause, as text.
    pub text: String,
}

/// The runtime logs a returned error with `Debug`.
impl fmt::Debug for RollupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.text)
    }
}

impl From<RollupFailure> for Diagnostic {
    fn from(failure: RollupFailure) -> Self {
        Self { error_type: failure.kind.to_owned(), error_message: failure.text }
    }
}

impl RollupFunction {
    /// A function on `bucket`. The configuration says how a summary's key shows the time.
    pub fn new(bucket: Option<String>, config_file: PathBuf) -> Self {
        Self { bucket, config_file, service: None, redactor: Arc::default(), clients: OnceCell::new() }
    }

    /// The function of the environment: `BUCKET`, `SERVICE`, and `CONFIG_FILE` or the packaged configuration.
    pub fn from_env() -> Self {
        let config_file = variable("CONFIG_FILE").unwrap_or_else(|| PACKAGED.to_owned());
        let function = Self::new(variable("BUCKET"), config_file.into());
        Self { service: report::service_from_env(), ..function }
    }

    /// Takes AWS's credentials out of log lines and errors.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// Runs one invocation. `load_aws` configures the AWS SDK. The first invocation that can build the
    /// clients builds them for all later ones.
    ///
    /// # Errors
    /// [`RollupError`], as an error of the invocation.
    pub async fn invoke(
        &self,
        payload: &Value,
        request_id: &str,
        deadline: SystemTime,
        load_aws: impl AsyncFnOnce(http::Client) -> SdkConfig,
    ) -> Result<RollupResponse, RollupFailure> {
        let left = deadline.duration_since(SystemTime::now()).unwrap_or(UNKNOWN_DEADLINE);
        let end = Instant::now() + left.saturating_sub(RESPONDING_TIME);
        let event = RollupEvent::parse(payload);
        let span = info_span!("rollup", requestId = request_id, job = event.as_ref().map_or("", |e| e.job.name()));
        async {
            // The box limits how deep the compiler looks into one future.
            let done = async { Box::pin(self.roll_up(&event?, end, load_aws)).await }.await;
            done.map_err(|failed| {
                let text = self.redactor.redact(&failed.to_string()).into_owned();
                RollupFailure { kind: failed.kind(), text }
            })
        }
        .instrument(span)
        .await
    }

    async fn roll_up(
        &self,
        event: &RollupEvent,
        end: Instant,
        load_aws: impl AsyncFnOnce(http::Client) -> SdkConfig,
    ) -> Result<RollupResponse, RollupError> {
        let Clients { aws, bucket, locations } =
            self.clients.get_or_try_init(async || self.build(load_aws).await).await?;
        let sink = Sink::s3(aws, bucket.clone());
        let key = locations.summary(event.job, event.time);
        let limit = || end.saturating_duration_since(Instant::now());
        let manifest = if event.results.ends_with('/') {
            newest(&aws::s3(aws), bucket, &event.results).await.map_err(RollupError::Results)?
        } else {
            event.results.clone()
        };
        let get = async |key: String| sink.get(&key, limit()).await;
        let summary = super::read(event, &manifest, key.as_str(), get).await.map_err(RollupError::Results)?;
        summary.log(self.service.as_deref());
        sink.put(&key, Bytes::from(summary.to_json()), limit()).await?;
        Ok(RollupResponse { status_code: 200, target_file: sink.place(&key), totals: summary.totals })
    }

    async fn build(&self, load_aws: impl AsyncFnOnce(http::Client) -> SdkConfig) -> Result<Clients, RollupError> {
        let bucket = self.bucket.clone().ok_or(RollupError::Bucket)?;
        let locations = Config::load(&self.config_file)?.locations;
        let aws = aws::redacting(&load_aws(http::client()?).await, self.redactor());
        Ok(Clients { aws, bucket, locations })
    }
}

/// The key of the newest manifest below a prefix.
async fn newest(client: &aws_sdk_s3::Client, bucket: &str, prefix: &str) -> Result<String, String> {
    let mut pages = client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    let mut found: Option<(Option<aws_smithy_types::DateTime>, String)> = None;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| format!("{bucket}/{prefix} could not be listed: {}", with_causes(&e)))?;
        for object in page.contents() {
            let named = object.key().filter(|key| key.ends_with(MANIFEST)).map(str::to_owned);
            let dated = named.map(|key| (object.last_modified().copied(), key));
            found = dated.into_iter().chain(found).max();
        }
    }
    found.map(|(_, key)| key).ok_or_else(|| format!("there are no results below {prefix}"))
}
