//! One job: its topics are fetched concurrently, until the deadline. A failed topic costs no other.

use std::pin::pin;
use std::time::Duration;

use chrono::Utc;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::answers::Line;
use crate::config::Config;
use crate::graph::{Edge, Failure, Kind, MediaPage, Session};
use crate::record::{Batch, Mapping, Model};
use crate::topic::{Account, Hashtag};

mod further;
mod gaps;
mod pages;

pub use gaps::Reach;

use gaps::FurtherPages;

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
        match self {
            Self::Account(_) => Edge::Discovery,
            Self::Hashtag(_) => Edge::RecentMedia,
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
    /// Why records of the API are missing; `None` where none are.
    pub cut_short: Option<Failure>,
    /// How far back its pages reached, of a hashtag whose gaps are closed.
    pub reach: Option<Reach>,
}

/// Why all or some records of a topic are missing; `None` where none are.
pub fn failure_of<'o>(outcome: &'o Outcome<'_>) -> Option<&'o Failure> {
    match outcome {
        Ok(collected) => collected.cut_short.as_ref(),
        Err(failure) => Some(failure),
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
/// When the session stops, the unfinished topics are given up.
pub async fn collect<'c>(
    config: &'c Config,
    session: &Session<'_>,
    topics: &[Topic<'_>],
    progress: &dyn Progress,
) -> Vec<Outcome<'c>> {
    progress.begin(topics);
    let mut outcomes: Vec<Option<Outcome<'c>>> = topics.iter().map(|_| None).collect();
    let note = |topic: Topic<'_>, outcome: &Outcome<'_>, started: Instant| {
        log_end(topic, outcome, started.elapsed());
        progress.done(topic, outcome);
    };
    let started = Instant::now();
    let further = &FurtherPages::of(config, topics.len());
    let fetches = topics.iter().enumerate().map(|(i, &topic)| async move {
        let started = Instant::now();
        let span = info_span!("topic", topic = topic.name());
        let outcome = fetch(config, session, topic, further).instrument(span).await;
        (i, topic, outcome, started)
    });
    let mut fetches = stream::iter(fetches).buffer_unordered(config.limits.concurrency as usize);
    let mut stop = pin!(session.stop().reached());
    loop {
        let done = tokio::select! {
            biased;
            done = fetches.next() => done,
            () = &mut stop => None,
        };
        let Some((i, topic, outcome, started)) = done else { break };
        note(topic, &outcome, started);
        if let Some(slot) = outcomes.get_mut(i) {
            *slot = Some(outcome);
        }
    }
    let in_time = |(outcome, &topic): (Option<Outcome<'c>>, &Topic<'_>)| {
        outcome.unwrap_or_else(|| {
            let outcome = Err(session.given_up());
            note(topic, &outcome, started);
            outcome
        })
    };
    outcomes.into_iter().zip(topics).map(in_time).collect()
}

/// Logs how a topic ended and how long it took. A healthy one is a DEBUG line: the summary has the run's time.
fn log_end(topic: Topic<'_>, outcome: &Outcome<'_>, elapsed: Duration) {
    let (topic, elapsed_ms) = (topic.name(), elapsed.as_millis() as u64);
    match failure_of(outcome) {
        None => debug!(topic, elapsed_ms, "topic collected"),
        Some(failure) => {
            let (kind, code, subcode) = (failure.kind.name(), failure.code, failure.subcode);
            let end = if outcome.is_ok() { "cut short" } else { "failed" };
            error!(topic, kind, code, subcode, elapsed_ms, "topic {end}: {failure}");
        }
    }
}

async fn fetch<'c>(config: &'c Config, session: &Session<'_>, topic: Topic<'_>, further: &FurtherPages) -> Outcome<'c> {
    let fetched = match topic {
        Topic::Account(account) => pages::discover(config, session, account).await,
        Topic::Hashtag(hashtag) => gaps::recent_media(config, session, hashtag, further).await,
    };
    let doubted = |failure| session.doubted(topic.edge(), topic.name(), failure);
    let mut collected = fetched.map_err(doubted)?;
    session.note_answered(topic.edge(), topic.name());
    collected.cut_short = collected.cut_short.map(doubted);
    for (model, batch) in &collected.batches {
        if *model != Model::Brand && batch.records.is_empty() && batch.rejects.is_empty() {
            warn!(model = model.name(), kind = "no media", "the answer has no media");
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            trace_issues(config, *model, batch);
        }
    }
    let surplus: usize = collected.batches.iter().map(|(_, batch)| batch.surplus).sum();
    if surplus > 0 && collected.cut_short.is_none() {
        let message = format!("{surplus} records came beyond those asked for and are not kept");
        collected.cut_short = Some(Failure::new(Kind::TooManyRecords, message));
    }
    Ok(collected)
}

/// Keeps the response with a topic's page as received, if the run keeps responses.
fn keep(session: &Session<'_>, topic: Topic<'_>, page: u32, body: &str) {
    let Some(answers) = session.answers() else { return };
    let edge = match topic {
        Topic::Account(_) => "business_discovery",
        Topic::Hashtag(_) => "recent_media",
    };
    answers.keep(Line { topic: topic.name(), edge, page, asked_at: Utc::now(), body });
}

/// Flattens a page as [`flatten`] does, where the run's memory budget has room for its records.
fn flatten_within<'c>(
    session: &Session<'_>,
    page: &MediaPage<'_>,
    mapping: &'c Mapping,
    owner: &str,
    unknown: &[String],
) -> Result<Batch<'c>, Failure> {
    session.take_room(page.records.len(), page.bytes())?;
    Ok(flatten(page, mapping, owner, unknown))
}

/// The records of a page, checked and flattened.
fn flatten<'c>(page: &MediaPage<'_>, mapping: &'c Mapping, owner: &str, unknown: &[String]) -> Batch<'c> {
    let mut batch = Batch { surplus: page.surplus, bytes: page.bytes(), ..Batch::default() };
    page.records.iter().for_each(|record| batch.push(mapping.flatten(record, owner, unknown)));
    batch
}

/// The most defaulted fields of a batch that are logged one by one. An answer of 100,000 media would
/// otherwise use up the run's time. The counts and the quality object have them all.
const MOST_TRACED: usize = 5_000;

fn trace_issues(config: &Config, model: Model, batch: &Batch<'_>) {
    let fields = config.mapping(model).fields();
    let issues = batch.records.iter().flat_map(|record| record.issues.iter().map(move |issue| (record, issue)));
    for (record, issue) in issues.take(MOST_TRACED) {
        let field = fields.get(issue.field).map_or("", |f| f.output.as_str());
        debug!(model = model.name(), record = record.id, field, kind = issue.kind.name(), "field defaulted");
    }
    for reject in batch.rejects.iter().take(MOST_TRACED) {
        debug!(model = model.name(), kind = reject.reason.name(), "record left out");
    }
}
