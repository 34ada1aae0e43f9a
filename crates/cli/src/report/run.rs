//! A run of a model, read from its objects.

use chrono::{DateTime, Utc};

use crate::stored::{Body, Object, Snapshot};
use collector::config::Config;
use collector::record::Model;

/// What a run of a model collected.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) model: Model,
    /// The time of the run, in seconds since 1970.
    pub(super) time: i64,
    pub(super) snapshot: Snapshot,
}

impl Run {
    /// Reads the objects of a run. One with any error is skipped as a whole.
    pub(super) fn read(
        config: &Config,
        model: Model,
        time: DateTime<Utc>,
        objects: Vec<(Object, Result<Body, String>)>,
    ) -> Self {
        Self { model, time: time.timestamp(), snapshot: Snapshot::read(config, model, time, objects) }
    }
}
