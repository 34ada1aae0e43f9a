//! The objects that runs stored: where the configuration puts them, and what they hold.

mod pattern;

pub(super) use pattern::{Notation, Pattern};
