//! The usage headers: `X-App-Usage` on the first line, `X-Business-Use-Case-Usage` on the others.
#![no_main]

use collector::graph::Usage;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let mut headers = HeaderMap::new();
    for (i, line) in text.split(|b| *b == b'\n').enumerate() {
        let name = if i == 0 { "x-app-usage" } else { "x-business-use-case-usage" };
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    let usage = Usage::read(&headers);
    let mentions = |word: &[u8]| text.windows(word.len()).any(|w| w == word) || text.contains(&b'\\');
    let percentages: [&[u8]; 3] = [b"call_count", b"total_cputime", b"total_time"];
    assert!(usage.percent.is_none() || percentages.into_iter().any(mentions), "no percentage out of nothing");
    assert!(usage.regain_minutes.is_none_or(|m| m > 0 && mentions(b"estimated_time_to_regain_access")));

    let app: HeaderMap =
        headers.get("x-app-usage").map(|v| ("x-app-usage".parse().expect("a name"), v.clone())).into_iter().collect();
    let app = Usage::read(&app);
    assert!(app.percent <= usage.percent && app.regain_minutes.is_none(), "more headers never tell of less");
    assert_eq!((usage.max(Usage::default()), Usage::default().max(usage), usage.max(app)), (usage, usage, usage));
});
