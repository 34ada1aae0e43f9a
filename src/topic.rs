//! Jobs, shards and topics, with their names and ids.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use unicode_ident::is_xid_continue;

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Job {
    /// Collects each account's profile and newest media.
    BrandMedia,
    /// Collects the newest media under each hashtag.
    Hashtag,
    /// Checks how long the access token is valid.
    Token,
}

impl Job {
    /// The job's name in events, logs and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The job with this name.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The key of the job's topics, in events and in `[topic]`; `None` if the job has none.
    pub const fn topics_key(self) -> Option<&'static str> {
        match self {
            Self::BrandMedia => Some("accounts"),
            Self::Hashtag => Some("hashtags"),
            Self::Token => None,
        }
    }
}

/// A type for texts that meet a condition. `new` refuses every other text.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $text:ident => $allowed:expr) => {
        crate::topic::id! { $(#[$doc])* $name }

        impl $name {
            /// The text as an id or a name; `None` if it cannot be one.
            pub fn new($text: &str) -> Option<Self> {
                $allowed.then(|| Self($text.to_owned()))
            }
        }
    };
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use id;

id! {
    /// The name of a part of a run, `[a-z0-9-]{1,32}`. One invocation collects that part, and its object names end with
    /// the name.
    Shard, name => (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
id! {
    /// An account's name, `[a-z0-9._]{1,30}`. It becomes part of a call's `fields` expression, so no other
    /// character is allowed.
    Username, name => (1..=30).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_'))
}
id! {
    /// A hashtag without its `#`: letters, digits and `_` of any script, with combining marks and the
    /// joiners that scripts such as Devanagari and Persian have between letters.
    HashtagName, name => is_hashtag(name)
}
id! {
    /// The API's id of a hashtag, made of ASCII digits. It is documented as static and global.
    HashtagId, id => is_id(id)
}
id! {
    /// An Instagram user id, made of ASCII digits.
    UserId, id => is_id(id)
}

/// Whether `text` is made of ASCII digits, as the API's ids are.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_hashtag(name: &str) -> bool {
    const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
    const ZERO_WIDTH_JOINER: char = '\u{200d}';
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let within = |c: char| letter(c) || is_xid_continue(c) || matches!(c, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER);
    (1..=100).contains(&name.chars().count()) && name.chars().all(within) && name.chars().any(letter)
}

/// A followed account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub username: Username,
    /// The user id that is stored in the topic's media.
    pub user_id: UserId,
}

/// A followed hashtag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashtag {
    /// The hashtag.
    pub name: HashtagName,
    /// The user id that is stored in the topic's media.
    pub user_id: UserId,
    /// The hashtag's id; `None` if `[hashtag_id]` does not have it.
    pub id: Option<HashtagId>,
}
