//! The shapes of the API's answers, read once, borrowing from the body, and forgiving in everything
//! that is not needed to find the records.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ApiError;
use crate::record::{Name, Received};

/// The answer to a `business_discovery` call.
#[derive(Debug)]
pub struct Discovery<'a> {
    /// The account's own fields; empty where they were left out.
    pub profile: Received<'a>,
    /// Its media; `None` where the answer has no list of them.
    pub media: Option<MediaPage<'a>>,
}

/// A page of media, each as received.
#[derive(Debug, Default)]
pub struct MediaPage<'a> {
    /// The records.
    pub records: Vec<&'a RawValue>,
    page: &'a str,
}

/// Where the next page of media starts, as the API tells it: spliced into the `fields` expression of a
/// call, so nothing that means something there may be in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// The longest that is taken; those of recordings have some 100 characters.
    const LONGEST: usize = 1_024;

    /// `text`, where a cursor can be it.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_=+/%|:~".contains(&b);
        ((1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What `debug_token` tells of a token. An undecodable token's answer lacks most of it.
#[derive(Debug, Clone, Default)]
pub struct TokenInfo {
    /// Whether calls with it are answered.
    pub is_valid: bool,
    /// When it expires, in Unix seconds; 0 = never.
    pub expires_at: Option<i64>,
    /// When access to data expires, in Unix seconds; 0 = never.
    pub data_access_expires_at: Option<i64>,
    /// `USER`, `PAGE`, `APP` or `SYSTEM_USER`.
    pub kind: Option<String>,
    /// The permissions granted.
    pub scopes: Vec<String>,
    /// Why it is not valid.
    pub error: Option<ApiError>,
}

impl<'a> Discovery<'a> {
    /// Reads the answer; `None` where it is not the JSON expected.
    pub fn read(body: &'a str) -> Option<Self> {
        let mut profile: Received<'a> = read_field(body, "business_discovery")?;
        let media = profile.take("media").and_then(|media| MediaPage::read(media.get()));
        Some(Self { profile, media })
    }
}

impl<'a> MediaPage<'a> {
    /// Reads an answer that is a page itself; `None` where it is not the JSON expected.
    pub fn read(body: &'a str) -> Option<Self> {
        read_field(body, "data").map(|records| Self { records, page: body })
    }

    /// Where the next page starts; `None` on the last one. Read on demand: few runs have a second page.
    pub fn after(&self) -> Option<Cursor> {
        #[derive(Deserialize)]
        struct Paging {
            cursors: Cursors,
        }
        #[derive(Deserialize)]
        struct Cursors {
            after: String,
        }
        let paging: &RawValue = read_field(self.page, "paging")?;
        let Paging { cursors } = serde_json::from_str(paging.get()).ok()?;
        Cursor::new(&cursors.after)
    }
}

/// The id of a record, where it is a string: what tells whether it came before.
pub(crate) fn record_id(record: &RawValue) -> Option<String> {
    read_field(record.get(), crate::record::ID)
}

impl TokenInfo {
    /// Reads the answer; `None` where it is not the JSON expected.
    pub fn read(body: &str) -> Option<Self> {
        let mut data: Received<'_> = read_field(body, "data")?;
        Some(Self {
            is_valid: data.is_true("is_valid"),
            expires_at: data.int("expires_at"),
            data_access_expires_at: data.int("data_access_expires_at"),
            kind: data.text("type", 40),
            scopes: data.take("scopes").and_then(|s| serde_json::from_str(s.get()).ok()).unwrap_or_default(),
            error: data.take("error").and_then(|e| serde_json::from_str(e.get()).ok()),
        })
    }
}

/// The id that an `ig_hashtag_search` answer gives; `None` where it is not the JSON expected.
pub(super) fn read_hashtag_id(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        data: Vec<Found>,
    }
    #[derive(Deserialize)]
    struct Found {
        id: String,
    }
    let answer: Answer = serde_json::from_str(body).ok()?;
    answer.data.into_iter().next().map(|found| found.id)
}

/// The field `name` of the object that `body` is; `None` where either is of another shape. Of a name
/// given twice the last one counts.
pub(super) fn read_field<'a, T: Deserialize<'a>>(body: &'a str, name: &'static str) -> Option<T> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let found = FieldSeed { name, value: PhantomData }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    found
}

/// Reads the field `name` of an object and passes over the others.
struct FieldSeed<T> {
    name: &'static str,
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for FieldSeed<T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldSeed<T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with {:?}", self.name)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Name(name)) = map.next_key()? {
            if name == self.name {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(body: &str) -> Option<(usize, Option<usize>)> {
        Discovery::read(body).map(|d| (d.profile.len(), d.media.map(|m| m.records.len())))
    }

    #[test]
    fn a_profile_and_its_media_are_found() {
        let body = r#"{"business_discovery":{"id":"1","media":{"data":[{"id":"2"},7],"paging":{"cursors":{"after":"x"}}},"name":"a"},"id":"3"}"#;
        assert_eq!(counts(body), Some((2, Some(2))));
    }

    #[test]
    fn either_may_be_left_out() {
        assert_eq!(counts(r#"{"business_discovery":{"id":"1"}}"#), Some((1, None)));
        assert_eq!(counts(r#"{"business_discovery":{"media":{"data":[{}]}}}"#), Some((0, Some(1))));
        assert_eq!(counts(r#"{"business_discovery":{"id":"1","media":{"data":[]}}}"#), Some((1, Some(0))));
        for media in ["null", "7", "[]", "{}", r#"{"data":null}"#, r#"{"data":{}}"#] {
            assert_eq!(
                counts(&format!(r#"{{"business_discovery":{{"id":"1","media":{media}}}}}"#)),
                Some((1, None)),
                "{media}"
            );
        }
    }

    #[test]
    fn anything_else_is_not_the_json_expected() {
        for body in [
            "",
            "null",
            "[]",
            "7",
            "{}",
            "<!DOCTYPE html>",
            r#"{"business_discovery":null}"#,
            r#"{"business_discovery":[]}"#,
            r#"{"business_discovery":{"id":"178"#,
            r#"{"business_discovery":{}} trailing"#,
        ] {
            assert_eq!(counts(body), None, "{body}");
            assert!(
                MediaPage::read(body).is_none() && read_hashtag_id(body).is_none() && TokenInfo::read(body).is_none()
            );
        }
    }

    #[test]
    fn of_a_name_given_twice_the_last_one_counts() {
        let body =
            r#"{"business_discovery":{"id":"1"},"business_discovery":{"media":{"data":[1]},"media":{"data":[1,2]}}}"#;
        assert_eq!(counts(body), Some((0, Some(2))));
    }

    #[test]
    fn the_next_page_starts_after_the_cursor_and_the_last_page_has_none() {
        let after = |paging: &str| {
            let body = format!(r#"{{"data":[],"paging":{paging}}}"#);
            MediaPage::read(&body).unwrap().after().map(|c| c.as_str().to_owned())
        };
        assert_eq!(after(r#"{"cursors":{"after":"QVFIUx-_="},"next":"https://x"}"#).as_deref(), Some("QVFIUx-_="));
        for last in [
            r#"{"cursors":{"before":"x"}}"#,
            "{}",
            "null",
            r#"{"cursors":{"after":""}}"#,
            r#"{"cursors":{"after":7}}"#,
            r#"{"cursors":{"after":"x){id},followers_count"}}"#,
        ] {
            assert_eq!(after(last), None, "{last}");
        }
        assert_eq!(MediaPage::read(r#"{"data":[]}"#).unwrap().after(), None);
    }

    #[test]
    fn deep_nesting_is_passed_over() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(counts(&format!(r#"{{"x":{deep},"business_discovery":{{"id":{deep}}}}}"#)), Some((1, None)));
    }

    #[test]
    fn an_undecodable_token_has_next_to_nothing() {
        let info = TokenInfo::read(r#"{"data":{"error":{"code":190,"message":"Invalid OAuth access token","subcode":460},"is_valid":false,"scopes":[]}}"#).unwrap();
        assert_eq!((info.is_valid, info.expires_at, info.error.unwrap().error_subcode), (false, None, Some(460)));
    }

    #[test]
    fn what_a_token_is_good_for_is_read_past_what_is_not_as_documented() {
        let info = TokenInfo::read(
            r#"{"data":{"is_valid":true,"expires_at":"1790000000","data_access_expires_at":null,"type":7,"scopes":null,"error":null}}"#,
        );
        let info = info.unwrap();
        assert_eq!((info.is_valid, info.expires_at, info.data_access_expires_at), (true, Some(1_790_000_000), None));
        assert!(info.kind.is_none() && info.scopes.is_empty() && info.error.is_none());
    }

    #[test]
    fn a_hashtag_search_gives_the_first_id() {
        assert_eq!(read_hashtag_id(r#"{"data":[{"id":"17843857450040591"}]}"#).as_deref(), Some("17843857450040591"));
        assert_eq!(read_hashtag_id(r#"{"data":[]}"#), None);
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(body in "[\\[\\]{}:,\"a-z0-9\\\\ ]{0,80}") {
            let _ = (counts(&body), MediaPage::read(&body).and_then(|p| p.after()), read_hashtag_id(&body), TokenInfo::read(&body));
        }
    }
}
