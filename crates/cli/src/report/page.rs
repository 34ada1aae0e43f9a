//! The data of the page, in the shape in which its script reads it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::house::House;
use super::posts::{Post, Posts};
use super::runs::{Failure, Failures, MOST_LISTED, Rhythm, Skipped, rhythm};
use super::table::{Column, Measure, Table};
use collector::secret::SANDBOX_BUCKET;

/// The origin and the amount of the data.
#[derive(Debug, Default, Serialize)]
pub(super) struct Source {
    pub(super) place: String,
    /// Whether the data is the sandbox's, which is made up.
    pub(super) made_up: bool,
    /// When the page was made, in seconds since 1970.
    pub(super) made: i64,
    pub(super) files: usize,
    pub(super) records: usize,
    pub(super) bytes: usize,
    /// The number of objects of records beside which no quality object lists the defaults.
    pub(super) unknown: usize,
    /// The time of the newest run, in seconds since 1970.
    pub(super) newest: i64,
}

impl Source {
    /// The same data, read from `place`, on a page made at `made`.
    pub(super) fn at(self, place: &str, made: i64) -> Self {
        // The folder's name decides, wherever the folder is. No bucket can have it.
        let made_up = Path::new(place).file_name().is_some_and(|name| name == SANDBOX_BUCKET);
        Self { place: place.to_owned(), made_up, made, ..self }
    }

    /// The origin of the data, for a person. It says so where the data is made up.
    pub(super) fn named(&self) -> String {
        format!("{}{}", self.place, if self.made_up { ", the sandbox's made-up data" } else { "" })
    }
}

/// Everything that the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    source: Source,
    houses: Vec<House>,
    tables: BTreeMap<&'static str, Columns>,
    posts: Vec<Post>,
    /// The posts under hashtags, by house and hour since 1970.
    hours: Vec<Hours>,
    jobs: Vec<Rhythm>,
    failures: Vec<Failure>,
    failures_unlisted: usize,
    skipped: Vec<Skipped>,
    skipped_unlisted: usize,
}

#[derive(Debug, Serialize)]
struct Hours {
    house: usize,
    /// The first hour, since 1970.
    from: i64,
    /// The number of posts in each hour from the first one on.
    posts: Vec<u32>,
}

type Values = Vec<Option<i64>>;

/// A table of the page.
#[derive(Debug, Serialize)]
struct Columns {
    times: Vec<i64>,
    runs: Vec<u32>,
    width: i64,
    /// By measure, one list of values for each house. The list is empty where the house has no values.
    houses: BTreeMap<Measure, Vec<Values>>,
    defaulted: Vec<FieldReason>,
    rejected: BTreeMap<String, Values>,
}

#[derive(Debug, Serialize)]
struct FieldReason {
    field: String,
    reason: String,
    n: Values,
}

impl Columns {
    fn new(table: Table, houses: usize) -> Self {
        let Table { times, runs, width, columns } = table;
        let (mut by_house, mut defaulted, mut rejected) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for (column, n) in columns {
            match column {
                Column::House(measure, house) => {
                    let of_houses: &mut Vec<Values> =
                        by_house.entry(measure).or_insert_with(|| vec![Values::new(); houses]);
                    if let Some(values) = of_houses.get_mut(house) {
                        *values = n;
                    }
                }
                Column::Defaulted(field, reason) => defaulted.push(FieldReason { field, reason, n }),
                Column::Rejected(reason) => drop(rejected.insert(reason, n)),
            }
        }
        Self { times, runs, width, houses: by_house, defaulted, rejected }
    }
}

/// The parts of a page.
pub(super) struct Parts {
    pub(super) source: Source,
    pub(super) houses: Vec<House>,
    pub(super) tables: BTreeMap<&'static str, Table>,
    pub(super) posts: Posts,
    /// The posts under hashtags, by house and hour since 1970.
    pub(super) hours: BTreeMap<usize, BTreeMap<i64, u32>>,
    pub(super) failures: Failures,
    /// The times of each job's runs.
    pub(super) runs: Vec<(&'static str, Vec<i64>)>,
    pub(super) skipped: Vec<Skipped>,
}

impl Page {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { source, houses, tables, posts, hours, failures, runs, mut skipped } = parts;
        let tables = tables.into_iter().map(|(model, table)| (model, Columns::new(table, houses.len()))).collect();
        let mut failures = failures.finish();
        let failures_unlisted = failures.len().saturating_sub(MOST_LISTED);
        let skipped_unlisted = skipped.len().saturating_sub(MOST_LISTED);
        failures.truncate(MOST_LISTED);
        skipped.truncate(MOST_LISTED);
        Self {
            source,
            houses,
            tables,
            posts: posts.finish(),
            hours: hours.iter().filter_map(|(house, hours)| listed(*house, hours)).collect(),
            jobs: runs.iter().map(|(job, times)| rhythm(job, times)).collect(),
            failures,
            failures_unlisted,
            skipped,
            skipped_unlisted,
        }
    }

    /// The origin of the data.
    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    /// The number of files that were skipped.
    pub(super) fn skipped(&self) -> usize {
        self.skipped.len() + self.skipped_unlisted
    }
}

/// The most hours in a list, up to the newest. One stray old post would otherwise make a list of a million
/// hours.
const MOST_HOURS: i64 = 24 * 7 * 60;

fn listed(house: usize, hours: &BTreeMap<i64, u32>) -> Option<Hours> {
    let (last, _) = hours.last_key_value()?;
    let (from, _) = hours.range(last - MOST_HOURS..).next()?;
    let posts = (*from..=*last).map(|hour| hours.get(&hour).copied().unwrap_or(0)).collect();
    Some(Hours { house, from: *from, posts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_without_posts_are_zero_and_a_stray_old_post_makes_no_long_list() {
        let hours = BTreeMap::from([(-1_000_000, 1), (100, 2), (103, 1)]);
        let listed = listed(0, &hours).unwrap();
        assert_eq!((listed.from, listed.posts), (100, vec![2, 0, 0, 1]));
    }

    #[test]
    fn the_sandboxs_folder_is_marked_as_made_up_data_wherever_it_is() {
        let named = |place: &str| Source::default().at(place, 0).named();
        for place in ["sandbox_env", "./sandbox_env/", "/tmp/x/sandbox_env"] {
            assert_eq!(named(place), format!("{place}, the sandbox's made-up data"));
        }
        for place in ["local_env", "s3://lux-raw/sandbox", "sandbox_env/copy"] {
            assert_eq!(named(place), place);
        }
    }
}
