//! Secrets are taken out of what the API answers before anything else sees it: its error texts quote
//! a malformed token, and its paging links hold a good one.

use std::ops::Range;

use memchr::memchr3_iter;

const REDACTED: &[u8] = b"REDACTED";

/// `body` without any of `secrets`, however their characters are written: as they are, as JSON escapes
/// (the API writes `\/`), or percent-encoded (as in a link).
pub(super) fn redact<'a>(mut body: Vec<u8>, secrets: impl Iterator<Item = &'a str>) -> Vec<u8> {
    for secret in secrets.map(str::as_bytes) {
        let mut clean = Vec::new();
        let mut from = 0;
        while let Some(found) = find(&body, from, secret) {
            clean.extend_from_slice(body.get(from..found.start).unwrap_or_default());
            clean.extend_from_slice(REDACTED);
            from = found.end;
        }
        if from > 0 {
            clean.extend_from_slice(body.get(from..).unwrap_or_default());
            body = clean;
        }
    }
    body
}

/// Where `secret` stands next in `body`.
fn find(body: &[u8], from: usize, secret: &[u8]) -> Option<Range<usize>> {
    let rest = body.get(from..)?;
    memchr3_iter(*secret.first()?, b'\\', b'%', rest).find_map(|at| {
        let length = length(rest.get(at..)?, secret)?;
        Some(from + at..from + at + length)
    })
}

/// How much of `text` is `secret`, where it starts with it.
fn length(text: &[u8], secret: &[u8]) -> Option<usize> {
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    secret.iter().try_fold(0, |at, byte| Some(at + spelling(text.get(at..)?, *byte)?))
}

/// How much of `text` is the ASCII character `byte`, where it starts with it.
fn spelling(text: &[u8], byte: u8) -> Option<usize> {
    let is_code = |digits: &[u8]| {
        let code = std::str::from_utf8(digits).ok().and_then(|d| u32::from_str_radix(d, 16).ok());
        code == Some(byte.into())
    };
    match text {
        [b'\\', b'u', a, b, c, d, ..] if is_code(&[*a, *b, *c, *d]) => Some(6),
        [b'\\', escaped @ (b'/' | b'"' | b'\\'), ..] if *escaped == byte => Some(2),
        [b'%', a, b, ..] if is_code(&[*a, *b]) => Some(3),
        [first, ..] if *first == byte => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_taken_out_wherever_it_stands() {
        let secrets = ["abc", "", "zz9"];
        let clean = redact(b"abc, xabcabcx zz9".to_vec(), secrets.into_iter());
        assert_eq!(clean, b"REDACTED, xREDACTEDREDACTEDx REDACTED");
        assert_eq!(redact(b"nothing".to_vec(), secrets.into_iter()), b"nothing");
    }

    #[test]
    fn a_secret_is_known_in_json_escapes_and_percent_encoding() {
        let secrets = ["a/b|c+", "%41"];
        for spelt in [
            r"a/b|c+",
            r"a\/b|c+",
            r"a%2Fb%7Cc%2B",
            r"a%2fb%7cc%2b",
            r"a\u002fb\u007Cc+",
            r"\u0061\/b%7c\u0063\u002B",
            "%41",
            "%2541",
        ] {
            let clean = redact(format!("<{spelt}>").into_bytes(), secrets.into_iter());
            assert_eq!(String::from_utf8(clean).unwrap(), "<REDACTED>", "{spelt}");
        }
        for other in ["a/b|c", r"a\/b|", "a%2", r"a\u00", "%", "\\", "%4", "A"] {
            assert_eq!(redact(other.as_bytes().to_vec(), secrets.into_iter()), other.as_bytes(), "{other}");
        }
    }
}
