//! The API's responses, as owned values. Each is read in one pass over its body, and keeps what was requested.
//! Everything else may be missing or have another shape.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::error::{ApiError, Failure, Kind};
use crate::diagnosis::Diagnosis;
use crate::json::{self, Name, Reader, beginning, fields};
use crate::topic::{HashtagId, id};

/// The response to a call.
#[derive(Debug)]
pub struct Response<T> {
    /// What was read from its body.
    pub value: T,
    /// The fields that the call left out, since the API no longer knows them.
    pub unknown: Vec<String>,
    /// When it arrived.
    pub asked_at: DateTime<Utc>,
    /// The body without secrets; `None` unless the session keeps responses.
    pub body: Option<String>,
}

/// A page of media.
#[derive(Debug, Default)]
pub struct Page {
    /// The account's own fields, as received; `None` on a page of a hashtag.
    pub profile: Option<Box<RawValue>>,
    /// The records as received, at most as many as were requested.
    pub records: Vec<Box<RawValue>>,
    /// The number of records on the page beyond those.
    pub surplus: usize,
    /// The cursor to the next page; `None` on the last page.
    pub after: Option<Cursor>,
}

/// The longest cursor that is accepted. Recorded ones have about 100 characters.
const MAX_CURSOR: usize = 1_024;

id! {
    /// The API's cursor to the next page of media. It becomes part of a call's `fields` expression, so it holds
    /// no character that has a meaning there.
    Cursor, text => (1..=MAX_CURSOR).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=+/%|:~".contains(&b))
}

/// What `debug_token` says about a token. The response for an undecodable token lacks most fields.
#[derive(Debug, Clone, Default)]
pub struct TokenInfo {
    /// Whether the API accepts calls with the token.
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

/// A hashtag that counts towards the limit of 30 in 7 days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchedHashtag {
    /// Its id.
    pub id: HashtagId,
    /// Its name; `None` if the API leaves it out.
    pub name: Option<String>,
}

impl Page {
    /// Reads the response to a `business_discovery` call for at most `limit` media; `None` if it is not the
    /// expected JSON. An account without a list of media has a page without records.
    pub fn of_account(body: &str, limit: usize) -> Option<Self> {
        let mut page = None;
        json::read(body, |response| {
            response.object(|name, value| {
                if name.is("business_discovery") {
                    page = account(value, limit)?;
                }
                no_error(name, value)
            })
        })?;
        page
    }

    /// Reads the response to a `recent_media` call for at most `limit` media; `None` if it is not the expected
    /// JSON.
    pub fn of_hashtag(body: &str, limit: usize) -> Option<Self> {
        json::read(body, |response| media(response, limit))?
    }

    /// The length of the text of all records, in bytes.
    pub fn bytes(&self) -> usize {
        self.profile.iter().chain(&self.records).map(|record| record.get().len()).sum()
    }
}

/// Reads an account: its own fields, and the page in its field `media`. If a field is given twice, the last one counts.
fn account(account: &mut Reader<'_>, limit: usize) -> Option<Option<Page>> {
    let (mut own, mut page) = ("{".to_owned(), None);
    let is_object = account.object(|name, value| {
        if name.is("media") {
            page = media(value, limit)?;
            return Some(());
        }
        if own.len() > 1 {
            own.push(',');
        }
        own.extend([name.raw, ":", value.raw()?.get()]);
        Some(())
    })?;
    own.push('}');
    let profile = RawValue::from_string(own).expect("names and values as received are JSON");
    Some(is_object.then(|| Page { profile: Some(profile), ..page.unwrap_or_default() }))
}

/// Reads an object with a page of media: its list `data`, and the cursor in `paging`.
fn media(media: &mut Reader<'_>, limit: usize) -> Option<Option<Page>> {
    let (mut data, mut after) = (None, None);
    media.object(|name, value| {
        if name.is("data") {
            let (mut records, mut surplus) = (Vec::new(), 0);
            let is_list = value.list(|record| {
                if records.len() < limit {
                    records.push(record.raw()?.to_owned());
                } else {
                    surplus += 1;
                }
                Some(())
            })?;
            data = is_list.then_some((records, surplus));
        } else if name.is("paging") {
            after = cursor(value)?;
        }
        no_error(name, value)
    })?;
    Some(data.map(|(records, surplus)| Page { records, surplus, after, profile: None }))
}

/// Stops reading at an `error`: a response with one has failed, even if it also has data.
fn no_error(name: &Name<'_>, value: &mut Reader<'_>) -> Option<()> {
    (!name.is("error") || value.peek() != Some(b'{')).then_some(())
}

/// Reads `paging`: `{"cursors":{"after":"…"}}`.
fn cursor(paging: &mut Reader<'_>) -> Option<Option<Cursor>> {
    let mut after = None;
    paging.object(|name, cursors| {
        if name.is("cursors") {
            after = None;
            cursors.object(|name, value| {
                if name.is("after") {
                    after = value.text().ok().and_then(|text| Cursor::new(&text));
                }
                Some(())
            })?;
        }
        Some(())
    })?;
    Some(after)
}

impl TokenInfo {
    /// The failure that an invalid token causes.
    pub fn refusal(&self) -> Failure {
        let ApiError { code, error_subcode: subcode, message, .. } = self.error.clone().unwrap_or_default();
        let diagnosis = Diagnosis::of_a_refused_token(subcode);
        Failure { code, subcode, diagnosis, ..Failure::new(Kind::Token, message) }
    }

    /// Reads the response; `None` if it is not the expected JSON.
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

impl SearchedHashtag {
    /// The most that the API lists, and the most that it allows.
    pub(super) const MAX_HASHTAGS: usize = 30;

    /// Reads the response to `recently_searched_hashtags`; `None` if it is not the expected JSON. An element
    /// without an id is skipped.
    pub(super) fn list(body: &str) -> Option<Vec<Self>> {
        let page = Page::of_hashtag(body, Self::MAX_HASHTAGS)?;
        Some(page.records.iter().filter_map(|element| Self::of(element)).collect())
    }

    /// Reads the response to `ig_hashtag_search`, whose list is empty if no hashtag has the name; `None` if it is
    /// not the expected JSON.
    pub(super) fn found(body: &str) -> Option<Option<Self>> {
        let page = Page::of_hashtag(body, 1)?;
        page.records.first().map_or(Some(None), |element| Self::of(element).map(Some))
    }

    fn of(element: &RawValue) -> Option<Self> {
        let [id, name] = fields(element.get(), ["id", "name"])?;
        let id = HashtagId::new(&json::text(id?).ok()?)?;
        Some(Self { id, name: name.and_then(|name| Some(json::text(name).ok()?.into_owned())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 3;

    /// The profile without its media, and the number of those.
    fn found(body: &str) -> Option<(String, usize)> {
        let page = Page::of_account(body, LIMIT)?;
        Some((page.profile?.get().to_owned(), page.records.len()))
    }

    fn own(profile: &str, media: usize) -> Option<(String, usize)> {
        Some((profile.to_owned(), media))
    }

    #[test]
    fn a_profile_and_its_media_are_found() {
        let body = r#"{"business_discovery":{"id":"1","media":{"data":[{"id":"2"},7],"paging":{"cursors":{"after":"x"}}},"name":"a"},"id":"3"}"#;
        assert_eq!(found(body), own(r#"{"id":"1","name":"a"}"#, 2));
    }

    #[test]
    fn either_may_be_left_out() {
        let profile = r#"{"id":"1"}"#;
        assert_eq!(found(r#"{"business_discovery":{"id":"1"}}"#), own(profile, 0));
        assert_eq!(found(r#"{"business_discovery":{"media":{"data":[{}]}}}"#), own("{}", 1));
        assert_eq!(found(r#"{"business_discovery":{"id":"1","media":{"data":[]}}}"#), own(profile, 0));
        for media in
            ["null", "7", "[]", "{}", r#"{"data":null}"#, r#"{"data":{}}"#, r#"[[{"id":"2"}]]"#, r#""\ud83d""#, "1e999"]
        {
            let body = format!(r#"{{"business_discovery":{{"id":"1","media":{media}}}}}"#);
            assert_eq!(found(&body), own(profile, 0), "{media}");
        }
    }

    #[test]
    fn of_more_records_than_were_requested_the_first_are_kept_and_the_others_counted() {
        let page = r#"{"data":[{"id":"1"},{"id":"2"},7,{"id":"4"},{"id":"5"}]}"#;
        let media = format!(r#"{{"business_discovery":{{"media":{page}}}}}"#);
        for page in [Page::of_hashtag(page, LIMIT).unwrap(), Page::of_account(&media, LIMIT).unwrap()] {
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
            r#"{"data":[{"id":"1"}],"error":{"code":2}}"#,
            r#"{"error":{"code":2},"business_discovery":{"id":"1"}}"#,
            "[[]]",
        ] {
            assert_eq!(found(body), None, "{body}");
            assert!(Page::of_hashtag(body, LIMIT).is_none());
            assert!(SearchedHashtag::list(body).is_none() && TokenInfo::read(body).is_none());
        }
    }

    #[test]
    fn a_profile_is_kept_as_received_whatever_its_names_are() {
        let body =
            r#"{"\ud83d":1,"business_discovery":{"name":"a","\ud83d":[ 1 ],"m\u0065dia":{"data":[1]},"name":"b"}}"#;
        assert_eq!(found(body), own(r#"{"name":"a","\ud83d":[ 1 ],"name":"b"}"#, 1));
    }

    #[test]
    fn of_a_name_given_twice_the_last_one_counts() {
        let body = r#"{"business_discovery":7,"business_discovery":{"media":null,"name":"a","media":{"data":[1,2]}}}"#;
        assert_eq!(found(body), own(r#"{"name":"a"}"#, 2));
    }

    #[test]
    fn the_next_page_starts_after_the_cursor_and_the_last_page_has_none() {
        let after = |paging: &str| {
            let body = format!(r#"{{"data":[],"paging":{paging}}}"#);
            Page::of_hashtag(&body, LIMIT).unwrap().after.map(|c| c.as_str().to_owned())
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
        assert_eq!(Page::of_hashtag(r#"{"data":[]}"#, LIMIT).unwrap().after, None);
    }

    #[test]
    fn deep_nesting_is_passed_over() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let response = format!(r#"{{"x":{deep},"business_discovery":{{"id":{deep}}}}}"#);
        assert_eq!(found(&response), own(&format!(r#"{{"id":{deep}}}"#), 0));
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
    fn a_hashtag_has_an_id_and_a_name_if_the_api_gives_it() {
        let body =
            r#"{"data":[{"id":"17841562426109234","name":"dev"},{"id":"17"},{"id":18},{"name":"x"},7],"paging":{}}"#;
        let searched = SearchedHashtag::list(body).unwrap();
        let found: Vec<_> = searched.iter().map(|h| (h.id.as_str(), h.name.as_deref())).collect();
        assert_eq!(found, [("17841562426109234", Some("dev")), ("17", None)]);
        assert_eq!(SearchedHashtag::list(r#"{"data":[]}"#), Some(Vec::new()));
        for body in ["", "[]", "{}", r#"{"data":{}}"#] {
            assert_eq!(SearchedHashtag::list(body), None, "{body}");
        }
    }

    #[test]
    fn a_hashtag_search_finds_one_or_none() {
        let found = |body: &str| SearchedHashtag::found(body).map(|found| found.map(|h| h.id.as_str().to_owned()));
        assert_eq!(found(r#"{"data":[{"id":"17843857450040591"}]}"#), Some(Some("17843857450040591".to_owned())));
        assert_eq!(found(r#"{"data":[]}"#), Some(None));
        for body in [r#"{"data":[7]}"#, r#"{"data":[{"id":7}]}"#, r#"{"data":null}"#] {
            assert_eq!(found(body), None, "not the JSON expected");
        }
    }
}
