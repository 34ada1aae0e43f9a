//! The collector from a terminal: the same function that Lambda runs, with a progress bar and a table,
//! on the real API or on the sandbox.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{FromArgMatches, Parser, Subcommand};

use collector::topic::Job;

mod add_account;
mod backend;
mod check;
mod completions;
#[cfg(test)]
mod documents;
mod failure;
mod hashtag_ids;
mod help;
mod id_file;
mod init;
mod interrupt;
#[cfg(test)]
#[path = "../../../src/report/json_schema.rs"]
mod json_schema;
mod output;
mod plan;
mod progress;
mod removed;
mod repair;
mod report;
mod retry;
mod run;
mod sandbox;
mod schema;
mod setting;
mod shard;
mod shell;
#[cfg(test)]
mod simulation;
mod storage;
mod stored;
mod watch;

use output::Output;
use setting::{SandboxArgs, Setting};

/// Collects Instagram profiles, media and hashtag media of followed brands.
#[derive(Debug, Parser)]
#[command(name = "luxury-brands", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str =
    "A variable LUXURY_BRANDS_<OPTION> sets an option, as LUXURY_BRANDS_FAIL_ON=partial sets --fail-on.
The command line takes precedence.

Exit codes:
  0    done; a run that lost some topics is done too
  1    failed; standard error says why. A missing secret or configuration is a failure
  2    wrong arguments, variables, or files named in arguments; nothing was run
  3    with --fail-on partial: some topics failed
  130  interrupted by SIGINT (Ctrl-C); 143 by SIGTERM, 129 by SIGHUP. What was collected is stored

Try it without a token or an AWS account: luxury-brands brand_media --sandbox";

#[derive(Debug, Subcommand)]
enum Command {
    /// Collect each account's profile and newest media
    #[command(name = "brand_media")]
    BrandMedia(run::RunArgs),
    /// Collect the newest media of each hashtag
    Hashtag(run::RunArgs),
    /// Show how long the access token is valid, and its permissions
    Token(run::TokenArgs),
    /// Run the schedules in one process until it is interrupted
    Watch(watch::WatchArgs),
    /// Collect again what a run failed to collect, from its report
    Retry(retry::RetryArgs),
    /// Write a secret file and a configuration to fill in
    Init(init::InitArgs),
    /// Try everything that a run needs, and say how to fix what fails
    Check(check::CheckArgs),
    /// Compare the calls of the schedule with the API's limits
    Plan(plan::PlanArgs),
    /// Look up the ids of the hashtags, and print a [hashtag_id] section
    HashtagIds(hashtag_ids::HashtagIdsArgs),
    /// Look up the user id of an account, and print the lines that add it
    AddAccount(add_account::AddAccountArgs),
    /// Write one HTML page of what was collected
    Report(report::ReportArgs),
    /// Print tables, loads and views for a warehouse, or a JSON Schema
    Schema(schema::SchemaArgs),
    /// Distribute topics over credentials, as manifests for Step Functions
    Shard(shard::ShardArgs),
    /// Serve a mock of the API, or collect a day of its data
    #[command(subcommand)]
    Sandbox(sandbox::SandboxCommand),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the command that the arguments name.
fn main() -> ExitCode {
    let arguments = removed::renamed(std::env::args_os().collect());
    let command = help::command(output::color(&arguments));
    if let Some(error) = help::unknown_variable(&command) {
        output::note(error);
        return output::usage_error();
    }
    let cli = match command.try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return output::print_usage(&error, help::refused_variable(&error, &arguments)),
    };
    let output = cli.output;
    let done = tokio::runtime::Builder::new_current_thread()
        // Parsing takes all processors with fewer threads, and the allocator keeps memory for each thread.
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|r| r.block_on(cli.run()));
    done.unwrap_or_else(|error| failure::report(&error, output))
}

impl Cli {
    async fn run(self) -> Result<ExitCode> {
        let output = self.output;
        match self.command {
            Command::BrandMedia(args) => args.run(Job::BrandMedia, output).await,
            Command::Hashtag(args) => args.run(Job::Hashtag, output).await,
            Command::Token(args) => args.run(output).await,
            Command::Watch(args) => args.run(output).await,
            Command::Retry(args) => args.run(output).await,
            Command::Init(args) => args.run(output),
            Command::Check(args) => args.run(output).await,
            Command::Plan(args) => args.run(output),
            Command::HashtagIds(args) => args.run(output).await,
            Command::AddAccount(args) => args.run(output).await,
            Command::Report(args) => args.run(output).await,
            Command::Schema(args) => args.run(output).await,
            Command::Shard(args) => args.run(output).await,
            Command::Sandbox(command) => command.run(output).await,
            Command::Completions(args) => args.run(output),
        }
    }
}
