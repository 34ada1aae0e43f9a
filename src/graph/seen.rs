//! The media that a process has stored under hashtags: where the next run's pages meet them, nothing is
//! missing between the two.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::lock::lock;
use crate::topic::HashtagId;

/// The ids of media. As numbers, of 17 digits, they take a fraction of their texts.
pub type MediaIds = HashSet<u64>;

/// The media of the last run that stored any, by hashtag.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<HashtagId, Arc<MediaIds>>>);

impl Seen {
    pub(super) fn under(&self, hashtag: &HashtagId) -> Option<Arc<MediaIds>> {
        lock(&self.0).get(hashtag).cloned()
    }

    pub(super) fn remember(&self, hashtag: HashtagId, media: MediaIds) {
        // A run that found none says nothing of the media before it.
        if !media.is_empty() {
            lock(&self.0).insert(hashtag, Arc::new(media));
        }
    }
}
