//! The houses' own posts as last seen, and what they gained from one response to the next.

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

/// The figures of a post in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) likes: Count,
    pub(super) comments: Count,
}

/// What posts gained in a response; `None` if nobody knows.
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
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    caption: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    /// The last known counts.
    #[serde(skip)]
    known: Gained,
    /// The moment of the house's response before the one that had the post first, in milliseconds since 1970.
    #[serde(skip)]
    before: Option<i64>,
}

/// The posts by house and id.
#[derive(Debug, Default)]
pub(super) struct Posts {
    posts: HashMap<(usize, String), Post>,
    /// When the last response for a house arrived, in milliseconds since 1970.
    last: HashMap<usize, i64>,
}

impl Posts {
    /// Adds the posts of a response for a house, and returns what they gained. The responses of a house are added in
    /// the order of their moments. `at` is the moment in milliseconds since 1970, and `row` the row of the tables.
    pub(super) fn add(&mut self, house: usize, at: i64, row: i64, posts: Vec<(Record, Seen)>) -> Gained {
        let before = self.last.insert(house, at);
        let mut sum = Gained::default();
        for (record, seen) in posts {
            let gained = self.see(house, before, row, record, seen);
            sum = Gained { likes: total(sum.likes, gained.likes), comments: total(sum.comments, gained.comments) };
        }
        sum
    }

    fn see(&mut self, house: usize, before: Option<i64>, row: i64, record: Record, now: Seen) -> Gained {
        let Record { media_id, timestamp, caption, media_type, media_product_type, permalink, .. } = record;
        let kind =
            if media_product_type.is_empty() || media_product_type == "FEED" { media_type } else { media_product_type };
        let counts = Gained { likes: now.likes.counted(), comments: now.comments.counted() };
        let mut post = Post {
            house,
            time: seconds(&timestamp).unwrap_or(0),
            seen: row,
            likes: counts.likes,
            comments: counts.comments,
            hidden: now.likes == Count::Hidden,
            kind,
            caption: shortened(&caption),
            link: permalink,
            known: counts,
            before,
        };
        let mut known = Gained::default();
        if let Some(earlier) = self.posts.get(&(house, media_id.clone())) {
            (known, post.before) = (earlier.known, earlier.before);
            if post.time == 0 {
                post.time = earlier.time;
            }
            post.known.likes = counts.likes.or(known.likes);
            post.known.comments = counts.comments.or(known.comments);
        }
        let is_new = post.before.is_some_and(|before| post.time * 1_000 > before);
        let first = is_new.then_some(0);
        self.posts.insert((house, media_id), post);
        Gained {
            likes: gained(known.likes.or(first), counts.likes),
            comments: gained(known.comments.or(first), counts.comments),
        }
    }

    /// The newest posts, newest first. The posts with the most interactions have their captions.
    pub(super) fn finish(self) -> Vec<Post> {
        let mut posts: Vec<((usize, String), Post)> = self.posts.into_iter().collect();
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
fn gained(before: Option<i64>, now: Option<i64>) -> Option<i64> {
    Some(now?.saturating_sub(before?))
}

fn total(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.zip(b).map(|(a, b)| a.saturating_add(b)).or(a).or(b)
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

    /// A post in a response: its id, when it was published, and its likes.
    type Sight = (&'static str, &'static str, Count);

    /// The likes gained in responses for a house, each given with its moment in seconds.
    fn likes(responses: &[(i64, &[Sight])]) -> Vec<Option<i64>> {
        let mut posts = Posts::default();
        let seen = |(id, time, likes): &Sight| (record(id, time), Seen { likes: *likes, comments: *likes });
        let add = |(at, seen_now): &(i64, &[_])| posts.add(0, at * 1_000, *at, seen_now.iter().map(seen).collect());
        let gained: Vec<Gained> = responses.iter().map(add).collect();
        assert!(gained.iter().all(|gained| gained.likes == gained.comments));
        gained.into_iter().map(|gained| gained.likes).collect()
    }

    const OLD: &str = "1970-01-01T00:00:10+0000";

    #[test]
    fn a_post_gains_since_its_last_known_count() {
        let responses = [
            Count::Counted(5),
            Count::Counted(8),
            Count::Hidden,
            Count::Unusable,
            Count::Counted(9),
            Count::Counted(7),
        ];
        let responses: Vec<_> = responses.map(|likes| [("1", OLD, likes)]).to_vec();
        let responses: Vec<_> = (100..).zip(&responses).map(|(at, post)| (at, &post[..])).collect();
        assert_eq!(likes(&responses), [None, Some(3), None, None, Some(1), Some(-2)]);
    }

    #[test]
    fn what_a_post_has_when_it_is_first_seen_counts_if_it_was_published_since_the_houses_last_response() {
        let (old, new) = ("1970-01-01T00:01:40+0000", "1970-01-01T00:01:41+0000");
        let one = |time, n| ("1", time, Count::Counted(n));
        assert_eq!(likes(&[(100, &[]), (200, &[one(new, 7)])]), [None, Some(7)]);
        assert_eq!(likes(&[(100, &[]), (200, &[one(old, 7)]), (300, &[one(old, 9)])]), [None, None, Some(2)]);
        assert_eq!(likes(&[(200, &[one(new, 7)])]), [None], "nobody knows the house's response before");
        let hidden_at_first = [(100, &[][..]), (200, &[("1", new, Count::Hidden)]), (300, &[one(new, 9)])];
        assert_eq!(likes(&hidden_at_first), [None, None, Some(9)]);
        assert_eq!(likes(&[(100, &[]), (200, &[("1", "", Count::Counted(7))])]), [None, None], "the time is unknown");
        let unknown_at_first = [(100, &[][..]), (200, &[("1", "", Count::Hidden)]), (300, &[one(new, 9)])];
        assert_eq!(likes(&unknown_at_first), [None, None, Some(9)]);
    }

    #[test]
    fn a_post_is_listed_once_as_last_seen_and_hidden_likes_are_no_zero() {
        let mut posts = Posts::default();
        let seen = |id, likes| (record(id, "2026-11-24T01:00:00+0000"), Seen { likes, comments: Count::Counted(1) });
        posts.add(0, 0, 0, vec![seen("1", Count::Counted(5))]);
        posts.add(0, 1_000, 1, vec![seen("1", Count::Hidden), seen("2", Count::Counted(0))]);
        let listed: Vec<_> = posts.finish().into_iter().map(|p| (p.likes, p.hidden, p.seen)).collect();
        assert_eq!(listed, [(None, true, 1), (Some(0), false, 1)]);
    }

    #[test]
    fn a_caption_is_one_line_cut_at_a_letter() {
        assert_eq!(shortened("a\r\n\r\nb\tc"), "a b c");
        assert_eq!(shortened(&"👜".repeat(200)).chars().count(), CAPTION_LETTERS + 1);
    }
}
