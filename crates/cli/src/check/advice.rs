//! What to do about a call that failed: which permission or feature it needs, and where to set what.

use collector::graph::{Failure, Kind};
use collector::version;

/// The permission that every call needs.
pub(crate) const BASIC: &str = "instagram_basic";

/// What `business_discovery` is documented to need besides, as of 2026-08.
pub(crate) const DISCOVERY: [&str; 2] = ["instagram_manage_insights", "pages_read_engagement"];

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// `debug_token`.
    Token,
    /// `business_discovery`.
    Account,
    /// `ig_hashtag_search`, `recent_media` or `recently_searched_hashtags`.
    Hashtag,
}

/// What the advice depends on.
pub(crate) struct Advice<'a> {
    /// Where the secret is.
    pub(crate) store: &'a str,
    /// The permissions that the token has, where the API reported them.
    pub(crate) scopes: &'a [String],
    /// The version that is asked for.
    pub(crate) version: &'a str,
}

impl Advice<'_> {
    /// What to do about a failure of a call.
    pub(crate) fn about(&self, call: Call, failure: &Failure) -> String {
        let Self { store, version, .. } = self;
        match failure.kind {
            Kind::Token => format!("make a new long-lived token and put it into {store}"),
            Kind::Throttled | Kind::Usage => {
                "wait an hour; `luxury-brands plan` shows what the schedule needs".to_owned()
            }
            Kind::VersionEnded => version::advice(version, false),
            Kind::Permission => self.permission(call, failure),
            Kind::NotFound if call == Call::Token => ask_as_the_app(store),
            Kind::NotFound if failure.code == Some(100) && failure.subcode.is_none() => format!(
                "a mapped field may not exist here: `luxury-brands check --api-version {version}` asks for each; else look at [topic] and at ig_user_id"
            ),
            Kind::NotFound if failure.subcode == Some(33) => {
                format!("look at ig_user_id and [topic]; {}", self.permission(call, failure))
            }
            Kind::NotFound => "look at [topic] and at ig_user_id".to_owned(),
            Kind::HashtagQuota => {
                "follow fewer hashtags, find who else searches as this user, or pin the ids in [hashtag_id]".to_owned()
            }
            Kind::UnknownField => "take the field out of the mapping".to_owned(),
            Kind::Transient | Kind::Deadline => "look at the network and at [API] end_point, and try again".to_owned(),
            Kind::Memory => "give the function more memory, or look at the [API] end_point".to_owned(),
            Kind::TooManyRecords => {
                "look at the [API] end_point: the API does not answer more than it is asked for".to_owned()
            }
            Kind::Unexpected => {
                "look at [API] version and end_point, and the code up in the API's documentation".to_owned()
            }
        }
    }

    /// What a call lacks that is refused for want of a permission.
    fn permission(&self, call: Call, failure: &Failure) -> String {
        if failure.code == Some(368) || failure.subcode == Some(2_207_051) {
            return "the API blocks the app or the user for its behaviour: stop the schedules, and read the app's dashboard and the vendor's mail".to_owned();
        }
        let needed = match call {
            Call::Token => return ask_as_the_app(self.store),
            Call::Account => format!("accounts need a token of Facebook Login with {BASIC}, {}", DISCOVERY.join(", ")),
            Call::Hashtag => format!("hashtags need {BASIC} and the feature Instagram Public Content Access"),
        };
        let needs = [BASIC].into_iter().chain(DISCOVERY.into_iter().filter(|_| call == Call::Account));
        let lacking: Vec<&str> = needs.filter(|scope| lacks(self.scopes, scope)).collect();
        let lacking = match lacking.as_slice() {
            [] => String::new(),
            lacking => format!("; the token lacks {}", lacking.join(", ")),
        };
        format!("{needed}; App Review grants them to the app{lacking}")
    }
}

fn ask_as_the_app(store: &str) -> String {
    format!("put app_id and app_secret into {store}, to ask as the app; the token job fails without")
}

/// Whether the token is known to be without a permission.
pub(crate) fn lacks(scopes: &[String], scope: &str) -> bool {
    !scopes.is_empty() && !scopes.iter().any(|granted| granted == scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(call: Call, code: i64, subcode: Option<i64>, scopes: &[&str]) -> String {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let advice = Advice { store: "the secret", scopes: &scopes, version: "v26.0" };
        let kind = if matches!(code, 100 | 110) { Kind::NotFound } else { Kind::Permission };
        advice.about(call, &Failure { code: Some(code), subcode, ..Failure::new(kind, "") })
    }

    #[test]
    fn a_refusal_names_the_permission_or_the_feature_and_what_the_token_lacks() {
        insta::assert_snapshot!([
            about(Call::Account, 10, None, &["instagram_basic"]),
            about(Call::Account, 10, None, &[]),
            about(Call::Hashtag, 10, None, &["pages_read_engagement"]),
            about(Call::Hashtag, 368, None, &[]),
            about(Call::Token, 10, None, &[]),
            about(Call::Account, 100, Some(33), &["instagram_basic", "instagram_manage_insights", "pages_read_engagement"]),
            about(Call::Hashtag, 100, None, &[]),
            about(Call::Account, 110, Some(2_207_013), &[]),
        ].join("\n"), @"
        accounts need a token of Facebook Login with instagram_basic, instagram_manage_insights, pages_read_engagement; App Review grants them to the app; the token lacks instagram_manage_insights, pages_read_engagement
        accounts need a token of Facebook Login with instagram_basic, instagram_manage_insights, pages_read_engagement; App Review grants them to the app
        hashtags need instagram_basic and the feature Instagram Public Content Access; App Review grants them to the app; the token lacks instagram_basic
        the API blocks the app or the user for its behaviour: stop the schedules, and read the app's dashboard and the vendor's mail
        put app_id and app_secret into the secret, to ask as the app; the token job fails without
        look at ig_user_id and [topic]; accounts need a token of Facebook Login with instagram_basic, instagram_manage_insights, pages_read_engagement; App Review grants them to the app
        a mapped field may not exist here: `luxury-brands check --api-version v26.0` asks for each; else look at [topic] and at ig_user_id
        look at [topic] and at ig_user_id
        ");
    }
}
