//! `configure.ini` as written: its sections and keys, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::fault::{ConfigError, Fault};
use crate::ini::{self, IniError};
use crate::similar::closest;

/// Keys that had an effect once, by section, and what to do about each.
const REMOVED: [(&str, &str, &str); 1] = [(
    "common",
    "remember_throttling",
    "no longer has an effect, remove it; a process that keeps running, as in Lambda or `luxury-brands watch`, still starts with a single trial call after a throttled run",
)];

/// The sections of the file. Each part of the configuration takes its keys from them and reports what is
/// wrong with their values.
#[derive(Debug, Default)]
pub(super) struct IniDocument {
    sections: IndexMap<String, IndexMap<String, String>>,
    /// The keys that were read, by section.
    read: BTreeMap<String, BTreeSet<String>>,
    /// The sections and keys that are needed and missing. The key of a section is empty.
    missing: BTreeSet<(String, String)>,
    faults: Vec<Fault>,
    notices: Vec<Fault>,
}

impl IniDocument {
    /// Reads the file. `%%` means `%`, as in Python's `configparser`, and a single `%` is accepted too.
    pub(super) fn read(bytes: &[u8], path: &str) -> Result<Self, ConfigError> {
        let path = || path.to_owned();
        let ini = ini::parse(bytes).map_err(|error| match error {
            IniError::NotUtf8 { at } => ConfigError::NotUtf8 { path: path(), at },
            IniError::Syntax { line, problem } => ConfigError::Syntax { path: path(), line, problem },
        })?;
        let mut document = Self::default();
        for (section, properties) in &ini {
            document.add(section, properties.iter());
        }
        Ok(document)
    }

    /// Adds a section. If a section or a key is given twice, the first one counts.
    fn add<'a>(&mut self, section: Option<&str>, properties: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut keys: IndexMap<String, String> = IndexMap::new();
        for (key, value) in properties {
            match (section, keys.entry(key.to_owned())) {
                (None, _) => self.fault("", key, "is above the first section; put it under one"),
                (Some(section), Entry::Occupied(_)) => {
                    self.fault(section, key, "given twice in its section; keep one");
                }
                (Some(_), Entry::Vacant(entry)) => drop(entry.insert(value.replace("%%", "%"))),
            }
        }
        let Some(section) = section else { return };
        match self.sections.entry(section.to_owned()) {
            Entry::Occupied(_) => self.fault(section, "", "the section is given twice; merge the two"),
            Entry::Vacant(entry) => drop(entry.insert(keys)),
        }
    }

    /// Reports a fault.
    pub(super) fn fault(&mut self, section: &str, key: &str, problem: impl Into<String>) {
        self.faults.push(Fault::new(section, key, problem));
    }

    /// Reports a section (without a key) or a key that is needed and missing. The report is dropped if a misspelt name
    /// explains it.
    pub(super) fn missing(&mut self, section: &str, key: &str, to_do: &str) {
        self.missing.insert((section.to_owned(), key.to_owned()));
        self.fault(section, key, format!("missing; {to_do}"));
    }

    /// Reports a value that works and looks wrong.
    pub(super) fn notice(&mut self, section: &str, key: &str, problem: impl Into<String>) {
        self.notices.push(Fault::new(section, key, problem));
    }

    /// The keys of a section that were read.
    fn read_of(&mut self, section: &str) -> &mut BTreeSet<String> {
        self.read.entry(section.to_owned()).or_default()
    }

    /// The value of an optional key.
    pub(super) fn optional(&mut self, section: &str, key: &str) -> Option<String> {
        self.read_of(section).insert(key.to_owned());
        self.sections.get(section)?.get(key).cloned()
    }

    /// The value of a required key; empty, with a fault, if it is missing.
    pub(super) fn required(&mut self, section: &str, key: &str) -> String {
        let value = self.optional(section, key).unwrap_or_default();
        if value.is_empty() {
            self.missing(section, key, "the configuration needs it");
        }
        value
    }

    /// All keys of a section, in their order; `None` if the file has no such section.
    pub(super) fn section(&mut self, section: &str) -> Option<Vec<(String, String)>> {
        self.read_of(section);
        let keys: Vec<_> = self.sections.get(section)?.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        self.read_of(section).extend(keys.iter().map(|(k, _)| k.clone()));
        Some(keys)
    }

    /// The faults and the notices. A section or a key that nothing has read is a notice. In a file with faults, a
    /// misspelt one is a fault too. It replaces the fault of the missing name that it explains.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<Fault>) {
        let (mut misspelt, is_faulty) = (Vec::new(), !self.faults.is_empty());
        for (section, key) in self.unread() {
            let meant = self.meant(&section, &key);
            let what = if key.is_empty() { "section" } else { "key" };
            let removed = REMOVED.iter().find(|(of, name, _)| (*of, *name) == (section.as_str(), key.as_str()));
            let problem = match (removed, &meant) {
                (Some((_, _, problem)), _) => (*problem).to_owned(),
                (None, Some(meant)) if key.is_empty() => format!("nothing reads this section; did you mean [{meant}]?"),
                (None, Some(meant)) => format!("nothing reads this key; did you mean `{meant}`?"),
                (None, None) => format!("nothing reads this {what}; is it misspelt?"),
            };
            if section == OF_SECRET.0 && is_faulty {
                misspelt.push(Fault::new(&section, "", OF_SECRET.1));
                continue;
            }
            let fault = Fault::new(&section, &key, problem);
            let Some(meant) = meant.filter(|_| is_faulty) else {
                self.notices.push(fault);
                continue;
            };
            misspelt.push(fault);
            let is_missing = |of: &str, name: &str| self.missing.contains(&(of.to_owned(), name.to_owned()));
            let is_meant =
                |of: &str, name: &str| if key.is_empty() { of == meant } else { of == section && name == meant };
            self.faults.retain(|fault| {
                let (of, name) = (&fault.section, &fault.key);
                !(is_missing(of, name) && is_meant(of, name))
            });
        }
        self.faults.splice(..0, misspelt);
        (self.faults, self.notices)
    }

    /// The sections and keys that nothing has read. For an unread section, only the section itself.
    fn unread(&self) -> Vec<(String, String)> {
        let mut unread = Vec::new();
        for (section, keys) in &self.sections {
            match self.read.get(section) {
                None => unread.push((section.clone(), String::new())),
                Some(read) => {
                    let keys = keys.keys().filter(|key| !read.contains(*key));
                    unread.extend(keys.map(|key| (section.clone(), key.clone())));
                }
            }
        }
        unread
    }

    /// The section or the key that was expected, is missing in the file, and is similar to the one given.
    fn meant(&self, section: &str, key: &str) -> Option<String> {
        if key.is_empty() {
            let known = self.read.keys().filter(|known| !self.sections.contains_key(*known));
            return closest(section, known.map(String::as_str)).map(str::to_owned);
        }
        let (given, known) = (self.sections.get(section)?, self.read.get(section)?);
        let known = known.iter().filter(|known| !given.contains_key(*known));
        closest(key, known.map(String::as_str)).map(str::to_owned)
    }
}

/// Why a comment after a value is a fault.
pub(super) const COMMENT: &str = "a comment here is part of the value: move it to another line";

/// The section of a secret's file, and what to do about it in a configuration.
const OF_SECRET: (&str, &str) =
    ("SECRET", "this is the file of a secret; give the configuration, such as configure.ini");

/// Why a value probably means something else than its author intended; `None` if nothing suggests that.
pub(super) fn misread(value: &str) -> Option<&'static str> {
    let quotes = ['"', '\''];
    let is_comment = |word: &str| word.starts_with(['#', ';']);
    if value.contains("%(") {
        return Some("`%(name)s` is not replaced: write the value itself");
    }
    if value.ends_with(';') || value.split_whitespace().skip(1).any(is_comment) {
        return Some(COMMENT);
    }
    if value.starts_with(quotes) || value.ends_with(quotes) {
        return Some("the quotes are part of the value: remove them");
    }
    None
}
