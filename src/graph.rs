//! The Instagram Graph API: its calls, its errors and its limits.

mod answer;
mod answered;
mod body;
mod calls;
mod client;
mod error;
mod hashtag_ids;
mod pace;
mod renewal;
mod retry;
mod searched;
mod seen;
mod session;
mod transport;
mod usage;

pub use answer::{Cursor, Discovery, MediaPage, TokenInfo};
pub use client::{Client, Edge};
pub use error::{ApiError, Failure, Kind, classify};
pub use hashtag_ids::{HashtagIds, KnownIds, api_address};
pub use searched::SearchedHashtag;
pub use seen::MediaIds;
pub use session::{Renew, Session};
pub use usage::Usage;
