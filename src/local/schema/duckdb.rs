//! DuckDB: a table, and an INSERT from `read_json`.

use super::{Source, Types, literal, quoted};
use crate::config::Format;

const TYPES: Types = Types { text: "VARCHAR", instant: "TIMESTAMPTZ", integer: "BIGINT" };

pub(super) fn text(source: &Source<'_>) -> String {
    let table = quoted(source.model.name());
    let columns = source.lines("    ", |f| TYPES.column(quoted(&f.output), f));
    let names = source.lines("    ", |f| quoted(&f.output));
    let read = source.lines("        ", |f| format!("{}: {}", literal(&f.output), literal(TYPES.of(f))));
    let glob = literal(&source.files.glob());
    let format = match source.config.format {
        Format::Array => "array",
        Format::Ndjson => "newline_delimited",
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (\n{columns}\n);\n\n\
         INSERT INTO {table}\nSELECT\n{names}\n\
         FROM read_json(\n    {glob},\n    format = '{format}',\n    timestampformat = '%Y-%m-%dT%H:%M:%S%z',\n    columns = {{\n{read}\n    }}\n);"
    )
}
