//! What a command works with: the real API and a secret, or the sandbox instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};
use clap::Args;

use super::failure::UsageError;
use super::output::Output;
use super::shard;
use collector::config::{self, Config, ConfigError};
use collector::event;
use collector::function::STORING_TIME;
use collector::secret::{SANDBOX_BUCKET, Source};
use collector::sink::Destination;
use sandbox::{FaultRule, Options, Sandbox};

const DEFAULT_SEED: u64 = 1;

/// The options of every command that calls the API.
#[derive(Debug, Clone, Args)]
#[command(mut_group("SandboxArgs", |group| group.requires("sandbox")))]
pub(super) struct Setting {
    /// Use the sandbox: no token, no AWS account; writes into ./sandbox_env
    #[arg(long)]
    pub(super) sandbox: bool,
    /// The configuration file [default: the secret's config_file, or configure.ini; with --sandbox, the built-in one if
    /// there is no configure.ini]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The secret file [default: SECRET_ID, SECRET_FILE or ../secret/dev_secret.ini]
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

    /// The options that give another run the same secret, configuration and made-up data.
    pub(super) fn arguments(&self) -> Vec<String> {
        let SandboxArgs { seed, accounts_from, .. } = &self.behaviour;
        let mut arguments = if self.sandbox { vec!["--sandbox".to_owned()] } else { Vec::new() };
        let files = [("--secret", &self.secret), ("--config", &self.config), ("--accounts-from", accounts_from)];
        for (option, file) in files {
            arguments.extend(file.iter().flat_map(|file| [option.to_owned(), file.display().to_string()]));
        }
        if *seed != DEFAULT_SEED {
            arguments.extend(["--seed".to_owned(), seed.to_string()]);
        }
        arguments
    }

    /// Starts the sandbox; `None` without `--sandbox`.
    pub(super) async fn start_sandbox(&self) -> Result<Option<Sandbox>> {
        Ok(if self.sandbox { Some(self.behaviour.start(&self.sandbox_config(), 0).await?) } else { None })
    }

    /// The configuration on the sandbox.
    pub(super) fn sandbox_config(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(default_config)
    }

    /// Where the data goes instead of the secret's bucket. The sandbox's data is made up, so it gets a separate folder
    /// there, whose name says so.
    ///
    /// # Errors
    /// If made-up data would go into a bucket.
    pub(super) fn destination(&self, out: Option<&Destination>) -> Result<Option<Destination>, UsageError> {
        match out {
            Some(Destination::Folder(folder)) if self.sandbox && !folder.ends_with(SANDBOX_BUCKET) => {
                Ok(Some(Destination::Folder(folder.join(SANDBOX_BUCKET))))
            }
            Some(Destination::Bucket(bucket)) if self.sandbox => Err(UsageError(anyhow!(
                "--out s3://{bucket} with --sandbox: a folder expected, since the sandbox's data is made up and never mixes with real data"
            ))),
            out => Ok(out.cloned()),
        }
    }
}

/// The configuration without `--config` of a command that needs no secret: `configure.ini` in the working directory or, if
/// there is none, the built-in one.
pub(super) fn default_config() -> PathBuf {
    (if Path::new(config::DEFAULT_FILE).exists() { config::DEFAULT_FILE } else { config::PACKAGED }).into()
}

/// The configuration in a file that `--config` or its default names.
///
/// # Errors
/// As [`Config::load`].
pub(super) fn configuration(path: &Path) -> Result<Config, ConfigError> {
    let is_default = [config::DEFAULT_FILE, config::PACKAGED].map(Path::new).contains(&path);
    Config::load(path).map_err(|error| error.named_by((!is_default).then_some("--config")))
}

/// The configuration of the runs whose data a command reads: of `--config`, or the default. A remark says if the default is
/// the built-in one.
///
/// # Errors
/// As [`Config::load`].
pub(super) fn configuration_of_data(path: Option<&Path>, output: Output) -> Result<Config, ConfigError> {
    let Some(path) = path else {
        let path = default_config();
        if path == Path::new(config::PACKAGED) {
            output.remark(format_args!("no {} here: the built-in configuration is used", config::DEFAULT_FILE));
        }
        return configuration(&path);
    };
    configuration(path)
}

/// The sandbox's behaviour.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sandbox")]
pub(super) struct SandboxArgs {
    /// How long each response takes, such as 300ms
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    latency: Option<Duration>,
    /// The seed of the generated data
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// A fault, as <topic>=<fault>[x<times>]; may be repeated. `sandbox faults` lists them. The topic is an
    /// account, #hashtag, #* (all hashtags), hashtags (the recent searches), token, a version or *
    #[arg(long, value_name = "RULE", value_parser = fault)]
    fault: Vec<FaultRule>,
    /// The accounts, as CSV (name,user_id), JSON or JSON Lines [default: the configured ones]
    #[arg(long, value_name = "FILE")]
    accounts_from: Option<PathBuf>,
    /// The number of calls that each token may make
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..))]
    calls_allowed: Option<u32>,
}

impl SandboxArgs {
    fn options(&self, config: &Path, port: u16) -> Result<Options> {
        let latency = self.latency.unwrap_or_default();
        let mut options = Options { port, latency, seed: self.seed, ..Options::for_config(&configuration(config)?) };
        options.calls_allowed = self.calls_allowed;
        if let Some(path) = &self.accounts_from {
            options.accounts = shard::accounts(path)?;
        }
        let known = |rule: FaultRule| rule.known_to(&options).map_err(|error| UsageError(anyhow!("--fault {error}")));
        options.faults = self.fault.iter().cloned().map(known).collect::<Result<_, _>>()?;
        Ok(options)
    }

    /// Whether a run may lose topics.
    pub(super) fn may_lose_topics(&self) -> bool {
        !self.fault.is_empty() || self.calls_allowed.is_some()
    }

    /// Starts the sandbox, in which the topics of the configuration exist.
    pub(super) async fn start(&self, config: &Path, port: u16) -> Result<Sandbox> {
        // Only a port that was given can be left out.
        let advice = if port == 0 { "" } else { "; without --port, it takes a free port" };
        Sandbox::start(self.options(config, port)?)
            .await
            .with_context(|| format!("the sandbox cannot listen on 127.0.0.1:{port}{advice}"))
    }
}

/// A rule of `--fault`. Whether the sandbox has its topic depends on the configuration.
fn fault(text: &str) -> Result<FaultRule, String> {
    if text == "help" {
        return Err("it was removed: `luxury-brands sandbox faults` lists the faults".to_owned());
    }
    text.parse()
}

/// The shortest time limit of a run. The collector stores in the last two seconds.
const MIN_RUN: Duration = Duration::from_secs(STORING_TIME.as_secs() + 1);

/// The longest one.
const MAX_RUN: Duration = Duration::from_secs(86_400);

/// The time limit of a run.
pub(super) fn time_limit(text: &str) -> Result<Duration, String> {
    let (shortest, storing) = (MIN_RUN.as_secs(), STORING_TIME.as_secs());
    let expected = || format!("{shortest}s to 24h expected: the last {storing}s are for storing what was collected");
    duration(text).and_then(|limit| Some(limit).filter(|l| (MIN_RUN..=MAX_RUN).contains(l)).ok_or_else(expected))
}

/// A time that names objects.
pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    event::time(text).ok_or_else(|| format!("{} expected", event::TIME_FORM))
}

/// A duration with its unit, such as `60s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let duration = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    let duration = duration.filter(|_| milliseconds > 0).map(Duration::from_millis);
    duration.ok_or_else(|| "a number with ms, s, m, h or d expected, such as 60s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [("300ms", 0.3), ("60s", 60.0), ("15m", 900.0), ("24h", 86_400.0), ("7d", 604_800.0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)));
        }
        for text in ["60", "", "s", "-1s", "1.5h", "60 s", "1h30m", "99999999999999999999s", "18446744073709551615d"] {
            assert!(duration(text).unwrap_err().contains("such as 60s"), "{text}");
        }
    }
}
