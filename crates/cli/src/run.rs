//! `luxury-brands brand_media`, `luxury-brands hashtag`, `luxury-brands token`: one run of a job.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::backend::Backend;
use super::failure::{self, UsageError};
use super::id_file::IdFile;
use super::interrupt::{Interrupt, Signal};
use super::output::{self, Output, OutputError};
use super::progress::Watch;
use super::setting::{self, time_limit};
use super::{Setting, repair, shell};
use collector::aws;
use collector::config::Config;
use collector::counted::counted;
use collector::error::Cause;
use collector::event::{Event, TIME_FORM};
use collector::function::{Function, Invocation, Settings};
use collector::graph::Kind;
use collector::memory::Budget;
use collector::report::Error;
use collector::report::{Response, Summary};
use collector::secret::{self, SANDBOX_BUCKET};
use collector::sink::Destination;
use collector::telemetry::printable;
use collector::topic::Job;
use sandbox::Sandbox;

/// The time limit of a run from a terminal.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The memory that a run from a terminal may use, in MiB.
const MEMORY: usize = 1024;

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The event, as JSON or as a JSON file; `job` may be left out
    #[arg(long, value_name = "JSON|FILE", conflicts_with_all = ["time", "accounts", "hashtags"])]
    event: Option<String>,
    /// The time that names the objects, in RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = setting::time)]
    time: Option<DateTime<Utc>>,
    /// Collect only these accounts, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = name)]
    accounts: Option<Vec<String>>,
    /// Collect only these hashtags, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = name)]
    hashtags: Option<Vec<String>>,
    #[command(flatten)]
    once: RunOnce,
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Renew a token that has fewer than 10 days left, test the new one and store it in the secret
    #[arg(long, conflicts_with = "sandbox")]
    renew: bool,
    #[command(flatten)]
    run: RunArgs,
}

impl TokenArgs {
    pub(super) async fn run(mut self, output: Output) -> Result<ExitCode> {
        self.run.once.on.renew = self.renew;
        self.run.run(Job::Token, output).await
    }
}

/// Where a run reads and writes, and its time limit, whatever its event.
#[derive(Debug, Args)]
pub(super) struct RunOn {
    /// Where to write: a folder or a bucket [default: the secret's bucket, or ./sandbox_env]
    #[arg(long, value_name = "FOLDER|s3://BUCKET")]
    out: Option<Destination>,
    /// The time limit of a run, such as 60s [default: 15m; watch: 60s]
    #[arg(long, value_name = "DURATION", value_parser = time_limit)]
    pub(super) timeout: Option<Duration>,
    #[command(flatten)]
    setting: Setting,
    /// Whether the token is renewed: an option of one command.
    #[arg(skip)]
    renew: bool,
}

/// One run, whatever its event.
#[derive(Debug, Args)]
pub(super) struct RunOnce {
    /// Exit with 3 if some topics failed
    #[arg(long, value_name = "WHAT")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(super) on: RunOn,
}

/// A result that the exit code reports as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Partial,
}

/// The exit code of a run that lost topics, with `--fail-on partial`.
const PARTIAL: u8 = 3;

impl RunArgs {
    pub(super) async fn run(self, job: Job, output: Output) -> Result<ExitCode> {
        self.once.run(&self.payload(job).map_err(UsageError)?, output).await
    }

    /// The event of a run of `job`.
    fn payload(&self, job: Job) -> Result<Value> {
        let payload = match &self.event {
            Some(event) => given(event, job)?,
            None => self.selected(job)?,
        };
        let event = Event::parse(&payload)?;
        ensure!(event.job == job, "--event is for the job {0:?}: use `luxury-brands {0}`", event.job.name());
        if let Some(time) = event.invalid_time {
            bail!("--event has the time {time}, {TIME_FORM} expected");
        }
        Ok(payload)
    }

    /// The event that the options make.
    fn selected(&self, job: Job) -> Result<Value> {
        let topics = [("accounts", &self.accounts), ("hashtags", &self.hashtags)];
        let mut given = topics.iter().filter(|(_, names)| names.is_some());
        if let Some((option, _)) = given.find(|(key, _)| job.topics_key() != Some(key)) {
            let taken = job.topics_key().map_or("no topics".to_owned(), |key| format!("--{key}"));
            bail!("--{option} given, and the job {:?} takes {taken}", job.name());
        }
        let time = self.time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        let fields = [("job", json!(job.name())), ("time", json!(time))];
        let topics = topics.map(|(key, names)| (key, json!(names)));
        Ok(fields.into_iter().chain(topics).filter(|(_, value)| !value.is_null()).collect())
    }
}

/// A name in a list of topics.
fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() { Err("names separated by commas expected".to_owned()) } else { Ok(name.to_owned()) }
}

/// The event in `--event`, for `job` if the event does not name one.
fn given(event: &str, job: Job) -> Result<Value> {
    let text = read_argument("--event ", event)?;
    let mut payload: Value = serde_json::from_str(&text).with_context(|| format!("--event {event:?} is not JSON"))?;
    if let Value::Object(fields) = &mut payload
        && !fields.contains_key("detail")
    {
        fields.entry("job").or_insert_with(|| job.name().into());
    }
    Ok(payload)
}

/// JSON from the command line, or the content of a file named there. `option` begins an error.
pub(super) fn read_argument(option: &str, argument: &str) -> Result<String> {
    if argument.trim_start().starts_with(['{', '[', '"']) {
        return Ok(argument.to_owned());
    }
    let failed = || format!("{option}{argument:?} is neither JSON nor a file that can be read");
    let bytes = std::fs::read(Path::new(argument)).with_context(failed)?;
    // PowerShell writes UTF-16, and editors write a byte order mark.
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| anyhow!("{option}{argument:?} is not UTF-8; save it as UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

impl RunOn {
    /// The function's settings, and the sandbox if the run uses it. The sandbox stops when it is dropped.
    pub(super) async fn settings(&self) -> Result<(Settings, Option<Sandbox>)> {
        let destination = self.setting.destination(self.out.as_ref())?;
        let sandbox = self.setting.start_sandbox().await?;
        let settings = Settings {
            source: self.setting.source(),
            secret: sandbox.as_ref().map(|sandbox| sandbox.secret(self.setting.sandbox_config())),
            sandbox: sandbox.is_some(),
            end_point: sandbox.as_ref().map(Sandbox::end_point),
            config_file: self.setting.config.clone(),
            destination,
            secret_prefix: secret::prefix_from_env(),
            renews_token: self.renew,
            load_aws: aws::from_everywhere,
            memory: Budget::of(MEMORY),
            ..Settings::default()
        };
        Ok((settings, sandbox))
    }

    /// The folder or the bucket (`s3://…`) that runs store in, and their configuration. The secret is read, unless the
    /// sandbox replaces it.
    pub(super) async fn place(&self) -> Result<(String, Config)> {
        let destination = self.setting.destination(self.out.as_ref())?;
        let (destination, config) = if self.setting.sandbox {
            let sandbox = || Destination::Folder(SANDBOX_BUCKET.into());
            (destination.unwrap_or_else(sandbox), setting::configuration(&self.setting.sandbox_config())?)
        } else {
            let backend = Backend::open(&self.setting, Arc::default()).await?;
            let secret = backend.secret().await?;
            (destination.unwrap_or_else(|| Destination::of(&secret)), backend.config(&secret).await?)
        };
        Ok((shown_place(&destination), config))
    }

    /// Checks that a run with made-up data is repaired with made-up data, and one with real data with real data.
    ///
    /// # Errors
    /// [`UsageError`] if it would mix the two.
    pub(super) fn check_kind(&self, is_sandbox: bool) -> Result<(), UsageError> {
        match (is_sandbox, self.setting.sandbox) {
            (true, false) => Err("the report is of a run on the sandbox, whose data is made up: add --sandbox"),
            (false, true) => Err("the report is of a run on the real API: leave out --sandbox"),
            _ => Ok(()),
        }
        .map_err(|problem| UsageError(anyhow!(problem)))
    }

    /// The file of hashtag ids. The sandbox has none.
    pub(super) fn id_file(&self) -> Option<IdFile> {
        let source = self.setting.source();
        if self.setting.sandbox { None } else { IdFile::of(self.out.as_ref(), &source) }
    }

    /// Says how to collect the missing topics.
    pub(super) fn remark_repair(&self, summary: &Summary, output: Output) {
        // The objects of an earlier run stay. They may have these topics. Near a limit, no further call should be made.
        let is_limited = summary.causes.iter().any(|cause| matches!(cause.kind, Kind::Throttled | Kind::Usage));
        if !summary.partial.is_empty() || is_limited {
            return;
        }
        if let (Some(job), Some(event)) = (summary.job, repair::of_summary(summary)) {
            let mut arguments = self.setting.arguments();
            arguments.extend(self.out.iter().flat_map(|out| ["--out".to_owned(), shown_place(out)]));
            arguments.extend(["--event".to_owned(), event.to_json()]);
            let command = shell::line(["luxury-brands", job].into_iter().chain(arguments.iter().map(String::as_str)));
            output.remark(format_args!("to repair it: {}", printable(&command)));
        }
    }
}

/// A folder or a bucket in the form of `--out`.
fn shown_place(destination: &Destination) -> String {
    match destination {
        Destination::Folder(folder) => folder.display().to_string(),
        Destination::Bucket(bucket) => format!("s3://{bucket}"),
    }
}

impl RunOnce {
    /// Runs the function on `payload` and prints the results. The first signal ends the run as its deadline
    /// does, and sets the exit code.
    pub(super) async fn run(&self, payload: &Value, output: Output) -> Result<ExitCode> {
        let interrupt = Interrupt::listen()?;
        let (settings, _sandbox) = self.on.settings().await?;
        let watch = Watch::start(output, Arc::clone(&settings.redactor));
        let id_file = self.on.id_file();
        let known_ids = id_file.as_ref().map(IdFile::read).unwrap_or_default();
        let function = Function::new(Settings { known_ids: known_ids.clone(), ..settings });
        let limit = self.on.timeout.unwrap_or(TIME_LIMIT);
        let request_id = format!("local-{}", std::process::id());
        let mut invocation = Invocation::new(request_id, SystemTime::now() + limit);
        invocation.interrupt = interrupt.token();
        let done = function.invoke(payload, &invocation, &watch).await;
        if let Some(file) = id_file {
            file.store(&known_ids, &function.known_ids().await);
        }
        let table = watch.finish();
        // The event has topics that are not configured, or a secret that the function does not accept.
        let done = match done {
            Err(Error { cause: Cause::Event(error), .. }) => return Err(UsageError(error.into()).into()),
            done => done,
        };
        let printed = match &done {
            Ok(response) => output.result(response, || table + &shown(response)),
            Err(error) => print_error(error, table, output),
        };
        let signal = interrupt.signal();
        if let Some(signal) = signal {
            let stored = if done.is_ok() { ": what was collected is stored" } else { "" };
            output::note(format_args!("interrupted by {signal}{stored}"));
        }
        if let Ok(response) = &done {
            self.on.remark_repair(&response.summary, output);
        }
        // The run is done, whether or not its result could be printed.
        printed?;
        let code = done.map_or(ExitCode::FAILURE, |response| self.code(&response.summary));
        Ok(signal.map_or(code, Signal::exit_code))
    }

    /// The exit code of a run that succeeded, at least in part.
    fn code(&self, summary: &Summary) -> ExitCode {
        if summary.is_empty() || summary.token.as_ref().is_some_and(|token| !token.is_usable()) {
            return ExitCode::FAILURE;
        }
        match self.fail_on {
            Some(FailOn::Partial) if summary.is_partial() => ExitCode::from(PARTIAL),
            _ => ExitCode::SUCCESS,
        }
    }
}

/// The objects and the figures of a run.
fn shown(response: &Response) -> String {
    let summary = &response.summary;
    let mut lines = Vec::new();
    for (file, place) in summary.files.iter().zip(response.target_file.lines()) {
        lines.push(format!("{place}  {}, {}", counted(file.records, "record"), counted(file.bytes, "byte")));
    }
    if !summary.quality.files.is_empty() {
        lines.push(format!("quality: {}", summary.quality.files.join(", ")));
    }
    lines.push(figures(response));
    lines.join("\n")
}

/// What a run collected, how long it took and how many calls it made, as one line.
pub(super) fn figures(response: &Response) -> String {
    let summary = &response.summary;
    let usage = summary.usage_percent.map_or_else(String::new, |percent| format!(", usage {percent} %"));
    let calls = counted(summary.api_calls, "API call");
    format!("{} ({} ms, {calls}{usage})", response.body, summary.elapsed_ms)
}

/// Prints the table of a failed run, and the reason.
fn print_error(error: &Error, table: String, output: Output) -> Result<(), OutputError> {
    let printed = match table.trim_end() {
        table if output.json || output.quiet || table.is_empty() => Ok(()),
        table => output::print(table),
    };
    let text = error.beyond_the_log();
    // A configuration's faults are on separate lines, and each is printable.
    let has_lines = matches!(error.cause, Cause::Config(_));
    output::note(format_args!("error: {}", if has_lines { text.into() } else { printable(&text) }));
    if let Cause::Secret(error) = &error.cause {
        failure::remark_no_secret(error, output);
    }
    if output.json {
        return failure::print_run(error);
    }
    printed
}
