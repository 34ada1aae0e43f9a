//! The name of an object: records or quality, the model, the run's time and its part.

use chrono::{DateTime, NaiveDateTime, Utc};

use collector::record::Model;

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records, under `raw/`.
    Raw,
    /// What was left out or defaulted, under `quality/`.
    Quality,
}

/// The name of an object, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'k> {
    pub(super) kind: Kind,
    pub(super) model: Model,
    pub(super) time: DateTime<Utc>,
    /// What sets it apart from the run's other objects: a shard, a part that repairs the run, or nothing.
    pub(super) part: &'k str,
}

/// `YYYYMMDDHHMMSS`.
const DIGITS: usize = 14;

/// What the name of a part without a shard begins with: see `Event::part`.
const REPAIR: &str = "part-";

impl<'k> Name<'k> {
    /// Reads a key as configure.ini writes it by default, `raw/media_2026-11-24/media_2026-11-24_030000.json`:
    /// the model begins the file's name and year to second follow, with whatever separators, before a shard.
    pub(super) fn parse(key: &'k str) -> Option<Self> {
        let kind = if key.starts_with("quality/") { Kind::Quality } else { Kind::Raw };
        let file = key.rsplit('/').next()?;
        // The longest first: `media_` begins `media_hashtag_`.
        let mut models = Model::ALL;
        models.sort_by_key(|model| std::cmp::Reverse(model.name().len()));
        let (model, rest) =
            models.into_iter().find_map(|model| Some((model, file.strip_prefix(model.name())?.strip_prefix('_')?)))?;
        let stamp = rest.char_indices().take_while(|(_, c)| c.is_ascii_digit() || matches!(c, '-' | '_' | ':' | 'T'));
        let digits: Vec<(usize, char)> = stamp.filter(|(_, c)| c.is_ascii_digit()).take(DIGITS).collect();
        let (last, _) = *digits.last()?;
        let digits: String = digits.into_iter().map(|(_, digit)| digit).collect();
        let time = NaiveDateTime::parse_from_str(&digits, "%Y%m%d%H%M%S").ok()?.and_utc();
        let part = rest.get(last + 1..)?.split('.').next()?.trim_start_matches('_');
        Some(Self { kind, model, time, part })
    }

    /// Whether it holds some topics of the run that were collected again, or alone.
    pub(super) fn is_repair(&self) -> bool {
        self.part.starts_with(REPAIR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_kind_model_time_and_shard() {
        for (key, kind, model, part) in [
            ("raw/brand_2026-11-24/brand_2026-11-24_030507.json", Kind::Raw, Model::Brand, ""),
            ("raw/media_2026-11-24/media_2026-11-24_030507_shard-1.json", Kind::Raw, Model::Media, "shard-1"),
            ("raw/media_hashtag_2026-11-24/media_hashtag_20261124T030507.ndjson", Kind::Raw, Model::MediaHashtag, ""),
            ("quality/media_2026-11-24/media_2026-11-24_030507_2.json", Kind::Quality, Model::Media, "2"),
        ] {
            let time = "2026-11-24T03:05:07Z".parse().unwrap();
            assert_eq!(Name::parse(key), Some(Name { kind, model, time, part }), "{key}");
            assert!(!Name::parse(key).unwrap().is_repair());
        }
    }

    #[test]
    fn an_object_that_repairs_a_run_has_the_name_that_the_function_gives_it() {
        let event = serde_json::json!({"job": "hashtag", "hashtags": ["dior"]});
        let part = collector::event::Event::parse(&event).unwrap().part().unwrap();
        let key = format!("raw/media_2026-11-24/media_2026-11-24_030507_{part}.json");
        let name = Name::parse(&key).unwrap();
        assert!(name.is_repair() && name.part == part);
    }

    #[test]
    fn a_name_without_a_model_or_a_real_time_is_not_parsed() {
        for key in ["", "raw/", "raw/x.json", "raw/media.json", "raw/brand_2026-11-24.json", "raw/brand_20261324000000"]
        {
            assert_eq!(Name::parse(key), None, "{key}");
        }
    }
}
