//! The checks of one value, by its field's type.

use chrono::{FixedOffset, NaiveDateTime, Timelike};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::{Field, FieldType, IssueKind};
use crate::json::{self, NotString};

/// The value that is stored for a value of an answer.
pub(super) fn value(field: &Field, received: &RawValue) -> Result<Value, IssueKind> {
    if field.kind == FieldType::Int {
        let number = integer(received.get())?;
        allowed(field, &number.to_string())?;
        return Ok(number.into());
    }
    let issue = |why| match why {
        NotString::OtherType => IssueKind::WrongType,
        NotString::NotUnicode => IssueKind::NotUnicode,
    };
    if field.kind == FieldType::Json {
        let has_parts = received.get().starts_with(['{', '[']);
        return if has_parts {
            json::compact(received).map(Value::from).map_err(issue)
        } else {
            Err(IssueKind::WrongType)
        };
    }
    let text = json::string(received).map_err(issue)?;
    let text = match field.kind {
        FieldType::Url if !is_url(&text) => return Err(IssueKind::NotUrl),
        FieldType::Timestamp => timestamp(&text).ok_or(IssueKind::NotTimestamp)?.into(),
        _ => text,
    };
    allowed(field, &text)?;
    Ok(text.into())
}

fn allowed(field: &Field, text: &str) -> Result<(), IssueKind> {
    match &field.allowed {
        Some(values) if !values.iter().any(|v| v == text) => Err(IssueKind::NotAllowed),
        _ => Ok(()),
    }
}

fn integer(raw: &str) -> Result<i64, IssueKind> {
    raw.parse().map_err(|_| {
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|b| b.is_ascii_digit()) { IssueKind::OutOfRange } else { IssueKind::WrongType }
    })
}

/// Whether `text` is empty, or an http(s) URL with a host.
fn is_url(text: &str) -> bool {
    let after_scheme = |scheme: &str| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    // `Url` would accept `https:x` and `https:///x`, where it takes the path for the host, and spaces at
    // the end.
    let host = after_scheme("https://").or_else(|| after_scheme("http://"));
    let as_it_is = host.is_some_and(|host| !host.starts_with(['/', '\\']) && !host.ends_with(|c| c <= ' '));
    text.is_empty() || as_it_is && Url::parse(text).is_ok()
}

const LOCAL_TIME: &str = "%Y-%m-%dT%H:%M:%S";

/// `text` as it is stored, with the offset as `+HHMM`; `None` where it is not an instant in a form that
/// [`FieldType::Timestamp`] names.
fn timestamp(text: &str) -> Option<String> {
    let (local, offset) = text.split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
    let time = NaiveDateTime::parse_from_str(local, LOCAL_TIME).ok()?;
    // chrono also reads shorter numbers, leap seconds and the year 0. Python's `%z` and warehouses do not.
    let as_written = time.format(LOCAL_TIME).to_string() == local;
    if !as_written || time.nanosecond() != 0 || local.starts_with("0000") {
        return None;
    }
    let offset: FixedOffset = match offset.as_bytes() {
        b"Z" => FixedOffset::east_opt(0)?,
        [b'+' | b'-', _, _, _, _] | [b'+' | b'-', _, _, b':', _, _] => offset.parse().ok()?,
        _ => return None,
    };
    Some(time.and_local_timezone(offset).single()?.format("%Y-%m-%dT%H:%M:%S%z").to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_timestamp_is_a_real_instant_in_one_form() {
        for good in [
            "2023-09-01T07:38:34+0000",
            "2024-02-29T23:59:59-1130",
            "1970-01-01T00:00:00+0000",
            "0001-01-01T00:00:00+2359",
            "9999-12-31T23:59:59-2359",
        ] {
            assert_eq!(timestamp(good).as_deref(), Some(good));
        }
        for (given, stored) in [
            ("2023-08-23T13:59:34Z", "2023-08-23T13:59:34+0000"),
            ("2023-08-23T13:59:34+00:00", "2023-08-23T13:59:34+0000"),
            ("2023-08-23T13:59:34-05:30", "2023-08-23T13:59:34-0530"),
            ("2023-08-23T13:59:34-0000", "2023-08-23T13:59:34+0000"),
        ] {
            assert_eq!(timestamp(given).as_deref(), Some(stored));
        }
        for bad in [
            "",
            "2023-02-30T00:00:00+0000",
            "2023-02-29T00:00:00+0000",
            "2023-08-23 13:59:34+0000",
            "2023-08-23T13:59:34",
            "2023-08-23T13:59:34z",
            "2023-08-23T13:59:34 Z",
            "2023-08-23T13:59:34Z ",
            "2023-08-23T13:59:34+00",
            "2023-08-23T13:59:34+00 00",
            "2023-08-23T13:59:34+0:000",
            "2023-08-23T13:59:34+00:00:00",
            "2023-08-23T13:59:34.5+0000",
            "2023-08-23T24:00:00+0000",
            "2023-08-23T13:59:60+0000",
            "2023-08-23T13:59:34+2400",
            "2023-08-23T13:59:34+0060",
            "2023-08-23T13:59:34\u{2212}0100",
            "0000-08-23T13:59:34+0000",
            "+023-08-23T13:59:34+0000",
            "2023-8-23T013:59:34+0000",
            "2023-8-23T13:59:34+00000",
            " 2023-8-23T13:59:34+0000",
            "２０２３-08-23T13:59:34+0000",
        ] {
            assert_eq!(timestamp(bad), None, "{bad}");
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
            "https:\\\\x.y",
            " https://x.y/",
            "https://x.y/ ",
            "https:///",
            "https://\\x.y",
            "//x.y/z",
            "https://999.999.999.999/x",
            "https://0xfffffffff/x",
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
        fn a_timestamp_is_stored_as_the_same_instant(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](Z|[+-][0-2][0-9]:?[0-5][0-9])") {
            if let Some(stored) = timestamp(&text) {
                let instant = chrono::DateTime::parse_from_rfc3339;
                let with_colon = format!("{}:{}", &stored[..22], &stored[22..]);
                let rfc = if text.len() == 24 { format!("{}:{}", &text[..22], &text[22..]) } else { text };
                prop_assert_eq!(instant(&with_colon).unwrap(), instant(&rfc).unwrap());
                prop_assert_eq!(timestamp(&stored), Some(stored.clone()));
            }
        }
    }
}
