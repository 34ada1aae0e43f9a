//! `luxury-brands add-account`: the lines that add an account to `configure.ini`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use super::Setting;
use super::backend::{self, Backend};
use super::output::{self, Output};
use collector::config::{Config, Plan};
use collector::counted::counted;
use collector::graph::{Call as ApiCall, Failure, Kind, Session};
use collector::json;
use collector::topic::{UserId, Username};

#[derive(Debug, Args)]
#[command(after_help = "Prints only the lines. Takes one API call, or none for a configured account.")]
pub(super) struct AddAccountArgs {
    /// The account's username, as in the address of its page: https://www.instagram.com/USERNAME/
    #[arg(value_name = "USERNAME", value_parser = username)]
    name: Username,
    #[command(flatten)]
    on: Setting,
}

fn username(text: &str) -> Result<Username, String> {
    Username::new(text).ok_or_else(|| "a username of [a-z0-9._]{1,30} expected, in small letters and without @".into())
}

/// An account, and the schedule that includes it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Added {
    /// The username.
    name: String,
    user_id: String,
    /// Whether the configuration has the account already.
    is_configured: bool,
    /// The accounts with this one.
    accounts: Vec<String>,
    /// Calls to the API.
    api_calls: u64,
    /// The calls of the schedule with it.
    calls_per_hour: u64,
    /// The same in an hour in which a process starts.
    cold_calls_per_hour: u64,
    /// `[limits] calls_per_hour`.
    calls_per_hour_allowed: u32,
}

impl Added {
    fn of(config: &Config, plan: &Plan, name: &Username, user_id: &UserId, is_configured: bool, calls: u64) -> Self {
        let accounts = config.accounts.iter().map(|account| account.username.to_string());
        let new = (!is_configured).then(|| name.to_string());
        Self {
            name: name.to_string(),
            user_id: user_id.to_string(),
            is_configured,
            accounts: accounts.chain(new).collect(),
            api_calls: calls,
            calls_per_hour: plan.calls_per_hour(),
            cold_calls_per_hour: plan.cold_calls_per_hour(),
            calls_per_hour_allowed: plan.limits.calls_per_hour,
        }
    }

    /// The lines to paste.
    fn lines(&self) -> String {
        format!(
            "# in [add_user_id]\n{} = {}\n# in [topic], instead of the current line\naccounts = {}\n",
            self.name,
            self.user_id,
            self.accounts.join(" ")
        )
    }
}

impl AddAccountArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let (backend, secret, config) = Backend::with_config(&self.on, output).await?;
        let (name, file) = (&self.name, secret.config_file.display());
        if let Some(known) = config.accounts.iter().find(|account| account.username == *name) {
            let id = &known.user_id;
            output.remark(format!("{name} is configured already in {file}, with the user id {id}: nothing to add"));
            if output.json {
                output::print_json(&Added::of(&config, &config.plan(), name, id, true, 0))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let plan = with_one_more(&config)?;
        let client = backend.client(&config, &secret);
        let session = backend::session(&client);
        let id = user_id(&session, name).await.map_err(|failure| {
            let text = format!("{name}: {} -> {}", failure.explained(), failure.diagnosis.row().next);
            anyhow::anyhow!("{}", backend.redactor.redact(&text))
        })?;
        let added = Added::of(&config, &plan, name, &id, false, session.calls());
        if output.json {
            output::print_json(&added)?;
        } else {
            output::print_whole(added.lines().as_bytes())?;
        }
        let Added { api_calls, calls_per_hour, cold_calls_per_hour, calls_per_hour_allowed, .. } = added;
        output.remark(format!(
            "{}. Put the lines into {file}. The schedule then makes {calls_per_hour} calls an hour, \
             {calls_per_hour_allowed} are allowed.",
            counted(api_calls, "API call")
        ));
        if cold_calls_per_hour > u64::from(calls_per_hour_allowed) {
            output.remark(format!(
                "WARNING  in an hour in which a process starts they are {cold_calls_per_hour}: `luxury-brands hashtag-ids` \
                 saves the look-ups"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The schedule with one account more.
///
/// # Errors
/// If its calls exceed the limit: such a configuration would be refused, so no call is spent on it.
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
    let call = ApiCall::BusinessDiscovery { username: name, profile: &["id"], media: &["id"], limit: 1, after: None };
    let profile = session.page(&call).await?.value.profile;
    let [id] = profile.as_deref().and_then(|profile| json::fields(profile.get(), ["id"])).unwrap_or_default();
    let id = id.and_then(|id| UserId::new(&json::text(id).ok()?));
    id.ok_or_else(|| Failure::new(Kind::Unexpected, "the response has no id of the account"))
}
