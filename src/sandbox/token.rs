//! What `debug_token` says of a token, and the proof that a call comes from the token's app.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::fault::TokenFault;

pub(super) fn debug_token(state: Option<TokenFault>, now: DateTime<Utc>) -> Value {
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
        None => whole(true, days(40), days(70)),
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
