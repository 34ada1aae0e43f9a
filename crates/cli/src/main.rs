//! The collector from a terminal: the same function that Lambda runs, with a progress bar and a table,
//! on the real API or on the sandbox.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use collector::topic::Job;

mod add_account;
mod aws;
mod backend;
mod check;
mod completions;
#[cfg(test)]
mod documents;
mod failure;
mod hashtag_ids;
mod id_file;
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
mod sandbox_day;
mod schema;
mod serve;
mod setting;
mod shard;
mod storage;
mod stored;
mod watch;

use output::Output;
use setting::{SandboxArgs, Setting};

/// Collects Instagram profiles, media and hashtag media of followed brands.
#[derive(Debug, Parser)]
#[command(
    name = "luxury-brands",
    version,
    max_term_width = 100,
    after_help = AFTER_HELP
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

const AFTER_HELP: &str = "Exit codes:
  0    done; a run that lost some topics is done too
  1    failed, and standard error says why
  2    wrong arguments
  3    with --fail-on partial: a run stored what it collected and lost some topics
  130  interrupted by SIGINT (Ctrl-C); 143 by SIGTERM. What came is stored

Try it without a token or an AWS account: luxury-brands brand_media --sandbox";

#[derive(Debug, Subcommand)]
enum Command {
    /// Collect each account's profile and newest media
    #[command(name = "brand_media", alias = "brand-media")]
    BrandMedia(run::RunArgs),
    /// Collect the newest media under each hashtag
    Hashtag(run::RunArgs),
    /// Show how long the access token is good for, and for what
    Token(run::TokenArgs),
    /// Run the schedules in one process until it is interrupted
    ///
    /// brand_media and hashtag run as often an hour as [limits] says, from minute 0 on, and token once a day at
    /// 06:17 UTC. Runs are made one at a time. A run that starts late because another one took long keeps its
    /// scheduled time; runs that were missed are named in a WARNING and not made up for.
    Watch(watch::WatchArgs),
    /// Repair a run: collect again what failed in it, from its report
    ///
    /// The topics that failed are collected under the run's own time, so that their objects lie beside the
    /// run's. Where an object could not be stored, or the run stored nothing, it is repeated as it was. The
    /// report is the function's response, its error, its last line in the log, or a quality object.
    Retry(retry::RetryArgs),
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
}

/// Runs the command that the arguments name.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return output::print_usage(&said),
    };
    let output = cli.output;
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|r| r.block_on(cli.run()));
    done.unwrap_or_else(|error| failure::tell(&error, output))
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
            Command::Check(args) => args.run(output).await,
            Command::Plan(args) => args.run(output),
            Command::HashtagIds(args) => args.run(output).await,
            Command::Schema(args) => args.run(output).await,
            Command::Completions(args) => args.run(output),
            Command::Sandbox(args) => args.run(output).await,
            Command::SandboxDay(args) => args.run(output).await,
            Command::Report(args) => args.run(output).await,
            Command::Shard(args) => args.run(output).await,
            Command::AddAccount(args) => args.run(output).await,
        }
    }
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
