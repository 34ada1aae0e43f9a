//! `luxury-brands schema`: the statements with which a warehouse loads the records, made from the mappings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{Args, ValueEnum};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::failure::UsageError;
use super::output::{self, Output};
use super::setting::configuration_of_data;
use super::storage::{self, place};
use super::stored::{Pattern, Stored};
use collector::config::{Config, Format, Limits, Locations};
use collector::record::{Field, FieldType, ID, Model, OWNER};
use collector::topic::Job;

mod json_schema;
mod objects;

use objects::{Moment, Objects};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  luxury-brands schema --for duckdb --from local_env | duckdb media.db\n\
    \x20 luxury-brands schema brand --for json-schema > brand.schema.json")]
pub(super) struct SchemaArgs {
    /// A model, the quality objects or the views [default: all], or the compaction of finished days to Parquet
    #[arg(value_name = "PART", value_parser = Model::ALL.map(Model::name).into_iter().chain([QUALITY, VIEWS, COMPACTION]).collect::<Vec<_>>())]
    part: Option<String>,
    /// The engine that runs the statements
    #[arg(long = "for", value_name = "ENGINE", ignore_case = true)]
    target: Target,
    /// Where the data is: the bucket, or a folder if the engine reads folders
    #[arg(long, value_name = "URL", default_value = "s3://BUCKET", value_parser = place)]
    from: String,
    /// The configuration file [default: configure.ini, or the built-in one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The parts of a schema that are not models.
const QUALITY: &str = "quality";
const VIEWS: &str = "views";
const COMPACTION: &str = "compaction";

/// The engine, or the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The schema of an object, or of a line of it if the format is ndjson
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

impl Target {
    /// The template of the engine's statements; `None` if there are none.
    const fn template(self) -> Option<&'static str> {
        match self {
            Self::JsonSchema => None,
            Self::Athena => Some(include_str!("schema/templates/athena.sql")),
            Self::Redshift => Some(include_str!("schema/templates/redshift.sql")),
            Self::Snowflake => Some(include_str!("schema/templates/snowflake.sql")),
            Self::Duckdb => Some(include_str!("schema/templates/duckdb.sql")),
            Self::Spark => Some(include_str!("schema/templates/spark.sql")),
        }
    }

    /// Whether the engine reads whole folders. The others find the objects by their names.
    const fn reads_folders(self) -> bool {
        matches!(self, Self::Athena | Self::Redshift)
    }

    /// A name as the engine quotes it.
    fn ident(self, name: &str) -> String {
        match self {
            Self::Spark => format!("`{}`", name.replace('`', "``")),
            // In capitals, as Snowflake reads a name without quotes.
            Self::Snowflake => format!("\"{}\"", name.to_uppercase().replace('"', "\"\"")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// A text in the single quotes of the engine.
    fn text(self, text: &str) -> String {
        match self {
            Self::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Snowflake => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
            _ => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

/// The values that a template is rendered with.
#[derive(Debug, Serialize)]
struct Script<'a> {
    /// Whether an object has one record per line. Otherwise it is one JSON array.
    ndjson: bool,
    /// The models whose tables are requested.
    models: Vec<Table<'a>>,
    /// The models whose job has topics. The others have no objects.
    collected: Vec<&'static str>,
    /// The quality objects, if they are requested.
    quality: Option<Places>,
    /// The views, if they are requested.
    views: Option<Views<'a>>,
    /// All models, if the compaction of finished days to Parquet is requested.
    compaction: Option<Vec<Table<'a>>>,
    /// The bucket or folder, without a slash at its end.
    root: &'a str,
}

/// Where the objects of a model, or all quality objects, are.
#[derive(Debug, Serialize)]
struct Places {
    objects: Objects,
    moment: Moment,
    /// The objects of runs that lost topics whose usual keys are taken by an earlier run's objects.
    partial: Objects,
    partial_moment: Moment,
}

/// A model's table.
#[derive(Debug, Serialize)]
struct Table<'a> {
    name: &'static str,
    fields: Vec<Column<'a>>,
    #[serde(flatten)]
    places: Places,
}

/// A field of a mapping.
#[derive(Debug, Serialize)]
struct Column<'a> {
    name: &'a str,
    response: &'a str,
    r#type: &'static str,
    nullable: bool,
    /// The column of the views that says whether the account's owner hides the figure; `None` if no owner can.
    hidden: Option<String>,
}

/// What the views need to know of the mappings.
#[derive(Debug, Serialize)]
struct Views<'a> {
    models: Vec<View<'a>>,
    /// The seconds from one scheduled run to the next, by job.
    seconds_between: BTreeMap<&'static str, u32>,
}

/// The views of a model.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'static str,
    fields: Vec<Column<'a>>,
    /// The names of the fields, by the field of the response.
    of: BTreeMap<&'a str, &'a str>,
    /// The columns that identify a record within a run: those of the topic, the house and the medium.
    identity: Vec<&'a str>,
}

fn is_collected(config: &Config, model: Model) -> bool {
    let job = if model == Model::MediaHashtag { Job::Hashtag } else { Job::BrandMedia };
    !config.topics(job).is_empty()
}

impl Places {
    fn of([usual, partial]: [Pattern<'_>; 2], locations: &Locations, root: &str, target: Target) -> Result<Self> {
        Ok(Self {
            objects: Objects::new(&usual, locations, root, target)?,
            moment: Moment::new(&usual, locations)?,
            partial: Objects::new(&partial, locations, root, target)?,
            partial_moment: Moment::new(&partial, locations)?,
        })
    }
}

impl<'a> Table<'a> {
    fn new(config: &'a Config, model: Model, root: &str, target: Target) -> Result<Self> {
        let (fields, locations) = (config.mapping(model).fields(), &config.locations);
        let is_moment = |field: &Field| field.output == "asked_at" && field.response == field.output;
        let is_added = |field: &&Field| ADDED.contains(&&*field.output) && !is_moment(field);
        if let Some(field) = fields.iter().find(is_added) {
            bail!(
                "the mapping of {model} has the field {0}, and its table has a column {0} of its own; give the field another name",
                field.output
            );
        }
        objects::check_folders(locations, model, target)?;
        let patterns = [Pattern::records(locations, model), Pattern::partial(locations, model)];
        Ok(Self {
            name: model.name(),
            fields: fields.iter().map(Column::of).collect(),
            places: Places::of(patterns, locations, root, target)?,
        })
    }
}

/// The columns that a table or a view adds to the fields of its mapping. Only `asked_at` may also be a field: the
/// collector's own.
const ADDED: [&str; 7] =
    ["asked_at", "asked_at_known", "collected_at", "source_key", "quality_known", "collected_on", "defaults"];

impl<'a> Column<'a> {
    fn of(field: &'a Field) -> Self {
        let r#type = match field.kind {
            FieldType::Str | FieldType::Url | FieldType::Json => "text",
            FieldType::Timestamp => "timestamp",
            FieldType::Int => "integer",
        };
        let hidden = (field.response == HIDDEN).then(|| format!("{}_hidden", field.output));
        Self { name: &field.output, response: &field.response, r#type, nullable: field.nullable, hidden }
    }
}

/// The only figure that an owner can hide. The API omits other fields for other reasons: those of an image have no
/// `view_count`.
const HIDDEN: &str = "like_count";

impl<'a> Views<'a> {
    fn of(config: &'a Config) -> Self {
        let view = |model: Model| {
            let fields = config.mapping(model).fields();
            let of: BTreeMap<_, _> = fields.iter().rev().map(|field| (&*field.response, &*field.output)).collect();
            let identity = ["topic", OWNER, ID].into_iter().filter_map(|response| of.get(response).copied()).collect();
            View { name: model.name(), fields: fields.iter().map(Column::of).collect(), of, identity }
        };
        let Limits { brand_media_runs_per_hour, hashtag_runs_per_hour, .. } = config.limits;
        let runs = [(Job::BrandMedia, brand_media_runs_per_hour), (Job::Hashtag, hashtag_runs_per_hour)];
        let seconds_between = runs.map(|(job, an_hour)| (job.name(), 3_600 / an_hour.max(1))).into();
        Self { models: Model::ALL.map(view).into(), seconds_between }
    }
}

/// The statements with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Statements {
    engine: String,
    /// The SQL that the engine runs.
    statements: String,
}

impl SchemaArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let config = configuration_of_data(self.config.as_deref(), output)?;
        if storage::in_s3(&self.from).is_none() {
            Stored::named(&self.from, &config).await?;
        }
        let text = self.text(&config)?;
        // A JSON Schema is a document already.
        if output.json && self.target != Target::JsonSchema {
            let engine = self.target.to_possible_value().map(|value| value.get_name().to_owned());
            output::print_json(&Statements { engine: engine.unwrap_or_default(), statements: text })?;
        } else {
            output::print_whole(text.as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The tables of a compaction.
    ///
    /// # Errors
    /// If the engine has none.
    fn compaction<'a>(&self, table: impl Fn(Model) -> Result<Table<'a>>) -> Result<Option<Vec<Table<'a>>>> {
        if self.part.as_deref() != Some(COMPACTION) {
            return Ok(None);
        }
        if !matches!(self.target, Target::Duckdb | Target::Athena) {
            let error =
                anyhow!("this engine has no compaction: its tables hold what was loaded; duckdb and athena have one");
            return Err(UsageError(error).into());
        }
        Model::ALL.into_iter().map(table).collect::<Result<_>>().map(Some)
    }

    fn text(&self, config: &Config) -> Result<String> {
        let (root, target) = (self.from.trim_end_matches('/'), self.target);
        let asked = |part: &str| self.part.as_deref().is_none_or(|name| name == part);
        let models = Model::ALL.into_iter().filter(|model| asked(model.name()));
        let table = |model| Table::new(config, model, root, target);
        let Some(template) = target.template() else { return json_schema::text(config, &models.collect::<Vec<_>>()) };
        let locations = &config.locations;
        let quality = [Pattern::quality(locations, None), Pattern::partial_quality(locations, None)];
        let script = Script {
            ndjson: config.format == Format::Ndjson,
            models: models.map(table).collect::<Result<_>>()?,
            collected: Model::ALL.into_iter().filter(|model| is_collected(config, *model)).map(Model::name).collect(),
            quality: asked(QUALITY).then(|| Places::of(quality, locations, root, target)).transpose()?,
            views: asked(VIEWS).then(|| Views::of(config)),
            compaction: self.compaction(table)?,
            root,
        };
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
        );
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.add_filter("ident", move |name: &str| target.ident(name));
        environment.add_filter("text", move |text: &str| target.text(text));
        environment.add_template("views.sql", include_str!("schema/templates/views.sql"))?;
        environment.add_template("engine.sql", template)?;
        let text = environment.get_template("engine.sql")?.render(Serde(script))?;
        Ok(format!("{}\n", text.trim()))
    }
}

#[cfg(test)]
mod tests;
