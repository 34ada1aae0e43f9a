//! `luxury-brands report`: one HTML page of what was collected, from a folder or a bucket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::Output;
use super::storage::Storage;
use collector::config::Config;
use collector::record::Model;
use collector::secret::{LOCAL_BUCKET, SANDBOX_BUCKET};
use collector::telemetry::printable;

mod collected;
mod house;
mod html;
mod name;
mod page;
mod posts;
mod read;
mod run;
mod runs;
mod source;
mod table;

use collected::Collected;
use house::Houses;
use name::Name;
use run::Run;
use runs::Skipped;

/// The number of runs that are read at the same time: enough to hide S3's latency, few enough for the
/// memory.
const AT_ONCE: usize = 24;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// What to read: a folder that holds raw/ and quality/, or s3://bucket/prefix; by default ./local_env, or
    /// ./sandbox_env where there is nothing in that
    #[arg(value_name = "FOLDER|S3")]
    source: Option<String>,
    /// Where to write the page
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
    /// Leave out runs before this time: RFC 3339, or a day in UTC
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// Leave out runs at this time and after
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// The configuration that names the houses; without it their accounts do
    #[arg(long, value_name = "FILE", default_value = "configure.ini")]
    config: PathBuf,
}

impl ReportArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let (named, storage, keys) = self.source(output).await?;
        let (files, unnamed) = self.files(keys);
        if files.is_empty() {
            bail!(
                "nothing collected in {named} (looked for raw/ and quality/, of this time): `luxury-brands sandbox-day` makes a day of data to try it with"
            );
        }
        let houses = Config::load(&self.config).map(|config| Houses::of(&config)).unwrap_or_default();
        let mut collected = Collected::new(houses);
        let bar = watch(files.len(), output);
        for skipped in unnamed {
            warn(&bar, &skipped, output);
            collected.skip(skipped);
        }
        let runs = files.into_iter().map(|(run, keys)| read_run(&storage, run, keys));
        let mut runs = stream::iter(runs).buffered(AT_ONCE);
        while let Some(run) = runs.next().await {
            let run = run?;
            run.skipped.iter().for_each(|skipped| warn(&bar, skipped, output));
            collected.add(run);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let page = collected.finish(&named, Utc::now().timestamp());
        let html = html::render(&page)?;
        std::fs::write(&self.out, &html).with_context(|| format!("{} cannot be written", self.out.display()))?;
        let (source, seconds) = (page.source(), bar.elapsed().as_secs_f64());
        let written = json!({
            "page": self.out.display().to_string(),
            "bytes": html.len(),
            "source": { "place": source.place, "made_up": source.made_up, "records": source.records, "files": source.files, "bytes": source.bytes },
            "skipped": page.skipped(),
        });
        output.result(&written, || {
            format!(
                "{}  {}, of {} records in {} files of {} ({}, {} skipped), read in {seconds:.1} s",
                self.out.display(),
                HumanBytes(html.len() as u64),
                source.records,
                source.files,
                source.named(),
                HumanBytes(source.bytes as u64),
                page.skipped(),
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }

    /// The data that is read: its name, its storage and its keys.
    async fn source(&self, output: Output) -> Result<(String, Storage, Vec<String>)> {
        let open = async |named: &str| {
            let storage = Storage::open(named).await?;
            let keys = source::keys(&storage).await?;
            anyhow::Ok((named.to_owned(), storage, keys))
        };
        if let Some(named) = &self.source {
            return open(named).await;
        }
        let local = open(LOCAL_BUCKET).await?;
        if !local.2.is_empty() {
            return Ok(local);
        }
        let sandbox = open(SANDBOX_BUCKET).await?;
        if sandbox.2.is_empty() {
            let (_, storage, keys) = local;
            return Ok((format!("{LOCAL_BUCKET} or {SANDBOX_BUCKET}"), storage, keys));
        }
        output.remark(format_args!(
            "nothing collected in {LOCAL_BUCKET}: {SANDBOX_BUCKET} is read instead, the sandbox's made-up data"
        ));
        Ok(sandbox)
    }

    /// The keys by run, in the order of model and time, and the keys that name no run.
    fn files(&self, keys: Vec<String>) -> (FilesOf, Vec<Skipped>) {
        let (mut runs, mut unnamed) = (FilesOf::new(), Vec::new());
        for key in keys {
            let Some(Name { model, time, .. }) = Name::parse(&key) else {
                let reason = "its name tells no model and time, as in media_2026-11-24_030000.json".to_owned();
                unnamed.push(Skipped { key, reason });
                continue;
            };
            if self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until) {
                runs.entry((model, time)).or_default().push(key);
            }
        }
        (runs, unnamed)
    }
}

/// A run of a model. Its shards, and the parts that repair it, belong to it.
type RunOf = (Model, DateTime<Utc>);

/// The files of each run, in the order of models and times.
type FilesOf = BTreeMap<RunOf, Vec<String>>;

/// Reads a run. Parsing takes most of the time, so each run is parsed on a thread of its own.
async fn read_run(storage: &Storage, (model, time): RunOf, keys: Vec<String>) -> Result<Run> {
    let read = keys.into_iter().map(async |key| {
        let body = storage.read(&key).await.map_err(|error| error.root_cause().to_string());
        (key, body)
    });
    let bodies = join_all(read).await;
    let parsed = tokio::task::spawn_blocking(move || {
        let mut run = Run::new(model, time.timestamp());
        for (key, body) in bodies {
            run.take(&key, body);
        }
        run
    });
    parsed.await.context("a thread that reads ended early")
}

fn warn(bar: &ProgressBar, Skipped { key, reason }: &Skipped, output: Output) {
    bar.suspend(|| output.remark(printable(&format!("WARNING {key} is skipped: {reason}"))));
}

/// A progress bar; nothing where standard error is not a terminal.
fn watch(runs: usize, output: Output) -> ProgressBar {
    let bar = if output.has_bar() { ProgressBar::new(runs as u64) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs read  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
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

    fn args(since: Option<&str>, until: Option<&str>) -> ReportArgs {
        let time = |text: Option<&str>| text.map(|text| moment(text).unwrap());
        let (source, out, config) = (None, PathBuf::new(), PathBuf::new());
        ReportArgs { source, out, since: time(since), until: time(until), config }
    }

    #[test]
    fn the_files_of_a_run_come_together_and_those_outside_of_the_time_stay_out() {
        let key = |kind: &str, hour: u32, shard: &str| {
            format!("{kind}/media_2026-11-24/media_2026-11-24_{hour:02}0000{shard}.json")
        };
        let keys = [
            key("raw", 1, ""),
            key("raw", 2, ""),
            key("raw", 2, "_part-0a"),
            key("quality", 2, "_b"),
            key("raw", 3, ""),
        ];
        let (runs, unnamed) = args(Some("2026-11-24T02:00:00Z"), Some("2026-11-24T03:00:00Z")).files(keys.to_vec());
        assert_eq!((runs.len(), unnamed.len()), (1, 0));
        assert_eq!(runs.values().next().map(Vec::len), Some(3));
    }

    #[test]
    fn a_file_whose_name_holds_no_run_is_reported() {
        let (runs, unnamed) = args(None, None).files(vec!["raw/x.json".into()]);
        assert_eq!((runs.len(), unnamed.len(), &*unnamed[0].key), (0, 1, "raw/x.json"));
    }

    #[test]
    fn a_moment_is_a_time_or_a_day() {
        assert_eq!(moment("2026-11-24"), moment("2026-11-24T09:00:00+09:00"));
        assert!(moment("yesterday").unwrap_err().contains("2026-11-24"));
    }
}
