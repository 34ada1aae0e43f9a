//! Secrets are taken out of what the API answers before anything else sees it: its error texts quote
//! a malformed token, and its paging links hold a good one.

use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};

const REDACTED: &[u8] = b"REDACTED";

/// `body` without any of `secrets`.
pub(super) fn redact<'a>(mut body: Vec<u8>, secrets: impl Iterator<Item = &'a SecretString>) -> Vec<u8> {
    for secret in secrets {
        let secret = secret.expose_secret().as_bytes();
        if secret.is_empty() || memmem::find(&body, secret).is_none() {
            continue;
        }
        let mut clean = Vec::with_capacity(body.len());
        let mut from = 0;
        for at in memmem::find_iter(&body, secret) {
            clean.extend_from_slice(body.get(from..at).unwrap_or_default());
            clean.extend_from_slice(REDACTED);
            from = at + secret.len();
        }
        clean.extend_from_slice(body.get(from..).unwrap_or_default());
        body = clean;
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_taken_out_wherever_it_stands() {
        let secrets: [SecretString; 3] = ["abc".into(), "".into(), "zz9".into()];
        let clean = redact(b"abc, xabcabcx zz9".to_vec(), secrets.iter());
        assert_eq!(clean, b"REDACTED, xREDACTEDREDACTEDx REDACTED");
        assert_eq!(redact(b"nothing".to_vec(), secrets.iter()), b"nothing");
    }
}
