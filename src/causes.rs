//! The text of an error and its causes.

/// The text of an error and its causes. It replaces the AWS SDK's `DisplayErrorContext`, which ends in a debug print of
/// the whole response. A response of Secrets Manager holds the secret.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
