//! The fields that the API documents, and the places that have each.
//!
//! Sources, as stored in November 2026: Meta's reference pages IG User, Business Discovery (2026-08-12), IG Media
//! (2026-06-22) and IG Hashtag Recent Media, and public projects that quote live responses. `docs/configuration.md`
//! says for each field when it is missing and how certain that is.

use super::Model;

/// A place that a field can be requested of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An account's profile.
    Profile,
    /// An account's media.
    Media,
    /// The media under a hashtag.
    Hashtag,
    /// An element of an album, in `children`.
    Child,
}

use Place::{Child, Hashtag, Media, Profile};

impl Place {
    /// The place that the records of a model come from.
    pub const fn of(model: Model) -> Self {
        match model {
            Model::Brand => Profile,
            Model::Media => Media,
            Model::MediaHashtag => Hashtag,
        }
    }

    /// Whether `field` is documented, or was seen, here.
    pub fn has(self, field: &str) -> bool {
        KNOWN.iter().any(|(name, places)| *name == field && places.contains(&self))
    }

    /// Whether `field` exists only elsewhere: a call that requests it here is refused with code 100, and the
    /// message does not name the field.
    pub fn refuses(self, field: &str) -> bool {
        KNOWN.iter().any(|(name, places)| *name == field && !places.contains(&self))
    }
}

/// Each field, and the places that have it. Fields without a place exist only for the caller's own media.
pub const KNOWN: [(&str, &[Place]); 31] = [
    ("id", &[Profile, Media, Hashtag, Child]),
    ("username", &[Profile, Media]),
    ("name", &[Profile]),
    ("biography", &[Profile]),
    ("website", &[Profile]),
    ("profile_picture_url", &[Profile]),
    ("followers_count", &[Profile]),
    ("follows_count", &[Profile]),
    ("media_count", &[Profile]),
    ("media", &[Profile]),
    ("timestamp", &[Media, Hashtag, Child]),
    ("caption", &[Media, Hashtag]),
    ("media_type", &[Media, Hashtag, Child]),
    ("media_product_type", &[Media]),
    ("media_url", &[Media, Hashtag, Child]),
    ("thumbnail_url", &[Media, Child]),
    ("permalink", &[Media, Hashtag]),
    ("like_count", &[Media, Hashtag]),
    ("comments_count", &[Media, Hashtag]),
    ("children", &[Media, Hashtag]),
    ("view_count", &[Media]),
    ("reposts_count", &[Media]),
    ("total_like_count", &[Media]),
    ("total_comments_count", &[Media]),
    ("media_audio_type", &[Media]),
    ("shortcode", &[]),
    ("is_shared_to_feed", &[]),
    ("is_comment_enabled", &[]),
    ("saved_count", &[]),
    ("shares_count", &[]),
    ("total_views_count", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_refused_only_if_it_is_known_to_be_elsewhere() {
        assert!(Media.has("view_count") && !Hashtag.has("view_count") && Hashtag.refuses("view_count"));
        assert!(!Hashtag.refuses("brand_new") && !Hashtag.has("brand_new"), "nothing is known of it");
        assert!(Child.refuses("permalink") && Media.refuses("shortcode"));
    }
}
