//! The fields that depend on the type of a medium: those of videos, and the elements of an album.

use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::address::cdn;

/// The fields that only one type of media has, and the counts that only an account's media have.
pub(super) fn fields(rng: &mut Rng, media_type: &str, id: &str, now: DateTime<Utc>, likes: i64) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    add("reposts_count", json!(likes / rng.i64(20..90)));
    add("total_like_count", json!(likes));
    add("total_comments_count", json!(likes / 60));
    match media_type {
        "VIDEO" => {
            add("thumbnail_url", cdn(rng, now, "jpg").into());
            add("view_count", json!(likes * rng.i64(8..60)));
            add("media_audio_type", "ORIGINAL_SOUND".into());
        }
        "CAROUSEL_ALBUM" => {
            let count = rng.usize(2..6);
            let element =
                |n| json!({"id": format!("{id}{n}"), "media_type": "IMAGE", "media_url": cdn(rng, now, "jpg")});
            let elements: Vec<Value> = (0..count).map(element).collect();
            add("children", json!({ "data": elements }));
        }
        _ => {}
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::super::data::{account_media, hashtag_media};
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-11-24T{hour:02}:00:00Z").parse().unwrap()
    }

    #[test]
    fn videos_and_albums_have_fields_of_their_own_and_albums_under_hashtags_no_address() {
        for (media, is_hashtag) in
            [(account_media(1, "dior", at(3), 0, 50), false), (hashtag_media(1, "dior", at(3), 0, 50), true)]
        {
            for fields in media {
                let has = |name: &str| fields.contains_key(name);
                let (is_video, is_album) = (fields["media_type"] == "VIDEO", fields["media_type"] == "CAROUSEL_ALBUM");
                assert_eq!((has("view_count"), has("thumbnail_url"), has("children")), (is_video, is_video, is_album));
                assert!(!(is_hashtag && is_album && has("media_url")) && (is_hashtag || is_video || has("media_url")));
            }
        }
    }
}
