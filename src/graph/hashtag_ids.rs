//! The hashtag ids that a process knows: those that it has asked for, and those that an earlier process left it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use url::Url;

use crate::lock::lock;
use crate::topic::{HashtagId, HashtagName};

/// Ids by hashtag.
pub type HashtagIds = BTreeMap<HashtagName, HashtagId>;

/// Ids by the address of the API, as [`api_address`] has it.
pub type KnownIds = BTreeMap<String, HashtagIds>;

/// The address of the API at an end point, without a path, which has the version.
pub fn api_address(end_point: &str) -> String {
    Url::parse(end_point).map_or_else(|_| end_point.to_owned(), |url| url.origin().ascii_serialization())
}

/// The ids, and whether this process asked for them itself.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<BTreeMap<HashtagName, (HashtagId, Source)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Asked,
    Recalled,
}

impl Known {
    pub(super) fn all(&self) -> HashtagIds {
        lock(&self.0).iter().map(|(hashtag, (id, _))| (hashtag.clone(), id.clone())).collect()
    }

    pub(super) fn recall(&self, ids: HashtagIds) {
        lock(&self.0).extend(ids.into_iter().map(|(hashtag, id)| (hashtag, (id, Source::Recalled))));
    }

    pub(super) fn id(&self, hashtag: &HashtagName) -> Option<HashtagId> {
        lock(&self.0).get(hashtag).map(|(id, _)| id.clone())
    }

    pub(super) fn learn(&self, hashtag: &HashtagName, id: HashtagId) {
        lock(&self.0).insert(hashtag.clone(), (id, Source::Asked));
    }

    pub(super) fn forget(&self, hashtag: &HashtagName) {
        lock(&self.0).remove(hashtag);
    }

    pub(super) fn is_recalled(&self, hashtag: &HashtagName) -> bool {
        lock(&self.0).get(hashtag).is_some_and(|(_, source)| *source == Source::Recalled)
    }
}
