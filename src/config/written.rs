//! `configure.ini` as it is written: sections and keys in their order, and what no section accounts for.

use std::collections::BTreeSet;

use ini::{Ini, ParseOption};

use super::{ConfigError, Fault};

/// Stands among the keys read for all of a section's.
pub(super) const ANY_KEY: &str = "*";

/// The file's sections, from which each part of the configuration takes its keys; what is wrong with
/// them is collected on the way.
#[derive(Debug)]
pub(super) struct Written {
    sections: Vec<(String, Vec<(String, String)>)>,
    read: BTreeSet<(String, String)>,
    faults: Vec<Fault>,
    notices: Vec<Fault>,
}

impl Written {
    /// Reads the file. Python's `configparser` is what wrote it: no quotes, no escapes, `%%` for `%`,
    /// values that go on in indented lines.
    pub(super) fn read(bytes: &[u8], path: &str) -> Result<Self, ConfigError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|e| ConfigError::NotUtf8 { path: path.to_owned(), at: e.valid_up_to() })?;
        let options = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
        let syntax = |line, problem: String| ConfigError::Syntax { path: path.to_owned(), line, problem };
        let text = joined(text.trim_start_matches('\u{feff}'))
            .map_err(|nothing| syntax(nothing.line, "`[section]`, `key = value` or `# comment` expected".to_owned()))?;
        let ini = Ini::load_from_str_opt(&text, options).map_err(|e| syntax(e.line, e.msg.into_owned()))?;
        let mut written = Self { sections: Vec::new(), read: BTreeSet::new(), faults: Vec::new(), notices: Vec::new() };
        for (section, properties) in &ini {
            written.add(section, properties.iter());
        }
        Ok(written)
    }

    fn add<'a>(&mut self, section: Option<&str>, properties: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut keys: Vec<(String, String)> = Vec::new();
        for (key, value) in properties {
            if keys.iter().any(|(k, _)| k == key) {
                self.fault(section.unwrap_or_default(), key, "given twice in its section; keep one");
            }
            keys.push((key.to_owned(), value.replace("%%", "%")));
        }
        let Some(section) = section else {
            for (key, _) in keys {
                self.fault("", &key, "stands before the first section; put it under one");
            }
            return;
        };
        if self.sections.iter().any(|(s, _)| s == section) {
            self.fault(section, "", "the section is given twice; merge the two");
        }
        self.sections.push((section.to_owned(), keys));
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, section: &str, key: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(section, key, problem));
    }

    /// Notes something odd that works.
    pub(super) fn notice(&mut self, section: &str, key: &str, problem: impl Into<String>) {
        self.notices.push(Fault::new(section, key, problem));
    }

    /// The value of a key that may be left out.
    pub(super) fn optional(&mut self, section: &str, key: &str) -> Option<String> {
        self.read.insert((section.to_owned(), key.to_owned()));
        let (_, keys) = self.sections.iter().find(|(s, _)| s == section)?;
        keys.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone())
    }

    /// The value of a key that has to be there; empty, with a fault, where it is not.
    pub(super) fn required(&mut self, section: &str, key: &str) -> String {
        let value = self.optional(section, key).unwrap_or_default();
        if value.is_empty() {
            self.fault(section, key, "missing; the configuration needs it");
        }
        value
    }

    /// All keys of a section, in their order; `None` where there is no such section.
    pub(super) fn section(&mut self, section: &str) -> Option<Vec<(String, String)>> {
        self.read.insert((section.to_owned(), ANY_KEY.to_owned()));
        let (_, keys) = self.sections.iter().find(|(s, _)| s == section)?;
        self.read.extend(keys.iter().map(|(k, _)| (section.to_owned(), k.clone())));
        Some(keys.clone())
    }

    /// The keys that were asked for, whether they are there or not; [`ANY_KEY`] where a whole section was.
    #[cfg(test)]
    pub(super) fn asked(&self) -> impl Iterator<Item = (&str, &str)> {
        self.read.iter().map(|(section, key)| (section.as_str(), key.as_str()))
    }

    /// The faults and the notices, with a notice for each key that nothing has read.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<Fault>) {
        for (section, keys) in &self.sections {
            for (key, _) in keys {
                if !self.read.contains(&(section.clone(), key.clone())) {
                    self.notices.push(Fault::new(section, key, "nothing reads this key; is it misspelt?"));
                }
            }
        }
        (self.faults, self.notices)
    }
}

/// A line that is neither a section, nor `key = value`, nor a comment, nor goes on with a value.
struct Nothing {
    line: usize,
}

/// The text with each value on one line, as configparser reads it: a value goes on in the indented lines
/// below it, comments among them left out. An indented line that starts something of its own
/// (`key = value` with a key of one word, a section) does so here at any indentation, whereas
/// configparser goes by how deep it is. Every line keeps its number.
fn joined(text: &str) -> Result<String, Nothing> {
    let mut lines: Vec<String> = Vec::new();
    let mut value: Option<usize> = None;
    for (i, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        let indented = line.starts_with([' ', '\t']);
        let mut own = String::new();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            // Neither ends a value.
        } else if trimmed.starts_with('[') {
            (own, value) = (trimmed.to_owned(), None);
        } else if indented && !is_key(trimmed) && value.is_some() {
            if let Some(first) = value.and_then(|v| lines.get_mut(v)) {
                first.push(' ');
                first.push_str(trimmed);
            }
        } else if trimmed.contains(['=', ':']) {
            (own, value) = (trimmed.to_owned(), Some(i));
        } else {
            return Err(Nothing { line: i + 1 });
        }
        lines.push(own);
    }
    Ok(lines.join("\n"))
}

/// Whether a line is `key = value` with a key of one word.
fn is_key(line: &str) -> bool {
    line.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim_end();
        !key.is_empty() && !key.contains(char::is_whitespace)
    })
}
