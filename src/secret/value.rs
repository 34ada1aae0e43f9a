//! The values of a secret as people get them wrong. What is told of one never holds it.

use super::SANDBOX_BUCKET;

/// Words that stand where a token belongs, in small letters and without `-`, `_`, spaces and a `here` at the end.
/// A bare `token` is not among them: stand-ins of the API take it.
const PLACEHOLDERS: [&str; 10] =
    ["changeme", "none", "null", "paste", "putthetoken", "replaceme", "tbd", "todo", "youraccesstoken", "yourtoken"];

/// The quotes that people and word processors put around a value.
const QUOTES: [char; 8] = ['"', '\'', '`', '“', '”', '‘', '’', '„'];

/// What is wrong with an access token or an app's secret; `None` where it may be one.
pub(super) fn token_problem(token: &str) -> Option<&'static str> {
    let word: String = token.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    let word = word.strip_suffix("here").unwrap_or(&word);
    let is_filler = |text: &str| text.chars().all(|c| matches!(c, 'x' | 'X' | '.' | '…' | '*' | '-' | '_' | '?'));
    let is_unfilled = token.starts_with(['<', '$', '{', '[']) || token.ends_with('>');
    if is_unfilled || is_filler(token) || PLACEHOLDERS.contains(&word) {
        return Some("is still the placeholder of an example; put the token itself in its place");
    }
    if token.starts_with(QUOTES) || token.ends_with(QUOTES) {
        return Some("is in quotes, which would be sent as a part of it; take them out");
    }
    if token.contains(char::is_whitespace) {
        return Some("holds white space; it was cut or joined in copying");
    }
    if token.contains(|c: char| !c.is_ascii_graphic()) {
        return Some("holds a character that no token has, perhaps an invisible one; copy it again");
    }
    None
}

/// What is wrong with a bucket's name; `None` where it may be one. Old buckets of us-east-1 have names of up to 255
/// characters, with capital letters and `_`.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(crate) fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let is_path = bucket.starts_with(['.', '/', '~']) || bucket.contains(['/', '\\']);
    if bucket == SANDBOX_BUCKET {
        return Some("is the folder of the sandbox's data; give an S3 bucket, or local_env for the folder ./local_env");
    }
    if bucket.starts_with("s3://") || bucket.starts_with("arn:") {
        return Some(
            "is an address; give the bucket's name alone, such as my-bucket (configure.ini has what follows it)",
        );
    }
    if is_path {
        return Some(
            "is a path; give the name of an S3 bucket, or local_env for the folder ./local_env (in a terminal, --out names another folder)",
        );
    }
    if bucket.starts_with(['<', '$', '{', '[']) || bucket.contains(QUOTES) || bucket.contains(char::is_whitespace) {
        return Some("is a placeholder, or has quotes or spaces; give the bucket's name, or local_env");
    }
    let is_name = (3..=255).contains(&bucket.len())
        && bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    (!is_name).then_some(
        "is no name that S3 allows: letters, digits, dots, hyphens and _, at least 3; local_env means the folder ./local_env",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_where_a_token_belongs_is_named() {
        for token in [
            "PUT-THE-TOKEN-HERE",
            "<its long-lived token>",
            "<token>",
            "xxx",
            "XXXXXXXX",
            "...",
            "****",
            "your_access_token",
            "YOUR-TOKEN-HERE",
            "${TOKEN}",
            "{{ token }}",
            "[token]",
            "changeme",
        ] {
            assert!(token_problem(token).is_some_and(|told| told.contains("placeholder")), "{token}");
        }
        for token in ["\"abc1\"", "'abc1'", "abc1\"", "“abc1”"] {
            assert!(token_problem(token).is_some_and(|told| told.contains("quotes")), "{token}");
        }
        for (token, told) in [("ab c1", "white space"), ("ab\u{200b}c1", "invisible"), ("abc1é", "no token has")] {
            assert!(token_problem(token).is_some_and(|problem| problem.contains(told)), "{token:?}");
        }
    }

    #[test]
    fn what_may_be_a_token_is_taken() {
        for token in ["not-a-real-one", "placeholder-old", "EAA0xx1", "4711|abcXYZ", "a\\b\"c", "token", "secret"] {
            assert_eq!(token_problem(token), None, "{token}");
        }
    }

    #[test]
    fn a_bucket_that_is_none_is_refused_with_what_was_meant() {
        for (bucket, told) in [
            ("./out", "is a path; give the name of an S3 bucket, or local_env"),
            ("out/", "is a path"),
            ("/var/data", "is a path"),
            ("..", "is a path"),
            ("~/out", "is a path"),
            ("C:\\out", "is a path"),
            ("s3://lux-raw/x", "is an address; give the bucket's name alone"),
            ("arn:aws:s3:::lux-raw", "is an address"),
            ("sandbox_env", "is the folder of the sandbox's data"),
            ("<bucket>", "is a placeholder"),
            ("\"lux-raw\"", "quotes"),
            ("ab", "no name that S3 allows"),
            ("lux+raw", "no name that S3 allows"),
            ("été", "no name that S3 allows"),
        ] {
            assert!(bucket_problem(bucket).is_some_and(|problem| problem.contains(told)), "{bucket}");
        }
        for bucket in ["lux-raw", "a.b.c", "111", &"a".repeat(63), "Lux_Raw"] {
            assert_eq!(bucket_problem(bucket), None, "{bucket}");
        }
    }
}
