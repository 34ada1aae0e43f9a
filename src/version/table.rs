//! The versions of the Graph API and their dates.
//!
//! Source: Meta's tables of versions, <https://developers.facebook.com/docs/graph-api/changelog/versions/> and
//! <https://developers.facebook.com/documentation/development/graph-api/changelog>, as stored in November 2026.
//! `docs/versions.md` repeats the table.

/// A day: year, month, day.
pub type Day = (i32, u32, u32);

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Its name in an address: `v21.0`.
    pub name: &'static str,
    /// When it was released.
    pub released: Day,
    /// When it ends.
    pub end: End,
    /// How certain the dates are.
    pub certainty: Certainty,
}

/// When a version ends: from that day on, another version responds instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// On the day that Meta's table states.
    On(Day),
    /// The table states none. Meta keeps a version for at least two years after the next one's release, which
    /// gives this day.
    NotBefore(Day),
    /// The table states none, and no later version is known.
    NotAnnounced,
}

/// How certain a version's dates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Meta's table of Graph API versions states them.
    Documented,
    /// The stored copy of that table has the date without the version's name. Meta's table of Marketing API
    /// versions, which share the numbers, has both.
    Inferred,
}

/// The newest version that was tested: the mappings, the table of fields and the sandbox were compared with its
/// documentation (business discovery as of 2026-08-12, IG Media as of 2026-06-22). No live call was made.
pub const TESTED: &str = "v26.0";

/// From the version that the shipped configuration names to the newest one known, oldest first.
pub const VERSIONS: [Version; 11] = [
    documented("v17.0", (2023, 5, 23), End::On((2025, 9, 12))),
    documented("v18.0", (2023, 9, 12), End::On((2026, 1, 26))),
    documented("v19.0", (2024, 1, 23), End::On((2026, 5, 21))),
    documented("v20.0", (2024, 5, 21), End::On((2026, 9, 24))),
    documented("v21.0", (2024, 10, 2), End::On((2027, 1, 21))),
    documented("v22.0", (2025, 1, 21), End::On((2027, 5, 20))),
    documented("v23.0", (2025, 5, 29), End::On((2027, 10, 8))),
    documented("v24.0", (2025, 10, 8), End::On((2028, 2, 18))),
    documented("v25.0", (2026, 2, 18), End::On((2028, 7, 29))),
    documented("v26.0", (2026, 7, 29), End::NotBefore((2028, 11, 4))),
    Version { name: "v27.0", released: (2026, 11, 4), end: End::NotAnnounced, certainty: Certainty::Inferred },
];

const fn documented(name: &'static str, released: Day, end: End) -> Version {
    Version { name, released, end, certainty: Certainty::Documented }
}
