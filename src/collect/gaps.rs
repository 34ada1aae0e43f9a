//! The media under a hashtag: a page, and with `media_per_hashtag = auto` further ones until they meet what
//! the process stored before.
//!
//! The API promises no order, so that a page is read whole and met where any medium of it is known. It gives
//! the media of 24 hours at most, 50 a page, and may name the same cursor on every page: pages are bounded by
//! the calls that the run may make, and media that come again are told apart by their ids.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use super::further::{Pages, in_time, next};
use super::{Collected, Topic, flatten_within, keep};
use crate::config::Config;
use crate::graph::{Cursor, Failure, Kind, MediaIds, MediaPage, Session};
use crate::json;
use crate::record::{Batch, Model};
use crate::topic::{Hashtag, HashtagId};

/// The further pages that a run may still ask for, over all its hashtags.
pub(super) struct FurtherPages(AtomicU64);

impl FurtherPages {
    /// The pages that a run of `topics` may ask for besides the first of each.
    pub(super) fn of(config: &Config, topics: usize) -> Self {
        let calls = if config.limits.closes_gaps { config.plan().calls_per_hashtag_run() } else { 0 };
        Self(AtomicU64::new(calls.saturating_sub(topics as u64)))
    }

    /// Takes a page; `false` where none is left.
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// How far back the pages of a hashtag reached.
#[derive(Debug)]
pub struct Reach {
    /// Pages read.
    pub pages: u32,
    /// Media that the process had stored before; `None` where it had stored none.
    pub overlap: Option<usize>,
    /// Whether media are likely to be missing between the previous run and this one.
    pub gap_likely: bool,
    /// The hashtag.
    pub hashtag: HashtagId,
    /// Its media in this run, to be known to the next one once they are stored.
    pub media: MediaIds,
}

/// How late a scheduled run may start, and so be after the one before it: EventBridge Scheduler keeps a
/// minute.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// What the pages have to reach.
enum Goal {
    /// A medium that the process has stored.
    Known(std::sync::Arc<MediaIds>),
    /// A medium from before the previous run, for a process that has stored none.
    Before(DateTime<Utc>),
}

impl Goal {
    fn is_met(&self, page: &MediaPage<'_>, batch: &Batch<'_>) -> bool {
        match self {
            Self::Known(known) => batch.records.iter().filter_map(|r| number(&r.id)).any(|id| known.contains(&id)),
            // Without timestamps the first page has to do.
            Self::Before(time) => {
                page.records.iter().filter_map(|r| timestamp(r.get())).min().is_none_or(|t| t < *time)
            }
        }
    }
}

/// An id as a number; those of the API have 17 digits.
fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}

fn timestamp(record: &str) -> Option<DateTime<Utc>> {
    let [timestamp] = json::fields(record, ["timestamp"])?;
    let text = json::string(timestamp?).ok()?;
    Some(DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%z").ok()?.to_utc())
}

/// Fetches the newest media under a hashtag.
pub(super) async fn recent_media<'c>(
    config: &'c Config,
    session: &Session<'_>,
    hashtag: &Hashtag,
    further: &FurtherPages,
) -> Result<Collected<'c>, Failure> {
    if let Some(pinned) = &hashtag.id {
        return media_under(config, session, hashtag, pinned, further).await;
    }
    let id = session.hashtag_id(&hashtag.name).await?;
    let collected = media_under(config, session, hashtag, &id, further).await;
    if collected.as_ref().is_err_and(|failure| failure.kind == Kind::NotFound)
        && let Some(other) = session.other_hashtag_id(&hashtag.name, &id).await
    {
        return media_under(config, session, hashtag, &other, further).await;
    }
    collected
}

async fn media_under<'c>(
    config: &'c Config,
    session: &Session<'_>,
    hashtag: &Hashtag,
    id: &HashtagId,
    further: &FurtherPages,
) -> Result<Collected<'c>, Failure> {
    let (mapping, limit) = (config.mapping(Model::MediaHashtag), config.limits.media_per_hashtag);
    let (owner, fields) = (hashtag.user_id.as_str(), mapping.requested());
    let goal = config.limits.closes_gaps.then(|| match session.client().seen_under(id) {
        Some(known) => Goal::Known(known),
        None => Goal::Before(Utc::now() - TimeDelta::hours(1) / runs(config) - LATE),
    });
    let page = async |number: u32, after: Option<&Cursor>| -> Result<_, Failure> {
        let read = |page: &MediaPage<'_>, unknown: &[String]| {
            keep(session, Topic::Hashtag(hashtag), number, page.answer);
            let batch = flatten_within(session, page, mapping, owner, unknown)?;
            let is_met = goal.as_ref().is_none_or(|goal| goal.is_met(page, &batch));
            Ok((batch, next(page), is_met))
        };
        session.recent_media_after(id, &fields, (limit, after), read).await?
    };
    let (first, mut after, mut is_met) = page(1, None).await?;
    let mut posts = Pages::of(first);
    let (mut pages, mut cut_short) = (1, None);
    while let Some(cursor) = after.as_ref().filter(|_| !is_met) {
        if !further.take() {
            break;
        }
        match in_time(session, page(pages + 1, Some(cursor))).await {
            Ok((batch, next, meets)) => {
                pages += 1;
                (after, is_met) = (next, meets);
                if !posts.extend(batch) {
                    break;
                }
            }
            Err(failure) => {
                cut_short = Some(posts.cut_short(pages + 1, failure));
                break;
            }
        }
    }
    let batch = posts.batch;
    let reach = goal.map(|goal| {
        let media: MediaIds = batch.records.iter().filter_map(|record| number(&record.id)).collect();
        let overlap = match &goal {
            Goal::Known(known) => Some(known.intersection(&media).count()),
            Goal::Before(_) => None,
        };
        let gap_likely = !is_met && after.is_some();
        if gap_likely {
            let (kind, told) = ("gap", "some of the media under this hashtag are likely to be missing");
            warn!(kind, pages, "{told}: its pages did not reach those of the previous run");
        }
        Reach { pages, overlap, gap_likely, hashtag: id.clone(), media }
    });
    Ok(Collected { batches: vec![(Model::MediaHashtag, batch)], cut_short, reach })
}

fn runs(config: &Config) -> i32 {
    i32::try_from(config.limits.hashtag_runs_per_hour).unwrap_or(1)
}
