//! The line of the check about the version: which one answers, and for how long.

use chrono::NaiveDate;

use super::checklist::Checklist;
use crate::version::{State, WARN_DAYS, advice};

const WHAT: &str = "version";

/// Tells what becomes of the version `asked` for; `served` is the one that the answers told of.
pub(super) fn report(checklist: &mut Checklist, asked: &str, served: Option<&str>, today: NaiveDate) {
    let state = State::of(asked, today);
    match served {
        None if matches!(state, State::Ends(..) | State::Lives(_)) => {
            checklist.skip(WHAT, format!("no answer told which one answers; {asked} is configured and {state}"));
        }
        None => checklist.warn(WHAT, format!("{asked} is configured and {state}"), advice(asked)),
        Some(served) if served == asked => {
            let told = format!("{asked} answers, as configured, and {state}");
            match state {
                State::Unknown | State::Ended(..) => checklist.warn(WHAT, told, advice(asked)),
                State::Ends(_, days) if days < WARN_DAYS => checklist.warn(WHAT, told, advice(asked)),
                State::Ends(..) | State::Lives(_) => checklist.ok(WHAT, told),
            }
        }
        Some(served) => {
            let answering = State::of(served, today);
            let told = format!("{asked} is configured and {state}; {served} answers in its place and {answering}");
            checklist.warn(WHAT, told, advice(asked));
        }
    }
}
