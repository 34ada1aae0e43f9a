//! Collects Instagram profiles, media and hashtag media of followed brands into S3 snapshots.
//!
//! An event enters at [`function`], and objects leave at [`sink`]. Data flows in one direction only:
//!
//! ```text
//! event ─► job ─► topics ─► graph (fetch) ─► record (check, flatten) ─► batch ─► sink (S3 | folder)
//!                                 │                    │                            │
//!                                 └────── failures ────┴──── quality ───────────────┴─► report
//! ```

pub mod aws;
pub mod body;
pub mod causes;
pub mod clock;
pub mod collect;
pub mod config;
pub mod config_file;
pub mod counted;
pub mod diagnosis;
pub mod env;
pub mod error;
pub mod event;
pub mod file;
pub mod function;
pub mod graph;
pub mod http;
pub mod ini;
pub mod json;
pub mod kept_responses;
pub mod lock;
pub mod memory;
pub mod notices;
pub mod quality;
pub mod record;
pub mod redact;
pub mod report;
pub mod secret;
pub mod similar;
pub mod sink;
pub mod stop;
pub mod telemetry;
pub mod token;
pub mod topic;
pub mod version;
