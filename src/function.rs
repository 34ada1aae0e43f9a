//! The function: what a process keeps between invocations, and the way of one invocation from its event to
//! its response.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{SecondsFormat, Utc};
use futures_util::FutureExt;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};

use crate::collect::Progress;
use crate::error::Cause;
use crate::event::Event;
use crate::graph::{KnownIds, Session, api_address};
use crate::memory::Budget;
use crate::redact::Redactor;
use crate::report::Error;
use crate::report::Response;
use crate::secret::{Secret, SecretId, Source};
use crate::sink::Destination;
use crate::topic::Job;
use crate::{aws, http, report, secret, token, version};

mod answers;
mod job;
mod ready;
mod reconfigured;
mod renewal;
mod run;
mod webhook;

use ready::Ready;
use run::{Run, RunOutput};

/// The time limit of the preparation. Lambda ends an initialisation after 10 seconds.
const LONGEST_PREPARATION: Duration = Duration::from_secs(8);

/// The collector of a process.
pub struct Function {
    source: Source,
    end_point: Option<String>,
    secret: Option<Secret>,
    config_file: Option<PathBuf>,
    destination: Option<Destination>,
    secret_prefix: Option<String>,
    renews_token: bool,
    known_ids: KnownIds,
    /// By the secret that the event names, as below.
    webhooks: std::sync::Mutex<IndexMap<Option<SecretId>, SecretString>>,
    service: Option<String>,
    http: OnceCell<http::Client>,
    load_aws: aws::Load,
    redactor: Arc<Redactor>,
    memory: Budget,
    aws: OnceCell<aws_config::SdkConfig>,
    /// By the secret that the event names; `None` for the function's own.
    ready: Mutex<IndexMap<Option<SecretId>, Arc<Ready>>>,
}

/// One invocation, as the Lambda runtime describes it.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The id that groups the log lines of the run.
    pub request_id: String,
    /// Lambda's deadline. `cargo lambda watch` sends one in the past; it counts as unknown.
    pub deadline: SystemTime,
    /// Ends the run early when it is cancelled, as the deadline does. A person at a terminal cancels it.
    pub interrupt: CancellationToken,
}

impl Invocation {
    /// An invocation that is never interrupted.
    pub fn new(request_id: String, deadline: SystemTime) -> Self {
        Self { request_id, deadline, interrupt: CancellationToken::new() }
    }
}

impl Function {
    /// A function with the secret from `source`. It reads nothing before [`prepare`](Self::prepare) or the
    /// first invocation.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            end_point: None,
            secret: None,
            config_file: None,
            destination: None,
            secret_prefix: None,
            renews_token: false,
            known_ids: KnownIds::new(),
            webhooks: Default::default(),
            service: None,
            http: OnceCell::new(),
            load_aws: aws::from_variables,
            redactor: Arc::default(),
            memory: Budget::from_env(),
            aws: OnceCell::new(),
            ready: Mutex::default(),
        }
    }

    /// The function of the environment's variables: where its secret is, the secrets that events may name, and
    /// `SERVICE`, the dimension of the metrics beside `job`.
    pub fn from_env() -> Self {
        let function = Self::new(Source::from_env()).with_secret_prefix(secret::prefix_from_env());
        Self { service: report::service_from_env(), ..function }
    }

    /// The same function. Events may name secrets with this prefix; without a prefix, none.
    #[must_use]
    pub fn with_secret_prefix(self, prefix: Option<String>) -> Self {
        Self { secret_prefix: prefix, ..self }
    }

    /// The same function with this configuration in place of the secret's `config_file`.
    #[must_use]
    pub fn with_config_file(self, config_file: Option<PathBuf>) -> Self {
        Self { config_file, ..self }
    }

    /// The same function, whose data goes there in place of the secret's `bucket`.
    #[must_use]
    pub fn with_destination(self, destination: Option<Destination>) -> Self {
        Self { destination, ..self }
    }

    /// The same function. `load` configures the AWS SDK, instead of Lambda's variables.
    #[must_use]
    pub fn with_aws_from(self, load: aws::Load) -> Self {
        Self { load_aws: load, ..self }
    }

    /// The same function with this configuration of the AWS SDK.
    #[must_use]
    pub fn with_aws(self, config: aws_config::SdkConfig) -> Self {
        let config = aws::redacting(&config, self.redactor());
        Self { aws: OnceCell::new_with(Some(config)), ..self }
    }

    /// The same function, which knows these hashtag ids from earlier processes. It asks again for an id that the API
    /// says is not there.
    #[must_use]
    pub fn with_known_ids(self, known_ids: KnownIds) -> Self {
        Self { known_ids, ..self }
    }

    /// The hashtag ids that the process knows of each API that it has called.
    pub async fn known_ids(&self) -> KnownIds {
        let mut known = KnownIds::new();
        for ready in self.ready.lock().await.values() {
            known.entry(api_address(&ready.config.end_point)).or_default().extend(ready.client.hashtag_ids());
        }
        known
    }

    /// A function that calls the API at `end_point` with `secret`, whatever the configuration says. The
    /// version is added to the end point.
    pub fn against(end_point: String, secret: Secret) -> Self {
        Self { end_point: Some(end_point), secret: Some(secret), ..Self::new(Source::File(Default::default())) }
    }

    /// The same function with this memory budget.
    #[must_use]
    pub fn with_memory(self, memory: Budget) -> Self {
        Self { memory, ..self }
    }

    /// Takes the function's secrets out of log lines. Responses and errors are already without them.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// Reads the secret and the configuration and builds the clients before the first invocation. Each
    /// invocation tries again after an error or a timeout.
    pub async fn prepare(&self) {
        let prepared = async { self.ready(None, LONGEST_PREPARATION).await?.try_sink(LONGEST_PREPARATION).await };
        let _ = tokio::time::timeout(LONGEST_PREPARATION, prepared).await;
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
        let mut run = Run::start(invocation);
        let event = Event::parse(payload);
        let job = event.as_ref().map_or("", |event| event.job.name());
        let span = info_span!("run", requestId = invocation.request_id, job);
        async {
            let (secret_id, done) = match event {
                Ok(event) => (event.secret_id.clone(), self.run(&mut run, &event, progress).await),
                Err(error) => (None, Err(error.into())),
            };
            self.tell(&run, done.as_ref().err(), secret_id.as_ref(), invocation).await;
            run.finish(done, self.redactor(), self.service.as_deref())
        }
        .instrument(span)
        .await
    }

    async fn run(&self, run: &mut Run, event: &Event, progress: &dyn Progress) -> Result<RunOutput, Cause> {
        run.summary.job = Some(event.job.name());
        run.summary.shard = event.shard.as_ref().map(|shard| shard.as_str().to_owned());
        run.summary.topics = event.topics().map(|topics| topics.into_iter().map(str::to_owned).collect());
        if let Some(told) = event.odd_time(run.started) {
            warn!(kind = "time", "{told}");
        }
        let time = event.time.unwrap_or(run.started);
        run.summary.time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        run.summary.secret_id = event.secret_id.as_ref().map(|id| id.as_str().to_owned());
        event.check_secret(self.secret_prefix.as_deref())?;
        let ready = tokio::select! {
            ready = self.ready(event.secret_id.as_ref(), run.stop.left()) => ready?,
            () = run.stop.interrupted() => return Err(Cause::NothingCollected("the run was interrupted".to_owned())),
        };
        if event.job != Job::Token {
            ready.try_sink(run.stop.left()).await?;
        }
        let stop = run.stop.clone();
        let renew = || self.renewed_credentials(event.secret_id.as_ref(), ready.client.http(), stop.left()).boxed();
        let session = Session::new(&ready.client, run.stop.clone(), &renew);
        let session = session.keeping_answers(ready.config.locations.keeps_answers());
        if event.job == Job::Hashtag {
            // The next run finds most of what this one would have. A brand_media run stands for its hour.
            session.pause_if_throttled();
        }
        let done = match event.job {
            Job::Token => {
                let keeper = self.keeper(event.secret_id.as_ref(), ready.client.http()).await;
                let done = token::run(&session, keeper.as_ref(), &mut run.summary).await;
                run.summary.version_days_left =
                    version::log(&ready.config.version, session.version(), Utc::now().date_naive());
                match done {
                    Err(_) if session.is_throttled() => Ok(RunOutput::default()),
                    done => done.map(|()| RunOutput::default()),
                }
            }
            Job::BrandMedia | Job::Hashtag => ready.collect_and_store(run, event, time, &session, progress).await,
        };
        run.critical = webhook::critical(session.halted(), &run.summary);
        run.summary.api_calls = session.calls();
        run.summary.usage_percent = session.usage().percent;
        run.summary.api_version = session.version().map(str::to_owned);
        done
    }
}
