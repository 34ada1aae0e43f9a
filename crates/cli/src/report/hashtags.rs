//! The posts under the hashtags of the houses, each once.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use serde::Serialize;

use super::days::{Grid, day};
use super::posts::{Seen, shortened};
use crate::stored::Record;
use crate::stored::quality::Count;

/// The most posts that are kept of a house's hashtags and day.
const MAX_KEPT: usize = 50;

/// The number of posts that the page lists, if each house and day has at least `MIN_LISTED` of them.
const LISTED: usize = 1_500;
const MIN_LISTED: usize = 3;

/// A post under the hashtags of a house, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct HashtagPost {
    house: usize,
    time: i64,
    seen: i64,
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    caption: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    likes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<i64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    /// The house whose own post it is; `None` if another account published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<usize>,
}

impl HashtagPost {
    fn interactions(&self) -> i64 {
        self.likes.unwrap_or(0).saturating_add(self.comments.unwrap_or(0))
    }
}

/// Distinct posts by house, author, day and the last day before it: see `Voice`.
type Rows = BTreeMap<(i64, i64, i64, Option<i64>), i64>;

/// The posts under hashtags by the days on which they were seen. The distinct posts of several days are those of each day
/// whose day before is not one of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Voice {
    /// By house (-1: any), by the house whose own post it is (-1: none), by day, and by the last day before it on which
    /// the post was seen there.
    pub(super) of_houses: Rows,
    /// The posts under the hashtags of two houses, by these two.
    pub(super) shared: Rows,
    /// The posts that were seen for the first time, by house and moment.
    pub(super) new: Grid,
    /// The responses that had such posts only, by house and moment.
    pub(super) full: Grid,
    pub(super) listed: Vec<HashtagPost>,
    /// The number of posts that are listed of each house and day.
    pub(super) listed_per_day: usize,
}

#[derive(Debug)]
struct Sighting {
    id: u64,
    house: usize,
    response: usize,
}

#[derive(Debug)]
struct ResponseOf {
    house: usize,
    at: i64,
    posts: i64,
}

/// The posts under hashtags so far.
#[derive(Debug, Default)]
pub(super) struct Hashtags {
    sightings: Vec<Sighting>,
    responses: Vec<ResponseOf>,
    /// The day and the posts of the last response, by house.
    last: HashMap<usize, (i64, HashSet<u64>)>,
    /// The posts with the most interactions by house and day of publication.
    kept: BTreeMap<(usize, i64), HashMap<u64, HashtagPost>>,
}

impl Hashtags {
    /// Adds the posts of a response, whose moment is in seconds since 1970. Responses are added in the order of their
    /// moments.
    pub(super) fn add(&mut self, house: usize, at: i64, posts: Vec<(Record, Seen)>) {
        let response = self.responses.len();
        let mut ids = HashSet::new();
        let (last_day, last) = self.last.remove(&house).unwrap_or_default();
        for (record, seen) in posts {
            let id = number(&record.media_id);
            // A post that the day's response before had adds nothing to the days on which it was seen.
            if ids.insert(id) && !(last_day == day(at) && last.contains(&id)) {
                self.sightings.push(Sighting { id, house, response });
            }
            self.keep(id, house, at, record, seen);
        }
        self.responses.push(ResponseOf { house, at, posts: i64::try_from(ids.len()).unwrap_or(i64::MAX) });
        self.last.insert(house, (day(at), ids));
    }

    fn keep(&mut self, id: u64, house: usize, at: i64, record: Record, seen: Seen) {
        let Some(time) = record.timestamp else { return };
        let post = HashtagPost {
            house,
            time,
            seen: at,
            kind: record.media_type,
            caption: shortened(&record.caption),
            link: record.permalink,
            likes: seen.likes.counted(),
            comments: seen.comments.counted(),
            hidden: seen.likes == Count::Hidden,
            author: None,
        };
        let kept = self.kept.entry((house, day(time))).or_default();
        kept.insert(id, post);
        if kept.len() > 2 * MAX_KEPT {
            *kept = best(std::mem::take(kept), MAX_KEPT).into_iter().collect();
        }
    }

    /// Adds up the days. `owners` has the houses of own posts by their ids.
    pub(super) fn finish<'a>(self, owners: impl Iterator<Item = (&'a str, usize)>) -> Voice {
        let Self { mut sightings, responses, kept, .. } = self;
        let mut authors: HashMap<u64, BTreeSet<usize>> = HashMap::new();
        for (id, house) in owners {
            authors.entry(number(id)).or_default().insert(house);
        }
        let mut voice = Voice::default();
        let mut new_of = vec![0; responses.len()];
        sightings.sort_unstable_by_key(|sighting| (sighting.id, sighting.house, sighting.response));
        for of_post in sightings.chunk_by(|a, b| a.id == b.id) {
            let of = of_post.first().and_then(|sighting| authors.get(&sighting.id));
            let mut days: Vec<(usize, BTreeSet<i64>)> = Vec::new();
            for of_house in of_post.chunk_by(|a, b| a.house == b.house) {
                let Some(first) = of_house.first() else { continue };
                if let Some(new) = new_of.get_mut(first.response) {
                    *new += 1;
                }
                let seen = of_house.iter().filter_map(|sighting| responses.get(sighting.response));
                days.push((first.house, seen.map(|response| day(response.at)).collect()));
            }
            voice.add(of, &days);
        }
        let mut houses = HashSet::new();
        for (response, new) in responses.iter().zip(new_of) {
            voice.new.add(response.house, response.at, new);
            if !houses.insert(response.house) {
                voice.full.add(response.house, response.at, i64::from(new > 0 && new == response.posts));
            }
        }
        voice.list(kept, &authors);
        voice
    }
}

impl Voice {
    /// Adds a post: the houses whose own it is, and its days under the hashtags of each house.
    fn add(&mut self, own: Option<&BTreeSet<usize>>, days: &[(usize, BTreeSet<i64>)]) {
        let any = days.iter().flat_map(|(_, days)| days).copied().collect();
        count(&mut self.of_houses, -1, author(own, None), &any);
        for (i, (house, of_house)) in days.iter().enumerate() {
            count(&mut self.of_houses, signed(*house), author(own, Some(*house)), of_house);
            for (other, of_other) in days.iter().skip(i + 1) {
                count(&mut self.shared, signed(*house), signed(*other), &(of_house & of_other));
            }
        }
    }

    fn list(
        &mut self,
        kept: BTreeMap<(usize, i64), HashMap<u64, HashtagPost>>,
        authors: &HashMap<u64, BTreeSet<usize>>,
    ) {
        self.listed_per_day = (LISTED / kept.len().max(1)).clamp(MIN_LISTED, MAX_KEPT);
        for ((house, _), posts) in kept {
            for (id, post) in best(posts, self.listed_per_day) {
                let author = author(authors.get(&id), Some(house));
                self.listed.push(HashtagPost { author: usize::try_from(author).ok(), ..post });
            }
        }
    }
}

/// The house whose own post it is: the house itself if it is one of them; -1 if there is none.
fn author(own: Option<&BTreeSet<usize>>, house: Option<usize>) -> i64 {
    let is_own = |house: &usize| own.is_some_and(|own| own.contains(house));
    house.filter(is_own).or_else(|| own?.first().copied()).map_or(-1, signed)
}

fn count(rows: &mut Rows, house: i64, author: i64, days: &BTreeSet<i64>) {
    let mut before = None;
    for day in days {
        *rows.entry((house, author, *day, before)).or_default() += 1;
        before = Some(*day);
    }
}

fn signed(house: usize) -> i64 {
    i64::try_from(house).unwrap_or(i64::MAX)
}

/// The posts with the most interactions.
fn best(posts: HashMap<u64, HashtagPost>, most: usize) -> Vec<(u64, HashtagPost)> {
    let mut posts: Vec<_> = posts.into_iter().collect();
    posts.sort_by_key(|(id, post)| (std::cmp::Reverse(post.interactions()), *id));
    posts.truncate(most);
    posts
}

/// A number for an id. Ids are numbers; any other text has its hash.
fn number(id: &str) -> u64 {
    let parsed = id.parse().ok().filter(|_| !id.starts_with(['0', '+']));
    parsed.unwrap_or_else(|| {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = super::super::days::DAY;

    /// The voice of responses, each given by its house, moment and ids.
    fn voice(responses: &[(usize, i64, &[&str])], owners: &[(&str, usize)]) -> Voice {
        let mut hashtags = Hashtags::default();
        let seen = Seen { likes: Count::Counted(1), comments: Count::Hidden };
        for (house, at, ids) in responses {
            let record = |id: &&str| Record { media_id: (*id).to_owned(), ..Record::default() };
            hashtags.add(*house, *at, ids.iter().map(|id| (record(id), seen)).collect());
        }
        hashtags.finish(owners.iter().copied())
    }

    fn distinct(voice: &Voice, house: i64, days: std::ops::RangeInclusive<i64>) -> i64 {
        let counts = |(of, _, day, before): &(i64, i64, i64, Option<i64>)| {
            *of == house && days.contains(day) && before.is_none_or(|before| before < *days.start())
        };
        voice.of_houses.iter().filter(|(key, _)| counts(key)).map(|(_, n)| n).sum()
    }

    #[test]
    fn a_post_that_is_seen_on_several_days_counts_once_in_them() {
        let responses: [(usize, i64, &[&str]); 4] =
            [(0, 0, &["1", "2"]), (0, 10, &["2", "3"]), (0, DAY, &["3", "4"]), (1, 2 * DAY, &["1", "4"])];
        let voice = voice(&responses, &[]);
        assert_eq!([distinct(&voice, 0, 0..=0), distinct(&voice, 0, 1..=1), distinct(&voice, 0, 0..=1)], [3, 2, 4]);
        assert_eq!([distinct(&voice, 1, 0..=2), distinct(&voice, -1, 0..=2), distinct(&voice, -1, 1..=2)], [2, 4, 3]);
    }

    #[test]
    fn a_response_of_new_posts_is_full_and_the_first_one_is_not() {
        let responses: [(usize, i64, &[&str]); 4] =
            [(0, 0, &["1", "2"]), (0, 300, &["2", "3"]), (0, 600, &["4", "5", "5"]), (0, 900, &["1", "6"])];
        let voice = voice(&responses, &[]);
        let rows = |grid: &Grid| grid.rows(1, &(0..=900), 300).remove(0);
        assert_eq!(rows(&voice.new), [2, 1, 2, 1].map(Some));
        assert_eq!(rows(&voice.full), [None, Some(0), Some(1), Some(0)]);
    }

    #[test]
    fn a_post_is_of_the_house_that_published_it() {
        let voice = voice(&[(0, 0, &["1", "2", "3"]), (1, 0, &["1"])], &[("1", 1), ("2", 0)]);
        let rows: Vec<_> = voice.of_houses.iter().map(|((house, author, ..), n)| (*house, *author, *n)).collect();
        assert_eq!(rows, [(-1, -1, 1), (-1, 0, 1), (-1, 1, 1), (0, -1, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1)]);
        assert_eq!(voice.shared, Rows::from([((0, 1, 0, None), 1)]));
    }

    #[test]
    fn the_posts_with_the_most_interactions_are_listed() {
        let mut hashtags = Hashtags::default();
        let post = |n: i64| {
            let record = Record { media_id: n.to_string(), timestamp: Some(1_795_482_000), ..Record::default() };
            (record, Seen { likes: Count::Counted(n), comments: Count::Hidden })
        };
        hashtags.add(0, 0, (1..500).map(post).collect());
        let voice = hashtags.finish([("499", 0)].into_iter());
        let likes: Vec<_> = voice.listed.iter().filter_map(|post| post.likes).collect();
        assert_eq!(likes, (450..500).rev().collect::<Vec<_>>());
        assert_eq!((voice.listed[0].author, voice.listed[1].author), (Some(0), None));
    }

    #[test]
    fn different_ids_have_different_numbers() {
        let ids = ["12", "012", "+12", "", "x", "99999999999999999999999"];
        assert_eq!(ids.iter().map(|id| number(id)).collect::<HashSet<_>>().len(), ids.len());
    }
}
