//! The job of an event: collects its topics, builds its objects and stores them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::warn;

use super::{Ready, Run, RunOutput};
use crate::body::Body;
use crate::collect::{Outcome, Progress, Topic, collect, failure_of};
use crate::config::{ObjectKey, RunName};
use crate::error::Cause;
use crate::event::{Event, TopicSelector};
use crate::graph::{Edge, MediaIds, Session};
use crate::quality::{About, Reach, Tally};
use crate::record::Model;
use crate::report::{self, FailedTopic, File, Gaps, Partial, Quality, Summary};
use crate::sink::SinkError;
use crate::topic::{HashtagId, Job};

/// The results of a model: its object, where there are records, and the tally for its quality object.
struct Output<'m> {
    model: Model,
    raw: Option<Bytes>,
    tally: Tally<'m>,
}

/// An object, and whether it could be stored.
struct Stored {
    key: ObjectKey,
    bytes: usize,
    /// The number of records in it; `None` in a quality object.
    records: Option<usize>,
    /// The key of an earlier run's object, which was not replaced.
    instead_of: Option<ObjectKey>,
    done: Result<(), SinkError>,
}

impl Ready {
    pub(super) async fn collect_and_store(
        &self,
        run: &mut Run,
        event: &Event,
        time: DateTime<Utc>,
        session: &Session<'_>,
        progress: &dyn Progress,
    ) -> Result<RunOutput, Cause> {
        let topics = self.topics(event)?;
        let mut outcomes = collect(&self.config, session, &topics, progress).await;
        run.summary.failures = failures(&topics, &outcomes);
        let (reach, seen) = reach(&topics, &mut outcomes);
        run.summary.gaps = Gaps::of(reach);
        let models = topics.first().map_or(&[][..], |topic| topic.models());
        let outputs = self.outputs(&topics, outcomes, models);
        let tallies: Vec<&Tally<'_>> = outputs.iter().map(|output| &output.tally).collect();
        report::log_quality(&tallies);
        let edge = if event.job == Job::Hashtag { Edge::RecentMedia } else { Edge::Discovery };
        report::log_unknown_fields(&self.client.unknown_fields(edge), &tallies);
        run.summary.quality = Quality::of(&tallies);
        let error_log = report::error_log(event.job, &tallies, &run.summary.failures);
        let part = event.part();
        let name = RunName { time, part: part.as_deref() };
        let stored = self.store(run, name, outputs).await;
        // After the records, which they never cost the time or the memory to be stored.
        self.store_answers(run, event.job, name, session).await;
        let target_file = stored?;
        // What could not be stored is to be met by no later run.
        seen.into_iter().for_each(|(hashtag, media)| self.client.set_stored_media(hashtag, media));
        // Lambda repeats a run that fails. A run that is throttled would only be throttled again.
        if run.summary.records() == 0 && !session.is_throttled() {
            return Err(why_nothing(&run.summary, topics.len()));
        }
        Ok(RunOutput { error_log, target_file })
    }

    /// The event's topics: the configured ones in the configuration's order, then those that the event
    /// defines in its own order.
    fn topics<'a>(&'a self, event: &'a Event) -> Result<Vec<Topic<'a>>, Cause> {
        let mut topics: Vec<Topic<'a>> = match event.job {
            Job::BrandMedia => self.config.accounts.iter().map(Topic::Account).collect(),
            Job::Hashtag => self.config.hashtags.iter().map(Topic::Hashtag).collect(),
            Job::Token => Vec::new(),
        };
        if let Some(subset) = &event.subset {
            event.check_subset(&topics.iter().map(Topic::name).collect::<Vec<_>>())?;
            let named = |topic: &Topic<'_>, w: &TopicSelector| matches!(w, TopicSelector::Configured(name) if name == topic.name());
            topics.retain(|topic| subset.iter().any(|selector| named(topic, selector)));
            topics.extend(subset.iter().filter_map(|selector| match selector {
                TopicSelector::Configured(_) => None,
                TopicSelector::Account(account) => Some(Topic::Account(account)),
                TopicSelector::Hashtag(hashtag) => Some(Topic::Hashtag(hashtag)),
            }));
        }
        Ok(topics)
    }

    fn outputs<'m>(&'m self, topics: &[Topic<'_>], outcomes: Vec<Outcome<'m>>, models: &[Model]) -> Vec<Output<'m>> {
        let room = |model: &Model| {
            let batches = outcomes.iter().flatten().flat_map(|collected| &collected.batches);
            let of_model = batches.filter(|(of, _)| of == model).map(|(_, batch)| (batch.records.len(), batch.bytes));
            of_model.fold((0, 0), |(records, bytes), (more, of)| (records + more, bytes + of))
        };
        let body = |(records, bytes)| Body::with_room(self.config.format, records, bytes);
        let mut bodies: Vec<Body> = models.iter().map(room).map(body).collect();
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
        let of_models = models.iter().zip(bodies.into_iter().zip(tallies));
        of_models.map(|(&model, (body, tally))| Output { model, raw: body.finish().map(Bytes::from), tally }).collect()
    }

    /// Stores the objects of all models concurrently. Notes each result in the summary, and returns the
    /// addresses of the objects with records.
    async fn store(&self, run: &mut Run, name: RunName<'_>, outputs: Vec<Output<'_>>) -> Result<String, Cause> {
        let (summary, end) = (&run.summary, run.end);
        let stored = join_all(outputs.into_iter().map(|output| self.store_model(summary, end, name, output))).await;
        let (mut places, mut errors) = (Vec::new(), Vec::new());
        for Stored { key, bytes, records, instead_of, done } in stored.into_iter().flatten() {
            let place = self.sink.place(&key);
            let key = key.to_string();
            match (done, records) {
                (Ok(()), Some(records)) => {
                    places.push(place);
                    if let Some(earlier) = instead_of.map(|key| key.to_string()) {
                        warn!(
                            kind = "partial",
                            "this run lost topics: {earlier} of an earlier one stays, and {key} has what came"
                        );
                        run.summary.partial.push(Partial { key: key.clone(), instead_of: earlier });
                    }
                    run.summary.files.push(File { key, records, bytes });
                }
                (Ok(()), None) => run.summary.quality.files.push(key),
                (Err(error), Some(records)) => {
                    errors.push(format!("{error}: {records} records are lost"));
                    run.summary.lost.push(File { key, records, bytes });
                }
                (Err(error), None) => {
                    errors.push(error.to_string());
                    run.summary.quality.lost.push(key);
                }
            }
        }
        if errors.is_empty() { Ok(places.join("\n")) } else { Err(Cause::Store(errors.join("; "))) }
    }

    /// Stores a model's records and its quality object. The quality object is stored even where nothing is
    /// wrong: a repeated run would otherwise leave an earlier one's beside its records.
    ///
    /// A run that lost topics replaces nothing. Where an object exists already, both objects go to
    /// `partial/`. So does a quality object without records, which would be beside the records of an
    /// earlier run.
    async fn store_model(
        &self,
        summary: &Summary,
        end: Instant,
        name: RunName<'_>,
        Output { model, raw, tally }: Output<'_>,
    ) -> Vec<Stored> {
        let locations = &self.config.locations;
        let left = || end.saturating_duration_since(Instant::now());
        let (mut key, mut beside) = (locations.raw(model, name), locations.quality(model, name));
        let (mut instead_of, mut settled) = (None, None);
        if let Some(raw) = raw.as_ref().filter(|_| !summary.failures.is_empty()) {
            let stored = self.sink.put_new(&key, raw.clone(), left()).await;
            if !matches!(stored, Ok(true)) {
                beside = locations.partial_quality(model, name);
            }
            match stored {
                Ok(false) => instead_of = Some(std::mem::replace(&mut key, locations.partial(model, name))),
                Ok(true) => settled = Some(Ok(())),
                Err(error) => settled = Some(Err(error)),
            }
        }
        let quality = (raw.is_some() || tally.has_issues()).then(|| {
            let object = raw.is_some().then(|| key.as_str());
            let about = About {
                job: summary.job.unwrap_or_default(),
                time: &summary.time,
                topics: summary.topics.as_deref(),
                object,
                instead_of: instead_of.as_ref().map(ObjectKey::as_str),
                reach: summary.gaps.as_ref().map_or(&[], |gaps| gaps.reach.as_slice()),
            };
            Bytes::from(tally.to_json(about, &summary.failures))
        });
        let mut stored_quality = None;
        if let (None, Some(quality)) = (&raw, &quality) {
            match self.sink.put_new(&beside, quality.clone(), left()).await {
                Ok(false) => beside = locations.partial_quality(model, name),
                stored => stored_quality = Some(stored.map(drop)),
            }
        }
        let put = async |done: Option<_>, key: &ObjectKey, body: Option<&Bytes>| match (done, body) {
            (None, Some(body)) => Some(self.sink.put(key, body.clone(), left()).await),
            (done, _) => done,
        };
        let (records, stored_quality) =
            tokio::join!(put(settled, &key, raw.as_ref()), put(stored_quality, &beside, quality.as_ref()));
        let stored = |key, body: Option<Bytes>, records, instead_of, done: Option<_>| {
            Some(Stored { key, bytes: body?.len(), records, instead_of, done: done? })
        };
        let objects = [
            stored(key, raw, Some(tally.records), instead_of, records),
            stored(beside, quality, None, None, stored_quality),
        ];
        objects.into_iter().flatten().collect()
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

/// How far back each hashtag's pages reached, and its media, where gaps are closed.
fn reach(topics: &[Topic<'_>], outcomes: &mut [Outcome<'_>]) -> (Vec<Reach>, Vec<(HashtagId, MediaIds)>) {
    let of_topic = |(topic, outcome): (&Topic<'_>, &mut Outcome<'_>)| {
        let reached = outcome.as_mut().ok()?.reach.take()?;
        let topic = topic.name().to_owned();
        let reach = Reach { topic, pages: reached.pages, overlap: reached.overlap, gap_likely: reached.gap_likely };
        // An answer without media says nothing of those before.
        Some((reach, (reached.hashtag, reached.media)))
    };
    topics.iter().zip(outcomes).filter_map(of_topic).unzip()
}

fn why_nothing(summary: &Summary, topics: usize) -> Cause {
    let failed = summary.failures.len();
    match summary.failures.first() {
        Some(first) => Cause::TopicsFailed { failed, topics, first: format!("{}: {}", first.topic, first.message) },
        None if topics == 0 => Cause::NothingCollected("the configuration lists no topics for this job".to_owned()),
        None => Cause::NothingCollected(format!("the answers for {topics} topics hold no record that can be stored")),
    }
}
