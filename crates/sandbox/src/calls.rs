//! The four calls, and the API's response to each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::expression::{self, Node};
use super::fault::{Fault, TokenFault};
use super::page::{only, page, refused, skipped};
use super::reply::Reply;
use super::token::{EXCHANGE, debug_token, proof};
use super::{State, data};
use collector::lock::lock;
use collector::record::Place;

impl State {
    pub(super) fn reply(&self, path: &str, query: &BTreeMap<String, String>, topic: &str, faults: &[&Fault]) -> Reply {
        let token = query.get("access_token").map(String::as_str).unwrap_or_default();
        if path == EXCHANGE {
            return self.exchange(query);
        }
        if let Some(secret) = &self.options.app_secret
            && query.get("appsecret_proof") != Some(&proof(secret, token))
        {
            return Reply::error(400, 100, None, "Invalid appsecret_proof provided in the API argument");
        }
        if path == "debug_token" {
            let state = faults.iter().find_map(|f| if let Fault::Token(t) = f { Some(*t) } else { None });
            let input = query.get("input_token");
            let state = state.or((!self.takes(input)).then_some(TokenFault::Invalid));
            let is_new = self.is_new(input) && !matches!(self.options.token, Some(ref token) if Some(token) == input);
            return Reply::ok(json!({ "data": debug_token(state, is_new, self.now()) }));
        }
        if token.is_empty() || !self.takes(query.get("access_token")) {
            return Reply::error(400, 190, Some(463), "Error validating access token: Session has expired");
        }
        let removed: Vec<&str> = faults
            .iter()
            .filter_map(|f| if let Fault::UnknownField(name) = f { Some(name.as_str()) } else { None })
            .collect();
        let fields = query.get("fields").map(String::as_str).unwrap_or_default();
        let Some(nodes) = expression::parse(fields) else {
            return Reply::error(400, 2500, None, "Syntax error in the field expression");
        };
        let refuses = |f: &&Fault| matches!(f, Fault::RefusedField(name) if requests(fields, name));
        if faults.iter().any(refuses) {
            return Reply::error(400, 100, None, "(#100) Please read documentation for supported fields.");
        }
        match path {
            "ig_hashtag_search" => self.hashtag_search(topic),
            _ if path.ends_with("/recently_searched_hashtags") => self.searched_hashtags(&nodes, query, faults),
            user if topic == "self" => Reply::ok(json!({ "id": user })),
            _ if path.ends_with("/recent_media") => self.recent_media(topic, &nodes, query, &removed),
            _ => match nodes.iter().find(|n| n.name == "business_discovery") {
                Some(node) => self.discover(node, path, &removed),
                None => Reply::error(400, 2500, None, &format!("Unknown path components: /{path}")),
            },
        }
    }

    fn hashtag_search(&self, topic: &str) -> Reply {
        let hashtag = topic.trim_start_matches('#');
        if self.options.hashtags.iter().any(|h| h == hashtag) {
            return Reply::ok(json!({"data": [{"id": data::hashtag_id(hashtag)}]}));
        }
        Reply::error(400, 24, Some(2_207_024), "The requested resource does not exist")
    }

    /// The hashtags that were searched for since the sandbox started, and those that a fault adds.
    fn searched_hashtags(&self, nodes: &[Node], query: &BTreeMap<String, String>, faults: &[&Fault]) -> Reply {
        let others = faults.iter().find_map(|f| if let Fault::Searched(n) = f { Some(*n) } else { None });
        let others = (0..others.unwrap_or_default()).map(|n| format!("other{n}"));
        let asked: BTreeSet<String> = lock(&self.calls).iter().map(|call| call.topic.clone()).collect();
        let searched = self.options.hashtags.iter().filter(|name| asked.contains(&format!("#{name}"))).cloned();
        let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(25).min(30);
        let hashtag = |name: String| {
            let fields = json!({"id": data::hashtag_id(&name), "name": name});
            only(fields.as_object().unwrap_or(&Map::new()), nodes)
        };
        Reply::ok(json!({"data": searched.chain(others).take(limit).map(hashtag).collect::<Vec<_>>()}))
    }

    fn recent_media(&self, topic: &str, nodes: &[Node], query: &BTreeMap<String, String>, removed: &[&str]) -> Reply {
        let hashtag = topic.trim_start_matches('#');
        if !self.options.hashtags.iter().any(|h| h == hashtag) {
            return Reply::error(400, 100, Some(33), "Unsupported get request. Object does not exist");
        }
        if let Some(refused) = refused(nodes, Place::Hashtag, removed) {
            return refused;
        }
        let limit = query.get("limit").and_then(|l| l.parse().ok()).unwrap_or(25).min(50);
        let after = query.get("after").map(String::as_str);
        let token = query.get("access_token").map(String::as_str);
        if self.options.repeating_cursor {
            let mut given = lock(&self.given);
            let given = given.entry(hashtag.to_owned()).or_default();
            *given = if after.is_some() { *given } else { 0 };
            let media = self.media_under(hashtag, *given, limit);
            *given += media.len();
            return Reply::ok(page(&media, nodes, 0, token));
        }
        let skip = skipped(after);
        Reply::ok(page(&self.media_under(hashtag, skip, limit), nodes, skip, token))
    }

    fn media_under(&self, hashtag: &str, skip: usize, limit: usize) -> Vec<Map<String, Value>> {
        let (seed, now) = (self.options.seed, self.now());
        match self.options.hashtag_pace {
            Some(pace) => data::paced_hashtag_media(seed, hashtag, now, pace, (skip, limit)),
            None => data::hashtag_media(seed, hashtag, now, skip, limit),
        }
    }

    fn discover(&self, node: &Node, caller: &str, removed: &[&str]) -> Reply {
        let username = node.parameter("username").unwrap_or_default();
        let Some((_, user_id)) = self.options.accounts.iter().find(|(name, _)| name == username) else {
            return Reply::error(400, 110, Some(2_207_013), "Invalid user id");
        };
        let media = node.field("media");
        let of_media = |media: &Node| refused(&media.fields, Place::Media, removed);
        if let Some(refused) = refused(&node.fields, Place::Profile, removed).or_else(|| media.and_then(of_media)) {
            return refused;
        }
        let profile = data::profile(self.options.seed, username, user_id, self.now());
        let mut found = only(&profile, &node.fields);
        if let Some(media) = media {
            let limit = media.parameter("limit").and_then(|l| l.parse().ok()).unwrap_or(25);
            let skip = skipped(media.parameter("after"));
            let posts = data::account_media(self.options.seed, username, self.now(), skip, limit);
            found.insert("media".to_owned(), page(&posts, &media.fields, skip, None));
        }
        Reply::ok(json!({"business_discovery": found, "id": caller}))
    }
}

/// Whether the expression `fields` requests `name`, at any depth.
fn requests(fields: &str, name: &str) -> bool {
    fields.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}
