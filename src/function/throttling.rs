//! Throttling that outlives a process: an object in the bucket, where the configuration asks for it.

use std::time::Duration;

use bytes::Bytes;
use tracing::warn;

use super::Ready;
use crate::config::{Locations, ObjectKey};
use crate::graph::Throttled;

/// The longest wait for the bucket. It answers within about 100 ms.
const LONGEST_READ: Duration = Duration::from_secs(2);

impl Ready {
    fn throttled_key(&self) -> Option<ObjectKey> {
        self.config.throttling_in_bucket.then(|| Locations::throttled(&self.client.credentials().ig_user_id))
    }

    /// Reads from the bucket what an earlier process knew about throttling. Where that fails, the run
    /// starts like any other.
    pub(super) async fn recall_throttling(&self, limit: Duration) {
        let Some(key) = self.throttled_key() else { return };
        let read = match self.sink.get(key.as_str(), limit.min(LONGEST_READ)).await {
            Ok(None) => return,
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(|_| format!("{} is not as it was stored", key)),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(throttled) => self.client.set_throttled(throttled),
            Err(problem) => {
                warn!(kind = "throttling", "whether an earlier process was throttled is not known: {problem}")
            }
        }
    }

    /// Stores what this run knows about throttling, where it differs from `before`.
    pub(super) async fn remember_throttling(&self, before: Option<Throttled>, limit: Duration) {
        let now = self.client.throttled();
        let Some(key) = self.throttled_key().filter(|_| now != before) else { return };
        let body = Bytes::from(serde_json::to_vec(&now).unwrap_or_default());
        if let Err(error) = self.sink.put(&key, body, limit).await {
            warn!(kind = "throttling", "a process that starts will not know of throttling: {error}");
        }
    }
}
