//! One run's use of the API: its end, its renewed token, and whether it may go on calling.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use futures_util::future::BoxFuture;
use http::HeaderMap;
use tokio::time::timeout_at;
use tracing::warn;

use super::client::Client;
use super::error::{Failure, Kind};
use super::usage::Usage;
use crate::answers::Answers;
use crate::lock::lock;
use crate::memory;
use crate::secret::Credentials;
use crate::stop::Stop;
use crate::telemetry::critical;

/// Reads the secret again; `None` where that failed, which is logged there.
pub type Renew<'c> = dyn Fn() -> BoxFuture<'c, Option<Credentials>> + Send + Sync + 'c;

/// A client, for the length of one run.
pub struct Session<'c> {
    pub(super) client: &'c Client,
    stop: Stop,
    renew: &'c Renew<'c>,
    renewed: AtomicBool,
    renewal: tokio::sync::Mutex<()>,
    probe: tokio::sync::Mutex<()>,
    halt: Mutex<Option<Failure>>,
    calls: AtomicU64,
    /// Bytes that the records of the run take.
    records: AtomicUsize,
    usage: Mutex<Usage>,
    version: OnceLock<String>,
    answers: Option<Answers>,
}

/// A new token is on trial; its guard keeps the others waiting.
pub(super) struct Proving<'s>(#[expect(dead_code, reason = "held, not read")] Option<tokio::sync::MutexGuard<'s, ()>>);

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
            probe: tokio::sync::Mutex::default(),
            halt: Mutex::default(),
            calls: AtomicU64::new(0),
            records: AtomicUsize::new(0),
            usage: Mutex::default(),
            version: OnceLock::new(),
            answers: None,
        }
    }

    /// The same session, which keeps the API's answers where `keeps` says so.
    #[must_use]
    pub fn keeping_answers(self, keeps: bool) -> Self {
        Self { answers: keeps.then(|| Answers::with_room(self.client.memory.answers())), ..self }
    }

    /// The answers kept, where they are.
    pub fn answers(&self) -> Option<&Answers> {
        self.answers.as_ref()
    }

    /// The client that it calls with.
    pub fn client(&self) -> &'c Client {
        self.client
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

    pub(super) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
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

    pub(super) fn halting_on_refusal<T>(&self, done: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &done
            && failure.kind == Kind::Token
        {
            self.halt(failure);
        }
        done
    }

    /// Waits for the others where the last answer of the process told that it is throttled, so that one call
    /// alone finds out whether it still is.
    pub(super) async fn alone(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.client.is_throttled() { Some(self.probe.lock().await) } else { None }
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
            // That a limit is near gives way to what the API refuses: an answer that throttles tells of
            // full usage in its own headers.
            let mut halted = lock(&self.halt);
            if halted.as_ref().is_some_and(|h| h.kind != Kind::Usage || kind == Kind::Usage) {
                return;
            }
            *halted = Some(halt);
        }
        if kind == Kind::Throttled {
            self.client.note_throttled(true);
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
