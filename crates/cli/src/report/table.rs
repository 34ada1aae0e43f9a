//! Figures with a row for each run and a column for each figure. Rows are merged to periods where there are
//! more runs than a page can hold or an eye can tell apart.

use std::collections::BTreeMap;

use serde::Serialize;

/// A figure of each run, by house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Measure {
    /// The number of followers at the run.
    Followers,
    /// When the response with the followers arrived, in milliseconds after the time of the row.
    Asked,
    /// The number of media at the run, as the profile says.
    MediaCount,
    /// The number of records stored.
    Records,
    /// The number of records in responses that have one before them to compare with.
    Compared,
    /// The number of those that no response before had.
    Fresh,
    /// The number of responses with new records only. Others may have been missed.
    Full,
    /// The number of posts under hashtags that were seen for the first time.
    FirstSeen,
    /// The number of posts under hashtags that were seen for the last time.
    LastSeen,
    /// The likes added since the last known count of each post, and those of new posts.
    LikesGained,
    /// The comments added, in the same way.
    CommentsGained,
    /// The number of records whose likes the API left out: hidden, not 0.
    LikesHidden,
    /// The number of records whose likes are a counted 0.
    LikesZero,
    /// The number of records whose likes were defaulted for another reason.
    LikesUnusable,
    /// The number of records whose likes are a 0 of which no quality object says whether it was counted.
    LikesUnknown,
    /// As for likes.
    CommentsZero,
    /// As for likes.
    CommentsUnusable,
    /// As for likes.
    CommentsUnknown,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    /// A measure of a house, by its index.
    House(Measure, usize),
    /// A measure of all houses together.
    All(Measure),
    /// How often a field was defaulted for a reason.
    Defaulted(String, String),
    /// How many records were left out for a reason.
    Rejected(String),
}

impl Column {
    /// Whether the last value of a period represents it, rather than the sum.
    const fn is_level(&self) -> bool {
        matches!(self, Self::House(Measure::Followers | Measure::Asked | Measure::MediaCount, _))
    }
}

/// Figures by time; without a value where the run has none.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Seconds since 1970, ascending.
    pub(super) times: Vec<i64>,
    /// The runs in each row.
    pub(super) runs: Vec<u32>,
    /// The seconds that a row stands for; 0 where a row is a run.
    pub(super) width: i64,
    pub(super) columns: BTreeMap<Column, Vec<Option<i64>>>,
}

/// Minutes to weeks, in seconds.
const WIDTHS: [i64; 8] = [300, 900, 3_600, 10_800, 21_600, 86_400, 604_800, 2_419_200];

impl Table {
    /// Begins a row, which is not before the last one, or adds to the number of its runs.
    pub(super) fn begin(&mut self, time: i64, runs: u32) {
        match (self.times.last(), self.runs.last_mut()) {
            (Some(last), Some(so_far)) if *last == time => *so_far += runs,
            _ => {
                self.times.push(time);
                self.runs.push(runs);
            }
        }
    }

    /// Adds to a figure of a row.
    pub(super) fn add(&mut self, row: i64, column: Column, n: i64) {
        if let Some(value) = self.cell(row, column) {
            *value = Some(value.unwrap_or(0).saturating_add(n));
        }
    }

    /// Sets a figure of a row.
    pub(super) fn set(&mut self, row: i64, column: Column, n: i64) {
        if let Some(value) = self.cell(row, column) {
            *value = Some(n);
        }
    }

    fn cell(&mut self, row: i64, column: Column) -> Option<&mut Option<i64>> {
        let index = self.times.binary_search(&row).ok()?;
        let values = self.columns.entry(column).or_default();
        values.resize(self.times.len(), None);
        values.get_mut(index)
    }

    /// The rows of scheduled runs, without those of late responses.
    pub(super) fn scheduled(&self) -> impl Iterator<Item = i64> {
        self.times.iter().zip(&self.runs).filter(|(_, runs)| **runs > 0).map(|(time, _)| *time)
    }

    /// The same in at most `most` rows: as it is, or by the shortest period that suffices.
    pub(super) fn within(mut self, most: usize) -> Self {
        for values in self.columns.values_mut() {
            values.resize(self.times.len(), None);
        }
        if self.times.len() <= most {
            return self;
        }
        let rows = |width: i64| self.times.chunk_by(|a, b| a.div_euclid(width) == b.div_euclid(width)).count();
        let width = WIDTHS.into_iter().find(|width| rows(*width) <= most).unwrap_or(2_419_200);
        self.by(width)
    }

    fn by(&self, width: i64) -> Self {
        let mut periods = Self { width, ..Self::default() };
        for (column, values) in &self.columns {
            periods.columns.insert(column.clone(), merged(&self.times, values, width, column.is_level()));
        }
        for (time, runs) in self.times.iter().zip(&self.runs) {
            let period = time.div_euclid(width) * width;
            periods.begin(period, *runs);
        }
        periods
    }
}

/// The values by period: the last one there is, or the sum of those there are.
fn merged(times: &[i64], values: &[Option<i64>], width: i64, last: bool) -> Vec<Option<i64>> {
    let mut merged: Vec<(i64, Option<i64>)> = Vec::new();
    for (time, value) in times.iter().zip(values) {
        let period = time.div_euclid(width);
        match merged.last_mut() {
            Some((same, sum)) if *same == period => {
                *sum = match (*sum, *value) {
                    (Some(a), Some(b)) if !last => Some(a.saturating_add(b)),
                    (a, b) => b.or(a),
                };
            }
            _ => merged.push((period, *value)),
        }
    }
    merged.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORDS: Column = Column::House(Measure::Records, 0);
    const FOLLOWERS: Column = Column::House(Measure::Followers, 0);

    fn table(runs: &[(i64, Option<i64>)]) -> Table {
        let mut table = Table::default();
        for (time, n) in runs {
            table.begin(*time, 1);
            if let Some(n) = n {
                table.add(*time, RECORDS, *n);
                table.set(*time, FOLLOWERS, *n);
            }
        }
        table
    }

    #[test]
    fn runs_that_fit_stay_as_they_are_with_holes_where_a_run_has_no_figure() {
        let table = table(&[(0, Some(1)), (300, None), (600, Some(3)), (900, None)]).within(4);
        assert_eq!(table.columns[&RECORDS], [Some(1), None, Some(3), None]);
        assert_eq!((table.width, &*table.times), (0, &[0, 300, 600, 900][..]));
    }

    #[test]
    fn too_many_runs_become_periods_in_which_counts_add_up_and_levels_are_the_last() {
        let table = table(&[(300, Some(1)), (600, Some(2)), (800, None), (1_000, Some(9)), (1_900, None)]).within(3);
        assert_eq!((table.width, &*table.times, &*table.runs), (900, &[0, 900, 1_800][..], &[3, 1, 1][..]));
        assert_eq!(table.columns[&RECORDS], [Some(3), Some(9), None]);
        assert_eq!(table.columns[&FOLLOWERS], [Some(2), Some(9), None]);
    }

    proptest! {
        #[test]
        fn periods_lose_no_run_and_no_count(mut times in prop::collection::vec(0_i64..10_000_000, 0..200), most in 5_usize..50) {
            times.sort_unstable();
            let runs: Vec<_> = times.iter().map(|t| (*t, Some(1))).collect();
            let table = table(&runs).within(most);
            prop_assert!(table.times.len() <= most);
            prop_assert!(table.times.is_sorted());
            prop_assert_eq!(table.runs.iter().sum::<u32>() as usize, times.len());
            let counted: i64 = table.columns.get(&RECORDS).into_iter().flatten().flatten().sum();
            prop_assert_eq!(counted as usize, times.len());
        }
    }
}
