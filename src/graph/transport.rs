//! One call: its tries within the run's time, and the answer to each.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::body::{self, Body, BodyError};
use super::client::{Client, EXCHANGE, caller, exchanging};
use super::error::{ApiError, Failure, Kind};
use super::retry::{LONGEST_RETRY_AFTER, TRIES, backoff};
use super::session::Session;
use crate::causes::with_causes;
use crate::memory::LARGEST_BODY;
use crate::secret::Credentials;

/// The longest time of one try. The run's remaining time bounds it too.
const LONGEST_TRY: Duration = Duration::from_secs(15);

/// A call.
pub(super) struct Request {
    /// The path below the end point; empty for the calling user.
    pub(super) path: String,
    /// Whether the query has `user_id`.
    pub(super) user_id: bool,
    pub(super) query: Vec<(&'static str, String)>,
}

impl Request {
    /// A call on the calling user.
    pub(super) fn of_user(query: Vec<(&'static str, String)>) -> Self {
        Self { path: String::new(), user_id: false, query }
    }

    fn is_debug_token(&self) -> bool {
        self.path == "debug_token"
    }

    fn is_exchange(&self) -> bool {
        self.path == EXCHANGE
    }
}

/// The field that an answer lacks.
pub(super) struct NotExpected(pub(super) &'static str);

/// One try that failed.
struct Attempt {
    failure: Failure,
    retry_after: Option<Duration>,
}

impl Attempt {
    /// The same without what the API says: it may quote a token that nobody knows yet.
    fn without_text(mut self) -> Self {
        self.failure.message = "no new token in the answer, whose text is not told: it may quote one".to_owned();
        self
    }
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        Self { failure, retry_after: None }
    }
}

impl Session<'_> {
    /// Makes a call with its tries. Where the API refuses the token, it repeats the call with a new one.
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

    /// Makes a call with some credentials, and its tries.
    pub(super) async fn tries<T>(
        &self,
        request: &Request,
        credentials: &Credentials,
        read: &impl Fn(&str) -> Result<T, NotExpected>,
    ) -> Result<T, Failure> {
        let mut backoff = backoff();
        let mut tries = 1;
        let mut failure = loop {
            let failed = match self.attempt(request, credentials, read).await {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            let again = failed.failure.kind == Kind::Transient && self.halted().is_none();
            let wait = if again { backoff.next().and_then(|wait| self.wait(&failed, wait)) } else { None };
            let Attempt { failure, .. } = failed;
            let Some(wait) = wait else { break failure };
            let (kind, code) = (failure.kind.name(), failure.code);
            warn!(kind, code, wait_ms = wait.as_millis() as u64, "a call failed and is tried again: {failure}");
            sleep(wait).await;
            tries += 1;
        };
        if failure.kind == Kind::Transient {
            failure.message = format!("{} (tried {tries} of {TRIES} times)", failure.message);
        }
        Err(failure)
    }

    /// The wait before the next try; `None` where another try is of no use.
    fn wait(&self, attempt: &Attempt, backoff: Duration) -> Option<Duration> {
        let wait = match attempt.retry_after {
            Some(longer) if longer > LONGEST_RETRY_AFTER => return None,
            Some(asked) => backoff.max(asked),
            None => backoff,
        };
        (Instant::now() + wait < self.stop().deadline()).then_some(wait)
    }

    /// The time limit of one try: at most half of the remaining time, so that one that stalls leaves time
    /// for another.
    fn try_limit(&self) -> Duration {
        let left = self.stop().left();
        LONGEST_TRY.min(left / 2).max(Duration::from_millis(100))
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        credentials: &Credentials,
        read: &impl Fn(&str) -> Result<T, NotExpected>,
    ) -> Result<T, Attempt> {
        let _turn = self.turn().await;
        if let Some(halt) = self.halted() {
            return Err(halt.into());
        }
        if self.stop().is_interrupted() {
            return Err(self.given_up().into());
        }
        self.count_call();
        let limit = self.try_limit();
        let done = match self.send(request, credentials, limit).await {
            Err(failure) => Err(failure.into()),
            Ok(answer) => {
                let read = answer.read(read);
                if request.is_exchange() { read.map_err(Attempt::without_text) } else { read }
            }
        };
        match done.as_ref().err().map(|failed: &Attempt| &failed.failure) {
            Some(failure) if matches!(failure.kind, Kind::Throttled | Kind::VersionEnded) => self.halt(failure),
            Some(failure) if failure.kind == Kind::Transient => {}
            _ if self.halted().is_none() => self.client.set_throttled(None),
            _ => {}
        }
        done
    }

    async fn send(&self, request: &Request, credentials: &Credentials, limit: Duration) -> Result<Answer<'_>, Failure> {
        let end = Instant::now() + limit;
        let late = || Failure::new(Kind::Transient, format!("no whole answer within {} ms", limit.as_millis()));
        let Client { http, end_point, .. } = self.client;
        let path = if request.path.is_empty() { &credentials.ig_user_id } else { &request.path };
        let mut call = http.get(&format!("{end_point}/{path}"));
        if request.user_id {
            call = call.query(&[("user_id", &credentials.ig_user_id)]);
        }
        if request.is_debug_token() {
            call = call.query(&[("input_token", credentials.access_token.expose_secret())]);
        }
        let caller = match request.is_exchange() {
            true => exchanging(credentials),
            false => caller(credentials, request.is_debug_token()),
        };
        call = call.query(&request.query).query(&caller);
        let response = timeout_at(end, http.send(call.header(ACCEPT_ENCODING, "gzip"))).await;
        let response = response.map_err(|_| late())?.map_err(broken)?;
        self.note_headers(response.headers());
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers(), Utc::now()));
        let Body { bytes, permit } =
            body::read(response, &self.client.large_body, end).await.map_err(|error| match error {
                BodyError::Broken(error) => broken(error),
                BodyError::Late => late(),
                BodyError::NotGzip(error) => {
                    Failure::new(Kind::Transient, format!("HTTP {status}: the answer is not gzip as it says: {error}"))
                }
                BodyError::TooLarge => {
                    let message = format!("HTTP {status}: the answer is larger than {} MiB", LARGEST_BODY >> 20);
                    Failure::new(Kind::Unexpected, message)
                }
            })?;
        let body = Body { bytes: self.client.redactor.redact_bytes(bytes), permit };
        Ok(Answer { status, retry_after, body })
    }
}

/// The failure of a call without an answer. The text leaves out the URL, which holds the token.
fn broken(error: reqwest::Error) -> Failure {
    Failure::new(Kind::Transient, with_causes(&error.without_url()))
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

/// A complete answer.
struct Answer<'s> {
    status: u16,
    retry_after: Option<Duration>,
    body: Body<'s>,
}

impl Answer<'_> {
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
}
