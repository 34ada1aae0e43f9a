//! Takes secrets out of everything that leaves the process (each log line, the response and the error) and
//! out of the API's answers, since records are made of those. The API's error texts quote a malformed
//! token, its paging links hold a valid one, and S3's errors repeat the session token.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use aws_smithy_types::base64;
use memchr::{memchr3_iter, memmem};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "REDACTED";

/// A shorter secret, in bytes, is left alone: a test's `y` would take every `y` out of the log. Tokens have
/// about 200 bytes, an app's secret 32, AWS's keys 40.
const SHORTEST: usize = 8;

/// The secrets that the process has or had.
#[derive(Default)]
pub struct Redactor(RwLock<Vec<Known>>);

/// A secret and its forms in base64.
struct Known {
    secret: Vec<u8>,
    /// One form for each offset in a group of three bytes, since the bytes before the secret change it.
    base64: Vec<Vec<u8>>,
}

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
        if secret.len() >= SHORTEST && !known.iter().any(|k| k.secret == secret) {
            known.push(Known { secret: secret.to_owned(), base64: in_base64(secret) });
        }
    }

    /// `text` without the secrets, in each of their spellings: plain, as JSON escapes (of JSON inside JSON
    /// too), percent-encoded and in base64.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redacted(text.as_bytes()) {
            // Only whole characters are taken out.
            Some(clean) => String::from_utf8_lossy(&clean).into_owned().into(),
            None => text.into(),
        }
    }

    /// [`redact`](Self::redact), for bytes that may not be text.
    pub fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.redacted(&bytes).unwrap_or(bytes)
    }

    /// `None` where nothing has to be taken out.
    fn redacted(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean: Option<Vec<u8>> = None;
        for Known { secret, base64 } in &*known {
            let next = |text: &[u8], from: usize| find(text, from, secret);
            clean = without(clean.as_deref().unwrap_or(bytes), next).or(clean);
            for encoded in base64 {
                let next = |text: &[u8], from: usize| {
                    let start = from + memmem::find(text.get(from..)?, encoded)?;
                    Some(start..start + encoded.len())
                };
                clean = without(clean.as_deref().unwrap_or(bytes), next).or(clean);
            }
        }
        clean
    }
}

/// `bytes` without the parts that `found` finds; `None` where it finds none. `found` returns the next part
/// after a position.
fn without(bytes: &[u8], found: impl Fn(&[u8], usize) -> Option<Range<usize>>) -> Option<Vec<u8>> {
    let mut next = Some(found(bytes, 0)?);
    let mut clean = Vec::with_capacity(bytes.len());
    let mut from = 0;
    while let Some(range) = next {
        clean.extend_from_slice(bytes.get(from..range.start).unwrap_or_default());
        clean.extend_from_slice(REDACTED.as_bytes());
        from = range.end;
        next = found(bytes, from);
    }
    clean.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Some(clean)
}

/// The characters of base64 that depend on `secret` alone, after 0, 1 and 2 other bytes, in both alphabets.
fn in_base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let after = |before: usize| {
        let encoded = base64::encode([&vec![0; before], secret].concat());
        // A character holds six bits. The first and the last one may share theirs with a neighbour.
        let (first, last) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
        encoded.get(first..last).unwrap_or_default().to_owned()
    };
    let standard = [0, 1, 2].map(after);
    let url_safe = standard.each_ref().map(|text| text.replace('+', "-").replace('/', "_"));
    let mut texts: Vec<Vec<u8>> = standard.into_iter().chain(url_safe).map(String::into_bytes).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// The next range of `body` that is `secret`.
fn find(body: &[u8], from: usize, secret: &[u8]) -> Option<Range<usize>> {
    let rest = body.get(from..)?;
    memchr3_iter(*secret.first()?, b'\\', b'%', rest).find_map(|at| {
        let length = length(rest.get(at..)?, secret)?;
        Some(from + at..from + at + length)
    })
}

/// The length of `secret` at the start of `text`; `None` where it does not start with it.
fn length(text: &[u8], secret: &[u8]) -> Option<usize> {
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    secret.iter().try_fold(0, |at, byte| Some(at + spelling(text.get(at..)?, *byte)?))
}

/// The most backslashes before an escaped character. JSON inside JSON has 2, and another JSON around it 4.
const MOST_BACKSLASHES: usize = 8;

/// The length of the ASCII character `byte` at the start of `text`; `None` where it does not start with it.
fn spelling(text: &[u8], byte: u8) -> Option<usize> {
    let is_code = |digits: &[u8]| {
        let code = std::str::from_utf8(digits).ok().and_then(|d| u32::from_str_radix(d, 16).ok());
        code == Some(byte.into())
    };
    let backslashes = text.iter().take(MOST_BACKSLASHES).take_while(|b| **b == b'\\').count();
    match text.get(backslashes..).filter(|_| backslashes > 0) {
        Some([b'u', a, b, c, d, ..]) if is_code(&[*a, *b, *c, *d]) => return Some(backslashes + 5),
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
    use proptest::prelude::*;

    use super::*;

    fn knowing(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    #[test]
    fn every_secret_is_taken_out_wherever_it_stands() {
        let redactor = knowing(&["abcabcab", "", "zz99zz99"]);
        assert_eq!(redactor.redact("abcabcab, xabcabcababcabcabx zz99zz99"), "REDACTED, xREDACTEDREDACTEDx REDACTED");
        assert_eq!(redactor.redact("nothing"), "nothing");
        assert_eq!(redactor.redact_bytes(b"\xffabcabcab".to_vec()), b"\xffREDACTED");
        assert_eq!(format!("{redactor:?}"), "Redactor(..)");
    }

    #[test]
    fn what_is_too_short_to_be_a_secret_is_left_alone() {
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

    proptest! {
        #[test]
        fn a_secret_is_known_in_base64_wherever_it_stands_in_the_encoded_text(
            secret in "[ -~]{8,60}", before in prop::collection::vec(any::<u8>(), 0..9), after in "[ -~]{0,9}",
        ) {
            let encoded = base64::encode([&before[..], secret.as_bytes(), after.as_bytes()].concat());
            let redactor = knowing(&[&secret]);
            for text in [encoded.clone(), encoded.replace('+', "-").replace('/', "_")] {
                prop_assert!(redactor.redact(&text).contains("REDACTED"), "{} in {}", secret, text);
            }
        }

        #[test]
        fn no_text_panics(secret in any::<String>(), text in any::<String>()) {
            let _ = knowing(&[&secret]).redact(&text);
        }
    }
}
