//! The function: what a process keeps between invocations, and the path of one invocation from its event to its
//! response.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::FutureExt;
use indexmap::IndexMap;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, info, info_span, warn};

use crate::clock::Clock;
use crate::collect::Progress;
use crate::config::Config;
use crate::config_file::{self, LoadedConfig};
use crate::error::Cause;
use crate::event::Event;
use crate::graph::{Client, Kind, KnownIds, Session, api_address};
use crate::lock::lock;
use crate::memory::Budget;
use crate::notices::{Changes, Observation, Problem};
use crate::redact::Redactor;
use crate::report::{Error, Response, Summary};
use crate::secret::{Credentials, Secret, SecretError, SecretId, SecretWriter, Source};
use crate::sink::{Destination, Sink};
use crate::telemetry::critical;
use crate::topic::Job;
use crate::{aws, http, report, secret, token, version};

mod channel;
mod context;
mod run;

use channel::Channel;
use context::Context;
use run::{Done, Run};
pub use run::{Invocation, STORING_TIME};

/// The time limit of the preparation. Lambda ends an initialisation after 10 seconds.
const MAX_PREPARATION: Duration = Duration::from_secs(8);

/// The maximum number of credentials whose context a process keeps. The oldest one is dropped first. Each takes a few
/// kilobytes: a configuration, and what its client has learnt.
const MAX_CONTEXTS: usize = 64;

/// What differs between Lambda, a terminal and a test.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The place of the function's secret.
    pub source: Source,
    /// The secret itself, instead of the one at `source`. No new token can be put into it.
    pub secret: Option<Secret>,
    /// Whether the API is the sandbox. The summary and the quality objects then say that the data is made up.
    pub sandbox: bool,
    /// The API, instead of the configuration's. The version is added to it.
    pub end_point: Option<String>,
    /// The configuration, instead of the secret's `config_file`.
    pub config_file: Option<PathBuf>,
    /// The place of the data, instead of the secret's `bucket`.
    pub destination: Option<Destination>,
    /// Events may name secrets with this prefix; without a prefix, they may name none.
    pub secret_prefix: Option<String>,
    /// Whether the job `token` renews a token near its end.
    pub renews_token: bool,
    /// Hashtag ids from earlier processes. The function searches again for one that the API says is not there.
    pub known_ids: KnownIds,
    /// The dimension `service` of the metrics.
    pub service: Option<String>,
    /// Loads the configuration of the AWS SDK.
    pub load_aws: aws::Load,
    /// The configuration of the AWS SDK, instead of the one that `load_aws` loads.
    pub aws: Option<aws_config::SdkConfig>,
    /// The memory budget of a run.
    pub memory: Budget,
    /// Gives the moments of responses, and the present that an event's time is compared with.
    pub clock: Clock,
    /// Learns the secrets.
    pub redactor: Arc<Redactor>,
}

impl Default for Settings {
    /// The settings of Lambda, without its environment's variables.
    fn default() -> Self {
        Self {
            source: Source::File(secret::DEFAULT_FILE.into()),
            secret: None,
            sandbox: false,
            end_point: None,
            config_file: None,
            destination: None,
            secret_prefix: None,
            renews_token: false,
            known_ids: KnownIds::new(),
            service: None,
            load_aws: aws::from_variables,
            aws: None,
            memory: Budget::from_env(),
            clock: Clock::default(),
            redactor: Arc::default(),
        }
    }
}

impl Settings {
    /// The settings in the environment's variables.
    pub fn from_env() -> Self {
        let (source, secret_prefix) = (Source::from_env(), secret::prefix_from_env());
        Self { source, secret_prefix, service: report::service_from_env(), ..Self::default() }
    }
}

/// The collector of a process.
pub struct Function {
    settings: Settings,
    http: OnceCell<http::Client>,
    aws: OnceCell<aws_config::SdkConfig>,
    /// By the secret that the event names; `None` for the function's own.
    contexts: Mutex<IndexMap<Option<SecretId>, Arc<Context>>>,
    /// By the secret that the event names, as above.
    channels: std::sync::Mutex<IndexMap<Option<SecretId>, Arc<Channel>>>,
}

impl Function {
    /// A function that reads nothing before [`prepare`](Self::prepare) or the first invocation.
    pub fn new(settings: Settings) -> Self {
        let aws = settings.aws.as_ref().map(|config| aws::redacting(config, Arc::clone(&settings.redactor)));
        settings.secret.iter().for_each(|secret| secret.redact(&settings.redactor));
        Self {
            settings,
            http: OnceCell::new(),
            aws: OnceCell::new_with(aws),
            contexts: Mutex::default(),
            channels: Default::default(),
        }
    }

    /// Takes the function's secrets out of log lines. Responses and errors no longer contain them.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.settings.redactor)
    }

    /// The hashtag ids that the process knows of each API that it has called.
    pub async fn known_ids(&self) -> KnownIds {
        let mut known = KnownIds::new();
        for context in self.contexts.lock().await.values() {
            known.entry(api_address(&context.config.end_point)).or_default().extend(context.client.hashtag_ids());
        }
        known
    }

    /// The configuration that the runs follow. The secret is read and the clients are built if that is not
    /// done yet.
    ///
    /// # Errors
    /// [`Cause`]: the secret or the configuration cannot be used.
    pub async fn config(&self) -> Result<Config, Cause> {
        Ok(self.context(None, MAX_PREPARATION).await?.0.config.clone())
    }

    /// Reads the secret and the configuration and builds the clients before the first invocation. Each
    /// invocation tries again after an error or a timeout.
    pub async fn prepare(&self) {
        let _ = timeout(MAX_PREPARATION, self.check_sink()).await;
    }

    /// Checks that objects can be stored, as each run does before its first call.
    ///
    /// # Errors
    /// [`Cause`]: as [`config`](Self::config), or nothing can be stored.
    pub async fn check_sink(&self) -> Result<(), Cause> {
        self.context(None, MAX_PREPARATION).await?.0.check_sink(MAX_PREPARATION).await
    }

    /// Runs one invocation.
    ///
    /// # Errors
    /// [`Error`]: nothing was collected, an object could not be stored, or the event, the secret or the
    /// configuration cannot be used. Partial success is success.
    pub async fn invoke(
        &self,
        payload: &Value,
        invocation: &Invocation,
        progress: &dyn Progress,
    ) -> Result<Response, Error> {
        let run = Run::start(invocation);
        let event = Event::parse(payload);
        let job = event.as_ref().map_or("", |event| event.job.name());
        let span = info_span!("run", requestId = invocation.request_id, job);
        async {
            let (event, done) = match event {
                Ok(event) => {
                    let done = self.run(&run, &event, progress).await.unwrap_or_else(Done::from);
                    (Some(event), done)
                }
                Err(error) => (None, Done::from(Cause::from(error))),
            };
            let Done { figures, error_log, target_file, critical, topics, error } = done;
            let figures = Summary { sandbox: self.settings.sandbox, ..figures };
            let summary = run.summary(event.as_ref(), error.is_some(), figures);
            let of_run = critical.into_iter().chain(error.as_ref().map(Problem::of_run)).collect();
            let observation = Observation { of_run, of_topics: topics, ..Observation::of(event.as_ref()) };
            // Whoever starts a run of some topics reads its response.
            let is_reported = event.as_ref().is_none_or(Event::is_scheduled) && !run.stop.is_interrupted();
            if is_reported {
                self.notify(observation, &summary, &invocation.request_id, run.end).await;
            }
            summary.log(self.settings.service.as_deref(), error.as_ref());
            match error {
                Some(cause) => Err(Error { cause, summary: Box::new(summary), redactor: self.redactor() }),
                None => Ok(Response::new(run.started, error_log, target_file, summary, self.redactor())),
            }
        }
        .instrument(span)
        .await
    }

    async fn run(&self, run: &Run, event: &Event, progress: &dyn Progress) -> Result<Done, Cause> {
        if let Some(problem) = event.time_warning(self.settings.clock.now()) {
            warn!(kind = "time", "{problem}");
        }
        event.check_secret(self.settings.secret_prefix.as_deref())?;
        let secret_id = event.secret_id.as_ref();
        let (context, outdated) = tokio::select! {
            context = self.context(secret_id, run.stop.left()) => context?,
            () = run.stop.interrupted() => return Err(Cause::Interrupted),
        };
        let done = self.run_in(&context, run, event, progress).await.unwrap_or_else(Done::from);
        Ok(Done { critical: done.critical.into_iter().chain(outdated).collect(), ..done })
    }

    async fn run_in(
        &self,
        context: &Context,
        run: &Run,
        event: &Event,
        progress: &dyn Progress,
    ) -> Result<Done, Cause> {
        let secret_id = event.secret_id.as_ref();
        if event.job != Job::Token {
            context.check_sink(run.stop.left()).await?;
        }
        let reload = || self.reload_credentials(secret_id, context.client.http(), run.stop.left()).boxed();
        let session = Session::new(&context.client, run.stop.clone(), &reload)
            .keeping_responses(context.config.locations.keeps_responses());
        session.replace_suspect_credentials().await;
        if event.job == Job::Hashtag {
            // The next run finds most of what this one would have. A brand_media run is the only one of its hour.
            session.pause_if_throttled();
        }
        let done = match event.job {
            Job::Token => {
                let writer = self.writer(secret_id, context.client.http()).await;
                let (state, failures) = token::run(&session, writer.as_ref()).await;
                let (token, unknown) = state.map_or_else(|cause| (None, Some(cause)), |state| (Some(state), None));
                let version_days_left =
                    version::log_end(&context.config.version, session.version(), Utc::now().date_naive());
                let figures = Summary { token, failures, version_days_left, ..Summary::default() };
                Done { figures, error: unknown.filter(|_| !session.is_limited()), ..Done::default() }
            }
            Job::BrandMedia | Job::Hashtag => {
                context.collect(run, event, &session, progress).await.unwrap_or_else(Done::from)
            }
        };
        let has_collected_nothing = done.error.is_none() && done.figures.is_empty();
        let halted = session.halted().filter(|halt| halt.kind != Kind::Usage || has_collected_nothing);
        if let Some(usage) = halted.as_ref().filter(|halt| halt.kind == Kind::Usage) {
            critical!(
                kind = usage.kind.name(),
                "nothing was collected: {usage}; next step: {}",
                usage.diagnosis.row().next
            );
        }
        let unusable = || done.figures.token.as_ref().and_then(report::TokenState::unusable);
        Ok(Done {
            critical: halted.or_else(unusable).iter().map(Problem::critical).collect(),
            figures: Summary {
                api_calls: session.calls(),
                usage_percent: session.usage().percent,
                api_version: session.version().map(str::to_owned),
                ..done.figures
            },
            ..done
        })
    }

    /// The context of the event's credential. It is built if the process does not have it yet, or if its configuration
    /// has changed in S3. If the new configuration cannot be used, the last good one stays in use. The reason is
    /// returned, and each run logs it as CRITICAL.
    async fn context(
        &self,
        secret_id: Option<&SecretId>,
        limit: Duration,
    ) -> Result<(Arc<Context>, Option<Problem>), Cause> {
        let key = secret_id.cloned();
        let mut contexts = self.contexts.lock().await;
        let built = match contexts.get(&key) {
            None => self.build(secret_id, limit).await?,
            Some(kept) => match self.rebuild(kept, secret_id, limit).await {
                Ok(None) => return Ok((Arc::clone(kept), None)),
                Ok(Some(rebuilt)) => rebuilt,
                Err(cause) => {
                    let message = format!("the last good configuration stays in use: {cause}");
                    let problem = Problem::outdated(cause.diagnosis(), &message);
                    critical!(kind = problem.kind, "{message}; next step: {}", problem.next);
                    return Ok((Arc::clone(kept), Some(problem)));
                }
            },
        };
        let built = Arc::new(built);
        if contexts.len() >= MAX_CONTEXTS && !contexts.contains_key(&key) {
            contexts.shift_remove_index(0);
        }
        contexts.insert(key, Arc::clone(&built));
        Ok((built, None))
    }

    async fn build(&self, secret_id: Option<&SecretId>, limit: Duration) -> Result<Context, Cause> {
        let http = self.http.get_or_try_init(async || http::client()).await?.clone();
        let secret = self.read_secret(secret_id, &http, limit).await?;
        for notice in &secret.notices {
            warn!(kind = "secret", "{notice}");
        }
        let (file, named_by) = match &self.settings.config_file {
            Some(file) => (file, Some("--config")),
            None => (&secret.config_file, secret.config_named_by),
        };
        let loaded = config_file::load(file, named_by, async || self.aws(&http).await, limit).await;
        let LoadedConfig { config, object } = loaded?;
        let config = self.adopt(config);
        let sink = self.sink(&secret, &http).await;
        let (end_point, version) = (config.end_point.clone(), config.version.clone());
        let client = Client::new(http, end_point, version, secret.credentials, self.redactor(), self.settings.memory);
        let client =
            client.with_clock(self.settings.clock.clone()).with_optional_fields(config.requested_only_to_keep());
        let known_ids = self.settings.known_ids.get(&api_address(&config.end_point));
        client.recall_hashtag_ids(known_ids.cloned().unwrap_or_default());
        Ok(Context {
            config,
            client: Arc::new(client),
            sink,
            sink_checked: Arc::default(),
            object,
            sandbox: self.settings.sandbox,
        })
    }

    /// The context with the configuration that has changed in S3; `None` if it has not. What the process has learnt
    /// about the API stays, unless the API is now a different one.
    async fn rebuild(
        &self,
        kept: &Context,
        secret_id: Option<&SecretId>,
        limit: Duration,
    ) -> Result<Option<Context>, Cause> {
        let Some(known) = &kept.object else { return Ok(None) };
        let Some(LoadedConfig { config, object }) = known.changed(limit).await? else { return Ok(None) };
        let config = self.adopt(config);
        info!(kind = "config", "the configuration {} has changed and is in use", known.address());
        if (&config.end_point, &config.version) != (&kept.config.end_point, &kept.config.version) {
            return self.build(secret_id, limit).await.map(Some);
        }
        let (client, sink, sink_checked) =
            (Arc::clone(&kept.client), kept.sink.clone(), Arc::clone(&kept.sink_checked));
        Ok(Some(Context { config, client, sink, sink_checked, object, sandbox: kept.sandbox }))
    }

    /// A configuration as this function uses it. Its notices are logged.
    fn adopt(&self, mut config: Config) -> Config {
        if let Some(end_point) = &self.settings.end_point {
            config.end_point = format!("{end_point}/{}", config.version);
        }
        for notice in &config.notices {
            warn!(kind = "config", "configuration: {notice}");
        }
        config
    }

    async fn aws(&self, http: &http::Client) -> &aws_config::SdkConfig {
        let load = async || aws::redacting(&(self.settings.load_aws)(http.clone()).await, self.redactor());
        self.aws.get_or_init(load).await
    }

    /// Where the secret of an event is stored.
    fn source(&self, id: Option<&SecretId>) -> Source {
        id.map_or_else(|| self.settings.source.clone(), |id| Source::Manager(id.as_str().to_owned()))
    }

    async fn read_secret(
        &self,
        id: Option<&SecretId>,
        http: &http::Client,
        limit: Duration,
    ) -> Result<Secret, SecretError> {
        let secret = match &self.settings.secret {
            Some(secret) => secret.clone(),
            None => self.source(id).read(async || self.aws(http).await, limit, &self.settings.redactor).await?,
        };
        self.open_channel(id, &secret, http).await;
        Ok(secret)
    }

    /// The place of the data.
    async fn sink(&self, secret: &Secret, http: &http::Client) -> Sink {
        match self.settings.destination.clone().unwrap_or_else(|| Destination::of(secret)) {
            Destination::Folder(folder) => Sink::Folder(folder),
            Destination::Bucket(bucket) => Sink::s3(self.aws(http).await, bucket),
        }
    }

    /// Keeps the webhook of a secret. The process remembers what it has reported there while the address is the same.
    async fn open_channel(&self, id: Option<&SecretId>, secret: &Secret, http: &http::Client) {
        let key = id.cloned();
        let Some(url) = &secret.webhook else { return drop(lock(&self.channels).swap_remove(&key)) };
        let sink = self.sink(secret, http).await;
        let mut channels = lock(&self.channels);
        if channels.get(&key).is_none_or(|channel| channel.url.expose_secret() != url.expose_secret()) {
            channels.insert(key, Arc::new(Channel::new(url.clone(), sink)));
        }
    }

    /// Reads the secret's credentials again; `None`, with a WARNING, if that fails.
    async fn reload_credentials(
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

    /// The writer of the secret of an event; `None` if tokens are not renewed.
    async fn writer(&self, id: Option<&SecretId>, http: &http::Client) -> Option<SecretWriter> {
        if !self.settings.renews_token || self.settings.secret.is_some() {
            return None;
        }
        Some(match self.source(id) {
            Source::File(path) => SecretWriter::File(path),
            Source::Manager(id) => SecretWriter::Manager(id, Box::new(self.aws(http).await.clone())),
        })
    }

    /// Reports what a run changes to the webhook of the secret that the event names, or of the function's own.
    async fn notify(&self, observation: Observation, summary: &Summary, request_id: &str, end: Instant) {
        let channel = {
            let channels = lock(&self.channels);
            channels.get(&observation.secret_id).or_else(|| channels.get(&None)).cloned()
        };
        let (Some(channel), Some(http)) = (channel, self.http.get()) else { return };
        let redacted = |text: &str| self.settings.redactor.redact(text).into_owned();
        let observation = observation.with_texts(|text| report::notice_text(&redacted(text)));
        let service = self.settings.service.as_ref().map_or_else(String::new, |service| format!("{service}: "));
        let message = |changes: &Changes| Some(redacted(&format!("{service}{}", summary.notice(changes, request_id)?)));
        channel.report(http, &observation, self.settings.clock.now(), end, message).await;
    }
}
