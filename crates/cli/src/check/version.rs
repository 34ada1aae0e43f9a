//! The line of the check about the version: which one responds, and for how long.

use chrono::NaiveDate;

use super::checklist::Checklist;
use collector::graph::{Kind, Session};
use collector::version::{State, WARN_DAYS, diagnosis};

const WHAT: &str = "version";

/// Reports the state of the requested version, as of `today`.
pub(super) fn report(checklist: &mut Checklist, asked: &str, session: &Session<'_>, today: NaiveDate) {
    let (state, served) = (State::of(asked, today), session.version());
    let to_do = diagnosis(asked, served == Some(asked));
    if session.halted().is_some_and(|halt| halt.kind == Kind::VersionEnded) {
        return checklist.fail(WHAT, format!("the API refuses {asked}, which it has ended"), to_do);
    }
    let is_fine = match state {
        State::Unknown | State::Ended(..) => false,
        State::Ends(_, days) => days >= WARN_DAYS,
        State::Supported(_) => true,
    };
    match served {
        None if is_fine => {
            checklist.skip(WHAT, format!("no response named its version; {asked} is configured and {state}"));
        }
        None => checklist.warn(WHAT, format!("{asked} is configured and {state}"), to_do),
        Some(served) if served != asked => {
            let serving = State::of(served, today);
            let message = format!("{asked} is configured and {state}; {served} responds instead and {serving}");
            checklist.warn(WHAT, message, to_do);
        }
        Some(_) if is_fine => checklist.ok(WHAT, format!("{asked} responds, as configured, and {state}")),
        Some(_) if matches!(state, State::Ended(..)) => {
            checklist.warn(WHAT, format!("{asked} responds, although Meta's {asked} {state}"), to_do);
        }
        Some(_) => checklist.warn(WHAT, format!("{asked} responds, as configured, and {state}"), to_do),
    }
}
