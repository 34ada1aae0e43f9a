//! The topics: the accounts and hashtags that are followed, and their user ids.

use std::collections::HashSet;

use super::document::{COMMENT, IniDocument};
use crate::similar::did_you_mean;
use crate::topic::{Account, Hashtag, HashtagId, HashtagName, UserId, Username, is_id};

const USERNAME: &str = "a username of [a-z0-9._]{1,30}";
const HASHTAG: &str = "a hashtag of letters, digits and _ without # (at most 100)";

pub(super) fn resolve(document: &mut IniDocument) -> (Vec<Account>, Vec<Hashtag>) {
    for section in ["add_user_id", "hashtag_id"] {
        for (key, value) in document.section(section).unwrap_or_default() {
            if !is_id(&value) {
                document.fault(section, &key, format!("{value:?} given, an id made of digits expected"));
            }
        }
    }
    let accounts = names(document, "accounts", Username::new, USERNAME)
        .into_iter()
        .filter_map(|username| Some(Account { user_id: user_id(document, "accounts", username.as_str())?, username }))
        .collect::<Vec<_>>();
    let hashtags = names(document, "hashtags", HashtagName::new, HASHTAG)
        .into_iter()
        .filter_map(|name| {
            let id = document.optional("hashtag_id", name.as_str()).and_then(|id| HashtagId::new(&id));
            Some(Hashtag { user_id: user_id(document, "hashtags", name.as_str())?, name, id })
        })
        .collect::<Vec<_>>();
    if is_empty_list(document, "accounts") && is_empty_list(document, "hashtags") {
        document.fault("topic", "", "lists neither accounts nor hashtags; nothing would be collected");
    }
    (accounts, hashtags)
}

fn is_empty_list(document: &mut IniDocument, key: &str) -> bool {
    document.optional("topic", key).is_some_and(|list| list.trim().is_empty())
}

fn names<N>(document: &mut IniDocument, key: &str, new: impl Fn(&str) -> Option<N>, expected: &str) -> Vec<N> {
    let Some(list) = document.optional("topic", key) else {
        document.missing("topic", key, "list the names, separated by spaces");
        return Vec::new();
    };
    // A hashtag may be given with its `#`, so that a comment is known only by a `#` without a name.
    if let Some(word) = list.split_whitespace().find(|word| *word == "#" || word.starts_with(';')) {
        document.fault("topic", key, format!("{word:?} given, and {COMMENT}"));
        return Vec::new();
    }
    let mut seen: HashSet<&str> = HashSet::new();
    let mut names = Vec::new();
    for name in list.split_whitespace() {
        if !seen.insert(name) {
            document.fault("topic", key, format!("{name:?} is listed twice"));
        } else if let Some(new) = new(name) {
            names.push(new);
        } else {
            let separated = if name.contains(',') { "; names are separated by spaces" } else { "" };
            document.fault("topic", key, format!("{name:?} given, {expected} expected{separated}"));
        }
    }
    names
}

fn user_id(document: &mut IniDocument, key: &str, name: &str) -> Option<UserId> {
    let Some(id) = document.optional("add_user_id", name) else {
        let known = document.section("add_user_id").unwrap_or_default();
        let lists = ["accounts", "hashtags"].map(|key| document.optional("topic", key).unwrap_or_default());
        let is_listed = |name: &&str| lists.iter().any(|list| list.split_whitespace().any(|topic| topic == *name));
        let unused = known.iter().map(|(known, _)| known.as_str()).filter(|known| !is_listed(known));
        let meant = did_you_mean(name, unused);
        let problem = format!("{name:?} has no user id{meant}; add `{name} = <user id>` to [add_user_id]");
        document.fault("topic", key, problem);
        return None;
    };
    // A value that is not an id already has its own fault.
    UserId::new(&id)
}
