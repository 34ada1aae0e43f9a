//! `luxury-brands watch`: the schedules in one process, for a machine without AWS.
//!
//! The process keeps what the function keeps between invocations: hashtag ids, connections, and what it knows of
//! usage and throttling.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::json;

use super::failure::{self, UsageError};
use super::id_file::IdFile;
use super::interrupt::{Interrupt, Signal};
use super::output::{self, Output};
use super::run::{RunOn, figures};
use super::setting::duration;
use collector::clock;
use collector::config::Config;
use collector::counted::counted;
use collector::error::Cause;
use collector::function::{Function, Invocation, Settings};
use collector::graph::KnownIds;
use collector::http;
use collector::telemetry::printable;
use collector::topic::Job;
use sandbox::Sandbox;

mod schedule;

use schedule::{Schedule, shown, without_topics};

/// The time limit of one run, as of the function in `template.yaml`: a slow run never overlaps the next run of
/// `hashtag`.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The longest wait until the clock is read again. Waits are measured by a clock that stops while the machine sleeps.
const MAX_WAIT: Duration = Duration::from_secs(10);

const HOUR: f64 = 3_600.0;

#[derive(Debug, Args)]
#[command(
    after_help = "brand_media and hashtag run as often per hour as [limits] says, from minute 0 on, and token daily at \
    06:17 UTC. Runs are made one at a time, each under its scheduled time. Missed runs are logged and not \
    made up for. docs/watch.md has a systemd unit and a compose file."
)]
pub(super) struct WatchArgs {
    /// Run an hour of the schedule in this time, from 1s to 1h, to try it; only on a mock of the API
    #[arg(long, value_name = "DURATION", value_parser = hour)]
    hour: Option<Duration>,
    /// Renew the token near its end, as `token --renew` does
    #[arg(long, conflicts_with = "sandbox")]
    renew: bool,
    #[command(flatten)]
    on: RunOn,
}

impl WatchArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let interrupt = Interrupt::listen()?;
        let interrupted = interrupt.token();
        let (settings, sandbox) = self.on.settings().await?;
        output.log(&settings.redactor);
        let id_file = self.on.id_file();
        let known_ids = id_file.as_ref().map(IdFile::read).unwrap_or_default();
        let (renews_token, clock) = (self.renew, Clock::new(self.hour));
        let present = clock.present();
        let known = known_ids.clone();
        let function = Function::new(Settings { known_ids: known, renews_token, clock: present.clone(), ..settings });
        let config = tokio::select! {
            config = usable(&function) => config.map_err(unusable)?,
            () = interrupted.cancelled() => return Ok(interrupt.signal().map_or(ExitCode::FAILURE, Signal::exit_code)),
        };
        if self.hour.is_some() && !http::is_on_loopback(&config.end_point) {
            let problem = anyhow!(
                "--hour is only for a mock of the API: its calls would count against the limits of {}; add --sandbox, or set [API] end_point to an address on this machine",
                config.end_point
            );
            return Err(UsageError(problem).into());
        }
        let schedule = Schedule::new(&config, clock.now());
        for (job, key) in without_topics(&config) {
            print_line(output, format_args!("{job} does not run: [topic] {key} is empty"));
        }
        for (job, time) in schedule.next_of_each() {
            print_line(output, format_args!("{job} runs next at {}", shown(time)));
        }
        let limit = self.on.timeout.unwrap_or(TIME_LIMIT);
        let on = self.on;
        let (runs, failed) = (0, 0);
        Watching { on, output, function, sandbox, id_file, known_ids, clock, present, interrupt, limit, runs, failed }
            .until_a_signal(schedule)
            .await
    }
}

fn hour(text: &str) -> Result<Duration, String> {
    let limits = Duration::from_secs(1)..=Duration::from_secs(3_600);
    duration(text).and_then(|hour| limits.contains(&hour).then_some(hour).ok_or_else(|| "1s to 1h expected".to_owned()))
}

/// A process that runs the schedule.
struct Watching {
    on: RunOn,
    output: Output,
    function: Function,
    sandbox: Option<Sandbox>,
    id_file: Option<IdFile>,
    /// The hashtag ids after the last run.
    known_ids: KnownIds,
    clock: Clock,
    /// The function's clock: the schedule's, if that is fast.
    present: clock::Clock,
    interrupt: Interrupt,
    limit: Duration,
    runs: u64,
    failed: u64,
}

impl Watching {
    /// Runs what is due, one run at a time, until a signal arrives.
    async fn until_a_signal(mut self, mut schedule: Schedule) -> Result<ExitCode> {
        let interrupted = self.interrupt.token();
        loop {
            if let Some(signal) = self.interrupt.signal() {
                let (runs, failed) = (counted(self.runs, "run"), self.failed);
                print_line(self.output, format_args!("ended by {signal} after {runs}, of which {failed} failed"));
                return Ok(signal.exit_code());
            }
            if let Some((job, time)) = schedule.take(self.clock.now()) {
                self.run(job, time).await;
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(self.clock.until(schedule.next()).min(MAX_WAIT)) => {}
                () = interrupted.cancelled() => {}
            }
        }
    }

    /// One run, under its scheduled time. A failed run is reported.
    async fn run(&mut self, job: Job, time: DateTime<Utc>) {
        self.runs += 1;
        self.present.set(time);
        if let Some(sandbox) = self.sandbox.as_ref().filter(|_| self.clock.is_fast()) {
            sandbox.set_now(time);
        }
        let time = shown(time);
        let request_id = format!("watch-{}-{}", std::process::id(), self.runs);
        let mut invocation = Invocation::new(request_id, SystemTime::now() + self.limit);
        invocation.interrupt = self.interrupt.token();
        let done = self.function.invoke(&json!({ "job": job.name(), "time": time }), &invocation, &()).await;
        if let Some(file) = &self.id_file {
            let now = self.function.known_ids().await;
            file.store(&self.known_ids, &now);
            self.known_ids.extend(now);
        }
        match done {
            Ok(response) => {
                let summary = &response.summary;
                let line = || printable(&format!("{time} {}", figures(&response))).into_owned();
                // A closed output does not end the watch.
                let _ = self.output.result(&response, line);
                self.failed += u64::from(summary.is_empty());
                self.on.remark_repair(summary, self.output);
            }
            Err(error) => {
                self.failed += 1;
                output::note(format_args!("error: {job} at {time} failed: {}", printable(&error.beyond_the_log())));
                if self.output.json {
                    let _ = failure::print_run(&error);
                }
            }
        }
    }
}

/// The configuration of the runs, if they can store objects.
async fn usable(function: &Function) -> Result<Config, Cause> {
    let config = function.config().await?;
    function.check_sink().await?;
    Ok(config)
}

/// Why no run can start.
fn unusable(cause: Cause) -> anyhow::Error {
    match cause {
        Cause::Config(error) => error.into(),
        Cause::Sink(error) => error.into(),
        Cause::Secret(error) => error.into(),
        other => other.into(),
    }
}

/// The clock of the schedule. It is faster than the real clock if `--hour` is less than an hour.
struct Clock {
    started: DateTime<Utc>,
    /// Its seconds per real second.
    speed: f64,
}

impl Clock {
    fn new(hour: Option<Duration>) -> Self {
        Self { started: Utc::now(), speed: hour.map_or(1.0, |hour| HOUR / hour.as_secs_f64()) }
    }

    /// The clock of the function.
    fn present(&self) -> clock::Clock {
        if self.is_fast() { clock::Clock::at(self.started) } else { clock::Clock::default() }
    }

    fn is_fast(&self) -> bool {
        self.speed > 1.0
    }

    fn now(&self) -> DateTime<Utc> {
        let real = Utc::now();
        if !self.is_fast() {
            return real;
        }
        let passed = (real - self.started).as_seconds_f64() * self.speed;
        self.started + TimeDelta::milliseconds((passed * 1_000.0) as i64)
    }

    /// The real time until `time`.
    fn until(&self, time: DateTime<Utc>) -> Duration {
        let left = (time - self.now()).as_seconds_f64().max(0.0) / self.speed;
        // A wait that ends slightly early would be followed by a second one.
        Duration::from_secs_f64(left) + Duration::from_millis(1)
    }
}

/// Prints a line on standard output, or with `--json`, which reserves that for documents, on standard error.
fn print_line(output: Output, line: impl Display) {
    if output.json {
        output.remark(line);
    } else if !output.quiet {
        // A closed output does not end the watch.
        let _ = output::print(line);
    }
}
