//! Secrets are taken out of whatever the process says: of each line of the log, of the response and of
//! the error, where they leave; and of what the API answers, since records are made of it. The API's
//! error texts quote a malformed token, its paging links hold a good one, and S3's errors repeat the
//! session token.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use aws_smithy_types::base64;
use memchr::{memchr3_iter, memmem};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "REDACTED";

/// A secret of fewer bytes is left alone: a test's `y` would take every `y` out of the log. Tokens have
/// some 200 bytes, an app's secret 32, AWS's keys 40.
const SHORTEST: usize = 8;

/// The secrets that the process holds or has held.
#[derive(Default)]
pub struct Redactor(RwLock<Vec<Known>>);

/// A secret, and what stands for it in base64.
struct Known {
    secret: Vec<u8>,
    /// By what stands before it in the encoded bytes: each offset in a group of three has its own text.
    base64: Vec<Vec<u8>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(..)")
    }
}

impl Redactor {
    /// Knows a secret from now on.
    pub fn add(&self, secret: &str) {
        let secret = secret.as_bytes();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if secret.len() >= SHORTEST && !known.iter().any(|k| k.secret == secret) {
            known.push(Known { secret: secret.to_owned(), base64: in_base64(secret) });
        }
    }

    /// `text` without any of the secrets, however their characters are written: as they are, as JSON
    /// escapes (of JSON inside JSON too), percent-encoded or in base64.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redacted(text.as_bytes()) {
            // What is taken out is whole characters.
            Some(clean) => String::from_utf8_lossy(&clean).into_owned().into(),
            None => text.into(),
        }
    }

    /// [`redact`](Self::redact), for bytes that may be no text.
    pub fn redact_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.redacted(&bytes).unwrap_or(bytes)
    }

    /// `None` where nothing is to be taken out.
    fn redacted(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean: Option<Vec<u8>> = None;
        for Known { secret, base64 } in &*known {
            let written = |text: &[u8], from: usize| find(text, from, secret);
            clean = without(clean.as_deref().unwrap_or(bytes), written).or(clean);
            for encoded in base64 {
                let written = |text: &[u8], from: usize| {
                    let start = from + memmem::find(text.get(from..)?, encoded)?;
                    Some(start..start + encoded.len())
                };
                clean = without(clean.as_deref().unwrap_or(bytes), written).or(clean);
            }
        }
        clean
    }
}

/// `bytes` without what `found` finds from a place on; `None` where it finds nothing.
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

/// The characters of base64 that `secret` alone decides, after 0, 1 and 2 bytes of something else, in
/// both alphabets.
fn in_base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let after = |before: usize| {
        let encoded = base64::encode([&vec![0; before], secret].concat());
        // A character holds six bits: the first and the last ones may share theirs with a neighbour.
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

/// Backslashes before an escaped character at most: JSON inside JSON has 2, another JSON around it 4.
const MOST_BACKSLASHES: usize = 8;

/// How much of `text` is the ASCII character `byte`, where it starts with it.
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
