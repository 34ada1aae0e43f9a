//! The hashtags that the calling user has searched for within 7 days, of which the API allows 30.

use super::error::Failure;
use super::session::Session;
use super::transport::{NotExpected, Request};
use crate::json::{elements, fields, string};
use crate::topic::HashtagId;

/// A hashtag that counts towards the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchedHashtag {
    /// Its id.
    pub id: HashtagId,
    /// Its name, where the API tells it.
    pub name: Option<String>,
}

/// The most that a page of the answer has, and the most that the API allows.
const MOST: usize = 30;

impl Session<'_> {
    /// Asks which hashtags count towards the limit at present, of this caller and whoever else calls as the same
    /// user. The call itself counts none.
    ///
    /// # Errors
    /// The [`Failure`] of the call.
    pub async fn searched_hashtags(&self) -> Result<Vec<SearchedHashtag>, Failure> {
        let path = format!("{}/recently_searched_hashtags", self.client.credentials().ig_user_id);
        let query = vec![("fields", "id,name".to_owned()), ("limit", MOST.to_string())];
        let request = Request { path, user_id: false, query };
        self.get(&request, |body| read(body).ok_or(NotExpected("data"))).await
    }
}

/// What the answer lists; an element without an id is passed over.
fn read(body: &str) -> Option<Vec<SearchedHashtag>> {
    let [data] = fields(body, ["data"])?;
    let hashtag = |element: &serde_json::value::RawValue| {
        let [id, name] = fields(element.get(), ["id", "name"])?;
        let id = HashtagId::new(&string(id?).ok()?)?;
        Some(SearchedHashtag { id, name: name.and_then(|name| Some(string(name).ok()?.into_owned())) })
    };
    Some(elements(data?.get(), MOST)?.first.into_iter().filter_map(hashtag).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashtag_is_known_by_its_id_and_by_its_name_where_that_is_told() {
        let body =
            r#"{"data":[{"id":"17841562426109234","name":"dev"},{"id":"17"},{"id":18},{"name":"x"},7],"paging":{}}"#;
        let searched = read(body).unwrap();
        let told: Vec<_> = searched.iter().map(|h| (h.id.as_str(), h.name.as_deref())).collect();
        assert_eq!(told, [("17841562426109234", Some("dev")), ("17", None)]);
        assert_eq!(read(r#"{"data":[]}"#), Some(Vec::new()));
        for body in ["", "[]", "{}", r#"{"data":{}}"#] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
