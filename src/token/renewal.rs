//! The renewal of a token that is near its end: exchanged, proved, and put into the secret. Where a step fails,
//! the secret keeps the old token, which is good until its end.

use chrono::Utc;
use tracing::{error, info};

use super::SECONDS_A_DAY;
use crate::graph::{Session, TokenInfo};
use crate::report::{Renewal, RenewalEnd};
use crate::secret::Keeper;

/// From so many days before its end on, a token is exchanged: the job runs daily, and warns from 7 on.
const DAYS: i64 = 10;

/// The only type of token that the API documents the exchange for.
const USER: &str = "USER";

/// Renews the token that `old` tells of, where it is due, and tells what came of it; the new one's state where
/// there is one.
pub(super) async fn renew(session: &Session<'_>, keeper: &Keeper, old: &TokenInfo) -> (Renewal, Option<TokenInfo>) {
    let days = |at: i64| (at - Utc::now().timestamp()).div_euclid(SECONDS_A_DAY);
    let left = old.expires_at.filter(|at| *at != 0).map(days);
    let told = match left {
        None => Some("the token does not expire".to_owned()),
        Some(days) if days >= DAYS => Some(format!("not due before {DAYS} days are left, and {days} are")),
        Some(_) if !old.is_valid => {
            Some("a token that is not valid cannot be exchanged; log in for a new one".to_owned())
        }
        Some(_) => None,
    };
    if let Some(told) = told {
        return (Renewal { end: RenewalEnd::NotDue, told }, None);
    }
    match exchange(session, keeper, old).await {
        Ok(new) => {
            let days = new.expires_at.filter(|at| *at != 0).map(days);
            let told = days.map_or_else(|| "renewed for ever".to_owned(), |days| format!("renewed for {days} days"));
            info!("the access token was {told}");
            (Renewal { end: RenewalEnd::Renewed, told }, Some(new))
        }
        Err(why) => {
            let days = left.unwrap_or_default();
            let told = session.client().redacted(&format!("{why}; the old token is good for {days} more days"));
            error!(kind = "renewal", days_left = days, "the access token was not renewed: {told}");
            (Renewal { end: RenewalEnd::Failed, told }, None)
        }
    }
}

/// Gives the state of the new token, which is in the secret and in use.
async fn exchange(session: &Session<'_>, keeper: &Keeper, old: &TokenInfo) -> Result<TokenInfo, String> {
    if let Some(kind) = old.kind.as_deref().filter(|kind| *kind != USER) {
        return Err(format!("a token of the type {kind} is not exchanged, only one of the type {USER}"));
    }
    let before = session.client().token();
    let new = session.exchange_token().await.map_err(|failure| format!("the exchange failed: {failure}"))?;
    let new = new.ok_or("the exchange gave the same token again")?;
    let state = session
        .debug_token_of(&new)
        .await
        .map_err(|failure| format!("the new token's state was not told: {failure}"))?;
    compare(old, &state)?;
    session.try_token(&new).await.map_err(|failure| format!("a call with the new token failed: {failure}"))?;
    let put = keeper.replace(&before, &new.access_token, session.left()).await;
    put.map_err(|error| error.to_string())?;
    session.client().set_credentials(new);
    Ok(state)
}

/// Whether the new token is good for all that the old one is, and for longer.
fn compare(old: &TokenInfo, new: &TokenInfo) -> Result<(), String> {
    if !new.is_valid {
        return Err(format!("the new token is not valid: {}", new.refusal()));
    }
    // 0 is never, and what is not told is now.
    let end = |at: Option<i64>| at.map_or(0, |at| if at == 0 { i64::MAX } else { at });
    if end(new.expires_at) <= end(old.expires_at) {
        return Err("the new token lasts no longer than the old one".to_owned());
    }
    if end(new.data_access_expires_at) < end(old.data_access_expires_at) {
        return Err("with the new token, access to data would end earlier".to_owned());
    }
    let lost: Vec<&str> = old.scopes.iter().filter(|scope| !new.scopes.contains(scope)).map(String::as_str).collect();
    if lost.is_empty() { Ok(()) } else { Err(format!("the new token lacks {}", lost.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(expires_at: i64, data_access_expires_at: i64, scopes: &[&str]) -> TokenInfo {
        TokenInfo {
            is_valid: true,
            expires_at: Some(expires_at),
            data_access_expires_at: Some(data_access_expires_at),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            ..TokenInfo::default()
        }
    }

    #[test]
    fn a_new_token_is_taken_only_where_it_is_good_for_all_that_the_old_one_is_and_longer() {
        let old = info(100, 200, &["a", "b"]);
        let told = |new: TokenInfo| compare(&old, &new).map_or_else(|why| why, |()| "taken".to_owned());
        assert_eq!(told(info(101, 200, &["b", "a", "c"])), "taken");
        assert_eq!(told(info(0, 0, &["a", "b"])), "taken");
        assert_eq!(told(info(100, 200, &["a", "b"])), "the new token lasts no longer than the old one");
        assert_eq!(
            told(TokenInfo { expires_at: None, ..info(1, 200, &["a", "b"]) }),
            "the new token lasts no longer than the old one"
        );
        assert_eq!(told(info(101, 199, &["a", "b"])), "with the new token, access to data would end earlier");
        assert_eq!(told(info(101, 200, &["a"])), "the new token lacks b");
        assert!(told(TokenInfo::default()).starts_with("the new token is not valid"));
    }
}
