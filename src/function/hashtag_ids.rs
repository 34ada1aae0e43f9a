//! Hashtag ids that outlive a process, where whoever starts it has a place for them. On Lambda nobody does: a process
//! there lives for hours.

use super::{Function, Ready};
use crate::graph::HashtagIds;
use crate::sink::Sink;

/// A place for the ids, which are those of the API at an end point. What goes wrong there is told, and costs the
/// calls that the ids would have saved.
pub trait IdStore: Send + Sync {
    /// The ids that earlier processes have asked for.
    fn recall(&self, sink: &Sink, end_point: &str) -> HashtagIds;

    /// Takes the ids that a process knows `now`. It had those `before` its run.
    fn remember(&self, sink: &Sink, end_point: &str, before: &HashtagIds, now: &HashtagIds);
}

impl Function {
    /// The same function, which keeps hashtag ids in `store` for later processes.
    #[must_use]
    pub fn with_id_store(self, store: Option<Box<dyn IdStore>>) -> Self {
        Self { id_store: store, ..self }
    }

    pub(super) fn recall_ids(&self, ready: &Ready) {
        if let Some(store) = &self.id_store {
            ready.client.recall_hashtag_ids(store.recall(&ready.sink, &ready.config.end_point));
        }
    }

    /// The ids that the process knows, where there is a store for those that it will know.
    pub(super) fn ids_to_store(&self, ready: &Ready) -> Option<HashtagIds> {
        self.id_store.as_ref().map(|_| ready.client.hashtag_ids())
    }

    /// Stores what has changed since the ids were those `before`.
    pub(super) fn remember_ids(&self, ready: &Ready, before: Option<HashtagIds>) {
        let (Some(store), Some(before)) = (&self.id_store, before) else { return };
        let now = ready.client.hashtag_ids();
        if now != before {
            store.remember(&ready.sink, &ready.config.end_point, &before, &now);
        }
    }
}
