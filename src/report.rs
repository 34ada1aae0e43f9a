//! The report of a run: its summary, the response and the error that carry it, the log's lines and the
//! metrics.

mod error;
#[cfg(test)]
pub(crate) mod json_schema;
mod log;
mod metrics;
mod notice;
mod response;
mod summary;

pub use error::{Error, ErrorMessage, parts};
pub use log::{error_log, log_failures, log_quality, log_unknown_fields};
pub use metrics::{Metric, emit, service_from_env};
pub use notice::notice_text;
pub use response::{Response, ResponseFields};
pub use summary::{
    FailedTopic, FailureCause, File, Gaps, ModelQuality, Partial, Quality, Renewal, RenewalEnd, ResponsesFile, Summary,
    TokenState,
};
