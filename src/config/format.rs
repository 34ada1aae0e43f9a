//! `[common] format`: how the records stand in an object.

use super::document::IniDocument;
use super::fault::quoted;

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
        let Some(given) = document.optional("common", "format") else { return Self::default() };
        Self::ALL.into_iter().find(|f| f.name() == given).unwrap_or_else(|| {
            let known = Self::ALL.map(Self::name).join(" or ");
            document.fault("common", "format", format!("{} given, {known} expected", quoted(&given)));
            Self::default()
        })
    }
}
