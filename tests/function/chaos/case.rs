//! A case: a fault, and the expected result.

use sandbox::Options;

use super::setup::Setup;

/// A fault, and the expected result.
pub struct Case {
    pub group: &'static str,
    pub what: &'static str,
    /// Whether the case is one of the ordinary tests.
    pub quick: bool,
    pub faults: &'static [&'static str],
    /// Further options of the sandbox.
    pub options: fn(&mut Options),
    pub arrange: fn(&mut Setup),
    pub stored: &'static str,
    pub ends: &'static str,
    /// The expected parts of the log, the response or the error.
    pub reported: &'static [&'static str],
}

/// A case that arranges nothing.
pub fn case(group: &'static str, what: &'static str) -> Case {
    let (options, arrange) = (|_: &mut Options| {}, |_: &mut Setup| {});
    Case { group, what, quick: false, faults: &[], options, arrange, stored: ALL, ends: "whole", reported: &[] }
}

/// Everything that a run of `brand_media` stores.
pub const ALL: &str = "11 brands, 275 media";

/// The same without one account.
pub const ALL_BUT_ONE: &str = "10 brands, 250 media";

impl Case {
    /// Makes the case one of the ordinary tests.
    pub fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    pub fn faults(self, faults: &'static [&'static str]) -> Self {
        Self { faults, ..self }
    }

    pub fn with_options(self, options: fn(&mut Options)) -> Self {
        Self { options, ..self }
    }

    pub fn arranged(self, arrange: fn(&mut Setup)) -> Self {
        Self { arrange, ..self }
    }

    pub fn leaves(self, stored: &'static str, ends: &'static str, reported: &'static [&'static str]) -> Self {
        Self { stored, ends, reported, ..self }
    }
}
