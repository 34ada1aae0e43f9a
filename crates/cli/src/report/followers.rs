//! Followers gained: an estimate, since the API answers from two levels that differ by tens of thousands and both grow.
//! See `docs/figures.md`.

use super::days::day;
use super::figures::median;

/// The fewest counts that give a figure.
const MIN_COUNTS: usize = 12;

/// The followers of an account in one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    /// When the response arrived, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) followers: i64,
}

/// What is known of an account's followers on a UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Daily {
    /// The day, counted from 1970.
    pub(super) day: i64,
    /// The last count.
    pub(super) followers: i64,
    /// The estimate; `None` if there is none.
    pub(super) gained: Option<i64>,
    /// The last count minus the one before the day, or else the day's first one.
    pub(super) gained_raw: i64,
    /// The number of counts.
    pub(super) runs: usize,
}

/// The days that have a count. The points are in the order of their moments.
pub(super) fn daily(points: &[Point]) -> Vec<Daily> {
    let of = |point: &Point| day(point.at.div_euclid(1_000));
    let (mut days, mut start) = (Vec::new(), 0);
    for of_day in points.chunk_by(|a, b| of(a) == of(b)) {
        let end = start + of_day.len();
        let window = points.get(start.saturating_sub(1)..end).unwrap_or_default();
        start = end;
        let (Some(first), Some(last)) = (window.first(), window.last()) else { continue };
        days.push(Daily {
            day: of(last),
            followers: last.followers,
            gained: estimate(window),
            gained_raw: last.followers - first.followers,
            runs: of_day.len(),
        });
    }
    days
}

/// The estimate for a day; `None` if there are too few counts, or if a change of level cannot be told from a real step.
fn estimate(window: &[Point]) -> Option<i64> {
    let (first, last) = (window.first()?, window.last()?);
    if window.len() < MIN_COUNTS {
        return None;
    }
    let rates = window.windows(2).filter_map(|pair| slope(pair.first()?, pair.last()?));
    let rate = median(rates)?;
    let residual = |point: &Point| point.followers as f64 - rate * (point.at - first.at) as f64;
    let mut residuals: Vec<f64> = window.iter().map(residual).collect();
    residuals.sort_by(f64::total_cmp);
    let (mut gap, mut next, mut above) = (0.0, 0.0, f64::NEG_INFINITY);
    for (low, high) in residuals.iter().zip(residuals.iter().skip(1)) {
        if high - low > gap {
            (gap, next, above) = (high - low, gap, *high);
        } else if high - low > next {
            next = high - low;
        }
    }
    if gap <= 2.0 * next || gap <= first.followers as f64 / 10_000.0 {
        return Some(last.followers - first.followers);
    }
    let (upper, lower): (Vec<Point>, Vec<Point>) = window.iter().partition(|point| residual(point) >= above);
    let all = (last.at - first.at) as f64;
    let mut sum = 0.0;
    for level in [lower, upper] {
        let (first, last) = (level.first()?, level.last()?);
        if 2.0 * ((last.at - first.at) as f64) < all {
            return None;
        }
        sum += level.len() as f64 * slope(first, last)?;
    }
    Some((all * sum / window.len() as f64).round() as i64)
}

/// Followers per millisecond; `None` if no time passed.
fn slope(from: &Point, to: &Point) -> Option<f64> {
    (to.at > from.at).then(|| (to.followers - from.followers) as f64 / (to.at - from.at) as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600;

    /// Hourly counts, asked two seconds after the hour.
    fn hourly(counts: impl IntoIterator<Item = i64>) -> Vec<Point> {
        let point = |(hour, followers)| Point { at: (hour * HOUR + 2) * 1_000, followers };
        (0..).zip(counts).map(point).collect()
    }

    /// The estimate for all of the points, which are at most 24 hours.
    fn of(counts: impl IntoIterator<Item = i64>) -> Option<i64> {
        estimate(&hourly(counts))
    }

    /// 1,000,000 followers, 10 more each hour, and 20,000 more in the hours of the upper level.
    fn level(hour: i64, upper: bool) -> i64 {
        1_000_000 + 10 * hour + if upper { 20_000 } else { 0 }
    }

    #[test]
    fn two_levels_that_alternate_give_the_growth_within_them() {
        assert_eq!(of((0..24).map(|hour| level(hour, hour % 3 == 0))), Some(230));
        assert_eq!(of((0..24).map(|hour| level(hour, hour % 3 != 0))), Some(230));
        let lost = (0..24).map(|hour| 1_000_000 - 10 * hour + if hour % 3 < 2 { 0 } else { 20_000 });
        assert_eq!(of(lost), Some(-230), "a loss stays a loss, also if the last count is in the upper level");
    }

    #[test]
    fn one_level_gives_the_plain_difference() {
        assert_eq!(of((0..24).map(|hour| level(hour, false))), Some(230));
        assert_eq!(of((0..12).map(|hour| 500 - hour * hour)), Some(-121));
        // 0.01 % of 1,000,000 followers are 100.
        assert_eq!(of((0..24).map(|hour| 1_000_000 + if hour % 4 > 1 { 100 } else { 0 })), Some(100));
        assert_eq!(of((0..24).map(|hour| 1_000_000 + if hour % 4 > 1 { 101 } else { 0 })), Some(0));
    }

    #[test]
    fn a_jump_without_return_gives_no_figure() {
        assert_eq!(of((0..24).map(|hour| level(hour, hour >= 12))), None);
        assert_eq!(of((0..24).map(|hour| level(hour, hour == 12))), None, "one count is no level");
        assert_eq!(of((0..24).map(|hour| level(hour, hour < 2 || hour == 11))), None, "11 hours are under half");
        assert_eq!(of((0..24).map(|hour| level(hour, hour < 2 || hour == 12))), Some(230));
    }

    #[test]
    fn too_few_counts_give_no_figure() {
        assert_eq!(of((0..11).map(|hour| level(hour, false))), None);
        assert_eq!(of((0..12).map(|hour| level(hour, false))), Some(110));
        assert_eq!(of([]), None);
    }

    #[test]
    fn a_day_starts_at_the_last_count_before_it() {
        let days = daily(&hourly((0..60).map(|hour| level(hour, hour % 4 < 2))));
        let of = |day, followers, gained, gained_raw, runs| Daily { day, followers, gained, gained_raw, runs };
        let expected = [of(0, 1_000_230, Some(230), -19_770, 24), of(1, 1_000_470, Some(240), 240, 24)];
        assert_eq!(days[..2], expected);
        assert_eq!(days[2], of(2, 1_000_590, Some(120), 120, 12));
        assert_eq!(daily(&[]), []);
    }

    #[test]
    fn a_missing_count_is_skipped() {
        let mut points = hourly((0..24).map(|hour| level(hour, hour % 4 < 2)));
        points.retain(|point| ![7, 23].map(|hour| (hour * HOUR + 2) * 1_000).contains(&point.at));
        assert_eq!(daily(&points)[0].gained, Some(220));
    }

    /// The definition once more, without sorting: each residual is tried as the upper level's lowest.
    fn plainly(points: &[Point]) -> Option<i64> {
        if points.len() < MIN_COUNTS {
            return None;
        }
        let per_ms = |a: Point, b: Point| (b.followers - a.followers) as f64 / (b.at - a.at) as f64;
        let mut rates: Vec<f64> = (1..points.len()).map(|i| per_ms(points[i - 1], points[i])).collect();
        rates.sort_by(f64::total_cmp);
        let middle = rates.len() / 2;
        let rate = if rates.len() % 2 == 1 { rates[middle] } else { (rates[middle - 1] + rates[middle]) / 2.0 };
        let residual = |p: &Point| p.followers as f64 - rate * (p.at - points[0].at) as f64;
        let below = |r: f64| points.iter().map(residual).filter(|other| *other < r).fold(f64::MIN, f64::max);
        let gaps =
            points.iter().map(|p| (residual(p) - below(residual(p)), residual(p))).filter(|(gap, _)| *gap < 1e200);
        let mut gaps: Vec<_> = gaps.collect();
        gaps.sort_by(|a, b| b.partial_cmp(a).unwrap());
        gaps.dedup();
        let (gap, above) = gaps.first().copied().unwrap_or((0.0, 0.0));
        let next = gaps.get(1).map_or(0.0, |(gap, _)| *gap);
        let whole = points[points.len() - 1].at - points[0].at;
        if gap <= 2.0 * next || gap <= points[0].followers as f64 / 10_000.0 {
            return Some(points[points.len() - 1].followers - points[0].followers);
        }
        let of_level = |upper: bool| {
            let level: Vec<_> = points.iter().filter(|p| (residual(p) >= above) == upper).collect();
            let (a, b) = (*level[0], *level[level.len() - 1]);
            (level.len() > 1 && 2 * (b.at - a.at) >= whole).then(|| level.len() as f64 * per_ms(a, b))
        };
        let slope = (of_level(false)? + of_level(true)?) / points.len() as f64;
        Some((whole as f64 * slope).round() as i64)
    }

    proptest! {
        #[test]
        fn a_plain_second_implementation_gives_the_same(
            steps in prop::collection::vec((1_000_i64..7_200_000, -500_i64..500, any::<bool>()), 1..40),
            jump in 0_i64..40_000,
        ) {
            let (mut at, mut level, mut points) = (0, 1_000_000, Vec::new());
            for (passed, gained, upper) in steps {
                (at, level) = (at + passed, level + gained);
                points.push(Point { at, followers: level + if upper { jump } else { 0 } });
            }
            let (found, plain) = (estimate(&points), plainly(&points));
            // The order of the operations may differ in the last bit, and so a half may be rounded the other way.
            prop_assert!(found == plain || found.zip(plain).is_some_and(|(a, b)| a.abs_diff(b) <= 1), "{found:?} {plain:?}");
        }

        #[test]
        fn the_growth_of_two_levels_is_found_among_their_noise(
            rate in -300_i64..300, jump in 5_000_i64..50_000, counts in prop::collection::vec((-20_i64..20, any::<bool>()), 24),
        ) {
            let points = hourly((0..).zip(&counts).map(|(hour, (noise, upper))| 1_000_000 + rate * hour + noise + if *upper { jump } else { 0 }));
            if let Some(found) = estimate(&points) && counts.windows(2).filter(|pair| pair[0].1 != pair[1].1).count() > 3 {
                prop_assert!(found.abs_diff(rate * 23) <= 1_000, "{found} for {}", rate * 23);
            }
        }
    }
}
