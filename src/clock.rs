//! The clock that gives the present and the moments of responses.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use crate::lock::lock;

/// The system's clock, or one that is set: made-up data of a month has the moments of that month.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Mutex<DateTime<Utc>>>>);

impl Clock {
    /// A clock that shows `time` until it is set again. Its clones are the same clock.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(time))))
    }

    /// Sets a clock made by [`at`](Self::at). The system's clock cannot be set.
    pub fn set(&self, time: DateTime<Utc>) {
        if let Some(clock) = &self.0 {
            *lock(clock) = time;
        }
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.as_ref().map_or_else(Utc::now, |clock| *lock(clock))
    }
}
