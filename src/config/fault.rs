//! What is wrong with `configure.ini`: its faults by section and key, and why it cannot be read.

use std::fmt;

use crate::counted::counted;

/// One fault in `configure.ini`, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The section, without brackets; empty if the key is above the first section.
    pub section: String,
    /// The key; empty if the fault concerns the whole section.
    pub key: String,
    /// What was given, what was expected and what to do.
    pub problem: String,
}

impl Fault {
    pub(crate) fn new(section: &str, key: &str, problem: impl Into<String>) -> Self {
        // A control character in a name would forge a line of the list.
        let shown = |name: &str| name.escape_debug().to_string();
        Self { section: shown(section), key: shown(key), problem: problem.into() }
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

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("configuration {path} could not be read ({cause}); {}", naming(*.named_by))]
    Unreadable {
        /// The file's path, absolute.
        path: String,
        /// Why not.
        cause: std::io::Error,
        /// What names the file; `None` for the default.
        named_by: Option<&'static str>,
    },
    /// The object in S3 could not be read.
    #[error("configuration {path} could not be read: {reason}; the credentials need s3:GetObject on it")]
    Object {
        /// The object's address.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The file is not UTF-8.
    #[error("configuration {path} is not UTF-8 (at byte {at}); save it as UTF-8")]
    NotUtf8 {
        /// The file's path.
        path: String,
        /// The position of the first byte that is not UTF-8.
        at: usize,
    },
    /// A line is neither a section, nor `key = value`, nor a comment.
    #[error("configuration {path}, line {line}: {problem}")]
    Syntax {
        /// The file's path.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What was expected there.
        problem: String,
    },
    /// The file has faults.
    #[error("configuration {path} is invalid, {} to correct:{}", counted(.faults.len(), "fault"), listed(.faults))]
    Faults {
        /// The file's path.
        path: String,
        /// Every fault, in the order of the checks.
        faults: Vec<Fault>,
    },
}

impl ConfigError {
    /// The error with what names the file.
    pub fn named_by(mut self, name: Option<&'static str>) -> Self {
        if let Self::Unreadable { named_by, .. } = &mut self {
            *named_by = name;
        }
        self
    }
}

/// What names a file that cannot be read, and what else it can be.
fn naming(named_by: Option<&str>) -> String {
    const PACKAGED: &str = "`packaged` is the one built into the program";
    named_by.map_or_else(
        || format!("`luxury-brands init` writes one, and `config_file` of the secret names another ({PACKAGED})"),
        |name| format!("{name} names it ({PACKAGED})"),
    )
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}
