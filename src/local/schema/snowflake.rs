//! Snowflake: a table, a stage and a COPY INTO.

use super::{Source, Types, literal};
use crate::config::Format;
use crate::record::{Field, FieldType};

const TYPES: Types = Types { text: "VARCHAR", instant: "TIMESTAMP_TZ", integer: "NUMBER(38, 0)" };

/// A name that Snowflake takes as if it had no quotes: in capitals. The quotes allow reserved words.
fn quoted(name: &str) -> String {
    super::quoted(&name.to_uppercase())
}

fn value(field: &Field) -> String {
    let element = super::quoted(&field.output);
    match field.kind {
        FieldType::Timestamp => {
            format!("TO_TIMESTAMP_TZ($1:{element}::VARCHAR, 'YYYY-MM-DD\"T\"HH24:MI:SSTZHTZM')")
        }
        _ => format!("$1:{element}::{}", TYPES.of(field)),
    }
}

pub(super) fn text(source: &Source<'_>) -> String {
    let table = quoted(source.model.name());
    let columns = source.lines("    ", |f| TYPES.column(quoted(&f.output), f));
    let values = source.lines("        ", value);
    let url = literal(&format!("{}/", source.files.root()));
    let pattern = literal(&format!(".*{}", source.files.regex()));
    let strip = match source.config.format {
        Format::Array => "TRUE",
        Format::Ndjson => "FALSE",
    };
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (\n{columns}\n);\n\n\
         -- INTEGRATION is yours: it says which role reads the bucket.\n\
         CREATE STAGE IF NOT EXISTS \"COLLECTED\" URL = {url} STORAGE_INTEGRATION = INTEGRATION;\n\n\
         -- Objects that were loaded are passed over; one that a repeated run replaced is loaded again.\n\
         COPY INTO {table}\nFROM (\n    SELECT\n{values}\n    FROM @\"COLLECTED\"\n)\n\
         PATTERN = {pattern}\nFILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = {strip})\nON_ERROR = ABORT_STATEMENT;"
    )
}
