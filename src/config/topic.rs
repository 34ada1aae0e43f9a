//! The topics: the accounts and hashtags that are followed, and the houses that they belong to.

use std::collections::HashSet;

use super::fault::quoted;
use super::written::Written;
use crate::topic::{Account, Hashtag, HashtagId, HashtagName, UserId, Username, is_id};

const USERNAME: &str = "a username of [a-z0-9._]{1,30}";
const HASHTAG: &str = "a hashtag of letters, digits and _ without # (at most 100)";

pub(super) fn resolve(written: &mut Written) -> (Vec<Account>, Vec<Hashtag>) {
    for section in ["add_user_id", "hashtag_id"] {
        for (key, value) in written.section(section).unwrap_or_default() {
            if !is_id(&value) {
                written.fault(section, &key, format!("{} given, an id made of digits expected", quoted(&value)));
            }
        }
    }
    let accounts = names(written, "accounts", Username::new, USERNAME)
        .into_iter()
        .filter_map(|username| Some(Account { user_id: user_id(written, "accounts", username.as_str())?, username }))
        .collect::<Vec<_>>();
    let hashtags = names(written, "hashtags", HashtagName::new, HASHTAG)
        .into_iter()
        .filter_map(|name| {
            let id = written.optional("hashtag_id", name.as_str()).and_then(|id| HashtagId::new(&id));
            Some(Hashtag { user_id: user_id(written, "hashtags", name.as_str())?, name, id })
        })
        .collect::<Vec<_>>();
    if names_none(written, "accounts") && names_none(written, "hashtags") {
        written.fault("topic", "", "lists neither accounts nor hashtags; nothing would be collected");
    }
    (accounts, hashtags)
}

fn names_none(written: &mut Written, key: &str) -> bool {
    written.optional("topic", key).is_none_or(|list| list.trim().is_empty())
}

fn names<N>(written: &mut Written, key: &str, new: impl Fn(&str) -> Option<N>, expected: &str) -> Vec<N> {
    let Some(list) = written.optional("topic", key) else {
        written.fault("topic", key, "missing; list the names, separated by spaces");
        return Vec::new();
    };
    let mut seen: HashSet<&str> = HashSet::new();
    let mut names = Vec::new();
    for name in list.split_whitespace() {
        if !seen.insert(name) {
            written.fault("topic", key, format!("{} is listed twice", quoted(name)));
        } else if let Some(new) = new(name) {
            names.push(new);
        } else {
            written.fault("topic", key, format!("{} given, {expected} expected", quoted(name)));
        }
    }
    names
}

fn user_id(written: &mut Written, key: &str, name: &str) -> Option<UserId> {
    let Some(id) = written.optional("add_user_id", name) else {
        written.fault("topic", key, format!("{name:?} has no user id; add `{name} = <user id>` to [add_user_id]"));
        return None;
    };
    // One that is no id has its own fault already.
    UserId::new(&id)
}
