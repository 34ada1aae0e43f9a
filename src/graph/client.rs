//! The client of the API: what a process keeps between runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::hashtag_ids::{HashtagIds, Known};
use super::pace::{LastUsage, Throttled};
use super::seen::{MediaIds, Seen};
use super::usage::Usage;
use crate::http;
use crate::lock::lock;
use crate::memory::Budget;
use crate::redact::Redactor;
use crate::secret::{App, Credentials};
use crate::topic::HashtagId;

/// What a process knows about the API.
#[derive(Debug)]
pub struct Client {
    pub(super) http: http::Client,
    pub(super) end_point: String,
    pub(super) version: String,
    pub(super) redactor: Arc<Redactor>,
    pub(super) memory: Budget,
    /// The permit of a body larger than [`SMALL_BODY`](crate::memory::SMALL_BODY).
    pub(super) large_body: Semaphore,
    credentials: Mutex<Arc<Credentials>>,
    pub(super) hashtag_ids: Known,
    unknown_fields: Mutex<BTreeSet<(Edge, String)>>,
    pub(super) answered: Mutex<BTreeSet<(Edge, String)>>,
    throttled: Mutex<Option<Throttled>>,
    usage: Mutex<Option<LastUsage>>,
    seen: Seen,
}

/// The two calls that name fields. A field that one of them knows may be unknown to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// `business_discovery`: profiles and their media.
    Discovery,
    /// `recent_media`: the media under a hashtag.
    RecentMedia,
}

impl Client {
    /// A client of the API at `end_point`, which ends in the version. `redactor` learns the secrets of the
    /// calls.
    pub fn new(
        http: http::Client,
        end_point: String,
        version: String,
        credentials: Credentials,
        redactor: Arc<Redactor>,
    ) -> Self {
        learn(&redactor, &credentials);
        Self {
            http,
            end_point,
            version,
            redactor,
            memory: Budget::of(0),
            large_body: Semaphore::new(1),
            credentials: Mutex::new(Arc::new(credentials)),
            hashtag_ids: Known::default(),
            unknown_fields: Mutex::default(),
            answered: Mutex::default(),
            throttled: Mutex::default(),
            usage: Mutex::default(),
            seen: Seen::default(),
        }
    }

    /// The same client with a larger memory budget than the minimum.
    #[must_use]
    pub fn with_memory(self, memory: Budget) -> Self {
        Self { memory, ..self }
    }

    /// The process's HTTP client.
    pub fn http(&self) -> &http::Client {
        &self.http
    }

    /// The credentials of the calls. Renewed credentials are a new object even where the token is the same.
    pub(super) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&lock(&self.credentials))
    }

    pub(super) fn set_credentials(&self, credentials: Credentials) {
        learn(&self.redactor, &credentials);
        *lock(&self.credentials) = Arc::new(credentials);
    }

    /// The throttling that the last answer reported. `None` where calls are answered, or nothing is known.
    pub(super) fn throttled(&self) -> Option<Throttled> {
        *lock(&self.throttled)
    }

    /// Replaces what is known of throttling.
    pub(super) fn set_throttled(&self, throttled: Option<Throttled>) {
        *lock(&self.throttled) = throttled;
    }

    pub(super) fn note_usage(&self, usage: Usage) {
        if let Some(percent) = usage.percent {
            *lock(&self.usage) = Some(LastUsage::new(percent, Utc::now()));
        }
    }

    /// Whether a usage near the limit lets only a few calls go at the same time.
    pub(super) fn slows_down(&self) -> bool {
        lock(&self.usage).is_some_and(|usage| usage.slows_down(Utc::now()))
    }

    /// The hashtags' ids that the process knows.
    pub fn hashtag_ids(&self) -> HashtagIds {
        self.hashtag_ids.all()
    }

    /// Knows ids that an earlier process has asked for. One that is not there is asked for again.
    pub fn recall_hashtag_ids(&self, ids: HashtagIds) {
        self.hashtag_ids.recall(ids);
    }

    /// The media under a hashtag that the process stored last; `None` where it has stored none.
    pub fn seen_under(&self, hashtag: &HashtagId) -> Option<Arc<MediaIds>> {
        self.seen.under(hashtag)
    }

    /// Knows the media under a hashtag that were stored.
    pub fn remember_under(&self, hashtag: HashtagId, media: MediaIds) {
        self.seen.remember(hashtag, media);
    }

    pub(super) fn learn_unknown_field(&self, edge: Edge, field: &str) {
        lock(&self.unknown_fields).insert((edge, field.to_owned()));
    }

    /// The response fields that `edge` does not know. This process no longer asks for them.
    pub fn unknown_fields(&self, edge: Edge) -> Vec<String> {
        lock(&self.unknown_fields).iter().filter(|(e, _)| *e == edge).map(|(_, field)| field.clone()).collect()
    }
}

/// Teaches `redactor` everything that is secret in calls with `credentials`.
pub(super) fn learn(redactor: &Redactor, credentials: &Credentials) {
    redactor.add(credentials.access_token.expose_secret());
    if let Some(app) = &credentials.app {
        redactor.add(app.secret.expose_secret());
    }
    let sent = [false, true].into_iter().flat_map(|as_app| caller(credentials, as_app));
    sent.for_each(|(_, secret)| redactor.add(&secret));
}

/// The parameters that identify the caller: the token, and the proof that the app itself calls.
pub(super) fn caller(credentials: &Credentials, as_app: bool) -> Vec<(&'static str, String)> {
    let token = match (&credentials.app, as_app) {
        (Some(app), true) => format!("{}|{}", app.id, app.secret.expose_secret()).into(),
        _ => credentials.access_token.clone(),
    };
    let mut query = vec![("access_token", token.expose_secret().to_owned())];
    if let Some(App { secret, .. }) = &credentials.app {
        query.push(("appsecret_proof", proof(secret, &token)));
    }
    query
}

/// The path of the exchange.
pub(super) const EXCHANGE: &str = "oauth/access_token";

/// The parameters of an exchange: it names the app, and carries neither `access_token` nor a proof.
pub(super) fn exchanging(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let Some(app) = &credentials.app else { return Vec::new() };
    vec![
        ("grant_type", "fb_exchange_token".to_owned()),
        ("client_id", app.id.clone()),
        ("client_secret", app.secret.expose_secret().to_owned()),
        ("fb_exchange_token", credentials.access_token.expose_secret().to_owned()),
    ]
}

/// `appsecret_proof`: the hexadecimal HMAC-SHA256 of the token, keyed with the app's secret.
fn proof(secret: &SecretString, token: &SecretString) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return String::new() };
    mac.update(token.expose_secret().as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_the_hmac_of_the_token_under_the_apps_secret() {
        // RFC 4231, test case 2.
        let proof = proof(&"Jefe".into(), &"what do ya want for nothing?".into());
        assert_eq!(proof, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_app_is_the_caller_only_where_the_call_asks_for_it() {
        let mut credentials = Credentials { ig_user_id: "1".into(), access_token: "t".into(), app: None };
        assert_eq!(caller(&credentials, true), [("access_token", "t".to_owned())]);
        credentials.app = Some(App { id: "7".into(), secret: "s".into() });
        let tokens = [false, true].map(|as_app| caller(&credentials, as_app));
        assert_eq!(tokens.each_ref().map(|q| q[0].1.as_str()), ["t", "7|s"]);
        assert_ne!(tokens[0][1].1, tokens[1][1].1, "the proof is of the token used in the call");
    }
}
