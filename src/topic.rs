//! What a run is about: its job, the shard of it, and the topics that it asks for.

use std::fmt;

use unicode_ident::is_xid_continue;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Each account's profile and newest media.
    BrandMedia,
    /// The newest media under each hashtag.
    Hashtag,
    /// How long the access token is still good for.
    Token,
}

impl Job {
    /// Every job.
    pub const ALL: [Self; 3] = [Self::BrandMedia, Self::Hashtag, Self::Token];

    /// The word for it in events, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrandMedia => "brand_media",
            Self::Hashtag => "hashtag",
            Self::Token => "token",
        }
    }

    /// The job that `name` is the word for.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.name() == name)
    }

    /// The key that lists the job's topics, in events and in `[topic]`; `None` where it has none.
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

/// The part of a run that one invocation does, `[a-z0-9-]{1,32}`: it ends the names of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard(String);

impl Shard {
    /// The shard named `name`, where that is a name a shard may have.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        ((1..=32).contains(&name.len()) && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }

    /// Its name.
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

/// Whether `text` can be one of the API's ids: ASCII digits.
pub fn is_id(text: &str) -> bool {
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
        is_id(id).then(|| Self(id.to_owned()))
    }
}

impl UserId {
    /// `id`, where it is made of digits.
    pub fn new(id: &str) -> Option<Self> {
        is_id(id).then(|| Self(id.to_owned()))
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
