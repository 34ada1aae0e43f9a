//! Whole runs against real parts: the function on the sandbox with an S3 server and a Secrets Manager
//! stand-in behind the real SDK; the real binaries under a Runtime API and in a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod add_account;
mod answers;
mod aws;
#[cfg(target_os = "linux")]
mod chaos;
mod check;
mod collects;
mod commands;
mod credentials;
mod disguised;
mod documents;
mod events;
mod failures;
mod fields;
mod gaps;
mod harness;
mod hostile;
mod id_file;
#[cfg(unix)]
mod interrupts;
mod invocation;
mod lambda;
mod layers;
mod messages;
mod objects;
mod pages;
mod preflight;
mod reconfigured;
mod renewal;
mod retry;
mod runtime_api;
#[cfg(unix)]
mod scripts;
mod searches;
mod shards;
mod soak;
mod stores;
mod terminal;
mod throttling;
mod tokens;
mod versions;
#[cfg(target_os = "linux")]
mod watch;
mod webhook;
