//! The client of the API: what outlives a run, and the four calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::answer::{Cursor, Discovery, MediaPage, TokenInfo, read_hashtag_id};
use super::error::{Failure, Kind};
use super::session::{NotExpected, Request, Session};
use crate::config::{HashtagId, HashtagName, Username};
use crate::http;
use crate::memory::Budget;
use crate::redact::Redactor;
use crate::secret::{App, Credentials};

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
}

/// The two calls that name fields: one may know a field that the other one does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// `business_discovery`: profiles and their media.
    Discovery,
    /// `recent_media`: the media under a hashtag.
    RecentMedia,
}

/// A poisoned lock is one whose holder panicked; what these hold is whole at every moment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The response fields that `edge` turned out not to know: no longer asked of it by this process.
    pub fn unknown_fields(&self, edge: Edge) -> Vec<String> {
        lock(&self.unknown_fields).iter().filter(|(e, _)| *e == edge).map(|(_, field)| field.clone()).collect()
    }
}

impl Session<'_> {
    /// Asks for an account's profile and its newest media, at most `limit`; `read` makes of the answer
    /// what is kept of it, given the fields that were not asked for.
    ///
    /// # Errors
    /// The [`Failure`] of the account.
    pub async fn discover<T>(
        &self,
        username: &Username,
        profile: &[&str],
        media: &[&str],
        limit: u32,
        read: impl Fn(&Discovery<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.without_unknown_fields(Edge::Discovery, &[profile, media].concat(), async |unknown: Vec<String>| {
            let known = |fields: &[&str]| known(fields, &unknown).join(",");
            let (profile, media) = (known(profile), known(media));
            let fields =
                format!("business_discovery.username({username}){{{profile},media.limit({limit}){{{media}}}}}");
            let request = Request::of_user(vec![("fields", fields)]);
            let parse = |body: &str| match Discovery::read(body, limit as usize) {
                Some(answer) => Ok(read(&answer, &unknown)),
                None => Err(NotExpected("business_discovery")),
            };
            self.get(&request, parse).await
        })
        .await
    }

    /// Asks for the media of an account that follow `after`, at most `limit`; `read` as in
    /// [`discover`](Self::discover).
    ///
    /// # Errors
    /// The [`Failure`] of the page.
    pub async fn more_media<T>(
        &self,
        username: &Username,
        media: &[&str],
        (limit, after): (u32, &Cursor),
        read: impl Fn(&MediaPage<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.without_unknown_fields(Edge::Discovery, media, async |unknown: Vec<String>| {
            let fields = format!(
                "business_discovery.username({username}){{media.limit({limit}).after({}){{{}}}}}",
                after.as_str(),
                known(media, &unknown).join(",")
            );
            let request = Request::of_user(vec![("fields", fields)]);
            // A page after the last one may come without `media`, as an empty one.
            let parse = |body: &str| match Discovery::read(body, limit as usize) {
                Some(answer) => Ok(read(&answer.media.unwrap_or_default(), &unknown)),
                None => Err(NotExpected("business_discovery")),
            };
            self.get(&request, parse).await
        })
        .await
    }

    /// A hashtag's id: asked for once in the life of the process.
    ///
    /// # Errors
    /// The [`Failure`] of the hashtag.
    pub async fn hashtag_id(&self, hashtag: &HashtagName) -> Result<HashtagId, Failure> {
        if let Some(id) = lock(&self.client.hashtag_ids).get(hashtag) {
            return Ok(id.clone());
        }
        let request =
            Request { path: "ig_hashtag_search".to_owned(), user_id: true, query: vec![("q", hashtag.to_string())] };
        let parse =
            |body: &str| read_hashtag_id(body).and_then(|id| HashtagId::new(&id)).ok_or(NotExpected("data[0].id"));
        let id = self.get(&request, parse).await?;
        lock(&self.client.hashtag_ids).insert(hashtag.clone(), id.clone());
        Ok(id)
    }

    /// Asks for the newest media under a hashtag, at most `limit`; `read` as in [`discover`](Self::discover).
    ///
    /// # Errors
    /// The [`Failure`] of the hashtag.
    pub async fn recent_media<T>(
        &self,
        hashtag: &HashtagId,
        media: &[&str],
        limit: u32,
        read: impl Fn(&MediaPage<'_>, &[String]) -> T,
    ) -> Result<T, Failure> {
        self.without_unknown_fields(Edge::RecentMedia, media, async |unknown: Vec<String>| {
            let query = vec![("fields", known(media, &unknown).join(",")), ("limit", limit.to_string())];
            let request = Request { path: format!("{hashtag}/recent_media"), user_id: true, query };
            let parse = |body: &str| match MediaPage::read(body, limit as usize) {
                Some(page) => Ok(read(&page, &unknown)),
                None => Err(NotExpected("data")),
            };
            self.get(&request, parse).await
        })
        .await
    }

    /// Asks what the access token is still good for, as the app where the secret names it. Not valid is a
    /// refusal like any other: the secret is read again, and what it holds then is asked about.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn debug_token(&self) -> Result<TokenInfo, Failure> {
        let request = Request { path: "debug_token".to_owned(), user_id: false, query: Vec::new() };
        let ask = || self.get(&request, |body| TokenInfo::read(body).ok_or(NotExpected("data")));
        let used = self.client.credentials();
        let info = ask().await?;
        if info.is_valid {
            return Ok(info);
        }
        match self.renew_after(&used, &info.refusal()).await {
            Some(_proving) => ask().await,
            None => Ok(info),
        }
    }

    /// Makes a call again without a field as often as the API says that it does not know one of `asked`.
    async fn without_unknown_fields<T>(
        &self,
        edge: Edge,
        asked: &[&str],
        call: impl AsyncFn(Vec<String>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let unknown = self.client.unknown_fields(edge);
            let failure = match call(unknown.clone()).await {
                Err(failure) if failure.code == Some(100) => failure,
                done => return done,
            };
            // Another topic may have found out meanwhile: then the field is not asked for again either way.
            let named = |f: &&&str| failure.message.contains(&format!("({f})"));
            let Some(field) = asked.iter().find(named).filter(|f| **f != crate::record::ID) else {
                return Err(failure);
            };
            if unknown.iter().any(|f| f == field) {
                return Err(Failure { kind: Kind::UnknownField, ..failure });
            }
            lock(&self.client.unknown_fields).insert((edge, (*field).to_owned()));
        }
    }
}

fn known<'f>(fields: &[&'f str], unknown: &[String]) -> Vec<&'f str> {
    fields.iter().copied().filter(|f| !unknown.iter().any(|u| u == f)).collect()
}

/// Tells `redactor` all that is secret in calls of `credentials`.
fn learn(redactor: &Redactor, credentials: &Credentials) {
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
