//! A job once its event is read: its topics collected, its objects made and stored.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{Ready, Run, Told};
use crate::body::Body;
use crate::collect::{Outcome, Progress, Topic, collect, failure_of};
use crate::config::{ObjectKey, RunName};
use crate::error::Cause;
use crate::event::{Event, Job, Wanted};
use crate::graph::{Edge, Session};
use crate::quality::Tally;
use crate::record::Model;
use crate::report::{self, FailedTopic, File, Quality, Summary};
use crate::rollup;

/// An object to store.
struct Object {
    key: ObjectKey,
    body: Bytes,
    /// The records in it; `None` in a quality object.
    records: Option<usize>,
}

impl Ready {
    pub(super) async fn collect_and_store(
        &self,
        run: &mut Run,
        event: &Event,
        time: DateTime<Utc>,
        session: &Session<'_>,
        progress: &dyn Progress,
    ) -> Result<Told, Cause> {
        let topics = self.topics(event)?;
        let outcomes = collect(&self.config, session, &topics, progress).await;
        run.summary.failures = failures(&topics, &outcomes);
        let models = topics.first().map_or(&[][..], |topic| topic.models());
        let (objects, tallies) = self.objects(run, event, time, &topics, outcomes, models);
        report::log_quality(&tallies);
        let edge = if event.job == Job::Hashtag { Edge::RecentMedia } else { Edge::Discovery };
        report::log_unknown_fields(&self.client.unknown_fields(edge), &tallies);
        run.summary.quality = Quality::of(&tallies);
        let error_log = report::error_log(event.job, &tallies, &run.summary.failures);
        let target_file = self.store(run, objects).await?;
        if run.summary.records() == 0 {
            return Err(Cause::NothingCollected(why_nothing(&run.summary, topics.len())));
        }
        Ok(Told { error_log, target_file })
    }

    /// Sums up a run over all its shards, on top of what an earlier roll-up of the same run knew.
    pub(super) async fn roll_up(&self, run: &mut Run, event: &Event, time: DateTime<Utc>) -> Result<Told, Cause> {
        let Some(rollup) = &event.rollup else { return Ok(Told::default()) };
        let key = self.config.locations.summary(rollup.of, time);
        let limit = || run.end.saturating_duration_since(Instant::now());
        let read = async |key: String| self.sink.get(&key, limit()).await;
        let summed = rollup::read(rollup, &run.summary.time, key.as_str(), read).await.map_err(Cause::Rollup)?;
        summed.tell();
        let body = Bytes::from(summed.to_json());
        let bytes = body.len();
        self.sink.put(&key, body, limit()).await.map_err(|e| Cause::Store(e.to_string()))?;
        run.summary.files.push(File { key: key.to_string(), records: 0, bytes });
        Ok(Told { error_log: String::new(), target_file: self.sink.place(&key) })
    }

    /// The event's topics: the configured ones in the configuration's order, then those that it brings
    /// along in its own.
    fn topics<'a>(&'a self, event: &'a Event) -> Result<Vec<Topic<'a>>, Cause> {
        let mut topics: Vec<Topic<'a>> = match event.job {
            Job::BrandMedia => self.config.accounts.iter().map(Topic::Account).collect(),
            Job::Hashtag => self.config.hashtags.iter().map(Topic::Hashtag).collect(),
            Job::Token | Job::Rollup => Vec::new(),
        };
        if let Some(subset) = &event.subset {
            event.check_subset(&topics.iter().map(Topic::name).collect::<Vec<_>>())?;
            let named = |topic: &Topic<'_>, w: &Wanted| matches!(w, Wanted::Configured(name) if name == topic.name());
            topics.retain(|topic| subset.iter().any(|wanted| named(topic, wanted)));
            topics.extend(subset.iter().filter_map(|wanted| match wanted {
                Wanted::Configured(_) => None,
                Wanted::Account(account) => Some(Topic::Account(account)),
                Wanted::Hashtag(hashtag) => Some(Topic::Hashtag(hashtag)),
            }));
        }
        Ok(topics)
    }

    fn objects<'m>(
        &'m self,
        run: &Run,
        event: &Event,
        time: DateTime<Utc>,
        topics: &[Topic<'_>],
        outcomes: Vec<Outcome<'m>>,
        models: &[Model],
    ) -> (Vec<Object>, Vec<Tally<'m>>) {
        let part = event.part();
        let name = RunName { time, part: part.as_deref() };
        let mut bodies: Vec<Body> = models.iter().map(|_| Body::new(self.config.format)).collect();
        let mut tallies: Vec<Tally<'m>> = models.iter().map(|m| Tally::new(self.config.mapping(*m))).collect();
        for (topic, outcome) in topics.iter().zip(outcomes) {
            let batches = outcome.into_iter().flat_map(|collected| collected.batches);
            for ((_, batch), (body, tally)) in batches.zip(bodies.iter_mut().zip(&mut tallies)) {
                for record in batch.records {
                    body.add(&record);
                    tally.add(record);
                }
                batch.rejects.into_iter().for_each(|reject| tally.reject(topic.name(), reject));
            }
        }
        let mut objects = Vec::new();
        for ((model, body), tally) in models.iter().zip(bodies).zip(&tallies) {
            let raw = body.finish();
            // Beside every object of records, also where nothing is wrong: a run that is repeated would
            // otherwise leave the quality object of the earlier one beside its records.
            if raw.is_some() || tally.has_issues() {
                let body = tally.to_json(event.job.name(), &run.summary.time, &run.summary.failures).into();
                objects.push(Object { key: self.config.locations.quality(*model, name), body, records: None });
            }
            if let Some(body) = raw {
                let (key, records) = (self.config.locations.raw(*model, name), Some(tally.records));
                objects.push(Object { key, body: body.into(), records });
            }
        }
        (objects, tallies)
    }

    /// Stores the objects, all at once, each on its own, and notes those stored in the summary.
    async fn store(&self, run: &mut Run, objects: Vec<Object>) -> Result<String, Cause> {
        let limit = run.end.saturating_duration_since(Instant::now());
        let puts = objects.iter().map(|object| self.sink.put(&object.key, object.body.clone(), limit));
        let (mut places, mut errors) = (Vec::new(), Vec::new());
        for (object, stored) in objects.iter().zip(join_all(puts).await) {
            let (key, bytes) = (object.key.to_string(), object.body.len());
            match (stored, object.records) {
                (Ok(()), Some(records)) => {
                    places.push(self.sink.place(&object.key));
                    run.summary.files.push(File { key, records, bytes });
                }
                (Ok(()), None) => run.summary.quality.files.push(key),
                (Err(error), Some(records)) => {
                    errors.push(format!("{error}: {records} records are lost"));
                    run.summary.lost.push(File { key, records, bytes });
                }
                (Err(error), None) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() { Ok(places.join("\n")) } else { Err(Cause::Store(errors.join("; "))) }
    }
}

fn failures(topics: &[Topic<'_>], outcomes: &[Outcome<'_>]) -> Vec<FailedTopic> {
    let failed = |(topic, outcome): (&Topic<'_>, &Outcome<'_>)| {
        let failure = failure_of(outcome)?;
        let (kind, code) = (failure.kind, failure.code);
        Some(FailedTopic { topic: topic.name().to_owned(), kind, code, message: failure.message.clone() })
    };
    topics.iter().zip(outcomes).filter_map(failed).collect()
}

fn why_nothing(summary: &Summary, topics: usize) -> String {
    match summary.failures.first() {
        Some(first) => format!(
            "{} of {topics} topics failed, the first of them {}: {}",
            summary.failures.len(),
            first.topic,
            first.message
        ),
        None if topics == 0 => "the configuration lists no topics for this job".to_owned(),
        None => format!("the answers for {topics} topics hold no record that can be stored"),
    }
}
