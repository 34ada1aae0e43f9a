//! `[common] format`: the format of an object.

use super::document::IniDocument;

/// The format of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One JSON array on one line.
    #[default]
    Array,
    /// One JSON object a line, for Athena's JSON readers and Redshift's `COPY ... JSON 'auto'`.
    Ndjson,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Array, Self::Ndjson];

    /// The word for the format in `configure.ini`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Ndjson => "ndjson",
        }
    }

    pub(super) fn resolve(document: &mut IniDocument) -> Self {
        document.word("common", "format", Self::ALL.map(|format| (format.name(), format)))
    }
}
