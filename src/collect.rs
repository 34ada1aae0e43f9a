//! One job: its topics are fetched concurrently, until the deadline. A failed topic does not affect the others.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde_json::value::RawValue;
use tracing::{Instrument, debug, info_span, warn};

use crate::config::Config;
use crate::counted::counted;
use crate::graph::{Edge, Failure, Kind, Session};
use crate::json;
use crate::record::{Batch, ID, Model};
use crate::topic::{Account, Hashtag, UserId};

mod pages;

pub use pages::PagesRead;

/// A topic: it is fetched as a whole, and fails as a whole.
#[derive(Debug, Clone, Copy)]
pub enum Topic<'c> {
    /// An account's profile and media.
    Account(&'c Account),
    /// The media under a hashtag.
    Hashtag(&'c Hashtag),
}

impl Topic<'_> {
    /// The name in `[topic]`.
    pub fn name(&self) -> &str {
        match self {
            Self::Account(account) => account.username.as_str(),
            Self::Hashtag(hashtag) => hashtag.name.as_str(),
        }
    }

    /// The call that requests the topic's fields.
    const fn edge(&self) -> Edge {
        Edge::of(self.media())
    }

    /// The user id that is stored in the topic's media.
    pub const fn user_id(&self) -> &UserId {
        match self {
            Self::Account(account) => &account.user_id,
            Self::Hashtag(hashtag) => &hashtag.user_id,
        }
    }

    /// The model of the topic's media.
    const fn media(&self) -> Model {
        match self {
            Self::Account(_) => Model::Media,
            Self::Hashtag(_) => Model::MediaHashtag,
        }
    }

    /// The models of the topic's records.
    pub const fn models(&self) -> &'static [Model] {
        match self {
            Self::Account(_) => &[Model::Brand, Model::Media],
            Self::Hashtag(_) => &[Model::MediaHashtag],
        }
    }
}

/// The records of a topic, or why there are none.
pub type Outcome<'c> = Result<Collected<'c>, Failure>;

/// The records of a topic.
#[derive(Debug)]
pub struct Collected<'c> {
    /// The batches, one for each of the topic's models.
    pub batches: Vec<(Model, Batch<'c>)>,
    /// When the last response arrived.
    pub asked_at: Option<DateTime<Utc>>,
    /// Why records of the API are missing; `None` if none are.
    pub cut_short: Option<Failure>,
    /// The id in the response, if it is not the configured one of the account.
    pub other_id: Option<String>,
    /// How far back its pages reached, of a hashtag whose gaps are closed.
    pub reach: Option<PagesRead>,
}

/// The id in the profile of an account, if it differs from the configured one.
pub fn other_id(account: &Account, profile: &RawValue) -> Option<String> {
    let [id] = json::fields(profile.get(), [ID])?;
    let id = UserId::new(&json::text(id?).ok()?)?;
    (id != account.user_id).then(|| id.to_string())
}

/// Why all or some records of a topic are missing; `None` if none are.
pub fn failure_of<'o>(outcome: &'o Outcome<'_>) -> Option<&'o Failure> {
    match outcome {
        Ok(collected) => collected.cut_short.as_ref(),
        Err(failure) => Some(failure),
    }
}

/// When the topic's last response arrived; `None` if its last call had none.
pub fn asked_at(outcome: &Outcome<'_>) -> Option<DateTime<Utc>> {
    match outcome {
        Ok(collected) => collected.asked_at,
        Err(failure) => failure.asked_at,
    }
}

/// Watches the topics of a run.
pub trait Progress: Sync {
    /// The run starts with these topics.
    fn begin(&self, topics: &[Topic<'_>]);
    /// A topic is done.
    fn done(&self, topic: Topic<'_>, outcome: &Outcome<'_>);
}

/// Watches nothing.
impl Progress for () {
    fn begin(&self, _: &[Topic<'_>]) {}
    fn done(&self, _: Topic<'_>, _: &Outcome<'_>) {}
}

/// Fetches `topics`, at most `[limits] concurrency` at a time. Returns their outcomes in the same order.
pub async fn collect<'c>(
    config: &'c Config,
    session: &Session<'_>,
    topics: &[Topic<'_>],
    progress: &dyn Progress,
) -> Vec<Outcome<'c>> {
    progress.begin(topics);
    let further = &pages::further_pages(config, topics.len());
    let fetches = topics.iter().enumerate().map(|(index, &topic)| async move {
        let start = Instant::now();
        let span = info_span!("topic", topic = topic.name());
        let outcome = fetch(config, session, topic, further).instrument(span).await;
        log_end(topic, &outcome, start.elapsed());
        progress.done(topic, &outcome);
        (index, outcome)
    });
    let fetches = stream::iter(fetches).buffer_unordered(config.limits.concurrency as usize);
    let mut outcomes: Vec<(usize, Outcome<'c>)> = fetches.collect().await;
    outcomes.sort_unstable_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn fetch<'c>(config: &'c Config, session: &Session<'_>, topic: Topic<'_>, further: &AtomicU64) -> Outcome<'c> {
    let mut collected = pages::fetch(config, session, topic, further).await?;
    log_records(config, &collected);
    let surplus: usize = collected.batches.iter().map(|(_, batch)| batch.surplus).sum();
    if surplus > 0 && collected.cut_short.is_none() {
        let message = format!("{} beyond those requested: not kept", counted(surplus, "record"));
        collected.cut_short = Some(Failure::new(Kind::TooManyRecords, message));
    }
    Ok(collected)
}

/// Logs how a topic ended and how long it took. The report of the run logs each cause of failures once.
fn log_end(topic: Topic<'_>, outcome: &Outcome<'_>, elapsed: Duration) {
    let (topic, elapsed_ms) = (topic.name(), elapsed.as_millis() as u64);
    match failure_of(outcome) {
        None => debug!(topic, elapsed_ms, "topic collected"),
        Some(failure) => {
            debug!(topic, elapsed_ms, kind = failure.kind.name(), code = failure.code, "topic failed: {failure}")
        }
    }
}

fn log_records(config: &Config, collected: &Collected<'_>) {
    for (model, batch) in &collected.batches {
        if *model != Model::Brand && batch.records.is_empty() && batch.rejects.is_empty() {
            warn!(model = model.name(), kind = "no media", "the response has no media");
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            log_issues(config, *model, batch);
        }
    }
}

/// The most defaulted fields of a batch that are logged one by one. A response of 100,000 media would
/// otherwise use up the run's time. The counts and the quality object have them all.
const MAX_LOGGED: usize = 5_000;

fn log_issues(config: &Config, model: Model, batch: &Batch<'_>) {
    let fields = config.mapping(model).fields();
    let issues = batch.records.iter().flat_map(|record| record.issues.iter().map(move |issue| (record, issue)));
    for (record, issue) in issues.take(MAX_LOGGED) {
        let field = fields.get(issue.field).map_or("", |f| f.output.as_str());
        debug!(model = model.name(), record = record.id, field, kind = issue.kind.name(), "field defaulted");
    }
    for reject in batch.rejects.iter().take(MAX_LOGGED) {
        debug!(model = model.name(), kind = reject.reason.name(), "record left out");
    }
}
