//! Which topics the objects of a time have, and which are missing from all of them.

use std::collections::HashSet;

use anyhow::Result;
use chrono::{DateTime, Utc};

use crate::stored::quality::TopicRun;
use crate::stored::{Snapshot, Stored};
use collector::config::Config;
use collector::record::Model;
use collector::topic::Job;

/// The topics of a job in the objects of one time.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// The configured topics.
    configured: Vec<String>,
    /// The topics that are not complete in any object, for at least one of the models.
    pub(super) missing: Vec<TopicRun>,
    /// The topics that are complete in all models.
    complete: HashSet<String>,
    /// Whether objects lack their quality objects.
    lacks_quality: bool,
}

impl Coverage {
    /// Reads the objects of a time in a folder, or in `s3://bucket`; `None` if there are none.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub(crate) async fn of(place: &str, config: &Config, job: Job, time: DateTime<Utc>) -> Result<Option<Self>> {
        let stored = Stored::of_time(place, config, time).await?;
        let mut snapshots = Vec::new();
        for model in models(job) {
            snapshots.push(stored.snapshot(config, *model, time).await);
        }
        if snapshots.iter().all(|snapshot| snapshot.topics.is_empty()) {
            return Ok(None);
        }
        Ok(Some(Self::new(config.topics(job), &snapshots)))
    }

    /// The coverage of the `configured` topics and others by a snapshot of each model.
    pub(crate) fn new(configured: Vec<&str>, snapshots: &[Snapshot]) -> Self {
        let of_topic =
            |snapshot: &Snapshot, topic: &str| snapshot.topics.iter().find(|run| run.topic == topic).cloned();
        let (mut missing, mut complete): (Vec<TopicRun>, HashSet<String>) = Default::default();
        for run in snapshots.iter().flat_map(|snapshot| &snapshot.topics) {
            let of_models: Vec<_> = snapshots.iter().map(|snapshot| of_topic(snapshot, &run.topic)).collect();
            // Objects of earlier versions do not list a topic without records.
            let is_lost = |of_model: &Option<TopicRun>| match of_model {
                Some(run) => run.failure.is_some(),
                None => run.is_known(),
            };
            if of_models.iter().any(is_lost) {
                if !missing.iter().any(|known| known.topic == run.topic) {
                    missing.push(run.clone());
                }
            } else {
                complete.insert(run.topic.clone());
            }
        }
        let configured = configured.into_iter().map(str::to_owned).collect();
        Self { configured, missing, complete, lacks_quality: snapshots.iter().any(|s| s.unknown > 0) }
    }

    /// Whether the objects have all of these topics, by default the configured ones.
    pub(super) fn has_all(&self, topics: Option<&[String]>) -> bool {
        !self.lacks_quality && topics.unwrap_or(&self.configured).iter().all(|topic| self.complete.contains(topic))
    }

    /// Whether the objects have some of these topics, by default the configured ones, and all others are known to be
    /// missing.
    pub(super) fn has_some(&self, topics: Option<&[String]>) -> bool {
        let topics = topics.unwrap_or(&self.configured);
        let is_missing = |topic: &String| self.missing.iter().any(|run| run.topic == *topic);
        topics.iter().any(|topic| self.complete.contains(topic))
            && topics.iter().all(|topic| self.complete.contains(topic) || is_missing(topic))
    }

    pub(super) fn is_configured(&self, topic: &str) -> bool {
        self.configured.iter().any(|configured| configured == topic)
    }
}

/// The models of a job's records.
const fn models(job: Job) -> &'static [Model] {
    match job {
        Job::BrandMedia => &[Model::Brand, Model::Media],
        Job::Hashtag => &[Model::MediaHashtag],
        Job::Token => &[],
    }
}
