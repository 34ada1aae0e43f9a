//! One run's use of the API: its deadline, its renewed token, and whether it may call on.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use chrono::{SecondsFormat, Utc};
use futures_util::future::BoxFuture;
use http::HeaderMap;
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::timeout_at;
use tracing::warn;

use super::client::Client;
use super::error::{Failure, Kind};
use super::pace::{FEW, Throttled};
use super::usage::Usage;
use crate::answers::Answers;
use crate::lock::lock;
use crate::memory;
use crate::secret::Credentials;
use crate::stop::Stop;
use crate::telemetry::critical;

/// Reads the secret again; `None` where that failed. The reader logs why.
pub type Renew<'c> = dyn Fn() -> BoxFuture<'c, Option<Credentials>> + Send + Sync + 'c;

/// A client during one run.
pub struct Session<'c> {
    pub(super) client: &'c Client,
    stop: Stop,
    renew: &'c Renew<'c>,
    renewed: AtomicBool,
    renewal: tokio::sync::Mutex<()>,
    probe: tokio::sync::Mutex<()>,
    few: Semaphore,
    halt: Mutex<Option<Failure>>,
    calls: AtomicU64,
    /// The bytes that the run's records take so far.
    records: AtomicUsize,
    usage: Mutex<Usage>,
    version: OnceLock<String>,
    answers: Option<Answers>,
}

/// A new token is on trial. The guard keeps the other topics waiting.
pub(super) struct Proving<'s>(#[expect(dead_code, reason = "held, not read")] Option<MutexGuard<'s, ()>>);

/// A call's turn. While it is held, the calls behind it wait.
#[expect(dead_code, reason = "held, not read")]
pub(super) enum Turn<'s> {
    /// The caller is throttled: one call alone.
    Alone(MutexGuard<'s, ()>),
    /// The usage is near the limit: [`FEW`] at the same time.
    Few(Option<SemaphorePermit<'s>>),
    /// Nobody waits.
    Free,
}

impl<'c> Session<'c> {
    /// A session that starts no wait and no try after `stop`. `renew` reads the secret again when the API
    /// refuses the token.
    pub fn new(client: &'c Client, stop: Stop, renew: &'c Renew<'c>) -> Self {
        Self {
            client,
            stop,
            renew,
            renewed: AtomicBool::new(false),
            renewal: tokio::sync::Mutex::default(),
            probe: tokio::sync::Mutex::default(),
            few: Semaphore::new(FEW),
            halt: Mutex::default(),
            calls: AtomicU64::new(0),
            records: AtomicUsize::new(0),
            usage: Mutex::default(),
            version: OnceLock::new(),
            answers: None,
        }
    }

    /// The same session, which keeps the API's responses if `keeps` says so.
    #[must_use]
    pub fn keeping_answers(self, keeps: bool) -> Self {
        Self { answers: keeps.then(|| Answers::with_limit(self.client.memory.answers())), ..self }
    }

    /// The responses kept, if the run keeps them.
    pub fn answers(&self) -> Option<&Answers> {
        self.answers.as_ref()
    }

    /// The client that it calls with.
    pub fn client(&self) -> &'c Client {
        self.client
    }

    /// The moment at which unfinished topics are given up.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The failure of a topic that is given up.
    pub fn given_up(&self) -> Failure {
        Failure::new(Kind::Deadline, format!("given up: {}", self.stop.reason()))
    }

    /// Takes room for records from the run's memory budget. `bytes` is the length of their text in the
    /// answer.
    ///
    /// # Errors
    /// The topic's failure where the budget has no room left.
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

    /// The number of calls so far. Each try counts.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The highest usage that any answer reported.
    pub fn usage(&self) -> Usage {
        *lock(&self.usage)
    }

    /// The version that answered, where the API named it.
    pub fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    /// Why no further call is made; `None` while calls are made.
    pub fn halted(&self) -> Option<Failure> {
        lock(&self.halt).clone()
    }

    /// Reads the secret again after the API has refused `used`, at most once a run; `None` where that gave
    /// no other token, or the run has no time left to try one.
    ///
    /// The returned guard is held until the new token has proved itself. Of many topics that were refused
    /// at once, only the first one finds out.
    pub(super) async fn renew_after(&self, used: &Arc<Credentials>, refused: &Failure) -> Option<Proving<'_>> {
        let renewal = self.renewal.lock().await;
        let is_current = Arc::ptr_eq(used, &self.client.credentials());
        if self.halted().is_some() || (is_current && self.renewed.swap(true, Ordering::Relaxed)) {
            return None;
        }
        if !is_current {
            // Another topic has renewed the token meanwhile.
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

    pub(super) fn halting_on_refusal<T>(&self, done: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &done
            && failure.kind == Kind::Token
        {
            self.halt(failure);
        }
        done
    }

    /// Waits for the turn of a call. After a throttled answer, one call alone finds out whether the caller is
    /// still throttled. Near the limit, only a few calls go at the same time.
    pub(super) async fn turn(&self) -> Turn<'_> {
        if self.client.throttled().is_some() {
            let alone = self.probe.lock().await;
            if self.client.throttled().is_some() {
                return Turn::Alone(alone);
            }
        }
        if self.client.slows_down() { Turn::Few(self.few.acquire().await.ok()) } else { Turn::Free }
    }

    /// Ends this run before its first call if the API throttled several runs in a row and the pause is not
    /// over. Only runs that can wait for the next one call it.
    pub fn pause_if_throttled(&self) {
        let Some(throttled) = self.client.throttled() else { return };
        let Some(until) = throttled.pause(Utc::now()) else { return };
        let runs = throttled.runs;
        let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
        let message =
            format!("no call in this run: the API throttled the last {runs} runs; the next call goes at {until}");
        critical!(kind = Kind::Throttled.name(), regain_minutes = throttled.regain_minutes, "{message}");
        *lock(&self.halt) = Some(Failure::new(Kind::Throttled, message));
    }

    /// Whether this run met throttling, or pauses because earlier runs did.
    pub fn is_throttled(&self) -> bool {
        self.halted().is_some_and(|halt| halt.kind == Kind::Throttled)
    }

    pub(super) fn halt(&self, failure: &Failure) {
        let Failure { kind, code, subcode, .. } = *failure;
        let why = match kind {
            Kind::Throttled => "the API throttles the caller",
            Kind::VersionEnded => "the API has ended the version asked for, set [API] version to a living one",
            Kind::Token => "the API refuses the access token",
            _ => "the API's usage is near its limit",
        };
        let halt = Failure { kind, code, subcode, message: format!("no further call in this run: {why}") };
        {
            // A refusal replaces a usage near the limit: an answer that throttles also reports full usage
            // in its headers.
            let mut halted = lock(&self.halt);
            if halted.as_ref().is_some_and(|h| h.kind != Kind::Usage || kind == Kind::Usage) {
                return;
            }
            *halted = Some(halt);
        }
        if kind == Kind::Throttled {
            let throttled = Throttled::again(self.client.throttled(), Utc::now(), self.usage().regain_minutes);
            self.client.set_throttled(Some(throttled));
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

    pub(super) fn note_headers(&self, headers: &HeaderMap) {
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
            && served != self.client.version
        {
            let asked = &self.client.version;
            warn!("version {asked} was asked for and {served} answers: {asked} is past its end; set [API] version");
        }
    }
}

/// Whether a header's text is a version. No other text of it is printed.
fn is_version(text: &str) -> bool {
    text.len() <= 8 && text.strip_prefix('v').is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_is_taken_for_one() {
        assert!(
            is_version("v21.0") && !is_version("v21.0<script>") && !is_version("21.0") && !is_version("v1234567.8")
        );
    }
}
