//! `luxury-brands add-account`: what a further account needs in `configure.ini`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::FutureExt;

use super::backend::{self, Backend};
use super::check::advice::{Advice, Call};
use super::{SandboxArgs, print_faults};
use crate::config::{Config, Plan};
use crate::graph::{Failure, Kind, Session};
use crate::json;
use crate::redact::Redactor;
use crate::topic::{UserId, Username};

#[derive(Debug, Args)]
#[command(
    after_help = "Standard output holds the lines and nothing else. An account that is configured costs no call, \
    and any other one costs one."
)]
pub(super) struct AddAccountArgs {
    /// The account's username, as in the address of its page: https://www.instagram.com/USERNAME/
    #[arg(value_name = "USERNAME", value_parser = username)]
    name: Username,
    /// Ask the built-in sandbox, whose accounts are the configured ones or those of --accounts-from
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    on: SandboxArgs,
}

fn username(text: &str) -> Result<Username, String> {
    Username::new(text).ok_or_else(|| "a username of [a-z0-9._]{1,30} expected, in small letters and without @".into())
}

impl AddAccountArgs {
    pub(super) async fn run(self, verbose: u8) -> Result<ExitCode> {
        if self.on.asks_for_help() {
            return Ok(print_faults());
        }
        let redactor: Arc<Redactor> = Arc::default();
        backend::log(verbose, &redactor);
        let backend = Backend::open(self.sandbox, &self.on, Arc::clone(&redactor)).await?;
        let secret = backend.secret().await.context("no secret; `--sandbox` needs none")?;
        let config = backend.config(&secret).await?;
        let (name, file) = (&self.name, secret.config_file.display());
        if let Some(known) = config.accounts.iter().find(|account| account.username == *name) {
            eprintln!("{name} is configured already in {file}, with the user id {}: nothing to add", known.user_id);
            return Ok(ExitCode::SUCCESS);
        }
        let plan = with_one_more(&config)?;
        let client = backend.client(&config, &secret);
        let renew = || async { None }.boxed();
        let session = Session::new(&client, backend::stop(), &renew);
        let id = match user_id(&session, name).await {
            Ok(id) => id,
            Err(failure) => {
                let told = format!("{name}: {}: {failure} -> {}", failure.kind, to_do(&failure, &config));
                bail!("{}", redactor.redact(&told));
            }
        };
        print!("{}", lines(&config, name, &id));
        let limit = plan.limits.calls_per_hour;
        eprintln!(
            "{} API call. Put the lines into {file}. The schedule then makes {} calls an hour, {limit} are allowed.",
            session.calls(),
            plan.calls_per_hour(),
        );
        if plan.cold_calls_per_hour() > u64::from(limit) {
            eprintln!(
                "WARNING  in an hour in which a process starts they are {}: `luxury-brands hashtag-ids` saves the look-ups",
                plan.cold_calls_per_hour()
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The schedule with one account more.
///
/// # Errors
/// Where its calls exceed the limit: such a configuration would be refused, so no call is spent on it.
fn with_one_more(config: &Config) -> Result<Plan> {
    let plan = config.plan();
    let plan = Plan { accounts: plan.accounts + 1, ..plan };
    let (calls, limit) = (plan.calls_per_hour(), plan.limits.calls_per_hour);
    if calls > u64::from(limit) {
        bail!(
            "one more account makes {calls} calls an hour, {limit} are allowed: follow fewer topics or run less often; `luxury-brands plan` has the sums"
        );
    }
    Ok(plan)
}

/// The account's user id, by one call.
async fn user_id(session: &Session<'_>, name: &Username) -> Result<UserId, Failure> {
    let id = session.discover(name, &["id"], &["id"], 1, |answer, _| {
        let [id] = json::fields(answer.profile.get(), ["id"]).unwrap_or_default();
        id.and_then(|id| serde_json::from_str::<String>(id.get()).ok()).and_then(|id| UserId::new(&id))
    });
    id.await?.ok_or_else(|| Failure::new(Kind::Unexpected, "the answer has no id of the account"))
}

fn to_do(failure: &Failure, config: &Config) -> String {
    if failure.kind == Kind::NotFound && failure.code != Some(100) {
        return "look whether the name is right, and whether it is a professional account: the API shows no other"
            .to_owned();
    }
    Advice { store: "the secret", scopes: &[], version: &config.version }.about(Call::Account, failure)
}

/// The lines to paste.
fn lines(config: &Config, name: &Username, id: &UserId) -> String {
    let names: Vec<&str> = config.accounts.iter().map(|account| account.username.as_str()).collect();
    let accounts = names.into_iter().chain([name.as_str()]).collect::<Vec<_>>().join(" ");
    format!(
        "# in [add_user_id]\n{name} = {id}\n# in [topic], in the place of the line that is there\naccounts = {accounts}\n"
    )
}
