//! The topics that an event lists: names of configured ones, or definitions of others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

use super::{EventError, Job, TopicSelector, problem, shown};
use crate::topic::{Account, Hashtag, HashtagId, HashtagName, UserId, Username};

/// Reads the list under `key`.
pub(super) fn topics(job: Job, key: &str, value: &Value) -> Result<Vec<TopicSelector>, EventError> {
    let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
        return problem(format!("has {key:?} with {}, a list of topics expected", shown(value)));
    };
    let mut selectors: Vec<TopicSelector> = Vec::with_capacity(list.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for entry in list {
        let topic = match entry {
            Value::String(name) => Some(TopicSelector::Configured(name.clone())),
            Value::Object(fields) => one(job, fields),
            _ => None,
        };
        let Some(topic) = topic else {
            return problem(format!(
                "has {key:?} with {}, a configured topic or an object with \"name\" and \"user_id\" expected",
                shown(entry)
            ));
        };
        // A topic that is named twice counts once.
        match places.entry(topic.name().to_owned()) {
            Entry::Vacant(place) => {
                place.insert(selectors.len());
                selectors.push(topic);
            }
            Entry::Occupied(place) if selectors.get(*place.get()) == Some(&topic) => {}
            Entry::Occupied(place) => {
                return problem(format!("has {key:?} with {:?} twice, each time otherwise", place.key()));
            }
        }
    }
    Ok(selectors)
}

/// A topic defined with its ids; `None` where one is missing or wrong, or another key is there.
fn one(job: Job, fields: &Map<String, Value>) -> Option<TopicSelector> {
    let text = |key: &str| fields.get(key)?.as_str();
    let only = |keys: &[&str]| fields.keys().all(|key| keys.contains(&key.as_str()));
    let user_id = UserId::new(text("user_id")?)?;
    match job {
        Job::BrandMedia if only(&["name", "user_id"]) => {
            Some(TopicSelector::Account(Account { username: Username::new(text("name")?)?, user_id }))
        }
        Job::Hashtag if only(&["name", "user_id", "id"]) => {
            let id = match fields.get("id") {
                None => None,
                Some(id) => Some(HashtagId::new(id.as_str()?)?),
            };
            Some(TopicSelector::Hashtag(Hashtag { name: HashtagName::new(text("name")?)?, user_id, id }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Event;

    fn names(event: Value) -> Result<Vec<String>, String> {
        let event = Event::parse(&event).map_err(|e| e.to_string())?;
        let name = |w: &TopicSelector| match w {
            TopicSelector::Configured(name) => name.clone(),
            TopicSelector::Account(account) => format!("{} of {}", account.username, account.user_id),
            TopicSelector::Hashtag(hashtag) => {
                format!("#{} {:?}", hashtag.name, hashtag.id.as_ref().map(HashtagId::as_str))
            }
        };
        Ok(event.subset.iter().flatten().map(name).collect())
    }

    #[test]
    fn a_topic_is_named_or_brought_along_with_its_ids() {
        let accounts = json!({"job": "brand_media", "accounts": ["dior", {"name": "a.b", "user_id": "17"}]});
        assert_eq!(names(accounts).unwrap(), ["dior", "a.b of 17"]);
        let hashtags = json!({"job": "hashtag", "hashtags": [{"name": "été", "user_id": "1", "id": "9"}, {"name": "b", "user_id": "1"}]});
        assert_eq!(names(hashtags).unwrap(), ["#été Some(\"9\")", "#b None"]);
    }

    #[test]
    fn one_that_cannot_be_asked_for_is_an_error_that_shows_it() {
        for topic in [
            json!({"name": "dior"}),
            json!({"user_id": "1"}),
            json!({"name": "dior", "user_id": 1}),
            json!({"name": "dior){id}", "user_id": "1"}),
            json!({"name": "dior", "user_id": "x"}),
            json!({"name": "dior", "user_id": "1", "id": "2"}),
            json!({"name": "dior", "user_id": "1", "limit": 2}),
            json!(7),
        ] {
            let error = names(json!({"job": "brand_media", "accounts": [topic]})).unwrap_err();
            assert!(error.contains(&topic.to_string()) && error.contains("expected"), "{error}");
        }
        let account = |user_id: &str| json!({"name": "a", "user_id": user_id});
        for otherwise in [json!([account("1"), account("2")]), json!(["a", account("1")])] {
            let error = names(json!({"job": "brand_media", "accounts": otherwise})).unwrap_err();
            assert!(error.contains("\"a\" twice"), "{error}");
        }
    }

    #[test]
    fn a_topic_named_twice_counts_once() {
        let account = json!({"name": "a", "user_id": "1"});
        let event = json!({"job": "brand_media", "accounts": ["dior", account, "dior", account]});
        assert_eq!(names(event).unwrap(), ["dior", "a of 1"]);
    }
}
