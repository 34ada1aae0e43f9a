//! The pages of a topic: the first one, and further ones within the planned calls.
//!
//! The API promises no order of the media under a hashtag, gives those of 24 hours at most, 50 a page, and may name
//! the same cursor on every page. So the planned calls bound the pages, and a medium is known by its id.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use tracing::warn;

use super::{Collected, Outcome, Topic};
use crate::config::{Config, Limits, MEDIA_PER_PAGE};
use crate::counted::counted;
use crate::diagnosis::Diagnosis;
use crate::graph::{Call, Cursor, Failure, MediaIds, Page, Response, Session};
use crate::json;
use crate::kept_responses::Line;
use crate::record::{Batch, Mapping, Model, Own, Record};
use crate::topic::{Account, HashtagId};

/// The pages that a run of `topics` may request in addition to the first of each hashtag.
pub(super) fn further_pages(config: &Config, topics: usize) -> AtomicU64 {
    let calls = if config.limits.closes_gaps { config.plan().calls_per_hashtag_run() } else { 0 };
    AtomicU64::new(calls.saturating_sub(topics as u64))
}

/// How far back the pages of a hashtag reached.
#[derive(Debug)]
pub struct PagesRead {
    /// Pages read.
    pub pages: u32,
    /// Media that the process had stored before; `None` if it had stored none.
    pub overlap: Option<usize>,
    /// Whether media are likely to be missing between the previous run and this one.
    pub gap_likely: bool,
    /// The hashtag.
    pub hashtag: HashtagId,
    /// Its media in this run, which the next one has to reach once they are stored.
    pub media: MediaIds,
}

/// How late a scheduled run may start: EventBridge Scheduler is accurate to a minute.
const MAX_START_DELAY: TimeDelta = TimeDelta::minutes(1);

/// What the pages of a hashtag have to reach.
enum Goal {
    /// A medium that the process has stored.
    Stored(Arc<MediaIds>),
    /// A medium from before the previous run, for a process that has stored none.
    Before(DateTime<Utc>),
}

impl Goal {
    fn of(config: &Config, session: &Session<'_>, hashtag: &HashtagId) -> Self {
        let runs = i32::try_from(config.limits.hashtag_runs_per_hour).unwrap_or(1);
        match session.client().stored_media(hashtag) {
            Some(stored) => Self::Stored(stored),
            None => Self::Before(session.client().now() - TimeDelta::hours(1) / runs - MAX_START_DELAY),
        }
    }

    /// Whether a page, which has the `new` media, reaches it.
    fn is_met(&self, page: &Page, new: &[Record<'_>]) -> bool {
        match self {
            Self::Stored(stored) => new.iter().filter_map(|medium| number(&medium.id)).any(|id| stored.contains(&id)),
            // Without timestamps, the first page with media is taken as enough.
            Self::Before(time) => {
                let oldest = page.records.iter().filter_map(|record| timestamp(record)).min();
                !page.records.is_empty() && oldest.is_none_or(|oldest| oldest < *time)
            }
        }
    }
}

/// The form of a stored timestamp.
const TIMESTAMP: &str = "%Y-%m-%dT%H:%M:%S%z";

fn timestamp(record: &RawValue) -> Option<DateTime<Utc>> {
    let [timestamp] = json::fields(record.get(), ["timestamp"])?;
    let text = json::text(timestamp?).ok()?;
    Some(DateTime::parse_from_str(&text, TIMESTAMP).ok()?.to_utc())
}

/// What the pages are requested of.
#[derive(Clone, Copy)]
enum PageSource<'s> {
    Account(&'s Account),
    Hashtag(&'s HashtagId),
}

impl<'s> PageSource<'s> {
    /// The call for page `number`. Only that for the first page requests the account's own fields.
    fn call(
        self,
        limits: &Limits,
        number: u32,
        (profile, media): (&'s [&'s str], &'s [&'s str]),
        after: Option<&'s Cursor>,
    ) -> Call<'s> {
        match self {
            Self::Account(Account { username, .. }) => {
                let limit = (limits.media_per_account - (number - 1) * MEDIA_PER_PAGE).min(MEDIA_PER_PAGE);
                let profile = if number == 1 { profile } else { &[] };
                Call::BusinessDiscovery { username, profile, media, limit, after }
            }
            Self::Hashtag(hashtag) => Call::RecentMedia { hashtag, media, limit: limits.media_per_hashtag, after },
        }
    }
}

/// Fetches a topic's pages.
pub(super) async fn fetch<'c>(
    config: &'c Config,
    session: &Session<'_>,
    topic: Topic<'_>,
    further: &AtomicU64,
) -> Outcome<'c> {
    let pages = |source| pages(config, session, topic, source, further);
    let hashtag = match topic {
        Topic::Account(account) => return pages(PageSource::Account(account)).await,
        Topic::Hashtag(hashtag) => hashtag,
    };
    if let Some(pinned) = &hashtag.id {
        return pages(PageSource::Hashtag(pinned)).await;
    }
    let id = session.hashtag_id(&hashtag.name).await?;
    let outcome = pages(PageSource::Hashtag(&id)).await;
    if outcome.as_ref().is_err_and(Failure::is_about_the_topic)
        && let Some(other) = session.other_hashtag_id(&hashtag.name, &id).await
    {
        return pages(PageSource::Hashtag(&other)).await;
    }
    outcome
}

/// Fetches page after page, within the planned calls. If a further page fails, the pages before it are kept.
async fn pages<'c>(
    config: &'c Config,
    session: &Session<'_>,
    topic: Topic<'_>,
    source: PageSource<'_>,
    further: &AtomicU64,
) -> Outcome<'c> {
    let limits = &config.limits;
    let (profile, media) = (config.mapping(Model::Brand), config.mapping(topic.media()));
    let (profile_fields, media_fields) = (profile.requested(), media.requested());
    let goal = match source {
        PageSource::Hashtag(id) if limits.closes_gaps => Some(Goal::of(config, session, id)),
        _ => None,
    };
    let (mut profiles, mut posts) = (Batch::default(), MediaPages::default());
    let (mut number, mut after, mut is_met) = (0, None::<Cursor>, false);
    let (mut last_asked_at, mut other_id) = (None, None);
    let cut_short = loop {
        number += 1;
        let call = source.call(limits, number, (&profile_fields, &media_fields), after.as_ref());
        let Response { value: page, unknown, asked_at, body } = match session.page(&call).await {
            Ok(response) => response,
            Err(failure) if number == 1 => return Err(failure),
            Err(failure) => {
                last_asked_at = failure.asked_at.or(last_asked_at);
                break Some(posts.cut_short(number, failure));
            }
        };
        last_asked_at = Some(asked_at);
        if let (Some(responses), Some(body)) = (session.kept_responses(), body) {
            let edge = topic.edge().name();
            responses.keep(Line { topic: topic.name(), edge, page: number, asked_at, body: &body });
        }
        let asked_at = asked_at.format(TIMESTAMP).to_string();
        let own = Own { user_id: topic.user_id().as_str(), topic: topic.name(), asked_at: &asked_at };
        if let (1, Some(received)) = (number, &page.profile) {
            other_id = if let Topic::Account(account) = topic { super::other_id(account, received) } else { None };
            profiles.bytes = received.get().len();
            profiles.push(profile.flatten(received, own, &unknown));
        }
        let new = posts.add(&page, media, own, &unknown);
        let is_stuck = new.is_empty() && !page.records.is_empty();
        is_met = is_met || goal.as_ref().is_none_or(|goal| goal.is_met(&page, new));
        after = page.after;
        let has_next = match source {
            _ if after.is_none() => false,
            PageSource::Account(_) => number < limits.calls_per_account(),
            PageSource::Hashtag(_) => !is_met && !is_stuck && take(further),
        };
        if !has_next {
            break None;
        }
    };
    let reach = match (source, goal) {
        (PageSource::Hashtag(id), Some(goal)) => Some(posts.reach(id, &goal, number, !is_met && after.is_some())),
        _ => None,
    };
    let (read, requested) = (posts.received, limits.media_per_account);
    if matches!(source, PageSource::Account(_)) && after.is_some() && cut_short.is_none() && read < requested as usize {
        warn!(
            kind = "short_pages",
            pages = number,
            "{read} of {requested} media were read: the API's pages are shorter than requested, and no further call is planned"
        );
    }
    let mut batches = vec![(topic.media(), posts.batch)];
    if let PageSource::Account(_) = source {
        batches.insert(0, (Model::Brand, profiles));
    }
    if let Some(other_id) = &other_id {
        let (listed, meaning) = (topic.user_id(), Diagnosis::OtherAccount.sentence());
        warn!(kind = "identity", "the response has the id {other_id}, and [add_user_id] lists {listed}: {meaning}");
    }
    Ok(Collected { batches, asked_at: last_asked_at, cut_short, other_id, reach })
}

/// The media of a topic, page after page.
///
/// The API may repeat a medium on a page, or on the next one if a new medium has moved the pages: each is stored once.
#[derive(Default)]
struct MediaPages<'m> {
    batch: Batch<'m>,
    seen: HashSet<String>,
    /// The media received, repeated ones and rejected ones included.
    received: usize,
}

impl<'m> MediaPages<'m> {
    /// Adds a page. Returns its new media.
    fn add(&mut self, page: &Page, mapping: &'m Mapping, own: Own<'_>, unknown: &[String]) -> &[Record<'m>] {
        let before = self.batch.records.len();
        self.batch.records.reserve(page.records.len());
        self.seen.reserve(page.records.len());
        self.received += page.records.len();
        self.batch.surplus += page.surplus;
        for received in &page.records {
            self.batch.bytes += received.get().len();
            let record = mapping.flatten(received, own, unknown);
            if record.as_ref().is_ok_and(|record| !self.seen.insert(record.id.clone())) {
                continue;
            }
            self.batch.push(record);
        }
        self.batch.records.get(before..).unwrap_or_default()
    }

    /// The failure of a topic whose page `number` failed. The pages before it are kept.
    fn cut_short(&self, number: u32, failure: Failure) -> Failure {
        let (kept, reason) = (self.batch.records.len(), &failure.message);
        let message = format!("page {number} failed, with {} kept: {reason}", counted(kept, "medium"));
        Failure { message, ..failure }
    }

    /// How far back the pages reached.
    fn reach(&self, hashtag: &HashtagId, goal: &Goal, pages: u32, gap_likely: bool) -> PagesRead {
        let media: MediaIds = self.batch.records.iter().filter_map(|record| number(&record.id)).collect();
        let overlap = match goal {
            Goal::Stored(stored) => Some(stored.intersection(&media).count()),
            Goal::Before(_) => None,
        };
        if gap_likely {
            warn!(
                kind = "gap",
                pages,
                "some of the media under this hashtag are likely to be missing: its pages did not reach those of the previous run"
            );
        }
        PagesRead { pages, overlap, gap_likely, hashtag: hashtag.clone(), media }
    }
}

/// Takes one of the calls that are left; `false` if none is.
fn take(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// An id as a number; those of the API have 17 digits.
fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Field, FieldType};

    #[test]
    fn a_medium_that_appears_twice_is_stored_once_and_each_reject_is_kept() {
        let mapping = Mapping::new(Model::Media, vec![Field::new("media_id", "id", FieldType::Str)]);
        let page = |body: &str| Page::of_hashtag(body, 4).unwrap();
        let own = Own { user_id: "178", topic: "dior", asked_at: "" };
        let mut posts = MediaPages::default();
        let first = page(r#"{"data":[{"id":"1"},{"id":"2"},{"id":"1"},7]}"#);
        assert_eq!(posts.add(&first, &mapping, own, &[]).len(), 2);
        let second = page(r#"{"data":[{"id":"2"},{"id":"3"},7,8,9]}"#);
        assert_eq!(posts.add(&second, &mapping, own, &[]).len(), 1);
        assert_eq!((posts.batch.records.len(), posts.batch.rejects.len()), (3, 3));
        assert_eq!((posts.received, posts.batch.surplus), (8, 1));
    }
}
