//! A run: its configuration, its event, and the API's responses.

use serde_json::{Value, json};

use super::api::{Bodies, cursor};
use support::harness::TIME;

/// The number of media requested per call for an account.
pub const PAGE: usize = 50;

/// A run: its configuration, its event and the API's responses.
pub struct Run {
    pub job: &'static str,
    pub format: &'static str,
    /// The number of media requested for each topic.
    pub media: usize,
    pub shard: Option<String>,
    pub subset: Option<Vec<&'static str>>,
    /// The job's topics, in the configuration's order.
    pub topics: Vec<Topic>,
    /// The mapping of each of the job's models.
    pub mappings: Vec<Mapping>,
    /// Whether responses are written without spaces.
    pub compact: bool,
}

pub struct Topic {
    pub name: &'static str,
    pub user_id: String,
    pub profile: Received,
    pub pages: Vec<Page>,
}

pub struct Page {
    pub records: Vec<Received>,
    /// Whether the response has a cursor to the next page.
    pub cursor: bool,
}

/// A record as the API sends it.
#[derive(Clone)]
pub enum Received {
    /// The names and the values of its fields, each as JSON text.
    Object(Vec<(String, String)>),
    /// A value that is not an object.
    Other(&'static str),
}

pub struct Mapping {
    pub model: &'static str,
    pub section: &'static str,
    pub lines: Vec<Line>,
}

#[derive(Clone)]
pub struct Line {
    pub output: &'static str,
    pub response: &'static str,
    pub kind: &'static str,
    pub nullable: bool,
    /// The third word; empty if there is none.
    pub allowed: &'static str,
}

/// A line of a mapping: output, response, type and allowed values.
type Row = (&'static str, &'static str, &'static str, &'static str);

const PROFILE: &[Row] = &[
    ("user_id", "id", "str", ""),
    ("user_name", "username", "str", ""),
    ("name", "name", "str", ""),
    ("profile_picture_url", "profile_picture_url", "url", ""),
    ("followers_count", "followers_count", "int", ""),
    ("media_count", "media_count", "int", ""),
    ("found_under", "topic", "str", ""),
    ("asked_at", "asked_at", "timestamp", ""),
];

pub const MEDIA: &[Row] = &[
    ("user_id", "user_id", "str", ""),
    ("media_id", "id", "str", ""),
    ("timestamp", "timestamp", "timestamp", ""),
    ("caption", "caption", "str", ""),
    ("media_type", "media_type", "str", ""),
    ("media_product_type", "media_product_type", "str", ""),
    ("media_url", "media_url", "url", ""),
    ("permalink", "permalink", "url", ""),
    ("like_count", "like_count", "int", ""),
    ("comments_count", "comments_count", "int", ""),
    ("topic", "topic", "str", ""),
    ("responded", "asked_at", "timestamp", ""),
    // The same response field twice, the second time with its own allowed values.
    ("few_comments", "comments_count", "int", "0|1|2|3"),
    ("image", "media_type", "str", "IMAGE"),
];

impl Run {
    fn topic_key(&self) -> &'static str {
        if self.job == "hashtag" { "hashtags" } else { "accounts" }
    }

    pub fn event(&self) -> Value {
        let mut event = json!({"job": self.job, "time": TIME});
        if let Some(shard) = &self.shard {
            event["shard"] = json!(shard);
        }
        if let Some(subset) = &self.subset {
            event[self.topic_key()] = json!(subset);
        }
        event
    }

    pub fn ini(&self, end_point: &str) -> String {
        let Self { format, media, .. } = self;
        let names: Vec<_> = self.topics.iter().map(|topic| topic.name).collect();
        let ids: String = self.topics.iter().map(|t| format!("{} = {}\n", t.name, t.user_id)).collect();
        let (accounts, hashtags) =
            if self.job == "hashtag" { (String::new(), names.join(" ")) } else { (names.join(" "), String::new()) };
        let limit = if self.job == "hashtag" { "media_per_hashtag" } else { "media_per_account" };
        let mut ini = format!(
            "[API]\nend_point = {end_point}/{{VERSION}}\nversion = v21.0\n\
             [common]\nformat = {format}\nymd = %Y-%m-%d\ndatetime = %Y-%m-%d_%H%M%S\n\
             profiles_location = raw/brand_{{ymd}}/brand_{{datetime}}.json\n\
             media_location = raw/media_{{ymd}}/media_{{datetime}}.json\n\
             hashtags_location = raw/media_hashtag_{{ymd}}/media_hashtag_{{datetime}}.json\n\
             [topic]\naccounts = {accounts}\nhashtags = {hashtags}\n[add_user_id]\n{ids}\
             [limits]\n{limit} = {media}\n"
        );
        for Mapping { section, lines, .. } in mappings(&vec![false; MEDIA.len()]) {
            let own = self.mappings.iter().find(|mapping| mapping.section == section);
            ini += &format!("[{section}]\n");
            for Line { output, response, kind, nullable, allowed } in own.map_or(lines, |own| own.lines.clone()) {
                let null = if nullable { "?" } else { "" };
                ini += &format!("{output} = {response} {kind}{null} {allowed}\n");
            }
        }
        ini
    }

    pub fn bodies(&self) -> Bodies {
        let one = |topic: &Topic, n: usize, page: &Page| ((topic.name.to_owned(), n), self.body(topic, n, page));
        self.topics
            .iter()
            .flat_map(|topic| topic.pages.iter().enumerate().map(move |(n, p)| one(topic, n, p)))
            .collect()
    }

    /// A record's text in a body.
    pub fn text(&self, record: &Received) -> String {
        match record {
            Received::Object(fields) => self.object(fields),
            Received::Other(text) => (*text).to_owned(),
        }
    }

    fn object(&self, fields: &[(String, String)]) -> String {
        let (comma, colon) = if self.compact { (",", ":") } else { (",\n\t", " : ") };
        let fields: Vec<String> = fields.iter().map(|(name, value)| [name, colon, value].concat()).collect();
        format!("{{{}}}", fields.join(comma))
    }

    fn body(&self, topic: &Topic, n: usize, page: &Page) -> String {
        let field = |name: &str, value: String| (format!("{name:?}"), value);
        let records: Vec<String> = page.records.iter().map(|record| self.text(record)).collect();
        let mut media = vec![field("data", format!("[{}]", records.join(if self.compact { "," } else { " , " })))];
        if page.cursor {
            let after = self.object(&[field("after", format!("{:?}", cursor(n + 1)))]);
            media.push(field("paging", self.object(&[field("cursors", after)])));
        }
        if self.job == "hashtag" {
            return self.object(&media);
        }
        let mut account = match (&topic.profile, n) {
            (Received::Object(fields), 0) => fields.clone(),
            _ => vec![field("id", "\"17\"".to_owned())],
        };
        // Without records and without a next page, an empty list and no list mean the same.
        if page.cursor || !page.records.is_empty() {
            account.insert(account.len().min(1), field("media", self.object(&media)));
        }
        self.object(&[field("business_discovery", self.object(&account)), field("id", "\"1\"".to_owned())])
    }
}

/// The mappings. `nullable` says which lines have a `?`.
pub fn mappings(nullable: &[bool]) -> [Mapping; 3] {
    let of = |model, section, rows: &[Row]| {
        let line = |(&(output, response, kind, allowed), &nullable)| Line { output, response, kind, nullable, allowed };
        Mapping { model, section, lines: rows.iter().zip(nullable).map(line).collect() }
    };
    let hashtag = of("media_hashtag", "hashtag_media", MEDIA);
    [of("brand", "luxury_profile", PROFILE), of("media", "luxury_media", MEDIA), hashtag]
}
