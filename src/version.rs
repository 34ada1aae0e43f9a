//! Which version of the API is requested, which one responds, and for how long.

use std::cmp::Ordering;
use std::fmt;

use chrono::NaiveDate;
use tracing::{info, warn};

use crate::counted::counted;
use crate::diagnosis::Diagnosis;

mod table;

pub use table::{Certainty, Day, End, TESTED, VERSIONS, Version};

/// A WARNING is logged from this many days before the end of the version that responds.
pub const WARN_DAYS: i64 = 60;

/// A version on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not in the table.
    Unknown,
    /// It is supported until this day: this number of days is left.
    Ends(NaiveDate, i64),
    /// It is supported, and no end is announced.
    Supported(&'static Version),
    /// It ended on this day, this number of days ago.
    Ended(NaiveDate, i64),
}

impl State {
    /// The state of the version `name` on the day `today`.
    pub fn of(name: &str, today: NaiveDate) -> Self {
        let Some(version) = VERSIONS.iter().find(|version| version.name == name) else { return Self::Unknown };
        let end = if let End::On(day) = version.end { date(day) } else { None };
        match end.map(|end| (end, (end - today).num_days())) {
            None => Self::Supported(version),
            Some((end, days)) if days > 0 => Self::Ends(end, days),
            Some((end, days)) => Self::Ended(end, -days),
        }
    }

    /// Whole days until the version ends, 0 or less since it has; `None` if its end is not known.
    pub const fn days_left(self) -> Option<i64> {
        match self {
            Self::Ends(_, days) => Some(days),
            Self::Ended(_, days) => Some(-days),
            Self::Unknown | Self::Supported(_) => None,
        }
    }
}

/// The state as the end of a sentence about a version.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(f, "is not among the versions known ({})", known()),
            Self::Ends(end, days) => write!(f, "ends in {}, on {end}", counted(*days, "day")),
            Self::Ended(end, days) => write!(f, "ended {} ago, on {end}", counted(*days, "day")),
            Self::Supported(Version { end, .. }) => match end {
                End::NotBefore(day) => match date(*day) {
                    Some(day) => write!(f, "has no announced end; it will not end before {day}"),
                    None => f.write_str("has no announced end"),
                },
                _ => f.write_str("has no announced end"),
            },
        }
    }
}

/// The versions of the table, in words.
pub fn known() -> String {
    let name = |version: Option<&Version>| version.map_or("", |version| version.name);
    format!("{} to {}", name(VERSIONS.first()), name(VERSIONS.last()))
}

/// A day of the table as a date.
pub fn date((year, month, day): Day) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day)
}

/// Orders two names of versions by their numbers; `None` if one is not the name of a version.
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    let numbers = |name: &str| {
        let (major, minor) = name.strip_prefix('v')?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    Some(numbers(one)?.cmp(&numbers(other)?))
}

/// Whether `name` is not in the table of versions.
pub fn is_unknown(name: &str) -> bool {
    !VERSIONS.iter().any(|version| version.name == name)
}

/// What to do about the version `asked`, which has ended, is about to end, or is unknown. `is_served` says whether that
/// version itself responds.
pub fn diagnosis(asked: &str, is_served: bool) -> Diagnosis {
    match compare(asked, TESTED) {
        Some(Ordering::Less) => Diagnosis::VersionOld,
        Some(Ordering::Greater) if is_unknown(asked) && !is_served => Diagnosis::VersionUnknown,
        _ => Diagnosis::VersionUntested,
    }
}

/// Logs that another version responds than the one that was requested.
pub(crate) fn log_difference(asked: &str, served: &str, today: NaiveDate) {
    if served == asked {
        return;
    }
    match State::of(asked, today) {
        state @ State::Ended(..) => {
            let next = diagnosis(asked, false).row().next;
            warn!(
                kind = KIND,
                "version {asked} was requested and {served} responds, since {asked} {state}; next step: {next}"
            );
        }
        _ => info!(kind = KIND, "version {asked} was requested and {served} responds"),
    }
}

/// Logs when the version that responds ends, and returns the days until then; `None` if its end is not known.
/// `served` is the version that a response named.
pub(crate) fn log_end(asked: &str, served: Option<&str>, today: NaiveDate) -> Option<i64> {
    let serving = served.unwrap_or(asked);
    let state = State::of(serving, today);
    let next = || diagnosis(serving, served.is_some()).row().next;
    match state {
        // Meta's API does not serve a version that has ended. Another one may.
        State::Ended(..) if served.is_some() => {
            info!(kind = KIND, "version {serving} responds, although Meta's {serving} {state}");
            return None;
        }
        State::Supported(_) => info!(kind = KIND, "version {serving} {state}"),
        State::Ends(_, days) if days >= WARN_DAYS => {
            info!(kind = KIND, version_days_left = days, "version {serving} {state}")
        }
        _ => warn!(
            kind = KIND,
            version_days_left = state.days_left(),
            "version {serving} {state}; next step: {}",
            next()
        ),
    }
    state.days_left()
}

/// The `kind` of the log lines about the version.
const KIND: &str = "version";

#[cfg(test)]
mod tests;
