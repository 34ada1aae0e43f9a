//! What a failed call proves. A code means one thing for one call and another for the next.

use super::call::Call;
use super::error::{Failure, Kind};
use crate::diagnosis::Diagnosis;
use crate::secret::Credentials;
use crate::version;

/// The failure of `call`, sent with `credentials` to the API's `version`, with what it proves. `status` is that of the
/// response.
pub(super) fn diagnosed(
    mut failure: Failure,
    call: &Call<'_>,
    credentials: &Credentials,
    version: &str,
    status: u16,
) -> Failure {
    if let Some((kind, diagnosis)) = by_the_call(&failure, call, credentials) {
        return Failure { kind, diagnosis, ..failure };
    }
    failure.diagnosis = match (failure.kind, failure.code, failure.subcode) {
        (Kind::Transient, None, _) if status == 200 => Diagnosis::NotTheApi,
        (Kind::Transient, ..) => Diagnosis::ApiFault,
        (Kind::Token, _, subcode) => Diagnosis::of_a_refused_token(subcode),
        (Kind::Permission, Some(4 | 368), _) => Diagnosis::Blocked,
        (Kind::Permission | Kind::NotFound, Some(_), _) if matches!(call, Call::DebugToken) => {
            Diagnosis::TokenStateNotPermitted
        }
        (Kind::Permission, Some(_), _) if call.is_about_hashtags() => Diagnosis::HashtagsNotPermitted,
        (Kind::Permission, Some(_), _) => Diagnosis::AccountsNotPermitted,
        (Kind::NotFound, Some(100), None) if call.requests_fields() => Diagnosis::UnnamedField,
        (Kind::NotFound, Some(_), _) if call.is_about_hashtags() => Diagnosis::HashtagNotThere,
        (Kind::NotFound, Some(_), _) => Diagnosis::AccountNotThere,
        (Kind::Unexpected, Some(2_500), _) if version::is_unknown(version) => Diagnosis::VersionUnknown,
        (Kind::Unexpected, None, _) if (300..400).contains(&status) => Diagnosis::Redirected,
        _ => failure.diagnosis,
    };
    failure
}

/// The kind and the cause of a failure that the code does not decide without the call and what it sent.
fn by_the_call(failure: &Failure, call: &Call<'_>, credentials: &Credentials) -> Option<(Kind, Diagnosis)> {
    let names = |text: &str| failure.message.contains(text);
    let is_as_the_app = matches!(call, Call::DebugToken) && credentials.app.is_some();
    Some(match (failure.code?, failure.subcode) {
        (18, _) if matches!(call, Call::HashtagSearch(_)) => (Kind::HashtagQuota, Diagnosis::HashtagQuota),
        (100, _) if names("appsecret_proof") && credentials.app.is_none() => (Kind::SetUp, Diagnosis::ProofMissing),
        (100, _) if names("appsecret_proof") => (Kind::SetUp, Diagnosis::AppSecretWrong),
        (100, _) if names("input_token") => (Kind::SetUp, Diagnosis::OtherApp),
        (100, _) if names("(business_discovery)") => (Kind::SetUp, Diagnosis::UserIdWrong),
        (803, _) if names(&credentials.ig_user_id) => (Kind::SetUp, Diagnosis::UserNotVisible),
        (100, Some(33)) if names(&credentials.ig_user_id) => (Kind::NotFound, Diagnosis::UserNotVisible),
        (190, _) if is_as_the_app => (Kind::SetUp, Diagnosis::AppRefused),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::error::ApiError;
    use crate::topic::{HashtagId, HashtagName, Username};

    const USER_ID: &str = "17841400000000001";

    /// What a response proves: `error` is the API's code, subcode and message.
    fn proven(call: Call<'_>, has_app: bool, error: (i64, Option<i64>, &str)) -> (Kind, Diagnosis) {
        let (code, error_subcode, message) = error;
        let app = has_app.then(|| crate::secret::App { id: "9".into(), secret: "s".into() });
        let credentials = Credentials { ig_user_id: USER_ID.into(), access_token: "t".into(), app };
        let error = ApiError { code: Some(code), error_subcode, message: message.into(), ..ApiError::default() };
        let failure = Failure::from_response(Some(&error), 400, "");
        let Failure { kind, diagnosis, .. } = diagnosed(failure, &call, &credentials, "v26.0", 400);
        (kind, diagnosis)
    }

    #[test]
    fn a_message_that_names_what_the_caller_sent_blames_the_secret_and_not_the_topic() {
        let (name, hashtag) = (Username::new("dior").unwrap(), HashtagName::new("dior").unwrap());
        let account = Call::BusinessDiscovery {
            username: &name,
            profile: &["id"],
            media: &["id", "caption"],
            limit: 1,
            after: None,
        };
        let proof = "Invalid appsecret_proof provided in the API argument";
        let node = "(#100) Tried accessing nonexisting field (business_discovery) on node type (User)";
        let alias = format!("(#803) Some of the aliases you requested do not exist: {USER_ID}");
        let object = format!("Unsupported get request. Object with ID '{USER_ID}' does not exist");
        let other_app = "(#100) The App_id in the input_token did not match the Viewing App";
        let signature = "Invalid OAuth access token signature.";
        for (call, has_app, error, expected) in [
            (account, true, (100, None, proof), (Kind::SetUp, Diagnosis::AppSecretWrong)),
            (account, false, (100, None, proof), (Kind::SetUp, Diagnosis::ProofMissing)),
            (Call::HashtagSearch(&hashtag), true, (100, None, proof), (Kind::SetUp, Diagnosis::AppSecretWrong)),
            (account, false, (100, None, node), (Kind::SetUp, Diagnosis::UserIdWrong)),
            (account, false, (803, None, &alias), (Kind::SetUp, Diagnosis::UserNotVisible)),
            (account, false, (803, None, "(#803) dior"), (Kind::NotFound, Diagnosis::AccountNotThere)),
            (account, false, (100, Some(33), &object), (Kind::NotFound, Diagnosis::UserNotVisible)),
            (Call::DebugToken, true, (100, None, other_app), (Kind::SetUp, Diagnosis::OtherApp)),
            (Call::DebugToken, true, (190, None, signature), (Kind::SetUp, Diagnosis::AppRefused)),
            (Call::DebugToken, false, (190, None, signature), (Kind::Token, Diagnosis::TokenRefused)),
            (account, true, (190, Some(463), "expired"), (Kind::Token, Diagnosis::TokenExpired)),
        ] {
            assert_eq!(proven(call, has_app, error), expected, "{error:?}");
        }
    }

    #[test]
    fn a_code_is_read_with_its_call() {
        let (name, hashtag, id) =
            (Username::new("dior").unwrap(), HashtagName::new("dior").unwrap(), HashtagId::new("17").unwrap());
        let media: &[&str] = &["id", "caption"];
        let account = Call::BusinessDiscovery { username: &name, profile: &["id"], media, limit: 1, after: None };
        let only_id =
            Call::BusinessDiscovery { username: &name, profile: &["id"], media: &["id"], limit: 1, after: None };
        let recent = Call::RecentMedia { hashtag: &id, media, limit: 1, after: None };
        let unnamed = (100, None, "(#100) Please read documentation for supported fields.");
        for (call, error, expected) in [
            (account, unnamed, Diagnosis::UnnamedField),
            (only_id, unnamed, Diagnosis::AccountNotThere),
            (recent, (24, Some(2_207_024), ""), Diagnosis::HashtagNotThere),
            (account, (110, Some(2_207_013), ""), Diagnosis::AccountNotThere),
            (account, (10, None, ""), Diagnosis::AccountsNotPermitted),
            (recent, (10, None, ""), Diagnosis::HashtagsNotPermitted),
            (Call::SearchedHashtags, (10, None, ""), Diagnosis::HashtagsNotPermitted),
            (Call::DebugToken, (10, None, ""), Diagnosis::TokenStateNotPermitted),
            (account, (368, None, ""), Diagnosis::Blocked),
            (account, (4, Some(2_207_051), ""), Diagnosis::Blocked),
            (Call::HashtagSearch(&hashtag), (18, None, ""), Diagnosis::HashtagQuota),
            (recent, (18, None, ""), Diagnosis::Throttled),
            (account, (1, None, ""), Diagnosis::ApiFault),
            (account, (2_500, None, ""), Diagnosis::UnknownCode),
        ] {
            assert_eq!(proven(call, false, error).1, expected, "{call:?} {error:?}");
        }
    }

    #[test]
    fn a_response_without_an_error_of_the_api_is_read_by_its_status() {
        let credentials = Credentials { ig_user_id: USER_ID.into(), access_token: "t".into(), app: None };
        let of = |status, version| {
            let error = (status == 400).then(|| ApiError { code: Some(2_500), ..ApiError::default() });
            let failure = Failure::from_response(error.as_ref(), status, "no error body of the API");
            diagnosed(failure, &Call::SearchedHashtags, &credentials, version, status).diagnosis
        };
        let expected = [
            (200, Diagnosis::NotTheApi),
            (302, Diagnosis::Redirected),
            (403, Diagnosis::Forbidden),
            (404, Diagnosis::NotThere),
            (418, Diagnosis::UnknownCode),
            (429, Diagnosis::Throttled),
            (503, Diagnosis::ApiFault),
            (400, Diagnosis::VersionUnknown),
        ];
        for (status, expected) in expected {
            assert_eq!(of(status, "v99.0"), expected, "{status}");
        }
    }
}
