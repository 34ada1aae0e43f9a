//! A run of a model, read from its objects.

use chrono::{DateTime, Utc};

use crate::stored::quality::{Figures, Quality, TopicRun};
use crate::stored::{Moment, Object, Record, Skipped, Snapshot};
use collector::config::Config;
use collector::record::Model;

/// What a run of a model collected, each record with the meanings of its figures.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) model: Model,
    /// The time of the run, in seconds since 1970.
    pub(super) time: i64,
    pub(super) records: Vec<(Record, Figures, Moment)>,
    /// Each topic once.
    pub(super) topics: Vec<TopicRun>,
    pub(super) quality: Vec<Quality>,
    /// The number of objects of records for which no quality object lists the defaults.
    pub(super) unknown: usize,
    /// The files that could not be read.
    pub(super) skipped: Vec<Skipped>,
    pub(super) files: usize,
    pub(super) bytes: usize,
}

impl Run {
    /// Reads the objects of a run. One with any error is skipped as a whole.
    pub(super) fn read(
        config: &Config,
        model: Model,
        time: DateTime<Utc>,
        objects: Vec<(Object, Result<Vec<u8>, String>)>,
    ) -> Self {
        let Snapshot { records, topics, quality, unknown, skipped, files, bytes } =
            Snapshot::read(config, model, time, objects);
        Self { model, time: time.timestamp(), records, topics, quality, unknown, skipped, files, bytes }
    }
}
