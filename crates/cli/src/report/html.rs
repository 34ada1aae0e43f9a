//! The page: one HTML file that loads nothing from the network.
//!
//! Captions and names come from strangers. They enter the page in one place, as JSON in a script element
//! that the browser does not run. Every character that HTML could act on is escaped, and the page's script
//! writes them as text. The content security policy allows only our script, by its hash, and
//! forbids every fetch.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::page::Page;

const TEMPLATE: &str = include_str!("assets/page.html");
const STYLE: &str = include_str!("assets/page.css");
const SCRIPTS: [&str; 5] = [
    include_str!("assets/data.js"),
    include_str!("assets/figures.js"),
    include_str!("assets/draw.js"),
    include_str!("assets/sections.js"),
    include_str!("assets/page.js"),
];

/// The HTML of `page`.
pub(super) fn render(page: &Page) -> Result<String> {
    let data = serde_json::to_string(page).context("the page's data cannot be written")?;
    Ok(fill(&escaped(&data)))
}

fn fill(data: &str) -> String {
    let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.join("\n"));
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{}'",
        hash(&script)
    );
    // The placeholders are searched only in the template, so that no inserted part can hold another one.
    let parts = [("{policy}", &*policy), ("{style}", STYLE), ("{data}", data), ("{script}", &script)];
    let (mut html, mut rest) = (String::with_capacity(data.len() + 200_000), TEMPLATE);
    for (mark, part) in parts {
        if let Some((before, after)) = rest.split_once(mark) {
            html.push_str(before);
            html.push_str(part);
            rest = after;
        }
    }
    html.push_str(rest);
    html
}

/// JSON in which nothing can end the script element or begin a comment, and no line separator can end a
/// line of the script.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A script's hash in the form of a content security policy.
fn hash(script: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(script.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |i: usize| three.get(i).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if i <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\u{2028}{style}&lt;";
        let html = fill(&escaped(&Value::from(hostile).to_string()));
        assert!(!html.contains("alert(1)</script>") && !html.contains("<img") && !html.contains("<!--"));
        let (_, rest) = html.split_once(r#"<script type="application/json" id="data">"#).unwrap();
        let (json, _) = rest.split_once("</script>").unwrap();
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), hostile);
    }

    #[test]
    fn the_page_is_whole_and_names_no_other_place() {
        let html = fill("{}");
        for mark in ["{policy}", "{style}", "{data}", "{script}"] {
            assert!(!html.contains(mark), "{mark}");
        }
        for asks in ["src=\"", "@import", "url(http", "fetch(", "XMLHttpRequest", "<link"] {
            assert!(!html.contains(asks), "{asks}");
        }
        assert!(html.len() < 100_000, "{}", html.len());
        assert_eq!(html.matches("</script>").count(), 2);
    }

    #[test]
    fn hashes_are_as_browsers_compute_them() {
        // From the specification of the content security policy: alert('Hello, world.');
        assert_eq!(hash("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
        assert_eq!([base64(b""), base64(b"a"), base64(b"ab"), base64(b"abc")], ["", "YQ==", "YWI=", "YWJj"]);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_the_page(text in "\\PC{0,40}(</?script>|<!--|\\{data\\})?\\PC{0,40}") {
            let json = escaped(&Value::from(text.as_str()).to_string());
            prop_assert!(!json.contains(['<', '>', '&']));
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), text);
        }
    }
}
