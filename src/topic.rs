//! Jobs, shards and topics, with their names and ids.

use std::fmt;

use unicode_ident::is_xid_continue;

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Collects each account's profile and newest media.
    BrandMedia,
    /// Collects the newest media under each hashtag.
    Hashtag,
    /// Checks how long the access token is good for.
    Token,
}

impl Job {
    /// Every job.
    pub const ALL: [Self; 3] = [Self::BrandMedia, Self::Hashtag, Self::Token];

    /// The job's name in events, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrandMedia => "brand_media",
            Self::Hashtag => "hashtag",
            Self::Token => "token",
        }
    }

    /// The job with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.name() == name)
    }

    /// The key of the job's topics, in events and in `[topic]`; `None` where the job has none.
    pub const fn topics_key(self) -> Option<&'static str> {
        match self {
            Self::BrandMedia => Some("accounts"),
            Self::Hashtag => Some("hashtags"),
            Self::Token => None,
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a part of a run, `[a-z0-9-]{1,32}`. One invocation does that part. The names of its objects
/// end with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard(String);

impl Shard {
    /// The shard `name`; `None` where no shard may have that name.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        ((1..=32).contains(&name.len()) && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! name {
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

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// An account's name, `[a-z0-9._]{1,30}`. It becomes part of a call's `fields` expression, so no other
    /// character is allowed.
    Username
}
name! {
    /// A hashtag without its `#`: letters, digits and `_` of any script, with combining marks and the
    /// joiners that scripts such as Devanagari and Persian have between letters.
    HashtagName
}
name! {
    /// The API's id of a hashtag, made of ASCII digits. It is documented as static and global.
    HashtagId
}
name! {
    /// An Instagram user id, made of ASCII digits.
    UserId
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Whether `text` is made of ASCII digits, as the API's ids are.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl Username {
    /// The account `name`; `None` where no account can have that name.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_');
        ((1..=30).contains(&name.len()) && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }
}

impl HashtagName {
    /// The hashtag `name`; `None` where no hashtag can have that name.
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
    /// The id; `None` where it is not made of digits.
    pub fn new(id: &str) -> Option<Self> {
        is_id(id).then(|| Self(id.to_owned()))
    }
}

impl UserId {
    /// The id; `None` where it is not made of digits.
    pub fn new(id: &str) -> Option<Self> {
        is_id(id).then(|| Self(id.to_owned()))
    }
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
    /// The hashtag's id; `None` where `[hashtag_id]` does not have it.
    pub id: Option<HashtagId>,
}
