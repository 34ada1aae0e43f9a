//! Spark SQL: a table, a view of the objects, and an INSERT.

use super::{Source, Types};
use crate::config::Format;

const TYPES: Types = Types { text: "STRING", instant: "TIMESTAMP", integer: "BIGINT" };

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in Spark's single quotes, in which a backslash escapes.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

pub(super) fn text(source: &Source<'_>) -> String {
    let table = quoted(source.model.name());
    let view = quoted(&format!("{}_objects", source.model.name()));
    let columns = source.lines("    ", |f| TYPES.column(quoted(&f.output), f));
    let read = source.lines("    ", |f| format!("{} {}", quoted(&f.output), TYPES.of(f)));
    let names = source.lines("    ", |f| quoted(&f.output));
    let path = literal(&source.files.glob());
    let multi_line = match source.config.format {
        Format::Array => "-- An object is one JSON array: multiLine reads it as a whole.\n",
        Format::Ndjson => "-- One JSON object a line: without multiLine large objects are read in parallel.\n",
    };
    let multi = source.config.format == Format::Array;
    let pattern = literal("yyyy-MM-dd'T'HH:mm:ssZ");
    format!(
        "-- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.\n\
         CREATE TABLE IF NOT EXISTS {table} (\n{columns}\n) USING parquet;\n\n\
         {multi_line}CREATE OR REPLACE TEMPORARY VIEW {view} (\n{read}\n) USING json OPTIONS (\n    path {path},\n    multiLine '{multi}',\n    mode 'FAILFAST',\n    timestampFormat {pattern}\n);\n\n\
         INSERT INTO {table}\nSELECT\n{names}\nFROM {view};"
    )
}
