//! The figures of a period, as docs/figures.md defines them. The page's script has the same, for the periods that a reader
//! chooses.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::days::{DAY, Rows, day};
use super::page::Page;
use super::posts::Post;

/// A period of whole UTC days.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Period {
    /// The first day.
    from: String,
    /// The last day.
    to: String,
    days: usize,
}

/// The figures of a period, next to those of the period before it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Figures {
    pub(super) period: Period,
    /// The same number of days directly before; null if the data does not have all of them.
    pub(super) before: Option<Period>,
    /// Distinct posts under the hashtags of all houses.
    hashtag_posts: i64,
    houses: Vec<HouseFigures>,
    formats: Vec<Format>,
}

/// A house.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct HouseFigures {
    user_id: String,
    label: String,
    /// The account in the house's profile; empty if no profile was collected.
    account: String,
    period: OfPeriod,
    before: Option<OfPeriod>,
}

/// The figures of a house in a period. Null is unknown.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OfPeriod {
    /// The last known count.
    followers: Option<i64>,
    /// The sum of the days that have an estimate.
    gained: Option<i64>,
    /// The sum of the plain differences.
    gained_raw: Option<i64>,
    /// `gained` in per cent of the count before the period.
    gained_percent: Option<f64>,
    /// The days that have an estimate.
    days_with_gain: usize,
    /// The own posts that were published.
    posts: usize,
    /// Those of them whose likes are hidden.
    likes_hidden: usize,
    /// The median of the posts: likes and comments per 1,000 followers when posted.
    engagement_per_mille: Option<f64>,
    /// The median of the posts: likes after 24 h per 1,000 followers when posted.
    likes_24h_per_mille: Option<f64>,
    likes_gained: Option<i64>,
    comments_gained: Option<i64>,
    /// Distinct posts under the house's hashtags.
    hashtag_posts: i64,
    /// Those of them that are the house's own.
    own_posts: i64,
    /// `hashtag_posts` divided by the sum of all houses.
    share: Option<f64>,
    /// The same without the own posts of each house.
    share_of_others: Option<f64>,
    /// Whether posts under the hashtags may be missing: a response had new posts only.
    at_least: bool,
}

/// The own posts of all houses in a format.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Format {
    kind: String,
    posts: usize,
    engagement_per_mille: Option<f64>,
    likes_24h_per_mille: Option<f64>,
}

impl Page {
    /// The figures of the period with which the page opens.
    pub(super) fn figures(&self) -> Figures {
        let (from, to) = self.period;
        let days = to - from + 1;
        let before = from.checked_sub(days).map(|start| start..=from - 1);
        let mut of_before = before.clone().map(|before| self.of_houses(&before)).unwrap_or_default().into_iter();
        let of_period = self.of_houses(&(from..=to));
        let houses = self.houses.iter().zip(of_period).map(|(house, period)| HouseFigures {
            user_id: house.user_id.clone(),
            label: house.label.clone(),
            account: house.account.clone(),
            period,
            before: of_before.next(),
        });
        Figures {
            houses: houses.collect(),
            period: self.period_of(&(from..=to)),
            before: before.map(|before| self.period_of(&before)),
            hashtag_posts: self.distinct(-1, None, &(from..=to)),
            formats: self.formats(&(from..=to)),
        }
    }

    fn period_of(&self, days: &RangeInclusive<usize>) -> Period {
        let named = |day: usize| self.days.get(day).cloned().unwrap_or_default();
        Period { from: named(*days.start()), to: named(*days.end()), days: days.clone().count() }
    }

    fn of_houses(&self, days: &RangeInclusive<usize>) -> Vec<OfPeriod> {
        let mut figures: Vec<_> = (0..self.houses.len()).map(|house| self.of_house(house, days)).collect();
        let all: i64 = figures.iter().map(|of| of.hashtag_posts).sum();
        let own: i64 = figures.iter().map(|of| of.own_posts).sum();
        let share = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
        for of in &mut figures {
            of.share = share(of.hashtag_posts, all);
            of.share_of_others = share(of.hashtag_posts - of.own_posts, all - own);
        }
        figures
    }

    fn of_house(&self, house: usize, days: &RangeInclusive<usize>) -> OfPeriod {
        let of_days = |rows: &Rows| -> Vec<Option<i64>> {
            rows.get(house).and_then(|row| row.get(days.clone())).unwrap_or_default().to_vec()
        };
        let (counts, gains, raw) = (&self.followers.count, &self.followers.gained, &self.followers.gained_raw);
        let (counts, gains, raw) = (of_days(counts), of_days(gains), of_days(raw));
        let sum = |values: &[Option<i64>]| values.iter().flatten().copied().reduce(i64::saturating_add);
        let gained = sum(&gains);
        let base = counts.iter().zip(&raw).find_map(|(count, raw)| Some((*count)? - (*raw)?)).filter(|base| *base > 0);
        let posts: Vec<&Post> = self.published(days).filter(|post| post.house == house).collect();
        OfPeriod {
            followers: counts.iter().flatten().last().copied(),
            gained,
            gained_raw: sum(&raw),
            gained_percent: gained.zip(base).map(|(gained, base)| 100.0 * gained as f64 / base as f64),
            days_with_gain: gains.iter().flatten().count(),
            posts: posts.len(),
            likes_hidden: posts.iter().filter(|post| post.hidden).count(),
            engagement_per_mille: median(posts.iter().filter_map(|post| post.engagement_per_mille())),
            likes_24h_per_mille: median(posts.iter().filter_map(|post| post.likes_24h_per_mille())),
            likes_gained: sum(&self.slots(&self.series.likes_gained, house, days)),
            comments_gained: sum(&self.slots(&self.series.comments_gained, house, days)),
            hashtag_posts: self.distinct(house as i64, None, days),
            own_posts: self.distinct(house as i64, Some(house as i64), days),
            at_least: self.slots(&self.series.full, house, days).iter().flatten().any(|full| *full > 0),
            share: None,
            share_of_others: None,
        }
    }

    /// The slots of a series on the days of a period.
    fn slots(&self, rows: &Rows, house: usize, days: &RangeInclusive<usize>) -> Vec<Option<i64>> {
        let step = usize::try_from(self.series.step).unwrap_or(1).max(1);
        let per_day = usize::try_from(DAY).unwrap_or(1) / step;
        // The first day may begin with a later slot.
        let skipped = usize::try_from(self.series.from.rem_euclid(DAY)).unwrap_or(0) / step;
        let (start, end) = (days.start() * per_day, (days.end() + 1) * per_day);
        let row = rows.get(house).map(Vec::as_slice).unwrap_or_default();
        let slots = start.saturating_sub(skipped)..end.saturating_sub(skipped).min(row.len());
        row.get(slots).unwrap_or_default().to_vec()
    }

    /// The distinct posts under the hashtags of a house, or only those of one author.
    fn distinct(&self, house: i64, author: Option<i64>, days: &RangeInclusive<usize>) -> i64 {
        let is_first_of = |day: i64, before: i64| {
            usize::try_from(day).is_ok_and(|day| days.contains(&day))
                && usize::try_from(before).map_or(true, |before| before < *days.start())
        };
        let rows = self.voice.iter().filter(|(of, by, day, before, _)| {
            *of == house && author.is_none_or(|author| author == *by) && is_first_of(*day, *before)
        });
        rows.map(|(.., n)| n).sum()
    }

    /// The houses' own posts that were published on days.
    fn published(&self, days: &RangeInclusive<usize>) -> impl Iterator<Item = &Post> {
        let is_on = |time: i64| usize::try_from(day(time) - self.first_day).is_ok_and(|day| days.contains(&day));
        self.posts.iter().filter(move |post| post.time != 0 && is_on(post.time))
    }

    fn formats(&self, days: &RangeInclusive<usize>) -> Vec<Format> {
        let mut by_kind: BTreeMap<&str, Vec<&Post>> = BTreeMap::new();
        for post in self.published(days) {
            by_kind.entry(&post.kind).or_default().push(post);
        }
        let format = |(kind, posts): (&str, Vec<&Post>)| Format {
            kind: kind.to_owned(),
            posts: posts.len(),
            engagement_per_mille: median(posts.iter().filter_map(|post| post.engagement_per_mille())),
            likes_24h_per_mille: median(posts.iter().filter_map(|post| post.likes_24h_per_mille())),
        };
        by_kind.into_iter().map(format).collect()
    }
}

/// The middle value, or the mean of the two middle ones.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}
