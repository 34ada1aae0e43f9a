//! Searches for secrets in every spelling, without the collector's own code.

use support::aws::{KEY, SESSION_TOKEN};
use support::harness::{APP_SECRET, NEW_TOKEN, TOKEN};

/// The spellings of the secrets, and of `proofs`, that `text` contains.
pub fn shown(proofs: &[String], text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    // JSON inside JSON has more backslashes. No secret has a backslash.
    let bare = text.replace('\\', "");
    let lower = bare.to_ascii_lowercase();
    let mut secrets = vec![TOKEN, NEW_TOKEN, APP_SECRET, KEY.1, SESSION_TOKEN];
    secrets.extend(proofs.iter().map(String::as_str));
    let mut found = Vec::new();
    for secret in secrets {
        let each = |spelt: fn(u8) -> String| secret.bytes().map(spelt).collect::<String>();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let plain = [secret.to_owned(), form];
        let codes = [each(|byte| format!("%{byte:02x}")), each(|byte| format!("u{byte:04x}"))];
        found.extend(plain.into_iter().filter(|spelt| bare.contains(spelt)));
        found.extend(codes.into_iter().filter(|spelt| lower.contains(spelt)));
    }
    found
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let percent: String = TOKEN.bytes().map(|b| format!("%{b:02X}")).collect();
    let escaped: String = TOKEN.bytes().map(|b| format!("\\\\u{b:04x}")).collect();
    for text in [TOKEN.to_owned(), percent, escaped, SESSION_TOKEN.replace('/', "\\\\\\/")] {
        assert!(!shown(&[], text.as_bytes()).is_empty(), "{text}");
    }
    assert!(shown(&[], b"REDACTED").is_empty());
}
