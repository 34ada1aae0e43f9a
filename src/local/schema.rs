//! `luxury-brands schema`: how a warehouse loads the records. It follows from the mappings.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::{self, Output};
use crate::config::Config;
use crate::record::{Field, FieldType, Model};

mod athena;
mod duckdb;
mod files;
mod json_schema;
mod redshift;
mod snowflake;
mod spark;

use files::Files;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  luxury-brands schema media --for duckdb --from local_env | duckdb media.db\n\
    \x20 luxury-brands schema brand --for json-schema > brand.schema.json")]
pub(super) struct SchemaArgs {
    /// The model; all of them where none is given
    #[arg(value_parser = Model::ALL.map(Model::name))]
    model: Option<String>,
    /// What the statements are for
    #[arg(long = "for", value_name = "ENGINE")]
    target: Target,
    /// Where the data is: the bucket, or a folder where the engine reads folders
    #[arg(long, value_name = "URL", default_value = "s3://BUCKET")]
    from: String,
    /// The configuration whose mappings and locations count
    #[arg(long, value_name = "FILE", default_value = "configure.ini")]
    config: PathBuf,
}

/// What statements are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The schema of an object, or of a line of it where the format is ndjson
    JsonSchema,
    /// An external table with partition projection, and a view with the types
    Athena,
    /// A table and a COPY
    Redshift,
    /// A table, a stage and a COPY INTO
    Snowflake,
    /// A table and an INSERT from read_json
    Duckdb,
    /// Spark SQL: a table, a view of the objects and an INSERT
    Spark,
}

/// What a model's statements depend on.
struct Source<'a> {
    config: &'a Config,
    model: Model,
    files: Files<'a>,
}

impl Source<'_> {
    fn fields(&self) -> &[Field] {
        self.config.mapping(self.model).fields()
    }

    /// Every field on a line of its own, as `column` writes it, separated by commas.
    fn lines(&self, indent: &str, column: impl Fn(&Field) -> String) -> String {
        let lines: Vec<String> = self.fields().iter().map(|field| format!("{indent}{}", column(field))).collect();
        lines.join(",\n")
    }
}

impl SchemaArgs {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let text = self.text(&Config::load(&self.config)?)?;
        // A JSON Schema is a document already.
        if output.json && self.target != Target::JsonSchema {
            let engine = self.target.to_possible_value().map(|value| value.get_name().to_owned());
            output::print_json(&json!({ "engine": engine, "statements": text }))?;
        } else {
            output::print_whole(text.as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self, config: &Config) -> Result<String> {
        let asked = |m: &Model| self.model.as_deref().is_none_or(|name| name == m.name());
        let root = self.from.trim_end_matches('/');
        let sources: Vec<Source<'_>> = Model::ALL
            .into_iter()
            .filter(asked)
            .map(|model| Source { config, model, files: Files::new(&config.locations, model, root) })
            .collect();
        if self.target == Target::JsonSchema {
            return Ok(json_schema::text(&sources));
        }
        let texts = sources.iter().map(|source| {
            let text = match self.target {
                Target::Athena => athena::text(source)?,
                Target::Redshift => redshift::text(source),
                Target::Snowflake => snowflake::text(source),
                Target::Spark => spark::text(source),
                Target::Duckdb | Target::JsonSchema => duckdb::text(source),
            };
            Ok(format!("{text}\n"))
        });
        Ok(texts.collect::<Result<Vec<_>>>()?.join("\n"))
    }
}

/// A name in the double quotes of standard SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in the single quotes of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The type in which an engine stores a field.
struct Types {
    text: &'static str,
    instant: &'static str,
    integer: &'static str,
}

impl Types {
    const fn of(&self, field: &Field) -> &'static str {
        match field.kind {
            FieldType::Str | FieldType::Url | FieldType::Json => self.text,
            FieldType::Timestamp => self.instant,
            FieldType::Int => self.integer,
        }
    }

    /// A field's column. The engine has quoted `name`.
    fn column(&self, name: String, field: &Field) -> String {
        let constraint = if field.nullable { "" } else { " NOT NULL" };
        format!("{name} {}{constraint}", self.of(field))
    }
}

#[cfg(test)]
mod tests;
