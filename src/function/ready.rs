//! What a process builds once for each credential and keeps between invocations: the configuration, the
//! client of the API and the sink.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tracing::warn;

use super::{Function, LONGEST_PREPARATION};
use crate::config::Config;
use crate::config_file::{self, Loaded, Object};
use crate::error::Cause;
use crate::graph::{Client, api_address};
use crate::secret::{Credentials, Secret, SecretError, SecretId, Source};
use crate::sink::{Destination, Sink};
use crate::{aws, http};

/// The most credentials that a process keeps ready. The oldest one is dropped first. Each takes a few
/// kilobytes: a configuration, and what its client has learnt.
const KEPT_READY: usize = 64;

/// What a process builds once for each credential.
pub(super) struct Ready {
    pub(super) config: Config,
    pub(super) client: Arc<Client>,
    pub(super) sink: Sink,
    /// Whether the sink was found usable.
    pub(super) tried: Arc<OnceCell<()>>,
    /// The object that the configuration came from; `None` where it came from a file.
    pub(super) object: Option<Object>,
}

impl Ready {
    /// Looks once a process whether objects can be stored, before calls are spent on them.
    ///
    /// # Errors
    /// Why none can. The next invocation looks again.
    pub(super) async fn try_sink(&self, limit: Duration) -> Result<(), Cause> {
        self.tried.get_or_try_init(|| self.sink.preflight(limit)).await.copied().map_err(Cause::from)
    }
}

impl Function {
    /// What is ready for the event's credential. It is built where the process does not have it yet.
    pub(super) async fn ready(&self, secret_id: Option<&SecretId>, limit: Duration) -> Result<Arc<Ready>, Cause> {
        let key = secret_id.cloned();
        let mut ready = self.ready.lock().await;
        let built = match ready.get(&key) {
            None => self.build(secret_id, limit).await?,
            Some(kept) => match self.reconfigured(kept, secret_id, limit).await {
                None => return Ok(Arc::clone(kept)),
                Some(reconfigured) => reconfigured,
            },
        };
        let built = Arc::new(built);
        if ready.len() >= KEPT_READY && !ready.contains_key(&key) {
            ready.shift_remove_index(0);
        }
        ready.insert(key, Arc::clone(&built));
        Ok(built)
    }

    /// The configuration that the runs follow. The secret is read and the clients are built where that is not
    /// done yet.
    ///
    /// # Errors
    /// [`Cause`]: the secret or the configuration cannot be used.
    pub async fn config(&self) -> Result<Config, Cause> {
        Ok(self.ready(None, LONGEST_PREPARATION).await?.config.clone())
    }

    pub(super) async fn build(&self, secret_id: Option<&SecretId>, limit: Duration) -> Result<Ready, Cause> {
        let http = self.http.get_or_try_init(async || http::client()).await?.clone();
        let secret = self.read_secret(secret_id, &http, limit).await?;
        let config_file = self.config_file.as_ref().unwrap_or(&secret.config_file);
        let Loaded { config, object } = config_file::load(config_file, async || self.aws(&http).await, limit).await?;
        let config = self.adopted(config);
        let sink = match self.destination.clone().unwrap_or_else(|| Destination::of(&secret)) {
            Destination::Folder(folder) => Sink::Folder(folder),
            Destination::Bucket(bucket) => Sink::S3 { client: aws::s3(self.aws(&http).await), bucket },
        };
        let (end_point, version) = (config.end_point.clone(), config.version.clone());
        let client = Client::new(http, end_point, version, secret.credentials, self.redactor(), self.memory);
        client.recall_hashtag_ids(self.known_ids.get(&api_address(&config.end_point)).cloned().unwrap_or_default());
        Ok(Ready { config, client: Arc::new(client), sink, tried: Arc::default(), object })
    }

    /// A configuration as this function uses it. What looks wrong in it is logged.
    pub(super) fn adopted(&self, mut config: Config) -> Config {
        if let Some(end_point) = &self.end_point {
            config.end_point = format!("{end_point}/{}", config.version);
        }
        for notice in &config.notices {
            warn!(kind = "config", "configuration: {notice}");
        }
        config
    }

    pub(super) async fn aws(&self, http: &http::Client) -> &aws_config::SdkConfig {
        let load = async || aws::redacting(&(self.load_aws)(http.clone()).await, self.redactor());
        self.aws.get_or_init(load).await
    }

    async fn read_secret(
        &self,
        id: Option<&SecretId>,
        http: &http::Client,
        limit: Duration,
    ) -> Result<Secret, SecretError> {
        let named = id.map(|id| Source::Manager(id.as_str().to_owned()));
        let secret = match (&self.secret, named) {
            (Some(secret), _) => Ok(secret.clone()),
            (None, named) => named.as_ref().unwrap_or(&self.source).read(async || self.aws(http).await, limit).await,
        };
        secret.inspect(|secret| self.note_webhook(id, secret))
    }

    /// Reads the secret's credentials again; `None`, with a WARNING, where that fails.
    pub(super) async fn renewed_credentials(
        &self,
        id: Option<&SecretId>,
        http: &http::Client,
        limit: Duration,
    ) -> Option<Credentials> {
        match self.read_secret(id, http, limit).await {
            Ok(secret) => Some(secret.credentials),
            Err(error) => {
                warn!(kind = "secret", "the access token was refused and the secret could not be read again: {error}");
                None
            }
        }
    }
}
