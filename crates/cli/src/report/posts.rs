//! The houses' own posts, each once, and what they gained from one response to the next.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::followers::Point;
use crate::stored::Record;
use crate::stored::quality::Count;

/// The most posts on a page. The newest ones are listed, so that years of data fit.
const MAX_POSTS: usize = 3_000;

/// The characters of a caption on the page.
const CAPTION_LENGTH: usize = 80;

/// The longest time between two counts for the likes at an age in between, in milliseconds.
const MAX_BETWEEN: i64 = 3 * 3_600_000;

/// The figures of a post in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) likes: Count,
    pub(super) comments: Count,
}

/// What posts gained in a response; `None` if it is unknown.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gained {
    pub(super) likes: Option<i64>,
    pub(super) comments: Option<i64>,
}

/// A post, as docs/figures.md defines its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Post {
    /// The index of its house.
    pub(super) house: usize,
    pub(super) id: String,
    /// When it was published, in seconds since 1970; 0 if that is unknown.
    pub(super) time: i64,
    /// The first response that had it.
    first: i64,
    /// The last response that had it.
    seen: i64,
    /// The first later response of the house that lacks it and has an older one.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<i64>,
    pub(super) kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    caption: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    /// The last known count.
    #[serde(skip_serializing_if = "Option::is_none")]
    likes: Option<i64>,
    /// The last known count.
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<i64>,
    /// Whether the last response had no likes, since the owner hides them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes_1h: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes_3h: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes_24h: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes_7d: Option<i64>,
    /// The followers of the house when it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    followers: Option<i64>,
}

impl Post {
    /// Likes and comments per 1,000 followers at its publication.
    pub(super) fn engagement_per_mille(&self) -> Option<f64> {
        per_mille(self.likes?.saturating_add(self.comments?), self.followers)
    }

    /// Likes 24 h after its publication, per 1,000 followers at its publication.
    pub(super) fn likes_24h_per_mille(&self) -> Option<f64> {
        per_mille(self.likes_24h?, self.followers)
    }
}

fn per_mille(n: i64, followers: Option<i64>) -> Option<f64> {
    followers.filter(|followers| *followers > 0).map(|followers| 1_000.0 * n as f64 / followers as f64)
}

/// What the responses so far say of a post.
#[derive(Debug, Default)]
struct Sightings {
    time: Option<i64>,
    first: i64,
    seen: i64,
    media_type: String,
    product_type: String,
    caption: String,
    link: String,
    hidden: bool,
    /// The known counts of likes with their moments, in milliseconds since 1970.
    likes: Vec<(i64, i64)>,
    comments: Option<i64>,
    /// The moment of the house's response before the one that had the post first.
    before: Option<i64>,
}

/// The posts by house and id.
#[derive(Debug, Default)]
pub(super) struct Posts {
    posts: HashMap<(usize, String), Sightings>,
    /// By house: the moment of each response, in milliseconds since 1970, and its oldest publication.
    responses: HashMap<usize, Vec<(i64, Option<i64>)>>,
}

impl Posts {
    /// Adds the posts of a response for a house, and returns what they gained. The responses of a house are added in
    /// the order of their moments. `at` is in milliseconds since 1970.
    pub(super) fn add(&mut self, house: usize, at: i64, posts: Vec<(Record, Seen)>) -> Gained {
        let responses = self.responses.entry(house).or_default();
        let before = responses.last().map(|(at, _)| *at);
        responses.push((at, posts.iter().filter_map(|(record, _)| record.timestamp).min()));
        let mut sum = Gained::default();
        for (record, seen) in posts {
            let new = || Sightings { first: at, before, ..Sightings::default() };
            let post = self.posts.entry((house, record.media_id.clone())).or_insert_with(new);
            let gained = post.see(at, record, seen);
            sum = Gained { likes: total(sum.likes, gained.likes), comments: total(sum.comments, gained.comments) };
        }
        sum
    }

    /// The house of each post, by its id.
    pub(super) fn owners(&self) -> impl Iterator<Item = (&str, usize)> {
        self.posts.keys().map(|(house, id)| (id.as_str(), *house))
    }

    /// The newest posts, newest first, and the number of those that are not listed.
    pub(super) fn finish(self, followers: &BTreeMap<usize, Vec<Point>>) -> (Vec<Post>, usize) {
        let Self { posts, responses } = self;
        let mut posts: Vec<_> = posts.into_iter().collect();
        posts.sort_by(|(a, x), (b, y)| y.time.cmp(&x.time).then_with(|| a.cmp(b)));
        let unlisted = posts.len().saturating_sub(MAX_POSTS);
        let listed = posts.into_iter().take(MAX_POSTS).map(|((house, id), sightings)| {
            let responses = responses.get(&house).map(Vec::as_slice).unwrap_or_default();
            sightings.post(house, id, responses, followers.get(&house).map(Vec::as_slice).unwrap_or_default())
        });
        (listed.collect(), unlisted)
    }
}

impl Sightings {
    fn see(&mut self, at: i64, record: Record, now: Seen) -> Gained {
        let Record { timestamp, caption, media_type, media_product_type, permalink, .. } = record;
        self.seen = at;
        self.time = timestamp.or(self.time);
        let texts = [
            (&mut self.media_type, media_type),
            (&mut self.product_type, media_product_type),
            (&mut self.link, permalink),
        ];
        for (known, new) in texts.into_iter().filter(|(_, new)| !new.is_empty()) {
            *known = new;
        }
        self.caption = shortened(&caption);
        self.hidden = now.likes == Count::Hidden;
        let is_new = self.before.zip(self.time).is_some_and(|(before, time)| time * 1_000 > before);
        let first = is_new.then_some(0);
        let (likes, comments) = (now.likes.counted(), now.comments.counted());
        let gained = Gained {
            likes: gained(self.likes.last().map(|(_, n)| *n).or(first), likes),
            comments: gained(self.comments.or(first), comments),
        };
        self.likes.extend(likes.map(|n| (at, n)));
        self.comments = comments.or(self.comments);
        gained
    }

    fn post(self, house: usize, id: String, responses: &[(i64, Option<i64>)], followers: &[Point]) -> Post {
        let is_product = !self.product_type.is_empty() && self.product_type != "FEED";
        let gone = |time: i64| {
            let later = responses.iter().filter(|(at, _)| *at > self.seen);
            later.filter(|(_, oldest)| oldest.is_some_and(|oldest| oldest < time)).map(|(at, _)| *at).min()
        };
        let at_age = |age| self.time.and_then(|time| at_age(time * 1_000, &self.likes, age));
        let followers = self.time.and_then(|time| {
            let before = followers.partition_point(|point| point.at <= time * 1_000);
            followers.get(before.saturating_sub(1)).map(|point| point.followers)
        });
        Post {
            house,
            id,
            time: self.time.unwrap_or(0),
            first: self.first.div_euclid(1_000),
            seen: self.seen.div_euclid(1_000),
            gone: self.time.and_then(gone).map(|at| at.div_euclid(1_000)),
            likes_1h: at_age(3_600),
            likes_3h: at_age(10_800),
            likes_24h: at_age(86_400),
            likes_7d: at_age(604_800),
            followers,
            likes: self.likes.last().map(|(_, n)| *n),
            comments: self.comments,
            hidden: self.hidden,
            kind: if is_product { self.product_type } else { self.media_type },
            caption: self.caption,
            link: self.link,
        }
    }
}

/// The likes at an age in seconds, on a straight line between the counts before and after it. `None` if the two are too
/// far apart.
fn at_age(published: i64, counts: &[(i64, i64)], age: i64) -> Option<i64> {
    let target = published + age * 1_000;
    let mut before = (published, 0);
    for (at, n) in counts {
        if before.0 < target && target <= *at {
            let share = (target - before.0) as f64 / (at - before.0) as f64;
            let likes = before.1 as f64 + (n - before.1) as f64 * share;
            return (at - before.0 <= MAX_BETWEEN).then_some(likes.round() as i64);
        }
        before = (*at, *n);
    }
    None
}

/// A loss counts too: likes are taken back.
fn gained(before: Option<i64>, now: Option<i64>) -> Option<i64> {
    Some(now?.saturating_sub(before?))
}

fn total(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.zip(b).map(|(a, b)| a.saturating_add(b)).or(a).or(b)
}

/// The beginning of a caption on one line.
pub(super) fn shortened(caption: &str) -> String {
    let words = caption.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(CAPTION_LENGTH) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, time: &str) -> Record {
        let time = chrono::DateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S%z").ok();
        Record { media_id: id.to_owned(), timestamp: time.map(|time| time.timestamp()), ..Record::default() }
    }

    /// A post in a response: its id, when it was published, and its likes.
    type Sight = (&'static str, &'static str, Count);

    fn collected(responses: &[(i64, &[Sight])]) -> (Posts, Vec<Gained>) {
        let mut posts = Posts::default();
        let seen = |(id, time, likes): &Sight| (record(id, time), Seen { likes: *likes, comments: *likes });
        let add = |(at, seen_now): &(i64, &[_])| posts.add(0, at * 1_000, seen_now.iter().map(seen).collect());
        let gained = responses.iter().map(add).collect();
        (posts, gained)
    }

    /// The likes gained in responses for a house, each given with its moment in seconds.
    fn likes(responses: &[(i64, &[Sight])]) -> Vec<Option<i64>> {
        let (_, gained) = collected(responses);
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
    fn the_first_count_of_a_post_is_a_gain_if_it_was_published_since_the_houses_last_response() {
        let (old, new) = ("1970-01-01T00:01:40+0000", "1970-01-01T00:01:41+0000");
        let one = |time, n| ("1", time, Count::Counted(n));
        assert_eq!(likes(&[(100, &[]), (200, &[one(new, 7)])]), [None, Some(7)]);
        assert_eq!(likes(&[(100, &[]), (200, &[one(old, 7)]), (300, &[one(old, 9)])]), [None, None, Some(2)]);
        assert_eq!(likes(&[(200, &[one(new, 7)])]), [None], "the house's response before is unknown");
        let hidden_at_first = [(100, &[][..]), (200, &[("1", new, Count::Hidden)]), (300, &[one(new, 9)])];
        assert_eq!(likes(&hidden_at_first), [None, None, Some(9)]);
        assert_eq!(likes(&[(100, &[]), (200, &[("1", "", Count::Counted(7))])]), [None, None], "the time is unknown");
        let unknown_at_first = [(100, &[][..]), (200, &[("1", "", Count::Hidden)]), (300, &[one(new, 9)])];
        assert_eq!(likes(&unknown_at_first), [None, None, Some(9)]);
    }

    #[test]
    fn the_likes_at_an_age_are_between_two_counts_that_are_near() {
        let hour = 3_600_000;
        let counts = [(2 * hour, 100), (4 * hour, 300), (8 * hour, 400)];
        assert_eq!(
            [1, 2, 3, 4, 5].map(|age| at_age(0, &counts, age * 3_600)),
            [Some(50), Some(100), Some(200), Some(300), None]
        );
        assert_eq!(at_age(0, &counts, 9 * 3_600), None);
        assert_eq!(at_age(0, &[], 3_600), None);
    }

    #[test]
    fn a_post_has_the_followers_before_its_publication_or_else_the_first_known_ones() {
        let points = [10, 20].map(|s| Point { at: s * 1_000, followers: s });
        let followers = |published: i64| {
            Sightings { time: Some(published), ..Sightings::default() }.post(0, String::new(), &[], &points).followers
        };
        assert_eq!([5, 10, 19, 20, 99].map(followers), [10, 10, 10, 20, 20].map(Some));
    }

    #[test]
    fn a_post_is_gone_by_the_first_response_that_has_an_older_one_and_lacks_it() {
        let (a, b) = (
            ("1", "1970-01-01T00:00:10+0000", Count::Counted(1)),
            ("2", "1970-01-01T00:00:20+0000", Count::Counted(1)),
        );
        let (posts, _) = collected(&[(100, &[a, b]), (200, &[]), (300, &[a]), (400, &[a])]);
        let (listed, unlisted) = posts.finish(&BTreeMap::new());
        let found: Vec<_> = listed.iter().map(|post| (post.id.as_str(), post.gone, post.first, post.seen)).collect();
        assert_eq!(found, [("2", Some(300), 100, 100), ("1", None, 100, 400)]);
        assert_eq!(unlisted, 0);
    }

    #[test]
    fn hidden_likes_are_no_zero() {
        let time = "2026-11-24T01:00:00+0000";
        let (posts, _) = collected(&[
            (0, &[("1", time, Count::Counted(5))]),
            (1, &[("1", time, Count::Hidden), ("2", time, Count::Hidden)]),
        ]);
        let listed: Vec<_> =
            posts.finish(&BTreeMap::new()).0.into_iter().map(|p| (p.likes, p.hidden, p.seen)).collect();
        assert_eq!(listed, [(Some(5), true, 1), (None, true, 1)]);
    }

    #[test]
    fn a_caption_is_one_line_cut_at_a_letter() {
        assert_eq!(shortened("a\r\n\r\nb\tc"), "a b c");
        assert_eq!(shortened(&"👜".repeat(200)).chars().count(), CAPTION_LENGTH + 1);
    }
}
