//! The data of the page, in the shape in which its script reads it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::collected::{Likes, Reasons};
use super::days::{DAY, Grid, Rows, day, written};
use super::followers::{Point, daily};
use super::hashtags::{HashtagPost, Voice};
use super::house::House;
use super::posts::Post;
use super::runs::{Failure, Failures, Jobs, Late, LateRuns, MOST_LISTED, Rhythm, Skipped};
use collector::record::Model;

/// The days of the period with which the page opens.
const PERIOD: usize = 7;

/// The most days whose series have a slot for each hour.
const HOURLY_DAYS: usize = 3;

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
    /// The number of objects of records for which no quality object lists the defaults.
    pub(super) unknown: usize,
    /// The time of the oldest run, in seconds since 1970.
    pub(super) oldest: i64,
    /// The time of the newest run.
    pub(super) newest: i64,
}

impl Source {
    /// The origin of the data, for a person. It says if the data is made up.
    pub(super) fn named(&self) -> String {
        format!("{}{}", self.place, if self.made_up { ", the sandbox's made-up data" } else { "" })
    }
}

/// Everything that the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) source: Source,
    /// Each UTC day from the first to the last.
    pub(super) days: Vec<String>,
    /// The first of them, counted from 1970.
    #[serde(skip)]
    pub(super) first_day: i64,
    /// The first and the last day that the data covers from start to end.
    whole: Option<(usize, usize)>,
    /// The first and the last day of the period with which the page opens.
    pub(super) period: (usize, usize),
    pub(super) houses: Vec<House>,
    pub(super) followers: Followers,
    pub(super) series: Series,
    pub(super) voice: Vec<VoiceRow>,
    shared: Vec<VoiceRow>,
    pub(super) posts: Vec<Post>,
    posts_unlisted: usize,
    hashtag_posts: Vec<HashtagPost>,
    hashtag_posts_listed: usize,
    collector: CollectorPart,
}

/// House, author, day, the last day before it or -1, and the number of posts. See `Voice`.
pub(super) type VoiceRow = (i64, i64, i64, i64, i64);

/// By house and day.
#[derive(Debug, Serialize)]
pub(super) struct Followers {
    pub(super) count: Rows,
    pub(super) gained: Rows,
    pub(super) gained_raw: Rows,
    runs: Rows,
}

/// By house and slot.
#[derive(Debug, Serialize)]
pub(super) struct Series {
    /// The seconds of a slot: an hour or a day.
    pub(super) step: i64,
    /// The start of the first slot, in seconds since 1970.
    pub(super) from: i64,
    pub(super) likes_gained: Rows,
    pub(super) comments_gained: Rows,
    new_posts: Rows,
    pub(super) full: Rows,
}

/// The section on the collector itself.
#[derive(Debug, Serialize)]
struct CollectorPart {
    jobs: Vec<Rhythm>,
    failures: Vec<Failure>,
    failures_unlisted: usize,
    late: Vec<Late>,
    skipped: Vec<Skipped>,
    skipped_unlisted: usize,
    likes: BTreeMap<&'static str, LikesRows>,
    defaulted: Vec<(&'static str, String, String, i64, usize)>,
    rejected: Vec<(&'static str, String, i64, usize)>,
}

/// By house and day. See `Likes`.
#[derive(Debug, Serialize)]
struct LikesRows {
    records: Rows,
    zero: Rows,
    hidden: Rows,
    unusable: Rows,
    unknown: Rows,
}

/// The parts of a page.
pub(super) struct Parts {
    pub(super) source: Source,
    /// The first and the last moment, in seconds since 1970.
    pub(super) times: RangeInclusive<i64>,
    pub(super) houses: Vec<House>,
    pub(super) followers: BTreeMap<usize, Vec<Point>>,
    pub(super) likes_gained: Grid,
    pub(super) comments_gained: Grid,
    pub(super) voice: Voice,
    pub(super) posts: Vec<Post>,
    pub(super) posts_unlisted: usize,
    pub(super) likes: BTreeMap<Model, Likes>,
    pub(super) reasons: Reasons,
    pub(super) jobs: Jobs,
    pub(super) failures: Failures,
    pub(super) late: LateRuns,
    pub(super) skipped: Vec<Skipped>,
}

impl Page {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            source, times, houses, followers, likes_gained, comments_gained, voice, posts, posts_unlisted, ..
        } = parts;
        let days: Vec<String> = (day(*times.start())..=day(*times.end())).map(written).collect();
        let first_day = day(*times.start());
        let jobs = parts.jobs.finish(&times);
        let whole = whole(&jobs, &times, days.len());
        let (first, last) = whole.unwrap_or((0, days.len().saturating_sub(1)));
        let step = if days.len() <= HOURLY_DAYS { 3_600 } else { DAY };
        let rows = |grid: &Grid| grid.rows(houses.len(), &times, step);
        let series = Series {
            step,
            from: times.start().div_euclid(step) * step,
            likes_gained: rows(&likes_gained),
            comments_gained: rows(&comments_gained),
            new_posts: rows(&voice.new),
            full: rows(&voice.full),
        };
        let row = |((house, author, day, before), n): (&(i64, i64, i64, Option<i64>), &i64)| {
            (*house, *author, day - first_day, before.map_or(-1, |before| before - first_day), *n)
        };
        Self {
            source,
            whole,
            period: (first.max((last + 1).saturating_sub(PERIOD)), last),
            followers: Followers::new(&followers, houses.len(), &times),
            series,
            voice: voice.of_houses.iter().map(row).collect(),
            shared: voice.shared.iter().map(row).collect(),
            posts,
            posts_unlisted,
            hashtag_posts_listed: voice.listed_per_day,
            hashtag_posts: voice.listed,
            collector: CollectorPart::new(
                jobs,
                parts.failures,
                parts.late,
                parts.skipped,
                &parts.likes,
                parts.reasons,
                (houses.len(), &times),
            ),
            days,
            first_day,
            houses,
        }
    }

    /// The number of files that were skipped.
    pub(super) fn skipped(&self) -> usize {
        self.collector.skipped.len() + self.collector.skipped_unlisted
    }
}

/// The first and the last day that the jobs cover from start to end.
fn whole(jobs: &[Rhythm], times: &RangeInclusive<i64>, days: usize) -> Option<(usize, usize)> {
    let start = day(*times.start()) * DAY;
    let first = jobs.iter().filter_map(|job| Some((job.ends?.0 - start - job.every + DAY).div_euclid(DAY))).max()?;
    let last =
        jobs.iter().filter_map(|job| Some((job.ends?.1 + job.every.max(1) - start).div_euclid(DAY) - 1)).min()?;
    let (first, last) = (usize::try_from(first.max(0)).ok()?, usize::try_from(last).ok()?);
    (first <= last).then_some((first, last.min(days.saturating_sub(1))))
}

impl Followers {
    fn new(points: &BTreeMap<usize, Vec<Point>>, houses: usize, times: &RangeInclusive<i64>) -> Self {
        let mut grids = [Grid::default(), Grid::default(), Grid::default(), Grid::default()];
        let [count, gained, gained_raw, runs] = &mut grids;
        for (house, points) in points {
            for of_day in daily(points) {
                let at = of_day.day * DAY;
                count.set(*house, at, of_day.followers);
                of_day.gained.into_iter().for_each(|n| gained.set(*house, at, n));
                gained_raw.set(*house, at, of_day.gained_raw);
                runs.set(*house, at, i64::try_from(of_day.runs).unwrap_or(i64::MAX));
            }
        }
        let [count, gained, gained_raw, runs] = grids.map(|grid| grid.rows(houses, times, DAY));
        Self { count, gained, gained_raw, runs }
    }
}

impl CollectorPart {
    fn new(
        jobs: Vec<Rhythm>,
        failures: Failures,
        late: LateRuns,
        mut skipped: Vec<Skipped>,
        likes: &BTreeMap<Model, Likes>,
        reasons: Reasons,
        (houses, times): (usize, &RangeInclusive<i64>),
    ) -> Self {
        let mut failures = failures.finish();
        let failures_unlisted = failures.len().saturating_sub(MOST_LISTED);
        let skipped_unlisted = skipped.len().saturating_sub(MOST_LISTED);
        failures.truncate(MOST_LISTED);
        skipped.truncate(MOST_LISTED);
        let rows = |grid: &Grid| grid.rows(houses, times, DAY);
        let likes = likes.iter().map(|(model, likes)| {
            let Likes { records, zero, hidden, unusable, unknown } = likes;
            let [records, zero, hidden, unusable, unknown] = [records, zero, hidden, unusable, unknown].map(rows);
            (model.name(), LikesRows { records, zero, hidden, unusable, unknown })
        });
        let mut by_day: BTreeMap<(&'static str, String, String, i64), usize> = BTreeMap::new();
        for ((model, field, reason, time), n) in reasons {
            let day = day(time) - day(*times.start());
            *by_day.entry((model.name(), field, reason, day)).or_default() += n;
        }
        let (mut defaulted, mut rejected) = (Vec::new(), Vec::new());
        for ((model, field, reason, day), n) in by_day {
            if field.is_empty() {
                rejected.push((model, reason, day, n));
            } else {
                defaulted.push((model, field, reason, day, n));
            }
        }
        let likes = likes.collect();
        let late = late.finish();
        Self { jobs, failures, failures_unlisted, late, skipped, skipped_unlisted, likes, defaulted, rejected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_if_the_runs_cover_it_from_start_to_end() {
        // Hourly runs from one hour to another.
        let of = |from: i64, to: i64| {
            let (times, every) = (from * 3_600..=to * 3_600, 3_600);
            let ends = Some((*times.start(), *times.end()));
            let job = Rhythm { job: "x", every, runs: vec![], expected: vec![], collected: vec![], gaps: vec![], ends };
            whole(&[job], &times, 1 + usize::try_from(to / 24 - from / 24).unwrap())
        };
        assert_eq!(of(0, 23), Some((0, 0)));
        assert_eq!(of(0, 22), None);
        assert_eq!(of(1, 47), Some((1, 1)));
        assert_eq!(of(1, 30), None);
        assert_eq!(of(0, 50), Some((0, 1)));
    }
}
