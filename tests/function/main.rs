//! Complete runs of the function with real parts: the sandbox, an S3 server and a mock of Secrets Manager behind the
//! real SDK, and the built `data-collector` under a Runtime API.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout, reason = "tests")]

mod answers;
mod causes;
#[cfg(target_os = "linux")]
mod chaos;
mod collects;
mod disguised;
mod events;
mod failures;
mod gaps;
mod hostile;
mod lambda;
mod layers;
mod objects;
mod pages;
mod searches;
mod soak;
mod stores;
mod throttling;
mod tokens;
mod variables;
