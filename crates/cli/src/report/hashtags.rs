//! The posts under the hashtags of the houses, each once.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::table::{Column, Measure, Table};

/// The number of posts by the hour of their publication, since 1970.
pub(super) type Hours = BTreeMap<i64, u32>;

/// The posts under hashtags so far.
#[derive(Debug, Default)]
pub(super) struct Hashtags {
    /// The houses under whose hashtags a post was found, each with the row that had it last.
    posts: HashMap<String, Vec<(usize, i64)>>,
    /// The houses that had a response.
    houses: HashSet<usize>,
    /// By house; `None` for all houses together.
    hours: BTreeMap<Option<usize>, Hours>,
}

impl Hashtags {
    /// Adds the posts of a response, each with the moment of its publication if that is known.
    pub(super) fn add(&mut self, table: &mut Table, row: i64, house: usize, posts: Vec<(String, Option<i64>)>) {
        let (mut new, of_house) = (0, |measure| Column::House(measure, house));
        let all = i64::try_from(posts.len()).unwrap_or(i64::MAX);
        for (id, published) in posts {
            let seen = self.posts.entry(id).or_default();
            let mut count = |house: Option<usize>, column| {
                table.add(row, column, 1);
                if let Some(published) = published {
                    let hours = self.hours.entry(house).or_default();
                    *hours.entry(published.div_euclid(3_600)).or_default() += 1;
                }
            };
            if seen.is_empty() {
                count(None, Column::All(Measure::FirstSeen));
            }
            if let Some((_, last)) = seen.iter_mut().find(|(known, _)| *known == house) {
                *last = row;
            } else {
                count(Some(house), of_house(Measure::FirstSeen));
                seen.push((house, row));
                new += 1;
            }
        }
        if !self.houses.insert(house) {
            table.add(row, of_house(Measure::Compared), all);
            table.add(row, of_house(Measure::Fresh), new);
            table.add(row, of_house(Measure::Full), i64::from(new == all));
        }
    }

    /// Notes the row that had each post last, and returns the posts by hour.
    pub(super) fn finish(self, table: &mut Table) -> BTreeMap<Option<usize>, Hours> {
        for houses in self.posts.into_values() {
            if let Some(last) = houses.iter().map(|(_, row)| *row).max() {
                table.add(last, Column::All(Measure::LastSeen), 1);
            }
            for (house, row) in houses {
                table.add(row, Column::House(Measure::LastSeen, house), 1);
            }
        }
        self.hours
    }
}
