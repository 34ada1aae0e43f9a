//! The webhook of a secret: what it has reported is in an object next to the data, so that each problem is reported once
//! whichever run or process meets it.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::causes::with_causes;
use crate::config::Locations;
use crate::diagnosis::Diagnosis;
use crate::http;
use crate::notices::{Changes, Notices, Observation};
use crate::sink::Sink;

/// The longest wait for the webhook's response. The run's own end may be sooner.
const MAX_WEBHOOK: Duration = Duration::from_secs(3);

/// The longest time for the object of the open problems.
const MAX_UPDATE: Duration = Duration::from_secs(2);

/// The tries to change the object, which other runs may change at the same time.
const TRIES: u32 = 5;

/// A webhook, and the place of the object.
pub(super) struct Channel {
    pub(super) url: SecretString,
    sink: Sink,
    memory: Mutex<Memory>,
}

/// What the process keeps.
#[derive(Default)]
struct Memory {
    /// The open problems, while they cannot be stored.
    unsaved: Option<Notices>,
    has_warned: bool,
}

impl Channel {
    pub(super) fn new(url: SecretString, sink: Sink) -> Self {
        Self { url, sink, memory: Mutex::default() }
    }

    /// Notes what a run shows, and posts the text that `message` makes of the changes. A failure is a WARNING; the
    /// process reports the same changes with its next run.
    pub(super) async fn report(
        &self,
        http: &http::Client,
        observation: &Observation,
        now: DateTime<Utc>,
        end: Instant,
        message: impl FnOnce(&Changes) -> Option<String>,
    ) {
        let mut memory = self.memory.lock().await;
        let (before, changes) = self.update(&mut memory, observation, now, end).await;
        let Some(text) = message(&changes) else { return };
        let limit = MAX_WEBHOOK.min(end.saturating_duration_since(Instant::now()));
        if let Err(problem) = self.post(http, text, limit).await {
            warn!(kind = "webhook", "the webhook did not take the message of this run: {problem}");
            memory.unsaved = Some(before);
        }
    }

    /// Brings the object up to date. Returns the open problems before the run, and the changes.
    async fn update(
        &self,
        memory: &mut Memory,
        observation: &Observation,
        now: DateTime<Utc>,
        end: Instant,
    ) -> (Notices, Changes) {
        let left = end.saturating_duration_since(Instant::now());
        let limit = Instant::now() + MAX_UPDATE.min(left / 2);
        let stored = self.store(memory, observation, now, limit).await;
        let problem = match stored {
            Ok(done) => {
                memory.unsaved = None;
                return done;
            }
            Err(problem) => problem,
        };
        if !std::mem::replace(&mut memory.has_warned, true) {
            warn!(kind = "webhook", "this process alone knows what the webhook has reported: {problem}");
        }
        let before = memory.unsaved.take().unwrap_or_default();
        let (after, changes) = before.after(observation, now);
        memory.unsaved = Some(after);
        (before, changes)
    }

    /// Stores what a run changes on the condition that no other run does so at the same time. The one of two runs that
    /// loses reads the object again, and finds what the other one has reported.
    async fn store(
        &self,
        memory: &mut Memory,
        observation: &Observation,
        now: DateTime<Utc>,
        limit: Instant,
    ) -> Result<(Notices, Changes), String> {
        let (key, left) = (Locations::notices(), || limit.saturating_duration_since(Instant::now()));
        let mut tried: Option<(Bytes, Notices, Changes)> = None;
        for _ in 0..TRIES {
            let read = match self.sink.get_version(key.as_str(), left()).await {
                // Without the permission to list, S3 denies an object that is not there.
                Err(error) if error.diagnosis == Diagnosis::StoreDenied => None,
                read => read.map_err(|error| error.to_string())?,
            };
            let (bytes, version) = read.unzip();
            if let Some((_, before, changes)) = tried.take_if(|(body, ..)| bytes.as_ref() == Some(body)) {
                // It was stored, and the response to it was lost.
                return Ok((before, changes));
            }
            let stored = bytes.as_deref().map(Notices::read).unwrap_or_default();
            let before = memory.unsaved.clone().unwrap_or_else(|| stored.clone());
            let (after, changes) = before.after(observation, now);
            if after == stored {
                return Ok((before, changes));
            }
            let body = Bytes::from(after.to_json());
            let replaced = self.sink.replace(&key, version.as_ref(), body.clone(), left()).await;
            if replaced.map_err(|error| error.to_string())? {
                return Ok((before, changes));
            }
            tried = Some((body, before, changes));
        }
        Err(format!("{} changed {TRIES} times meanwhile", self.sink.place(&key)))
    }

    async fn post(&self, http: &http::Client, text: String, limit: Duration) -> Result<(), String> {
        // Slack gives these a meaning, as in `<!channel>`.
        // https://docs.slack.dev/messaging/formatting-message-text
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let request = http.post_json(self.url.expose_secret(), json!({ "text": text }).to_string());
        let response = timeout(limit, http.send(request)).await;
        let response = response.map_err(|_| format!("no response within {} ms", limit.as_millis()))?;
        let status = response.map_err(|error| with_causes(&error.without_url()))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("HTTP {}", status.as_u16())) }
    }
}
