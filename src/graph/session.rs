//! One run's use of the API: its deadline, its tries, and whether it may go on calling.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use backon::Retryable;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use super::body::{self, Body, BodyError};
use super::client::{Client, caller, lock};
use super::error::{ApiError, Failure, Kind};
use super::retry::{LONGEST_RETRY_AFTER, TRIES, backoff};
use super::usage::Usage;
use crate::error::with_causes;
use crate::memory::{self, LARGEST_BODY};
use crate::secret::Credentials;
use crate::stop::Stop;
use crate::telemetry::critical;

/// The longest that one try may take; what the run has left bounds it too.
const LONGEST_TRY: Duration = Duration::from_secs(15);

/// Reads the secret again; `None` where that failed, which is logged there.
pub type Renew<'c> = dyn Fn() -> BoxFuture<'c, Option<Credentials>> + Send + Sync + 'c;

/// A client, for the length of one run.
pub struct Session<'c> {
    pub(super) client: &'c Client,
    stop: Stop,
    renew: &'c Renew<'c>,
    renewed: AtomicBool,
    renewal: tokio::sync::Mutex<()>,
    halt: Mutex<Option<Failure>>,
    calls: AtomicU64,
    /// Bytes that the records of the run take.
    records: AtomicUsize,
    usage: Mutex<Usage>,
    version: OnceLock<String>,
}

/// A call.
pub(super) struct Request {
    /// Below the end point; empty stands for the calling user.
    pub(super) path: String,
    /// Whether `user_id` goes into the query.
    pub(super) user_id: bool,
    pub(super) query: Vec<(&'static str, String)>,
}

impl Request {
    /// A call on the calling user itself.
    pub(super) fn of_user(query: Vec<(&'static str, String)>) -> Self {
        Self { path: String::new(), user_id: false, query }
    }

    fn is_debug_token(&self) -> bool {
        self.path == "debug_token"
    }
}

/// What an answer lacks to be the one expected.
pub(super) struct NotExpected(pub(super) &'static str);

/// A new token is on trial; its guard keeps the others waiting.
pub(super) struct Proving<'s>(#[expect(dead_code, reason = "held, not read")] Option<tokio::sync::MutexGuard<'s, ()>>);

/// One try that failed.
struct Attempt {
    failure: Failure,
    retry_after: Option<Duration>,
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None }
    }
}

impl<'c> Session<'c> {
    /// A session that starts no wait and no try past `stop`; `renew` reads the secret again when the API
    /// refuses the token.
    pub fn new(client: &'c Client, stop: Stop, renew: &'c Renew<'c>) -> Self {
        Self {
            client,
            stop,
            renew,
            renewed: AtomicBool::new(false),
            renewal: tokio::sync::Mutex::default(),
            halt: Mutex::default(),
            calls: AtomicU64::new(0),
            records: AtomicUsize::new(0),
            usage: Mutex::default(),
            version: OnceLock::new(),
        }
    }

    /// When unfinished topics are given up.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The failure of what is given up then.
    pub fn given_up(&self) -> Failure {
        Failure::new(Kind::Deadline, format!("given up: {}", self.stop.reason()))
    }

    /// Takes the room that records need of the run's memory, whose texts in the answer have so many bytes.
    ///
    /// # Errors
    /// The failure of a topic for which there is none left.
    pub fn take_room(&self, records: usize, bytes: usize) -> Result<(), Failure> {
        let bytes = bytes + records * memory::RECORD;
        let most = self.client.memory.records();
        let taken = self.records.fetch_add(bytes, Ordering::Relaxed);
        if taken + bytes <= most {
            return Ok(());
        }
        self.records.fetch_sub(bytes, Ordering::Relaxed);
        let message = format!(
            "the records of this answer need {bytes} bytes: {taken} of the {most} that a run may hold are taken; they are not kept"
        );
        Err(Failure::new(Kind::Memory, message))
    }

    /// Calls made so far, each try counted.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The highest usage that any answer told of.
    pub fn usage(&self) -> Usage {
        *lock(&self.usage)
    }

    /// The version that really answered, where the API told it.
    pub fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    /// Why no further call is made; `None` while calls are.
    pub fn halted(&self) -> Option<Failure> {
        lock(&self.halt).clone()
    }

    /// Makes a call: with its tries, and once more with a new token where the API refuses the old one.
    pub(super) async fn get<T>(
        &self,
        request: &Request,
        read: impl Fn(&str) -> Result<T, NotExpected>,
    ) -> Result<T, Failure> {
        let used = self.client.credentials();
        let refused = match self.tries(request, &used, &read).await {
            Err(failure) if failure.kind == Kind::Token => failure,
            done => return done,
        };
        let Some(_proving) = self.renew_after(&used, &refused).await else {
            return self.halting_on_refusal(Err(refused));
        };
        self.halting_on_refusal(self.tries(request, &self.client.credentials(), &read).await)
    }

    /// Reads the secret again after the API has refused `used`, once a run; `None` where no other token
    /// came of it, or none that is still worth trying.
    ///
    /// What it gives is held until the new token has proved itself, so that of many topics that were
    /// refused at once only the first one asks again to find out.
    pub(super) async fn renew_after(&self, used: &Arc<Credentials>, refused: &Failure) -> Option<Proving<'_>> {
        let renewal = self.renewal.lock().await;
        let is_current = Arc::ptr_eq(used, &self.client.credentials());
        if self.halted().is_some() || (is_current && self.renewed.swap(true, Ordering::Relaxed)) {
            return None;
        }
        if !is_current {
            // Another topic has brought a new token meanwhile.
            return Some(Proving(None));
        }
        warn!(
            kind = Kind::Token.name(),
            code = refused.code,
            "the access token was refused, the secret is read again: {refused}"
        );
        let credentials = timeout_at(self.stop.deadline(), (self.renew)()).await.ok()??;
        self.client.set_credentials(credentials);
        Some(Proving(Some(renewal)))
    }

    fn halting_on_refusal<T>(&self, done: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &done
            && failure.kind == Kind::Token
        {
            self.halt(failure);
        }
        done
    }

    fn halt(&self, failure: &Failure) {
        let Failure { kind, code, subcode, .. } = *failure;
        let why = match kind {
            Kind::Throttled => "the API throttles the caller",
            Kind::Token => "the API refuses the access token",
            _ => "the API's usage is near its limit",
        };
        let halt = Failure { kind, code, subcode, message: format!("no further call in this run: {why}") };
        {
            // That a limit is near gives way to what the API refuses: an answer that throttles tells of
            // full usage in its own headers.
            let mut halted = lock(&self.halt);
            if halted.as_ref().is_some_and(|h| h.kind != Kind::Usage || kind == Kind::Usage) {
                return;
            }
            *halted = Some(halt);
        }
        if kind == Kind::Usage {
            warn!(kind = kind.name(), "{why}: no further call is started in this run");
        } else {
            let regain_minutes = self.usage().regain_minutes;
            critical!(
                kind = kind.name(),
                code,
                subcode,
                regain_minutes,
                "{why}: no further call in this run: {failure}"
            );
        }
    }

    async fn tries<T>(
        &self,
        request: &Request,
        credentials: &Credentials,
        read: &impl Fn(&str) -> Result<T, NotExpected>,
    ) -> Result<T, Failure> {
        let tries = AtomicU64::new(0);
        let attempt = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.attempt(request, credentials, read)
        };
        let done = attempt
            .retry(backoff())
            .sleep(tokio::time::sleep)
            .when(|a: &Attempt| a.failure.kind == Kind::Transient && self.halted().is_none())
            .adjust(|a: &Attempt, wait| self.wait(a, wait?))
            .notify(|a: &Attempt, wait| {
                let (kind, code) = (a.failure.kind.name(), a.failure.code);
                warn!(kind, code, wait_ms = wait.as_millis() as u64, "a call failed and is tried again: {}", a.failure);
            })
            .await;
        let mut failure = match done {
            Ok(value) => return Ok(value),
            Err(Attempt { failure, .. }) => failure,
        };
        let made = tries.into_inner();
        if failure.kind == Kind::Transient {
            failure.message = format!("{} (tried {made} of {TRIES} times)", failure.message);
        }
        if failure.kind == Kind::Throttled {
            self.halt(&failure);
        }
        Err(failure)
    }

    /// The wait before the next try; `None` where there is no point in one.
    fn wait(&self, attempt: &Attempt, backoff: Duration) -> Option<Duration> {
        let wait = match attempt.retry_after {
            Some(longer) if longer > LONGEST_RETRY_AFTER => return None,
            Some(asked) => backoff.max(asked),
            None => backoff,
        };
        (Instant::now() + wait < self.stop.deadline()).then_some(wait)
    }

    /// What one try may take: at most half of what is left, so that one that stalls leaves time for another.
    fn try_limit(&self) -> Duration {
        let left = self.stop.left();
        LONGEST_TRY.min(left / 2).max(Duration::from_millis(100))
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        credentials: &Credentials,
        read: &impl Fn(&str) -> Result<T, NotExpected>,
    ) -> Result<T, Attempt> {
        if let Some(halt) = self.halted() {
            return Err(halt.into());
        }
        if self.stop.is_interrupted() {
            return Err(self.given_up().into());
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let limit = self.try_limit();
        match timeout(limit, self.send(request, credentials)).await {
            Err(_) => {
                Err(Failure::new(Kind::Transient, format!("no whole answer within {} ms", limit.as_millis())).into())
            }
            Ok(Err(failure)) => Err(failure.into()),
            Ok(Ok(answer)) => answer.read(read),
        }
    }

    async fn send(&self, request: &Request, credentials: &Credentials) -> Result<Answer, Failure> {
        let Client { http, end_point, .. } = self.client;
        let path = if request.path.is_empty() { &credentials.ig_user_id } else { &request.path };
        let mut call = http.get(&format!("{end_point}/{path}"));
        if request.user_id {
            call = call.query(&[("user_id", &credentials.ig_user_id)]);
        }
        if request.is_debug_token() {
            call = call.query(&[("input_token", credentials.access_token.expose_secret())]);
        }
        call = call.query(&request.query).query(&caller(credentials, request.is_debug_token()));
        let response = http.send(call.header(ACCEPT_ENCODING, "gzip")).await.map_err(broken)?;
        self.note_headers(response.headers());
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers(), Utc::now()));
        let Body { bytes, room } = body::read(response, &self.client.memory).await.map_err(|error| match error {
            BodyError::Broken(error) => broken(error),
            BodyError::NotGzip(error) => {
                Failure::new(Kind::Transient, format!("HTTP {status}: the answer is not gzip as it says: {error}"))
            }
            BodyError::TooLarge => {
                let message = format!("HTTP {status}: the answer is larger than {} MiB", LARGEST_BODY >> 20);
                Failure::new(Kind::Unexpected, message)
            }
        })?;
        let body = Body { bytes: self.client.redactor.redact_bytes(bytes), room };
        Ok(Answer { status, retry_after, body })
    }

    fn note_headers(&self, headers: &HeaderMap) {
        let usage = Usage::read(headers);
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
            && served != self.client.version
        {
            let asked = &self.client.version;
            warn!("version {asked} was asked for and {served} answers: {asked} is past its end; set [API] version");
        }
    }
}

/// Whether a header's text is a version: nothing else of it is printed.
fn is_version(text: &str) -> bool {
    text.len() <= 8 && text.strip_prefix('v').is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// A call that got no answer. The URL is left out of the text: it holds the token.
fn broken(error: reqwest::Error) -> Failure {
    Failure::new(Kind::Transient, with_causes(&error.without_url()))
}

/// `Retry-After`, in either of its forms: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

/// An answer, whole.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Body,
}

impl Answer {
    fn read<T>(self, read: &impl Fn(&str) -> Result<T, NotExpected>) -> Result<T, Attempt> {
        let Self { status, retry_after, body } = self;
        let body = &body.bytes;
        let problem = match (status, std::str::from_utf8(body)) {
            (200, Ok(text)) => match read(text) {
                Ok(value) => return Ok(value),
                Err(NotExpected(field)) => format!("the answer ({} bytes) is no JSON object with {field}", body.len()),
            },
            (200, Err(_)) => "the answer is not UTF-8".to_owned(),
            (300..=399, _) => "redirects are not followed".to_owned(),
            _ => "no error body of the API".to_owned(),
        };
        let failure = Failure::from_answer(ApiError::read(body).as_ref(), status, &problem);
        Err(Attempt { failure, retry_after })
    }
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
    fn only_a_version_is_taken_for_one() {
        assert!(
            is_version("v21.0") && !is_version("v21.0<script>") && !is_version("21.0") && !is_version("v1234567.8")
        );
    }
}
