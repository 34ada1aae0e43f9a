//! The shapes of the API's answers. They borrow from the body. Anything that is not needed to find the
//! records may be missing or wrong.

use serde_json::value::RawValue;

use super::error::{ApiError, Failure, Kind};
use crate::json::{self, beginning, elements, fields, string};

/// The answer to a `business_discovery` call.
#[derive(Debug)]
pub struct Discovery<'a> {
    /// The account's own fields, as received.
    pub profile: Box<RawValue>,
    /// The account's media; `None` where the answer has no list of them.
    pub media: Option<MediaPage<'a>>,
    /// The whole answer, as received.
    pub answer: &'a str,
}

/// A page of media.
#[derive(Debug, Default)]
pub struct MediaPage<'a> {
    /// The records as received, at most as many as were asked for.
    pub records: Vec<&'a RawValue>,
    /// The number of records on the page beyond those.
    pub surplus: usize,
    /// The whole answer that it stands in, as received.
    pub answer: &'a str,
    paging: Option<&'a RawValue>,
}

/// The API's cursor to the next page of media. It becomes part of a call's `fields` expression, so it holds
/// no character that has a meaning there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// The longest cursor that is taken. Recorded ones have about 100 characters.
    const LONGEST: usize = 1_024;

    /// The cursor `text`; `None` where no cursor can look like that.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_=+/%|:~".contains(&b);
        ((1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The cursor's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What `debug_token` says about a token. The answer for an undecodable token lacks most fields.
#[derive(Debug, Clone, Default)]
pub struct TokenInfo {
    /// Whether the API answers calls with the token.
    pub is_valid: bool,
    /// When it expires, in Unix seconds; 0 = never.
    pub expires_at: Option<i64>,
    /// When access to data expires, in Unix seconds; 0 = never.
    pub data_access_expires_at: Option<i64>,
    /// `USER`, `PAGE`, `APP` or `SYSTEM_USER`.
    pub kind: Option<String>,
    /// The permissions granted.
    pub scopes: Vec<String>,
    /// Why the token is not valid.
    pub error: Option<ApiError>,
}

impl<'a> Discovery<'a> {
    /// Reads the answer to a call for at most `limit` media; `None` where it is not the expected JSON.
    pub fn read(body: &'a str, limit: usize) -> Option<Self> {
        let [account] = fields(body, ["business_discovery"])?;
        let (profile, media) = json::split_off(account?.get(), "media")?;
        let page = media.and_then(|media| MediaPage::read(media.get(), limit));
        Some(Self { profile, media: page.map(|page| MediaPage { answer: body, ..page }), answer: body })
    }
}

impl<'a> MediaPage<'a> {
    /// Reads an answer that is itself a page, to a call for at most `limit` media; `None` where it is not
    /// the expected JSON.
    pub fn read(body: &'a str, limit: usize) -> Option<Self> {
        let [data, paging] = fields(body, ["data", "paging"])?;
        let records = elements(data?.get(), limit)?;
        Some(Self { records: records.first, surplus: records.more, answer: body, paging })
    }

    /// The page that an answer without a list of media has.
    pub(super) fn without_media(answer: &'a str) -> Self {
        Self { answer, ..Self::default() }
    }

    /// The bytes of all records.
    pub fn bytes(&self) -> usize {
        self.records.iter().map(|record| record.get().len()).sum()
    }

    /// The cursor to the next page; `None` on the last page.
    pub fn after(&self) -> Option<Cursor> {
        let [cursors] = fields(self.paging?.get(), ["cursors"])?;
        let [after] = fields(cursors?.get(), ["after"])?;
        Cursor::new(&string(after?).ok()?)
    }
}

impl TokenInfo {
    /// The failure that an invalid token causes.
    pub fn refusal(&self) -> Failure {
        let ApiError { code, error_subcode: subcode, message, .. } = self.error.clone().unwrap_or_default();
        Failure { kind: Kind::Token, code, subcode, message }
    }

    /// Reads the answer; `None` where it is not the expected JSON.
    pub fn read(body: &str) -> Option<Self> {
        let [data] = fields(body, ["data"])?;
        let names = ["is_valid", "expires_at", "data_access_expires_at", "type", "scopes", "error"];
        let [is_valid, expires_at, data_access_expires_at, kind, scopes, error] = fields(data?.get(), names)?;
        Some(Self {
            is_valid: json::is_true(is_valid),
            expires_at: json::integer(expires_at),
            data_access_expires_at: json::integer(data_access_expires_at),
            kind: beginning(kind, 40),
            scopes: scopes.and_then(|s| serde_json::from_str(s.get()).ok()).unwrap_or_default(),
            error: error.and_then(ApiError::of),
        })
    }
}

/// The id in an `ig_hashtag_search` answer; `None` where it is not the expected JSON.
pub(super) fn read_hashtag_id(body: &str) -> Option<String> {
    let [data] = fields(body, ["data"])?;
    let found = elements(data?.get(), 1)?;
    let [id] = fields(found.first.first()?.get(), ["id"])?;
    Some(string(id?).ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 3;

    /// The profile without its media, and the number of those.
    fn found(body: &str) -> Option<(String, Option<usize>)> {
        let answer = Discovery::read(body, LIMIT)?;
        Some((answer.profile.get().to_owned(), answer.media.map(|m| m.records.len())))
    }

    fn own<T>(profile: &str, media: T) -> Option<(String, T)> {
        Some((profile.to_owned(), media))
    }

    #[test]
    fn a_profile_and_its_media_are_found() {
        let body = r#"{"business_discovery":{"id":"1","media":{"data":[{"id":"2"},7],"paging":{"cursors":{"after":"x"}}},"name":"a"},"id":"3"}"#;
        assert_eq!(found(body), own(r#"{"id":"1","name":"a"}"#, Some(2)));
    }

    #[test]
    fn either_may_be_left_out() {
        let profile = r#"{"id":"1"}"#;
        assert_eq!(found(r#"{"business_discovery":{"id":"1"}}"#), own(profile, None));
        assert_eq!(found(r#"{"business_discovery":{"media":{"data":[{}]}}}"#), own("{}", Some(1)));
        assert_eq!(found(r#"{"business_discovery":{"id":"1","media":{"data":[]}}}"#), own(profile, Some(0)));
        for media in ["null", "7", "[]", "{}", r#"{"data":null}"#, r#"{"data":{}}"#, r#"[[{"id":"2"}]]"#] {
            let body = format!(r#"{{"business_discovery":{{"id":"1","media":{media}}}}}"#);
            assert_eq!(found(&body), own(profile, None), "{media}");
        }
    }

    #[test]
    fn of_more_records_than_were_asked_for_the_first_are_kept_and_the_others_counted() {
        let page = r#"{"data":[{"id":"1"},{"id":"2"},7,{"id":"4"},{"id":"5"}]}"#;
        let media = format!(r#"{{"business_discovery":{{"media":{page}}}}}"#);
        for page in [MediaPage::read(page, LIMIT).unwrap(), Discovery::read(&media, LIMIT).unwrap().media.unwrap()] {
            let records: Vec<&str> = page.records.iter().map(|record| record.get()).collect();
            assert_eq!((records.join(" ").as_str(), page.surplus), (r#"{"id":"1"} {"id":"2"} 7"#, 2));
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
            r#"[{"data":[]}]"#,
            "[[]]",
        ] {
            assert_eq!(found(body), None, "{body}");
            assert!(MediaPage::read(body, LIMIT).is_none());
            assert!(read_hashtag_id(body).is_none() && TokenInfo::read(body).is_none());
        }
    }

    #[test]
    fn a_profile_is_kept_as_received_whatever_its_names_are() {
        let body =
            r#"{"\ud83d":1,"business_discovery":{"name":"a","\ud83d":[ 1 ],"m\u0065dia":{"data":[1]},"name":"b"}}"#;
        assert_eq!(found(body), own(r#"{"name":"a","\ud83d":[ 1 ],"name":"b"}"#, Some(1)));
    }

    #[test]
    fn of_a_name_given_twice_the_last_one_counts() {
        let body = r#"{"business_discovery":7,"business_discovery":{"media":null,"name":"a","media":{"data":[1,2]}}}"#;
        assert_eq!(found(body), own(r#"{"name":"a"}"#, Some(2)));
    }

    #[test]
    fn the_next_page_starts_after_the_cursor_and_the_last_page_has_none() {
        let after = |paging: &str| {
            let body = format!(r#"{{"data":[],"paging":{paging}}}"#);
            MediaPage::read(&body, LIMIT).unwrap().after().map(|c| c.as_str().to_owned())
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
        assert_eq!(MediaPage::read(r#"{"data":[]}"#, LIMIT).unwrap().after(), None);
    }

    #[test]
    fn deep_nesting_is_passed_over() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let answer = format!(r#"{{"x":{deep},"business_discovery":{{"id":{deep}}}}}"#);
        assert_eq!(found(&answer), own(&format!(r#"{{"id":{deep}}}"#), None));
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
        for body in [r#"{"data":[]}"#, r#"{"data":[7]}"#, r#"{"data":[{"id":7}]}"#] {
            assert_eq!(read_hashtag_id(body), None);
        }
    }
}
