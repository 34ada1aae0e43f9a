//! Common mistakes in the values of a secret. No message contains a value.

/// The bucket name that means the folder `./local_env`. No new bucket can have it: S3's names contain no `_`.
pub const LOCAL_BUCKET: &str = "local_env";

/// The bucket name that means the folder of the sandbox's data, which is kept separate from real data.
pub const SANDBOX_BUCKET: &str = "sandbox_env";

/// What is wrong with an access token or an app's secret; `None` if it may be one.
pub(super) fn token_problem(token: &str) -> Option<&'static str> {
    if token.starts_with('<') || token == "PUT-THE-TOKEN-HERE" {
        return Some("is still the placeholder of an example; put the token in its place");
    }
    if token.starts_with(['"', '\'']) {
        return Some("is in quotes, which would be sent as a part of it; remove them");
    }
    if token.contains(|c: char| !c.is_ascii_graphic()) {
        return Some("has white space or another character that no token has; copy it again");
    }
    None
}

/// What is wrong with a bucket's name; `None` if it may be one. Old buckets of us-east-1 have names of up to 255
/// characters, with capital letters and `_`.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(crate) fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let is_path = bucket.starts_with('.') || bucket.contains('/');
    if bucket == SANDBOX_BUCKET {
        return Some("is the folder of the sandbox's data; give an S3 bucket, or local_env for the folder ./local_env");
    }
    if bucket.starts_with("arn:") && bucket.contains(":accesspoint") {
        return Some(
            "is the ARN of an access point; give its alias, which ends in -s3alias (`aws s3control get-access-point`), or the bucket's name",
        );
    }
    if bucket.starts_with("s3://") || bucket.starts_with("arn:") {
        return Some(
            "is an address; give only the bucket's name, such as my-bucket (configure.ini has what follows it)",
        );
    }
    if is_path {
        return Some(
            "is a path; give the name of an S3 bucket, or local_env for the folder ./local_env (in a terminal, --out names another folder)",
        );
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
    fn a_value_that_is_no_token_is_refused_with_the_reason() {
        for (token, problem) in [
            ("PUT-THE-TOKEN-HERE", "placeholder"),
            ("<its long-lived token>", "placeholder"),
            ("\"abc1\"", "quotes"),
            ("'abc1'", "quotes"),
            ("ab c1", "white space"),
            ("ab\u{200b}c1", "no token has"),
        ] {
            assert!(token_problem(token).is_some_and(|expected| expected.contains(problem)), "{token:?}");
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
        for (bucket, expected) in [
            ("./out", "is a path; give the name of an S3 bucket, or local_env"),
            ("out/", "is a path"),
            ("/var/data", "is a path"),
            ("..", "is a path"),
            ("s3://lux-raw/x", "is an address; give only the bucket's name"),
            ("arn:aws:s3:::lux-raw", "is an address"),
            ("arn:aws:s3:us-west-2:123456789012:accesspoint/lux", "give its alias, which ends in -s3alias"),
            ("sandbox_env", "is the folder of the sandbox's data"),
            ("<bucket>", "no name that S3 allows"),
            ("\"lux-raw\"", "no name that S3 allows"),
            ("ab", "no name that S3 allows"),
            ("lux+raw", "no name that S3 allows"),
            ("été", "no name that S3 allows"),
        ] {
            assert!(bucket_problem(bucket).is_some_and(|problem| problem.contains(expected)), "{bucket}");
        }
        for bucket in ["lux-raw", "lux-x1y2z3-s3alias", "a.b.c", "111", &"a".repeat(63), "Lux_Raw"] {
            assert_eq!(bucket_problem(bucket), None, "{bucket}");
        }
    }
}
