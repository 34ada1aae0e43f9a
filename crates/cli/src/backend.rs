//! Access to the API and the bucket for the commands that are not jobs. The sandbox may replace the API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use aws_config::SdkConfig;
use futures_util::FutureExt;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Setting;
use super::output::Output;
use super::setting::default_config;
use collector::config::{Config, ConfigError};
use collector::config_file;
use collector::graph::{Client, Session};
use collector::memory::Budget;
use collector::redact::Redactor;
use collector::secret::{Secret, SecretError, Source};
use collector::sink::{Destination, Sink};
use collector::stop::Stop;
use collector::{aws, http};
use sandbox::Sandbox;

/// The time limit of all calls of a command.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Access to the API and to the bucket.
pub(super) struct Backend {
    pub(super) source: Source,
    pub(super) sandbox: Option<Sandbox>,
    http: http::Client,
    aws: OnceCell<SdkConfig>,
    pub(super) redactor: Arc<Redactor>,
    config: Option<PathBuf>,
}

impl Backend {
    /// Builds the clients, and starts the sandbox if `setting` asks for it.
    pub(super) async fn open(setting: &Setting, redactor: Arc<Redactor>) -> Result<Self> {
        Ok(Self {
            source: setting.source(),
            sandbox: setting.start_sandbox().await?,
            http: http::client()?,
            aws: OnceCell::new(),
            redactor,
            config: setting.config.clone(),
        })
    }

    /// As [`open`](Self::open), and also reads the secret and the configuration, for commands that need both. The log
    /// goes where `output` says.
    pub(super) async fn with_config(setting: &Setting, output: Output) -> Result<(Self, Secret, Config)> {
        let redactor = Arc::default();
        log(output, &redactor);
        let backend = Self::open(setting, redactor).await?;
        let secret = backend.secret().await?;
        let config = backend.config(&secret).await?;
        Ok((backend, secret, config))
    }

    async fn aws(&self) -> &SdkConfig {
        let load = async || aws::redacting(&aws::from_everywhere(self.http.clone()).await, Arc::clone(&self.redactor));
        self.aws.get_or_init(load).await
    }

    /// Reads the secret.
    pub(super) async fn secret(&self) -> Result<Secret, SecretError> {
        let mut secret = match &self.sandbox {
            Some(sandbox) => sandbox.secret(default_config()),
            None => self.source.read(async || self.aws().await, TIME_LIMIT, &self.redactor).await?,
        };
        secret.redact(&self.redactor);
        if let Some(config) = &self.config {
            secret.config_file.clone_from(config);
            secret.config_named_by = Some("--config");
        }
        Ok(secret)
    }

    /// Reads the configuration that the secret names, or `--config` instead.
    pub(super) async fn config(&self, secret: &Secret) -> Result<Config, ConfigError> {
        let (file, named_by) = (&secret.config_file, secret.config_named_by);
        let mut config = config_file::load(file, named_by, async || self.aws().await, TIME_LIMIT).await?.config;
        if let Some(sandbox) = &self.sandbox {
            config.end_point = format!("{}/{}", sandbox.end_point(), config.version);
        }
        Ok(config)
    }

    /// The client of the API.
    pub(super) fn client(&self, config: &Config, secret: &Secret) -> Client {
        let credentials = secret.credentials.clone();
        let (end_point, version) = (config.end_point.clone(), config.version.clone());
        let (http, redactor) = (self.http.clone(), Arc::clone(&self.redactor));
        Client::new(http, end_point, version, credentials, redactor, Budget::from_env())
            .with_optional_fields(config.requested_only_to_keep())
    }

    /// Where the data goes.
    pub(super) async fn sink(&self, destination: Destination) -> Sink {
        match destination {
            Destination::Folder(folder) => Sink::Folder(folder),
            Destination::Bucket(bucket) => Sink::s3(self.aws().await, bucket),
        }
    }
}

/// The calls of a command, within its time. A refused token is not read again.
pub(super) fn session(client: &Client) -> Session<'_> {
    Session::new(client, Stop::at(Instant::now() + TIME_LIMIT), &|| async { None }.boxed())
}

/// Sends the log to standard error if `-v` asks for it. These commands themselves print what the log would say by
/// default, except for problems with the files of root certificates.
pub(super) fn log(output: Output, redactor: &Arc<Redactor>) {
    if output.verbose > 0 {
        output.log(redactor);
    } else {
        http::root_problems().iter().for_each(|problem| output.remark(format_args!("warning: {problem}")));
    }
}
