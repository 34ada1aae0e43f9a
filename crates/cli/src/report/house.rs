//! The houses: one colour and one name for each, whichever account or hashtag a record came from.

use std::collections::BTreeMap;

use serde::Serialize;

use collector::config::Config;

/// The well-known houses by user id, with their names as they write them. The position is the number of the
/// colour in `page.css`, so that a house keeps its colour from one report to the next.
const KNOWN: [(&str, &str); 11] = [
    ("17841400681603877", "Hermès"),
    ("17841401770520874", "Chanel"),
    ("17841401694708594", "Dior"),
    ("17841401053602931", "Louis Vuitton"),
    ("17841401591500037", "Gucci"),
    ("17841400686764760", "Prada"),
    ("17841400003810313", "Saint Laurent"),
    ("17841404218673031", "Celine"),
    ("17841400090660624", "Valentino"),
    ("17841401795174766", "Miu Miu"),
    ("17841401861170314", "Fendi"),
];

/// A house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct House {
    pub(super) user_id: String,
    /// The name on the page: the known one, or else the shortest topic, the account or the user id.
    pub(super) label: String,
    /// The account in the house's profile, where there is one.
    pub(super) account: String,
    /// The number of the colour.
    pub(super) colour: usize,
}

/// The houses so far.
#[derive(Debug, Default)]
pub(super) struct Houses {
    houses: Vec<House>,
    by_user_id: BTreeMap<String, usize>,
}

impl Houses {
    /// The houses of a configuration. A house that is not well known is named by its shortest topic:
    /// `loewe` rather than `loeweofficial`.
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
                && house.colour == usize::MAX
                && (house.label.is_empty() || topic.len() < house.label.len())
            {
                topic.clone_into(&mut house.label);
            }
        }
        houses
    }

    /// The index of the house with `user_id`, which is added where it is new.
    pub(super) fn index(&mut self, user_id: &str) -> usize {
        if let Some(index) = self.by_user_id.get(user_id) {
            return *index;
        }
        let index = self.houses.len();
        let known = KNOWN.iter().enumerate().find(|(_, (id, _))| *id == user_id);
        let (colour, label) = known.map_or((usize::MAX, ""), |(place, (_, name))| (place, name));
        let (label, account) = (label.to_owned(), String::new());
        self.houses.push(House { user_id: user_id.to_owned(), label, account, colour });
        self.by_user_id.insert(user_id.to_owned(), index);
        index
    }

    /// Sets the account's name from a profile.
    pub(super) fn set_account(&mut self, index: usize, account: &str) {
        if let Some(house) = self.houses.get_mut(index)
            && !account.is_empty()
        {
            account.clone_into(&mut house.account);
        }
    }

    /// The houses in the order of their indexes. Those without a fixed colour get the next numbers in the
    /// order of their user ids.
    pub(super) fn finish(mut self) -> Vec<House> {
        let others = self.by_user_id.values().filter(|i| self.houses.get(**i).is_some_and(|h| h.colour == usize::MAX));
        let others: Vec<usize> = others.copied().collect();
        for (place, index) in others.into_iter().enumerate() {
            if let Some(house) = self.houses.get_mut(index) {
                house.colour = KNOWN.len() + place;
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
        let houses = Houses::named([("1", "loeweofficial"), ("2", "tods"), ("1", "loewe")].into_iter()).finish();
        let labels: Vec<_> = houses.iter().map(|h| h.label.as_str()).collect();
        assert_eq!(labels, ["loewe", "tods"]);
    }

    #[test]
    fn a_house_keeps_its_colour_whatever_else_is_collected() {
        let colour = |ids: &[&str], id: &str| {
            let houses = Houses::named(ids.iter().map(|id| (*id, "x"))).finish();
            houses.into_iter().find(|h| h.user_id == id).map(|h| h.colour)
        };
        let [(hermes, _), .., (fendi, _)] = KNOWN;
        assert_eq!(colour(&[hermes, fendi], fendi), Some(10));
        assert_eq!(colour(&["9", fendi], fendi), Some(10));
        assert_eq!(colour(&["9", fendi, "8"], "8"), Some(11));
    }

    #[test]
    fn every_configured_house_is_known() {
        let config = Config::load(std::path::Path::new("../../configure.ini")).unwrap();
        let houses = Houses::of(&config).finish();
        assert_eq!(houses.iter().map(|h| h.colour).collect::<Vec<_>>(), (0..11).collect::<Vec<_>>(), "{houses:?}");
    }

    #[test]
    fn a_known_house_has_the_name_that_it_writes() {
        let houses = Houses::named([("17841400003810313", "ysl")].into_iter()).finish();
        assert_eq!(houses.first().map(|h| h.label.as_str()), Some("Saint Laurent"));
    }

    #[test]
    fn a_house_that_is_not_configured_is_named_by_its_account_or_its_id() {
        let mut houses = Houses::default();
        let index = houses.index("7");
        houses.set_account(index, "loewe");
        houses.index("8");
        let labels: Vec<_> = houses.finish().into_iter().map(|h| h.label).collect();
        assert_eq!(labels, ["loewe", "8"]);
    }
}
