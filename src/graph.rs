//! The Instagram Graph API: its calls, its errors and its limits.

mod body;
mod call;
mod client;
mod diagnose;
mod error;
mod limits;
mod response;
mod session;

pub use call::{Call, Edge};
pub use client::{Client, HashtagIds, KnownIds, MediaIds, api_address};
pub use error::{ApiError, Failure, Kind, classify};
pub use limits::Usage;
pub use response::{Cursor, Page, Response, SearchedHashtag, TokenInfo};
pub use session::{ReloadCredentials, Session};
