//! `luxury-brands sandbox day`: a day of data for everything that needs more than one run. The real function makes
//! it on the sandbox, at each moment of the schedule.

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
use crate::setting::{configuration, time};
use collector::clock::Clock;
use collector::config::{self, Limits};
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
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
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
        let limits = configuration(&self.config)?.limits;
        let until = match self.until {
            Some(until) => until,
            None => Utc::now().duration_trunc(TimeDelta::hours(1)).context("the clock cannot be read")?,
        };
        let runs = schedule(until, self.hours, &limits);
        let interrupt = Interrupt::listen()?;
        let bar = output.bar("{bar:30} {pos}/{len} runs  {eta} left  {wide_msg}");
        bar.set_length(runs.len() as u64);
        output::log_above(&bar, level(output.verbose), &Arc::default());
        let sandbox = self.on.start(&self.config, 0).await?;
        let (end_point, secret) = (Some(sandbox.end_point()), Some(sandbox.secret(self.config.clone())));
        let clock = Clock::at(until);
        let function = Function::new(Settings { end_point, secret, clock: clock.clone(), ..Settings::default() });
        let (mut done, mut records, mut failed) = (0, 0, Vec::new());
        for (time, job) in runs.iter().take_while(|_| interrupt.signal().is_none()) {
            sandbox.set_now(*time);
            clock.set(*time);
            let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
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
            bail!("none of the {done} runs collected anything");
        }
        let elapsed_ms = u64::try_from(bar.elapsed().as_millis()).unwrap_or(u64::MAX);
        let collected = Collected { folder: SANDBOX_BUCKET, runs: done, records, failed, elapsed_ms };
        output.result(&collected, || {
            format!(
                "{records} records of {done} runs ({} failed) in {:.1} s, in ./{SANDBOX_BUCKET}; look at them with: luxury-brands report {SANDBOX_BUCKET}",
                collected.failed.len(),
                bar.elapsed().as_secs_f64()
            )
        })?;
        if let Some(signal) = interrupt.signal() {
            output::note(format_args!("interrupted by {signal} after {done} of {} runs", runs.len()));
            return Ok(signal.exit_code());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The runs of the `hours` hours before `until`, in their order, as often as `[limits]` says.
fn schedule(until: DateTime<Utc>, hours: u32, limits: &Limits) -> Vec<(DateTime<Utc>, Job)> {
    let start = until - TimeDelta::hours(hours.into());
    let of = |job: Job, per_hour: u32| {
        let at = move |n| start + TimeDelta::seconds(n * 3_600 / i64::from(per_hour.max(1)));
        (0..i64::from(hours * per_hour)).map(move |n| (at(n), job))
    };
    let brand_media = of(Job::BrandMedia, limits.brand_media_runs_per_hour);
    let mut runs: Vec<_> = brand_media.chain(of(Job::Hashtag, limits.hashtag_runs_per_hour)).collect();
    runs.sort_by_key(|(time, _)| *time);
    runs
}

/// The least severity that the log has. The sandbox hides likes and omits captions on purpose, so that the warnings of
/// its runs are shown only with `-v`.
fn level(verbose: u8) -> LevelFilter {
    match verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::WARN,
        2 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    }
}

#[cfg(test)]
mod tests {
    use collector::config::Config;

    use super::*;

    #[test]
    fn a_day_at_the_default_schedule_is_24_runs_of_brand_media_and_288_of_hashtag() {
        let limits = Limits { brand_media_runs_per_hour: 1, hashtag_runs_per_hour: 12, ..limits() };
        let runs = schedule("2026-11-24T03:00:00Z".parse().unwrap(), 24, &limits);
        let of = |job| runs.iter().filter(|(_, j)| *j == job).map(|(t, _)| t.to_rfc3339()).collect::<Vec<_>>();
        let (brand, hashtag) = (of(Job::BrandMedia), of(Job::Hashtag));
        assert_eq!((brand.len(), hashtag.len()), (24, 288));
        assert_eq!((&*brand[0], &*brand[23]), ("2026-11-23T03:00:00+00:00", "2026-11-24T02:00:00+00:00"));
        assert_eq!((&*hashtag[1], &*hashtag[287]), ("2026-11-23T03:05:00+00:00", "2026-11-24T02:55:00+00:00"));
    }

    #[test]
    fn a_job_that_is_not_scheduled_has_no_runs() {
        let limits = Limits { brand_media_runs_per_hour: 0, hashtag_runs_per_hour: 12, ..limits() };
        assert_eq!(schedule("2026-11-24T03:00:00Z".parse().unwrap(), 2, &limits).len(), 24);
    }

    fn limits() -> Limits {
        Config::load(std::path::Path::new("../../configure.ini")).unwrap().limits
    }
}
