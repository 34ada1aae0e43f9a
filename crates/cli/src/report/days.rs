//! Figures by house and UTC day, or by house and slot of a series.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// The UTC day of a moment in seconds since 1970, counted from 1970.
pub(super) const fn day(seconds: i64) -> i64 {
    seconds.div_euclid(DAY)
}

/// The day as `2026-11-24`.
pub(super) fn written(day: i64) -> String {
    chrono::DateTime::from_timestamp(day * DAY, 0).map(|time| time.format("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// By house, one value for each day or slot; `None` if it is unknown.
pub(super) type Rows = Vec<Vec<Option<i64>>>;

/// A figure by house and time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Grid(BTreeMap<(usize, i64), i64>);

impl Grid {
    pub(super) fn add(&mut self, house: usize, time: i64, n: i64) {
        let value = self.0.entry((house, time)).or_default();
        *value = value.saturating_add(n);
    }

    pub(super) fn set(&mut self, house: usize, time: i64, n: i64) {
        self.0.insert((house, time), n);
    }

    /// The values of each house in slots of `step` from the one of `times.start()` to the one of `times.end()`.
    pub(super) fn rows(&self, houses: usize, times: &RangeInclusive<i64>, step: i64) -> Rows {
        let (first, last) = (times.start().div_euclid(step), times.end().div_euclid(step));
        let slots = usize::try_from(last - first + 1).unwrap_or(0);
        let mut rows = vec![vec![None; slots]; houses];
        for ((house, time), n) in &self.0 {
            let slot = usize::try_from(time.div_euclid(step) - first).unwrap_or(usize::MAX);
            if let Some(value) = rows.get_mut(*house).and_then(|row: &mut Vec<Option<i64>>| row.get_mut(slot)) {
                *value = Some(value.unwrap_or(0).saturating_add(*n));
            }
        }
        rows
    }
}
