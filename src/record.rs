//! One record of a response and its mapping: checked and flattened into the values that are stored.
//!
//! Pure: no I/O, no clock, no async. Nothing in a record can make this panic.

use serde::{Serialize, Serializer};
use serde_json::Value;
use strum::{Display, IntoStaticStr};

mod check;
mod issue;
mod known;
mod mapping;

pub use issue::{Issue, IssueKind, Reject, RejectReason};
pub use known::{KNOWN, Place};
pub use mapping::{ASKED_AT, Field, FieldType, ID, Mapping, OWNER, Own, TOPIC, is_own, requested_name};

/// What a stored record is about. Each model has one mapping, one location and one warehouse table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Model {
    /// An account's profile: `[luxury_profile]`.
    Brand,
    /// An account's media: `[luxury_media]`.
    Media,
    /// The media under a hashtag: `[hashtag_media]`.
    MediaHashtag,
}

impl Model {
    /// Every model, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Brand, Self::Media, Self::MediaHashtag];

    /// The name in object keys, logs and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The section of `configure.ini` that holds the model's mapping.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Brand => "luxury_profile",
            Self::Media => "luxury_media",
            Self::MediaHashtag => "hashtag_media",
        }
    }
}

/// A record as it is stored: flat, every field of its mapping in the mapping's order.
#[derive(Debug, Clone)]
pub struct Record<'m> {
    /// The `id` that the API gave the record, made of ASCII digits.
    pub id: String,
    /// The output fields and their values.
    pub fields: Vec<(&'m str, Value)>,
    /// The fields that got their defaults.
    pub issues: Vec<Issue>,
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(name, value)| (name, value)))
    }
}

/// The records of one model from one topic, and those that were left out.
#[derive(Debug, Clone, Default)]
pub struct Batch<'m> {
    /// The records, in the order of the response.
    pub records: Vec<Record<'m>>,
    /// The records that were left out.
    pub rejects: Vec<Reject>,
    /// The number of records in the response beyond those requested. They are not kept.
    pub surplus: usize,
    /// The length of the records' text as received, in bytes.
    pub bytes: usize,
}

impl<'m> Batch<'m> {
    /// Adds a record, or the reason for leaving it out.
    pub fn push(&mut self, record: Result<Record<'m>, Reject>) {
        match record {
            Ok(record) => self.records.push(record),
            Err(reject) => self.rejects.push(reject),
        }
    }

    /// The number of fields that got their defaults.
    pub fn defaulted(&self) -> usize {
        self.records.iter().map(|record| record.issues.len()).sum()
    }
}

#[cfg(test)]
mod tests;
