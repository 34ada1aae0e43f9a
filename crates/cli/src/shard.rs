//! `luxury-brands shard`: distributes topics over credentials, as manifests for the state machine. docs/scale.md
//! describes their use.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::failure::UsageError;
use super::output::Output;
use super::setting::{configuration, duration};
use super::storage::{Storage, place};
use collector::config::Config;
use collector::counted::counted;
use collector::topic::Job;
use rollup::{self, Manifest};

mod infeasible;
mod lists;
mod plan;
mod summary;

use infeasible::CYCLES;
use lists::{Lists, Topic};
use plan::{Credential, Hashtag, Request, Schedule, Shard};
pub(super) use summary::Summary;

/// The shards that failed, with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FailedShards {
    /// Shards to run again.
    shards: usize,
    /// The time under which they ran.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    time: Value,
    /// The file written.
    manifest: String,
}

/// The accounts of a list, with their user ids.
pub(super) fn accounts(path: &std::path::Path) -> Result<Vec<(String, String)>, UsageError> {
    Lists::accounts(path).map_err(UsageError)
}

#[derive(Debug, Args)]
pub(super) struct ShardArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "configure.ini")]
    config: PathBuf,
    /// Accounts, as CSV (name,user_id), JSON or JSON Lines [default: the configured ones]
    #[arg(long, value_name = "FILE")]
    accounts_from: Option<PathBuf>,
    /// Hashtags, as CSV (name,user_id and optionally id), JSON or JSON Lines [default: the configured ones]
    #[arg(long, value_name = "FILE")]
    hashtags_from: Option<PathBuf>,
    /// Credentials, as CSV (secret_id, and optionally calls_per_hour and hashtags_per_week), JSON or JSON Lines
    #[arg(long, value_name = "FILE", required_unless_present = "failed")]
    credentials: Option<PathBuf>,
    /// The maximum number of topics per shard, which is one invocation
    #[arg(long, value_name = "TOPICS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    max_topics: u16,
    /// How often each account is collected: 1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = cycle)]
    every: u32,
    /// Runs of the hashtag job per hour [default: as configured]
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(1..=60))]
    hashtag_runs: Option<u32>,
    /// Percent of each hour's calls to leave for retries
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=90))]
    reserve: u8,
    /// Plan only the shards that failed, from the manifest.json of a run's results
    #[arg(long, value_name = "FILE|s3://BUCKET/KEY", value_parser = place, conflicts_with_all = ["credentials", "accounts_from", "hashtags_from"])]
    failed: Option<String>,
    /// Where to write: a folder or a bucket; with --failed a file or an object
    #[arg(long, value_name = "PATH|s3://BUCKET/PREFIX", default_value = "shards", value_parser = place)]
    out: String,
}

/// The hours of a cycle.
fn cycle(text: &str) -> Result<u32, String> {
    let is_given = |hours: &u32| duration(text) == Ok(Duration::from_secs(u64::from(*hours) * 3_600));
    let cycle = CYCLES.into_iter().find(is_given);
    cycle.ok_or_else(|| "1h, 2h, 3h, 4h, 6h, 8h, 12h or 24h expected".to_owned())
}

impl ShardArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        match &self.failed {
            Some(results) => self.retry_failed(results, output).await?,
            None => self.plan(output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn plan(&self, output: Output) -> Result<()> {
        let config = configuration(&self.config)?;
        let lists = Lists::read(
            &config,
            self.accounts_from.as_deref(),
            self.hashtags_from.as_deref(),
            self.credentials.as_deref(),
        )
        .map_err(UsageError)?;
        let request = self.request(&config, &lists);
        let started = Instant::now();
        let plan = request.plan()?;
        let took = started.elapsed();
        let jobs = [
            (Job::BrandMedia, &plan.brand_media, request.brand_media, &lists.accounts),
            (Job::Hashtag, &plan.hashtag, request.hashtag, &lists.hashtags),
        ];
        let out = Storage::open(&self.out).await?;
        for (job, shards, schedule, topics) in jobs.into_iter().filter(|(_, shards, ..)| !shards.is_empty()) {
            for hour in 0..24 {
                let turn = hour % schedule.every_hours;
                let lines: String =
                    shards.iter().filter(|s| s.hour == turn).map(|s| line(job, s, topics, &request)).collect();
                if lines.is_empty() {
                    let topics = counted(topics.len(), "topic");
                    return Err(UsageError(anyhow!(
                        "no {job} topic would be collected in hour {hour}: --every {}h is too long for {topics}",
                        self.every
                    ))
                    .into());
                }
                out.write(&format!("{job}/{hour:02}.jsonl"), lines.into_bytes()).await?;
            }
        }
        // A run of the job `token` requests the state of each credential once, whatever the hour.
        let of_token = |c: &Credential| format!("{}\n", json!({"job": Job::Token.name(), "secret_id": c.secret_id}));
        let lines: String = request.credentials.iter().map(of_token).collect();
        for hour in 0..24 {
            out.write(&format!("{}/{hour:02}.jsonl", Job::Token), lines.clone().into_bytes()).await?;
        }
        let summary = Summary::of(&plan, &request, out.shown("{job}/{hour}.jsonl"));
        output.result(&summary, || summary.to_text(took))?;
        Ok(())
    }

    fn request(&self, config: &Config, lists: &Lists) -> Request {
        let limits = &config.limits;
        let runs_per_hour = if self.every == 1 { limits.brand_media_runs_per_hour } else { 1 };
        Request {
            credentials: lists.credentials.clone(),
            accounts: lists.accounts.iter().map(|t| t.name.clone()).collect(),
            hashtags: lists.hashtags.iter().map(|t| Hashtag { name: t.name.clone(), pinned: t.id.is_some() }).collect(),
            brand_media: Schedule { runs_per_hour, every_hours: self.every, calls: limits.calls_per_account() },
            hashtag: Schedule {
                runs_per_hour: self.hashtag_runs.unwrap_or(limits.hashtag_runs_per_hour),
                every_hours: 1,
                calls: 1,
            },
            most_topics: usize::from(self.max_topics),
            reserve_percent: u32::from(self.reserve),
        }
    }

    /// Writes a manifest of the events whose shards failed.
    async fn retry_failed(&self, results: &str, output: Output) -> Result<()> {
        let from = Storage::open(results).await?;
        let bytes = from.read("").await;
        let bytes = if matches!(from, Storage::Local(_)) { bytes.map_err(UsageError)? } else { bytes? };
        let mut items = Vec::new();
        if let Some(manifest) = Manifest::read(&bytes) {
            for key in manifest.files_of_failures() {
                let name = key.rsplit('/').next().unwrap_or_default();
                let bytes = from.sibling(name).read("").await?;
                items.extend(rollup::items(&bytes).with_context(|| format!("{key} is not a list of results"))?);
            }
        } else {
            let expected = || format!("{results} is neither a manifest.json nor a list of results");
            items = rollup::items(&bytes).with_context(expected).map_err(UsageError)?;
        }
        let failed: Vec<Value> = items.iter().filter(|item| !item.succeeded()).map(rollup::Item::event).collect();
        if failed.is_empty() {
            bail!("{results} lists no shard that failed");
        }
        let mut lines = String::new();
        for mut event in failed.iter().cloned() {
            if let Some(fields) = event.as_object_mut() {
                // The state machine sets each shard's time from its own input.
                fields.remove("time");
            }
            lines.push_str(&format!("{event}\n"));
        }
        let out = Storage::open(&self.out).await?;
        out.write("", lines.into_bytes()).await?;
        let (shards, time) = (failed.len(), failed.first().and_then(|e| e.get("time")).cloned().unwrap_or_default());
        let manifest = out.shown("");
        let again = FailedShards { shards, time, manifest };
        output.result(&again, || {
            let FailedShards { shards, time, manifest } = &again;
            format!("{} to run again, under the time {time}: {manifest}", counted(*shards, "shard"))
        })?;
        Ok(())
    }
}

/// A line of a manifest: the shard's event without its time.
fn line(job: Job, shard: &Shard, topics: &[Topic], request: &Request) -> String {
    let listed: Vec<&Topic> = shard.topics.iter().filter_map(|topic| topics.get(*topic)).collect();
    let secret_id = request.credentials.get(shard.credential).map(|c| c.secret_id.as_str());
    let mut event = json!({"job": job.name(), "shard": shard.name, "secret_id": secret_id});
    if let (Some(fields), Some(key)) = (event.as_object_mut(), job.topics_key()) {
        fields.insert(key.to_owned(), json!(listed));
    }
    format!("{event}\n")
}
