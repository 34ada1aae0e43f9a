//! Athena: external tables with partition projection, and views with the types. Nothing is loaded, so nothing can be
//! loaded twice.
//!
//! Athena has no NOT NULL. The collector itself writes nulls for nullable fields alone.

use anyhow::Result;

use super::files::{Folders, JavaDate};
use super::quality::{self, Reading};
use super::{COLLECTED_AT, Engine, Files, SOURCE_KEY, Source, Types, literal, quoted};
use collector::config::Format;
use collector::record::{Field, FieldType, Model};

/// The type in the JSON. Athena's timestamps have no offset, so the view converts them.
const TYPES: Types = Types { text: "varchar", instant: "varchar", integer: "bigint" };

/// The form of a line of text as a whole.
const LINE: &str = "    `line` string";
const LINES: &str = "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001' LINES TERMINATED BY '\\n'";

pub(super) struct Athena;

impl Engine for Athena {
    fn table(&self, source: &Source<'_>) -> Result<String> {
        let folders = source.files.folders()?;
        let table = format!("{}_objects", source.model.name());
        let (why, columns, row_format) = match source.config.format {
            Format::Array => (
                "-- Athena's JSON readers want one object a line; an object of [common] format = array is one\n\
                 -- line. So the table reads lines as text, and the view takes the array apart.\n",
                LINE.to_owned(),
                LINES,
            ),
            Format::Ndjson => (
                "-- [common] format = ndjson: one object a line, as Athena's JSON readers want it.\n",
                source.lines("    ", |f| format!("`{}` {}", f.output, hive(f))),
                "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'",
            ),
        };
        let external = external(&source.files, &table, &columns, row_format, &[])?;
        Ok(format!("{why}{external}\n\n{}", view(source, &table, folders.template.is_some())))
    }

    fn load(&self, _: &Source<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    fn quality_table(&self, files: &Files<'_>) -> Result<String> {
        let models = Model::ALL.map(Model::name).join(",");
        let projection = [("projection.model.type", "enum"), ("projection.model.values", &models)];
        let external = external(files, "quality_objects", LINE, LINES, &projection)?;
        let names: Vec<String> = quality::COLUMNS.iter().map(|column| quoted(column.name)).collect();
        let scalar = |path: &str| format!("json_extract_scalar(o.\"line\", '$.{path}')");
        let number = |path: &str| format!("CAST({} AS bigint)", scalar(path));
        let rows = Reading {
            from: "\"quality_objects\" o",
            model: "o.\"model\"",
            object_key: &scalar("object"),
            collected_at: &utc(&format!("from_iso8601_timestamp({})", scalar("time"))),
            source_key: &key_of(files),
            records: &number("counts.records"),
            defaulted_not_listed: &number("not_listed.defaulted"),
            rejected_not_listed: &number("not_listed.rejected"),
            each_defaulted: "\nCROSS JOIN UNNEST(CAST(json_extract(o.\"line\", '$.defaulted') AS map(varchar, map(varchar, array(row(\"id\" varchar)))))) AS f (\"field\", \"reasons\")\n\
                 CROSS JOIN UNNEST(f.\"reasons\") AS r (\"reason\", \"records\")\nCROSS JOIN UNNEST(r.\"records\") AS c (\"id\")",
            record_id: "c.\"id\"",
            field: "f.\"field\"",
            reason: "r.\"reason\"",
            each_rejected: "\nCROSS JOIN UNNEST(CAST(json_extract(o.\"line\", '$.rejected') AS array(row(\"topic\" varchar, \"reason\" varchar)))) AS c (\"topic\", \"reason\")",
            topic: "c.\"topic\"",
            why: "c.\"reason\"",
        };
        Ok(format!(
            "-- A quality object is one line.\n{external}\n\nCREATE OR REPLACE VIEW {} AS\nSELECT *\nFROM (\n{}\n) AS q ({});",
            quoted(quality::TABLE),
            rows.query(),
            names.join(", ")
        ))
    }

    fn quality_load(&self, _: &Files<'_>) -> Option<String> {
        None
    }
}

/// An external table over the objects.
fn external(files: &Files<'_>, table: &str, columns: &str, row_format: &str, extra: &[(&str, &str)]) -> Result<String> {
    let folders = files.folders()?;
    let (partitioned, properties) = partitions(files, &folders, extra)?;
    Ok(format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `{table}` (\n{columns}\n)\n{partitioned}{row_format}\n\
         STORED AS TEXTFILE\nLOCATION {}{properties};",
        literal(&folders.fixed)
    ))
}

fn hive(field: &Field) -> &'static str {
    match field.kind {
        FieldType::Int => "bigint",
        _ => "string",
    }
}

fn partitions(files: &Files<'_>, folders: &Folders, extra: &[(&str, &str)]) -> Result<(String, String)> {
    let Some(template) = &folders.template else { return Ok(Default::default()) };
    let JavaDate { pattern, unit } = files.java_date()?;
    let mut properties = vec![("projection.enabled", "true")];
    properties.extend(extra);
    properties.extend([
        ("projection.ymd.type", "date"),
        ("projection.ymd.format", &pattern),
        ("projection.ymd.interval", "1"),
        ("projection.ymd.interval.unit", unit),
        ("projection.ymd.range", "NOW-3YEARS,NOW"),
        ("storage.location.template", template),
    ]);
    let lines: Vec<String> =
        properties.iter().map(|(key, value)| format!("    '{key}' = {}", literal(value))).collect();
    let model = if extra.is_empty() { "" } else { "`model` string, " };
    let partitioned = format!("PARTITIONED BY ({model}`ymd` string)\n");
    Ok((partitioned, format!("\nTBLPROPERTIES (\n{}\n)", lines.join(",\n"))))
}

fn view(source: &Source<'_>, table: &str, dated: bool) -> String {
    let row = match source.config.format {
        Format::Array => "r",
        Format::Ndjson => "o",
    };
    let columns = source.lines("    ", |f| typed(row, f));
    let key = key_of(&source.files);
    let moment = source.moment.instant(|group| format!("${group}"));
    let instant = instant(&format!("regexp_replace({key}, {}, {})", literal(&source.moment.regex()), literal(&moment)));
    let ymd = if dated { ",\n    o.\"ymd\"" } else { "" };
    let from = match source.config.format {
        Format::Ndjson => format!("FROM {} o", quoted(table)),
        Format::Array => {
            let types = source.lines("        ", |f| format!("{} {}", quoted(&f.output), TYPES.of(f)));
            let names: Vec<String> = source.fields().iter().map(|f| quoted(&f.output)).collect();
            format!(
                "FROM {} o\nCROSS JOIN UNNEST(CAST(json_parse(o.\"line\") AS array(row(\n{types}\n    )))) AS r ({})",
                quoted(table),
                names.join(", ")
            )
        }
    };
    format!(
        "CREATE OR REPLACE VIEW {} AS\nSELECT\n{columns},\n    {instant} AS {},\n    {key} AS {}{ymd}\n{from};",
        quoted(source.model.name()),
        quoted(COLLECTED_AT),
        quoted(SOURCE_KEY)
    )
}

/// The key of the object of a row.
fn key_of(files: &Files<'_>) -> String {
    format!("regexp_extract(o.\"$path\", {})", literal(&format!("{}$", files.regex())))
}

fn typed(row: &str, field: &Field) -> String {
    let name = quoted(&field.output);
    match field.kind {
        FieldType::Timestamp => format!("{} AS {name}", instant(&format!("{row}.{name}"))),
        _ => format!("{row}.{name}"),
    }
}

/// A text like `2026-11-24T03:00:00+0000` as an instant in UTC.
fn instant(text: &str) -> String {
    utc(&format!("parse_datetime({text}, 'yyyy-MM-dd''T''HH:mm:ssZ')"))
}

fn utc(instant: &str) -> String {
    format!("CAST({instant} AT TIME ZONE 'UTC' AS timestamp(3))")
}
