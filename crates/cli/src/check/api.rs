//! The part of the check that requests the token's state and one account.

use chrono::{DateTime, Utc};

use super::checklist::Checklist;
use collector::collect::other_id;
use collector::config::Config;
use collector::counted::counted;
use collector::diagnosis::Diagnosis;
use collector::graph::{Call as ApiCall, Failure, Page, Session, TokenInfo};
use collector::json;
use collector::record::{Model, requested_name};
use collector::token::{self, WARN_DAYS, days_until};

/// The number of accounts that are tried before the call counts as failed. One of them may have been renamed or gone
/// private.
const ACCOUNTS_TRIED: usize = 3;

/// The permission that every call needs.
const BASIC: &str = "instagram_basic";

/// The further permissions that `business_discovery` is documented to need, as of 2026-08.
const DISCOVERY: [&str; 2] = ["instagram_manage_insights", "pages_read_engagement"];

/// Whether the token is known to be without a permission.
fn lacks(scopes: &[String], scope: &str) -> bool {
    !scopes.is_empty() && !scopes.iter().any(|granted| granted == scope)
}

/// Checks the token: its validity, its two expiries and its scopes. Returns the scopes, if the API reported them.
pub(super) async fn token(checklist: &mut Checklist, session: &Session<'_>, config: &Config) -> Vec<String> {
    let info = match session.debug_token().await {
        Ok(info) => info,
        Err(failure) => {
            let message = format!("its state is unknown: {}", failure.explained());
            checklist.fail("token", message, failure.diagnosis);
            ["expiry", "data access", "scopes"]
                .into_iter()
                .for_each(|w| checklist.skip(w, "the token's state is unknown"));
            return Vec::new();
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
        checklist.fail("token", message, info.refusal().diagnosis);
    }
    if state.is_valid {
        expiry(checklist, "expiry", "the token", info.expires_at, state.expires_at);
        expiry(checklist, "data access", "access to data", info.data_access_expires_at, state.data_access_expires_at);
    } else {
        // The 0 in the response would read as "never".
        ["expiry", "data access"].into_iter().for_each(|what| checklist.skip(what, "the token is not valid"));
    }
    scopes(checklist, &info, config);
    info.scopes
}

fn expiry(checklist: &mut Checklist, what: &'static str, who: &str, seconds: Option<i64>, at: Option<DateTime<Utc>>) {
    let Some(at) = at else {
        return match seconds {
            Some(_) => checklist.ok(what, format!("{who} never expires")),
            None => checklist.skip(what, "the API did not report it"),
        };
    };
    let days = days_until(at, Utc::now());
    let (date, left) = (at.format("%Y-%m-%d"), counted(days, "day"));
    if days < 0 {
        checklist.fail(what, format!("{who} expired on {date}"), Diagnosis::TokenEnds);
    } else if days < WARN_DAYS {
        checklist.warn(what, format!("{who} expires in {left}, on {date}"), Diagnosis::TokenEnds);
    } else {
        checklist.ok(what, format!("{who} expires in {left}, on {date}"));
    }
}

fn scopes(checklist: &mut Checklist, info: &TokenInfo, config: &Config) {
    if info.scopes.is_empty() {
        return checklist.skip("scopes", "the API did not report them");
    }
    if lacks(&info.scopes, BASIC) {
        return checklist.fail("scopes", format!("{BASIC} is missing"), Diagnosis::PermissionMissing);
    }
    let lacking: Vec<&str> = DISCOVERY.into_iter().filter(|scope| lacks(&info.scopes, scope)).collect();
    if lacking.is_empty() || config.accounts.is_empty() {
        return checklist.ok("scopes", info.scopes.join(", "));
    }
    let message = format!("{} missing; business_discovery is documented to need it", lacking.join(", "));
    checklist.warn("scopes", message, Diagnosis::PermissionMissing);
}

/// Checks one account: its profile with one of its media.
pub(super) async fn account(checklist: &mut Checklist, session: &Session<'_>, config: &Config, scopes: &[String]) {
    const WHAT: &str = "account";
    let (profile, media) = (config.mapping(Model::Brand).requested(), config.mapping(Model::Media).requested());
    let names: Vec<&str> = profile.iter().map(|request| requested_name(request)).collect();
    let count = |page: &Page| {
        let profile = page.profile.as_deref().and_then(|profile| json::fields_of(profile.get(), &names));
        (profile.into_iter().flatten().flatten().count(), page.records.len())
    };
    let mut last: Option<Failure> = None;
    for account in config.accounts.iter().take(ACCOUNTS_TRIED) {
        let name = &account.username;
        let (profile, media) = (&profile, &media);
        let call = ApiCall::BusinessDiscovery { username: name, profile, media, limit: 1, after: None };
        let page = session.page(&call).await.map(|response| response.value);
        let other_id = page.as_ref().ok().and_then(|page| other_id(account, page.profile.as_deref()?));
        match page.map(|page| count(&page)) {
            Ok(_) if other_id.is_some() => {
                let (other, listed) = (other_id.unwrap_or_default(), &account.user_id);
                let message = format!("{name} responds with the id {other}, and [add_user_id] lists {listed}");
                return checklist.warn(WHAT, message, Diagnosis::OtherAccount);
            }
            Ok((0, media)) => {
                let message = format!("{name} responds without a profile, {}", counted(media, "medium"));
                return checklist.warn(WHAT, message, Diagnosis::IncompleteResponse);
            }
            Ok((fields, media)) => {
                let (names, media) = (counted(names.len(), "field"), counted(media, "medium"));
                let message = format!("{name} responds: {fields} of {names} of its profile, {media}");
                return checklist.ok(WHAT, message);
            }
            Err(failure) if failure.diagnosis == Diagnosis::AccountNotThere => {
                checklist.warn(WHAT, format!("{name}: {}", failure.explained()), failure.diagnosis);
                last = Some(failure);
            }
            Err(failure) => return failed(checklist, WHAT, name.as_str(), session, &narrowed(failure, scopes)),
        }
    }
    match last {
        Some(failure) => {
            let message = format!("none of the accounts tried exists: {failure}");
            checklist.fail(WHAT, message, failure.diagnosis);
        }
        None => checklist.skip(WHAT, "no accounts are followed"),
    }
}

/// The failure, with a narrower cause if the token's `scopes` are known.
pub(super) fn narrowed(failure: Failure, scopes: &[String]) -> Failure {
    let needs = |more: &[&'static str]| {
        let lacking: Vec<&str> = [BASIC].iter().chain(more).copied().filter(|scope| lacks(scopes, scope)).collect();
        lacking.join(", ")
    };
    let (lacking, otherwise) = match failure.diagnosis {
        _ if scopes.is_empty() => return failure,
        Diagnosis::AccountsNotPermitted => (needs(&DISCOVERY), Diagnosis::ReviewMissing),
        Diagnosis::HashtagsNotPermitted => (needs(&[]), Diagnosis::HashtagFeatureMissing),
        _ => return failure,
    };
    if lacking.is_empty() {
        return failure.with(otherwise);
    }
    let message = format!("{} (the token lacks {lacking})", failure.message);
    Failure { message, ..failure }.with(Diagnosis::PermissionMissing)
}

/// Reports a call that failed. A call that was not made, since an earlier one stopped the calls, is skipped.
pub(super) fn failed(
    checklist: &mut Checklist,
    what: &'static str,
    name: &str,
    session: &Session<'_>,
    failure: &Failure,
) {
    match session.halted() {
        Some(halt) if halt == *failure => checklist.skip(what, halt.message),
        _ => checklist.fail(what, format!("{name}: {}", failure.explained()), failure.diagnosis),
    }
}

/// Reports the fields of the mappings that the API does not know, in the call about `topics`.
pub(super) fn unknown_fields(checklist: &mut Checklist, topics: &str, fields: &[String]) {
    if !fields.is_empty() {
        let message = format!("the API does not know {} of {topics}: each record gets the default", fields.join(", "));
        checklist.warn("fields", message, Diagnosis::UnknownField);
    }
}

#[cfg(test)]
mod tests {
    use collector::graph::Kind;

    use super::*;

    fn proven(diagnosis: Diagnosis, scopes: &[&str]) -> (Diagnosis, String) {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let Failure { diagnosis, message, .. } =
            narrowed(Failure::new(Kind::Permission, "no").with(diagnosis), &scopes);
        (diagnosis, message)
    }

    #[test]
    fn known_scopes_tell_the_causes_of_a_refusal_apart() {
        let (accounts, hashtags) = (Diagnosis::AccountsNotPermitted, Diagnosis::HashtagsNotPermitted);
        let every = ["instagram_basic", "instagram_manage_insights", "pages_read_engagement"];
        let lacking = "no (the token lacks instagram_manage_insights, pages_read_engagement)";
        for (diagnosis, scopes, expected, message) in [
            (accounts, &[][..], accounts, "no"),
            (accounts, &every, Diagnosis::ReviewMissing, "no"),
            (accounts, &every[..1], Diagnosis::PermissionMissing, lacking),
            (hashtags, &every[..1], Diagnosis::HashtagFeatureMissing, "no"),
            (hashtags, &every[1..], Diagnosis::PermissionMissing, "no (the token lacks instagram_basic)"),
            (Diagnosis::Blocked, &every[1..], Diagnosis::Blocked, "no"),
        ] {
            assert_eq!(proven(diagnosis, scopes), (expected, message.to_owned()), "{scopes:?}");
        }
    }
}
