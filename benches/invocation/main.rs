//! The function's binary, measured as a whole process against the sandbox:
//! `cargo build --release -p luxury-brands-data-collector && cargo run --release -p luxury-brands-benches --bin invocation`.
//!
//! Nothing of the function runs in this process. It simulates Lambda's Runtime API and Instagram's API, and reads the
//! function's costs from the operating system. Times depend on the machine and its other work, so ratios and medians
//! are compared.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a terminal's program")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use collector::config::Config;

mod figures;
mod package;
mod process;
mod quota;
mod setup;
#[cfg(test)]
mod tests;
mod tls;
mod topics;

use figures::{Figures, Goal};
use process::Function;
use quota::Quota;
use setup::Setup;

/// The time that idle connections outlive a run; see `http.rs`. A run after that time starts with a handshake, as a run
/// on Lambda does minutes after the previous one.
const CONNECTIONS_GONE: Duration = Duration::from_secs(9);

/// Measures the function's binary as Lambda runs it, on the sandbox: start, runs, processor, memory, size.
#[derive(Debug, Parser)]
#[command(name = "invocation", max_term_width = 100)]
struct Args {
    /// The function's binary, built with `cargo build --release`
    #[arg(long, value_name = "FILE", default_value = "target/release/data-collector")]
    binary: PathBuf,
    /// How often each figure is measured; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// How long each response of the API takes
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    latency_ms: u64,
    /// Also measure runs over TLS and HTTP/2, with a generated certificate
    #[arg(long)]
    tls: bool,
    /// Also measure runs at this percentage of a processor (a cgroup's quota; 7.2 is Lambda's at 128 MB)
    #[arg(long, value_name = "PERCENT")]
    cpu_quota: Option<f64>,
    /// How many accounts the large run has; 0 for no large run
    #[arg(long, default_value_t = 1_000)]
    accounts: usize,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "configure.ini")]
    config: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    Args::parse().run().await
}

impl Args {
    async fn run(self) -> Result<()> {
        let binary = self.binary.canonicalize().with_context(|| {
            format!("no binary at {}; `cargo build --release --bin data-collector` makes it", self.binary.display())
        })?;
        let ini = std::fs::read_to_string(&self.config)
            .with_context(|| format!("the configuration {} cannot be read", self.config.display()))?;
        let bench = Bench { latency: Duration::from_millis(self.latency_ms), binary, ini };
        let mut figures = Figures::default();
        for run in 1..=self.runs {
            eprintln!("run {run} of {}", self.runs);
            bench.plain(&mut figures).await?;
            if self.accounts > 0 {
                bench.large(self.accounts, &mut figures).await?;
            }
            if self.tls || self.cpu_quota.is_some() {
                bench.constrained(self.tls, self.cpu_quota, &mut figures).await?;
            }
        }
        figures.note("package (zip)", "MB", Goal::AtMost(4.6), package::zipped(&bench.binary)? as f64 / 1e6);
        println!("{}", figures.table());
        Ok(())
    }
}

/// The parameters of the measurement.
struct Bench {
    binary: PathBuf,
    latency: Duration,
    ini: String,
}

impl Bench {
    /// The time in units of one response's latency.
    fn responses(&self, took: Duration) -> f64 {
        took.as_secs_f64() / self.latency.as_secs_f64()
    }

    /// Measures a process that runs both jobs twice, and one that knows the hashtags' ids from the start.
    async fn plain(&self, figures: &mut Figures) -> Result<()> {
        let setup = Setup::new(&self.ini, self.latency, false).await?;
        let mut function = Function::start(&self.binary, &setup, None).await?;
        figures.note("spawn to first request for work", "ms", Goal::AtMost(20.0), ms(function.started));
        let brand = function.invoke("brand_media").await?;
        let calls_brand = setup.calls();
        let first = function.invoke("hashtag").await?;
        let calls_first = setup.calls() - calls_brand;
        let later = function.invoke("hashtag").await?;
        let calls_later = setup.calls() - calls_brand - calls_first;
        let again = function.invoke("brand_media").await?;
        let pins = setup.hashtag_ids();
        figures.note("brand_media", "× one response", Goal::AtMost(1.10), self.responses(brand.took));
        figures.note("brand_media, later", "× one response", Goal::AtMost(1.10), self.responses(again.took));
        figures.note("hashtag, first of a process", "× one response", Goal::AtMost(2.15), self.responses(first.took));
        figures.note("hashtag, later", "× one response", Goal::AtMost(1.10), self.responses(later.took));
        for run in [&brand, &first, &later, &again] {
            figures.note("processor time an invocation", "ms", Goal::AtMost(6.0), ms(run.processor));
        }
        figures.note("peak memory", "MiB", Goal::AtMost(12.0), mib(function.peak_memory()?));
        function.end();

        let pinned = Setup::new(&topics::pinned(&self.ini, &pins), self.latency, false).await?;
        let mut function = Function::start(&self.binary, &pinned, None).await?;
        function.invoke("hashtag").await?;
        function.end();

        // The schedule gives the runs of each job, and the calls of a run were counted.
        let limits = Config::parse(self.ini.as_bytes(), "configure.ini")?.limits;
        let (brands, hashtags) =
            (limits.brand_media_runs_per_hour as usize, limits.hashtag_runs_per_hour.max(1) as usize);
        let an_hour = |first: usize| (brands * calls_brand + first + (hashtags - 1) * calls_later) as f64;
        figures.note("calls an hour, warm process", "calls", Goal::AtMost(143.0), an_hour(calls_later));
        figures.note("calls an hour, cold, ids pinned", "calls", Goal::AtMost(143.0), an_hour(pinned.calls()));
        figures.note("calls an hour, cold, no id pinned", "calls", Goal::AtMost(200.0), an_hour(calls_first));
        Ok(())
    }

    /// Measures one run of many accounts.
    async fn large(&self, accounts: usize, figures: &mut Figures) -> Result<()> {
        let setup = Setup::new(&topics::many_accounts(&self.ini, accounts), self.latency, false).await?;
        let concurrency = setup.config.limits.concurrency as usize;
        let mut function = Function::start(&self.binary, &setup, None).await?;
        let before = function.peak_memory()?;
        let run = function.invoke("brand_media").await?;
        let rounds = accounts.div_ceil(concurrency);
        let name = format!("{accounts} accounts, {concurrency} at a time");
        let responses = self.responses(run.took) / rounds as f64;
        figures.note(&name, &format!("× {rounds} responses"), Goal::AtMost(1.2), responses);
        let stored = run.stored_bytes().max(1);
        let grown = function.peak_memory()?.saturating_sub(before);
        figures.note(&format!("{name}: memory"), "MiB", Goal::None, mib(before + grown));
        figures.note(&format!("{name}: memory a byte stored"), "bytes", Goal::None, grown as f64 / stored as f64);
        figures.note(
            &format!("{name}: processor time an account"),
            "ms",
            Goal::None,
            ms(run.processor) / accounts as f64,
        );
        function.end();
        Ok(())
    }

    /// Measures a process as on Lambda at 128 MB: a share of a processor, TLS, and pauses between the runs.
    async fn constrained(&self, tls: bool, percent: Option<f64>, figures: &mut Figures) -> Result<()> {
        let quota = percent.and_then(|percent| match Quota::new(percent) {
            Ok(quota) => Some(quota),
            Err(error) => {
                eprintln!("no processor quota: {error:#}; measured without");
                None
            }
        });
        let setup = Setup::new(&self.ini, self.latency, tls).await?;
        let mut function = Function::start(&self.binary, &setup, quota.as_ref()).await?;
        let over = if tls { "TLS" } else { "plain HTTP" };
        let on = match (&quota, percent) {
            (Some(_), Some(percent)) => format!("{over}, {percent} % of a processor"),
            _ => over.to_owned(),
        };
        let mut note = |what: &str, unit, goal, value| figures.note(&format!("{on}: {what}"), unit, goal, value);
        note("start", "s", Goal::AtMost(0.25), function.started.as_secs_f64());
        let first = function.invoke("brand_media").await?;
        let shaken = setup.handshakes();
        let next = function.invoke("brand_media").await?;
        tokio::time::sleep(CONNECTIONS_GONE).await;
        let before = setup.handshakes();
        let after_a_pause = function.invoke("brand_media").await?;
        note("first brand_media", "s", Goal::AtMost(0.9), first.took.as_secs_f64());
        note("later brand_media", "s", Goal::AtMost(0.45), next.took.as_secs_f64());
        note("later, connections gone", "s", Goal::AtMost(0.45), after_a_pause.took.as_secs_f64());
        note("first, processor time", "ms", Goal::None, ms(first.processor));
        note("later, connections gone, processor time", "ms", Goal::None, ms(after_a_pause.processor));
        if tls {
            note("first, TLS handshakes", "handshakes", Goal::AtMost(1.0), shaken as f64);
            note(
                "later, connections gone, TLS handshakes",
                "handshakes",
                Goal::AtMost(1.0),
                (setup.handshakes() - before) as f64,
            );
        }
        function.end();
        Ok(())
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
