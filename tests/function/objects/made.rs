//! Random runs: good records on pages of any length, some of them changed.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use super::given::{MEDIA, PAGE, Page, Received, Run, Topic, mappings};
use super::values::{
    BAD_IDS, CAPTIONS, CUT, EXTRA, GOOD_URLS, MEDIA_FIELDS, NO_OBJECTS, PROFILE_FIELDS, escaped, junk, value,
};

const NAMES: [&str; 3] = ["dior", "gucci", "a_b.c"];
const HASHTAGS: [&str; 3] = ["dior", "gucci", "été_1"];

/// A run with good records on full pages.
pub fn good_run(format: &'static str, media: usize) -> Run {
    let page = PageSpec { fill: Fill::Full, repeated: 0, cursor: true, odd: Vec::new() };
    let topic = TopicSpec { profile: Vec::new(), pages: vec![page; 4] };
    let nullable = vec![false; MEDIA.len()];
    let ndjson = format == "ndjson";
    let settings = Settings { hashtag: false, ndjson, media, nullable, shard: None, compact: true };
    RunSpec { settings, order: [0, 1, 2], subset: None, topics: vec![topic] }.run()
}

/// The parameters of a run, small enough to be shown if a test fails.
#[derive(Debug, Clone)]
pub struct RunSpec {
    settings: Settings,
    order: [usize; 3],
    subset: Option<Vec<Index>>,
    topics: Vec<TopicSpec>,
}

#[derive(Debug, Clone)]
struct Settings {
    hashtag: bool,
    ndjson: bool,
    media: usize,
    nullable: Vec<bool>,
    shard: Option<String>,
    compact: bool,
}

#[derive(Debug, Clone)]
struct TopicSpec {
    profile: Vec<Change>,
    pages: Vec<PageSpec>,
}

#[derive(Debug, Clone)]
struct PageSpec {
    fill: Fill,
    /// The number of records that the page before already had.
    repeated: usize,
    cursor: bool,
    /// The changes to good records, and their positions.
    odd: Vec<(Index, Vec<Change>)>,
}

/// The number of records on a page.
#[derive(Debug, Clone)]
enum Fill {
    Full,
    Short(Index),
    Over(usize),
    Empty,
}

#[derive(Debug, Clone)]
enum Change {
    /// Replaces the record by something else.
    Other(&'static str),
    Drop(&'static str),
    Set(&'static str, String),
    /// Repeats the field, before the existing one or after it.
    Again(&'static str, String, bool),
    /// Writes the field's name in escapes.
    Escape(&'static str),
    /// Adds a field that no mapping names.
    Extra(&'static str, String),
}

impl RunSpec {
    pub fn run(self) -> Run {
        let Self { settings, order, subset, topics } = self;
        let Settings { hashtag, ndjson, media, nullable, shard, compact } = settings;
        let media = if hashtag { media.min(PAGE) } else { media };
        let names = if hashtag { HASHTAGS } else { NAMES };
        let [brand, of_account, of_hashtag] = mappings(&nullable);
        let topics: Vec<Topic> = topics.iter().zip(order).map(|(spec, n)| spec.topic(names[n], n, media)).collect();
        Run {
            job: if hashtag { "hashtag" } else { "brand_media" },
            format: if ndjson { "ndjson" } else { "array" },
            media,
            shard,
            subset: subset.map(|some| some.iter().map(|one| one.get(&topics).name).collect()),
            topics,
            mappings: if hashtag { vec![of_hashtag] } else { vec![brand, of_account] },
            compact,
        }
    }
}

impl TopicSpec {
    fn topic(&self, name: &'static str, number: usize, media: usize) -> Topic {
        let mut pages: Vec<Page> = Vec::new();
        for (n, spec) in self.pages.iter().enumerate().take(media.div_ceil(PAGE)) {
            let limit = PAGE.min(media - n * PAGE);
            let before = pages.last().map_or(&[][..], |page| &page.records);
            pages.push(spec.page(limit, before, number * 10_000 + n * 1_000));
        }
        let text = |text: &str| json!(text).to_string();
        let mut profile = object([
            ("followers_count", "7".to_owned()),
            ("id", text("17841")),
            ("username", text(name)),
            ("name", text("D},{r")),
            ("profile_picture_url", text(GOOD_URLS[0])),
            ("media_count", "9".to_owned()),
        ]);
        self.profile.iter().for_each(|change| change.apply(&mut profile));
        Topic { name, user_id: format!("1784140{number}"), profile, pages }
    }
}

impl PageSpec {
    fn page(&self, limit: usize, before: &[Received], first: usize) -> Page {
        let length = match &self.fill {
            Fill::Full => limit,
            Fill::Short(index) => index.index(limit),
            Fill::Over(more) => limit + more,
            Fill::Empty => 0,
        };
        let repeated = self.repeated.min(length).min(before.len());
        let mut records = before[before.len() - repeated..].to_vec();
        records.extend((repeated..length).map(|n| medium(first + n)));
        if length > 0 {
            for (place, changes) in &self.odd {
                changes.iter().for_each(|change| change.apply(place.get_mut(&mut records)));
            }
        }
        Page { records, cursor: self.cursor }
    }
}

impl Change {
    fn apply(&self, record: &mut Received) {
        if let Self::Other(text) = self {
            *record = Received::Other(text);
        }
        let Received::Object(fields) = record else { return };
        let json = |name: &str| json!(name).to_string();
        match self {
            Self::Other(_) => {}
            Self::Drop(name) => fields.retain(|(n, _)| *n != json(name)),
            Self::Set(name, value) => {
                fields.iter_mut().filter(|(n, _)| *n == json(name)).for_each(|f| f.1 = value.clone())
            }
            Self::Again(name, value, true) => fields.push((json(name), value.clone())),
            Self::Again(name, value, false) => fields.insert(0, (json(name), value.clone())),
            Self::Escape(name) => fields.iter_mut().filter(|(n, _)| *n == json(name)).for_each(|f| f.0 = escaped(name)),
            Self::Extra(name, value) => fields.insert(fields.len() / 2, ((*name).to_owned(), value.clone())),
        }
    }
}

fn object<const N: usize>(fields: [(&str, String); N]) -> Received {
    Received::Object(fields.map(|(name, value)| (format!("{name:?}"), value)).into())
}

/// A good medium. It differs from those with other numbers, and its texts are not trivial.
fn medium(n: usize) -> Received {
    let text = |text: &str| json!(text).to_string();
    let caption = CAPTIONS[n % CAPTIONS.len()];
    let offset = ["+0000", "Z", "+00:00", "-05:30"][n % 4];
    let mut medium = object([
        ("id", text(&format!("179{n:06}"))),
        ("like_count", n.to_string()),
        ("caption", if n.is_multiple_of(2) { text(caption) } else { escaped(caption) }),
        ("timestamp", text(&format!("2026-01-3{}T2{}:59:07{offset}", n % 2, n % 4))),
        ("media_type", text(["IMAGE", "VIDEO", "CAROUSEL_ALBUM"][n % 3])),
        ("media_product_type", text(["FEED", "REELS"][n % 2])),
        ("media_url", text(GOOD_URLS[n % GOOD_URLS.len()])),
        ("permalink", text(GOOD_URLS[0]).replace('/', "\\/")),
        ("comments_count", (n % 6).to_string()),
    ]);
    if let Received::Object(fields) = &mut medium {
        fields.rotate_left(n % 9);
    }
    medium
}

pub fn runs() -> impl Strategy<Value = RunSpec> {
    let media = prop_oneof![1 => 25..=PAGE, 2 => select(vec![50, 100, 150, 200]), 4 => 51..=200_usize];
    let settings = (
        prop::bool::weighted(0.2),
        any::<bool>(),
        media,
        prop::collection::vec(prop::bool::weighted(0.3), MEDIA.len()),
        prop::option::weighted(0.4, "[a-z0-9-]{1,8}"),
        any::<bool>(),
    );
    let settings = settings.prop_map(|(hashtag, ndjson, media, nullable, shard, compact)| Settings {
        hashtag,
        ndjson,
        media,
        nullable,
        shard,
        compact,
    });
    let subset = prop::option::weighted(0.4, prop::collection::vec(any::<Index>(), 1..=3));
    let topics = prop::collection::vec(topic(), 2..=3);
    (settings, Just([0, 1, 2]).prop_shuffle(), subset, topics).prop_map(|(settings, order, subset, topics)| RunSpec {
        settings,
        order,
        subset,
        topics,
    })
}

fn topic() -> impl Strategy<Value = TopicSpec> {
    let profile = prop_oneof![2 => Just(Vec::new()), 1 => changes(&PROFILE_FIELDS), 1 => bad_id()];
    (profile, prop::collection::vec(page(), 4)).prop_map(|(profile, pages)| TopicSpec { profile, pages })
}

fn page() -> impl Strategy<Value = PageSpec> {
    let fill = prop_oneof![
        24 => Just(Fill::Full),
        4 => any::<Index>().prop_map(Fill::Short),
        4 => (1..=4_usize).prop_map(Fill::Over),
        1 => Just(Fill::Empty),
    ];
    let other = select(&NO_OBJECTS[..]).prop_map(|text| vec![Change::Other(text)]);
    let odd = prop_oneof![1 => other, 2 => bad_id(), 3 => changes(&MEDIA_FIELDS)];
    let odd = prop_oneof![1 => Just(0), 30 => 3..=12_usize]
        .prop_flat_map(move |count| prop::collection::vec((any::<Index>(), odd.clone()), count));
    (fill, prop_oneof![Just(0), 1..=3_usize], prop::bool::weighted(0.95), odd)
        .prop_map(|(fill, repeated, cursor, odd)| PageSpec { fill, repeated, cursor, odd })
}

fn bad_id() -> impl Strategy<Value = Vec<Change>> + Clone {
    let bad = || select(&BAD_IDS[..]).prop_map(str::to_owned);
    let change = prop_oneof![
        1 => Just(Change::Drop("id")),
        2 => bad().prop_map(|id| Change::Set("id", id)),
        1 => (bad(), any::<bool>()).prop_map(|(id, after)| Change::Again("id", id, after)),
    ];
    // The record is reported as received, with whatever is wrong in its other fields.
    (change, any::<bool>()).prop_map(|(id, more)| {
        let more = more.then(|| Change::Set("caption", CUT.to_owned()));
        std::iter::once(id).chain(more).collect()
    })
}

fn changes(fields: &'static [&'static str]) -> impl Strategy<Value = Vec<Change>> + Clone {
    let of = |name: &'static str| (Just(name), value(name));
    let change = prop_oneof![
        2 => select(fields).prop_map(Change::Drop),
        8 => select(fields).prop_flat_map(of).prop_map(|(name, value)| Change::Set(name, value)),
        2 => (select(fields).prop_flat_map(of), any::<bool>())
            .prop_map(|((name, value), after)| Change::Again(name, value, after)),
        1 => select(fields).prop_map(Change::Escape),
        1 => (select(&EXTRA[..]), junk()).prop_map(|(name, value)| Change::Extra(name, value)),
    ];
    prop::collection::vec(change, 1..=4)
}
