//! Takes secrets out of everything that leaves the process (each log line, the response and the error) and out of the
//! API's responses, since records are made from them. The API's error texts quote a malformed token, its paging links
//! hold a valid one, and S3's errors repeat the session token.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use memchr::memchr3_iter;

/// The text that replaces a secret.
pub(crate) const REDACTED: &str = "REDACTED";

/// A secret with fewer bytes is not redacted: a test's `y` would remove every `y` from the log. Tokens have about 200
/// bytes, an app's secret 32, AWS's keys 40.
const MIN_SECRET: usize = 8;

/// The secrets that the process has or had.
#[derive(Default)]
pub struct Redactor(RwLock<Vec<Vec<u8>>>);

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(..)")
    }
}

impl Redactor {
    /// Learns a secret.
    pub fn add(&self, secret: &str) {
        let secret = secret.as_bytes();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if secret.len() >= MIN_SECRET && !known.iter().any(|k| k == secret) {
            known.push(secret.to_owned());
        }
    }

    /// `text` without the secrets, in each of their spellings: plain, percent-encoded and as JSON escapes (of
    /// JSON inside JSON too).
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redacted(text.as_bytes()) {
            Some(clean) => String::from_utf8(clean).expect("only whole characters are taken out").into(),
            None => text.into(),
        }
    }

    /// [`redact`](Self::redact), for bytes that may not be text.
    pub fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.redacted(&bytes).unwrap_or(bytes)
    }

    /// `None` if nothing has to be taken out.
    fn redacted(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean: Option<Vec<u8>> = None;
        for secret in &*known {
            clean = without(clean.as_deref().unwrap_or(bytes), secret).or(clean);
        }
        clean
    }
}

/// `bytes` without `secret`; `None` if it is not in them.
fn without(bytes: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let mut next = Some(find(bytes, 0, secret)?);
    let mut clean = Vec::with_capacity(bytes.len());
    let mut from = 0;
    while let Some(range) = next {
        clean.extend_from_slice(bytes.get(from..range.start).expect("it is found after the previous one"));
        clean.extend_from_slice(REDACTED.as_bytes());
        from = range.end;
        next = find(bytes, from, secret);
    }
    clean.extend_from_slice(bytes.get(from..).expect("a secret ends within the bytes"));
    Some(clean)
}

/// The next range of `body` that is `secret`.
fn find(body: &[u8], from: usize, secret: &[u8]) -> Option<Range<usize>> {
    let rest = body.get(from..)?;
    memchr3_iter(*secret.first()?, b'\\', b'%', rest).find_map(|at| {
        let length = length(rest.get(at..)?, secret)?;
        Some(from + at..from + at + length)
    })
}

/// The length of `secret` at the start of `text`; `None` if it does not start with it.
fn length(text: &[u8], secret: &[u8]) -> Option<usize> {
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    secret.iter().try_fold(0, |at, byte| Some(at + spelling(text.get(at..)?, *byte)?))
}

/// The most backslashes before an escaped character. JSON inside JSON has 2, and another JSON around it 4.
const MAX_BACKSLASHES: usize = 8;

/// The length of the ASCII character `byte` at the start of `text`; `None` if it does not start with it.
fn spelling(text: &[u8], byte: u8) -> Option<usize> {
    let is_code = |digits: &[u8]| {
        let code = std::str::from_utf8(digits).ok().and_then(|d| u32::from_str_radix(d, 16).ok());
        code == Some(byte.into())
    };
    let backslashes = text.iter().take(MAX_BACKSLASHES).take_while(|b| **b == b'\\').count();
    match text.get(backslashes..).filter(|_| backslashes > 0) {
        Some([b'u', b'0', b'0', a, b, ..]) if is_code(&[*a, *b]) => return Some(backslashes + 5),
        Some([escaped @ (b'/' | b'"'), ..]) if *escaped == byte => return Some(backslashes + 1),
        _ => {}
    }
    match text {
        [b'\\', b'\\', ..] if byte == b'\\' => Some(2),
        [b'%', a, b, ..] if is_code(&[*a, *b]) => Some(3),
        [first, ..] if *first == byte => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    #[test]
    fn every_secret_is_redacted_anywhere_in_a_text() {
        let redactor = knowing(&["abcabcab", "", "zz99zz99"]);
        assert_eq!(redactor.redact("abcabcab, xabcabcababcabcabx zz99zz99"), "REDACTED, xREDACTEDREDACTEDx REDACTED");
        assert_eq!(redactor.redact("nothing"), "nothing");
        assert_eq!(redactor.redact_bytes(b"\xffabcabcab".to_vec()), b"\xffREDACTED");
        assert_eq!(format!("{redactor:?}"), "Redactor(..)");
    }

    #[test]
    fn a_text_too_short_for_a_secret_is_not_redacted() {
        assert_eq!(knowing(&["y", "sandbox"]).redact("my sandbox"), "my sandbox");
    }

    #[test]
    fn a_secret_is_known_in_json_escapes_and_percent_encoding() {
        let redactor = knowing(&["a/b|c+defg", "%41%41%41"]);
        for spelt in [
            r"a/b|c+defg",
            r"a\/b|c+defg",
            r"a%2Fb%7Cc%2Bdefg",
            r"a%2fb%7cc%2bdefg",
            r"a\u002fb\u007Cc+defg",
            r"\u0061\/b%7c\u0063\u002Bdefg",
            r"a\\/b|c+defg",
            r"\\u0061\\/b|c\\\\u002bdefg",
            "%41%41%41",
            "%2541%2541%2541",
        ] {
            assert_eq!(redactor.redact(&format!("<{spelt}>")), "<REDACTED>", "{spelt}");
        }
        for other in ["a/b|c", r"a\/b|", "a%2", r"a\u00", "%", "\\", "%4", "A"] {
            assert_eq!(redactor.redact(other), other, "{other}");
        }
    }
}
