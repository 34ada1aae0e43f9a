//! What a command works with: the real API and a secret, or the sandbox in their place.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::failure::UsageError;
use super::output::{self, Output};
use super::shard;
use collector::config::{self, Config};
use collector::secret::{SANDBOX_BUCKET, Source};
use collector::sink::Destination;
use sandbox::{Fault, FaultRule, Options, Sandbox};

/// The options of every command that calls the API.
#[derive(Debug, Clone, Args)]
#[command(mut_group("SandboxArgs", |group| group.requires("sandbox")))]
pub(super) struct Setting {
    /// Use the built-in sandbox: no token, no AWS account; data goes into ./sandbox_env
    #[arg(long)]
    pub(super) sandbox: bool,
    /// The configuration, in place of the secret's config_file [with --sandbox: configure.ini]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The file of the secret, in place of SECRET_ID and SECRET_FILE
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    secret: Option<PathBuf>,
    #[command(flatten)]
    behaviour: SandboxArgs,
}

impl Setting {
    /// Where the secret is kept.
    pub(super) fn source(&self) -> Source {
        self.secret.clone().map_or_else(Source::from_env, Source::File)
    }

    /// Starts the sandbox; `None` without `--sandbox`.
    pub(super) async fn start_sandbox(&self) -> Result<Option<Sandbox>> {
        Ok(if self.sandbox { Some(self.behaviour.start(&self.sandbox_config(), 0).await?) } else { None })
    }

    /// The configuration on the sandbox.
    pub(super) fn sandbox_config(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| config::DEFAULT_FILE.into())
    }

    /// Where the data goes in place of the secret's bucket. The sandbox's data is made up, so it gets a folder of its
    /// own there, whose name says so.
    ///
    /// # Errors
    /// Where made-up data would go into a bucket.
    pub(super) fn destination(&self, out: Option<&Destination>) -> Result<Option<Destination>, UsageError> {
        match out {
            Some(Destination::Folder(folder)) if self.sandbox && !folder.ends_with(SANDBOX_BUCKET) => {
                Ok(Some(Destination::Folder(folder.join(SANDBOX_BUCKET))))
            }
            Some(Destination::Bucket(bucket)) if self.sandbox => Err(UsageError(format!(
                "--out s3://{bucket} with --sandbox: a folder expected, since the sandbox's data is made up and never mixes with real data"
            ))),
            out => Ok(out.cloned()),
        }
    }

    /// The list of faults, where `--fault help` asks for nothing else.
    pub(super) fn help(&self, output: Output) -> Option<Result<ExitCode>> {
        self.behaviour.help(output)
    }
}

/// The sandbox's behaviour.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sandbox")]
pub(super) struct SandboxArgs {
    /// How long each answer of the sandbox takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u64,
    /// What the sandbox's data is made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the sandbox misbehaves, as <topic>=<fault>[x<times>], where the topic is an account, #hashtag, #*
    /// (every call about hashtags), hashtags (the list of those searched for), token, a version or *; may be
    /// given again. `--fault help` explains the faults
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
    fn options(&self, config: &Path, port: u16) -> Result<Options> {
        let latency = Duration::from_millis(self.latency_ms);
        let mut options = Options { port, latency, seed: self.seed, ..Options::for_config(&Config::load(config)?) };
        options.calls_allowed = self.calls_allowed;
        if let Some(path) = &self.accounts_from {
            options.accounts = shard::accounts(path)?;
        }
        let rule = |text: &String| {
            let rule = text.parse::<FaultRule>().and_then(|rule| rule.known_to(&options));
            rule.map_err(|error| UsageError(format!("--fault {error}")))
        };
        options.faults = self.fault.iter().map(rule).collect::<Result<_, _>>()?;
        Ok(options)
    }

    /// Starts the sandbox, in which the topics of the configuration exist.
    pub(super) async fn start(&self, config: &Path, port: u16) -> Result<Sandbox> {
        Sandbox::start(self.options(config, port)?)
            .await
            .with_context(|| format!("the sandbox cannot listen on 127.0.0.1:{port}"))
    }

    /// The list of faults, where `--fault help` asks for nothing else.
    pub(super) fn help(&self, output: Output) -> Option<Result<ExitCode>> {
        self.fault.iter().any(|fault| fault == "help").then(|| {
            if output.json {
                output::print_json(&Fault::explanations())?;
            } else {
                output::print(Fault::explained())?;
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
