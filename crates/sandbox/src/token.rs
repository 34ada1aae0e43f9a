//! What `debug_token` says about a token, and the proof that a call is made by the token's app.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::State;
use super::fault::TokenFault;
use super::reply::Reply;

/// The path of the exchange.
pub(super) const EXCHANGE: &str = "oauth/access_token";

impl State {
    /// Exchanges an accepted token for the new one.
    pub(super) fn exchange(&self, query: &BTreeMap<String, String>) -> Reply {
        let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let secret = self.options.app_secret.as_deref();
        if given("client_id").is_empty() || secret.is_some_and(|secret| secret != given("client_secret")) {
            return Reply::error(400, 1, None, "Error validating client secret.");
        }
        if !self.takes(query.get("fb_exchange_token")) {
            return Reply::error(400, 190, Some(463), "Error validating access token: Session has expired");
        }
        match (&self.options.new_token, given("grant_type")) {
            (Some(new), "fb_exchange_token") => {
                self.exchanged.store(true, Ordering::Relaxed);
                Reply::ok(json!({"access_token": new, "token_type": "bearer", "expires_in": 60 * 86_400}))
            }
            _ => Reply::error(400, 100, None, "Invalid grant type"),
        }
    }

    /// Whether a token is the one that the exchange returns.
    pub(super) fn is_new(&self, token: Option<&String>) -> bool {
        self.options.new_token.is_some() && self.options.new_token.as_ref() == token
    }

    /// Whether calls with a token are accepted.
    pub(super) fn takes(&self, token: Option<&String>) -> bool {
        let is_given = self.exchanged.load(Ordering::Relaxed) && self.is_new(token);
        is_given || self.options.token.is_none() || self.options.token.as_ref() == token
    }
}

pub(super) fn debug_token(state: Option<TokenFault>, is_new: bool, now: DateTime<Utc>) -> Value {
    let days = |n: i64| now.timestamp() + n * 86_400;
    let scopes = json!(["instagram_basic", "instagram_manage_insights", "pages_read_engagement"]);
    let error = json!({"code": 190, "message": "Error validating access token: Session has expired", "subcode": 463});
    let whole = |is_valid: bool, expires_at: i64, data_access_expires_at: i64| {
        json!({
            "app_id": "1", "type": "USER", "application": "Sandbox", "is_valid": is_valid, "expires_at": expires_at,
            "data_access_expires_at": data_access_expires_at, "scopes": scopes, "user_id": "1",
        })
    };
    match state {
        None if is_new => whole(true, days(60) + 60, days(70)),
        None => whole(true, days(40), days(70)),
        Some(TokenFault::Ending) => whole(true, days(5) + 60, days(70)),
        Some(TokenFault::Expiring) => whole(true, days(40), days(3) + 60),
        Some(TokenFault::Never) => whole(true, 0, 0),
        Some(TokenFault::Undecodable) => json!({"error": error, "is_valid": false, "scopes": []}),
        Some(TokenFault::Invalid) => {
            let mut data = whole(false, 0, days(70));
            if let Some(fields) = data.as_object_mut() {
                fields.insert("error".to_owned(), error);
            }
            data
        }
    }
}

pub(super) fn proof(secret: &str, token: &str) -> String {
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect()
}
