//! An account's profile and media, page after page.

use std::collections::HashSet;

use super::{Collected, Topic, flatten, flatten_within, keep};
use crate::config::{Config, MEDIA_PER_PAGE};
use crate::graph::{Cursor, Discovery, Failure, MediaPage, Session};
use crate::record::{Batch, Model};
use crate::topic::Account;

/// Fetches the profile with the first page of media, and as many further pages as are configured. The
/// number of pages bounds the loop, so that a repeated cursor cannot extend it. Where a further page fails,
/// the pages before it are kept.
pub(super) async fn discover<'c>(
    config: &'c Config,
    session: &Session<'_>,
    account: &Account,
) -> Result<Collected<'c>, Failure> {
    let (profile, media) = (config.mapping(Model::Brand), config.mapping(Model::Media));
    let owner = account.user_id.as_str();
    let (requested, pages) = (config.limits.media_per_account, config.limits.calls_per_account());
    let keep = |page, answer: &str| keep(session, Topic::Account(account), page, answer);
    let first = |answer: &Discovery<'_>, unknown: &[String]| {
        keep((1, requested.min(MEDIA_PER_PAGE)), answer.answer);
        let page = answer.media.as_ref();
        let (records, bytes) = page.map_or((0, 0), |page| (page.records.len(), page.bytes()));
        let own = answer.profile.get().len();
        session.take_room(1 + records, own + bytes)?;
        let mut profiles = Batch { bytes: own, ..Batch::default() };
        profiles.push(profile.flatten(&answer.profile, owner, unknown));
        Ok((profiles, page.map(|page| flatten(page, media, owner, unknown)).unwrap_or_default(), page.and_then(next)))
    };
    let fields = media.requested();
    let limit = requested.min(MEDIA_PER_PAGE);
    let (profiles, mut posts, mut after) =
        session.discover(&account.username, &profile.requested(), &fields, limit, first).await??;

    // The API may repeat a medium on the next page where a new medium has moved the pages.
    let mut seen: HashSet<String> = HashSet::new();
    if pages > 1 {
        seen.extend(posts.records.iter().map(|record| record.id.clone()));
    }
    let mut cut_short = None;
    for page in 2..=pages {
        let Some(cursor) = after.take() else { break };
        let limit = (requested - (page - 1) * MEDIA_PER_PAGE).min(MEDIA_PER_PAGE);
        let further = |answer: &MediaPage<'_>, unknown: &[String]| {
            keep((page, limit), answer.answer);
            flatten_within(session, answer, media, owner, unknown).map(|batch| (batch, next(answer)))
        };
        let done = tokio::select! {
            biased;
            () = session.stop().near() => Err(session.given_up()),
            done = session.more_media(&account.username, &fields, (limit, &cursor), further) => done,
        };
        match done.flatten() {
            Ok((batch, next)) => {
                posts.records.extend(batch.records.into_iter().filter(|record| seen.insert(record.id.clone())));
                posts.rejects.extend(batch.rejects);
                posts.surplus += batch.surplus;
                posts.bytes += batch.bytes;
                after = next;
            }
            Err(failure) => {
                let kept = posts.records.len();
                let message = format!(
                    "page {page} of {pages} did not come, the {kept} media before it are kept: {}",
                    failure.message
                );
                cut_short = Some(Failure { message, ..failure });
                break;
            }
        }
    }
    Ok(Collected { batches: vec![(Model::Brand, profiles), (Model::Media, posts)], cut_short, reach: None })
}

/// The cursor to the page after `page`; `None` where there is none, as after an empty page.
pub(super) fn next(page: &MediaPage<'_>) -> Option<Cursor> {
    if page.records.is_empty() { None } else { page.after() }
}
