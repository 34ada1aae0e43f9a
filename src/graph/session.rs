//! One run's use of the API: every call, within the run's time and the API's limits.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use secrecy::SecretString;
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::body::{self, BodyError, ResponseBody};
use super::call::Call;
use super::client::{Client, KnownHashtag, api_address};
use super::diagnose::diagnosed;
use super::error::{ApiError, Failure, Kind};
use super::limits::{MAX_CONCURRENT_NEAR_LIMIT, MAX_RETRY_AFTER, TRIES, Throttled, Usage, backoff};
use super::response::{Page, Response, SearchedHashtag, TokenInfo};
use crate::causes::with_causes;
use crate::diagnosis::{Diagnosis, Row};
use crate::json;
use crate::kept_responses::KeptResponses;
use crate::lock::lock;
use crate::memory::{self, MAX_BODY};
use crate::redact::REDACTED;
use crate::secret::Credentials;
use crate::stop::Stop;
use crate::telemetry::critical;
use crate::topic::{HashtagId, HashtagName};
use crate::version;

/// Reads the secret again; `None` if that failed. The reader logs why.
pub type ReloadCredentials<'c> = dyn Fn() -> BoxFuture<'c, Option<Credentials>> + Send + Sync + 'c;

/// The longest time of one try. The run's remaining time bounds it too.
const MAX_TRY: Duration = Duration::from_secs(15);

/// The lengths that a token can have; those seen have about 200 characters.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = 16..=4096;

/// A client during one run.
pub struct Session<'c> {
    client: &'c Client,
    deadline: Stop,
    reload: &'c ReloadCredentials<'c>,
    reloaded: AtomicBool,
    /// Held while reloaded credentials are on trial.
    credentials_trial: tokio::sync::Mutex<()>,
    /// The permit of a throttled caller's trial call.
    trial: Semaphore,
    near_limit: Semaphore,
    halt: Mutex<Option<Failure>>,
    /// The failure of the search that met the hashtag quota; no further search is made.
    hashtag_quota: OnceLock<Failure>,
    calls: AtomicU64,
    /// The bytes that the run's records take so far.
    records: AtomicUsize,
    usage: Mutex<Usage>,
    version: OnceLock<String>,
    kept_responses: Option<KeptResponses>,
}

/// A try that failed, and the `Retry-After` of its response.
struct FailedTry {
    failure: Failure,
    retry_after: Option<Duration>,
}

impl From<Failure> for FailedTry {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None }
    }
}

impl<'c> Session<'c> {
    /// A session that ends at `deadline`. `reload` reads the secret again when the API refuses the token.
    pub fn new(client: &'c Client, deadline: Stop, reload: &'c ReloadCredentials<'c>) -> Self {
        Self {
            client,
            deadline,
            reload,
            reloaded: AtomicBool::new(false),
            credentials_trial: tokio::sync::Mutex::default(),
            trial: Semaphore::new(1),
            near_limit: Semaphore::new(MAX_CONCURRENT_NEAR_LIMIT),
            halt: Mutex::default(),
            hashtag_quota: OnceLock::new(),
            calls: AtomicU64::new(0),
            records: AtomicUsize::new(0),
            usage: Mutex::default(),
            version: OnceLock::new(),
            kept_responses: None,
        }
    }

    /// The same session, which keeps the API's responses if `keeps` says so.
    #[must_use]
    pub fn keeping_responses(self, keeps: bool) -> Self {
        Self { kept_responses: keeps.then(|| KeptResponses::with_limit(self.client.memory.kept_responses())), ..self }
    }

    /// The responses kept; `None` if the run keeps none.
    pub fn kept_responses(&self) -> Option<&KeptResponses> {
        self.kept_responses.as_ref()
    }

    /// The client that it calls with.
    pub fn client(&self) -> &'c Client {
        self.client
    }

    /// The time that is left for calls.
    pub fn left(&self) -> Duration {
        self.deadline.left()
    }

    /// The number of calls so far. Each try counts.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The highest usage that any response reported.
    pub fn usage(&self) -> Usage {
        *lock(&self.usage)
    }

    /// The version that responded; `None` if the API did not name it.
    pub fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    /// Why no further call is made; `None` while calls are made.
    pub fn halted(&self) -> Option<Failure> {
        lock(&self.halt).clone()
    }

    /// Whether a limit of the API ended the calls: this run met throttling or a usage near the limit, or pauses because
    /// earlier runs were throttled.
    pub fn is_limited(&self) -> bool {
        self.halted().is_some_and(|halt| matches!(halt.kind, Kind::Throttled | Kind::Usage))
    }

    /// Ends this run before its first call if the API throttled several runs in a row and the pause is not
    /// over. Only runs that can wait for the next one call it.
    pub fn pause_if_throttled(&self) {
        let Some(throttled) = self.client.throttled() else { return };
        let Some(until) = throttled.pause(Utc::now()) else { return };
        let runs = throttled.runs;
        let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
        let message =
            format!("no call in this run: the API throttled the last {runs} runs; the next call is made at {until}");
        critical!(kind = Kind::Throttled.name(), regain_minutes = throttled.regain_minutes, "{message}");
        *lock(&self.halt) = Some(Failure::new(Kind::Throttled, message));
    }

    /// Makes a call for a page of media, whose records are taken from the run's memory budget.
    ///
    /// # Errors
    /// The [`Failure`] of the call. If the topic is "not there" and has responded before in this process, there are
    /// other causes: users of other clients report that the API refuses a throttled caller, or one that lost a
    /// permission, with the codes of a missing object (100 with subcode 33, 24, 110).
    pub async fn page(&self, call: &Call<'_>) -> Result<Response<Page>, Failure> {
        let topic = call.topic().map(|(edge, topic)| (edge, topic.to_owned()));
        let page = self.call(call, |body| call.page(body)).await;
        let mut state = self.client.state();
        match page {
            Ok(response) => {
                state.responded.extend(topic);
                self.reserve(&response.value).map_err(|failure| failure.at(response.asked_at))?;
                Ok(response)
            }
            Err(failure) => {
                let was_there = topic.is_some_and(|topic| state.responded.contains(&topic));
                let is_gone = was_there && failure.is_about_the_topic();
                Err(if is_gone { failure.with(Diagnosis::NoLongerThere) } else { failure })
            }
        }
    }

    /// The id of a hashtag. A process searches for it once.
    ///
    /// # Errors
    /// The [`Failure`] of the hashtag.
    pub async fn hashtag_id(&self, name: &HashtagName) -> Result<HashtagId, Failure> {
        let known = self.client.state().hashtags.get(name).cloned();
        match known {
            Some(KnownHashtag::Searched(id) | KnownHashtag::Recalled(id)) => Ok(id),
            Some(KnownHashtag::NotThere) => Err(no_hashtag(name)),
            None => self.search(name).await,
        }
    }

    /// The id of a hashtag whose id `refused` is not there; `None` if there is no other one. Only an id of an
    /// earlier process is searched for again, and once.
    pub async fn other_hashtag_id(&self, name: &HashtagName, refused: &HashtagId) -> Option<HashtagId> {
        let is_recalled = matches!(self.client.state().hashtags.get(name), Some(KnownHashtag::Recalled(_)));
        let found = if is_recalled { self.search(name).await.ok()? } else { return None };
        (found != *refused).then_some(found)
    }

    async fn search(&self, name: &HashtagName) -> Result<HashtagId, Failure> {
        let found = self.call(&Call::HashtagSearch(name), SearchedHashtag::found).await;
        let mut state = self.client.state();
        match found.map(|Response { value, asked_at, .. }| value.ok_or(asked_at)) {
            Ok(Ok(SearchedHashtag { id, .. })) => {
                state.hashtags.insert(name.clone(), KnownHashtag::Searched(id.clone()));
                Ok(id)
            }
            Ok(Err(asked_at)) => {
                state.hashtags.insert(name.clone(), KnownHashtag::NotThere);
                Err(no_hashtag(name).at(asked_at))
            }
            Err(failure) => {
                if failure.is_about_the_topic() {
                    state.hashtags.remove(name);
                }
                Err(failure)
            }
        }
    }

    /// The hashtags that count towards the limit at present, including those of other programs that call as the same
    /// user. The call itself adds none.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn searched_hashtags(&self) -> Result<Vec<SearchedHashtag>, Failure> {
        Ok(self.call(&Call::SearchedHashtags, SearchedHashtag::list).await?.value)
    }

    /// The state of the access token, requested as the app if the secret names one. An invalid token counts as
    /// refused: the credentials are reloaded, and the state of their token is requested.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn debug_token(&self) -> Result<TokenInfo, Failure> {
        self.in_time(async {
            let used = self.client.credentials();
            let info = self.call(&Call::DebugToken, TokenInfo::read).await?.value;
            if info.is_valid {
                return Ok(info);
            }
            match self.reload_credentials(&used, &info.refusal()).await {
                Some(_trial) => Ok(self.call(&Call::DebugToken, TokenInfo::read).await?.value),
                None => Ok(info),
            }
        })
        .await
    }

    /// The state of a token other than the one in use.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn debug_token_of(&self, credentials: &Credentials) -> Result<TokenInfo, Failure> {
        Ok(self.call_as(&Call::DebugToken, credentials, TokenInfo::read).await?.value)
    }

    /// Requests the calling user with a token other than the one in use.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn try_token(&self, credentials: &Credentials) -> Result<(), Failure> {
        let read = |body: &str| {
            let [id] = json::fields(body, ["id"])?;
            (json::text(id?).ok()? == credentials.ig_user_id.as_str()).then_some(())
        };
        self.call_as(&Call::User, credentials, read).await.map(drop)
    }

    /// Exchanges the token in use for a new one, which is redacted from here on; `None` if the API gives the same
    /// again.
    ///
    /// # Errors
    /// The [`Failure`] of the call, without the API's text: it may quote a token that is not yet redacted.
    pub async fn exchange_token(&self) -> Result<Option<Credentials>, Failure> {
        let used = self.client.credentials();
        if used.app.is_none() {
            let message = "the exchange needs app_id and app_secret, which are missing in the secret";
            return Err(Failure::new(Kind::Permission, message));
        }
        let read = |body: &str| {
            let [token] = json::fields(body, ["access_token"])?;
            Some(json::text(token?).ok()?.into_owned())
        };
        let token = self.call_as(&Call::ExchangeToken, &used, read).await?.value;
        // The old token was redacted in this response, as in every other.
        if token == REDACTED {
            return Ok(None);
        }
        let is_token = TOKEN_LENGTHS.contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
        let new = Credentials { access_token: SecretString::from(token), ..(*used).clone() };
        new.redact(&self.client.redactor);
        if is_token { Ok(Some(new)) } else { Err(Failure::new(Kind::Unexpected, "the new token is not a valid token")) }
    }

    /// Reads the secret again if an earlier run found that a key of it is wrong.
    pub async fn replace_suspect_credentials(&self) {
        if std::mem::take(&mut self.client.state().suspects_secret)
            && let Some(credentials) = (self.reload)().await
        {
            self.client.set_credentials(credentials);
        }
    }

    /// Makes a call, within the run's time. Repeats it without a field each time the API says that it does not know
    /// one, without the optional fields if it is refused for another reason that concerns the call, and with reloaded
    /// credentials if the API refuses the token.
    async fn call<T>(&self, call: &Call<'_>, read: impl Fn(&str) -> Option<T>) -> Result<Response<T>, Failure> {
        let edge = call.topic().map(|(edge, _)| edge);
        self.in_time(async {
            loop {
                let unknown = edge.map(|edge| self.client.unknown_fields(edge)).unwrap_or_default();
                let (edge, failure) = match (edge, self.call_or_reload(call, &unknown, &read).await) {
                    (Some(edge), Err(failure)) if failure.kind.is_of_the_call() => (edge, failure),
                    (_, done) => return done,
                };
                let named = call.named_field(&failure.message, &unknown).filter(|_| failure.code == Some(100));
                if let Some(field) = named {
                    if unknown.contains(&field) {
                        return Err(Failure { kind: Kind::UnknownField, ..failure }.with(Diagnosis::UnknownField));
                    }
                    self.client.state().unknown_fields.insert((edge, field));
                    continue;
                }
                let optional = self.client.optional_fields(edge, &unknown);
                if optional.is_empty() {
                    return Err(failure);
                }
                let without = [unknown, optional.clone()].concat();
                let done = self.call_or_reload(call, &without, &read).await?;
                self.client.state().unknown_fields.extend(optional.into_iter().map(|field| (edge, field)));
                return Ok(done);
            }
        })
        .await
    }

    /// Makes a call with credentials other than those in use, within the run's time.
    async fn call_as<T>(
        &self,
        call: &Call<'_>,
        credentials: &Credentials,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Response<T>, Failure> {
        self.in_time(self.tries(call, credentials, &[], &read)).await
    }

    /// Ends a call at the deadline.
    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.deadline.reached() => {
                let failure = Failure::new(Kind::Deadline, format!("given up: {}", self.deadline.reason()));
                Err(if self.deadline.is_interrupted() { failure.with(Diagnosis::Interrupted) } else { failure })
            }
            done = call => done,
        }
    }

    async fn call_or_reload<T>(
        &self,
        call: &Call<'_>,
        unknown: &[String],
        read: &impl Fn(&str) -> Option<T>,
    ) -> Result<Response<T>, Failure> {
        let used = self.client.credentials();
        let mut done = self.tries(call, &used, unknown, read).await;
        let Some(refused) = done.as_ref().err().filter(|failure| failure.kind == Kind::Token) else { return done };
        if let Some(_trial) = self.reload_credentials(&used, refused).await {
            done = self.tries(call, &self.client.credentials(), unknown, read).await;
        }
        done.inspect_err(|failure| {
            if failure.kind == Kind::Token {
                self.halt(failure);
            }
        })
    }

    /// Reads the secret again after the API has refused `used`, at most once a run; `None` if that gave no other
    /// credentials.
    ///
    /// The returned guard is held until the new credentials have been tested. If many topics are refused at once, only
    /// the first one tests them.
    async fn reload_credentials(
        &self,
        used: &Arc<Credentials>,
        refused: &Failure,
    ) -> Option<Option<MutexGuard<'_, ()>>> {
        let trial = self.credentials_trial.lock().await;
        let is_current = Arc::ptr_eq(used, &self.client.credentials());
        if self.halted().is_some() || (is_current && self.reloaded.swap(true, Ordering::Relaxed)) {
            return None;
        }
        if !is_current {
            // Another topic has reloaded them meanwhile.
            return Some(None);
        }
        warn!(
            kind = Kind::Token.name(),
            code = refused.code,
            "the access token was refused, the secret is read again: {refused}"
        );
        let credentials = (self.reload)().await?;
        self.client.set_credentials(credentials);
        Some(Some(trial))
    }

    /// Makes a call with its retries.
    async fn tries<T>(
        &self,
        call: &Call<'_>,
        credentials: &Credentials,
        unknown: &[String],
        read: &impl Fn(&str) -> Option<T>,
    ) -> Result<Response<T>, Failure> {
        let mut backoff = backoff();
        let mut tries = 1;
        loop {
            let FailedTry { mut failure, retry_after } = match self.attempt(call, credentials, unknown, read).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            if failure.kind != Kind::Transient {
                return Err(failure);
            }
            let wait = backoff.next().map(|wait| wait.max(retry_after.unwrap_or_default()));
            let is_worth = |wait: &Duration| *wait < self.left() && retry_after <= Some(MAX_RETRY_AFTER);
            let Some(wait) = wait.filter(|wait| is_worth(wait) && self.halted().is_none()) else {
                failure.message = format!("{} (tried {tries} of {TRIES} times)", failure.message);
                return Err(failure);
            };
            let (kind, code) = (failure.kind.name(), failure.code);
            info!(kind, code, wait_ms = wait.as_millis() as u64, "a call failed and is tried again: {failure}");
            sleep(wait).await;
            tries += 1;
        }
    }

    /// One try. Calls behind a throttled caller's trial call wait for its result.
    async fn attempt<T>(
        &self,
        call: &Call<'_>,
        credentials: &Credentials,
        unknown: &[String],
        read: &impl Fn(&str) -> Option<T>,
    ) -> Result<Response<T>, FailedTry> {
        let _permit = self.permit().await;
        let is_search = matches!(call, Call::HashtagSearch(_));
        if let Some(failure) = self.halted().or_else(|| self.hashtag_quota.get().filter(|_| is_search).cloned()) {
            return Err(failure.into());
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let done = self.send(call, credentials, unknown, read).await;
        let done = done.map_err(|failed| FailedTry { failure: self.naming(failed.failure), ..failed });
        match done.as_ref().err().map(|failed| &failed.failure) {
            Some(failure) if failure.kind.ends_the_calls() => self.halt(failure),
            Some(failure) if failure.kind == Kind::Transient => {}
            Some(failure) if failure.kind == Kind::HashtagQuota => {
                drop(self.hashtag_quota.set(Failure { asked_at: None, ..failure.clone() }));
            }
            _ if self.halted().is_none() => self.client.set_throttled(None),
            _ => {}
        }
        done
    }

    /// Waits until a call may run. After a throttled response, a single trial call finds out whether the caller is
    /// still throttled. Near the limit, only a few calls run at the same time.
    async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        if self.client.throttled().is_some() {
            let trial = self.trial.acquire().await;
            if self.client.throttled().is_some() {
                return trial.ok();
            }
        }
        if self.client.slows_down() { self.near_limit.acquire().await.ok() } else { None }
    }

    /// One request and its response.
    async fn send<T>(
        &self,
        call: &Call<'_>,
        credentials: &Credentials,
        unknown: &[String],
        read: &impl Fn(&str) -> Option<T>,
    ) -> Result<Response<T>, FailedTry> {
        // At most half of the remaining time, so that a stalled try leaves time for another one.
        let limit = MAX_TRY.min(self.left() / 2).max(Duration::from_millis(100));
        let end = Instant::now() + limit;
        let late = || {
            let message = format!("no whole response from {} within {} ms", self.address(), limit.as_millis());
            Failure::new(Kind::Transient, message)
        };
        let Client { http, end_point, large_body, redactor, .. } = self.client;
        let request = http.get(&format!("{end_point}/{}", call.path(credentials)));
        let request = request.query(&call.query(credentials, unknown)).header(ACCEPT_ENCODING, "gzip");
        let no_response = |error| self.no_response(error);
        let response = timeout_at(end, http.send(request)).await.map_err(|_| late())?.map_err(no_response)?;
        let asked_at = self.client.now();
        self.note_headers(response.headers());
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers(), Utc::now()));
        let ResponseBody { bytes, permit: _permit } =
            body::read(response, large_body, end).await.map_err(|error| match error {
                BodyError::Broken(error) => no_response(error),
                BodyError::Late => late(),
                BodyError::NotGzip(error) => Failure::new(
                    Kind::Transient,
                    format!("HTTP {status}: the response is not gzip, although its header says so: {error}"),
                )
                .at(asked_at),
                BodyError::TooLarge => {
                    let message = format!("HTTP {status}: the response is larger than {} MiB", MAX_BODY >> 20);
                    Failure::new(Kind::Unexpected, message).with(Diagnosis::TooLarge).at(asked_at)
                }
            })?;
        let body = redactor.redact_bytes(bytes);
        let text = std::str::from_utf8(&body);
        let problem = match (status, text) {
            (200, Ok(text)) => match read(text) {
                Some(value) => {
                    let body = if self.kept_responses.is_some() { String::from_utf8(body).ok() } else { None };
                    return Ok(Response { value, unknown: unknown.to_vec(), asked_at, body });
                }
                None => {
                    let expected = call.expected();
                    format!("the response ({} bytes) is not a JSON object with {expected}", text.len())
                }
            },
            (200, Err(_)) => "the response is not UTF-8".to_owned(),
            (300..=399, _) => "redirects are not followed".to_owned(),
            _ => "no error body of the API".to_owned(),
        };
        let failure = Failure::from_response(ApiError::read(&body).as_ref(), status, &problem).at(asked_at);
        let mut failure = diagnosed(failure, call, credentials, &self.client.version, status);
        if matches!(call, Call::ExchangeToken) {
            failure.message =
                "no new token in the response; its text is left out, since it may quote a token".to_owned();
        }
        Err(FailedTry { failure, retry_after })
    }

    /// The failure with the version or the address that its cause is about.
    fn naming(&self, failure: Failure) -> Failure {
        let about = match failure.diagnosis {
            Diagnosis::VersionEnded | Diagnosis::VersionUnknown => Some(self.client.version.clone()),
            diagnosis if diagnosis.is_of_the_address() => Some(self.address()),
            _ => None,
        };
        Failure { about, ..failure }
    }

    /// The address of the API, without the path of a call.
    fn address(&self) -> String {
        api_address(&self.client.end_point)
    }

    /// The failure of a call without a response. The text leaves out the URL, which holds the token.
    fn no_response(&self, error: reqwest::Error) -> Failure {
        let diagnosis = crate::http::diagnosis(&error);
        let message = format!("no response from {}: {}", self.address(), with_causes(&error.without_url()));
        Failure::new(Kind::Transient, message).with(diagnosis)
    }

    /// Takes a page's records from the run's memory budget.
    fn reserve(&self, page: &Page) -> Result<(), Failure> {
        let records = page.records.len() + usize::from(page.profile.is_some());
        let bytes = page.bytes() + records * memory::RECORD;
        let most = self.client.memory.records();
        let taken = self.records.fetch_add(bytes, Ordering::Relaxed);
        if taken + bytes <= most {
            return Ok(());
        }
        self.records.fetch_sub(bytes, Ordering::Relaxed);
        let message = format!(
            "the records of this response need {bytes} bytes: {taken} of the {most} that a run may hold are in use; they are not kept"
        );
        Err(Failure::new(Kind::Memory, message))
    }

    fn halt(&self, failure: &Failure) {
        let Failure { kind, code, subcode, diagnosis, .. } = *failure;
        let Row { cause, next, .. } = diagnosis.row();
        let halt =
            Failure { message: format!("no further call in this run: {cause}"), asked_at: None, ..failure.clone() };
        {
            // A refusal replaces a usage near the limit: a response that throttles also reports full usage
            // in its headers.
            let mut halted = lock(&self.halt);
            if halted.as_ref().is_some_and(|h| h.kind != Kind::Usage || kind == Kind::Usage) {
                return;
            }
            *halted = Some(halt);
        }
        if kind == Kind::SetUp {
            self.client.state().suspects_secret = true;
        }
        if kind == Kind::Usage {
            warn!(kind = kind.name(), "no further call in this run: {cause}; next step: {next}");
            return;
        }
        let regain_minutes = self.usage().regain_minutes;
        if kind == Kind::Throttled {
            let throttled = Throttled::again(self.client.throttled(), Utc::now(), regain_minutes);
            self.client.set_throttled(Some(throttled));
        }
        let kind = kind.name();
        critical!(
            kind,
            code,
            subcode,
            regain_minutes,
            "no further call in this run: {cause}; next step: {next}; the API's error: {failure}"
        );
    }

    fn note_headers(&self, headers: &HeaderMap) {
        let usage = Usage::read(headers);
        self.client.note_usage(usage);
        let (before, now) = {
            let mut highest = lock(&self.usage);
            let before = *highest;
            *highest = highest.max(usage);
            (before.percent.unwrap_or(0), highest.percent.unwrap_or(0))
        };
        if before < Usage::WARN_PERCENT && now >= Usage::WARN_PERCENT {
            let regain_minutes = usage.regain_minutes;
            warn!(usage_percent = now, regain_minutes, "the API's usage is at {now} % of its limit");
        }
        if now >= Usage::STOP_PERCENT {
            self.halt(&Failure::new(Kind::Usage, String::new()));
        }
        let served = headers.get("facebook-api-version").and_then(|v| v.to_str().ok());
        if let Some(served) = served.filter(|v| is_version(v))
            && self.version.set(served.to_owned()).is_ok()
            && !std::mem::replace(&mut self.client.state().compared_versions, true)
        {
            version::log_difference(&self.client.version, served, Utc::now().date_naive());
        }
    }
}

/// Whether a header's text is a version. No other text of it is printed.
fn is_version(text: &str) -> bool {
    text.len() <= 8 && text.strip_prefix('v').is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

fn no_hashtag(name: &HashtagName) -> Failure {
    Failure::new(Kind::NotFound, format!("a search for {name} finds no hashtag"))
}

/// `Retry-After` in either form: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(text: &str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, text.parse().unwrap())]);
        retry_after(&headers, DateTime::from_timestamp(1_800_000_000, 0).unwrap()).map(|d| d.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!((waits("120"), waits(" 0 "), waits("99999999999999999999")), (Some(120), Some(0), Some(u64::MAX)));
        assert_eq!(waits("Fri, 15 Jan 2027 08:00:05 GMT"), Some(5));
        assert_eq!(waits("Fri, 15 Jan 2027 07:00:00 GMT"), Some(0), "a date that is past");
        assert!(["", "soon", "-1", "1.5", "2027-01-15"].iter().all(|text| waits(text).is_none()));
    }

    #[test]
    fn only_the_text_of_a_version_is_accepted_as_one() {
        assert!(
            is_version("v21.0") && !is_version("v21.0<script>") && !is_version("21.0") && !is_version("v1234567.8")
        );
    }
}
