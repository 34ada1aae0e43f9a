//! The line of the check about the version: which one answers, and for how long.

use chrono::NaiveDate;

use super::checklist::Checklist;
use collector::graph::{Kind, Session};
use collector::version::{State, WARN_DAYS, advice};

const WHAT: &str = "version";

/// Tells what becomes of the version `asked` for, as of `today`.
pub(super) fn report(checklist: &mut Checklist, asked: &str, session: &Session<'_>, today: NaiveDate) {
    let (state, served) = (State::of(asked, today), session.version());
    let to_do = advice(asked, served == Some(asked));
    if session.halted().is_some_and(|halt| halt.kind == Kind::VersionEnded) {
        return checklist.fail(WHAT, format!("the API refuses {asked}, which it has ended"), to_do);
    }
    let is_fine = match state {
        State::Unknown | State::Ended(..) => false,
        State::Ends(_, days) => days >= WARN_DAYS,
        State::Lives(_) => true,
    };
    match served {
        None if is_fine => {
            checklist
                .skip(WHAT, format!("no answer named the version that answers; {asked} is configured and {state}"));
        }
        None => checklist.warn(WHAT, format!("{asked} is configured and {state}"), to_do),
        Some(served) if served != asked => {
            let answering = State::of(served, today);
            let message = format!("{asked} is configured and {state}; {served} answers in its place and {answering}");
            checklist.warn(WHAT, message, to_do);
        }
        Some(_) if is_fine => checklist.ok(WHAT, format!("{asked} answers, as configured, and {state}")),
        Some(_) => checklist.warn(WHAT, format!("{asked} answers, as configured, and {state}"), to_do),
    }
}
