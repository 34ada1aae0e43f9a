//! `[limits]`: how much is requested, and what the API allows.

use super::document::IniDocument;
use crate::similar::did_you_mean;

/// How much is requested, and what the API allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The number of topics that are fetched at the same time.
    pub concurrency: u32,
    /// The number of media requested for each account. Every 50 of them take a call.
    pub media_per_account: u32,
    /// The number of media requested per call for each hashtag. The API returns at most 50 per page.
    pub media_per_hashtag: u32,
    /// Whether further pages of a busy hashtag are requested: `media_per_hashtag = auto`.
    pub closes_gaps: bool,
    /// The calls that the API allows in an hour: 200 for each user of the app. One user is assumed.
    pub calls_per_hour: u32,
    /// The different hashtags that the API allows an Instagram account in 7 days.
    pub hashtags_per_week: u32,
    /// The hashtag calls that are allowed in a day.
    pub hashtag_calls_per_day: u32,
    /// How often `brand_media` runs in an hour.
    pub brand_media_runs_per_hour: u32,
    /// How often `hashtag` runs in an hour.
    pub hashtag_runs_per_hour: u32,
}

pub(super) const SECTION: &str = "limits";

/// The number of media requested per call for an account. The API documents no limit; maintained clients use 50 to 100.
pub const MEDIA_PER_PAGE: u32 = 50;

/// The key that also takes a word: [`AUTO`].
pub(super) const MEDIA_PER_HASHTAG: &str = "media_per_hashtag";

/// Asks for further pages under busy hashtags.
const AUTO: &str = "auto";

/// Every key with its default and its largest useful value.
const KEYS: [(&str, u32, u32); 8] = [
    ("concurrency", 16, 256),
    ("media_per_account", 25, 1_000),
    ("media_per_hashtag", 25, 50),
    ("calls_per_hour", 200, u32::MAX),
    ("hashtags_per_week", 30, u32::MAX),
    ("hashtag_calls_per_day", 4_800, u32::MAX),
    ("brand_media_runs_per_hour", 1, 60),
    ("hashtag_runs_per_hour", 12, 60),
];

impl Limits {
    /// The calls for one account in one run. The profile comes with the first page of media.
    pub const fn calls_per_account(&self) -> u32 {
        self.media_per_account.div_ceil(MEDIA_PER_PAGE)
    }

    pub(super) fn resolve(document: &mut IniDocument) -> Self {
        let known = KEYS.map(|(key, ..)| key);
        for (key, _) in document.section(SECTION).unwrap_or_default() {
            if !known.contains(&key.as_str()) {
                let meant = did_you_mean(&key, known);
                document.fault(SECTION, &key, format!("no such limit; the limits are {}{meant}", known.join(", ")));
            }
        }
        let [
            concurrency,
            media_per_account,
            media_per_hashtag,
            calls_per_hour,
            hashtags_per_week,
            hashtag_calls_per_day,
            brand_media_runs_per_hour,
            hashtag_runs_per_hour,
        ] = KEYS.map(|(key, default, most)| number(document, key, default, most));
        let closes_gaps = document.optional(SECTION, MEDIA_PER_HASHTAG).is_some_and(|given| given == AUTO);
        Self {
            concurrency,
            media_per_account,
            media_per_hashtag,
            closes_gaps,
            calls_per_hour,
            hashtags_per_week,
            hashtag_calls_per_day,
            brand_media_runs_per_hour,
            hashtag_runs_per_hour,
        }
    }
}

fn number(document: &mut IniDocument, key: &str, default: u32, most: u32) -> u32 {
    let Some(given) = document.optional(SECTION, key) else { return default };
    if key == MEDIA_PER_HASHTAG && given == AUTO {
        return most;
    }
    match given.parse::<u32>() {
        Ok(number) if (1..=most).contains(&number) => number,
        _ => {
            let range = if most == u32::MAX { "of at least 1".to_owned() } else { format!("from 1 to {most}") };
            let range = if key == MEDIA_PER_HASHTAG { format!("{range}, or {},", AUTO) } else { range };
            document.fault(SECTION, key, format!("{given:?} given, a whole number {range} expected"));
            default
        }
    }
}
