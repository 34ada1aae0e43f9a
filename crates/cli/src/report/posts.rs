//! The houses' own posts as last seen, and what they gained from one run to the next.

use std::collections::HashMap;

use serde::Serialize;

use crate::stored::quality::Count;
use crate::stored::{Record, seconds};

/// The most posts on a page. The newest ones are shown, so that years of data fit.
const MOST_POSTS: usize = 12_000;

/// The number of posts whose captions are on the page: those with the most interactions.
const MOST_CAPTIONS: usize = 500;

/// The characters of a caption on the page.
const CAPTION_LETTERS: usize = 140;

/// The figures of a post in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) likes: Count,
    pub(super) comments: Count,
}

/// What a post gained since the run before that has it; `None` where a figure of either run is not counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gained {
    pub(super) likes: Option<i64>,
    pub(super) comments: Option<i64>,
}

/// A post as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Post {
    /// The index of its house.
    pub(super) house: usize,
    /// When it was posted, in seconds since 1970.
    time: i64,
    /// When it was last seen.
    seen: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<i64>,
    /// Whether the likes are hidden.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    /// Whether the likes are a 0 of which nobody knows whether it was counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unknown: bool,
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    caption: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip)]
    last: Option<(Count, Count)>,
}

/// The posts by house and id.
#[derive(Debug, Default)]
pub(super) struct Posts(HashMap<(usize, String), Post>);

impl Posts {
    /// Adds a post of a run, and returns what it gained since the run before.
    pub(super) fn see(&mut self, house: usize, seen: i64, record: Record, now: Seen) -> Gained {
        let Record { media_id, timestamp, caption, media_type, media_product_type, permalink, .. } = record;
        let kind =
            if media_product_type.is_empty() || media_product_type == "FEED" { media_type } else { media_product_type };
        let post = Post {
            house,
            time: seconds(&timestamp).unwrap_or(0),
            seen,
            likes: now.likes.counted(),
            comments: now.comments.counted(),
            hidden: now.likes == Count::Hidden,
            unknown: now.likes == Count::Unknown,
            kind,
            caption: shortened(&caption),
            link: permalink,
            last: Some((now.likes, now.comments)),
        };
        let Some(before) = self.0.insert((house, media_id), post).and_then(|p| p.last) else {
            return Gained::default();
        };
        Gained { likes: gained(before.0, now.likes), comments: gained(before.1, now.comments) }
    }

    /// The newest posts, newest first. The posts with the most interactions have their captions.
    pub(super) fn finish(self) -> Vec<Post> {
        let mut posts: Vec<((usize, String), Post)> = self.0.into_iter().collect();
        posts.sort_by(|(a, x), (b, y)| y.time.cmp(&x.time).then_with(|| a.cmp(b)));
        let mut posts: Vec<Post> = posts.into_iter().map(|(_, post)| post).take(MOST_POSTS).collect();
        let mut interactions: Vec<i64> = posts.iter().map(Post::interactions).collect();
        interactions.sort_unstable_by(|a, b| b.cmp(a));
        let least = interactions.get(MOST_CAPTIONS).copied().unwrap_or(i64::MIN);
        for post in posts.iter_mut().filter(|post| post.interactions() < least) {
            post.caption.clear();
            post.link.clear();
        }
        posts
    }
}

impl Post {
    fn interactions(&self) -> i64 {
        self.likes.unwrap_or(0).saturating_add(self.comments.unwrap_or(0))
    }
}

/// A loss counts too: likes are taken back.
fn gained(before: Count, now: Count) -> Option<i64> {
    Some(now.counted()?.saturating_sub(before.counted()?))
}

/// The beginning of a caption on one line.
fn shortened(caption: &str) -> String {
    let words = caption.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(CAPTION_LETTERS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, time: &str) -> Record {
        Record { media_id: id.to_owned(), timestamp: time.to_owned(), ..Record::default() }
    }

    fn seen(likes: Count) -> Seen {
        Seen { likes, comments: Count::Counted(1) }
    }

    #[test]
    fn a_post_gains_from_one_run_to_the_next_and_only_what_both_counted() {
        let mut posts = Posts::default();
        let mut see = |likes| posts.see(0, 0, record("1", ""), seen(likes)).likes;
        assert_eq!(see(Count::Counted(5)), None);
        assert_eq!(see(Count::Counted(8)), Some(3));
        assert_eq!(see(Count::Hidden), None);
        assert_eq!(see(Count::Counted(9)), None);
        assert_eq!(see(Count::Counted(7)), Some(-2));
    }

    #[test]
    fn a_post_is_listed_once_as_last_seen_and_hidden_likes_are_no_zero() {
        let mut posts = Posts::default();
        posts.see(0, 0, record("1", "2026-11-24T01:00:00+0000"), seen(Count::Counted(5)));
        posts.see(0, 1, record("1", "2026-11-24T01:00:00+0000"), seen(Count::Hidden));
        posts.see(0, 1, record("2", "2026-11-24T02:00:00+0000"), seen(Count::Counted(0)));
        let listed: Vec<_> = posts.finish().into_iter().map(|p| (p.likes, p.hidden, p.seen)).collect();
        assert_eq!(listed, [(Some(0), false, 1), (None, true, 1)]);
    }

    #[test]
    fn a_caption_is_one_line_cut_at_a_letter() {
        assert_eq!(shortened("a\r\n\r\nb\tc"), "a b c");
        assert_eq!(shortened(&"👜".repeat(200)).chars().count(), CAPTION_LETTERS + 1);
    }
}
