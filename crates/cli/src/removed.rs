//! Commands of earlier versions, and what replaces them.

use clap::error::{ContextKind, ContextValue};

/// The error for a removed command; `None` if the usage error has another cause.
pub(super) fn replacement(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(command)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    match command.as_str() {
        "compare" => Some("error: `compare` was removed: the SQL in docs/migrating.md compares two folders"),
        "redrive" => Some(
            "error: `redrive` was removed: the next scheduled run collects the current state, and `retry` repairs a \
             partial run; docs/failures.md says what to do with messages in the failure queue",
        ),
        _ => None,
    }
}
