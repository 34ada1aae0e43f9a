//! `luxury-brands check`: tries everything that a run needs, and says what to do about what fails.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use clap::Args;
use serde_json::json;

use super::Setting;
use super::backend::{self, Backend};
use super::output::Output;
use super::setting::configuration;
use collector::config::{Config, ConfigError, Locations};
use collector::counted::counted;
use collector::diagnosis::Diagnosis;
use collector::graph::{Edge, Usage};
use collector::redact::Redactor;
use collector::secret::{Secret, Source};
use collector::sink::{Destination, Sink, Unusable};

mod api;
mod checklist;
mod compare;
mod hashtags;
mod probe;
mod version;

#[cfg(test)]
pub(super) use checklist::Checked;
use checklist::Checklist;

#[derive(Debug, Args)]
#[command(
    after_help = "Each line says ok, warn, FAIL, or - if it could not be tried. The exit code is 1 if a line says FAIL. \
    The bucket is tried by storing quality/check/check.json: only a write proves s3:PutObject. Each check replaces \
    that object. The check uses your AWS credentials, not the function's."
)]
pub(super) struct CheckArgs {
    /// Compare with another version of the API, such as v26.0; stores nothing
    #[arg(long, value_name = "VERSION", value_parser = compare::version)]
    api_version: Option<String>,
    /// Skip the bucket, and store nothing
    #[arg(long)]
    no_write: bool,
    /// Where to write: a folder or a bucket [default: the secret's bucket, or ./sandbox_env]
    #[arg(long, value_name = "FOLDER|s3://BUCKET")]
    out: Option<Destination>,
    #[command(flatten)]
    on: Setting,
}

/// The time limit for storing the probe object.
const STORING_LIMIT: Duration = Duration::from_secs(15);

impl CheckArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let out = self.on.destination(self.out.as_ref())?;
        let redactor: Arc<Redactor> = Arc::default();
        backend::log(output, &redactor);
        let mut checklist = Checklist::new(output, Arc::clone(&redactor));
        // The sandbox is built from the configuration, so it cannot start with a faulty one.
        let fault = if self.on.sandbox { configuration(&self.on.sandbox_config()).err() } else { None };
        match fault {
            Some(error) => report_config_error(&mut checklist, &error),
            None => self.check(&mut checklist, out, redactor).await?,
        }
        let code = if checklist.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        let knows_all = |other| format!("{other} knows every mapped field that the configured one does");
        checklist.finish(self.api_version.map(knows_all))?;
        Ok(code)
    }

    async fn check(&self, checklist: &mut Checklist, out: Option<Destination>, redactor: Arc<Redactor>) -> Result<()> {
        let backend = Backend::open(&self.on, redactor).await?;
        let secret = match backend.secret().await {
            Ok(secret) => secret,
            Err(error) => {
                let diagnosis = error.diagnosis();
                checklist.fail("secret", error, diagnosis);
                checklist.skip("configuration", "the secret names its file");
                return Ok(());
            }
        };
        let destination = out.unwrap_or_else(|| Destination::of(&secret));
        checklist.ok("secret", secret_summary(&backend, &secret));
        for notice in &secret.notices {
            checklist.warn("secret", notice, Diagnosis::Secret);
        }
        match backend.config(&secret).await {
            Err(error) => report_config_error(checklist, &error),
            Ok(config) => {
                report_config(checklist, &config, &secret);
                if let Some(other) = &self.api_version {
                    compare::compare(checklist, &backend, &config, &secret, other).await;
                    return Ok(());
                }
                let client = backend.client(&config, &secret);
                let session = backend::session(&client);
                let scopes = api::token(checklist, &session, &config).await;
                api::account(checklist, &session, &config, &scopes).await;
                hashtags::check(checklist, &session, &config, &scopes).await;
                api::unknown_fields(checklist, "accounts", &client.unknown_fields(Edge::Discovery));
                api::unknown_fields(checklist, "hashtags", &client.unknown_fields(Edge::RecentMedia));
                version::report(checklist, &config.version, &session, Utc::now().date_naive());
                report_usage(checklist, session.usage());
                let allowed = config.limits.calls_per_hour;
                checklist.ok(
                    "calls",
                    format!("this check made {} of the {allowed} calls allowed per hour", session.calls()),
                );
            }
        }
        self.bucket(checklist, &backend.sink(destination).await).await;
        Ok(())
    }

    async fn bucket(&self, checklist: &mut Checklist, sink: &Sink) {
        if self.no_write {
            return checklist.skip("bucket", "not tried because of --no-write");
        }
        if let Err(Unusable { place, problem }) = sink.preflight(STORING_LIMIT).await {
            let cause = format!("{place} cannot be used: {}", problem.cause());
            return checklist.fail("bucket", cause, problem.diagnosis);
        }
        let key = Locations::probe();
        let stored = json!({
            "stored_by": "luxury-brands check",
            "time": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            "read_by": "nobody: each check replaces it",
        });
        let place = sink.place(&key);
        match (sink.put(&key, Bytes::from(stored.to_string()), STORING_LIMIT).await, sink) {
            (Ok(()), Sink::S3 { .. }) => checklist.ok("bucket", format!("{place} could be stored")),
            (Ok(()), Sink::Folder(folder)) => {
                remove_probe(folder, &folder.join(key.as_str()));
                checklist.ok("bucket", format!("the folder {} can be written", folder.display()));
            }
            (Err(error), _) => {
                let diagnosis = error.diagnosis;
                checklist.fail("bucket", error, diagnosis);
            }
        }
    }
}

/// Removes the probe object, and its folders if they are empty.
fn remove_probe(top: &std::path::Path, probe: &std::path::Path) {
    // A file that cannot be removed does no harm.
    let _ = std::fs::remove_file(probe);
    for folder in probe.ancestors().skip(1).take_while(|folder| *folder != top) {
        let _ = std::fs::remove_dir(folder);
    }
}

fn source_name(source: &Source) -> String {
    match source {
        Source::Manager(id) => format!("{id} in AWS Secrets Manager"),
        Source::File(path) => path.display().to_string(),
    }
}

fn secret_summary(backend: &Backend, secret: &Secret) -> String {
    if backend.sandbox.is_some() {
        return "the sandbox needs none".to_owned();
    }
    let proof = if secret.credentials.app.is_some() { "with" } else { "without" };
    format!("{}: bucket {}, calls {proof} appsecret_proof", source_name(&backend.source), secret.bucket)
}

fn report_config_error(checklist: &mut Checklist, error: &ConfigError) {
    const WHAT: &str = "configuration";
    match error {
        ConfigError::Faults { path, faults } => {
            faults.iter().for_each(|fault| checklist.fail(WHAT, format!("{path}: {fault}"), Diagnosis::Configuration));
        }
        other => checklist.fail(WHAT, other, Diagnosis::Configuration),
    }
}

fn report_config(checklist: &mut Checklist, config: &Config, secret: &Secret) {
    let (accounts, hashtags) = (counted(config.accounts.len(), "account"), counted(config.hashtags.len(), "hashtag"));
    let file = secret.config_file.display();
    checklist.ok("configuration", format!("{file}: {accounts}, {hashtags}, as {}", config.format.name()));
    for notice in &config.notices {
        checklist.warn("configuration", notice, Diagnosis::Configuration);
    }
    let plan = config.plan();
    checklist.ok(
        "schedule",
        format!(
            "{} an hour, {} with a process that starts, {} allowed",
            counted(plan.calls_per_hour(), "call"),
            plan.cold_calls_per_hour(),
            plan.limits.calls_per_hour
        ),
    );
}

fn report_usage(checklist: &mut Checklist, Usage { percent, regain_minutes }: Usage) {
    let regain = regain_minutes.map_or_else(String::new, |m| format!(", to be regained in {}", counted(m, "minute")));
    let used = |percent: u32| format!("{percent} % of the API's limit is used{regain}");
    match percent {
        None => checklist.ok("usage", "the API reports none while it is low"),
        Some(percent) if percent >= Usage::STOP_PERCENT => {
            checklist.fail("usage", used(percent), Diagnosis::NearLimit);
        }
        Some(percent) if percent >= Usage::WARN_PERCENT => {
            checklist.warn("usage", used(percent), Diagnosis::NearLimit);
        }
        Some(percent) => checklist.ok("usage", used(percent)),
    }
}
