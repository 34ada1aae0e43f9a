//! The one table of causes: what is seen, what it proves, and the next step. The commands and the log take their advice
//! from it; docs/failures.md repeats it.

use std::borrow::Cow;

use strum::{IntoStaticStr, VariantArray};

/// What a failure proves. The names stay the same over versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Diagnosis {
    // No usable response.
    /// Nothing accepts connections at the address.
    Refused,
    /// The host name does not resolve.
    UnknownHost,
    /// The TLS certificate is not trusted.
    Certificate,
    /// The certificate of the server is that of a CA.
    CertificateOfCa,
    /// The proxy refuses to connect.
    ProxyRefuses,
    /// The proxy needs a login.
    ProxyLogin,
    /// There is no connection to the proxy.
    ProxyUnreachable,
    /// The connection broke, or there was no whole response in time.
    NoResponse,
    /// The API says that it has a fault.
    ApiFault,
    /// A 200 that is not the API's JSON.
    NotTheApi,
    // The caller's limits.
    /// A limit of calls is reached.
    Throttled,
    /// The usage is near the limit.
    NearLimit,
    /// The allowed number of hashtags has been searched for.
    HashtagQuota,
    // The version.
    /// The API has ended the version.
    VersionEnded,
    /// The API does not know the version.
    VersionUnknown,
    /// The version has ended or is about to end, and there is a newer one that was tested.
    VersionOld,
    /// The version is about to end, and no newer one was tested.
    VersionUntested,
    // The token.
    /// Subcode 463.
    TokenExpired,
    /// Subcode 460.
    PasswordChanged,
    /// Subcode 458.
    AppRemoved,
    /// Subcodes 459 and 464.
    LoginNeeded,
    /// Subcode 492.
    NoPageRole,
    /// Refused without a subcode that says why.
    TokenRefused,
    /// The token or its access to data has expired or is about to.
    TokenEnds,
    // The keys of the secret.
    /// The app requires a proof.
    ProofMissing,
    /// The proof does not fit the token.
    AppSecretWrong,
    /// The app is refused.
    AppRefused,
    /// The token was made by another app.
    OtherApp,
    /// The id is not that of an Instagram user of Facebook Login.
    UserIdWrong,
    /// The caller's user is not there, or not visible.
    UserNotVisible,
    // Permissions.
    /// A block for behaviour.
    Blocked,
    /// Profiles are not permitted.
    AccountsNotPermitted,
    /// Hashtags are not permitted.
    HashtagsNotPermitted,
    /// The token is known to lack a permission.
    PermissionMissing,
    /// Profiles are not permitted, although the token has every permission.
    ReviewMissing,
    /// Hashtags are not permitted, although the token has the permission.
    HashtagFeatureMissing,
    /// The token's state is not shown to the token itself.
    TokenStateNotPermitted,
    /// HTTP 401 or 403 without the API's error.
    Forbidden,
    // Topics and fields.
    /// A response for an account has another id.
    OtherAccount,
    /// The account is not there.
    AccountNotThere,
    /// The hashtag is not there.
    HashtagNotThere,
    /// A topic that existed no longer does.
    NoLongerThere,
    /// The API does not say what is not there.
    NotThere,
    /// A profile or media are missing in a response.
    IncompleteResponse,
    /// A call with several fields is refused, and no field is named.
    UnnamedField,
    /// A field is named.
    UnknownField,
    // Responses and runs.
    /// More records than were requested.
    TooManyRecords,
    /// The records exceed the memory.
    Memory,
    /// The response is larger than the limit.
    TooLarge,
    /// A redirect.
    Redirected,
    /// A code that is not in the table of codes.
    UnknownCode,
    /// The time is over.
    OutOfTime,
    /// A person ended the run.
    Interrupted,
    /// The configuration lists no topics for the job.
    NoTopics,
    /// The responses hold no record.
    NoRecords,
    // The set-up.
    /// The event cannot be run.
    Event,
    /// There is no secret.
    NoSecret,
    /// The secret cannot be used.
    Secret,
    /// The configuration cannot be used.
    Configuration,
    // AWS, or the store that replaces it.
    /// No AWS region.
    NoRegion,
    /// No AWS credentials.
    NoCredentials,
    /// The AWS credentials are not found in time.
    CredentialsLate,
    /// The login of AWS single sign-on has ended.
    SsoExpired,
    /// The source of the AWS credentials fails.
    CredentialsUnusable,
    /// The AWS credentials are refused.
    CredentialsRefused,
    /// The clock is wrong.
    ClockWrong,
    /// The endpoint is no URL, or cannot be combined with other settings.
    EndpointMalformed,
    /// Nothing accepts connections at the endpoint.
    EndpointRefused,
    /// The endpoint's host name does not resolve.
    EndpointUnknown,
    /// The endpoint's certificate is not trusted.
    EndpointCertificate,
    /// The bucket does not exist.
    NoBucket,
    /// The bucket is in another region.
    OtherRegion,
    /// The folder cannot be written.
    Folder,
    /// The store does not permit the object.
    StoreDenied,
    /// The bucket or the folder cannot be used.
    Store,
}

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is seen.
    pub seen: &'static str,
    /// The cause that it proves, or the causes that it does not distinguish.
    pub cause: &'static str,
    /// What to do next, and the page that explains it. It never names the command that printed it.
    pub next: Cow<'static, str>,
}

impl Diagnosis {
    /// The name in docs/failures.md.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the address of the API may be wrong.
    pub const fn is_of_the_address(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::UnknownHost
                | Self::Certificate
                | Self::CertificateOfCa
                | Self::ProxyRefuses
                | Self::ProxyLogin
                | Self::ProxyUnreachable
                | Self::NoResponse
                | Self::NotTheApi
                | Self::Forbidden
                | Self::NotThere
                | Self::TooManyRecords
                | Self::TooLarge
                | Self::Redirected
        )
    }

    /// What the subcode of a refused token proves.
    pub const fn of_a_refused_token(subcode: Option<i64>) -> Self {
        match subcode {
            Some(463 | 467) => Self::TokenExpired,
            Some(460) => Self::PasswordChanged,
            Some(458) => Self::AppRemoved,
            Some(459 | 464) => Self::LoginNeeded,
            Some(492) => Self::NoPageRole,
            _ => Self::TokenRefused,
        }
    }

    /// The cause and the next step in one sentence.
    pub fn sentence(self) -> String {
        self.sentence_about(None)
    }

    /// The same, with the address or the version that the cause is about.
    pub fn sentence_about(self, about: Option<&str>) -> String {
        format!("{}; next step: {}", self.cause_about(about), self.row().next)
    }

    /// The cause, with the address or the version that it is about.
    pub fn cause_about(self, about: Option<&str>) -> String {
        let about = about.map_or_else(String::new, |about| format!(" ({about})"));
        format!("{}{about}", self.row().cause)
    }

    /// The heading in docs/troubleshooting.md, which has the most likely mistakes of a first run.
    const fn heading(self) -> Option<&'static str> {
        Some(match self {
            Self::UserIdWrong | Self::UserNotVisible => "wrong-instagram-user-id",
            Self::TokenExpired | Self::TokenRefused | Self::TokenEnds => "expired-or-short-lived-token",
            Self::AccountNotThere => "personal-account",
            Self::AccountsNotPermitted
            | Self::HashtagsNotPermitted
            | Self::PermissionMissing
            | Self::ReviewMissing
            | Self::HashtagFeatureMissing => "missing-permission",
            Self::ProofMissing | Self::AppSecretWrong | Self::AppRefused | Self::OtherApp => "wrong-app-secret",
            Self::VersionEnded | Self::VersionOld => "ended-version",
            Self::NoRegion => "no-region",
            Self::NoBucket => "no-bucket",
            Self::ClockWrong => "wrong-clock",
            Self::Certificate
            | Self::EndpointCertificate
            | Self::ProxyRefuses
            | Self::ProxyLogin
            | Self::ProxyUnreachable => "proxy",
            _ => return None,
        })
    }

    /// The row of the table.
    pub fn row(self) -> Row {
        let (seen, cause, next) = match self {
            Self::Refused => (
                "a call without a response: connection refused",
                "nothing accepts connections at this address",
                "correct [API] end_point, or start what listens there",
            ),
            Self::UnknownHost => (
                "a call without a response: the host name does not resolve",
                "the host name is wrong, or this network does not resolve it; the error does not say which",
                "compare [API] end_point with https://graph.facebook.com/{VERSION}, then resolve the name from this network",
            ),
            Self::Certificate => (
                "a call without a response: the TLS certificate is not trusted",
                "a proxy that inspects TLS has its own certificate, or the address is not that of the API",
                "name the proxy's root certificate in SSL_CERT_FILE (PEM), or correct [API] end_point",
            ),
            Self::CertificateOfCa => (
                "a request without a response: the server's TLS certificate has CA:TRUE",
                "the server uses the certificate of a CA, which is not allowed",
                "give the server a certificate with CA:FALSE, signed by that CA or by itself",
            ),
            Self::ProxyRefuses => (
                "a request without a response: the proxy refuses CONNECT, with HTTP 403 or another status",
                "the proxy does not allow this host",
                "allow the host at the proxy, or add it to NO_PROXY",
            ),
            Self::ProxyLogin => (
                "a request without a response: the proxy responds to CONNECT with HTTP 407",
                "the proxy needs a user and a password",
                "set HTTPS_PROXY=http://user:password@host:port, or add the host of the request to NO_PROXY",
            ),
            Self::ProxyUnreachable => (
                "a request without a response: no connection to the proxy",
                "the proxy's address is wrong, or the proxy does not run; the error does not say which",
                "correct HTTPS_PROXY, or start what listens there",
            ),
            Self::NoResponse => (
                "a call without a whole response in time, or a broken connection",
                "the network, a proxy or the API is slow or broken; the error does not say which",
                "none if the next run succeeds; if it lasts, request the address in the message from the same network",
            ),
            Self::ApiFault => (
                "HTTP 5xx or 408; code 1, 2, -1 or -2; `is_transient`",
                "the API has a temporary fault, or the response was too large for it",
                "none if the next run succeeds; if it lasts, read Meta's status page, then lower [limits] media_per_account or media_per_hashtag",
            ),
            Self::NotTheApi => (
                "HTTP 200 with a body that is not the API's JSON",
                "a proxy or another server responds in place of the API, or the API cut its response",
                "request the address in the message by hand, and correct [API] end_point if it is not the API's",
            ),
            Self::Throttled => (
                "code 4, 17, 18, 32, 341, 613 or 80001 to 80014; HTTP 429",
                "this app or user has made as many calls as the API allows; other programs that use them count too",
                "start no run by hand, since calls prolong it; if it recurs, run less often or follow fewer topics (`luxury-brands plan`)",
            ),
            Self::NearLimit => (
                "a usage header of 95 % or more",
                "this app or user has nearly used the calls that the API allows",
                "run less often or follow fewer topics (`luxury-brands plan`), and find who else calls as this app and user",
            ),
            Self::HashtagQuota => (
                "code 18 for a search",
                "this user has searched for as many hashtags in 7 days as are allowed",
                "follow fewer hashtags, find who else searches as this user, or pin known ids in [hashtag_id]",
            ),
            Self::VersionEnded => {
                ("code 2635", "the API has ended the requested version", "set [API] version to a supported one")
            }
            Self::VersionUnknown => (
                "code 2500 for a version that is not in docs/versions.md",
                "the API does not know the requested version",
                "set [API] version = v26.0, the newest version tested",
            ),
            Self::VersionOld => (
                "an [API] version before v26.0 that has ended or is about to end",
                "Meta ends each version two years or more after its release",
                "compare it with `luxury-brands check --api-version v26.0`, then set [API] version = v26.0, the newest version tested",
            ),
            Self::VersionUntested => (
                "an [API] version from v26.0 on that is about to end, or is not in docs/versions.md",
                "this program was not tested with a newer version",
                "read Meta's changelog, then compare with `luxury-brands check --api-version <version>`",
            ),
            Self::TokenExpired => (
                "code 190, subcode 463 or 467",
                "the access token has expired",
                "make a new long-lived token and put it into the secret",
            ),
            Self::PasswordChanged => (
                "code 190, subcode 460",
                "the user's password was changed, or Meta ended the session",
                "make a new long-lived token and put it into the secret (docs/tokens.md)",
            ),
            Self::AppRemoved => (
                "code 190, subcode 458",
                "the user has removed the app",
                "log in to the app again, then put the new long-lived token into the secret (docs/tokens.md)",
            ),
            Self::LoginNeeded => (
                "code 190, subcode 459 or 464",
                "Meta wants the user to log in or to confirm the account",
                "log in at facebook.com as that user; if the token is still refused, make a new one (docs/tokens.md)",
            ),
            Self::NoPageRole => (
                "code 190, subcode 492",
                "the user has no role on the Page that the Instagram account is linked to",
                "give the user a role on the Page, then make a new long-lived token",
            ),
            Self::TokenRefused => (
                "code 190 or 102 without a subcode above; `is_valid` false",
                "the access token is wrong, expired or revoked; the API does not say which",
                "make a new long-lived token and put it into the secret",
            ),
            Self::TokenEnds => (
                "`expires_at` or `data_access_expires_at` of `debug_token` is past or less than 7 days ahead",
                "the access token or its access to data has expired or is about to",
                "make a new long-lived token and put it into the secret",
            ),
            Self::ProofMissing => (
                "code 100 that names `appsecret_proof`, for a secret without app_id and app_secret",
                "the app requires appsecret_proof, which needs its app secret",
                "put app_id and app_secret into the secret",
            ),
            Self::AppSecretWrong => (
                "code 100 that names `appsecret_proof`",
                "app_secret in the secret is not that of the app that made the access token",
                "put the app's own app secret into the secret as app_secret",
            ),
            Self::AppRefused => (
                "code 190 for `debug_token` asked as the app",
                "app_id or app_secret in the secret is wrong; the API does not say which. The access token may be good",
                "copy both from the app's dashboard into the secret",
            ),
            Self::OtherApp => (
                "code 100 that names `input_token`",
                "app_id in the secret is not the app that made the access token",
                "put the id and the secret of that app into the secret, or make a token with this app",
            ),
            Self::UserIdWrong => (
                "code 100 that names the field `business_discovery`",
                "ig_user_id in the secret is not an Instagram user id of Facebook Login; it may be a Facebook user or Page id",
                "put the Page's instagram_business_account id into the secret as ig_user_id",
            ),
            Self::UserNotVisible => (
                "code 803, or 100 with subcode 33, that names the caller's own id",
                "ig_user_id in the secret is wrong, or the access token may not see this user; the API does not say which",
                "put the Page's instagram_business_account id into the secret as ig_user_id; if it is right, make a token that selects this Page",
            ),
            Self::Blocked => (
                "code 368; code 4 with subcode 2207051",
                "Meta blocks the app or the user for its behaviour",
                "stop the schedules, then read the app's dashboard and Meta's mail",
            ),
            Self::AccountsNotPermitted => (
                "code 3, 10 or 200 to 299 for an account",
                "the token lacks a permission, the app lacks its review or is blocked, or the user lacks a role on the Page; the API does not say which",
                "grant instagram_basic, instagram_manage_insights and pages_read_engagement to a token of Facebook Login; read the app's dashboard for its review",
            ),
            Self::HashtagsNotPermitted => (
                "code 3, 10 or 200 to 299 for a hashtag",
                "the token lacks instagram_basic, or the app lacks the feature Instagram Public Content Access; the API does not say which",
                "grant instagram_basic, and request Instagram Public Content Access in the app's review",
            ),
            Self::PermissionMissing => (
                "code 3, 10 or 200 to 299, and a permission that the token does not have",
                "the token lacks a permission that this call needs",
                "grant the permission when making a new long-lived token, and put that into the secret",
            ),
            Self::ReviewMissing => (
                "code 3, 10 or 200 to 299 for an account, and a token with every permission",
                "the app lacks its review or is blocked, or the user lacks a role on the Page; the API does not say which",
                "read the app's dashboard for its review, then give the user a role on the Page",
            ),
            Self::HashtagFeatureMissing => (
                "code 3, 10 or 200 to 299 for a hashtag, and a token with instagram_basic",
                "the app lacks the feature Instagram Public Content Access, or is blocked; the API does not say which",
                "request Instagram Public Content Access in the app's review, and read the app's dashboard",
            ),
            Self::TokenStateNotPermitted => (
                "code 3, 10, 100 or 200 to 299 for `debug_token`",
                "the token may not ask for its own state",
                "put app_id and app_secret into the secret, so that the app asks",
            ),
            Self::Forbidden => (
                "HTTP 401 or 403 without an error of the API",
                "a proxy or a firewall refuses the call, or [API] end_point is not the API's",
                "request the address in the message by hand from the same network",
            ),
            Self::OtherAccount => (
                "a response with another id than [add_user_id] lists",
                "another account has taken over this name, or the listed id is wrong; the response does not say which",
                "open the profile in a browser, then correct the name in [topic] accounts or the id in [add_user_id]",
            ),
            Self::AccountNotThere => (
                "code 110, or code 24, 100 or 803 that does not name the caller, for one account",
                "the account was renamed, is not a professional one, or is age-gated; the API does not say which",
                "open the profile in a browser and check that it is a professional one, then correct or remove the name",
            ),
            Self::HashtagNotThere => (
                "code 24 for a hashtag, or a search that finds none",
                "the hashtag does not exist, or Meta calls it sensitive",
                "correct or remove the hashtag in [topic] hashtags",
            ),
            Self::NoLongerThere => (
                "code 24, 100, 110 or 803 for a topic that responded before in this process",
                "the topic was removed or renamed, or the caller is throttled or has lost a permission; the API does not say which",
                "none if the next run succeeds; otherwise open the topic in a browser, then read the app's dashboard",
            ),
            Self::NotThere => (
                "HTTP 404 without an error of the API",
                "[API] end_point or [API] version is wrong",
                "compare both with docs/configuration.md",
            ),
            Self::IncompleteResponse => (
                "a response without a profile or without media",
                "the account has none, or the API left it out; the response does not say which",
                "none if the next run has it; otherwise open the profile in a browser",
            ),
            Self::UnnamedField => (
                "code 100 without a subcode and without the name of a field, for a call with several fields",
                "a mapped field does not exist in this version, or the topic is not there; the API does not say which",
                "`luxury-brands check --api-version <version>` requests each field by itself",
            ),
            Self::UnknownField => (
                "code 100 with the name of a requested field in parentheses",
                "the field does not exist in this version of the API",
                "remove the field from its mapping or its list in [common], or set an [API] version that has it",
            ),
            Self::TooManyRecords => (
                "a response with more records than were requested",
                "[API] end_point is not the API's, which never sends more",
                "request the address in the message by hand, and correct [API] end_point",
            ),
            Self::Memory => (
                "records that exceed the memory of the run",
                "the responses are larger than usual, or the run follows too many topics for its memory",
                "give the function more memory, or follow fewer topics in one run",
            ),
            Self::TooLarge => (
                "a response of more than 8 MiB",
                "[API] end_point is not the API's, or [limits] media_per_account is too high",
                "request the address in the message by hand; if it is the API's, lower [limits] media_per_account or media_per_hashtag",
            ),
            Self::Redirected => (
                "HTTP 3xx",
                "[API] end_point is not the API's, which never redirects; a network may want a login first",
                "request the address in the message by hand, and correct [API] end_point",
            ),
            Self::UnknownCode => (
                "a code or an HTTP status of no other row",
                "unknown: this program has no rule for it",
                "look the code up in Meta's documentation; give fbtrace_id to Meta's support",
            ),
            Self::OutOfTime => (
                "a topic that is not done 2 s before the deadline",
                "the API is slow, or the time or the processor of the run is too small",
                "if it recurs, raise the function's timeout or memory",
            ),
            Self::Interrupted => (
                "a topic that is not done when a signal ends the run",
                "a signal ended the run",
                "run it again, or repair it with `luxury-brands retry`",
            ),
            Self::NoTopics => (
                "a job without topics",
                "the configuration lists no topics for this job",
                "name some in [topic] accounts or hashtags, or remove the job's schedule",
            ),
            Self::NoRecords => (
                "topics that responded, without a record that can be stored",
                "the accounts or hashtags have no media, or every record was rejected; the log names each rejected one",
                "read the lines of kind `no media` and `records left out` of the run",
            ),
            Self::Event => (
                "`errorType` event",
                "the payload is not an event of this function",
                "correct the event (docs/configuration.md#the-event)",
            ),
            Self::NoSecret => (
                "no secret where SECRET_ID, SECRET_FILE or the default names it",
                "there is no secret yet, or its name is wrong",
                "correct the name, or write a secret with `luxury-brands init`; `--sandbox` needs none",
            ),
            Self::Secret => (
                "`errorType` secret",
                "the secret cannot be read, or a key of it is wrong; the message names it",
                "correct the secret as the message says; no deployment is needed",
            ),
            Self::Configuration => (
                "`errorType` config",
                "the configuration cannot be read, or has faults; the message lists them",
                "correct the configuration as the message says",
            ),
            Self::NoRegion => (
                "no AWS region is set, and the secret or the bucket is in AWS",
                "no AWS region is set: AWS_REGION, AWS_DEFAULT_REGION and the AWS profile have none",
                "set AWS_REGION, or `region` in the AWS profile; `bucket = local_env` in the secret needs none",
            ),
            Self::NoCredentials => (
                "no source of AWS credentials has any",
                "there are no AWS credentials",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; `aws sts get-caller-identity` tries them",
            ),
            Self::CredentialsLate => (
                "no AWS credentials within 5 s",
                "the source of the AWS credentials does not respond within 5 s",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; outside EC2, set AWS_EC2_METADATA_DISABLED=true",
            ),
            Self::SsoExpired => (
                "no AWS credentials, since single sign-on refuses its token or there is none",
                "the login of AWS single sign-on has ended",
                "run `aws sso login`, with the profile of AWS_PROFILE",
            ),
            Self::CredentialsUnusable => (
                "an error of the source of the AWS credentials; the message has it",
                "the AWS credentials cannot be loaded",
                "correct the AWS profile or the variable that the message names; `aws sts get-caller-identity` tries them",
            ),
            Self::CredentialsRefused => (
                "InvalidAccessKeyId, SignatureDoesNotMatch, ExpiredToken and the like",
                "the AWS credentials are refused: the key is unknown, its secret is wrong, or temporary ones have expired; the code says which",
                "set the current key of the user, or log in again",
            ),
            Self::ClockWrong => (
                "RequestTimeTooSkewed; InvalidSignatureException whose message says that the signature has expired or is not yet current",
                "the clock of this machine is wrong by more than AWS accepts",
                "correct the clock",
            ),
            Self::EndpointMalformed => (
                "a request to AWS that cannot be made",
                "the endpoint or the region is malformed, or the endpoint cannot be combined with other settings",
                "correct the variable or the AWS profile, such as AWS_ENDPOINT_URL=http://127.0.0.1:9000; an endpoint of your own excludes AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT",
            ),
            Self::EndpointRefused => (
                "a request to AWS without a response: connection refused",
                "nothing accepts connections at the endpoint",
                "start what listens there, or correct AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 or `endpoint_url` in the AWS profile",
            ),
            Self::EndpointUnknown => (
                "a request to AWS without a response: the host name does not resolve",
                "the endpoint's host name is wrong, or this network does not resolve it; the error does not say which",
                "correct AWS_REGION or the endpoint, then resolve the name from this network",
            ),
            Self::EndpointCertificate => (
                "a request to AWS without a response: the TLS certificate is not trusted",
                "the endpoint's TLS certificate is not trusted, or is for another host name; the message says which",
                "name its root certificate in SSL_CERT_FILE or AWS_CA_BUNDLE (PEM), and call the host by the name in its certificate",
            ),
            Self::NoBucket => (
                "NoSuchBucket, before the first call",
                "the bucket does not exist",
                "create it, or correct `bucket` in the secret",
            ),
            Self::OtherRegion => (
                "a bucket that names another region, before the first call",
                "the bucket is in another region than the one that is set",
                "set AWS_REGION to the bucket's region",
            ),
            Self::Folder => (
                "a folder in which no file can be made, before the first call",
                "the folder cannot be written",
                "run it from a place where the folder can be written, or remove what is in its place",
            ),
            Self::StoreDenied => (
                "AccessDenied for an object",
                "the policy of the credentials or of the bucket, or the key that encrypts it, does not permit the object; the code does not say which",
                "allow s3:PutObject under the locations' folder, quality/ and partial/, and kms:GenerateDataKey if a key of your own encrypts the bucket",
            ),
            Self::Store => (
                "`errorType` store",
                "the bucket or the folder refuses the object; the message has the reason",
                "make it writable as the message says; a run that lost objects can be repeated with the same time",
            ),
        };
        let next = match self.heading() {
            Some(heading) => format!("{next} (docs/troubleshooting.md#{heading})").into(),
            None => next.into(),
        };
        Row { seen, cause, next }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::version::TESTED;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures.md");
    const BEGIN: &str = "<!-- causes: UPDATE_DOCS=1 cargo test the_table_in_docs -->\n";
    const END: &str = "<!-- end of causes -->\n";

    fn table() -> String {
        let row = |diagnosis: &Diagnosis| {
            let Row { seen, cause, next } = diagnosis.row();
            let next = match next.strip_suffix(')').and_then(|next| next.rsplit_once("(docs/")) {
                Some((step, page)) => format!("{step}([docs/{page}]({page}))"),
                None => next.into_owned(),
            };
            format!("| `{}` | {seen} | {cause} | {next} |\n", diagnosis.name())
        };
        let rows: String = Diagnosis::VARIANTS.iter().map(row).collect();
        format!("\n| name | seen | cause | next step |\n| --- | --- | --- | --- |\n{rows}\n")
    }

    #[test]
    fn the_table_in_docs_is_that_of_the_code() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (documented, after) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            return std::fs::write(PAGE, [before, BEGIN, &table(), END, after].concat()).unwrap();
        }
        assert_eq!(documented, table(), "UPDATE_DOCS=1 cargo test the_table_in_docs");
    }

    #[test]
    fn each_row_is_seen_by_itself_and_has_a_cause_and_a_next_step() {
        let mut seen = HashSet::new();
        for diagnosis in Diagnosis::VARIANTS {
            let row = diagnosis.row();
            assert!(seen.insert(row.seen), "{diagnosis:?} looks like another row");
            for text in [row.seen, row.cause, &row.next] {
                assert!(text.len() > 5 && !text.ends_with('.') && !text.contains('|'), "{text}");
            }
        }
    }

    #[test]
    fn no_row_sends_to_the_plain_check_which_prints_it() {
        for diagnosis in Diagnosis::VARIANTS {
            let next = diagnosis.row().next;
            let other = next.replace("luxury-brands check --api-version", "");
            assert!(!other.contains("luxury-brands check"), "{next}");
        }
    }

    #[test]
    fn the_newest_version_tested_is_named() {
        for diagnosis in [Diagnosis::VersionOld, Diagnosis::VersionUnknown] {
            assert!(diagnosis.row().next.contains(&format!("[API] version = {TESTED}, the newest version tested")));
        }
        assert!(Diagnosis::VersionUntested.row().seen.contains(TESTED));
    }
}
