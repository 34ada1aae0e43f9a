//! What is wrong in `configure.ini`, by section and key, in a list short enough to be read.

use std::fmt;

/// The most faults that are listed. Further ones are only counted.
const LISTED: usize = 50;

/// The longest list, in bytes. With the path before it, an error stays below 16 KiB.
const LONGEST_LIST: usize = 12 * 1024;

/// The characters of a value or a name that are quoted.
const QUOTED: usize = 200;

/// One fault in `configure.ini`, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The section, without brackets; empty where the key stands before the first one.
    pub section: String,
    /// The key; empty where the fault concerns the whole section.
    pub key: String,
    /// What was given, what was expected and what to do.
    pub problem: String,
}

impl Fault {
    pub(crate) fn new(section: &str, key: &str, problem: impl Into<String>) -> Self {
        Self { section: shortened(section), key: shortened(key), problem: problem.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { section, key, problem } = self;
        match (section.as_str(), key.as_str()) {
            ("", "") => f.write_str(problem),
            ("", key) => write!(f, "{key}: {problem}"),
            (section, "") => write!(f, "[{section}]: {problem}"),
            (section, key) => write!(f, "[{section}] {key}: {problem}"),
        }
    }
}

/// A list of faults that keeps the first of them and counts the others.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) kept: Vec<Fault>,
    pub(super) more: usize,
    bytes: usize,
}

impl Faults {
    pub(super) fn push(&mut self, section: &str, key: &str, problem: impl Into<String>) {
        if self.more > 0 || self.kept.len() == LISTED {
            self.more += 1;
            return;
        }
        let fault = Fault::new(section, key, problem);
        let bytes = self.bytes + line(&fault).len();
        if bytes > LONGEST_LIST {
            self.more += 1;
        } else {
            self.bytes = bytes;
            self.kept.push(fault);
        }
    }

    /// The list. Its last entry is the number of further faults, where there are any.
    pub(super) fn into_list(mut self) -> Vec<Fault> {
        self.kept.extend(and_more(self.more));
        self.kept
    }
}

fn and_more(more: usize) -> Option<Fault> {
    (more > 0).then(|| Fault::new("", "", format!("and {more} more")))
}

fn line(fault: &Fault) -> String {
    format!("\n  {fault}")
}

pub(super) fn count(faults: &[Fault], more: usize) -> String {
    match faults.len() + more {
        1 => "1 fault".to_owned(),
        n => format!("{n} faults"),
    }
}

pub(super) fn listed(faults: &[Fault], more: usize) -> String {
    faults.iter().chain(&and_more(more)).map(line).collect()
}

/// A value in quotes. Only the beginning of a long one is quoted.
pub(super) fn quoted(value: &str) -> String {
    match value.char_indices().nth(QUOTED) {
        None => format!("{value:?}"),
        Some((end, _)) => {
            format!("{:?}... ({} characters)", value.get(..end).unwrap_or_default(), value.chars().count())
        }
    }
}

/// The name of a section or a key, with its control characters as escapes. Only the beginning of a long one
/// is shown.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(QUOTED) {
        None => name.escape_debug().to_string(),
        Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default().escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};

    const SHIPPED: &str = include_str!("../../configure.ini");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text.as_bytes(), "configure.ini")
    }

    /// The shipped configuration with `more` behind `place`.
    fn with(place: &str, more: &str) -> String {
        assert!(SHIPPED.contains(place));
        SHIPPED.replacen(place, &format!("{place}{more}"), 1)
    }

    fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
        (0..count).map(line).collect()
    }

    #[test]
    fn of_many_faults_the_first_50_are_listed_and_the_others_counted() {
        let message = parse(&with("", &numbered(80_000, |i| format!("k{i} = 1\n")))).unwrap_err().to_string();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 52);
        assert_eq!(lines[0], "configuration configure.ini cannot work, 80000 faults to mend:");
        assert_eq!(lines[50], "  k49: stands before the first section; put it under one");
        assert_eq!(lines[51], "  and 79950 more");
    }

    #[test]
    fn of_many_notices_the_first_50_are_listed_and_the_others_counted() {
        for text in [numbered(80_000, |i| format!("k{i} = 1\n")), numbered(60_000, |i| format!("[s{i}]\nk = 1\n"))] {
            let keys = text.matches('=').count();
            let notices = parse(&format!("{SHIPPED}\n[odd]\n{text}")).unwrap().notices;
            assert_eq!(notices.len(), 51);
            assert_eq!(notices[50].to_string(), format!("and {} more", keys - 50));
        }
    }

    #[test]
    fn a_long_value_is_quoted_by_its_beginning() {
        let message = parse(&SHIPPED.replace("v17.0", &"é".repeat(500_000))).unwrap_err().to_string();
        let given = format!("{:?}... (500000 characters) given, a version like v21.0 expected", "é".repeat(200));
        assert_eq!(
            message,
            format!("configuration configure.ini cannot work, 1 fault to mend:\n  [API] version: {given}")
        );
    }

    #[test]
    fn no_error_is_longer_than_somebody_reads() {
        let wide = "\u{202e}".repeat(150);
        let long = "x".repeat(400_000);
        for text in [
            with("accounts = ", &numbered(150_000, |i| format!("A{i} "))),
            with("accounts = ", &"dior ".repeat(150_000)),
            with("accounts = ", &numbered(150_000, |i| format!("a{i} "))),
            with("accounts = ", &numbered(1_000, |_| format!("{wide} "))),
            with("[luxury_media]\n", &numbered(40_000, |i| format!("f{i} = {i} strr\n"))),
            with("[luxury_media]\n", &numbered(300, |i| format!("{i}{wide} = {wide} str\n"))),
            with("[add_user_id]\n", &numbered(1_000, |i| format!("{i}{wide} = {wide}\n"))),
            with("", &format!("[limits]\n{}", numbered(40_000, |i| format!("k{i} = 1\n")))),
            with("", &"[odd]\na = 1\na = 1\n".repeat(40_000)),
            with("[common]\n", &format!("format = {long}\n")),
            SHIPPED.replace("= %Y-%m-%d", &format!("= {}", "%Y".repeat(100_000))),
            SHIPPED.replace("= raw/", &format!("= {}/", "{ymd}".repeat(20_000))),
            SHIPPED.replace("{VERSION}", &"{VERSION}".repeat(50_000)).replace("v17.0", &format!("v1.{long}")),
            format!("{SHIPPED}\n[{long}]\n{}", "a = 1\n".repeat(80_000)),
            format!("{SHIPPED}\n[odd]\n{long} = 1\n"),
        ] {
            let message = parse(&text).unwrap_err().to_string();
            assert!(
                message.len() < 13 * 1024,
                "{} bytes: {}",
                message.len(),
                message.chars().take(300).collect::<String>()
            );
        }
    }

    #[test]
    fn a_key_longer_than_s3_takes_is_a_fault() {
        let message = |text: String| parse(&text).unwrap_err().to_string();
        let long = message(SHIPPED.replace("= raw/media_{ymd}", &format!("= {}media_{{ymd}}", "raw/".repeat(300))));
        assert!(long.contains("[common] media_location: ") && long.contains("at most 1024 bytes expected"), "{long}");
        let filled = message(SHIPPED.replace("= raw/media_{ymd}", &format!("= raw/media_{}", "{ymd}".repeat(95))));
        assert!(filled.contains("[common] media_location: its keys have 989 bytes, at most 960 expected"), "{filled}");
    }

    #[test]
    fn a_file_that_is_too_large_is_an_error_with_both_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.ini");
        let text = with("[topic]\n", &"# comment\n".repeat(200_000));
        std::fs::write(&path, &text).unwrap();
        let message = Config::load(&path).unwrap_err().to_string();
        let sizes = format!("it has {} bytes, at most 1048576 are read: take out", text.len());
        assert!(message.contains(&sizes), "{message}");
    }
}
