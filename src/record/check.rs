//! The checks of one value, by its field's type.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde_json::Value;
use url::Url;

use super::{Field, FieldType, IssueKind, RejectReason};
use crate::json::{self, NotText, Reader};

/// The value that is stored for the next value of `received`.
pub(super) fn value(field: &Field, received: &mut Reader<'_>) -> Result<Value, IssueKind> {
    match field.kind {
        FieldType::Int => {
            let number = integer(received.raw().ok_or(IssueKind::WrongType)?.get())?;
            allowed(field, || number.to_string().into())?;
            Ok(number.into())
        }
        FieldType::Json => match received.peek() {
            Some(b'{' | b'[') => Ok(json::compact(received.raw().ok_or(IssueKind::WrongType)?)?.into()),
            _ => Err(IssueKind::WrongType),
        },
        FieldType::Str | FieldType::Url | FieldType::Timestamp => {
            let text = received.text()?;
            let text = match field.kind {
                FieldType::Url if !is_url(&text) => return Err(IssueKind::NotUrl),
                FieldType::Timestamp => timestamp(&text).ok_or(IssueKind::NotTimestamp)?.into(),
                _ => text,
            };
            allowed(field, || text.as_ref().into())?;
            Ok(text.into())
        }
    }
}

/// The id of a record.
pub(super) fn id(received: &mut Reader<'_>) -> Result<String, RejectReason> {
    let id = received.text().map_err(|_: NotText| RejectReason::IdNotString)?;
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(RejectReason::IdNotDigits);
    }
    Ok(id.into_owned())
}

impl From<NotText> for IssueKind {
    fn from(reason: NotText) -> Self {
        match reason {
            NotText::OtherType => Self::WrongType,
            NotText::NotUnicode => Self::NotUnicode,
        }
    }
}

fn allowed<'t>(field: &Field, text: impl FnOnce() -> Cow<'t, str>) -> Result<(), IssueKind> {
    let Some(values) = &field.allowed else { return Ok(()) };
    let text = text();
    if values.iter().any(|value| *value == *text) { Ok(()) } else { Err(IssueKind::NotAllowed) }
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
    let Some(rest) = after_scheme("https://").or_else(|| after_scheme("http://")) else { return text.is_empty() };
    // `Url` would accept `https:///x`, whose path it reads as the host, and spaces at the end. It refuses nothing that
    // follows the host.
    let path = rest.find(['/', '\\', '?', '#']);
    let host = path.map_or(Some(text), |path| text.get(..=text.len() - rest.len() + path));
    path != Some(0) && !text.ends_with(|c| c <= ' ') && host.is_some_and(|host| Url::parse(host).is_ok())
}

/// The largest offset that every warehouse reads, and the largest in use. Athena refuses more, PostgreSQL and Redshift
/// refuse 16 h, Spark refuses more than 18 h.
const MAX_OFFSET: NaiveTime = NaiveTime::from_hms_opt(14, 0, 0).expect("a time of the day");

/// `text` as it is stored, with the offset as `+HHMM`; `None` if it is not an instant in a form that
/// [`FieldType::Timestamp`] names. An instant with an offset beyond [`MAX_OFFSET`] is stored in UTC.
fn timestamp(text: &str) -> Option<String> {
    let (local, offset) = text.split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
    let number = |from: usize, to: usize| local.get(from..to)?.parse().ok();
    if !has_form(local, "0000-00-00T00:00:00") || local.starts_with("0000") {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(local.get(..4)?.parse().ok()?, number(5, 7)?, number(8, 10)?)?;
    let time = NaiveTime::from_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    let (sign, offset) = if offset == "Z" { ("+", "0000") } else { offset.split_at_checked(1)? };
    if !matches!(sign, "+" | "-") || !(has_form(offset, "0000") || has_form(offset, "00:00")) {
        return None;
    }
    let (hours, minutes) = (offset.get(..2)?, offset.get(offset.len() - 2..)?);
    // An offset is less than a day.
    let offset = NaiveTime::from_hms_opt(hours.parse().ok()?, minutes.parse().ok()?, 0)?;
    if offset > MAX_OFFSET {
        let (local, offset) = (date.and_time(time), offset - NaiveTime::MIN);
        let utc = if sign == "+" { local - offset } else { local + offset };
        return (1..=9999).contains(&utc.year()).then(|| utc.format("%Y-%m-%dT%H:%M:%S+0000").to_string());
    }
    let sign = if offset == NaiveTime::MIN { "+" } else { sign };
    Some([local, sign, hours, minutes].concat())
}

/// Whether `text` is `form` with any ASCII digits for its zeros.
fn has_form(text: &str, form: &str) -> bool {
    let is_same = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(is_same)
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
            "0001-01-01T00:00:00+1400",
            "9999-12-31T23:59:59-1400",
        ] {
            assert_eq!(timestamp(good).as_deref(), Some(good));
        }
        for (given, stored) in [
            ("2023-08-23T13:59:34Z", "2023-08-23T13:59:34+0000"),
            ("2023-08-23T13:59:34+00:00", "2023-08-23T13:59:34+0000"),
            ("2023-08-23T13:59:34-05:30", "2023-08-23T13:59:34-0530"),
            ("2023-08-23T13:59:34-0000", "2023-08-23T13:59:34+0000"),
            // Offsets that a warehouse refuses.
            ("2023-09-01T07:38:34+2359", "2023-08-31T07:39:34+0000"),
            ("2023-12-31T23:59:59-23:59", "2024-01-01T23:58:59+0000"),
            ("2023-09-01T07:38:34+1401", "2023-08-31T17:37:34+0000"),
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
            "0001-01-01T00:00:00+2359",
            "9999-12-31T23:59:59-2359",
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
        fn a_url_is_what_the_url_crate_takes_for_one(text in "https?://[a-z0-9.:@%\\[\\]/\\\\?# -]{1,30}") {
            let has_host = !text.contains(":///") && !text.contains("://\\") && !text.ends_with(' ');
            let has_host = has_host && !text.contains("://?") && !text.contains("://#");
            prop_assert_eq!(is_url(&text), has_host && Url::parse(&text).is_ok());
        }

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
