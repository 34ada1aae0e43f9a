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
use crate::sink::{Sink, Version};

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
    /// The open problems, if they could not be stored.
    unsaved: Option<Notices>,
    has_warned: bool,
}

/// What a run changes.
struct Update {
    before: Notices,
    changes: Changes,
    /// The version of the object that has the changes; `None` if it is not stored.
    stored: Option<Version>,
}

impl Channel {
    pub(super) fn new(url: SecretString, sink: Sink) -> Self {
        Self { url, sink, memory: Mutex::default() }
    }

    /// Notes what a run shows, and posts the text that `message` makes of the changes. If the webhook does not take it,
    /// that is a WARNING, and the changes are undone, so that the next run reports them.
    pub(super) async fn report(
        &self,
        http: &http::Client,
        observation: &Observation,
        now: DateTime<Utc>,
        end: Instant,
        message: impl FnOnce(&Changes) -> Option<String>,
    ) {
        let mut memory = self.memory.lock().await;
        let left = || end.saturating_duration_since(Instant::now());
        let Update { before, changes, stored } = self.update(&mut memory, observation, now, left() / 2).await;
        let Some(text) = message(&changes) else { return };
        let Err(problem) = self.post(http, text, MAX_WEBHOOK.min(left())).await else { return };
        warn!(kind = "webhook", "the webhook did not take the message of this run: {problem}");
        let undone = match &stored {
            Some(_) => {
                let (key, body) = (Locations::notices(), before.to_json().into());
                self.sink.replace(&key, stored.as_ref(), body, MAX_UPDATE.min(left())).await.ok().flatten()
            }
            None => None,
        };
        memory.unsaved = Some(before).filter(|_| undone.is_none());
    }

    /// Brings the object up to date, or what the process keeps if that fails.
    async fn update(
        &self,
        memory: &mut Memory,
        observation: &Observation,
        now: DateTime<Utc>,
        limit: Duration,
    ) -> Update {
        let end = Instant::now() + MAX_UPDATE.min(limit);
        let problem = match self.store(memory, observation, now, end).await {
            Ok(update) => {
                memory.unsaved = None;
                return update;
            }
            Err(problem) => problem,
        };
        if !std::mem::replace(&mut memory.has_warned, true) {
            warn!(kind = "webhook", "only this process knows what it has reported: {problem}");
        }
        let before = memory.unsaved.take().unwrap_or_default();
        let (after, changes) = before.after(observation, now);
        memory.unsaved = Some(after);
        Update { before, changes, stored: None }
    }

    /// Stores what a run changes on the condition that no other run does so at the same time. The one of two runs that
    /// loses reads the object again, and finds what the other one has reported.
    async fn store(
        &self,
        memory: &Memory,
        observation: &Observation,
        now: DateTime<Utc>,
        end: Instant,
    ) -> Result<Update, String> {
        let (key, left) = (Locations::notices(), || end.saturating_duration_since(Instant::now()));
        let mut tried: Option<(Bytes, Update)> = None;
        for _ in 0..TRIES {
            let read = match self.sink.get_version(key.as_str(), left()).await {
                // Without the permission to list, S3 denies an object that is not there.
                Err(error) if error.diagnosis == Diagnosis::StoreDenied => None,
                read => read.map_err(|error| error.to_string())?,
            };
            let (bytes, version) = read.unzip();
            if let Some((_, update)) = tried.take_if(|(body, _)| bytes.as_ref() == Some(body)) {
                // It was stored, and the response to that was lost.
                return Ok(Update { stored: version, ..update });
            }
            let current = bytes.as_deref().map(Notices::read).unwrap_or_default();
            let before = memory.unsaved.clone().unwrap_or_else(|| current.clone());
            let (after, changes) = before.after(observation, now);
            let update = Update { before, changes, stored: None };
            if after == current {
                return Ok(update);
            }
            let body = Bytes::from(after.to_json());
            let stored = self.sink.replace(&key, version.as_ref(), body.clone(), left()).await;
            let stored = stored.map_err(|error| error.to_string())?;
            if stored.is_some() {
                return Ok(Update { stored, ..update });
            }
            tried = Some((body, update));
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
