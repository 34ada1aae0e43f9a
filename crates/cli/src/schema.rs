//! `luxury-brands schema`: how a warehouse loads the records. It follows from the mappings.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::{self, Output};
use collector::config::Config;
use collector::record::{Field, FieldType, Model};

mod athena;
mod duckdb;
mod files;
mod json_schema;
mod moment;
mod quality;
mod redshift;
mod snowflake;
mod spark;
mod views;

use files::Files;
use moment::Moment;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  luxury-brands schema --for duckdb --from local_env | duckdb media.db\n\
    \x20 luxury-brands schema brand --for json-schema > brand.schema.json")]
pub(super) struct SchemaArgs {
    /// A model, the quality objects or the views over both; all of them where none is given
    #[arg(value_name = "PART", value_parser = Model::ALL.map(Model::name).into_iter().chain([quality::TABLE, VIEWS]).collect::<Vec<_>>())]
    part: Option<String>,
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

/// The part of a schema that is made of views over the tables.
const VIEWS: &str = "views";

/// What statements are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The schema of an object, or of a line of it where the format is ndjson
    JsonSchema,
    /// External tables with partition projection, and views with the types
    Athena,
    /// Tables, external tables of Spectrum, and the load of a day
    Redshift,
    /// Tables, a stage and the load of what is new
    Snowflake,
    /// Tables and a load by read_json
    Duckdb,
    /// Spark SQL: tables, views of the objects and a load
    Spark,
}

/// The statements of an engine.
trait Engine {
    /// A name.
    fn quoted(&self, name: &str) -> String {
        quoted(name)
    }

    /// A text.
    fn literal(&self, text: &str) -> String {
        literal(text)
    }

    /// What makes the table of a model.
    fn table(&self, source: &Source<'_>) -> Result<String>;

    /// What loads the objects of a model into its table. Repeated, it leaves the same rows.
    fn load(&self, source: &Source<'_>) -> Result<Option<String>>;

    /// What makes the table of the quality objects.
    fn quality_table(&self, files: &Files<'_>) -> Result<String>;

    /// What loads the quality objects.
    fn quality_load(&self, files: &Files<'_>) -> Option<String>;
}

/// What a model's statements depend on.
struct Source<'a> {
    config: &'a Config,
    model: Model,
    files: Files<'a>,
    moment: Moment,
}

/// The columns that a table has besides the fields of its mapping: the time of the run, and the key of the object.
const COLLECTED_AT: &str = "collected_at";
const SOURCE_KEY: &str = "source_key";

impl<'a> Source<'a> {
    fn new(config: &'a Config, model: Model, root: &'a str) -> Result<Self> {
        let added = |name: &str| [COLLECTED_AT, SOURCE_KEY, views::QUALITY_KNOWN, spark::DAY].contains(&name);
        if let Some(field) = config.mapping(model).fields().iter().find(|field| added(&field.output)) {
            bail!(
                "the mapping of {model} has the field {0}, and its table has a column {0} of its own; give the field another name",
                field.output
            );
        }
        let files = Files::new(&config.locations, model, root);
        let moment = files.moment()?;
        Ok(Self { config, model, files, moment })
    }

    fn fields(&self) -> &'a [Field] {
        self.config.mapping(self.model).fields()
    }

    /// Every field on a line of its own, as `column` writes it, separated by commas.
    fn lines(&self, indent: &str, column: impl Fn(&Field) -> String) -> String {
        let lines: Vec<String> = self.fields().iter().map(|field| format!("{indent}{}", column(field))).collect();
        lines.join(",\n")
    }

    /// The columns of the table: the fields, the time of the run and the object's key.
    fn columns(&self, types: &Types, quoted: impl Fn(&str) -> String) -> String {
        format!(
            "{},\n    {} {} NOT NULL,\n    {} {} NOT NULL",
            self.lines("    ", |f| types.column(quoted(&f.output), f)),
            quoted(COLLECTED_AT),
            types.instant,
            quoted(SOURCE_KEY),
            types.text
        )
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
        let asked = |part: &str| self.part.as_deref().is_none_or(|name| name == part);
        let root = self.from.trim_end_matches('/');
        let models = Model::ALL.into_iter().filter(|model| asked(model.name()));
        let engine: &dyn Engine = match self.target {
            Target::Athena => &athena::Athena,
            Target::Redshift => &redshift::Redshift,
            Target::Snowflake => &snowflake::Snowflake,
            Target::Spark => &spark::Spark,
            Target::Duckdb => &duckdb::Duckdb,
            Target::JsonSchema => return json_schema::text(config, &models.collect::<Vec<_>>()),
        };
        // Loads come last: where there are no objects to load, the tables and views are there all the same.
        let (mut made, mut loads) = (Vec::new(), Vec::new());
        for model in models {
            let source = Source::new(config, model, root)?;
            made.push(engine.table(&source)?);
            loads.extend(engine.load(&source)?);
        }
        if asked(quality::TABLE) {
            let files = Files::quality(&config.locations, root);
            made.push(engine.quality_table(&files)?);
            loads.extend(engine.quality_load(&files));
        }
        if asked(VIEWS) {
            made.extend(views::texts(config, engine));
        }
        made.extend(loads);
        Ok(made.into_iter().map(|text| format!("{text}\n")).collect::<Vec<_>>().join("\n"))
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
