//! INI files as people write them for Python's `configparser`: `configure.ini` and the secret file.
//!
//! rust-ini parses them. If `configparser` reads a text differently, `normalized` rewrites it first.

use ini::{Ini, ParseOption};

/// A file that is not INI. It holds nothing of the file's text.
#[derive(Debug, thiserror::Error)]
pub enum IniError {
    /// The file is not text.
    #[error("not UTF-8 (at byte {at}); save it as UTF-8")]
    NotUtf8 {
        /// The position of the first byte that is not UTF-8.
        at: usize,
    },
    /// A line is neither a section, nor `key = value`, nor a comment.
    #[error("line {line}: {problem}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What was expected there.
        problem: String,
    },
}

/// Parses the file's bytes. Quotes and backslashes belong to the values; a section or a key that is given
/// twice is in the result twice.
///
/// # Errors
/// [`IniError`], with the place of the first fault.
pub fn parse(bytes: &[u8]) -> Result<Ini, IniError> {
    let text = std::str::from_utf8(bytes).map_err(|e| IniError::NotUtf8 { at: e.valid_up_to() })?;
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    let text = normalized(text.trim_start_matches('\u{feff}'))?;
    Ini::load_from_str_opt(&text, options).map_err(|e| IniError::Syntax { line: e.line, problem: e.msg.into_owned() })
}

/// The text rewritten so that rust-ini reads it as `configparser` would. Each line keeps its number.
///
/// - A value continues in the indented lines below it; comments and empty lines may be between them. rust-ini would
///   take the comments into the value.
/// - An indented line that is `key = value` with a key of one word, or a section, is not a continuation. `configparser`
///   decides that by the depth of the indentation.
/// - A backslash at the end of a line is part of the value. rust-ini would join the next line to it.
/// - Any other line is an error. rust-ini would read it as the beginning of the next key.
fn normalized(text: &str) -> Result<String, IniError> {
    let mut lines: Vec<String> = Vec::new();
    // The line of the value that indented lines continue.
    let mut value: Option<usize> = None;
    for (i, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        let is_indented = line.starts_with([' ', '\t']);
        let mut own = String::new();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            // Neither ends a value.
        } else if is_section(trimmed) {
            (own, value) = (trimmed.to_owned(), None);
        } else if is_indented && !is_key(trimmed) && value.is_some() {
            if let Some(first) = value.and_then(|v| lines.get_mut(v)) {
                first.push(' ');
                first.push_str(trimmed);
            }
        } else if trimmed.contains(['=', ':']) {
            (own, value) = (trimmed.to_owned(), Some(i));
        } else {
            let problem = "`[section]`, `key = value` or `# comment` expected".to_owned();
            return Err(IniError::Syntax { line: i + 1, problem });
        }
        lines.push(own);
    }
    // The space keeps a backslash away from the line's end; rust-ini trims it.
    Ok(lines.join(" \n") + " ")
}

/// Whether a line is `[name]`.
fn is_section(line: &str) -> bool {
    line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|name| !name.contains(']'))
}

/// Whether a line is `key = value` with a key of one word.
fn is_key(line: &str) -> bool {
    line.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim_end();
        !key.is_empty() && !key.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries as `section.key=value`.
    fn entries(text: &str) -> Vec<String> {
        let ini = parse(text.as_bytes()).unwrap();
        let of = |(section, keys): (Option<&str>, &ini::Properties)| {
            let entry = |(key, value)| format!("{}.{key}={value}", section.unwrap_or_default());
            keys.iter().map(entry).collect::<Vec<_>>()
        };
        ini.iter().flat_map(of).collect()
    }

    fn error(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_value_continues_in_indented_lines_with_comments_between_them() {
        for text in ["[s]\na = x\n  y\n\tz", "[s]\r\na =\r\n  x\r\n  y z\r\n", "[s]\na: x\n # c\n\n  y\n; c\n  z\n"] {
            assert_eq!(entries(text), ["s.a=x y z"], "{text:?}");
        }
        assert_eq!(entries("[s]\na = x\n  b = y\n  [t]\n  c = z"), ["s.a=x", "s.b=y", "t.c=z"]);
    }

    #[test]
    fn quotes_and_backslashes_belong_to_the_value() {
        assert_eq!(entries("[s]\na = \"x\\n\"'\nb = y\\\nc = z\\"), ["s.a=\"x\\n\"'", "s.b=y\\", "s.c=z\\"]);
    }

    #[test]
    fn a_repeated_section_or_key_is_in_the_result_twice() {
        assert_eq!(entries("[s]\na = 1\na = 2\n[t]\nb = 3\n[s]\na = 4"), ["s.a=1", "s.a=2", "t.b=3", "s.a=4"]);
    }

    #[test]
    fn a_malformed_line_is_an_error_with_its_number() {
        for text in ["[s]\n\nnonsense\na = x", "[s]\n\n[t\na = x", "[s]\n\n[t] x\na = x"] {
            assert_eq!(error(text), "line 3: `[section]`, `key = value` or `# comment` expected", "{text:?}");
        }
        assert!(error("[s]\n\n= x").starts_with("line 3: "));
        assert_eq!(parse(b"[s]\na = \xe9").unwrap_err().to_string(), "not UTF-8 (at byte 8); save it as UTF-8");
    }

    #[test]
    fn an_error_quotes_nothing_of_the_file() {
        let text = "[SECRET]\naccess_token = placeholder\n= placeholder\nplaceholder\n[x\n";
        let errors: Vec<_> = (0..text.len()).filter_map(|cut| parse(&text.as_bytes()[cut..]).err()).collect();
        assert!(errors.len() > 20);
        for error in errors {
            assert!(!format!("{error} {error:?}").contains("placeholder"), "{error:?}");
        }
    }
}
