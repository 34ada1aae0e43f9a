//! `luxury-brands plan`: compares the configured schedule with the API's limits.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use serde::Serialize;

use super::output::Output;
use super::setting::configuration;
use collector::config::Plan;
use collector::counted::counted;

#[derive(Debug, Args)]
#[command(after_help = "Makes no call. Prints the calls of processes that know every hashtag's id and of those that \
    start, and how many more accounts or hashtags would fit. A schedule that exceeds a limit is an error, as in the function.")]
pub(super) struct PlanArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "configure.ini")]
    config: PathBuf,
}

impl PlanArgs {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let config = configuration(&self.config)?;
        let notices = config.notices.iter().map(ToString::to_string).collect();
        let planned = Planned::of(&config.plan(), notices);
        output.result(&planned, || {
            let notices = planned.notices.iter().map(|notice| format!("\n\nwarn  {notice}"));
            summary(&config.plan()) + &notices.collect::<String>()
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The schedule's calls with `--json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Planned {
    /// Accounts followed.
    accounts: u32,
    /// Hashtags followed.
    hashtags: u32,
    /// Hashtags whose id is not in `[hashtag_id]`.
    unpinned_hashtags: u32,
    brand_media_runs_per_hour: u32,
    hashtag_runs_per_hour: u32,
    /// Calls to the API.
    calls_per_hour: WarmCold,
    /// The same with all further pages, if gaps are closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_hour_with_further_pages: Option<WarmCold>,
    /// Different hashtags in 7 days.
    hashtags_per_week: WarmCold,
    /// Calls about hashtags.
    hashtag_calls_per_day: WarmCold,
    /// The same with all further pages, if gaps are closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    hashtag_calls_per_day_with_further_pages: Option<WarmCold>,
    /// Accounts that can be added.
    more_accounts: WarmCold,
    /// Hashtags that can be added.
    more_hashtags: WarmCold,
    /// Values that work and look wrong.
    notices: Vec<String>,
}

/// A figure for processes that know every hashtag's id, and for an hour in which one starts.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WarmCold {
    /// By processes that know every hashtag's id.
    warm: u64,
    /// With one process that starts.
    cold: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
}

impl Planned {
    fn of(plan: &Plan, notices: Vec<String>) -> Self {
        let Plan { limits, accounts, hashtags, unpinned } = plan;
        let warm_cold = |warm, cold, limit| WarmCold { warm, cold, limit };
        let with_unpinned = |warm, limit| warm_cold(warm, warm + u64::from(*unpinned), Some(limit));
        let ([accounts_warm, accounts_cold], [hashtags_warm, hashtags_cold]) =
            (more_accounts(plan), more_hashtags(plan));
        let with_pages = |most, limit| limits.closes_gaps.then(|| with_unpinned(most, limit));
        Self {
            accounts: *accounts,
            hashtags: *hashtags,
            unpinned_hashtags: *unpinned,
            brand_media_runs_per_hour: limits.brand_media_runs_per_hour,
            hashtag_runs_per_hour: limits.hashtag_runs_per_hour,
            calls_per_hour: warm_cold(plan.calls_per_hour(), plan.cold_calls_per_hour(), Some(limits.calls_per_hour)),
            calls_per_hour_with_further_pages: with_pages(max_calls_per_hour(plan), limits.calls_per_hour),
            hashtags_per_week: warm_cold((*hashtags).into(), (*hashtags).into(), Some(limits.hashtags_per_week)),
            hashtag_calls_per_day: with_unpinned(plan.hashtag_calls_per_day(), limits.hashtag_calls_per_day),
            hashtag_calls_per_day_with_further_pages: with_pages(
                max_hashtag_calls_per_day(plan),
                limits.hashtag_calls_per_day,
            ),
            more_accounts: warm_cold(accounts_warm, accounts_cold, None),
            more_hashtags: warm_cold(hashtags_warm, hashtags_cold, None),
            notices,
        }
    }
}

/// Calls per hour, if every run of `hashtag` makes all its allowed calls.
fn max_calls_per_hour(plan: &Plan) -> u64 {
    let for_accounts = u64::from(plan.accounts) * plan.calls_per_account_and_hour();
    for_accounts + plan.calls_per_hashtag_run() * u64::from(plan.limits.hashtag_runs_per_hour)
}

/// Hashtag calls per day, if every run makes all its allowed calls.
fn max_hashtag_calls_per_day(plan: &Plan) -> u64 {
    plan.calls_per_hashtag_run() * u64::from(plan.limits.hashtag_runs_per_hour) * 24
}

/// The calls that the limit leaves in an hour: warm, and in an hour in which a process starts.
fn calls_left(plan: &Plan) -> [u64; 2] {
    let allowed = u64::from(plan.limits.calls_per_hour);
    [plan.calls_per_hour(), plan.cold_calls_per_hour()].map(|calls| allowed.saturating_sub(calls))
}

/// The number of further accounts that the limits allow, warm and cold.
fn more_accounts(plan: &Plan) -> [u64; 2] {
    calls_left(plan).map(|left| left / plan.calls_per_account_and_hour())
}

/// The number of further hashtags that the limits allow, warm and cold. A process that starts also looks up each id.
fn more_hashtags(plan: &Plan) -> [u64; 2] {
    let limits = &plan.limits;
    let runs = u64::from(limits.hashtag_runs_per_hour);
    let by_day = u64::from(limits.hashtag_calls_per_day).saturating_sub(plan.hashtag_calls_per_day()) / (24 * runs);
    let by_week = u64::from(limits.hashtags_per_week.saturating_sub(plan.hashtags));
    let [warm, cold] = calls_left(plan);
    [warm / runs, cold / (runs + 1)].map(|by_hour| by_hour.min(by_day).min(by_week))
}

fn summary(plan: &Plan) -> String {
    let Plan { limits, accounts, hashtags, unpinned } = plan;
    let (brand_runs, hashtag_runs) = (limits.brand_media_runs_per_hour, limits.hashtag_runs_per_hour);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let mut row = |name: &str, warm: u64, cold: u64, limit: Option<u32>| {
        table.add_row([
            name.to_owned(),
            HumanCount(warm).to_string(),
            HumanCount(cold).to_string(),
            limit.map_or_else(String::new, |l| HumanCount(l.into()).to_string()),
        ]);
    };
    let day = plan.hashtag_calls_per_day();
    let unpinned_calls = u64::from(*unpinned);
    row("calls an hour", plan.calls_per_hour(), plan.cold_calls_per_hour(), Some(limits.calls_per_hour));
    let of_pages = "  with further pages";
    if limits.closes_gaps {
        let most = max_calls_per_hour(plan);
        row(of_pages, most, most + unpinned_calls, Some(limits.calls_per_hour));
    }
    row("different hashtags in 7 days", (*hashtags).into(), (*hashtags).into(), Some(limits.hashtags_per_week));
    row("hashtag calls a day", day, day + unpinned_calls, Some(limits.hashtag_calls_per_day));
    if limits.closes_gaps {
        let most = max_hashtag_calls_per_day(plan);
        row(of_pages, most, most + unpinned_calls, Some(limits.hashtag_calls_per_day));
    }
    let ([accounts_warm, accounts_cold], [hashtags_warm, hashtags_cold]) = (more_accounts(plan), more_hashtags(plan));
    row("more accounts possible", accounts_warm, accounts_cold, None);
    row("more hashtags possible", hashtags_warm, hashtags_cold, None);
    table.set_header(["", "warm", "cold", "limit"]);
    for (i, column) in table.column_iter_mut().enumerate() {
        if i == 0 {
            column.set_padding((0, 1));
        } else {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let cold = match unpinned {
        0 => "every hashtag's id is pinned: a new process looks up none".to_owned(),
        1 => "one hashtag's id is not pinned: each new process looks it up once".to_owned(),
        n => format!("the ids of {n} hashtags are not pinned: each new process looks them up once"),
    };
    let pages = if limits.closes_gaps {
        let (calls, first) = (plan.calls_per_hashtag_run(), u64::from(*hashtags));
        format!(
            "\nfurther pages: each run may make {}, {} of them for busy hashtags",
            counted(calls, "hashtag call"),
            calls - first
        )
    } else {
        String::new()
    };
    let advice = if *unpinned == 0 { "" } else { "; `luxury-brands hashtag-ids` pins them" };
    let table: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!(
        "{}, {} an hour; {}, {} an hour\n\n{}\n\n\
         warm: by processes that know every hashtag's id\n\
         cold: with one process that starts; {cold}{advice}{pages}",
        counted(*accounts, "account"),
        times(brand_runs),
        counted(*hashtags, "hashtag"),
        times(hashtag_runs),
        table.join("\n"),
    )
}

pub(super) fn times(runs: u32) -> String {
    if runs == 1 { "once".to_owned() } else { format!("{runs} times") }
}

#[cfg(test)]
mod tests {
    use collector::config::Config;

    use super::*;

    const SHIPPED: &str = include_str!("../../../configure.ini");

    fn plan(more: &str) -> Plan {
        Config::parse(format!("{SHIPPED}\n{more}").as_bytes(), "configure.ini").unwrap().plan()
    }

    #[test]
    fn the_shipped_schedule_is_shown_warm_and_cold() {
        insta::assert_snapshot!(summary(&plan("")), @r##"
    11 accounts, once an hour; 11 hashtags, 12 times an hour

                                   warm   cold  limit
    calls an hour                   143    154    200
    different hashtags in 7 days     11     11     30
    hashtag calls a day           3,168  3,179  4,800
    more accounts possible           57     46
    more hashtags possible            4      3

    warm: by processes that know every hashtag's id
    cold: with one process that starts; the ids of 11 hashtags are not pinned: each new process looks them up once; `luxury-brands hashtag-ids` pins them
    "##);
    }

    #[test]
    fn pinned_ids_make_a_cold_start_as_cheap_as_a_warm_one() {
        let hashtags = "hermes chanel dior louisvuitton gucci prada ysl celine valentino miumiu fendi";
        let pins: String = hashtags.split(' ').map(|h| format!("{h} = 1\n")).collect();
        insta::assert_snapshot!(summary(&plan(&format!("[hashtag_id]\n{pins}"))), @r##"
    11 accounts, once an hour; 11 hashtags, 12 times an hour

                                   warm   cold  limit
    calls an hour                   143    143    200
    different hashtags in 7 days     11     11     30
    hashtag calls a day           3,168  3,168  4,800
    more accounts possible           57     57
    more hashtags possible            4      4

    warm: by processes that know every hashtag's id
    cold: with one process that starts; every hashtag's id is pinned: a new process looks up none
    "##);
    }

    #[test]
    fn further_pages_are_weighed_with_all_the_calls_that_they_may_take() {
        insta::assert_snapshot!(summary(&plan("[limits]\nmedia_per_hashtag = auto")), @r##"
    11 accounts, once an hour; 11 hashtags, 12 times an hour

                                   warm   cold  limit
    calls an hour                   143    154    200
      with further pages            179    190    200
    different hashtags in 7 days     11     11     30
    hashtag calls a day           3,168  3,179  4,800
      with further pages          4,032  4,043  4,800
    more accounts possible           57     46
    more hashtags possible            4      3

    warm: by processes that know every hashtag's id
    cold: with one process that starts; the ids of 11 hashtags are not pinned: each new process looks them up once; `luxury-brands hashtag-ids` pins them
    further pages: each run may make 14 hashtag calls, 3 of them for busy hashtags
    "##);
    }

    #[test]
    fn the_possible_topics_are_exactly_those_that_the_configuration_accepts() {
        for limits in ["", "hashtag_calls_per_day = 3700", "hashtags_per_week = 12", "calls_per_hour = 170"] {
            let text = format!("{SHIPPED}\n[limits]\n{limits}");
            let plan = Config::parse(text.as_bytes(), "x").unwrap().plan();
            let with = |key: &str, more: u64| {
                let ids: String = (0..more).map(|n| format!("topic{n} = 1\n")).collect();
                let names: String = (0..more).map(|n| format!(" topic{n}")).collect();
                let text = text
                    .replace("[add_user_id]\n", &format!("[add_user_id]\n{ids}"))
                    .replace(&format!("{key} = hermes"), &format!("{key} = hermes{names}"));
                Config::parse(text.as_bytes(), "x")
            };
            for (key, [warm, cold]) in [("accounts", more_accounts(&plan)), ("hashtags", more_hashtags(&plan))] {
                assert!(with(key, warm).is_ok() && with(key, warm + 1).is_err(), "{key} {limits}");
                assert_eq!(with(key, cold).unwrap().notices, [], "{key} {limits}");
                let more = with(key, cold + 1);
                assert!(more.is_err() || !more.unwrap().notices.is_empty(), "{key} {limits}");
            }
        }
    }
}
