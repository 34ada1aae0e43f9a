//! Redshift: a table, an external table of Spectrum, and the load of a day.
//!
//! COPY tells no row the object that it came from, and takes an array for one row. Spectrum does tell it (`"$path"`),
//! and takes the array apart. The quality objects are maps within maps, which Spectrum does not read, so COPY does.

use anyhow::Result;

use super::quality::{self, Reading};
use super::{COLLECTED_AT, Engine, Files, SOURCE_KEY, Source, Types, literal, quoted};
use collector::config::Format;
use collector::record::{Field, FieldType, Model};

/// The column's type. VARCHAR counts bytes and has 256 by default. A longer caption would end the load.
const TYPES: Types = Types { text: "VARCHAR(65535)", instant: "TIMESTAMPTZ", integer: "BIGINT" };

/// The day of a load, for the reader to fill in.
const DAY: &str = "YYYY-MM-DD";

pub(super) struct Redshift;

impl Engine for Redshift {
    fn table(&self, source: &Source<'_>) -> Result<String> {
        let name = source.model.name();
        let columns = source.columns(&TYPES, quoted);
        let folders = source.files.folders()?;
        // Spectrum reads no timestamp with such an offset: the load converts the text.
        let external = source.lines("    ", |f| {
            let kind = if f.kind == FieldType::Int { TYPES.integer } else { TYPES.text };
            format!("{} {kind}", quoted(&f.output))
        });
        let partitioned = if folders.template.is_some() { "PARTITIONED BY (\"ymd\" VARCHAR(64))\n" } else { "" };
        let strip = match source.config.format {
            Format::Array => "WITH SERDEPROPERTIES ('strip.outer.array' = 'true')\n",
            Format::Ndjson => "",
        };
        Ok(format!(
            "CREATE TABLE IF NOT EXISTS {} (\n{columns}\n);\n\n\
             CREATE EXTERNAL SCHEMA IF NOT EXISTS \"collected\" FROM DATA CATALOG DATABASE 'collected' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;\n\n\
             -- Once: this statement has no IF NOT EXISTS.\n\
             CREATE EXTERNAL TABLE {} (\n{external}\n)\n{partitioned}ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\n{strip}STORED AS TEXTFILE\nLOCATION {};",
            quoted(name),
            objects(name),
            literal(&folders.fixed),
        ))
    }

    fn load(&self, source: &Source<'_>) -> Result<Option<String>> {
        let (name, objects) = (source.model.name(), objects(source.model.name()));
        let key = format!("REGEXP_SUBSTR(\"$path\", {})", literal(&format!("{}$", source.files.regex())));
        let by = literal(&source.moment.instant(|group| format!("${group}")));
        let collected_at = format!("REGEXP_REPLACE({key}, {}, {by})::TIMESTAMPTZ", literal(&source.moment.regex()));
        let (partition, of_day) = match source.files.folders()?.template {
            Some(template) => (
                format!(
                    "ALTER TABLE {objects} ADD IF NOT EXISTS PARTITION (\"ymd\" = '{DAY}') LOCATION {};\n",
                    literal(&template.replace("${ymd}", DAY))
                ),
                format!("\nWHERE \"ymd\" = '{DAY}'"),
            ),
            None => Default::default(),
        };
        let rows = format!(
            "SELECT\n{},\n    {collected_at} AS {},\n    {key} AS {}\nFROM {objects}{of_day}",
            source.lines("    ", value),
            quoted(COLLECTED_AT),
            quoted(SOURCE_KEY)
        );
        let keys = format!("SELECT {key} FROM {objects}{}", of_day.replace('\n', " "));
        Ok(Some(format!("-- The objects of one day.\n{partition}{}", replace(name, &keys, &rows))))
    }

    fn quality_table(&self, _: &Files<'_>) -> Result<String> {
        Ok(format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n);", quoted(quality::TABLE), quality::columns(&TYPES, self)))
    }

    fn quality_load(&self, files: &Files<'_>) -> Option<String> {
        let folder = |model: Model| format!("{}/quality/{model}_{DAY}/", files.root());
        let copies: String = Model::ALL
            .into_iter()
            .map(|model| {
                format!(
                    "COPY \"quality_objects\" FROM {} IAM_ROLE default FORMAT JSON 'noshred';\n",
                    literal(&folder(model))
                )
            })
            .collect();
        let rows = Reading {
            from: "\"quality_objects\" o",
            model: "o.\"object\".\"model\"::VARCHAR",
            object_key: "o.\"object\".\"object\"::VARCHAR",
            collected_at: "o.\"object\".\"time\"::VARCHAR::TIMESTAMPTZ",
            source_key: QUALITY_KEY,
            records: "o.\"object\".\"counts\".\"records\"::BIGINT",
            defaulted_not_listed: "o.\"object\".\"not_listed\".\"defaulted\"::BIGINT",
            rejected_not_listed: "o.\"object\".\"not_listed\".\"rejected\"::BIGINT",
            each_defaulted: ",\n    UNPIVOT o.\"object\".\"defaulted\" AS f AT \"field\",\n    UNPIVOT f AS r AT \"reason\",\n    r AS c",
            record_id: "c.\"id\"::VARCHAR",
            field: "\"field\"::VARCHAR",
            reason: "\"reason\"::VARCHAR",
            each_rejected: ",\n    o.\"object\".\"rejected\" AS c",
            topic: "c.\"topic\"::VARCHAR",
            why: "c.\"reason\"::VARCHAR",
        };
        let keys = format!("SELECT {QUALITY_KEY} FROM \"quality_objects\" o");
        Some(format!(
            "-- The quality objects of one day.\nCREATE TEMPORARY TABLE \"quality_objects\" (\"object\" SUPER);\n{copies}{}\nDROP TABLE \"quality_objects\";",
            replace(quality::TABLE, &keys, &rows.query())
        ))
    }
}

/// What a quality object is known by: the key of the records beside it, or the model and time where none were stored.
const QUALITY_KEY: &str = "COALESCE(o.\"object\".\"object\"::VARCHAR, o.\"object\".\"model\"::VARCHAR || ' ' || o.\"object\".\"time\"::VARCHAR)";

fn objects(name: &str) -> String {
    format!("\"collected\".{}", quoted(&format!("{name}_objects")))
}

fn value(field: &Field) -> String {
    let name = quoted(&field.output);
    if field.kind == FieldType::Timestamp { format!("{name}::TIMESTAMPTZ") } else { name }
}

/// Loads `rows` in place of the rows of the objects with `keys`.
fn replace(name: &str, keys: &str, rows: &str) -> String {
    let (table, key) = (quoted(name), quoted(SOURCE_KEY));
    format!("BEGIN;\nDELETE FROM {table} WHERE {key} IN ({keys});\nINSERT INTO {table}\n{rows};\nCOMMIT;")
}
