//! A plan in figures, as text and as a document.

use std::time::Duration;

use serde::Serialize;

use super::plan::{Plan, Request, Schedule, Shard};
use crate::plan::times;
use collector::counted::counted;
use collector::topic::Job;

/// A plan in figures.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Summary {
    /// The jobs that have topics.
    jobs: Vec<OfJob>,
    credentials: usize,
    /// The credentials without a shard.
    idle_credentials: usize,
    /// The highest number of calls in an hour with one credential.
    busiest_calls_per_hour: u64,
    /// Where the manifests are, by job and hour.
    manifests: String,
}

/// The shards of a job.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OfJob {
    job: &'static str,
    topics: usize,
    shards: usize,
    /// The topics of the largest shard.
    largest: usize,
    runs_per_hour: u32,
    /// The hours from one collection of a topic to the next.
    every_hours: u32,
}

impl Summary {
    pub(super) fn of(plan: &Plan, request: &Request, manifests: String) -> Self {
        let of_job = |job: Job, topics: usize, shards: &[Shard], schedule: Schedule| OfJob {
            job: job.name(),
            topics,
            shards: shards.len(),
            largest: shards.iter().map(|s| s.topics.len()).max().unwrap_or_default(),
            runs_per_hour: schedule.runs_per_hour,
            every_hours: schedule.every_hours,
        };
        Self {
            jobs: vec![
                of_job(Job::BrandMedia, request.accounts.len(), &plan.brand_media, request.brand_media),
                of_job(Job::Hashtag, request.hashtags.len(), &plan.hashtag, request.hashtag),
            ],
            credentials: plan.calls.len(),
            idle_credentials: plan.calls.iter().filter(|calls| **calls == 0).count(),
            busiest_calls_per_hour: plan.calls.iter().max().copied().unwrap_or_default(),
            manifests,
        }
    }

    /// The figures as text. `took` is how long the planning took.
    pub(super) fn to_text(&self, took: Duration) -> String {
        let of_job = |of: &OfJob| {
            let every = match of.every_hours {
                1 => format!("{} an hour", times(of.runs_per_hour)),
                hours => format!("once in {hours} hours"),
            };
            let (topics, shards) = (counted(of.topics, "topic"), counted(of.shards, "shard"));
            format!("{}: {topics} {every} in {shards}, the largest of {}\n", of.job, of.largest)
        };
        format!(
            "{}credentials: {}, {} of them idle; at most {} an hour with one\nplanned in {:.1} ms\nmanifests: {}",
            self.jobs.iter().map(of_job).collect::<String>(),
            self.credentials,
            self.idle_credentials,
            counted(self.busiest_calls_per_hour, "call"),
            took.as_secs_f64() * 1_000.0,
            self.manifests,
        )
    }
}
