//! The calls of the API: what each requests, and as whom.

use secrecy::ExposeSecret;

use super::response::{Cursor, Page, SearchedHashtag};
use crate::record::{ID, Model, requested_name};
use crate::secret::Credentials;
use crate::topic::{HashtagId, HashtagName, Username};

/// A call.
#[derive(Debug, Clone, Copy)]
pub enum Call<'c> {
    /// A page of an account's media, newest first, with the account's own fields.
    BusinessDiscovery {
        /// The account.
        username: &'c Username,
        /// The account's own fields to request.
        profile: &'c [&'c str],
        /// The fields of each medium to request.
        media: &'c [&'c str],
        /// The most media to request.
        limit: u32,
        /// The cursor of the page before; `None` for the first page.
        after: Option<&'c Cursor>,
    },
    /// A page of the media under a hashtag.
    RecentMedia {
        /// The hashtag.
        hashtag: &'c HashtagId,
        /// The fields of each medium to request.
        media: &'c [&'c str],
        /// The most media to request.
        limit: u32,
        /// The cursor of the page before; `None` for the first page.
        after: Option<&'c Cursor>,
    },
    /// The id of a hashtag.
    HashtagSearch(&'c HashtagName),
    /// The hashtags that count towards the limit of 30 in 7 days.
    SearchedHashtags,
    /// The state of an access token.
    DebugToken,
    /// A new access token for the one in use.
    ExchangeToken,
    /// The calling user: the cheapest call that needs a token.
    User,
}

/// The calls that name fields. A field that exists for one of them may be unknown to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// `business_discovery`: profiles and their media.
    Discovery,
    /// `recent_media`: the media under a hashtag.
    RecentMedia,
}

impl Edge {
    /// The edge of a model's records.
    pub const fn of(model: Model) -> Self {
        match model {
            Model::Brand | Model::Media => Self::Discovery,
            Model::MediaHashtag => Self::RecentMedia,
        }
    }

    /// The name in the API's reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discovery => "business_discovery",
            Self::RecentMedia => "recent_media",
        }
    }
}

impl Call<'_> {
    /// Whether it concerns hashtags and not accounts.
    pub(super) const fn is_about_hashtags(&self) -> bool {
        matches!(self, Self::RecentMedia { .. } | Self::HashtagSearch(_) | Self::SearchedHashtags)
    }

    /// Whether it requests fields other than the id.
    pub(super) fn requests_fields(&self) -> bool {
        self.fields().any(|field| field != ID)
    }

    /// The fields that it requests of profiles and media.
    fn fields(&self) -> impl Iterator<Item = &str> {
        let (profile, media): (&[&str], &[&str]) = match self {
            Self::BusinessDiscovery { profile, media, .. } => (profile, media),
            Self::RecentMedia { media, .. } => (&[], media),
            _ => (&[], &[]),
        };
        profile.iter().chain(media).copied()
    }

    /// The topic of a page: its edge, and the account's name or the hashtag's id; `None` for another call.
    pub(super) fn topic(&self) -> Option<(Edge, &str)> {
        match self {
            Self::BusinessDiscovery { username, .. } => Some((Edge::Discovery, username.as_str())),
            Self::RecentMedia { hashtag, .. } => Some((Edge::RecentMedia, hashtag.as_str())),
            _ => None,
        }
    }

    /// Reads the page in the response; `None` if it is not the expected JSON, or the call requests no page.
    pub(super) fn page(&self, body: &str) -> Option<Page> {
        match self {
            Self::BusinessDiscovery { limit, .. } => Page::of_account(body, *limit as usize),
            Self::RecentMedia { limit, .. } => Page::of_hashtag(body, *limit as usize),
            _ => None,
        }
    }

    /// The object or field that the response must have.
    pub(super) const fn expected(&self) -> &'static str {
        match self {
            Self::BusinessDiscovery { .. } => "business_discovery",
            Self::RecentMedia { .. } | Self::SearchedHashtags | Self::DebugToken => "data",
            Self::HashtagSearch(_) => "data[0].id",
            Self::ExchangeToken => "an access_token",
            Self::User => "the user's id",
        }
    }

    /// The path below the end point.
    pub(super) fn path(&self, Credentials { ig_user_id, .. }: &Credentials) -> String {
        match self {
            Self::BusinessDiscovery { .. } | Self::User => ig_user_id.clone(),
            Self::RecentMedia { hashtag, .. } => format!("{hashtag}/recent_media"),
            Self::HashtagSearch(_) => "ig_hashtag_search".to_owned(),
            Self::SearchedHashtags => format!("{ig_user_id}/recently_searched_hashtags"),
            Self::DebugToken => "debug_token".to_owned(),
            Self::ExchangeToken => "oauth/access_token".to_owned(),
        }
    }

    /// The parameters, without the fields `unknown`.
    pub(super) fn query(&self, credentials: &Credentials, unknown: &[String]) -> Vec<(&'static str, String)> {
        let user_id = || ("user_id", credentials.ig_user_id.clone());
        let mut query = match *self {
            Self::BusinessDiscovery { username, profile, media, limit, after } => {
                let after = after.map(|cursor| format!(".after({})", cursor.as_str())).unwrap_or_default();
                let media = format!("media.limit({limit}){after}{{{}}}", known(media, unknown).join(","));
                let mut fields = known(profile, unknown);
                fields.push(&media);
                vec![("fields", format!("business_discovery.username({username}){{{}}}", fields.join(",")))]
            }
            Self::RecentMedia { media, limit, after, .. } => {
                let mut query =
                    vec![user_id(), ("fields", known(media, unknown).join(",")), ("limit", limit.to_string())];
                query.extend(after.map(|cursor| ("after", cursor.as_str().to_owned())));
                query
            }
            Self::HashtagSearch(name) => vec![user_id(), ("q", name.to_string())],
            Self::SearchedHashtags => {
                vec![("fields", "id,name".to_owned()), ("limit", SearchedHashtag::MAX_HASHTAGS.to_string())]
            }
            Self::DebugToken => vec![("input_token", credentials.access_token.expose_secret().to_owned())],
            Self::ExchangeToken => return exchange(credentials),
            Self::User => vec![("fields", ID.to_owned())],
        };
        query.extend(credentials.caller(matches!(self, Self::DebugToken)));
        query
    }

    /// The requested field that an error's message names in parentheses and that is not in `unknown` yet. A field that
    /// is already unknown is chosen last: another topic may have found it first.
    pub(super) fn named_field(&self, message: &str, unknown: &[String]) -> Option<String> {
        let names = |request: &&str| {
            let mut names = request.split(['{', ',', '}']).filter(|name| !name.is_empty() && *name != ID);
            names.any(|name| message.contains(&format!("({name})")))
        };
        let mut named: Vec<&str> = self.fields().filter(names).map(requested_name).collect();
        named.sort_by_key(|field| is_unknown(field, unknown));
        named.first().map(|field| (*field).to_owned())
    }
}

pub(super) fn is_unknown(field: &str, unknown: &[String]) -> bool {
    unknown.iter().any(|unknown| unknown == field)
}

fn known<'f>(fields: &[&'f str], unknown: &[String]) -> Vec<&'f str> {
    fields.iter().copied().filter(|field| !is_unknown(requested_name(field), unknown)).collect()
}

/// The parameters of an exchange: it names the app, and carries neither `access_token` nor a proof.
fn exchange(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let Some(app) = &credentials.app else { return Vec::new() };
    vec![
        ("grant_type", "fb_exchange_token".to_owned()),
        ("client_id", app.id.clone()),
        ("client_secret", app.secret.expose_secret().to_owned()),
        ("fb_exchange_token", credentials.access_token.expose_secret().to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_requests_the_fields_that_the_api_knows() {
        let credentials = Credentials { ig_user_id: "1".into(), access_token: "t".into(), app: None };
        let (username, cursor) = (Username::new("dior").unwrap(), Cursor::new("QVFI").unwrap());
        let fields = |call: Call<'_>, unknown: &[&str]| {
            let unknown: Vec<String> = unknown.iter().map(|field| (*field).to_owned()).collect();
            call.query(&credentials, &unknown).into_iter().find(|(name, _)| *name == "fields").unwrap().1
        };
        let media = ["id", "children{id,media_url}"];
        let first = Call::BusinessDiscovery {
            username: &username,
            profile: &["id", "name"],
            media: &media,
            limit: 25,
            after: None,
        };
        insta::assert_snapshot!(fields(first, &[]), @"business_discovery.username(dior){id,name,media.limit(25){id,children{id,media_url}}}");
        insta::assert_snapshot!(fields(first, &["id", "name", "children"]), @"business_discovery.username(dior){media.limit(25){}}");
        let next = Call::BusinessDiscovery {
            username: &username,
            profile: &[],
            media: &media,
            limit: 5,
            after: Some(&cursor),
        };
        insta::assert_snapshot!(fields(next, &["children"]), @"business_discovery.username(dior){media.limit(5).after(QVFI){id}}");
        let message = "(#100) Tried accessing nonexisting field (media_url) on node type (IGMedia)";
        assert_eq!(first.named_field(message, &[]).as_deref(), Some("children"));
        assert_eq!(first.named_field("(#100) field (id)", &[]), None, "a call without it is of no use");
    }
}
