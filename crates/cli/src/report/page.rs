//! The data of the page, in the shape in which its script reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::followers::{Gain, Point, gain};
use super::hashtags::Hours;
use super::house::House;
use super::posts::{Post, Posts};
use super::runs::{Failure, Failures, Late, LateRuns, MOST_LISTED, Rhythm, Skipped, rhythm};
use super::table::{Column, Measure, Table};
use collector::record::Model;

/// The origin and the amount of the data.
#[derive(Debug, Default, Serialize)]
pub(super) struct Source {
    pub(super) place: String,
    /// Whether some of the data is the sandbox's, which is made up. Its quality objects say so.
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
        Self { place: place.to_owned(), made, ..self }
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
    /// The distinct posts under hashtags, by house and hour since 1970.
    hours: Vec<HouseHours>,
    jobs: Vec<Rhythm>,
    failures: Vec<Failure>,
    failures_unlisted: usize,
    late: Vec<Late>,
    skipped: Vec<Skipped>,
    skipped_unlisted: usize,
}

#[derive(Debug, Serialize)]
struct HouseHours {
    /// `None` for all houses together.
    house: Option<usize>,
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
    /// The measures of all houses together.
    all: BTreeMap<Measure, Values>,
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
        let (mut by_house, mut all) = (BTreeMap::new(), BTreeMap::new());
        let (mut defaulted, mut rejected) = (Vec::new(), BTreeMap::new());
        for (column, n) in columns {
            match column {
                Column::House(measure, house) => {
                    let of_houses: &mut Vec<Values> =
                        by_house.entry(measure).or_insert_with(|| vec![Values::new(); houses]);
                    if let Some(values) = of_houses.get_mut(house) {
                        *values = n;
                    }
                }
                Column::All(measure) => drop(all.insert(measure, n)),
                Column::Defaulted(field, reason) => defaulted.push(FieldReason { field, reason, n }),
                Column::Rejected(reason) => drop(rejected.insert(reason, n)),
            }
        }
        Self { times, runs, width, houses: by_house, all, defaulted, rejected }
    }
}

impl Columns {
    /// The followers of a house at each run that counted them.
    fn followers(&self, house: usize) -> Vec<Point> {
        let of =
            |measure| self.houses.get(&measure).and_then(|values| values.get(house)).map_or(&[][..], Vec::as_slice);
        let (followers, asked) = (of(Measure::Followers), of(Measure::Asked));
        let point = |((row, followers), asked): ((&i64, &Option<i64>), &Option<i64>)| {
            // A row of a period has the last count of its runs, and no moment.
            let after = if self.width == 0 { (*asked)? } else { 0 };
            Some(Point { row: *row, at: row * 1_000 + after, followers: (*followers)? })
        };
        self.times.iter().zip(followers).zip(asked).filter_map(point).collect()
    }
}

/// The figures of a house over the whole time.
pub(super) struct HouseFigures<'p> {
    pub(super) house: &'p House,
    pub(super) followers: Option<i64>,
    pub(super) gain: Gain,
    pub(super) likes_gained: Option<i64>,
    pub(super) comments_gained: Option<i64>,
    pub(super) hashtag_posts: i64,
}

/// The parts of a page.
pub(super) struct Parts {
    pub(super) source: Source,
    pub(super) houses: Vec<House>,
    pub(super) tables: BTreeMap<&'static str, Table>,
    pub(super) posts: Posts,
    /// The distinct posts under hashtags by house; `None` for all houses together.
    pub(super) hours: BTreeMap<Option<usize>, Hours>,
    pub(super) failures: Failures,
    pub(super) late: LateRuns,
    /// The times of each job's runs.
    pub(super) runs: Vec<(&'static str, Vec<i64>)>,
    pub(super) skipped: Vec<Skipped>,
}

impl Page {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { source, houses, tables, posts, hours, failures, late, runs, mut skipped } = parts;
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
            late: late.finish(),
            skipped,
            skipped_unlisted,
        }
    }

    /// The origin of the data.
    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    /// The figures of each house over the whole time, and the distinct posts under all hashtags.
    pub(super) fn figures(&self) -> (Vec<HouseFigures<'_>>, i64) {
        let times = || self.tables.values().flat_map(|table| table.times.iter().copied());
        let (from, to) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        let table = |model: Model| self.tables.get(model.name());
        let sum = |model, measure, house: usize| {
            let values = table(model)?.houses.get(&measure)?.get(house)?;
            values.iter().flatten().copied().reduce(i64::saturating_add)
        };
        let figures = self.houses.iter().enumerate().map(|(i, house)| {
            let points = table(Model::Brand).map(|table| table.followers(i)).unwrap_or_default();
            HouseFigures {
                house,
                followers: points.last().map(|point| point.followers),
                gain: gain(&points, from, to),
                likes_gained: sum(Model::Media, Measure::LikesGained, i),
                comments_gained: sum(Model::Media, Measure::CommentsGained, i),
                hashtag_posts: sum(Model::MediaHashtag, Measure::FirstSeen, i).unwrap_or(0),
            }
        });
        let all = table(Model::MediaHashtag).and_then(|table| table.all.get(&Measure::FirstSeen));
        (figures.collect(), all.into_iter().flatten().flatten().sum())
    }

    /// The number of files that were skipped.
    pub(super) fn skipped(&self) -> usize {
        self.skipped.len() + self.skipped_unlisted
    }
}

/// The most hours in a list, up to the newest. One stray old post would otherwise make a list of a million
/// hours.
const MOST_HOURS: i64 = 24 * 7 * 60;

fn listed(house: Option<usize>, hours: &Hours) -> Option<HouseHours> {
    let (last, _) = hours.last_key_value()?;
    let (from, _) = hours.range(last - MOST_HOURS..).next()?;
    let posts = (*from..=*last).map(|hour| hours.get(&hour).copied().unwrap_or(0)).collect();
    Some(HouseHours { house, from: *from, posts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_without_posts_are_zero_and_a_stray_old_post_makes_no_long_list() {
        let hours = BTreeMap::from([(-1_000_000, 1), (100, 2), (103, 1)]);
        let listed = listed(None, &hours).unwrap();
        assert_eq!((listed.from, listed.posts), (100, vec![2, 0, 0, 1]));
    }
}
