//! What the name of an object tells: records or quality, of which model, of the run at which time.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::record::Model;

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
pub(super) struct Name {
    pub(super) kind: Kind,
    pub(super) model: Model,
    pub(super) time: DateTime<Utc>,
}

/// `YYYYMMDDHHMMSS`.
const DIGITS: usize = 14;

impl Name {
    /// Reads a key as configure.ini writes it by default, `raw/media_2026-11-24/media_2026-11-24_030000.json`:
    /// the model begins the file's name and year to second follow, with whatever separators, before a shard.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let kind = if key.starts_with("quality/") { Kind::Quality } else { Kind::Raw };
        let file = key.rsplit('/').next()?;
        // The longest first: `media_` begins `media_hashtag_`.
        let mut models = Model::ALL;
        models.sort_by_key(|model| std::cmp::Reverse(model.name().len()));
        let (model, rest) =
            models.into_iter().find_map(|model| Some((model, file.strip_prefix(model.name())?.strip_prefix('_')?)))?;
        let digits: String = rest
            .chars()
            .take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | ':' | 'T'))
            .filter(char::is_ascii_digit)
            .take(DIGITS)
            .collect();
        let time = NaiveDateTime::parse_from_str(&digits, "%Y%m%d%H%M%S").ok()?.and_utc();
        Some(Self { kind, model, time })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_tells_kind_model_and_time() {
        for (key, kind, model) in [
            ("raw/brand_2026-11-24/brand_2026-11-24_030507.json", Kind::Raw, Model::Brand),
            ("raw/media_2026-11-24/media_2026-11-24_030507_shard-1.json", Kind::Raw, Model::Media),
            ("raw/media_hashtag_2026-11-24/media_hashtag_20261124T030507.ndjson", Kind::Raw, Model::MediaHashtag),
            ("quality/media_2026-11-24/media_2026-11-24_030507_2.json", Kind::Quality, Model::Media),
        ] {
            let time = "2026-11-24T03:05:07Z".parse().unwrap();
            assert_eq!(Name::parse(key), Some(Name { kind, model, time }), "{key}");
        }
    }

    #[test]
    fn a_name_without_a_model_or_a_real_time_tells_nothing() {
        for key in ["", "raw/", "raw/x.json", "raw/media.json", "raw/brand_2026-11-24.json", "raw/brand_20261324000000"]
        {
            assert_eq!(Name::parse(key), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_name_panics(key in "(raw|quality)?/?(brand|media|media_hashtag)?_?[0-9T:_-]{0,20}\\PC{0,10}") {
            let _ = Name::parse(&key);
        }
    }
}
