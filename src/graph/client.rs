//! The client of the API: what outlives a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::seen::{MediaIds, Seen};
use crate::http;
use crate::lock::lock;
use crate::memory::Budget;
use crate::redact::Redactor;
use crate::secret::{App, Credentials};
use crate::topic::{HashtagId, HashtagName};

/// What the process knows of the API between runs.
#[derive(Debug)]
pub struct Client {
    pub(super) http: http::Client,
    pub(super) end_point: String,
    pub(super) version: String,
    pub(super) redactor: Arc<Redactor>,
    pub(super) memory: Budget,
    credentials: Mutex<Arc<Credentials>>,
    hashtag_ids: Mutex<BTreeMap<HashtagName, HashtagId>>,
    unknown_fields: Mutex<BTreeSet<(Edge, String)>>,
    throttled: AtomicBool,
    seen: Seen,
}

/// The two calls that name fields: one may know a field that the other one does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// `business_discovery`: profiles and their media.
    Discovery,
    /// `recent_media`: the media under a hashtag.
    RecentMedia,
}

impl Client {
    /// A client of the API at `end_point`, which ends in the version asked for. `redactor` learns the
    /// secrets that calls are made with.
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
            credentials: Mutex::new(Arc::new(credentials)),
            hashtag_ids: Mutex::default(),
            unknown_fields: Mutex::default(),
            throttled: AtomicBool::new(false),
            seen: Seen::default(),
        }
    }

    /// The same client with another budget of memory than the least.
    #[must_use]
    pub fn with_memory(self, memory: Budget) -> Self {
        Self { memory, ..self }
    }

    /// The process's HTTP client.
    pub fn http(&self) -> &http::Client {
        &self.http
    }

    /// Who calls. Renewed credentials are others, even where they hold the same token.
    pub(super) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&lock(&self.credentials))
    }

    pub(super) fn set_credentials(&self, credentials: Credentials) {
        learn(&self.redactor, &credentials);
        *lock(&self.credentials) = Arc::new(credentials);
    }

    /// Whether the last answer told that the caller is throttled.
    pub(super) fn is_throttled(&self) -> bool {
        self.throttled.load(Ordering::Relaxed)
    }

    pub(super) fn note_throttled(&self, throttled: bool) {
        self.throttled.store(throttled, Ordering::Relaxed);
    }

    /// A hashtag's id, where the process has asked for it before.
    pub(super) fn hashtag_id(&self, hashtag: &HashtagName) -> Option<HashtagId> {
        lock(&self.hashtag_ids).get(hashtag).cloned()
    }

    pub(super) fn learn_hashtag_id(&self, hashtag: &HashtagName, id: HashtagId) {
        lock(&self.hashtag_ids).insert(hashtag.clone(), id);
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

    /// The response fields that `edge` turned out not to know: no longer asked of it by this process.
    pub fn unknown_fields(&self, edge: Edge) -> Vec<String> {
        lock(&self.unknown_fields).iter().filter(|(e, _)| *e == edge).map(|(_, field)| field.clone()).collect()
    }
}

/// Tells `redactor` all that is secret in calls of `credentials`.
pub(super) fn learn(redactor: &Redactor, credentials: &Credentials) {
    redactor.add(credentials.access_token.expose_secret());
    if let Some(app) = &credentials.app {
        redactor.add(app.secret.expose_secret());
    }
    let sent = [false, true].into_iter().flat_map(|as_app| caller(credentials, as_app));
    sent.for_each(|(_, secret)| redactor.add(&secret));
}

/// The parameters that say who calls: the token, and the proof that the app itself does.
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
    fn the_app_asks_for_itself_only_where_it_is_told_to() {
        let mut credentials = Credentials { ig_user_id: "1".into(), access_token: "t".into(), app: None };
        assert_eq!(caller(&credentials, true), [("access_token", "t".to_owned())]);
        credentials.app = Some(App { id: "7".into(), secret: "s".into() });
        let tokens = [false, true].map(|as_app| caller(&credentials, as_app));
        assert_eq!(tokens.each_ref().map(|q| q[0].1.as_str()), ["t", "7|s"]);
        assert_ne!(tokens[0][1].1, tokens[1][1].1, "the proof is of the token used in the call");
    }
}
