//! `[common] format`: the format of an object.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::document::IniDocument;

/// The format of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Format {
    /// One JSON array on one line.
    #[default]
    Array,
    /// One JSON object a line, for Athena's JSON readers and Redshift's `COPY ... JSON 'auto'`.
    Ndjson,
}

impl Format {
    /// The word for the format in `configure.ini`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(super) fn resolve(document: &mut IniDocument) -> Self {
        let Some(given) = document.optional("common", "format") else { return Self::default() };
        given.parse().unwrap_or_else(|_| {
            let known: Vec<&str> = Self::VARIANTS.iter().map(|format| format.name()).collect();
            document.fault("common", "format", format!("{given:?} given, {} expected", known.join(" or ")));
            Self::default()
        })
    }
}
