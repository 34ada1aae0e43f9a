//! The report's figures for a day of the sandbox, whose true values are known.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::commands::{folder, local, out};
use support::harness::CONFIGURE_INI;

#[test]
fn the_followers_gained_on_a_day_of_the_sandbox_are_close_to_the_truth() {
    let folder = folder(&CONFIGURE_INI.replace("[topic]", "[limits]\nhashtag_runs_per_hour = 1\n\n[topic]"));
    let day = local(folder.path(), &["sandbox", "day", "--until", "2026-11-24T00:00:00Z", "--quiet"], &[]);
    assert!(day.status.success(), "{day:?}");
    let report = local(folder.path(), &["report", "--json"], &[]);
    let report: Value = serde_json::from_str(&out(&report)).unwrap();
    let last: DateTime<Utc> = "2026-11-23T23:00:00Z".parse().unwrap();
    let true_gain = |account: &str| {
        let followers = |time| sandbox::followers(sandbox::Options::default().seed, account, time);
        followers(last) - followers(last - TimeDelta::hours(23))
    };
    let mut errors = Vec::new();
    for house in report["figures"]["houses"].as_array().unwrap() {
        let (account, period) = (house["account"].as_str().unwrap(), &house["period"]);
        let [gained, raw] = ["gained", "gained_raw"].map(|name| period[name].as_i64().unwrap());
        let truth = true_gain(account);
        println!("{account:16} true {truth:6}  estimate {gained:6}  last minus first {raw:6}");
        errors.push((gained - truth).abs());
    }
    assert_eq!(errors.len(), 11);
    let mean = errors.iter().sum::<i64>() / 11;
    assert!(mean <= 500 && errors.iter().all(|error| *error <= 1_500), "errors: {errors:?}");
}
