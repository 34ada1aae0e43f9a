//! Redshift: a table and a COPY.

use super::{Source, Types, literal, quoted};
use crate::config::Format;

/// The column's type. VARCHAR counts bytes and has 256 by default. A longer caption would end the load.
const TYPES: Types = Types { text: "VARCHAR(65535)", instant: "TIMESTAMPTZ", integer: "BIGINT" };

pub(super) fn text(source: &Source<'_>) -> String {
    let table = quoted(source.model.name());
    let columns = source.lines("    ", |f| TYPES.column(quoted(&f.output), f));
    let from = literal(&source.files.prefix("YYYY-MM-DD"));
    let copy = format!("COPY {table}\nFROM {from}\nIAM_ROLE default\nFORMAT AS JSON 'auto'\nTIMEFORMAT 'auto';");
    let copy = match source.config.format {
        Format::Ndjson => format!("-- The objects of one day.\n{copy}"),
        Format::Array => format!(
            "-- COPY takes one JSON object a row and would take an array for one row, so this works with\n\
             -- [common] format = ndjson only, and stands here for that:\n--\n{}",
            copy.lines().map(|line| format!("-- {line}")).collect::<Vec<_>>().join("\n")
        ),
    };
    format!("CREATE TABLE IF NOT EXISTS {table} (\n{columns}\n);\n\n{copy}")
}
