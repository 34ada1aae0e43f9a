//! The checks of one value, by its field's type: a value that passes is written, one that fails is not.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveTime};
use url::Url;

use super::{Field, FieldType, IssueKind, escape};

/// Checks the JSON text `raw` against `field` and appends it to `out`. On an error nothing is written.
pub(super) fn write(field: &Field, raw: &str, out: &mut Vec<u8>) -> Result<(), IssueKind> {
    if field.kind == FieldType::Int {
        // JSON writes an integer in one way only, but for this.
        let shortest = if integer(raw)? == 0 { "0" } else { raw };
        allowed(field, shortest)?;
        out.extend_from_slice(shortest.as_bytes());
        return Ok(());
    }
    let inner = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).ok_or(IssueKind::WrongType)?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        // No escape in it: the text received is already the shortest way to write it.
        check(field, inner)?;
        out.extend_from_slice(raw.as_bytes());
        return Ok(());
    }
    let start = out.len();
    out.push(b'"');
    let written = escape::rewrite(inner, out).and_then(|()| {
        let text = out.get(start + 1..).unwrap_or_default();
        let passes = match field.kind {
            FieldType::Str => field.allowed.is_none(),
            FieldType::Url => field.allowed.is_none() && is_plain_url(text),
            _ => false,
        };
        if passes { Ok(()) } else { check(field, &string(raw)?) }
    });
    match written {
        Ok(()) => out.push(b'"'),
        Err(_) => out.truncate(start),
    }
    written
}

fn check(field: &Field, text: &str) -> Result<(), IssueKind> {
    match field.kind {
        FieldType::Url if !is_url(text) => Err(IssueKind::NotUrl),
        FieldType::Timestamp if !is_timestamp(text) => Err(IssueKind::NotTimestamp),
        _ => allowed(field, text),
    }
}

/// Appends `text` as a JSON string in UTF-8.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn allowed(field: &Field, text: &str) -> Result<(), IssueKind> {
    match &field.allowed {
        Some(values) if !values.iter().any(|v| v == text) => Err(IssueKind::NotAllowed),
        _ => Ok(()),
    }
}

/// The text of a JSON string, borrowed where it holds no escapes.
pub(super) fn string(raw: &str) -> Result<Cow<'_, str>, IssueKind> {
    let inner = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).ok_or(IssueKind::WrongType)?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    // The answer was already found to be JSON, so what fails here is a lone surrogate.
    serde_json::from_str(raw).map(Cow::Owned).map_err(|_| IssueKind::NotUnicode)
}

fn integer(raw: &str) -> Result<i64, IssueKind> {
    raw.parse().map_err(|_| {
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|b| b.is_ascii_digit()) { IssueKind::OutOfRange } else { IssueKind::WrongType }
    })
}

/// Whether `text` is empty, or http or https with a host.
pub(super) fn is_url(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    if is_plain_url(text.as_bytes()) {
        return true;
    }
    let rest = match text.get(..8) {
        Some(start) if start.eq_ignore_ascii_case("https://") => text.get(8..),
        _ => match text.get(..7) {
            Some(start) if start.eq_ignore_ascii_case("http://") => text.get(7..),
            _ => None,
        },
    };
    // `Url` would take the path of `https:///x` for its host.
    rest.is_some_and(|rest| !rest.starts_with(['/', '\\'])) && Url::parse(text).is_ok_and(|u| u.has_host())
}

/// The common case, told without building a [`Url`]: a dotted lower-case ASCII name that is no
/// address and no punycode, and a path. All such are URLs: what a path holds is never refused.
fn is_plain_url(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"https://") else { return false };
    let Some(host) = memchr::memchr(b'/', rest).and_then(|at| rest.get(..at)) else { return false };
    host.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        && host.last().is_some_and(u8::is_ascii_lowercase)
        && !host.windows(4).any(|w| w == b"xn--")
}

/// Whether `text` is a real instant written `%Y-%m-%dT%H:%M:%S%z`, in exactly that width: one form
/// in the column is what lets a consumer read it with one pattern.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == SHAPE.len()
        && bytes.iter().zip(SHAPE).all(|(b, shape)| match shape {
            b'0' => b.is_ascii_digit(),
            b'+' => matches!(b, b'+' | b'-'),
            other => b == other,
        });
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range).unwrap_or_default();
        digits.iter().fold(0, |n, digit| n * 10 + u32::from(digit.wrapping_sub(b'0')))
    };
    shaped
        && number(0..4) >= 1
        && NaiveDate::from_ymd_opt(number(0..4) as i32, number(5..7), number(8..10)).is_some()
        && NaiveTime::from_hms_opt(number(11..13), number(14..16), number(17..19)).is_some()
        && number(20..22) < 24
        && number(22..24) < 60
}

const SHAPE: &[u8] = b"0000-00-00T00:00:00+0000";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_timestamp_is_a_real_instant_in_one_form() {
        for good in ["2023-09-01T07:38:34+0000", "2024-02-29T23:59:59-1130", "1970-01-01T00:00:00+0000"] {
            assert!(is_timestamp(good), "{good}");
        }
        for bad in [
            "",
            "2023-02-30T00:00:00+0000",
            "2023-02-29T00:00:00+0000",
            "2023-08-23 13:59:34+0000",
            "2023-08-23T13:59:34",
            "2023-08-23T13:59:34Z",
            "2023-08-23T13:59:34+00:00",
            "2023-08-23T24:00:00+0000",
            "2023-08-23T13:59:60+0000",
            "2023-08-23T13:59:34+2400",
            "2023-08-23T13:59:34+0060",
            "0000-08-23T13:59:34+0000",
            "+023-08-23T13:59:34+0000",
            "2023-8-23T013:59:34+0000",
            "２０２３-08-23T13:59:34+0000",
        ] {
            assert!(!is_timestamp(bad), "{bad}");
        }
    }

    #[test]
    fn a_url_is_http_with_a_host_or_empty() {
        for good in
            ["", "https://a.b/c", "http://localhost", "HTTPS://A.B/", "https://例え.jp/x", "https://127.0.0.1:8/x"]
        {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "isNotURL",
            "ftp://x.y/z",
            "https://",
            "http:///x",
            "https:/x.y",
            "https:x.y",
            " https://x.y/",
            "//x.y/z",
            "https://999.999.999.999/x",
            "https://x y/",
            "javascript:alert(1)",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn an_integer_is_a_json_integer_that_fits() {
        assert_eq!(integer("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer("-0"), Ok(0));
        assert_eq!(integer("9223372036854775808"), Err(IssueKind::OutOfRange));
        for bad in ["true", "1.0", "1e3", "\"1\"", "null", "{}", "[]"] {
            assert_eq!(integer(bad), Err(IssueKind::WrongType), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_takes_nothing_that_is_no_url(host in "[a-z0-9.-]{0,12}", path in any::<String>()) {
            let text = format!("https://{host}/{path}");
            if is_plain_url(text.as_bytes()) {
                prop_assert!(Url::parse(&text).is_ok_and(|u| u.has_host()), "{}", text);
            }
        }

        #[test]
        fn any_text_is_told_apart_without_a_panic(text in any::<String>()) {
            let _ = (is_url(&text), is_timestamp(&text), integer(&text), string(&text));
        }
    }
}
