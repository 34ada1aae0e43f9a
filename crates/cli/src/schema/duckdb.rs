//! DuckDB: a table, and a load by `read_json`.

use anyhow::Result;

use super::quality::{self, Reading};
use super::{COLLECTED_AT, Engine, Files, SOURCE_KEY, Source, Types, literal, quoted};
use collector::config::Format;

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
        let rows = format!(
            "SELECT\n{names},\n    {instant} AS {},\n    {}\nFROM {}",
            quoted(COLLECTED_AT),
            quoted(SOURCE_KEY),
            read(&source.files, format, &columns)
        );
        Ok(Some(replace(&source.files, source.model.name(), &rows)))
    }

    fn quality_table(&self, _: &Files<'_>) -> Result<String> {
        Ok(format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n);", quoted(quality::TABLE), quality::columns(&TYPES, self)))
    }

    fn quality_load(&self, files: &Files<'_>) -> Option<String> {
        let rows = Reading {
            from: "o",
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
        let objects = read(files, "newline_delimited", QUALITY);
        let names = quality::COLUMNS.map(|column| quoted(column.name)).join(", ");
        let rows = format!(
            "WITH o AS MATERIALIZED (\n    FROM {}\n)\nFROM (\n{}\n) q ({names})",
            objects.replace('\n', "\n    "),
            rows.query()
        );
        Some(replace(files, quality::TABLE, &rows))
    }
}

/// The rows of the objects, each with its key.
fn read(files: &Files<'_>, format: &str, columns: &str) -> String {
    let key = quoted(SOURCE_KEY);
    format!(
        "(\n    SELECT * REPLACE (regexp_extract({key}, {}) AS {key})\n    FROM read_json(\n        {},\n        filename = {},\n        format = '{format}',\n        timestampformat = '%Y-%m-%dT%H:%M:%S%z',\n        columns = {{\n{columns}\n        }}\n    )\n)",
        literal(&format!("{}$", files.regex())),
        literal(&files.glob()),
        literal(SOURCE_KEY),
    )
}

/// Loads `rows`, which have the columns of the table, in place of the rows of the same objects.
fn replace(files: &Files<'_>, name: &str, rows: &str) -> String {
    let (table, loaded, key) = (quoted(name), quoted(&format!("{name}_loaded")), quoted(SOURCE_KEY));
    format!(
        "-- read_json takes no glob without files: where there are none, no rows are read.\n\
         SET VARIABLE reading = (SELECT CASE WHEN count(*) > 0 THEN $objects$\n{rows}\n\
         $objects$ ELSE {} END FROM glob({}));\n\n\
         -- The rows of an object replace those of its last load.\n\
         BEGIN TRANSACTION;\n\
         CREATE OR REPLACE TEMPORARY TABLE {loaded} AS FROM query(getvariable('reading'));\n\
         DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {loaded});\n\
         INSERT INTO {table} FROM {loaded};\n\
         DROP TABLE {loaded};\nCOMMIT;",
        literal(&format!("FROM {table} LIMIT 0")),
        literal(&files.glob())
    )
}
