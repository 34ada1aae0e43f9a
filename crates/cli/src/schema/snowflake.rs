//! Snowflake: a table, a stage, and a load of what is new.

use anyhow::Result;

use super::quality::{self, Reading};
use super::{Engine, Files, SOURCE_KEY, Source, Types};
use collector::config::Format;
use collector::record::{Field, FieldType};

const TYPES: Types = Types { text: "VARCHAR", instant: "TIMESTAMP_TZ", integer: "NUMBER(38, 0)" };

pub(super) struct Snowflake;

impl Engine for Snowflake {
    fn quoted(&self, name: &str) -> String {
        quoted(name)
    }

    fn literal(&self, text: &str) -> String {
        literal(text)
    }

    fn table(&self, source: &Source<'_>) -> Result<String> {
        Ok(tables(&source.files, source.model.name(), &source.columns(&TYPES, quoted)))
    }

    fn load(&self, source: &Source<'_>) -> Result<Option<String>> {
        let key = key_of(&source.files);
        let by = source.moment.instant(|group| format!("\\{group}"));
        let collected_at =
            instant(&format!("REGEXP_REPLACE({key}, {}, {})", literal(&source.moment.regex()), literal(&by)));
        let rows = format!(
            "SELECT\n{},\n    {collected_at},\n    {key}\nFROM {}",
            source.lines("    ", value),
            newest(source.model.name())
        );
        let strip = match source.config.format {
            Format::Array => "TRUE",
            Format::Ndjson => "FALSE",
        };
        Ok(Some(replace(&source.files, source.model.name(), strip, &rows)))
    }

    fn quality_table(&self, files: &Files<'_>) -> Result<String> {
        Ok(tables(files, quality::TABLE, &quality::columns(&TYPES, self)))
    }

    fn quality_load(&self, files: &Files<'_>) -> Option<String> {
        let rows = Reading {
            from: &newest(quality::TABLE),
            model: "o.\"OBJECT\":\"model\"::VARCHAR",
            object_key: "o.\"OBJECT\":\"object\"::VARCHAR",
            collected_at: "TO_TIMESTAMP_TZ(o.\"OBJECT\":\"time\"::VARCHAR)",
            source_key: &key_of(files),
            records: "o.\"OBJECT\":\"counts\":\"records\"::NUMBER",
            defaulted_not_listed: "o.\"OBJECT\":\"not_listed\":\"defaulted\"::NUMBER",
            rejected_not_listed: "o.\"OBJECT\":\"not_listed\":\"rejected\"::NUMBER",
            each_defaulted: ",\n    LATERAL FLATTEN(INPUT => o.\"OBJECT\":\"defaulted\") f,\n    LATERAL FLATTEN(INPUT => f.VALUE) r,\n    LATERAL FLATTEN(INPUT => r.VALUE) c",
            record_id: "c.VALUE:\"id\"::VARCHAR",
            field: "f.KEY",
            reason: "r.KEY",
            each_rejected: ",\n    LATERAL FLATTEN(INPUT => o.\"OBJECT\":\"rejected\") c",
            topic: "c.VALUE:\"topic\"::VARCHAR",
            why: "c.VALUE:\"reason\"::VARCHAR",
        };
        Some(replace(files, quality::TABLE, "FALSE", &rows.query()))
    }
}

/// A name that Snowflake takes as if it had no quotes: in capitals. The quotes allow reserved words.
fn quoted(name: &str) -> String {
    super::quoted(&name.to_uppercase())
}

/// A text in Snowflake's single quotes, in which a backslash escapes.
fn literal(text: &str) -> String {
    super::literal(&text.replace('\\', "\\\\"))
}

fn value(field: &Field) -> String {
    let element = format!("o.\"OBJECT\":{}", super::quoted(&field.output));
    match field.kind {
        FieldType::Timestamp => instant(&format!("{element}::VARCHAR")),
        _ => format!("{element}::{}", TYPES.of(field)),
    }
}

/// A text like `2026-11-24T03:00:00+0000` as an instant.
fn instant(text: &str) -> String {
    format!("TO_TIMESTAMP_TZ({text}, 'YYYY-MM-DD\"T\"HH24:MI:SSTZHTZM')")
}

fn staged(name: &str) -> String {
    quoted(&format!("{name}_staged"))
}

/// The key of the object of a row.
fn key_of(files: &Files<'_>) -> String {
    format!("REGEXP_SUBSTR(o.\"FILE\", {})", literal(&format!("{}$", files.regex())))
}

/// The staged rows, of each object's last state.
fn newest(name: &str) -> String {
    format!(
        "(SELECT * FROM {} QUALIFY RANK() OVER (PARTITION BY \"FILE\" ORDER BY \"MODIFIED\" DESC) = 1) o",
        staged(name)
    )
}

fn tables(files: &Files<'_>, name: &str, columns: &str) -> String {
    let url = literal(&format!("{}/", files.root()));
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{columns}\n);\n\n\
         CREATE TABLE IF NOT EXISTS {} (\n    \"FILE\" VARCHAR NOT NULL,\n    \"MODIFIED\" TIMESTAMP_NTZ NOT NULL,\n    \"OBJECT\" VARIANT NOT NULL\n);\n\n\
         -- INTEGRATION is yours: it says which role reads the bucket.\n\
         CREATE STAGE IF NOT EXISTS \"COLLECTED\" URL = {url} STORAGE_INTEGRATION = INTEGRATION;",
        quoted(name),
        staged(name)
    )
}

/// Loads what `rows` selects from the staged objects, in place of the rows of the same objects.
fn replace(files: &Files<'_>, name: &str, strip: &str, rows: &str) -> String {
    let (table, staged, key) = (quoted(name), staged(name), quoted(SOURCE_KEY));
    let pattern = literal(&format!(".*{}", files.regex()));
    format!(
        "-- Objects that were loaded are passed over; one that a repeated run replaced is loaded again.\n\
         COPY INTO {staged}\nFROM (\n    SELECT METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED, $1\n    FROM @\"COLLECTED\"\n)\n\
         PATTERN = {pattern}\nFILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = {strip})\nON_ERROR = ABORT_STATEMENT;\n\n\
         -- The rows of an object replace those of its last load.\n\
         BEGIN TRANSACTION;\n\
         DELETE FROM {table} WHERE {key} IN (SELECT {} FROM {staged} o);\n\
         INSERT INTO {table}\n{rows};\nDELETE FROM {staged};\nCOMMIT;",
        key_of(files)
    )
}
