//! A JSON string, written again in its shortest form: UTF-8 in place of the API's `\uXXXX`, `/` in place
//! of its `\/`. In one pass and straight into the output; three of four strings hold an escape.

use memchr::memchr;

use super::IssueKind;

/// Appends what stands between the quotes of a JSON string, in its shortest form. On an error something
/// of it may have been written.
pub(super) fn rewrite(inner: &str, out: &mut Vec<u8>) -> Result<(), IssueKind> {
    let mut rest = inner.as_bytes();
    loop {
        rest = match rest {
            [b'\\', b'/', rest @ ..] => {
                out.push(b'/');
                rest
            }
            [b'\\', b'u', rest @ ..] => code_point(rest, out)?,
            // `\n` and the like are their own shortest forms.
            [b'\\', other, rest @ ..] => {
                out.extend_from_slice(&[b'\\', *other]);
                rest
            }
            [b'\\'] => return Err(IssueKind::NotUnicode),
            [] => return Ok(()),
            _ => {
                let (plain, rest) = rest.split_at(memchr(b'\\', rest).unwrap_or(rest.len()));
                out.extend_from_slice(plain);
                rest
            }
        };
    }
}

/// Appends the character whose digits, after `\u`, `rest` begins with, and gives what follows.
fn code_point<'r>(rest: &'r [u8], out: &mut Vec<u8>) -> Result<&'r [u8], IssueKind> {
    let (unit, rest) = unit(rest)?;
    let (code, rest) = match (unit, rest) {
        (0xd800..0xdc00, [b'\\', b'u', second @ ..]) => {
            let (low, rest) = self::unit(second)?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(IssueKind::NotUnicode);
            }
            (0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), rest)
        }
        _ => (unit, rest),
    };
    // Half of a surrogate pair is no character.
    let character = char::from_u32(code).ok_or(IssueKind::NotUnicode)?;
    match character {
        '\0'..' ' | '"' | '\\' => {
            // What has to stay escaped, in the way that serde_json does it. It cannot fail in memory.
            let quoted = serde_json::to_vec(&character).unwrap_or_default();
            out.extend_from_slice(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    Ok(rest)
}

/// A UTF-16 unit from its four hexadecimal digits.
fn unit(text: &[u8]) -> Result<(u32, &[u8]), IssueKind> {
    let (digits, rest) = text.split_first_chunk::<4>().ok_or(IssueKind::NotUnicode)?;
    let mut unit = 0;
    for digit in digits {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return Err(IssueKind::NotUnicode),
        };
        unit = unit << 4 | u32::from(digit);
    }
    Ok((unit, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rewritten(raw: &str) -> Result<String, IssueKind> {
        let inner = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap();
        let mut out = Vec::new();
        rewrite(inner, &mut out).map(|()| format!("\"{}\"", String::from_utf8(out).unwrap()))
    }

    #[test]
    fn escapes_that_are_not_needed_are_taken_out() {
        let raw = r#""https:\/\/a.b\/\uc11c\uc6b8 \ud83d\udc5c \u0041\u00e9\u2028""#;
        assert_eq!(rewritten(raw).unwrap(), "\"https://a.b/서울 👜 Aé\u{2028}\"");
    }

    #[test]
    fn escapes_that_are_needed_stay_in_their_shortest_form() {
        let raw = r#""\" \\ \b\f\n\r\t \u0022\u005C\u000a\u0000\u001f\u007f""#;
        assert_eq!(rewritten(raw).unwrap(), "\"\\\" \\\\ \\b\\f\\n\\r\\t \\\"\\\\\\n\\u0000\\u001f\u{7f}\"");
    }

    #[test]
    fn half_of_a_surrogate_pair_is_no_text() {
        for half in
            [r#""\ud83d""#, r#""\udc5c""#, r#""\ud83d\ud83d""#, r#""\ud83dx""#, r#""\ud83d\n""#, r#""\ud83d\u0041""#]
        {
            assert_eq!(rewritten(half), Err(IssueKind::NotUnicode), "{half}");
        }
    }

    /// Pieces of a JSON string, good and bad.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<char>()
                .prop_filter("these stand escaped", |c| !matches!(c, '\0'..' ' | '"' | '\\'))
                .prop_map(String::from),
            any::<u16>().prop_map(|unit| format!("\\u{unit:04x}")),
            any::<char>().prop_map(|c| c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04X}")).collect()),
            prop::sample::select(vec!["\\/", "\\\"", "\\\\", "\\b", "\\f", "\\n", "\\r", "\\t"])
                .prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn it_writes_what_reading_and_writing_would(pieces in prop::collection::vec(piece(), 0..12)) {
            let raw = format!("\"{}\"", pieces.concat());
            let long_way = serde_json::from_str::<String>(&raw).map(|text| serde_json::to_string(&text).unwrap());
            prop_assert_eq!(rewritten(&raw).ok(), long_way.ok());
        }

        #[test]
        fn any_text_is_rewritten_without_a_panic(text in any::<String>()) {
            let _ = rewritten(&format!("\"{text}\""));
        }
    }
}
