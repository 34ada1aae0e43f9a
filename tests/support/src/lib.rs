//! Support for tests of complete runs.

pub mod aws;
pub mod harness;
pub mod process;
pub mod recorder;
pub mod runtime_api;
pub mod variables;
