//! The client of the API: what a process keeps between runs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use url::Url;

use super::call::Edge;
use super::limits::{Throttled, Usage, slows_down};
use crate::clock::Clock;
use crate::http;
use crate::lock::lock;
use crate::memory::Budget;
use crate::record::Model;
use crate::redact::Redactor;
use crate::secret::Credentials;
use crate::topic::{HashtagId, HashtagName};

/// Hashtags' ids by name.
pub type HashtagIds = BTreeMap<HashtagName, HashtagId>;

/// Hashtags' ids by the address of the API, as [`api_address`] has it.
pub type KnownIds = BTreeMap<String, HashtagIds>;

/// The address of the API at an end point, without a path, which has the version.
pub fn api_address(end_point: &str) -> String {
    Url::parse(end_point).map_or_else(|_| end_point.to_owned(), |url| url.origin().ascii_serialization())
}

/// The ids of media. As numbers (they have 17 digits), they take a fraction of the memory of their texts.
pub type MediaIds = HashSet<u64>;

/// The address of the API, and what the calls share.
#[derive(Debug)]
pub struct Client {
    pub(super) http: http::Client,
    pub(super) end_point: String,
    pub(super) version: String,
    pub(super) redactor: Arc<Redactor>,
    pub(super) memory: Budget,
    /// Gives the moments of responses.
    clock: Clock,
    /// The fields that are requested only for the responses that are kept.
    optional_fields: Vec<(Edge, String)>,
    /// The permit of a body larger than [`SMALL_BODY`](crate::memory::SMALL_BODY).
    pub(super) large_body: Semaphore,
    state: Mutex<State>,
}

/// What the process has learnt from responses.
#[derive(Debug)]
pub(super) struct State {
    credentials: Arc<Credentials>,
    pub(super) hashtags: BTreeMap<HashtagName, KnownHashtag>,
    pub(super) unknown_fields: BTreeSet<(Edge, String)>,
    /// Whether the version that responds has been compared with the requested one.
    pub(super) compared_versions: bool,
    /// Whether a key of the secret was found to be wrong. The next run reads the secret again.
    pub(super) suspects_secret: bool,
    /// The topics that have responded: the account's name, or the hashtag's id.
    pub(super) responded: BTreeSet<(Edge, String)>,
    throttled: Option<Throttled>,
    /// The percentage that was reported last, and when.
    usage: Option<(u32, DateTime<Utc>)>,
    stored_media: BTreeMap<HashtagId, Arc<MediaIds>>,
}

/// What is known of a hashtag.
#[derive(Debug, Clone)]
pub(super) enum KnownHashtag {
    /// The id that this process has found.
    Searched(HashtagId),
    /// The id that an earlier process has found.
    Recalled(HashtagId),
    /// A search found none.
    NotThere,
}

impl Client {
    /// A client of the API at `end_point`, which ends in the version. `redactor` knows the
    /// credentials. `memory` is the budget of a run.
    pub fn new(
        http: http::Client,
        end_point: String,
        version: String,
        credentials: Credentials,
        redactor: Arc<Redactor>,
        memory: Budget,
    ) -> Self {
        let state = State {
            credentials: Arc::new(credentials),
            hashtags: BTreeMap::new(),
            unknown_fields: BTreeSet::new(),
            compared_versions: false,
            suspects_secret: false,
            responded: BTreeSet::new(),
            throttled: None,
            usage: None,
            stored_media: BTreeMap::new(),
        };
        let (clock, large_body) = (Clock::default(), Semaphore::new(1));
        let (state, optional_fields) = (Mutex::new(state), Vec::new());
        Self { http, end_point, version, redactor, memory, clock, optional_fields, large_body, state }
    }

    /// The same client, which reads the moments of responses from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same client, whose calls can omit the response fields `optional` of the models.
    #[must_use]
    pub fn with_optional_fields(self, optional: impl IntoIterator<Item = (Model, String)>) -> Self {
        let optional_fields = optional.into_iter().map(|(model, field)| (Edge::of(model), field)).collect();
        Self { optional_fields, ..self }
    }

    /// The optional fields of `edge` that are not in `unknown` yet.
    pub(super) fn optional_fields(&self, edge: Edge, unknown: &[String]) -> Vec<String> {
        let optional = self.optional_fields.iter().filter(|(of, field)| *of == edge && !unknown.contains(field));
        optional.map(|(_, field)| field.clone()).collect()
    }

    /// The time by the client's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The process's HTTP client.
    pub fn http(&self) -> &http::Client {
        &self.http
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The credentials of the calls. Reloaded credentials are a new object even if the token is the same.
    pub(super) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.state().credentials)
    }

    /// Makes all further calls of the process with these credentials.
    pub fn set_credentials(&self, credentials: Credentials) {
        self.state().credentials = Arc::new(credentials);
    }

    /// The token in use.
    pub fn token(&self) -> SecretString {
        self.credentials().access_token.clone()
    }

    /// A text without any secret.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor.redact(text).into_owned()
    }

    /// The ids of hashtags that the process knows.
    pub fn hashtag_ids(&self) -> HashtagIds {
        let id = |(name, known): (&HashtagName, &KnownHashtag)| match known {
            KnownHashtag::Searched(id) | KnownHashtag::Recalled(id) => Some((name.clone(), id.clone())),
            KnownHashtag::NotThere => None,
        };
        self.state().hashtags.iter().filter_map(id).collect()
    }

    /// Sets ids that an earlier process has searched for. If the API says that one does not exist, it is searched for
    /// again.
    pub fn recall_hashtag_ids(&self, ids: HashtagIds) {
        self.state().hashtags.extend(ids.into_iter().map(|(name, id)| (name, KnownHashtag::Recalled(id))));
    }

    /// The media under a hashtag that the process stored last; `None` if it has stored none.
    pub fn stored_media(&self, hashtag: &HashtagId) -> Option<Arc<MediaIds>> {
        self.state().stored_media.get(hashtag).cloned()
    }

    /// Notes the media under a hashtag that were stored. A run that found none keeps those of the run before.
    pub fn set_stored_media(&self, hashtag: HashtagId, media: MediaIds) {
        if !media.is_empty() {
            self.state().stored_media.insert(hashtag, Arc::new(media));
        }
    }

    /// The response fields that `edge` does not know. This process no longer requests them.
    pub fn unknown_fields(&self, edge: Edge) -> Vec<String> {
        self.state().unknown_fields.iter().filter(|(of, _)| *of == edge).map(|(_, field)| field.clone()).collect()
    }

    pub(super) fn note_usage(&self, usage: Usage) {
        if let Some(percent) = usage.percent {
            self.state().usage = Some((percent, Utc::now()));
        }
    }

    /// Whether a usage near the limit lets only a few calls run at the same time.
    pub(super) fn slows_down(&self) -> bool {
        self.state().usage.is_some_and(|(percent, at)| slows_down(percent, Utc::now() - at))
    }

    /// The throttling that the last response reported; `None` if calls succeed, or nothing is known.
    pub(super) fn throttled(&self) -> Option<Throttled> {
        self.state().throttled
    }

    /// Replaces what is known of throttling.
    pub(super) fn set_throttled(&self, throttled: Option<Throttled>) {
        self.state().throttled = throttled;
    }
}
