//! One job: its topics fetched concurrently, each on its own, up to the deadline, in their order.

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::timeout_at;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::config::{Account, Config, Hashtag};
use crate::graph::{Failure, Kind, Session};
use crate::record::{Batch, Model};

mod pages;

/// What is asked for in one piece, and fails in one piece.
#[derive(Debug, Clone, Copy)]
pub enum Topic<'c> {
    /// An account's profile and media.
    Account(&'c Account),
    /// The media under a hashtag.
    Hashtag(&'c Hashtag),
}

impl Topic<'_> {
    /// Its name in `[topic]`.
    pub fn name(&self) -> &str {
        match self {
            Self::Account(account) => account.username.as_str(),
            Self::Hashtag(hashtag) => hashtag.name.as_str(),
        }
    }

    /// The models that its records are of.
    pub const fn models(&self) -> &'static [Model] {
        match self {
            Self::Account(_) => &[Model::Brand, Model::Media],
            Self::Hashtag(_) => &[Model::MediaHashtag],
        }
    }
}

/// What came of a topic, or why nothing did.
pub type Outcome = Result<Collected, Failure>;

/// The records of a topic.
#[derive(Debug)]
pub struct Collected {
    /// Its batches, one for each of its models.
    pub batches: Vec<(Model, Batch)>,
    /// Why further pages of media are missing; `None` where nothing is.
    pub cut_short: Option<Failure>,
}

impl From<Vec<(Model, Batch)>> for Collected {
    fn from(batches: Vec<(Model, Batch)>) -> Self {
        Self { batches, cut_short: None }
    }
}

/// Why a topic's records are missing, all or some of them.
pub fn failure_of(outcome: &Outcome) -> Option<&Failure> {
    match outcome {
        Ok(collected) => collected.cut_short.as_ref(),
        Err(failure) => Some(failure),
    }
}

/// Told of each topic as it comes in.
pub trait Progress: Sync {
    /// The run has these topics.
    fn begin(&self, topics: &[Topic<'_>]);
    /// A topic is done.
    fn done(&self, topic: Topic<'_>, outcome: &Outcome);
}

/// Nobody watches.
impl Progress for () {
    fn begin(&self, _: &[Topic<'_>]) {}
    fn done(&self, _: Topic<'_>, _: &Outcome) {}
}

/// Fetches `topics`, at most `[limits] concurrency` at a time, and gives each one's outcome in their
/// order. At the session's deadline the unfinished ones are given up.
pub async fn collect(
    config: &Config,
    session: &Session<'_>,
    topics: &[Topic<'_>],
    progress: &dyn Progress,
) -> Vec<Outcome> {
    progress.begin(topics);
    let mut outcomes: Vec<Option<Outcome>> = topics.iter().map(|_| None).collect();
    let note = |topic: Topic<'_>, outcome: &Outcome| {
        if let Some(failure) = failure_of(outcome) {
            error!(
                topic = topic.name(),
                kind = failure.kind.name(),
                code = failure.code,
                subcode = failure.subcode,
                "topic {}: {failure}",
                if outcome.is_ok() { "cut short" } else { "failed" }
            );
        }
        progress.done(topic, outcome);
    };
    let fetches = topics.iter().enumerate().map(|(i, &topic)| async move {
        let span = info_span!("topic", topic = topic.name());
        (i, topic, fetch(config, session, topic).instrument(span).await)
    });
    let mut fetches = stream::iter(fetches).buffer_unordered(config.limits.concurrency as usize);
    while let Ok(Some((i, topic, outcome))) = timeout_at(session.deadline(), fetches.next()).await {
        note(topic, &outcome);
        if let Some(slot) = outcomes.get_mut(i) {
            *slot = Some(outcome);
        }
    }
    let given_up = || Failure::new(Kind::Deadline, "given up: not done when the run's time was over");
    let in_time = |(outcome, &topic): (Option<Outcome>, &Topic<'_>)| {
        outcome.unwrap_or_else(|| {
            let outcome = Err(given_up());
            note(topic, &outcome);
            outcome
        })
    };
    outcomes.into_iter().zip(topics).map(in_time).collect()
}

async fn fetch(config: &Config, session: &Session<'_>, topic: Topic<'_>) -> Outcome {
    let collected = match topic {
        Topic::Account(account) => pages::discover(config, session, account).await?,
        Topic::Hashtag(hashtag) => vec![(Model::MediaHashtag, recent_media(config, session, hashtag).await?)].into(),
    };
    for (model, batch) in &collected.batches {
        if *model != Model::Brand && batch.records == 0 && batch.rejects.is_empty() {
            warn!(model = model.name(), kind = "no media", "the answer has no media");
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            trace_issues(config, *model, batch);
        }
    }
    Ok(collected)
}

async fn recent_media(config: &Config, session: &Session<'_>, hashtag: &Hashtag) -> Result<Batch, Failure> {
    let mapping = config.mapping(Model::MediaHashtag);
    let id = match &hashtag.id {
        Some(pinned) => pinned.clone(),
        None => session.hashtag_id(&hashtag.name).await?,
    };
    let read = |page: &crate::graph::MediaPage<'_>, unknown: &[String]| {
        let mut batch = Batch::default();
        page.records.iter().for_each(|r| mapping.flatten_raw(r, hashtag.user_id.as_str(), unknown, &mut batch));
        batch
    };
    session.recent_media(&id, &mapping.requested(), config.limits.media_per_hashtag, read).await
}

/// The most defaulted fields of one batch that are logged one by one: an answer of 100,000 media would
/// otherwise spend the run's time on its own log. The counts, and the quality object, have them all.
const MOST_TRACED: usize = 5_000;

fn trace_issues(config: &Config, model: Model, batch: &Batch) {
    let fields = config.mapping(model).fields();
    for issue in batch.issues.iter().take(MOST_TRACED) {
        let record = batch.ids.get(issue.record).map_or("", |id| id);
        let field = fields.get(issue.field).map_or("", |f| f.output.as_str());
        debug!(model = model.name(), record, field, kind = issue.kind.name(), "field defaulted");
    }
    for reject in batch.rejects.iter().take(MOST_TRACED) {
        debug!(model = model.name(), kind = reject.reason.name(), "record left out");
    }
}
