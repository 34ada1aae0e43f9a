//! Athena: an external table with partition projection, and a view with the types.
//!
//! Athena has no NOT NULL. The collector itself writes nulls for nullable fields alone.

use anyhow::Result;

use super::files::{Folders, JavaDate};
use super::{Source, Types, literal, quoted};
use crate::config::Format;
use crate::record::{Field, FieldType};

/// The type in the JSON. Athena's timestamps have no offset, so the view converts them.
const TYPES: Types = Types { text: "varchar", instant: "varchar", integer: "bigint" };

pub(super) fn text(source: &Source<'_>) -> Result<String> {
    let folders = source.files.folders()?;
    let (partitioned, properties) = partitions(source, &folders)?;
    let table = format!("{}_objects", source.model.name());
    let (why, columns, row_format) = match source.config.format {
        Format::Array => (
            "-- Athena's JSON readers want one object a line; an object of [common] format = array is one\n\
             -- line. So the table reads lines as text, and the view takes the array apart.\n",
            "    `line` string".to_owned(),
            "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001' LINES TERMINATED BY '\\n'",
        ),
        Format::Ndjson => (
            "-- [common] format = ndjson: one object a line, as Athena's JSON readers want it.\n",
            source.lines("    ", |f| format!("`{}` {}", f.output, hive(f))),
            "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'",
        ),
    };
    let fixed = literal(&folders.fixed);
    let view = view(source, &table, folders.template.is_some());
    Ok(format!(
        "{why}CREATE EXTERNAL TABLE IF NOT EXISTS `{table}` (\n{columns}\n)\n{partitioned}{row_format}\n\
         STORED AS TEXTFILE\nLOCATION {fixed}{properties};\n\n{view}"
    ))
}

fn hive(field: &Field) -> &'static str {
    match field.kind {
        FieldType::Int => "bigint",
        _ => "string",
    }
}

fn partitions(source: &Source<'_>, folders: &Folders) -> Result<(&'static str, String)> {
    let Some(template) = &folders.template else { return Ok(("", String::new())) };
    let JavaDate { pattern, unit } = source.files.java_date()?;
    let properties = [
        ("projection.enabled", "true"),
        ("projection.ymd.type", "date"),
        ("projection.ymd.format", &pattern),
        ("projection.ymd.interval", "1"),
        ("projection.ymd.interval.unit", unit),
        ("projection.ymd.range", "NOW-3YEARS,NOW"),
        ("storage.location.template", template),
    ];
    let lines = properties.map(|(key, value)| format!("    '{key}' = {}", literal(value)));
    Ok(("PARTITIONED BY (`ymd` string)\n", format!("\nTBLPROPERTIES (\n{}\n)", lines.join(",\n"))))
}

fn view(source: &Source<'_>, table: &str, dated: bool) -> String {
    let row = match source.config.format {
        Format::Array => "r",
        Format::Ndjson => "o",
    };
    let columns = source.lines("    ", |f| typed(row, f));
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
    format!("CREATE OR REPLACE VIEW {} AS\nSELECT\n{columns}{ymd}\n{from};", quoted(source.model.name()))
}

fn typed(row: &str, field: &Field) -> String {
    let name = quoted(&field.output);
    match field.kind {
        FieldType::Timestamp => format!(
            "CAST(parse_datetime({row}.{name}, 'yyyy-MM-dd''T''HH:mm:ssZ') AT TIME ZONE 'UTC' AS timestamp(3)) AS {name}"
        ),
        _ => format!("{row}.{name}"),
    }
}
