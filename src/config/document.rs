//! `configure.ini` as written: its sections and keys, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::fault::{ConfigError, Fault};
use crate::ini::{self, IniError};

/// Keys that had an effect once, by section, and what to do about each.
const REMOVED: [(&str, &str, &str); 1] = [(
    "common",
    "remember_throttling",
    "no longer has an effect, remove it; a process that lives on, such as Lambda's between runs or `luxury-brands watch`, still starts with a single trial call after a throttled run",
)];

/// The sections of the file. Each part of the configuration takes its keys from them and reports what is
/// wrong with their values.
#[derive(Debug, Default)]
pub(super) struct IniDocument {
    sections: IndexMap<String, IndexMap<String, String>>,
    /// The keys that were asked for, by section.
    read: BTreeMap<String, BTreeSet<String>>,
    faults: Vec<Fault>,
    notices: Vec<Fault>,
}

impl IniDocument {
    /// Reads the file. `%%` means `%`, as in Python's `configparser`, and a single `%` is taken too.
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

    /// Adds a section. Of a section or a key that is given twice the first one counts.
    fn add<'a>(&mut self, section: Option<&str>, properties: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut keys: IndexMap<String, String> = IndexMap::new();
        for (key, value) in properties {
            match (section, keys.entry(key.to_owned())) {
                (None, _) => self.fault("", key, "stands before the first section; put it under one"),
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

    /// Reports a value that works and looks wrong.
    pub(super) fn notice(&mut self, section: &str, key: &str, problem: impl Into<String>) {
        self.notices.push(Fault::new(section, key, problem));
    }

    /// The keys of a section that were asked for.
    fn read_of(&mut self, section: &str) -> &mut BTreeSet<String> {
        self.read.entry(section.to_owned()).or_default()
    }

    /// The value of an optional key.
    pub(super) fn optional(&mut self, section: &str, key: &str) -> Option<String> {
        self.read_of(section).insert(key.to_owned());
        self.sections.get(section)?.get(key).cloned()
    }

    /// The value of a required key; empty, with a fault, where it is missing.
    pub(super) fn required(&mut self, section: &str, key: &str) -> String {
        let value = self.optional(section, key).unwrap_or_default();
        if value.is_empty() {
            self.fault(section, key, "missing; the configuration needs it");
        }
        value
    }

    /// All keys of a section, in their order; `None` where the file has no such section.
    pub(super) fn section(&mut self, section: &str) -> Option<Vec<(String, String)>> {
        let keys: Vec<_> = self.sections.get(section)?.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        self.read_of(section).extend(keys.iter().map(|(k, _)| k.clone()));
        Some(keys)
    }

    /// The faults and the notices. Each key that nothing has asked for is a notice.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<Fault>) {
        for (section, keys) in &self.sections {
            let read = self.read.get(section);
            for key in keys.keys().filter(|key| !read.is_some_and(|read| read.contains(*key))) {
                let removed = REMOVED.iter().find(|(of, name, _)| (*of, *name) == (section, key));
                let problem = removed.map_or("nothing reads this key; is it misspelt?", |(_, _, problem)| problem);
                self.notices.push(Fault::new(section, key, problem));
            }
        }
        (self.faults, self.notices)
    }
}
