//! An account's profile and media, page after page.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::timeout_at;

use super::Collected;
use crate::config::{Account, Config, MEDIA_PER_PAGE};
use crate::graph::{Cursor, Discovery, Failure, Kind, MediaPage, Session};
use crate::record::{Batch, Model, Record};

/// How long before the run's time is over a further page is given up, so that the pages before it are
/// handed on in time.
const HANDING_ON: Duration = Duration::from_millis(50);

/// What has come of an account's media so far.
#[derive(Default)]
struct Media {
    batch: Batch,
    /// The ids that have come; the API may give a medium again where a new one moved the pages.
    seen: HashSet<String>,
    /// Where the next page starts; `None` after the last one.
    after: Option<Cursor>,
}

/// Fetches the profile with the first page of media, and as many further pages as are configured. The
/// number of pages bounds it and never a cursor that repeats. Where a further page fails, what came
/// before it is kept.
pub(super) async fn discover(config: &Config, session: &Session<'_>, account: &Account) -> Result<Collected, Failure> {
    let (profile, media) = (config.mapping(Model::Brand), config.mapping(Model::Media));
    let owner = account.user_id.as_str();
    let (wanted, pages) = (config.limits.media_per_account, config.limits.calls_per_account());
    let first = |answer: &Discovery<'_>, unknown: &[String]| {
        let (mut profiles, mut posts) = (Batch::default(), Media::default());
        profile.flatten(&answer.profile, owner, unknown, &mut profiles);
        let records = answer.media.as_ref().map_or(&[][..], |page| &page.records);
        records.iter().for_each(|record| media.flatten_record(record, owner, unknown, &mut posts.batch));
        if pages > 1 {
            posts.seen = records.iter().filter_map(Record::id).collect();
            posts.after = next(answer.media.as_ref());
        }
        (profiles, posts)
    };
    let fields = media.requested();
    let limit = wanted.min(MEDIA_PER_PAGE);
    let (profiles, mut posts) =
        session.discover(&account.username, &profile.requested(), &fields, limit, first).await?;

    let mut cut_short = None;
    for page in 2..=pages {
        let Some(after) = posts.after.take() else { break };
        let limit = (wanted - (page - 1) * MEDIA_PER_PAGE).min(MEDIA_PER_PAGE);
        let further = |page: &MediaPage<'_>, unknown: &[String]| {
            let mut batch = Batch::default();
            let ids: Vec<Option<String>> = page.records.iter().map(Record::id).collect();
            let mut on_this = HashSet::new();
            for (record, id) in page.records.iter().zip(&ids) {
                let new = id.as_ref().is_none_or(|id| !posts.seen.contains(id) && on_this.insert(id));
                if new {
                    media.flatten_record(record, owner, unknown, &mut batch);
                }
            }
            (batch, next(Some(page)), ids)
        };
        let call = session.more_media(&account.username, &fields, (limit, &after), further);
        let done = match session.deadline().checked_sub(HANDING_ON) {
            Some(deadline) => timeout_at(deadline, call).await,
            None => Ok(call.await),
        };
        match done.unwrap_or_else(|_| Err(Failure::new(Kind::Deadline, "not done when the run's time was over"))) {
            Ok((batch, after, ids)) => {
                posts.batch.append(batch);
                posts.seen.extend(ids.into_iter().flatten());
                posts.after = after;
            }
            Err(failure) => {
                let kept = posts.batch.records;
                let message = format!(
                    "page {page} of {pages} did not come, the {kept} media before it are kept: {}",
                    failure.message
                );
                cut_short = Some(Failure { message, ..failure });
                break;
            }
        }
    }
    Ok(Collected { batches: vec![(Model::Brand, profiles), (Model::Media, posts.batch)], cut_short })
}

/// Where the page after `page` starts; `None` where there can be none, as after an empty one.
fn next(page: Option<&MediaPage<'_>>) -> Option<Cursor> {
    page.filter(|page| !page.records.is_empty()).and_then(MediaPage::after)
}
