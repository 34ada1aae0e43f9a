//! Spark SQL: a table, a view of the objects, and a load.
//!
//! A table of Parquet files has no MERGE and no DELETE. So a load writes each day that it reads anew: the rows of
//! the objects, and the rows of that day whose objects it did not read.

use anyhow::Result;

use super::quality::{self, Reading};
use super::{COLLECTED_AT, Engine, Files, SOURCE_KEY, Source, Types};
use collector::config::Format;

const TYPES: Types = Types { text: "STRING", instant: "TIMESTAMP", integer: "BIGINT" };

/// The column of the day of a run, in UTC, by which a table is partitioned.
pub(super) const DAY: &str = "collected_on";

/// The columns of a quality object that are read.
const QUALITY: &str = "    `model` STRING,
    `time` TIMESTAMP,
    `object` STRING,
    `counts` STRUCT<`records`: BIGINT>,
    `not_listed` STRUCT<`defaulted`: BIGINT, `rejected`: BIGINT>,
    `defaulted` MAP<STRING, MAP<STRING, ARRAY<STRUCT<`id`: STRING>>>>,
    `rejected` ARRAY<STRUCT<`topic`: STRING, `reason`: STRING>>";

pub(super) struct Spark;

impl Engine for Spark {
    fn quoted(&self, name: &str) -> String {
        quoted(name)
    }

    fn literal(&self, text: &str) -> String {
        literal(text)
    }

    fn table(&self, source: &Source<'_>) -> Result<String> {
        Ok(table(source.model.name(), &source.columns(&TYPES, quoted)))
    }

    fn load(&self, source: &Source<'_>) -> Result<Option<String>> {
        let name = source.model.name();
        let read = source.lines("    ", |f| format!("{} {}", quoted(&f.output), TYPES.of(f)));
        let names = source.lines("    ", |f| quoted(&f.output));
        let (key, moment) = (quoted(SOURCE_KEY), &source.moment);
        let replaced = |by: String| format!("regexp_replace({key}, {}, {})", literal(&moment.regex()), literal(&by));
        let reference = |group: usize| format!("${group}");
        let rows = format!(
            "SELECT\n{names},\n    to_timestamp({}, {}) AS {},\n    {key},\n    CAST({} AS DATE) AS {}\nFROM (\n    SELECT *, {} AS {key}\n    FROM {}\n)",
            replaced(moment.instant(reference)),
            literal("yyyy-MM-dd'T'HH:mm:ssZ"),
            quoted(COLLECTED_AT),
            replaced(moment.day(reference)),
            quoted(DAY),
            key_of(&source.files),
            quoted(&objects(name)),
        );
        let mut columns: Vec<String> = source.fields().iter().map(|field| quoted(&field.output)).collect();
        columns.extend([COLLECTED_AT, SOURCE_KEY, DAY].map(quoted));
        let (why, multi_line) = match source.config.format {
            Format::Array => ("An object is one JSON array: multiLine reads it as a whole.", true),
            Format::Ndjson => ("One JSON object a line: without multiLine large objects are read in parallel.", false),
        };
        let view = view(&source.files, name, why, multi_line, &read);
        Ok(Some(format!("{view}\n\n{}", replace(name, &rows, &columns))))
    }

    fn quality_table(&self, _: &Files<'_>) -> Result<String> {
        Ok(table(quality::TABLE, &quality::columns(&TYPES, self)))
    }

    fn quality_load(&self, files: &Files<'_>) -> Option<String> {
        let name = quality::TABLE;
        let rows = Reading {
            from: &format!(
                "(\n    SELECT *, {} AS `source_key`\n    FROM {}\n) o",
                key_of(files),
                quoted(&objects(name))
            ),
            model: "o.`model`",
            object_key: "o.`object`",
            collected_at: "o.`time`",
            source_key: "o.`source_key`",
            records: "o.`counts`.`records`",
            defaulted_not_listed: "o.`not_listed`.`defaulted`",
            rejected_not_listed: "o.`not_listed`.`rejected`",
            each_defaulted: "\nLATERAL VIEW explode(o.`defaulted`) f AS `field`, `reasons`\nLATERAL VIEW explode(f.`reasons`) r AS `reason`, `records`\nLATERAL VIEW explode(r.`records`) c AS `record`",
            record_id: "c.`record`.`id`",
            field: "f.`field`",
            reason: "r.`reason`",
            each_rejected: "\nLATERAL VIEW explode(o.`rejected`) c AS `record`",
            topic: "c.`record`.`topic`",
            why: "c.`record`.`reason`",
        };
        let mut columns = quality::COLUMNS.map(|column| quoted(column.name)).to_vec();
        let rows = format!(
            "SELECT *, CAST(to_utc_timestamp({}, current_timezone()) AS DATE) AS {}\nFROM (\n{}\n) AS q ({})",
            quoted(COLLECTED_AT),
            quoted(DAY),
            rows.query(),
            columns.join(", ")
        );
        columns.push(quoted(DAY));
        let why = "Data without quality objects has nothing to read here: leave out the rest then.";
        let view = view(files, name, why, false, QUALITY);
        Some(format!("{view}\n\n{}", replace(name, &rows, &columns)))
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in Spark's single quotes, in which a backslash escapes.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn objects(table: &str) -> String {
    format!("{table}_objects")
}

fn table(name: &str, columns: &str) -> String {
    let day = quoted(DAY);
    format!(
        "-- Parquet does not enforce NOT NULL; Delta and Iceberg tables do, with the same statements.\n\
         CREATE TABLE IF NOT EXISTS {} (\n{columns},\n    {day} DATE NOT NULL\n) USING parquet\nPARTITIONED BY ({day});",
        quoted(name)
    )
}

/// The view of the objects.
fn view(files: &Files<'_>, name: &str, why: &str, multi_line: bool, columns: &str) -> String {
    // A record's offset is written as +0000, a quality object's as Z.
    let (path, pattern) = (literal(&files.glob()), literal("yyyy-MM-dd'T'HH:mm:ss[Z][XXX]"));
    format!(
        "-- {why}\nCREATE OR REPLACE TEMPORARY VIEW {} (\n{columns}\n) USING json OPTIONS (\n    path {path},\n    multiLine '{multi_line}',\n    mode 'FAILFAST',\n    timestampFormat {pattern}\n);",
        quoted(&objects(name))
    )
}

/// The key of the object of a row. Spark names a file by its URL, in which a plus is no space.
fn key_of(files: &Files<'_>) -> String {
    let file = "url_decode(replace(input_file_name(), '+', '%2B'))";
    format!("regexp_extract({file}, {}, 0)", literal(&format!("{}$", files.regex())))
}

/// Writes the days of `rows` anew.
fn replace(name: &str, rows: &str, columns: &[String]) -> String {
    let (table, read, key, day) = (quoted(name), quoted(&format!("{name}_read")), quoted(SOURCE_KEY), quoted(DAY));
    let columns = columns.join(", ");
    format!(
        "CREATE OR REPLACE TEMPORARY VIEW {read} AS\n{rows};\n\n\
         -- The rows of an object replace those of its last load. Days that are not read stay as they are.\n\
         SET spark.sql.sources.partitionOverwriteMode = dynamic;\n\
         INSERT OVERWRITE TABLE {table} PARTITION ({day})\nSELECT {columns}\nFROM {read}\nUNION ALL\nSELECT {columns}\nFROM {table}\n\
         WHERE {day} IN (SELECT {day} FROM {read}) AND {key} NOT IN (SELECT {key} FROM {read});"
    )
}
