//! The part of the check about hashtags: how many of the 30 in 7 days are used, and whether a call for one succeeds.
//!
//! A check uses up no hashtag that a run would not: it requests a followed one, preferably one that already counts.

use super::api::{failed, narrowed};
use super::checklist::Checklist;
use collector::config::Config;
use collector::counted::counted;
use collector::diagnosis::Diagnosis;
use collector::graph::{Call as ApiCall, SearchedHashtag, Session, Usage};
use collector::record::Model;
use collector::topic::Hashtag;

const QUOTA: &str = "hashtag quota";
const CALL: &str = "hashtag";

/// The number of hashtags tried before the call counts as failed: the API refuses those that it calls sensitive.
const HASHTAGS_TRIED: usize = 3;

/// The quota, and one hashtag.
pub(super) async fn check(checklist: &mut Checklist, session: &Session<'_>, config: &Config, scopes: &[String]) {
    if config.hashtags.is_empty() {
        return [QUOTA, CALL].into_iter().for_each(|what| checklist.skip(what, "no hashtags are followed"));
    }
    let searched = match session.searched_hashtags().await {
        Ok(searched) => Some(searched),
        Err(failure) => {
            failed(checklist, QUOTA, "the number of used hashtags is unknown", session, &narrowed(failure, scopes));
            None
        }
    };
    if let Some(searched) = &searched {
        quota(checklist, config, searched);
    }
    let counts = |hashtag: &&Hashtag| searched.iter().flatten().any(|searched| is(searched, hashtag));
    let (counted, others): (Vec<&Hashtag>, Vec<&Hashtag>) = config.hashtags.iter().partition(counts);
    let is_under_quota =
        searched.as_ref().is_none_or(|searched| searched.len() < config.limits.hashtags_per_week as usize);
    let tried = counted.into_iter().chain(others.into_iter().filter(|_| is_under_quota)).take(HASHTAGS_TRIED);
    call(checklist, session, config, scopes, tried).await;
}

fn is(searched: &SearchedHashtag, hashtag: &Hashtag) -> bool {
    // A pinned id decides; otherwise the name, which the API reports in lower case.
    let by_name =
        searched.name.as_ref().is_some_and(|name| name.to_lowercase() == hashtag.name.as_str().to_lowercase());
    hashtag.id.as_ref() == Some(&searched.id) || by_name
}

/// Compares the hashtags that count with the followed ones.
fn quota(checklist: &mut Checklist, config: &Config, searched: &[SearchedHashtag]) {
    let allowed = config.limits.hashtags_per_week as usize;
    let missing = |hashtag: &&Hashtag| !searched.iter().any(|searched| is(searched, hashtag));
    let new: Vec<&str> = config.hashtags.iter().filter(missing).map(|hashtag| hashtag.name.as_str()).collect();
    let (used, followed, needed) = (searched.len(), config.hashtags.len(), searched.len() + new.len());
    let message = match new.len() {
        0 => format!("{used} of {allowed} are used in 7 days, the {followed} followed among them"),
        new => {
            format!(
                "{used} of {allowed} are used in 7 days; {needed} with the {new} followed ones that do not count yet"
            )
        }
    };
    if needed > allowed {
        let names: Vec<&str> = new.iter().copied().take(5).collect();
        let more = if new.len() > names.len() { " and others" } else { "" };
        let refused = counted(needed - allowed, "hashtag");
        let message = format!("{message}: {refused} of {}{more} will be refused", names.join(", "));
        checklist.fail(QUOTA, message, Diagnosis::HashtagQuota);
    } else if needed * 100 >= allowed * Usage::WARN_PERCENT as usize {
        checklist.warn(QUOTA, message, Diagnosis::HashtagQuota);
    } else {
        checklist.ok(QUOTA, message);
    }
}

/// Tries hashtags until one responds.
async fn call<'c>(
    checklist: &mut Checklist,
    session: &Session<'_>,
    config: &Config,
    scopes: &[String],
    tried: impl Iterator<Item = &'c Hashtag>,
) {
    let fields = config.mapping(Model::MediaHashtag).requested();
    let mut last = None;
    for hashtag in tried {
        let name = format!("#{}", hashtag.name);
        let asked = async {
            let id = match &hashtag.id {
                Some(pinned) => pinned.clone(),
                None => session.hashtag_id(&hashtag.name).await?,
            };
            let call = ApiCall::RecentMedia { hashtag: &id, media: &fields, limit: 1, after: None };
            session.page(&call).await.map(|response| response.value.records.len())
        };
        match asked.await {
            Ok(0) => return checklist.ok(CALL, format!("{name} responds: no medium within 24 hours")),
            Ok(media) => return checklist.ok(CALL, format!("{name} responds: {media} medium")),
            Err(failure) if failure.diagnosis == Diagnosis::HashtagNotThere => {
                checklist.warn(CALL, format!("{name}: {}", failure.explained()), failure.diagnosis);
                last = Some(failure);
            }
            Err(failure) => return failed(checklist, CALL, &name, session, &narrowed(failure, scopes)),
        }
    }
    match last {
        Some(failure) => {
            checklist.fail(CALL, format!("none of the hashtags tried exists: {failure}"), failure.diagnosis);
        }
        None => checklist.skip(CALL, "none of those followed may be searched for now"),
    }
}
