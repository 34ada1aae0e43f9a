//! `luxury-brands report`: one HTML page of what was collected, from a folder or a bucket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{HumanBytes, ProgressBar};
use serde::Serialize;
use tokio::sync::OnceCell;

use super::failure::UsageError;
use super::output::Output;
use super::setting::configuration_of_data;
use super::storage::place;
use super::stored::{Day, Object, Stored};
use collector::config::Config;
use collector::counted::counted;
use collector::record::{Model, OWNER};
use collector::secret::{LOCAL_BUCKET, SANDBOX_BUCKET};
use collector::telemetry::printable;

mod collected;
mod days;
mod figures;
mod followers;
mod hashtags;
mod house;
mod html;
mod page;
mod posts;
mod responses;
mod run;
mod runs;

use collected::Collected;
use figures::Figures;
use house::Houses;
use posts::Post;
use run::Run;
use runs::{Skipped, Slots};

/// The number of runs that are read at the same time: enough to hide S3's latency, few enough for the
/// memory.
const AT_ONCE: usize = 24;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The data: a folder or s3://BUCKET/PREFIX [default: ./local_env, or ./sandbox_env]
    #[arg(value_name = "FOLDER|s3://BUCKET/PREFIX", value_parser = place)]
    source: Option<String>,
    /// Where to write: a file, or a folder for report.html
    #[arg(short, long, value_name = "PATH", default_value = "report.html")]
    out: PathBuf,
    /// Leave out runs before this time: RFC 3339, or a day in UTC
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// Leave out runs at this time and after
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// The configuration file [default: configure.ini, or the built-in one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The figures of the page, by the field of the API's response.
const FIGURES: [(Model, &[&str]); 3] = [
    (Model::Brand, &["followers_count"]),
    (Model::Media, &["timestamp", "like_count", "comments_count"]),
    (Model::MediaHashtag, &["timestamp", "like_count", "comments_count"]),
];

/// The page with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Written<'p> {
    /// The file written.
    page: String,
    /// Its size.
    bytes: usize,
    source: WrittenSource<'p>,
    /// Files that were not read; standard error names them.
    skipped: usize,
    /// The figures of the period with which the page opens, as docs/figures.md defines them.
    figures: Figures,
    /// The houses' own posts, newest first.
    posts: &'p [Post],
}

/// The data of the page.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WrittenSource<'p> {
    /// The folder or bucket that was read.
    place: &'p str,
    /// Whether some of it is the sandbox's data.
    made_up: bool,
    records: usize,
    files: usize,
    bytes: usize,
}

impl ReportArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(UsageError(anyhow!("--since {since} is not before --until {until}")).into());
        }
        let config = Arc::new(configuration_of_data(self.config.as_deref(), output)?);
        let (place, stored) = self.source(&config, output).await?;
        let runs = self.runs(&stored.objects);
        if runs.is_empty() {
            bail!("the runs in {place} are all outside of the time that --since and --until give");
        }
        for missing in missing(&config, &runs)? {
            output.remark(missing);
        }
        let mut collected = Collected::new(Houses::of(&config), slots(&runs));
        let bar = output.bar("{bar:30} {pos}/{len} runs read  {eta} left");
        bar.set_length(runs.len() as u64);
        for key in stored.others.iter().cloned() {
            let reason = "its name is not one that the configuration's locations give".to_owned();
            let skipped = Skipped { key, reason };
            warn(&bar, &skipped, output);
            collected.skip(skipped);
        }
        for skipped in &stored.skipped {
            warn(&bar, skipped, output);
            collected.skip(skipped.clone());
        }
        let runs = with_days(&stored, runs).into_iter();
        let runs = runs.map(|(run, objects, day)| read_run(&stored, Arc::clone(&config), run, objects, day));
        let mut runs = stream::iter(runs).buffered(AT_ONCE);
        while let Some(run) = runs.next().await {
            let run = run?;
            run.snapshot.skipped.iter().for_each(|skipped| warn(&bar, skipped, output));
            collected.add(run);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let page = collected.finish(&place, Utc::now().timestamp());
        let html = html::render(&page)?;
        let out = if self.out.is_dir() { self.out.join("report.html") } else { self.out };
        std::fs::write(&out, &html).with_context(|| format!("{} cannot be written", out.display()))?;
        let (source, seconds) = (&page.source, bar.elapsed().as_secs_f64());
        let written = Written {
            page: out.display().to_string(),
            bytes: html.len(),
            source: WrittenSource {
                place: &source.place,
                made_up: source.made_up,
                records: source.records,
                files: source.files,
                bytes: source.bytes,
            },
            skipped: page.skipped(),
            figures: page.figures(),
            posts: &page.posts,
        };
        output.result(&written, || {
            format!(
                "{}  {}, of {} in {} of {} ({}, {} skipped), read in {seconds:.1} s",
                out.display(),
                HumanBytes(html.len() as u64),
                counted(source.records, "record"),
                counted(source.files, "file"),
                source.named(),
                HumanBytes(source.bytes as u64),
                page.skipped(),
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }

    /// The data that is read, and where it is.
    async fn source(&self, config: &Config, output: Output) -> Result<(String, Stored)> {
        if let Some(place) = &self.source {
            return Ok((place.clone(), Stored::named(place, config).await?));
        }
        let local = Stored::list(LOCAL_BUCKET, config).await?;
        if !local.objects.is_empty() {
            return Ok((LOCAL_BUCKET.to_owned(), local));
        }
        let sandbox = Stored::list(SANDBOX_BUCKET, config).await?;
        if sandbox.objects.is_empty() {
            return Err(local.nothing(&format!("{LOCAL_BUCKET} or {SANDBOX_BUCKET}"), config));
        }
        output.remark(format_args!("nothing collected in {LOCAL_BUCKET}: {SANDBOX_BUCKET} is read instead"));
        Ok((SANDBOX_BUCKET.to_owned(), sandbox))
    }

    /// The objects by run.
    fn runs<'s>(&self, objects: &'s [Object]) -> Runs<'s> {
        let mut runs = Runs::new();
        for object in objects {
            let Object { model, time, .. } = *object;
            if self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until) {
                runs.entry((model, time)).or_default().push(object);
            }
        }
        runs
    }
}

/// A run of a model. Its shards, and the parts that repair it, belong to it.
type RunOf = (Model, DateTime<Utc>);

/// The objects of each run, in the order of models and times.
type Runs<'s> = BTreeMap<RunOf, Vec<&'s Object>>;

fn slots(runs: &Runs<'_>) -> Slots {
    Slots::of(runs.keys().map(|(model, time)| (*model, time.timestamp())))
}

/// The figures that the page will not have, since the mapping of a model does not store them.
///
/// # Errors
/// If the mapping of media does not store the house.
fn missing(config: &Config, runs: &Runs<'_>) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for (model, figures) in FIGURES {
        if !runs.keys().any(|(of, _)| *of == model) {
            continue;
        }
        let section = model.section();
        let stores = |response: &str| config.mapping(model).fields().iter().any(|field| field.response == response);
        if model != Model::Brand && !stores(OWNER) {
            bail!("[{section}] does not store {OWNER}; the report needs it to assign media to houses");
        }
        let without = figures.iter().filter(|figure| !stores(figure));
        missing.extend(without.map(|figure| format!("WARNING [{section}] does not store {figure}: the page has none")));
    }
    Ok(missing)
}

/// The rows of a model in the Parquet of a day, which its runs share. The first run reads them.
#[derive(Debug, Clone)]
struct SharedDay {
    name: String,
    rows: Arc<OnceCell<Option<Arc<Day>>>>,
}

/// The runs, each with its day if its rows are in Parquet. A day is in memory until the last of its runs is read.
fn with_days<'s>(stored: &Stored, runs: Runs<'s>) -> Vec<(RunOf, Vec<&'s Object>, Option<SharedDay>)> {
    let mut days: BTreeMap<(Model, &str), SharedDay> = BTreeMap::new();
    let with_day = |((model, time), objects): (RunOf, Vec<&'s Object>)| {
        let name = objects.iter().find_map(|object| stored.day(object));
        let new = |name: &str| SharedDay { name: name.to_owned(), rows: Arc::default() };
        let day = name.map(|name| days.entry((model, name)).or_insert_with(|| new(name)).clone());
        ((model, time), objects, day)
    };
    runs.into_iter().map(with_day).collect()
}

/// Reads a run. Parsing takes most of the time, so each run is parsed on a thread of its own.
async fn read_run(
    stored: &Stored,
    config: Arc<Config>,
    (model, time): RunOf,
    objects: Vec<&Object>,
    day: Option<SharedDay>,
) -> Result<Run> {
    let (mut read, mut skipped) = (None, None);
    let day = match day {
        None => None,
        Some(SharedDay { name, rows }) => {
            let first = async || match stored.compacted(Arc::clone(&config), model, &name).await {
                Ok(day) => {
                    read = Some((day.files, day.bytes));
                    Some(Arc::new(day))
                }
                Err(unread) => {
                    skipped = Some(unread);
                    None
                }
            };
            rows.get_or_init(first).await.clone()
        }
    };
    let bodies = stored.bodies(objects, day).await;
    let parsed = tokio::task::spawn_blocking(move || Run::read(&config, model, time, bodies));
    let mut run = parsed.await.context("a thread that reads ended early")?;
    let (files, bytes) = read.unwrap_or_default();
    run.snapshot.files += files;
    run.snapshot.bytes += bytes;
    run.snapshot.skipped.extend(skipped);
    Ok(run)
}

fn warn(bar: &ProgressBar, Skipped { key, reason }: &Skipped, output: Output) {
    bar.suspend(|| output.remark(printable(&format!("WARNING {key} is skipped: {reason}"))));
}

/// A moment as a person writes it: RFC 3339, or a day.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = text.parse::<DateTime<Utc>>() {
        return Ok(time);
    }
    let day = text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    day.map(|day| day.and_utc()).ok_or_else(|| "2026-11-24 or 2026-11-24T03:00:00Z expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::Kind;

    fn args(since: Option<&str>, until: Option<&str>) -> ReportArgs {
        let time = |text: Option<&str>| text.map(|text| moment(text).unwrap());
        ReportArgs { source: None, out: PathBuf::new(), since: time(since), until: time(until), config: None }
    }

    #[test]
    fn the_objects_of_a_run_are_read_together_and_those_outside_of_the_time_are_not() {
        let object = |kind, hour: u32, part: &str| Object {
            key: String::new(),
            kind,
            model: Model::Media,
            time: format!("2026-11-24T{hour:02}:00:00Z").parse().unwrap(),
            part: part.to_owned(),
        };
        let objects = [
            object(Kind::Records, 1, ""),
            object(Kind::Records, 2, ""),
            object(Kind::Records, 2, "part-0a"),
            object(Kind::Quality, 2, "b"),
            object(Kind::Records, 3, ""),
        ];
        let runs = args(Some("2026-11-24T02:00:00Z"), Some("2026-11-24T03:00:00Z")).runs(&objects);
        assert_eq!(runs.into_values().map(|objects| objects.len()).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_figure_that_a_mapping_does_not_store_is_named_and_the_house_is_needed() {
        let ini = include_str!("../../../configure.ini");
        let runs = Runs::from([((Model::Media, Utc::now()), Vec::new())]);
        let missing = |ini: &str| missing(&Config::parse(ini.as_bytes(), "x").unwrap(), &runs);
        assert_eq!(missing(ini).unwrap(), Vec::<String>::new());
        let without = missing(&ini.replace("like_count = like_count int\n", "")).unwrap();
        assert_eq!(without, ["WARNING [luxury_media] does not store like_count: the page has none"]);
        let error = missing(&ini.replace("user_id = user_id str\n", "")).unwrap_err().to_string();
        assert!(error.contains("[luxury_media] does not store user_id"), "{error}");
    }

    #[test]
    fn a_moment_is_a_time_or_a_day() {
        assert_eq!(moment("2026-11-24"), moment("2026-11-24T09:00:00+09:00"));
        assert!(moment("yesterday").unwrap_err().contains("2026-11-24"));
    }
}
