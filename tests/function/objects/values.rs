//! The values that a field of a response may have: good, bad and unusual.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Accepted captions that would break a format that looked for separators in them.
pub const CAPTIONS: [&str; 6] =
    ["a },{ b", "two\nlines\r\n", "\"quoted\" \\ \\n", "Hermès 👜 \u{2028}", "", "]\u{0}\u{1f}\u{7f}["];

/// Accepted URLs. Rejected are [`BAD_URLS`], and any text with another beginning.
pub const GOOD_URLS: [&str; 4] =
    ["https://cdn.example.com/a.jpg?x=1&y=%7B", "http://localhost", "HTTPS://A.EXAMPLE/", "https://例え.jp/x"];

const BAD_URLS: [&str; 8] = [
    "https://0xfffffffff/x",
    "https://",
    "http:///x",
    "ftp://a.example/x",
    "//a.example/x",
    " https://a.example/",
    "javascript:alert(1)",
    "https:a.example",
];

/// A lone surrogate.
pub const CUT: &str = r#""cut \ud83d""#;

/// Values without a type of the mappings, or unusual ones with such a type.
const JUNK: [&str; 18] = [
    "null",
    "true",
    "{}",
    "[]",
    r#"{"id":"1","a":[{"b":"},{"}]}"#,
    "1.50",
    "1.0",
    "1e3",
    "1e999",
    "-0",
    "-7",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
    r#""12""#,
    CUT,
    r#"["\udc5c"]"#,
];

/// Values in a record's place that are not objects.
pub const NO_OBJECTS: [&str; 7] = ["null", "7", "true", r#""{}""#, "[]", r#"[{"id":"1"}]"#, "1e999"];

pub const BAD_IDS: [&str; 10] =
    ["17", "null", "true", "{}", r#""""#, r#""12ab""#, r#""１２""#, r#""-1""#, r#""1 ""#, r#""\ud800""#];

/// Names that no mapping has, as JSON text. The last one is not Unicode text.
pub const EXTRA: [&str; 4] = [r#""username_""#, r#""ID""#, r#""""#, r#""\ud83d""#];

pub const PROFILE_FIELDS: [&str; 6] =
    ["username", "name", "profile_picture_url", "followers_count", "media_count", "topic"];
pub const MEDIA_FIELDS: [&str; 11] = [
    "timestamp",
    "caption",
    "media_type",
    "media_product_type",
    "media_url",
    "permalink",
    "like_count",
    "comments_count",
    "user_id",
    "topic",
    "asked_at",
];

/// A value of a field as JSON text: a value of its type, one that looks like it, or any other.
pub fn value(name: &str) -> BoxedStrategy<String> {
    let text = |text: &str| json!(text).to_string();
    let own = match name {
        "timestamp" => timestamp().prop_map(move |t| text(&t)).boxed(),
        "media_url" | "permalink" | "profile_picture_url" => {
            let urls = [&GOOD_URLS[..], &BAD_URLS[..], &[""]].concat();
            select(urls).prop_map(text).boxed()
        }
        "media_type" | "media_product_type" => {
            select(vec!["IMAGE", "CAROUSEL_ALBUM", "REELS", "AD", "image", "CLIPS", ""]).prop_map(text).boxed()
        }
        "like_count" | "comments_count" | "followers_count" | "media_count" => {
            prop_oneof![any::<i64>(), 0..=4_i64].prop_map(|n| n.to_string()).boxed()
        }
        _ => any_text().boxed(),
    };
    prop_oneof![4 => own, 1 => any_text(), 2 => junk()].boxed()
}

fn any_text() -> impl Strategy<Value = String> {
    let text = prop_oneof![any::<String>(), select(&CAPTIONS[..]).prop_map(str::to_owned)];
    (text, any::<bool>()).prop_map(|(text, escapes)| if escapes { escaped(&text) } else { json!(text).to_string() })
}

pub fn junk() -> impl Strategy<Value = String> {
    // Readers accept about 128 levels.
    let deep = (110..140_usize).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    prop_oneof![16 => select(&JUNK[..]).prop_map(str::to_owned), 1 => deep]
}

fn timestamp() -> impl Strategy<Value = String> {
    let offset = select(vec!["+0000", "Z", "+00:00", "-0530", "+14:00", "-00:00", "z", "", "+2400", "+00", "+00:60"]);
    let date = (prop_oneof![4 => 1970..=2026, 1 => 0..=9999], 1..=12, 1..=31);
    let time = (0..=24, 0..=60, 0..=60);
    (date, time, offset, prop::bool::weighted(0.9)).prop_map(|((y, m, d), (h, min, s), offset, t)| {
        let t = if t { 'T' } else { ' ' };
        format!("{y:04}-{m:02}-{d:02}{t}{h:02}:{min:02}:{s:02}{offset}")
    })
}

/// A JSON string in which every character is an escape.
pub fn escaped(text: &str) -> String {
    let escapes: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{escapes}\"")
}
