//! The Instagram Graph API: its calls, its errors and its limits.

mod body;
mod call;
mod client;
mod error;
mod limits;
mod response;
mod session;

pub use call::{Call, Edge};
pub use client::{Client, HashtagIds, MediaIds};
pub use error::{ApiError, Failure, Kind, classify};
pub use limits::{Throttled, Usage};
pub use response::{Cursor, Page, Response, SearchedHashtag, TokenInfo};
pub use session::{ReloadCredentials, Session};
