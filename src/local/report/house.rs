//! The houses: one colour and one name each, whichever account or hashtag a record came by.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::Config;

/// The houses whose colour is set, by user id; the place is the number of the colour in `page.css`, so
/// that a house keeps its colour from one report to the next, whatever is configured and collected.
const COLOURED: [&str; 11] = [
    "17841400681603877",
    "17841401770520874",
    "17841401694708594",
    "17841401053602931",
    "17841400591500037",
    "17841400686764760",
    "17841400003810313",
    "17841404218673031",
    "17841400090660624",
    "17841401795174766",
    "17841401861170314",
];

/// A house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct House {
    user_id: String,
    /// The name on the page: its shortest topic, its account, or its user id.
    pub(super) label: String,
    /// The account that the profile tells, where there is one.
    account: String,
    /// Where it stands in the list of colours.
    pub(super) colour: usize,
}

/// Every house met so far.
#[derive(Debug, Default)]
pub(super) struct Houses {
    houses: Vec<House>,
    by_user_id: BTreeMap<String, usize>,
}

impl Houses {
    /// The houses of a configuration, each named by the shortest of its topics: `chanel` rather than
    /// `chanelofficial`.
    pub(super) fn of(config: &Config) -> Self {
        let accounts = config.accounts.iter().map(|a| (a.user_id.as_str(), a.username.as_str()));
        let hashtags = config.hashtags.iter().map(|h| (h.user_id.as_str(), h.name.as_str()));
        Self::named(accounts.chain(hashtags))
    }

    fn named<'a>(topics: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut houses = Self::default();
        for (user_id, topic) in topics {
            let index = houses.index(user_id);
            if let Some(house) = houses.houses.get_mut(index)
                && (house.label.is_empty() || topic.len() < house.label.len())
            {
                topic.clone_into(&mut house.label);
            }
        }
        houses
    }

    /// The index of the house with `user_id`, met now or before.
    pub(super) fn index(&mut self, user_id: &str) -> usize {
        if let Some(index) = self.by_user_id.get(user_id) {
            return *index;
        }
        let index = self.houses.len();
        self.houses.push(House {
            user_id: user_id.to_owned(),
            label: String::new(),
            account: String::new(),
            colour: COLOURED.iter().position(|id| *id == user_id).unwrap_or(usize::MAX),
        });
        self.by_user_id.insert(user_id.to_owned(), index);
        index
    }

    /// Takes the account's name from a profile.
    pub(super) fn tell_account(&mut self, index: usize, account: &str) {
        if let Some(house) = self.houses.get_mut(index)
            && !account.is_empty()
        {
            account.clone_into(&mut house.account);
        }
    }

    /// The houses in the order of their indexes, those without a set colour numbered after the rest in
    /// the order of their user ids.
    pub(super) fn finish(mut self) -> Vec<House> {
        let others = self.by_user_id.values().filter(|i| self.houses.get(**i).is_some_and(|h| h.colour == usize::MAX));
        let others: Vec<usize> = others.copied().collect();
        for (place, index) in others.into_iter().enumerate() {
            if let Some(house) = self.houses.get_mut(index) {
                house.colour = COLOURED.len() + place;
            }
        }
        for house in &mut self.houses {
            if house.label.is_empty() {
                let name = if house.account.is_empty() { &house.user_id } else { &house.account };
                house.label.clone_from(name);
            }
        }
        self.houses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_hashtag_of_a_user_id_are_one_house_with_the_shorter_name() {
        let houses = Houses::named([("1", "chanelofficial"), ("2", "dior"), ("1", "chanel")].into_iter()).finish();
        let labels: Vec<_> = houses.iter().map(|h| h.label.as_str()).collect();
        assert_eq!(labels, ["chanel", "dior"]);
    }

    #[test]
    fn a_house_keeps_its_colour_whatever_else_is_collected() {
        let colour = |ids: &[&str], id: &str| {
            let houses = Houses::named(ids.iter().map(|id| (*id, "x"))).finish();
            houses.into_iter().find(|h| h.user_id == id).map(|h| h.colour)
        };
        let [hermes, .., fendi] = COLOURED;
        assert_eq!(colour(&[hermes, fendi], fendi), Some(10));
        assert_eq!(colour(&["9", fendi], fendi), Some(10));
        assert_eq!(colour(&["9", fendi, "8"], "8"), Some(11));
    }

    #[test]
    fn a_house_that_is_not_configured_is_named_by_its_account_or_its_id() {
        let mut houses = Houses::default();
        let index = houses.index("7");
        houses.tell_account(index, "loewe");
        houses.index("8");
        let labels: Vec<_> = houses.finish().into_iter().map(|h| h.label).collect();
        assert_eq!(labels, ["loewe", "8"]);
    }
}
