//! The houses: one name for each, whichever account or hashtag a record belongs to.

use std::collections::BTreeMap;

use serde::Serialize;

use collector::config::Config;

/// A house.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct House {
    pub(super) user_id: String,
    /// The name in its profile, or else its shortest topic, its account or its user id.
    pub(super) label: String,
    /// The account in its profile; empty if no profile was collected.
    pub(super) account: String,
    /// The shortest configured topic.
    #[serde(skip)]
    topic: String,
}

/// The houses so far, in the order of the configuration.
#[derive(Debug, Default)]
pub(super) struct Houses {
    houses: Vec<House>,
    by_user_id: BTreeMap<String, usize>,
}

impl Houses {
    /// The houses of a configuration.
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
                && (house.topic.is_empty() || topic.len() < house.topic.len())
            {
                topic.clone_into(&mut house.topic);
            }
        }
        houses
    }

    /// The index of the house with `user_id`, which is added if it is new.
    pub(super) fn index(&mut self, user_id: &str) -> usize {
        if let Some(index) = self.by_user_id.get(user_id) {
            return *index;
        }
        let index = self.houses.len();
        self.houses.push(House { user_id: user_id.to_owned(), ..House::default() });
        self.by_user_id.insert(user_id.to_owned(), index);
        index
    }

    /// Sets the account and the name from a profile. Empty ones are unknown.
    pub(super) fn set_profile(&mut self, index: usize, account: &str, name: &str) {
        let Some(house) = self.houses.get_mut(index) else { return };
        for (known, new) in [(&mut house.account, account), (&mut house.label, name)] {
            if !new.trim().is_empty() {
                new.trim().clone_into(known);
            }
        }
    }

    /// The houses in the order of their indexes.
    pub(super) fn finish(mut self) -> Vec<House> {
        for house in &mut self.houses {
            let names = [&house.label, &house.topic, &house.account, &house.user_id];
            let name = names.into_iter().find(|name| !name.is_empty()).cloned();
            house.label = name.unwrap_or_default();
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
    fn a_house_has_the_name_of_its_profile() {
        let mut houses = Houses::named([("1", "loewe"), ("2", "tods")].into_iter());
        houses.set_profile(0, "loeweofficial", " LOEWE ");
        houses.set_profile(1, "todsofficial", "");
        let named: Vec<_> = houses.finish().into_iter().map(|h| (h.label, h.account)).collect();
        let expected = [("LOEWE", "loeweofficial"), ("tods", "todsofficial")];
        assert_eq!(named, expected.map(|(label, account)| (label.to_owned(), account.to_owned())));
    }

    #[test]
    fn a_house_that_is_not_configured_is_named_by_its_account_or_its_id() {
        let mut houses = Houses::default();
        let index = houses.index("7");
        houses.set_profile(index, "loewe", "");
        houses.index("8");
        let labels: Vec<_> = houses.finish().into_iter().map(|h| h.label).collect();
        assert_eq!(labels, ["loewe", "8"]);
    }
}
