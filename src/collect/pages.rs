//! An account's profile and media, page after page.

use super::further::{Pages, in_time, next};
use super::{Collected, Topic, flatten, flatten_within, keep};
use crate::config::{Config, MEDIA_PER_PAGE};
use crate::graph::{Discovery, Failure, MediaPage, Session};
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
        keep(1, answer.answer);
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
    let (profiles, posts, mut after) =
        session.discover(&account.username, &profile.requested(), &fields, limit, first).await??;

    let mut posts = Pages::of(posts);
    let mut cut_short = None;
    for page in 2..=pages {
        let Some(cursor) = after.take() else { break };
        let limit = (requested - (page - 1) * MEDIA_PER_PAGE).min(MEDIA_PER_PAGE);
        let further = |answer: &MediaPage<'_>, unknown: &[String]| {
            keep(page, answer.answer);
            flatten_within(session, answer, media, owner, unknown).map(|batch| (batch, next(answer)))
        };
        let more = session.more_media(&account.username, &fields, (limit, &cursor), further);
        match in_time(session, more).await.flatten() {
            Ok((batch, next)) => {
                posts.extend(batch);
                after = next;
            }
            Err(failure) => {
                cut_short = Some(posts.cut_short(page, failure));
                break;
            }
        }
    }
    Ok(Collected { batches: vec![(Model::Brand, profiles), (Model::Media, posts.batch)], cut_short, reach: None })
}
