//! The `token` job: checks how long the access token is valid, and renews one that is near its end: the token is
//! exchanged, the new one is tested and put into the secret. If a step fails, the secret keeps the old token, which
//! stays valid until it expires.

use chrono::{DateTime, Utc};
use tracing::{error, info, warn};

use crate::counted::counted;
use crate::diagnosis::Diagnosis;
use crate::error::Cause;
use crate::graph::{Failure, Kind, Session, TokenInfo};
use crate::report::{FailedTopic, Renewal, RenewalEnd, TokenState};
use crate::secret::SecretWriter;
use crate::telemetry::critical;

/// A WARNING is logged from this many days before an expiry.
pub const WARN_DAYS: i64 = 7;

/// The seconds of a day.
const SECONDS_A_DAY: i64 = 86_400;

/// Requests the token's state and logs it at the right level. With a `writer`, a token that is near its end is renewed.
/// Returns the state, and the failures for the summary: an invalid token is one too.
pub async fn run(
    session: &Session<'_>,
    writer: Option<&SecretWriter>,
) -> (Result<TokenState, Cause>, Vec<FailedTopic>) {
    let failed = |Failure { kind, code, message, .. }| FailedTopic { topic: "token".into(), kind, code, message };
    let info = match session.debug_token().await {
        Ok(info) => info,
        Err(failure) => {
            error!(kind = failure.kind.name(), code = failure.code, "the access token's state is unknown: {failure}");
            return (Err(Cause::TokenUnknown(failure.clone())), vec![failed(failure)]);
        }
    };
    let (renewal, renewed) = match writer {
        Some(writer) => Some(renew(session, writer, &info).await).unzip(),
        None => (None, None),
    };
    let info = renewed.flatten().unwrap_or(info);
    let state = TokenState { renewal, ..state(&info, Utc::now()) };
    log(&info, &state);
    let failures = if state.is_valid { Vec::new() } else { vec![failed(info.refusal())] };
    (Ok(state), failures)
}

/// The token's state at `now`.
pub fn state(info: &TokenInfo, now: DateTime<Utc>) -> TokenState {
    let instant = |seconds: Option<i64>| seconds.filter(|s| *s != 0).and_then(|s| DateTime::from_timestamp(s, 0));
    let (expires_at, data_access_expires_at) = (instant(info.expires_at), instant(info.data_access_expires_at));
    let nearest = [expires_at, data_access_expires_at].into_iter().flatten().min();
    let days = nearest.map(|at| days_until(at, now));
    let days_left = if info.is_valid { days } else { Some(0) };
    let scopes = info.scopes.clone();
    TokenState { is_valid: info.is_valid, expires_at, data_access_expires_at, days_left, scopes, renewal: None }
}

/// Whole days until `at`, negative if it is past.
pub fn days_until(at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (at - now).num_seconds().div_euclid(SECONDS_A_DAY)
}

fn log(info: &TokenInfo, state: &TokenState) {
    let (kind, days_left) = (Kind::Token.name(), state.days_left);
    if !state.is_valid {
        let Failure { code, subcode, message, diagnosis, .. } = info.refusal();
        critical!(kind, code, subcode, "the access token is not valid: {message}; {}", diagnosis.sentence());
        return;
    }
    match days_left {
        Some(days) if days < 0 => {
            critical!(kind, days_left, "{}", Diagnosis::TokenEnds.sentence())
        }
        Some(days) if days < WARN_DAYS => {
            let (days, next) = (counted(days, "day"), Diagnosis::TokenEnds.row().next);
            warn!(kind, days_left, "the access token or its access to data expires in {days}; next step: {next}")
        }
        Some(days) => info!(days_left, "the access token is valid for {}", counted(days, "day")),
        None => info!("the access token is valid and does not expire"),
    }
}

/// A token is exchanged from this many days before its end: the job runs daily, and warns from 7 on.
const RENEWAL_DAYS: i64 = 10;

/// The only type of token that the API documents the exchange for.
const USER: &str = "USER";

/// Renews the token with the state `old` if it is due. Returns the outcome, and the state of the new token if there is
/// one.
async fn renew(session: &Session<'_>, writer: &SecretWriter, old: &TokenInfo) -> (Renewal, Option<TokenInfo>) {
    let days = |info: &TokenInfo| {
        let at = DateTime::from_timestamp(info.expires_at.filter(|at| *at != 0)?, 0)?;
        Some(days_until(at, Utc::now()))
    };
    let left = days(old);
    let message = match left {
        None => Some("the token does not expire".to_owned()),
        Some(days) if days >= RENEWAL_DAYS => Some(format!("not due before {RENEWAL_DAYS} days are left")),
        Some(_) if !old.is_valid => {
            Some("a token that is not valid cannot be exchanged; log in for a new one".to_owned())
        }
        Some(_) => None,
    };
    if let Some(message) = message {
        return (Renewal { end: RenewalEnd::NotDue, message }, None);
    }
    match exchange(session, writer, old).await {
        Ok(new) => {
            let message = days(&new).map_or_else(
                || "renewed, without an expiry".to_owned(),
                |days| format!("renewed for {}", counted(days, "day")),
            );
            info!("the access token was {message}");
            (Renewal { end: RenewalEnd::Renewed, message }, Some(new))
        }
        Err(reason) => {
            let days = left.unwrap_or_default();
            let message = session
                .client()
                .redacted(&format!("{reason}; the old token is valid for {}", counted(days, "more day")));
            error!(kind = "renewal", days_left = days, "the access token was not renewed: {message}");
            (Renewal { end: RenewalEnd::Failed, message }, None)
        }
    }
}

/// Exchanges the token. Returns the state of the new token, which is then in the secret and in use.
async fn exchange(session: &Session<'_>, writer: &SecretWriter, old: &TokenInfo) -> Result<TokenInfo, String> {
    if let Some(kind) = old.kind.as_deref().filter(|kind| *kind != USER) {
        return Err(format!("a token of the type {kind} is not exchanged, only one of the type {USER}"));
    }
    let before = session.client().token();
    // Otherwise a new token that cannot be stored would be made every day.
    writer.check(&before, session.left()).await.map_err(|error| error.to_string())?;
    let new = session.exchange_token().await.map_err(|failure| format!("the exchange failed: {failure}"))?;
    let new = new.ok_or("the exchange gave the same token again")?;
    let state =
        session.debug_token_of(&new).await.map_err(|failure| format!("the new token's state is unknown: {failure}"))?;
    compare(old, &state)?;
    session.try_token(&new).await.map_err(|failure| format!("a call with the new token failed: {failure}"))?;
    let put = writer.replace(&before, &new.access_token, session.left()).await;
    put.map_err(|error| error.to_string())?;
    session.client().set_credentials(new);
    Ok(state)
}

/// Checks that the new token has all permissions of the old one and is valid for longer.
fn compare(old: &TokenInfo, new: &TokenInfo) -> Result<(), String> {
    if !new.is_valid {
        return Err(format!("the new token is not valid: {}", new.refusal()));
    }
    // 0 means never. A missing value counts as now.
    let end = |at: Option<i64>| at.map_or(0, |at| if at == 0 { i64::MAX } else { at });
    // At least a day: between two calls, the reported end can differ by a second.
    if end(new.expires_at).saturating_sub(end(old.expires_at)) < SECONDS_A_DAY {
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

    fn days(is_valid: bool, expires_at: Option<i64>, data_access_expires_at: Option<i64>) -> Option<i64> {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let seconds = |days: i64| if days == 0 { 0 } else { 1_000_000 + days * SECONDS_A_DAY };
        let (expires_at, data_access_expires_at) = (expires_at.map(seconds), data_access_expires_at.map(seconds));
        state(&TokenInfo { is_valid, expires_at, data_access_expires_at, ..TokenInfo::default() }, now).days_left
    }

    #[test]
    fn the_nearer_expiry_counts_and_0_is_never() {
        assert_eq!(days(true, Some(20), Some(60)), Some(20));
        assert_eq!(days(true, Some(0), Some(60)), Some(60));
        assert_eq!(days(true, Some(60), Some(3)), Some(3));
        assert_eq!(days(true, Some(0), Some(0)), None);
        assert_eq!(days(true, None, None), None);
        assert_eq!(days(true, Some(-1), Some(60)), Some(-1));
    }

    #[test]
    fn a_token_that_has_expired_or_is_not_valid_is_not_usable() {
        for (is_valid, expires_at, expected) in [
            (true, 0, true),
            (true, 1_000_001, true),
            (true, 999_999, false),
            (false, 0, false),
            (false, 2_000_000, false),
        ] {
            let info = TokenInfo { is_valid, expires_at: Some(expires_at), ..TokenInfo::default() };
            let state = state(&info, DateTime::from_timestamp(1_000_000, 0).unwrap());
            assert_eq!(state.is_usable(), expected, "{expires_at}");
        }
    }

    #[test]
    fn a_token_that_is_not_valid_has_no_days_left_whatever_its_expiry() {
        assert_eq!(days(false, Some(0), Some(0)), Some(0));
        assert_eq!(days(false, None, None), Some(0));
    }

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
    fn a_new_token_is_accepted_only_with_all_permissions_of_the_old_one_and_a_later_end() {
        let old = info(100, 200, &["a", "b"]);
        let verdict = |new: TokenInfo| compare(&old, &new).map_or_else(|reason| reason, |()| "accepted".to_owned());
        let later = 100 + SECONDS_A_DAY;
        assert_eq!(verdict(info(later, 200, &["b", "a", "c"])), "accepted");
        assert_eq!(verdict(info(0, 0, &["a", "b"])), "accepted");
        assert_eq!(verdict(info(later - 1, 200, &["a", "b"])), "the new token lasts no longer than the old one");
        assert_eq!(
            verdict(TokenInfo { expires_at: None, ..info(1, 200, &["a", "b"]) }),
            "the new token lasts no longer than the old one"
        );
        assert_eq!(verdict(info(later, 199, &["a", "b"])), "with the new token, access to data would end earlier");
        assert_eq!(verdict(info(later, 200, &["a"])), "the new token lacks b");
        assert!(verdict(TokenInfo::default()).starts_with("the new token is not valid"));
    }
}
