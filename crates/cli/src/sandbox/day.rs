//! `luxury-brands sandbox day`: a day of data for everything that needs more than one run. The real function collects
//! it from the sandbox, at each time of the schedule.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use tracing::level_filters::LevelFilter;

use crate::SandboxArgs;
use crate::interrupt::Interrupt;
use crate::output::{self, Output};
use crate::setting::{configuration, default_config, time};
use crate::shell;
use crate::stored::Stored;
use collector::clock::Clock;
use collector::config::Config;
use collector::counted::counted;
use collector::function::{Function, Invocation, Settings};
use collector::secret::SANDBOX_BUCKET;
use collector::telemetry::printable;
use collector::topic::Job;

/// The time limit of one run.
const TIME_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct DayArgs {
    /// How many hours to collect
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=24 * 366))]
    hours: u32,
    /// The time up to which to collect, in RFC 3339 [default: the last full hour]
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value_os_t = default_config())]
    config: PathBuf,
    #[command(flatten)]
    on: SandboxArgs,
}

/// The results of the runs, with `--json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Collected {
    folder: &'static str,
    /// Runs that were made.
    runs: usize,
    /// Records stored.
    records: usize,
    /// Runs that collected nothing.
    failed: Vec<FailedRun>,
    elapsed_ms: u64,
}

/// A run that collected nothing.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FailedRun {
    job: &'static str,
    time: String,
    message: String,
}

impl DayArgs {
    pub(crate) async fn run(self, output: Output) -> Result<ExitCode> {
        let config = configuration(&self.config)?;
        let until = match self.until {
            Some(until) => until,
            None => Utc::now().duration_trunc(TimeDelta::hours(1)).context("the clock cannot be read")?,
        };
        let runs = schedule(until, self.hours, &config);
        if self.on.may_lose_topics() {
            check_free(&runs, &config).await?;
        }
        let interrupt = Interrupt::listen()?;
        let bar = output.bar("{bar:30} {pos}/{len} runs  {eta} left  {wide_msg}");
        bar.set_length(runs.len() as u64);
        // The log of hundreds of runs is shown only if it is asked for.
        let level = if output.verbose == 0 { LevelFilter::OFF } else { output.level() };
        output::log_above(&bar, level, &Arc::default());
        let sandbox = self.on.start(&self.config, 0).await?;
        let (end_point, secret) = (Some(sandbox.end_point()), Some(sandbox.secret(self.config.clone())));
        let clock = Clock::at(until);
        let function =
            Function::new(Settings { sandbox: true, end_point, secret, clock: clock.clone(), ..Settings::default() });
        let (mut done, mut records, mut failed) = (0, 0, Vec::new());
        for (time, job) in runs.iter().take_while(|_| interrupt.signal().is_none()) {
            sandbox.set_now(*time);
            clock.set(*time);
            let time = shown(*time);
            bar.set_message(format!("{time} {job}"));
            let mut invocation = Invocation::new(format!("sandbox-day-{done}"), SystemTime::now() + TIME_LIMIT);
            invocation.interrupt = interrupt.token();
            match function.invoke(&json!({ "job": job.name(), "time": time }), &invocation, &()).await {
                Ok(response) => records += response.summary.records(),
                Err(error) => failed.push(FailedRun { job: job.name(), time, message: error.text() }),
            }
            done += 1;
            bar.inc(1);
        }
        bar.finish_and_clear();
        for FailedRun { job, time, message } in &failed {
            output.remark(format_args!("WARNING {time} {job}: {}", printable(message)));
        }
        if interrupt.signal().is_none() && failed.len() == runs.len() {
            bail!("none of {} collected anything", counted(done, "run"));
        }
        let elapsed_ms = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX);
        let collected = Collected { folder: SANDBOX_BUCKET, runs: done, records, failed, elapsed_ms };
        output.result(&collected, || {
            format!(
                "{} of {} ({} failed) in {:.1} s, in ./{SANDBOX_BUCKET}; to see them: {}",
                counted(records, "record"),
                counted(done, "run"),
                collected.failed.len(),
                bar.elapsed().as_secs_f64(),
                self.report_command()
            )
        })?;
        if let Some(signal) = interrupt.signal() {
            output::note(format_args!("interrupted by {signal} after {done} of {}", counted(runs.len(), "run")));
            return Ok(signal.exit_code());
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The command that shows the collected data.
    fn report_command(&self) -> String {
        let config = self.config.display().to_string();
        let config = if self.config == default_config() { Vec::new() } else { vec!["--config", &config] };
        shell::line(["luxury-brands", "report", SANDBOX_BUCKET].into_iter().chain(config))
    }
}

/// Checks that there is no object of a run's time. A run that lost topics would not replace it.
///
/// # Errors
/// If there is such an object. It says what to do.
async fn check_free(runs: &[(DateTime<Utc>, Job)], config: &Config) -> Result<()> {
    let times: BTreeSet<DateTime<Utc>> = runs.iter().map(|(time, _)| *time).collect();
    let stored = Stored::list(SANDBOX_BUCKET, config).await?;
    let taken = stored.objects.iter().map(|object| object.time).filter(|time| times.contains(time)).min();
    taken.map(shown).map_or(Ok(()), |first| {
        bail!(
            "./{SANDBOX_BUCKET} has objects of these hours, from {first} on, and a run that lost topics would replace none: remove the folder, or collect the hours before with --until {first}"
        )
    })
}

/// A time as written in an event.
fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The runs of the `hours` hours before `until`, in their order, as often as `[limits]` says. A job without topics has
/// none.
fn schedule(until: DateTime<Utc>, hours: u32, config: &Config) -> Vec<(DateTime<Utc>, Job)> {
    let start = until - TimeDelta::hours(hours.into());
    let of = |job: Job, per_hour: u32| {
        let per_hour = if config.topics(job).is_empty() { 0 } else { per_hour };
        let at = move |n| start + TimeDelta::seconds(n * 3_600 / i64::from(per_hour.max(1)));
        (0..i64::from(hours * per_hour)).map(move |n| (at(n), job))
    };
    let brand_media = of(Job::BrandMedia, config.limits.brand_media_runs_per_hour);
    let mut runs: Vec<_> = brand_media.chain(of(Job::Hashtag, config.limits.hashtag_runs_per_hour)).collect();
    runs.sort_by_key(|(time, _)| *time);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_at_the_default_schedule_is_24_runs_of_brand_media_and_288_of_hashtag() {
        let mut config = config();
        config.limits.brand_media_runs_per_hour = 1;
        config.limits.hashtag_runs_per_hour = 12;
        let runs = schedule("2026-11-24T03:00:00Z".parse().unwrap(), 24, &config);
        let of = |job| runs.iter().filter(|(_, j)| *j == job).map(|(t, _)| t.to_rfc3339()).collect::<Vec<_>>();
        let (brand, hashtag) = (of(Job::BrandMedia), of(Job::Hashtag));
        assert_eq!((brand.len(), hashtag.len()), (24, 288));
        assert_eq!((&*brand[0], &*brand[23]), ("2026-11-23T03:00:00+00:00", "2026-11-24T02:00:00+00:00"));
        assert_eq!((&*hashtag[1], &*hashtag[287]), ("2026-11-23T03:05:00+00:00", "2026-11-24T02:55:00+00:00"));
    }

    #[test]
    fn a_job_that_is_not_scheduled_or_has_no_topics_has_no_runs() {
        let mut config = config();
        config.limits.brand_media_runs_per_hour = 0;
        assert_eq!(schedule("2026-11-24T03:00:00Z".parse().unwrap(), 2, &config).len(), 24);
        config.hashtags.clear();
        assert!(schedule("2026-11-24T03:00:00Z".parse().unwrap(), 2, &config).is_empty());
    }

    fn config() -> Config {
        Config::load(std::path::Path::new("../../configure.ini")).unwrap()
    }
}
