//! The topics: the accounts and hashtags that are followed, and the houses that they belong to.

use std::collections::HashSet;
use std::fmt;

use unicode_ident::is_xid_continue;

use super::fault::quoted;
use super::written::Written;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// An account's name, `[a-z0-9._]{1,30}`: it is spliced into the `fields` expression of a call, so
    /// nothing else may be in it.
    Username
}
name! {
    /// A hashtag without its `#`: letters, digits and `_` of any script, with their combining marks and the
    /// joiners that scripts such as Devanagari and Persian write between letters.
    HashtagName
}
name! {
    /// The id that the API gives a hashtag, ASCII digits. Documented as static and global.
    HashtagId
}
name! {
    /// An Instagram user id, ASCII digits.
    UserId
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl Username {
    /// `name`, where an account can have it.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_');
        ((1..=30).contains(&name.len()) && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }
}

impl HashtagName {
    /// `name`, where a hashtag can have it.
    pub fn new(name: &str) -> Option<Self> {
        let length = name.chars().count();
        let letter = |c: char| c.is_alphanumeric() || c == '_';
        let within =
            |c: char| letter(c) || is_xid_continue(c) || matches!(c, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER);
        ((1..=100).contains(&length) && name.chars().all(within) && name.chars().any(letter))
            .then(|| Self(name.to_owned()))
    }
}

impl HashtagId {
    /// `id`, where it is made of digits.
    pub fn new(id: &str) -> Option<Self> {
        digits(id).then(|| Self(id.to_owned()))
    }
}

impl UserId {
    /// `id`, where it is made of digits.
    pub fn new(id: &str) -> Option<Self> {
        digits(id).then(|| Self(id.to_owned()))
    }
}

/// A followed account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub username: Username,
    /// The house's user id, put into its media records.
    pub user_id: UserId,
}

/// A followed hashtag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashtag {
    /// The hashtag.
    pub name: HashtagName,
    /// The house's user id, put into its media records.
    pub user_id: UserId,
    /// Its id, where `[hashtag_id]` pins it.
    pub id: Option<HashtagId>,
}

const USERNAME: &str = "a username of [a-z0-9._]{1,30}";
const HASHTAG: &str = "a hashtag of letters, digits and _ without # (at most 100)";

pub(super) fn resolve(written: &mut Written) -> (Vec<Account>, Vec<Hashtag>) {
    for section in ["add_user_id", "hashtag_id"] {
        for (key, value) in written.section(section).unwrap_or_default() {
            if !digits(&value) {
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
