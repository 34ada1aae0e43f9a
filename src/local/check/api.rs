//! The part of the check that asks the API: the token's state and one cheap call.

use chrono::{DateTime, Utc};

use super::checklist::Checklist;
use crate::config::Config;
use crate::graph::{Failure, Kind, Session, TokenInfo};
use crate::json;
use crate::record::{Model, requested_name};
use crate::token::{self, SECONDS_A_DAY, WARN_DAYS};

/// The accounts that are tried before the call counts as failed. One of them may have been renamed or gone
/// private.
const ACCOUNTS_TRIED: usize = 3;

/// The permission that every call needs.
const BASIC: &str = "instagram_basic";

/// The further permissions that `business_discovery` is documented to need, as of 2026-08.
const DISCOVERY: [&str; 2] = ["instagram_manage_insights", "pages_read_engagement"];

/// Checks the token: its validity, its two expiries and its scopes.
pub(super) async fn token(checklist: &mut Checklist, session: &Session<'_>, config: &Config, store: &str) {
    let info = match session.debug_token().await {
        Ok(info) => info,
        Err(failure) => {
            let message = format!("its state is unknown: {}: {failure}", failure.kind);
            match failure.kind {
                // The API answers so where the token may not ask about itself. The call below says more.
                Kind::Permission | Kind::NotFound | Kind::Unexpected => {
                    checklist.warn(
                        "token",
                        message,
                        format!("put app_id and app_secret into {store}, to ask as the app"),
                    );
                }
                kind => checklist.fail("token", message, to_do(kind, store)),
            }
            return ["expiry", "data access", "scopes"]
                .into_iter()
                .for_each(|w| checklist.skip(w, "the token's state is unknown"));
        }
    };
    let state = token::state(&info, Utc::now());
    if state.is_valid {
        checklist
            .ok("token", format!("valid{}", info.kind.as_ref().map_or_else(String::new, |k| format!(", of type {k}"))));
    } else {
        let error = info.error.clone().unwrap_or_default();
        let numbers: Vec<String> =
            [error.code, error.error_subcode].into_iter().flatten().map(|n| n.to_string()).collect();
        let message = format!("not valid ({}): {}", numbers.join("/"), error.message);
        checklist.fail("token", message, to_do(Kind::Token, store));
    }
    if state.is_valid {
        expiry(checklist, "expiry", "the token", info.expires_at, state.expires_at, store);
        expiry(
            checklist,
            "data access",
            "access to data",
            info.data_access_expires_at,
            state.data_access_expires_at,
            store,
        );
    } else {
        // The 0 in the answer would read as "never".
        ["expiry", "data access"].into_iter().for_each(|what| checklist.skip(what, "the token is not valid"));
    }
    scopes(checklist, &info, config);
}

fn expiry(
    checklist: &mut Checklist,
    what: &str,
    who: &str,
    seconds: Option<i64>,
    at: Option<DateTime<Utc>>,
    store: &str,
) {
    let Some(at) = at else {
        return match seconds {
            Some(_) => checklist.ok(what, format!("{who} never expires")),
            None => checklist.skip(what, "the API did not report it"),
        };
    };
    let days = (at - Utc::now()).num_seconds().div_euclid(SECONDS_A_DAY);
    let date = at.format("%Y-%m-%d");
    let to_do = format!("make a new long-lived token and put it into {store}");
    if days < 0 {
        checklist.fail(what, format!("{who} expired on {date}"), to_do);
    } else if days < WARN_DAYS {
        checklist.warn(what, format!("{who} expires in {days} days, on {date}"), to_do);
    } else {
        checklist.ok(what, format!("{who} expires in {days} days, on {date}"));
    }
}

fn scopes(checklist: &mut Checklist, info: &TokenInfo, config: &Config) {
    let missing = |scope: &&str| !info.scopes.iter().any(|granted| granted == scope);
    if info.scopes.is_empty() {
        return checklist.skip("scopes", "the API did not report them");
    }
    if missing(&BASIC) {
        return checklist.fail(
            "scopes",
            format!("{BASIC} is missing"),
            "grant it when making the token: no call works without",
        );
    }
    let lacking: Vec<&str> = DISCOVERY.into_iter().filter(missing).collect();
    if lacking.is_empty() || config.accounts.is_empty() {
        return checklist.ok("scopes", info.scopes.join(", "));
    }
    let message = format!("{} missing; business_discovery is documented to need it", lacking.join(", "));
    checklist.warn("scopes", message, "grant it when making the token, unless the call below works");
}

/// Makes one cheap call: an account's profile with one of its media, or one medium under a hashtag.
pub(super) async fn call(checklist: &mut Checklist, session: &Session<'_>, config: &Config) {
    let mut last: Option<Failure> = None;
    for account in config.accounts.iter().take(ACCOUNTS_TRIED) {
        let name = &account.username;
        let (profile, media) = (config.mapping(Model::Brand).requested(), config.mapping(Model::Media).requested());
        let count = |answer: &crate::graph::Discovery<'_>, _: &[String]| {
            (
                json::fields_of(
                    answer.profile.get(),
                    &profile.iter().map(|request| requested_name(request)).collect::<Vec<_>>(),
                )
                .into_iter()
                .flatten()
                .flatten()
                .count(),
                answer.media.as_ref().map_or(0, |page| page.records.len()),
            )
        };
        match session.discover(name, &profile, &media, 1, count).await {
            Ok((0, media)) => {
                return checklist.warn(
                    "call",
                    format!("{name} answers without a profile, {media} media"),
                    "ask again later",
                );
            }
            Ok((fields, media)) => {
                return checklist.ok("call", format!("{name} answers: {fields} fields of its profile, {media} medium"));
            }
            Err(failure) if failure.kind == Kind::NotFound => {
                let to_do = format!("look whether {name} was renamed or is no professional account any more");
                checklist.warn("call", format!("{name}: {failure}"), to_do);
                last = Some(failure);
            }
            Err(failure) => return failed(checklist, name.as_str(), &failure),
        }
    }
    match (last, config.hashtags.first()) {
        (Some(failure), _) => {
            checklist.fail("call", format!("no account tried is there: {failure}"), "look at [topic] accounts")
        }
        (None, Some(hashtag)) => hashtag_call(checklist, session, config, hashtag).await,
        (None, None) => checklist.skip("call", "no topics"),
    }
}

async fn hashtag_call(
    checklist: &mut Checklist,
    session: &Session<'_>,
    config: &Config,
    hashtag: &crate::topic::Hashtag,
) {
    let asked = async {
        let id = match &hashtag.id {
            Some(pinned) => pinned.clone(),
            None => session.hashtag_id(&hashtag.name).await?,
        };
        let fields = config.mapping(Model::MediaHashtag).requested();
        session.recent_media(&id, &fields, 1, |page, _| page.records.len()).await
    };
    let name = format!("#{}", hashtag.name);
    match asked.await {
        Ok(media) => checklist.ok("call", format!("{name} answers: {media} medium")),
        Err(failure) => failed(checklist, &name, &failure),
    }
}

fn failed(checklist: &mut Checklist, name: &str, failure: &Failure) {
    checklist.fail("call", format!("{name}: {}: {failure}", failure.kind), to_do(failure.kind, "the secret"));
}

/// Reports the fields of the mappings that the API does not know.
pub(super) fn unknown_fields(checklist: &mut Checklist, fields: &[String]) {
    if !fields.is_empty() {
        let message = format!("the API does not know {}: each record gets the default", fields.join(", "));
        checklist.warn("fields", message, "take them out of the mappings, or set an [API] version that knows them");
    }
}

/// What to do about a class of failure.
fn to_do(kind: Kind, store: &str) -> String {
    match kind {
        Kind::Token => format!("make a new long-lived token and put it into {store}"),
        Kind::Throttled | Kind::Usage => "wait an hour; `local plan` tells what the schedule needs".to_owned(),
        Kind::VersionEnded => "set [API] version to a living one".to_owned(),
        Kind::Permission => "look at the app's permissions and reviews in its dashboard".to_owned(),
        Kind::NotFound => "look at [topic] and at ig_user_id".to_owned(),
        Kind::UnknownField => "take the field out of the mapping".to_owned(),
        Kind::Transient | Kind::Deadline => "look at the network and at [API] end_point, and try again".to_owned(),
        Kind::Memory => "give the function more memory, or look at the [API] end_point".to_owned(),
        Kind::TooManyRecords => {
            "look at the [API] end_point: the API does not answer more than it is asked for".to_owned()
        }
        Kind::Unexpected => "look the code up in the API's documentation".to_owned(),
    }
}
