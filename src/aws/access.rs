//! Whether AWS, or the store that replaces it, can be used at all. This is known before the first call to the API, and
//! everything that needs AWS reports it in the same words.

use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::timeout;

use crate::causes::with_causes;
use crate::diagnosis::Diagnosis;
use crate::http;

/// The time limit for finding credentials in any source. It equals the SDK's.
const MAX_CREDENTIALS: Duration = Duration::from_secs(5);

/// The most characters of an error's text that are repeated. The SDK's prints whole requests.
const MAX_DETAIL: usize = 300;

/// A problem that no further try solves.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}; next step: {}", self.cause(), .diagnosis.row().next)]
pub struct AwsProblem {
    /// What is wrong.
    pub diagnosis: Diagnosis,
    /// What the error says.
    pub detail: Option<String>,
}

impl AwsProblem {
    /// The problem that an operation's error proves; `None` if the operation may succeed later.
    pub fn of<E: Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> Option<Self> {
        if let Some(code) = error.code()
            && let Some(diagnosis) = refusal(code, error.message().unwrap_or_default())
        {
            return Some(Self { diagnosis, detail: Some(code.to_owned()) });
        }
        let mut causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
        let proven = causes.find_map(|cause| match cause.downcast_ref::<CredentialsError>() {
            Some(error) => Some(of_credentials(error)),
            None => cause.downcast_ref::<reqwest::Error>().and_then(of_request),
        });
        // The SDK could not make the request.
        let is_unsent = || matches!(error, SdkError::DispatchFailure(failure) if failure.is_other());
        let diagnosis = proven.or_else(|| is_unsent().then_some(Diagnosis::EndpointMalformed))?;
        Some(Self { diagnosis, detail: Some(with_causes(error).chars().take(MAX_DETAIL).collect()) })
    }

    /// What is wrong, with what the error says.
    pub fn cause(&self) -> String {
        let detail = self.detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
        format!("{}{detail}", self.diagnosis.row().cause)
    }

    /// The text of an operation's error: what it proves, or what it says.
    pub fn text<E: Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> String {
        Self::of(error).map_or_else(|| with_causes(error), |problem| problem.to_string())
    }
}

impl From<Diagnosis> for AwsProblem {
    fn from(diagnosis: Diagnosis) -> Self {
        Self { diagnosis, detail: None }
    }
}

/// Checks that a region and credentials are found, within 5 seconds and `limit`. `region` replaces the one of `config`.
///
/// # Errors
/// What is missing.
pub async fn check(config: &SdkConfig, region: Option<&str>, limit: Duration) -> Result<(), AwsProblem> {
    let region = region.or(config.region().map(AsRef::as_ref));
    if region.is_none_or(str::is_empty) {
        return Err(Diagnosis::NoRegion.into());
    }
    let Some(credentials) = config.credentials_provider() else { return Err(Diagnosis::NoCredentials.into()) };
    match timeout(limit.min(MAX_CREDENTIALS), credentials.provide_credentials()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(AwsProblem { diagnosis: of_credentials(&error), detail: Some(shortened(&error)) }),
        Err(_) => Err(Diagnosis::CredentialsLate.into()),
    }
}

/// What a request without a response proves of the endpoint.
fn of_request(error: &reqwest::Error) -> Option<Diagnosis> {
    Some(match http::diagnosis(error) {
        Diagnosis::Refused => Diagnosis::EndpointRefused,
        Diagnosis::UnknownHost => Diagnosis::EndpointUnknown,
        Diagnosis::Certificate => Diagnosis::EndpointCertificate,
        Diagnosis::NoResponse => return None,
        of_the_way => of_the_way,
    })
}

/// The text of the error on one line. The default chain lists each source on a separate line.
fn shortened(error: &CredentialsError) -> String {
    let text = with_causes(error).replace("the credential provider was not enabled: ", "");
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace("Attempted:;", "Attempted:")
}

fn of_credentials(error: &CredentialsError) -> Diagnosis {
    let text = with_causes(error);
    // The types of these errors are private. The last one is the portal's.
    if ["SSO token", "Session token not found or invalid"].iter().any(|part| text.contains(part)) {
        return Diagnosis::SsoExpired;
    }
    match error {
        CredentialsError::CredentialsNotLoaded(_) => Diagnosis::NoCredentials,
        CredentialsError::ProviderTimedOut(_) => Diagnosis::CredentialsLate,
        _ => Diagnosis::CredentialsUnusable,
    }
}

/// What an error's code and message prove, of S3 or Secrets Manager.
fn refusal(code: &str, message: &str) -> Option<Diagnosis> {
    Some(match code {
        "RequestTimeTooSkewed" => Diagnosis::ClockWrong,
        // Every service but S3 has the same code for a wrong clock and for a wrong secret key.
        "InvalidSignatureException"
            if ["Signature expired", "Signature not yet current"].iter().any(|start| message.starts_with(start)) =>
        {
            Diagnosis::ClockWrong
        }
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "NotSignedUp"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "ExpiredTokenException"
        | "InvalidClientTokenId" => Diagnosis::CredentialsRefused,
        "NoSuchBucket" => Diagnosis::NoBucket,
        _ => return None,
    })
}
