//! DuckDB: a table, and a load by `read_json`.

use anyhow::Result;

use super::quality::{self, Reading};
use super::{COLLECTED_AT, Engine, Files, SOURCE_KEY, Source, Types, literal, quoted};
use crate::config::Format;

const TYPES: Types = Types { text: "VARCHAR", instant: "TIMESTAMPTZ", integer: "BIGINT" };

pub(super) struct Duckdb;

/// The columns of a quality object that are read.
const QUALITY: &str = "            'model': 'VARCHAR',
            'time': 'TIMESTAMPTZ',
            'object': 'VARCHAR',
            'counts': 'STRUCT(records BIGINT)',
            'not_listed': 'STRUCT(defaulted BIGINT, rejected BIGINT)',
            'defaulted': 'MAP(VARCHAR, MAP(VARCHAR, STRUCT(id VARCHAR)[]))',
            'rejected': 'STRUCT(topic VARCHAR, reason VARCHAR)[]'";

impl Engine for Duckdb {
    fn table(&self, source: &Source<'_>) -> Result<String> {
        let columns = source.columns(&TYPES, quoted);
        Ok(format!("CREATE TABLE IF NOT EXISTS {} (\n{columns}\n);", quoted(source.model.name())))
    }

    fn load(&self, source: &Source<'_>) -> Result<Option<String>> {
        let format = match source.config.format {
            Format::Array => "array",
            Format::Ndjson => "newline_delimited",
        };
        let columns = source.lines("            ", |f| format!("{}: {}", literal(&f.output), literal(TYPES.of(f))));
        let names = source.lines("    ", |f| quoted(&f.output));
        let moment = &source.moment;
        let instant = format!(
            "CAST(regexp_replace({}, {}, {}) AS TIMESTAMPTZ)",
            quoted(SOURCE_KEY),
            literal(&moment.regex()),
            literal(&moment.instant(|group| format!("\\{group}")))
        );
        let staged = format!(
            "SELECT\n{names},\n    {instant} AS {},\n    {}\nFROM {}",
            quoted(COLLECTED_AT),
            quoted(SOURCE_KEY),
            read(&source.files, format, &columns)
        );
        let table = source.model.name();
        Ok(Some(replace(&source.files, table, &staged, &format!("SELECT * FROM {}", quoted(&objects(table))))))
    }

    fn quality_table(&self, _: &Files<'_>) -> Result<String> {
        Ok(format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n);", quoted(quality::TABLE), quality::columns(&TYPES, self)))
    }

    fn quality_load(&self, files: &Files<'_>) -> Option<String> {
        let staged = format!("SELECT *\nFROM {}", read(files, "newline_delimited", QUALITY));
        let rows = Reading {
            from: &format!("{} o", quoted(&objects(quality::TABLE))),
            model: "o.\"model\"",
            object_key: "o.\"object\"",
            collected_at: "o.\"time\"",
            source_key: "o.\"source_key\"",
            records: "o.\"counts\".\"records\"",
            defaulted_not_listed: "o.\"not_listed\".\"defaulted\"",
            rejected_not_listed: "o.\"not_listed\".\"rejected\"",
            each_defaulted: ",\n    unnest(map_entries(o.\"defaulted\")) f(\"field\"),\n    unnest(map_entries(f.\"field\".\"value\")) r(\"reason\"),\n    unnest(r.\"reason\".\"value\") c(\"record\")",
            record_id: "c.\"record\".\"id\"",
            field: "f.\"field\".\"key\"",
            reason: "r.\"reason\".\"key\"",
            each_rejected: ",\n    unnest(o.\"rejected\") c(\"record\")",
            topic: "c.\"record\".\"topic\"",
            why: "c.\"record\".\"reason\"",
        };
        Some(replace(files, quality::TABLE, &staged, &rows.query()))
    }
}

fn objects(table: &str) -> String {
    format!("{table}_objects")
}

/// The rows of the objects, each with its key.
fn read(files: &Files<'_>, format: &str, columns: &str) -> String {
    let key = quoted(SOURCE_KEY);
    format!(
        "(\n    SELECT * REPLACE (regexp_extract({key}, {}) AS {key})\n    FROM read_json(\n        coalesce(getvariable('files'), ['/dev/null']),\n        filename = {},\n        format = '{format}',\n        timestampformat = '%Y-%m-%dT%H:%M:%S%z',\n        columns = {{\n{columns}\n        }}\n    )\n)",
        literal(&format!("{}$", files.regex())),
        literal(SOURCE_KEY),
    )
}

/// Loads what `staged` selects from the objects, as the rows that `rows` selects from that, in place of the rows of
/// the same objects.
fn replace(files: &Files<'_>, table: &str, staged: &str, rows: &str) -> String {
    let (objects, table, key) = (quoted(&objects(table)), quoted(table), quoted(SOURCE_KEY));
    format!(
        "-- The rows of an object replace those of its last load. Without objects, nothing is read.\n\
         SET VARIABLE files = (SELECT list(\"file\") FROM glob({}));\nBEGIN TRANSACTION;\n\
         CREATE OR REPLACE TEMPORARY TABLE {objects} AS\n{staged};\n\
         DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {objects});\n\
         INSERT INTO {table}\n{rows};\nDROP TABLE {objects};\nCOMMIT;",
        literal(&files.glob())
    )
}
