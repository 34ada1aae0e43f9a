//! The function: what a process keeps between invocations, and one invocation from event to response.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt;
use indexmap::IndexMap;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};

use crate::collect::Progress;
use crate::config::Config;
use crate::error::Cause;
use crate::event::Event;
use crate::graph::{Client, Session};
use crate::memory::Budget;
use crate::redact::Redactor;
use crate::report::Error;
use crate::report::{Response, Summary};
use crate::secret::{Credentials, Secret, SecretError, SecretId, Source};
use crate::sink::Sink;
use crate::stop::Stop;
use crate::topic::Job;
use crate::{aws, http, token};

mod answers;
mod job;
mod renewal;

/// How long before Lambda's deadline the unfinished topics are given up: the time to store and report.
const STORING_TIME: Duration = Duration::from_secs(2);

/// What a run may take where the deadline is not known.
const UNKNOWN_DEADLINE: Duration = Duration::from_secs(60);

/// How long the preparation may take: Lambda ends an initialisation after 10 seconds.
const LONGEST_PREPARATION: Duration = Duration::from_secs(8);

/// What is kept back of the storing time for the response itself.
const RESPONDING_TIME: Duration = Duration::from_millis(250);

/// Credentials that a process keeps ready at most; the one built first goes first. Each holds a
/// configuration and what its client has learnt, a few kilobytes in all.
const KEPT_READY: usize = 64;

/// The collector as a process runs it.
pub struct Function {
    source: Source,
    end_point: Option<String>,
    secret: Option<Secret>,
    secret_prefix: Option<String>,
    renews_token: bool,
    http: OnceCell<http::Client>,
    load_aws: aws::Load,
    redactor: Arc<Redactor>,
    memory: Budget,
    aws: OnceCell<aws_config::SdkConfig>,
    /// By the secret that the event named; `None` is the function's own.
    ready: Mutex<IndexMap<Option<SecretId>, Arc<Ready>>>,
}

/// What is built once a process for each credential.
struct Ready {
    config: Config,
    client: Client,
    sink: Sink,
}

/// One invocation, as the Lambda runtime describes it.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Groups the log lines of the run.
    pub request_id: String,
    /// When Lambda ends it. One already past, as `cargo lambda watch` sends it, is unknown.
    pub deadline: SystemTime,
    /// Ends the run early, as the deadline does, where it is cancelled: a person at a terminal does.
    pub interrupt: CancellationToken,
}

impl Invocation {
    /// An invocation that nobody interrupts.
    pub fn new(request_id: String, deadline: SystemTime) -> Self {
        Self { request_id, deadline, interrupt: CancellationToken::new() }
    }
}

impl Function {
    /// A function whose secret comes from `source`. Nothing is read before [`prepare`](Self::prepare)
    /// or the first invocation.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            end_point: None,
            secret: None,
            secret_prefix: None,
            renews_token: false,
            http: OnceCell::new(),
            load_aws: aws::from_variables,
            redactor: Arc::default(),
            memory: Budget::from_env(),
            aws: OnceCell::new(),
            ready: Mutex::default(),
        }
    }

    /// The same function, where events may name secrets that begin with `prefix`; without one, none.
    #[must_use]
    pub fn with_secret_prefix(self, prefix: Option<String>) -> Self {
        Self { secret_prefix: prefix, ..self }
    }

    /// The same function with the AWS SDK configured by `load` instead of by Lambda's variables.
    #[must_use]
    pub fn with_aws_from(self, load: aws::Load) -> Self {
        Self { load_aws: load, ..self }
    }

    /// The same function with another configuration of the AWS SDK than the environment's.
    #[must_use]
    pub fn with_aws(self, config: aws_config::SdkConfig) -> Self {
        let config = aws::redacting(&config, self.redactor());
        Self { aws: OnceCell::new_with(Some(config)), ..self }
    }

    /// A function that calls the API at `end_point`, to which the version is added, whatever the
    /// configuration says, with `secret`.
    pub fn against(end_point: String, secret: Secret) -> Self {
        Self { end_point: Some(end_point), secret: Some(secret), ..Self::new(Source::File(Default::default())) }
    }

    /// The same function with a budget of memory other than that of its environment.
    #[must_use]
    pub fn with_memory(self, memory: Budget) -> Self {
        Self { memory, ..self }
    }

    /// What takes the function's secrets out of the log's lines; responses and errors are without them.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// Reads the secret and the configuration and builds the clients, ahead of the first invocation. An
    /// error, and what takes too long, is left to the invocations, each of which tries again.
    pub async fn prepare(&self) {
        let _ = tokio::time::timeout(LONGEST_PREPARATION, self.ready(None, LONGEST_PREPARATION)).await;
    }

    async fn ready(&self, secret_id: Option<&SecretId>, limit: Duration) -> Result<Arc<Ready>, Cause> {
        let key = secret_id.cloned();
        let mut ready = self.ready.lock().await;
        if let Some(ready) = ready.get(&key) {
            return Ok(Arc::clone(ready));
        }
        let built = Arc::new(self.build(secret_id, limit).await?);
        if ready.len() >= KEPT_READY {
            ready.shift_remove_index(0);
        }
        ready.insert(key, Arc::clone(&built));
        Ok(built)
    }

    async fn build(&self, secret_id: Option<&SecretId>, limit: Duration) -> Result<Ready, Cause> {
        let http = self.http.get_or_try_init(async || http::client()).await?.clone();
        let secret = self.read_secret(secret_id, &http, limit).await?;
        let mut config = Config::load(&secret.config_file)?;
        if let Some(end_point) = &self.end_point {
            config.end_point = format!("{end_point}/{}", config.version);
        }
        for notice in &config.notices {
            warn!(kind = "config", "configuration: {notice}");
        }
        let sink = match secret.folder() {
            Some(folder) => Sink::Folder(folder.to_owned()),
            None => Sink::S3 { client: aws::s3(self.aws(&http).await), bucket: secret.bucket },
        };
        let (end_point, version) = (config.end_point.clone(), config.version.clone());
        let client = Client::new(http, end_point, version, secret.credentials, self.redactor());
        let client = client.with_memory(self.memory.clone());
        Ok(Ready { config, client, sink })
    }

    async fn aws(&self, http: &http::Client) -> &aws_config::SdkConfig {
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
        match (&self.secret, named) {
            (Some(secret), _) => Ok(secret.clone()),
            (None, named) => named.as_ref().unwrap_or(&self.source).read(async || self.aws(http).await, limit).await,
        }
    }

    async fn renewed_credentials(
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

    /// Runs one invocation.
    ///
    /// # Errors
    /// [`Error`]: nothing collected, an object that could not be stored, a bad event, secret or
    /// configuration. Partial success is success.
    pub async fn invoke(
        &self,
        payload: &Value,
        invocation: &Invocation,
        progress: &dyn Progress,
    ) -> Result<Response, Error> {
        let mut run = Run::start(invocation);
        let event = Event::parse(payload);
        let job = event.as_ref().map_or("", |event| event.job.name());
        let span = info_span!("run", requestId = invocation.request_id, job);
        async {
            let done = match event {
                Ok(event) => self.run(&mut run, &event, progress).await,
                Err(error) => Err(error.into()),
            };
            run.finish(done, self.redactor())
        }
        .instrument(span)
        .await
    }

    async fn run(&self, run: &mut Run, event: &Event, progress: &dyn Progress) -> Result<RunOutput, Cause> {
        run.summary.job = Some(event.job.name());
        run.summary.shard = event.shard.as_ref().map(|shard| shard.as_str().to_owned());
        run.summary.topics = event.topics().map(|topics| topics.into_iter().map(str::to_owned).collect());
        if let Some(given) = &event.unread_time {
            warn!(kind = "time", "the event's time {given} cannot be read: the run's start names the objects instead");
        }
        let time = event.time.unwrap_or(run.started);
        run.summary.time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        run.summary.secret_id = event.secret_id.as_ref().map(|id| id.as_str().to_owned());
        event.check_secret(self.secret_prefix.as_deref())?;
        let ready = tokio::select! {
            ready = self.ready(event.secret_id.as_ref(), run.stop.left()) => ready?,
            () = run.stop.interrupted() => return Err(Cause::NothingCollected("the run was interrupted".to_owned())),
        };
        let stop = run.stop.clone();
        let renew = || self.renewed_credentials(event.secret_id.as_ref(), ready.client.http(), stop.left()).boxed();
        let session = Session::new(&ready.client, run.stop.clone(), &renew);
        let session = session.keeping_answers(ready.config.locations.keeps_answers());
        let done = match event.job {
            Job::Token => {
                let keeper = self.keeper(event.secret_id.as_ref(), ready.client.http()).await;
                token::run(&session, keeper.as_ref(), &mut run.summary).await.map(|()| RunOutput::default())
            }
            Job::Rollup => ready.roll_up(run, event, time).await,
            Job::BrandMedia | Job::Hashtag => ready.collect_and_store(run, event, time, &session, progress).await,
        };
        run.summary.api_calls = session.calls();
        run.summary.usage_percent = session.usage().percent;
        run.summary.api_version = session.version().map(str::to_owned);
        done
    }
}

/// The parts of the response that are text.
#[derive(Default)]
struct RunOutput {
    error_log: String,
    target_file: String,
}

/// An invocation under way.
struct Run {
    started: DateTime<Utc>,
    clock: Instant,
    /// When the unfinished topics are given up.
    stop: Stop,
    /// When everything has to be stored.
    end: Instant,
    summary: Summary,
}

impl Run {
    fn start(invocation: &Invocation) -> Self {
        let (clock, started) = (Instant::now(), Utc::now());
        let left = invocation.deadline.duration_since(SystemTime::now()).unwrap_or(UNKNOWN_DEADLINE);
        let end = clock + left.saturating_sub(RESPONDING_TIME);
        let stop = Stop::new(clock + left.saturating_sub(STORING_TIME), invocation.interrupt.clone());
        let time = started.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { started, clock, stop, end, summary: Summary { time, ..Summary::default() } }
    }

    fn finish(mut self, done: Result<RunOutput, Cause>, redactor: Arc<Redactor>) -> Result<Response, Error> {
        self.summary.elapsed_ms = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        if done.is_ok() && self.summary.shard.is_some() {
            self.summary.topics = None;
        }
        self.summary.log();
        match done {
            Ok(RunOutput { error_log, target_file }) => {
                Ok(Response::new(self.started, error_log, target_file, self.summary, redactor))
            }
            Err(cause) => Err(Error { cause, summary: Box::new(self.summary), redactor }),
        }
    }
}
