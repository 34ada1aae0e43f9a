//! The collector from a terminal: the same function that Lambda runs, with a progress bar and a table,
//! on the real API or on the sandbox.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the terminal")]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::sandbox::{Fault, FaultRule, Options, Sandbox};
use crate::telemetry::printable;
use crate::topic::Job;

mod add_account;
mod backend;
mod check;
mod compare;
mod completions;
mod hashtag_ids;
mod interrupt;
mod plan;
mod progress;
mod redrive;
mod repair;
mod report;
mod retry;
mod run;
mod sandbox_day;
mod schema;
mod serve;
mod shard;
mod storage;

/// Collects Instagram profiles, media and hashtag media of followed brands.
#[derive(Debug, Parser)]
#[command(
    name = "luxury-brands",
    version,
    max_term_width = 100,
    after_help = "Try it without a token or an AWS account: luxury-brands brand_media --sandbox"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Log more: -v for INFO, -vv for DEBUG (each defaulted field)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Collect each account's profile and newest media
    #[command(name = "brand_media", alias = "brand-media")]
    BrandMedia(run::RunArgs),
    /// Collect the newest media under each hashtag
    Hashtag(run::RunArgs),
    /// Show how long the access token is good for, and for what
    Token(run::TokenArgs),
    /// Repair a run: collect again what failed in it, from its report
    ///
    /// The topics that failed are collected under the run's own time, so that their objects lie beside the
    /// run's. Where an object could not be stored, or the run stored nothing, it is repeated as it was. The
    /// report is the function's response, its error, its last line in the log, or a quality object.
    Retry(retry::RetryArgs),
    /// Run the failed events of a queue again, by the deployed function
    ///
    /// Each event is run as it was, under its own time, and its message is deleted once the run has succeeded.
    Redrive(redrive::RedriveArgs),
    /// Try everything that a run needs, and say what to do about what fails
    ///
    /// One line each for the secret, the configuration, the schedule, the token, one account, the hashtags used
    /// within 7 days, one hashtag, the version that answers, the usage, the calls spent and the bucket: ok, warn,
    /// FAIL, or - where it could not be tried.
    Check(check::CheckArgs),
    /// Compare the configured schedule with the API's limits, without a call
    ///
    /// Prints the calls of processes that know every hashtag's id, and of those that start, and how many more
    /// accounts or hashtags would fit.
    Plan(plan::PlanArgs),
    /// Look up the ids of the followed hashtags and print a [hashtag_id] section to paste
    ///
    /// A pinned id saves each new process a call. The API documents the ids as static and global.
    HashtagIds(hashtag_ids::HashtagIdsArgs),
    /// Print a JSON Schema of what is collected, or how a warehouse loads it
    ///
    /// It follows from the mappings, the locations and the format of the configuration. Print it again when
    /// those change.
    Schema(schema::SchemaArgs),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Serve the sandbox, a stand-in of the Graph API, until interrupted
    Sandbox(serve::ServeArgs),
    /// Collect a day of sandbox data into ./sandbox_env, as the schedule would have
    #[command(name = "sandbox-day")]
    SandboxDay(sandbox_day::SandboxDayArgs),
    /// Make one HTML page of what was collected: followers, engagement, hashtags, quality, failures
    Report(report::ReportArgs),
    /// Plan topics over credentials, as manifests of shards for the state machine
    Shard(shard::ShardArgs),
    /// Look up an account's user id, and print the lines of the configuration that add it
    #[command(name = "add-account")]
    AddAccount(add_account::AddAccountArgs),
    /// Compare what was collected in two folders or buckets: records, fields, and how they differ
    Compare(compare::CompareArgs),
}

/// The sandbox's behaviour, for every command that can run on it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sandbox")]
struct SandboxArgs {
    /// The configuration whose topics the sandbox has
    #[arg(long, value_name = "FILE", default_value = "configure.ini")]
    config: PathBuf,
    /// How long each answer of the sandbox takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u64,
    /// What the sandbox's data is made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the sandbox misbehaves, as <topic>=<fault>[x<times>], where the topic is an account, #hashtag, #*
    /// (every call about hashtags), hashtags (the list of those searched for), token, a version or *; may be
    /// given again. `--fault help` lists the faults
    #[arg(long, value_name = "RULE")]
    fault: Vec<String>,
    /// Accounts that the sandbox has, as CSV (name,user_id), JSON or JSON Lines, in place of the configured ones
    #[arg(long, value_name = "FILE")]
    accounts_from: Option<PathBuf>,
    /// Calls that the sandbox allows to each token
    #[arg(long, value_name = "CALLS")]
    calls_allowed: Option<u32>,
}

impl SandboxArgs {
    fn options(&self, port: u16) -> Result<Options> {
        let config = Config::load(&self.config)?;
        let rule = |text: &String| text.parse::<FaultRule>().map_err(|e| anyhow::anyhow!("--fault {e}"));
        let faults = self.fault.iter().map(rule).collect::<Result<_>>()?;
        let latency = Duration::from_millis(self.latency_ms);
        let mut options = Options { port, latency, seed: self.seed, faults, ..Options::for_config(&config) };
        options.calls_allowed = self.calls_allowed;
        if let Some(path) = &self.accounts_from {
            options.accounts = shard::accounts(path)?;
        }
        Ok(options)
    }

    async fn start(&self, port: u16) -> Result<Sandbox> {
        Sandbox::start(self.options(port)?)
            .await
            .with_context(|| format!("the sandbox cannot listen on 127.0.0.1:{port}"))
    }

    /// Whether only the list of faults is asked for.
    fn asks_for_help(&self) -> bool {
        self.fault.iter().any(|f| f == "help")
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|r| r.block_on(cli.run()));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", shown(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error of several lines. Its text is printable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Lines(String);

/// An error for a terminal: on one line, unless it has several on purpose.
fn shown(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let has_lines = error.chain().any(|cause| cause.is::<ConfigError>() || cause.is::<Lines>());
    if has_lines { text } else { printable(&text).into_owned() }
}

impl Cli {
    async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::BrandMedia(args) => args.run(Job::BrandMedia, self.verbose).await,
            Command::Hashtag(args) => args.run(Job::Hashtag, self.verbose).await,
            Command::Token(args) => args.run(self.verbose).await,
            Command::Retry(args) => args.run(self.verbose).await,
            Command::Redrive(args) => args.run(self.verbose).await,
            Command::Check(args) => args.run(self.verbose).await,
            Command::Plan(args) => args.run(),
            Command::HashtagIds(args) => args.run(self.verbose).await,
            Command::Schema(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Sandbox(args) => args.run().await,
            Command::SandboxDay(args) => args.run(self.verbose).await,
            Command::Report(args) => args.run().await,
            Command::Shard(args) => args.run().await,
            Command::AddAccount(args) => args.run(self.verbose).await,
            Command::Compare(args) => args.run().await,
        }
    }
}

/// Prints text that another program may read. It stops silently when that program stops reading.
fn print_whole(text: &[u8]) -> Result<ExitCode> {
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("standard output"),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn print_faults() -> ExitCode {
    println!("{}", Fault::words());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Cli::command().debug_assert();
    }
}
