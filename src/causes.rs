//! The causes of an error, in words.

/// An error's words and those of its causes. For the AWS SDK's errors too, and not its
/// `DisplayErrorContext`: that one ends in a debug print of the whole answer, and the answer of Secrets
/// Manager is the secret.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
