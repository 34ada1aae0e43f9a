//! The values of a secret as people get them wrong. What is told of one never holds it.

use super::SANDBOX_BUCKET;

/// Words that stand where a token belongs, in small letters and without `-`, `_`, spaces and a `here` at the end.
const PLACEHOLDERS: [&str; 15] = [
    "accesstoken",
    "changeme",
    "longlivedtoken",
    "none",
    "null",
    "paste",
    "putthetoken",
    "replaceme",
    "secret",
    "tbd",
    "thetoken",
    "todo",
    "token",
    "youraccesstoken",
    "yourtoken",
];

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

/// What is wrong with a bucket's name by S3's rules for names; `None` where it may be one.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let is_path = bucket.starts_with(['.', '/', '~']) || bucket.contains(['/', '\\']);
    let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_address = bucket.split('.').count() == 4 && bucket.split('.').all(|part| part.parse::<u8>().is_ok());
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
    let is_good = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|b| is_name(b) || matches!(b, b'.' | b'-'))
        && [bucket.bytes().next(), bucket.bytes().last()].into_iter().flatten().all(is_name)
        && !bucket.contains("..")
        && !is_address;
    (!is_good).then_some(
        "is no name that S3 allows: 3 to 63 of a-z, 0-9, dots and hyphens, with a letter or a digit at each end; local_env means the folder ./local_env",
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
        for token in ["not-a-real-one", "placeholder-old", "EAA0xx1", "4711|abcXYZ", "a\\b\"c", "token1"] {
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
            ("Lux-Raw", "no name that S3 allows"),
            ("lux_raw", "no name that S3 allows"),
            ("ab", "no name that S3 allows"),
            ("-lux", "no name that S3 allows"),
            ("lux-", "no name that S3 allows"),
            ("lux..raw", "no name that S3 allows"),
            ("10.0.0.1", "no name that S3 allows"),
        ] {
            assert!(bucket_problem(bucket).is_some_and(|problem| problem.contains(told)), "{bucket}");
        }
        assert!(bucket_problem(&"a".repeat(64)).is_some());
        for bucket in ["lux-raw", "a.b.c", "111", &"a".repeat(63), "10.0.0.1.x"] {
            assert_eq!(bucket_problem(bucket), None, "{bucket}");
        }
    }
}
