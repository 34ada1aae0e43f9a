//! The API's error body: it can be read whatever it looks like, and its class follows the table of codes.
#![no_main]

use collector::graph::{ApiError, Kind, classify};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const STATUSES: [u16; 14] = [200, 204, 301, 400, 401, 403, 404, 408, 418, 429, 500, 503, 599, 999];

fuzz_target!(|body: &[u8]| {
    let error = ApiError::read(body);
    for status in STATUSES {
        let kind = classify(error.as_ref(), status);
        if let Some(Some(expected)) = error.as_ref().map(|e| by_code(e)) {
            assert_eq!(kind, expected, "the code decides, not HTTP {status}");
        }
        assert!(!matches!(kind, Kind::Deadline | Kind::Usage), "not the class of a response");
    }
    // The same fields are found as by another JSON reader.
    let Ok(read) = serde_json::from_slice::<Value>(body) else { return };
    let found = &read["error"];
    assert_eq!(error.is_some(), found.is_object());
    let Some(error) = error else { return };
    if let Some(code) = found["code"].as_i64() {
        assert_eq!(error.code, Some(code));
    }
    assert_eq!(error.is_transient, found["is_transient"] == true);
    assert!(error.message.chars().count() <= 300, "a log line holds it");
    assert!(found["message"].as_str().unwrap_or_default().starts_with(&error.message));
});

/// The class of a code in the table; `None` if the table does not have it.
fn by_code(error: &ApiError) -> Option<Kind> {
    Some(match (error.code?, error.error_subcode) {
        (4, Some(2_207_051)) => return None,
        (1 | 2 | -1 | -2, _) => Kind::Transient,
        (4 | 17 | 32 | 341 | 613 | 80_001..=80_014, _) => Kind::Throttled,
        (190 | 102, _) => Kind::Token,
        (3 | 10 | 200..=299 | 368, _) => Kind::Permission,
        (24 | 110 | 803 | 100, _) => Kind::NotFound,
        _ => return None,
    })
}
