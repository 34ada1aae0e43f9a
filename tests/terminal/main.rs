//! The built `luxury-brands`, as a person or a script runs it, against the sandbox and AWS's protocols.

#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout, reason = "tests")]

mod add_account;
mod check;
mod commands;
mod credentials;
mod documents;
mod exit_codes;
mod fields;
mod figures;
mod first_mistakes;
#[cfg(target_os = "linux")]
mod healthy;
mod id_file;
#[cfg(unix)]
mod interrupts;
mod messages;
mod preflight;
mod reconfigured;
mod renewal;
mod retry;
#[cfg(unix)]
mod scripts;
mod terminal;
mod variables;
mod versions;
#[cfg(target_os = "linux")]
mod watch;
mod webhook;
