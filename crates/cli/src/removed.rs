//! Commands and options of `main` before version 0.1.0, and what replaces them.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The arguments with the earlier commands under their present names. To be removed after version 0.1.0.
pub(super) fn renamed(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_option = |argument: &OsStr| argument.as_encoded_bytes().starts_with(b"-");
    let value_of_color = |at: usize| arguments.get(at).is_some_and(|before| before == "--color");
    let command = arguments.iter().enumerate().skip(1).find(|(at, a)| !is_option(a) && !value_of_color(at - 1));
    let Some((at, name)) = command.and_then(|(at, name)| Some((at, name.to_str()?))) else { return arguments };
    let next = arguments.get(at + 1).map(OsString::as_os_str);
    let now: &[&str] = match name {
        "brand-media" => &["brand_media"],
        "sandbox-day" => &["sandbox", "day"],
        "sandbox" if next.is_none_or(|next| is_option(next) && next != "--help" && next != "-h") => {
            &["sandbox", "serve"]
        }
        _ => return arguments,
    };
    arguments.splice(at..=at, now.iter().map(OsString::from));
    arguments
}

/// The error for a removed command or option; `None` if the usage error has another cause.
pub(super) fn replacement(error: &clap::Error) -> Option<&'static str> {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => Some(name.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => match named(ContextKind::InvalidSubcommand)? {
            "compare" => Some("error: `compare` was removed: the SQL in docs/migrating.md compares two folders"),
            "redrive" => Some(
                "error: `redrive` was removed: the next scheduled run collects the current state, and `retry` repairs \
                 a partial run (docs/failures.md)",
            ),
            _ => None,
        },
        ErrorKind::UnknownArgument => match named(ContextKind::InvalidArg)? {
            "--latency-ms" => Some("error: `--latency-ms` was removed: use `--latency` with a unit, such as 300ms"),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_names_of_commands_become_the_present_ones() {
        for (before, now) in [
            ("brand-media --sandbox", "brand_media --sandbox"),
            ("--json sandbox-day --hours 1", "--json sandbox day --hours 1"),
            ("--color never sandbox-day", "--color never sandbox day"),
            ("sandbox", "sandbox serve"),
            ("sandbox --port 1", "sandbox serve --port 1"),
            ("sandbox --help", "sandbox --help"),
            ("sandbox faults", "sandbox faults"),
            ("report sandbox", "report sandbox"),
        ] {
            let words = |text: &str| ["x"].into_iter().chain(text.split(' ')).map(OsString::from).collect::<Vec<_>>();
            assert_eq!(renamed(words(before)), words(now));
        }
    }
}
