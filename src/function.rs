//! The function: what a process keeps between invocations, and one invocation from event to response.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt;
use futures_util::future::join_all;
use indexmap::IndexMap;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use tracing::{Instrument, info_span, warn};

use crate::body::Body;
use crate::collect::{Outcome, Progress, Topic, collect, failure_of};
use crate::config::{Config, ObjectKey, RunName};
use crate::error::{Cause, Error};
use crate::event::{Event, Job, Wanted};
use crate::graph::{Client, Edge, Session};
use crate::quality::Tally;
use crate::record::Model;
use crate::report::{self, FailedTopic, File, Quality, Response, Summary};
use crate::secret::{Credentials, LOCAL_BUCKET, Secret, SecretError, SecretId, Source};
use crate::sink::Sink;
use crate::{aws, http, rollup, token};

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
    http: OnceCell<http::Client>,
    load_aws: aws::Load,
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
            http: OnceCell::new(),
            load_aws: aws::from_variables,
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
        Self { aws: OnceCell::new_with(Some(config)), ..self }
    }

    /// A function that calls the API at `end_point`, to which the version is added, whatever the
    /// configuration says, with `secret`.
    pub fn against(end_point: String, secret: Secret) -> Self {
        Self { end_point: Some(end_point), secret: Some(secret), ..Self::new(Source::File(Default::default())) }
    }

    /// Reads the secret and the configuration and builds the clients, ahead of the first invocation. An
    /// error, and what takes too long, is left to the invocations, each of which tries again.
    pub async fn prepare(&self) {
        let _ = tokio::time::timeout(LONGEST_PREPARATION, self.ready(None)).await;
    }

    async fn ready(&self, secret_id: Option<&SecretId>) -> Result<Arc<Ready>, Cause> {
        let key = secret_id.cloned();
        let mut ready = self.ready.lock().await;
        if let Some(ready) = ready.get(&key) {
            return Ok(Arc::clone(ready));
        }
        let built = Arc::new(self.build(secret_id).await?);
        if ready.len() >= KEPT_READY {
            ready.shift_remove_index(0);
        }
        ready.insert(key, Arc::clone(&built));
        Ok(built)
    }

    async fn build(&self, secret_id: Option<&SecretId>) -> Result<Ready, Cause> {
        let http = self.http.get_or_try_init(async || http::client()).await?.clone();
        let secret = self.read_secret(secret_id, &http).await?;
        let mut config = Config::load(&secret.config_file)?;
        if let Some(end_point) = &self.end_point {
            config.end_point = format!("{end_point}/{}", config.version);
        }
        for notice in &config.notices {
            warn!(kind = "config", "configuration: {notice}");
        }
        let sink = match secret.bucket.as_str() {
            LOCAL_BUCKET => Sink::Folder(LOCAL_BUCKET.into()),
            bucket => Sink::S3 { client: aws::s3(self.aws(&http).await), bucket: bucket.to_owned() },
        };
        let client = Client::new(http, config.end_point.clone(), config.version.clone(), secret.credentials);
        Ok(Ready { config, client, sink })
    }

    async fn aws(&self, http: &http::Client) -> &aws_config::SdkConfig {
        self.aws.get_or_init(|| (self.load_aws)(http.clone())).await
    }

    async fn read_secret(&self, id: Option<&SecretId>, http: &http::Client) -> Result<Secret, SecretError> {
        let named = id.map(|id| Source::Manager(id.as_str().to_owned()));
        match (&self.secret, named) {
            (Some(secret), _) => Ok(secret.clone()),
            (None, named) => named.as_ref().unwrap_or(&self.source).read(async || self.aws(http).await).await,
        }
    }

    async fn renewed_credentials(&self, id: Option<&SecretId>, http: &http::Client) -> Option<Credentials> {
        match self.read_secret(id, http).await {
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
            run.finish(done)
        }
        .instrument(span)
        .await
    }

    async fn run(&self, run: &mut Run, event: &Event, progress: &dyn Progress) -> Result<Told, Cause> {
        run.summary.job = Some(event.job.name());
        run.summary.shard = event.shard.as_ref().map(|s| s.as_str().to_owned());
        if let Some(given) = &event.unread_time {
            warn!(kind = "time", "the event's time {given} cannot be read: the run's start names the objects instead");
        }
        let time = event.time.unwrap_or(run.started);
        run.summary.time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        run.summary.secret_id = event.secret_id.as_ref().map(|id| id.as_str().to_owned());
        event.check_secret(self.secret_prefix.as_deref())?;
        let ready = self.ready(event.secret_id.as_ref()).await?;
        let renew = || self.renewed_credentials(event.secret_id.as_ref(), ready.client.http()).boxed();
        let session = Session::new(&ready.client, run.stop, &renew);
        let done = match event.job {
            Job::Token => token::run(&session, &mut run.summary).await.map(|()| Told::default()),
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
struct Told {
    error_log: String,
    target_file: String,
}

/// An invocation under way.
struct Run {
    started: DateTime<Utc>,
    clock: Instant,
    /// When the unfinished topics are given up.
    stop: Instant,
    /// When everything has to be stored.
    end: Instant,
    summary: Summary,
}

impl Run {
    fn start(invocation: &Invocation) -> Self {
        let (clock, started) = (Instant::now(), Utc::now());
        let left = invocation.deadline.duration_since(SystemTime::now()).unwrap_or(UNKNOWN_DEADLINE);
        let end = clock + left.saturating_sub(RESPONDING_TIME);
        let stop = clock + left.saturating_sub(STORING_TIME);
        let time = started.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { started, clock, stop, end, summary: Summary { time, ..Summary::default() } }
    }

    fn finish(mut self, done: Result<Told, Cause>) -> Result<Response, Error> {
        self.summary.elapsed_ms = u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.summary.log();
        match done {
            Ok(Told { error_log, target_file }) => {
                Ok(Response::new(self.started, error_log, target_file, self.summary))
            }
            Err(cause) => Err(Error { cause, summary: Box::new(self.summary) }),
        }
    }
}

/// An object to store.
struct Object {
    key: ObjectKey,
    body: Bytes,
    /// The records in it; `None` in a quality object.
    records: Option<usize>,
}

impl Ready {
    async fn collect_and_store(
        &self,
        run: &mut Run,
        event: &Event,
        time: DateTime<Utc>,
        session: &Session<'_>,
        progress: &dyn Progress,
    ) -> Result<Told, Cause> {
        let topics = self.topics(event)?;
        let outcomes = collect(&self.config, session, &topics, progress).await;
        run.summary.failures = failures(&topics, &outcomes);
        let models = topics.first().map_or(&[][..], |topic| topic.models());
        let (objects, tallies) = self.objects(run, event, time, &topics, outcomes, models);
        report::log_quality(&tallies);
        let edge = if event.job == Job::Hashtag { Edge::RecentMedia } else { Edge::Discovery };
        report::log_unknown_fields(&self.client.unknown_fields(edge), &tallies);
        run.summary.quality = Quality::of(&tallies);
        let error_log = report::error_log(event.job, &tallies, &run.summary.failures);
        let target_file = self.store(run, objects).await?;
        if run.summary.records() == 0 {
            return Err(Cause::NothingCollected(why_nothing(&run.summary, topics.len())));
        }
        Ok(Told { error_log, target_file })
    }

    /// Sums up a run over all its shards, on top of what an earlier roll-up of the same run knew.
    async fn roll_up(&self, run: &mut Run, event: &Event, time: DateTime<Utc>) -> Result<Told, Cause> {
        let Some(rollup) = &event.rollup else { return Ok(Told::default()) };
        let key = self.config.locations.summary(rollup.of, time);
        let limit = || run.end.saturating_duration_since(Instant::now());
        let read = async |key: String| self.sink.get(&key, limit()).await;
        let summed = rollup::read(rollup, &run.summary.time, key.as_str(), read).await.map_err(Cause::Rollup)?;
        summed.tell();
        let body = Bytes::from(summed.to_json());
        let bytes = body.len();
        self.sink.put(&key, body, limit()).await.map_err(|e| Cause::Store(e.to_string()))?;
        run.summary.files.push(File { key: key.to_string(), records: 0, bytes });
        Ok(Told { error_log: String::new(), target_file: self.sink.place(&key) })
    }

    /// The event's topics: the configured ones in the configuration's order, then those that it brings
    /// along in its own.
    fn topics<'a>(&'a self, event: &'a Event) -> Result<Vec<Topic<'a>>, Cause> {
        let mut topics: Vec<Topic<'a>> = match event.job {
            Job::BrandMedia => self.config.accounts.iter().map(Topic::Account).collect(),
            Job::Hashtag => self.config.hashtags.iter().map(Topic::Hashtag).collect(),
            Job::Token | Job::Rollup => Vec::new(),
        };
        if let Some(subset) = &event.subset {
            event.check_subset(&topics.iter().map(Topic::name).collect::<Vec<_>>())?;
            let named = |topic: &Topic<'_>, w: &Wanted| matches!(w, Wanted::Configured(name) if name == topic.name());
            topics.retain(|topic| subset.iter().any(|wanted| named(topic, wanted)));
            topics.extend(subset.iter().filter_map(|wanted| match wanted {
                Wanted::Configured(_) => None,
                Wanted::Account(account) => Some(Topic::Account(account)),
                Wanted::Hashtag(hashtag) => Some(Topic::Hashtag(hashtag)),
            }));
        }
        Ok(topics)
    }

    fn objects<'m>(
        &'m self,
        run: &Run,
        event: &Event,
        time: DateTime<Utc>,
        topics: &[Topic<'_>],
        outcomes: Vec<Outcome>,
        models: &[Model],
    ) -> (Vec<Object>, Vec<Tally<'m>>) {
        let name = RunName { time, shard: event.shard.as_ref() };
        let mut bodies: Vec<Body> = models.iter().map(|_| Body::new(self.config.format)).collect();
        let mut tallies: Vec<Tally<'m>> = models.iter().map(|m| Tally::new(self.config.mapping(*m))).collect();
        for (topic, outcome) in topics.iter().zip(outcomes) {
            let batches = outcome.into_iter().flat_map(|collected| collected.batches);
            for ((_, batch), (body, tally)) in batches.zip(bodies.iter_mut().zip(&mut tallies)) {
                tally.add(topic.name(), &batch);
                body.add(&batch);
            }
        }
        let mut objects = Vec::new();
        for ((model, body), tally) in models.iter().zip(bodies).zip(&tallies) {
            let failed = &run.summary.failures;
            if let Some(body) = body.finish() {
                let (key, records) = (self.config.locations.raw(*model, name), Some(tally.records));
                objects.push(Object { key, body: body.into(), records });
            }
            if tally.has_issues() || (tally.records > 0 && !failed.is_empty()) {
                let body = tally.to_json(event.job.name(), &run.summary.time, failed).into();
                objects.push(Object { key: self.config.locations.quality(*model, name), body, records: None });
            }
        }
        (objects, tallies)
    }

    /// Stores the objects, all at once, each on its own, and notes those stored in the summary.
    async fn store(&self, run: &mut Run, objects: Vec<Object>) -> Result<String, Cause> {
        let limit = run.end.saturating_duration_since(Instant::now());
        let puts = objects.iter().map(|object| self.sink.put(&object.key, object.body.clone(), limit));
        let (mut places, mut lost) = (Vec::new(), Vec::new());
        for (object, stored) in objects.iter().zip(join_all(puts).await) {
            let (key, bytes) = (object.key.to_string(), object.body.len());
            match (stored, object.records) {
                (Ok(()), Some(records)) => {
                    places.push(self.sink.place(&object.key));
                    run.summary.files.push(File { key, records, bytes });
                }
                (Ok(()), None) => run.summary.quality.files.push(key),
                (Err(error), Some(records)) => lost.push(format!("{error}: {records} records are lost")),
                (Err(error), None) => lost.push(error.to_string()),
            }
        }
        if lost.is_empty() { Ok(places.join("\n")) } else { Err(Cause::Store(lost.join("; "))) }
    }
}

fn failures(topics: &[Topic<'_>], outcomes: &[Outcome]) -> Vec<FailedTopic> {
    let failed = |(topic, outcome): (&Topic<'_>, &Outcome)| {
        let failure = failure_of(outcome)?;
        let (kind, code) = (failure.kind, failure.code);
        Some(FailedTopic { topic: topic.name().to_owned(), kind, code, message: failure.message.clone() })
    };
    topics.iter().zip(outcomes).filter_map(failed).collect()
}

fn why_nothing(summary: &Summary, topics: usize) -> String {
    match summary.failures.first() {
        Some(first) => format!(
            "{} of {topics} topics failed, the first of them {}: {}",
            summary.failures.len(),
            first.topic,
            first.message
        ),
        None if topics == 0 => "the configuration lists no topics for this job".to_owned(),
        None => format!("the answers for {topics} topics hold no record that can be stored"),
    }
}
