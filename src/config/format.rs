//! `[common] format`: how the records stand in an object.

use super::document::IniDocument;

/// How the records stand in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One JSON array on one line.
    #[default]
    Array,
    /// One JSON object a line, as Athena's JSON readers and Redshift's `COPY ... JSON 'auto'` want it.
    Ndjson,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Array, Self::Ndjson];

    /// The word that stands for it in `configure.ini`.
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
