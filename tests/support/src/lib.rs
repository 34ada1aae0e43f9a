//! What whole runs are tested with.

pub mod aws;
pub mod harness;
pub mod process;
pub mod recorder;
pub mod runtime_api;
pub mod variables;
