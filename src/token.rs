//! The `token` job: checks how long the access token is good for.

use chrono::{DateTime, Utc};
use tracing::{error, info, warn};

use crate::error::Cause;
use crate::graph::{Failure, Kind, Session, TokenInfo};
use crate::report::{FailedTopic, TokenState};
use crate::secret::Keeper;
use crate::telemetry::critical;

mod renewal;

/// A WARNING is logged from this many days before an expiry.
pub const WARN_DAYS: i64 = 7;

/// The seconds of a day.
pub const SECONDS_A_DAY: i64 = 86_400;

/// Asks for the token's state and logs it at its level. With a `keeper`, a token that is near its end is renewed.
/// Returns the state, and the failures for the summary: an invalid token is one too.
pub async fn run(session: &Session<'_>, keeper: Option<&Keeper>) -> (Result<TokenState, Cause>, Vec<FailedTopic>) {
    let failed = |Failure { kind, code, message, .. }| FailedTopic { topic: "token".into(), kind, code, message };
    let info = match session.debug_token().await {
        Ok(info) => info,
        Err(failure) => {
            error!(kind = failure.kind.name(), code = failure.code, "the access token's state is unknown: {failure}");
            return (Err(Cause::TokenUnknown(failure.to_string())), vec![failed(failure)]);
        }
    };
    let (renewal, renewed) = match keeper {
        Some(keeper) => Some(renewal::renew(session, keeper, &info).await).unzip(),
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
    let days = nearest.map(|t| (t - now).num_seconds().div_euclid(SECONDS_A_DAY));
    let days_left = if info.is_valid { days } else { Some(0) };
    let scopes = info.scopes.clone();
    TokenState { is_valid: info.is_valid, expires_at, data_access_expires_at, days_left, scopes, renewal: None }
}

fn log(info: &TokenInfo, state: &TokenState) {
    let (kind, days_left) = (Kind::Token.name(), state.days_left);
    if !state.is_valid {
        let Failure { code, subcode, message, .. } = info.refusal();
        critical!(kind, code, subcode, "the access token is not valid: {message}");
        return;
    }
    match days_left {
        Some(days) if days < 0 => {
            critical!(kind, days_left, "the access token or its access to data has expired: renew it")
        }
        Some(days) if days < WARN_DAYS => {
            warn!(kind, days_left, "the access token or its access to data expires in {days} days: renew it")
        }
        Some(days) => info!(days_left, "the access token is valid for {days} days"),
        None => info!("the access token is valid and does not expire"),
    }
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
}
