//! The webhook of a secret: what it has reported is in an object next to the data, so that each problem is reported
//! once whichever run or process finds it.

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

/// The longest time for a change of the object.
const MAX_CHANGE: Duration = Duration::from_secs(2);

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
    /// The problems that could not be stored.
    unsaved: Notices,
    has_warned: bool,
}

impl Channel {
    pub(super) fn new(url: SecretString, sink: Sink) -> Self {
        Self { url, sink, memory: Mutex::default() }
    }

    /// Notes what a run shows, and posts the text that `message` makes of the changes. If the webhook does not accept
    /// it, that is a WARNING, and the next run reports the changes.
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
        let update = |stored: &Notices| stored.with(&memory.unsaved).after(observation, now);
        let changes = match self.change(update, left() / 2).await {
            Ok(changes) => {
                memory.unsaved = Notices::default();
                changes
            }
            Err(problem) => {
                if !std::mem::replace(&mut memory.has_warned, true) {
                    warn!(kind = "webhook", "only this process knows what it has reported: {problem}");
                }
                let (after, changes) = memory.unsaved.after(observation, now);
                memory.unsaved = after;
                changes
            }
        };
        let Some(text) = message(&changes) else { return };
        let Err(problem) = self.post(http, text, MAX_WEBHOOK.min(left())).await else { return };
        warn!(kind = "webhook", "the webhook did not take the message of this run: {problem}");
        memory.unsaved = memory.unsaved.unreported(&changes, observation, now);
        // If this fails too, the message is lost: the process does not keep what is stored.
        let _ = self.change(|stored| (stored.unreported(&changes, observation, now), ()), left()).await;
    }

    /// Changes the object within `limit`, on the condition that no other run does so at the same time. If two runs do,
    /// the one that loses reads the object again and finds what the other one has reported. Returns what `change` does.
    async fn change<T>(&self, change: impl Fn(&Notices) -> (Notices, T), limit: Duration) -> Result<T, String> {
        let end = Instant::now() + MAX_CHANGE.min(limit);
        let (key, left) = (Locations::notices(), || end.saturating_duration_since(Instant::now()));
        let mut tried: Option<(Bytes, T)> = None;
        for _ in 0..TRIES {
            let read = match self.sink.get_version(key.as_str(), left()).await {
                // Without the permission to list, S3 denies an object that is not there.
                Err(error) if error.diagnosis == Diagnosis::StoreDenied => None,
                read => read.map_err(|error| error.to_string())?,
            };
            let (bytes, version) = read.unzip();
            if let Some((_, done)) = tried.take_if(|(body, _)| bytes.as_ref() == Some(body)) {
                // It was stored, but the response was lost.
                return Ok(done);
            }
            let stored = bytes.as_deref().map(Notices::read).unwrap_or_default();
            let (changed, done) = change(&stored);
            if changed == stored {
                return Ok(done);
            }
            let body = Bytes::from(changed.to_json());
            let is_stored = self.sink.replace(&key, version.as_ref(), body.clone(), left()).await;
            if is_stored.map_err(|error| error.to_string())? {
                return Ok(done);
            }
            tried = Some((body, done));
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
