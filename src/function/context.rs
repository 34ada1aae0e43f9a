//! What a process builds once for each credential and keeps between invocations. With it, a job collects its
//! topics, builds its objects and stores them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::SecondsFormat;
use futures_util::future::join_all;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tracing::{error, warn};

use super::run::{Done, Run};
use crate::body::ObjectBody;
use crate::collect::{Outcome, Progress, Topic, asked_at, collect, failure_of};
use crate::config::{Config, ObjectKey, RunName};
use crate::config_file::Object;
use crate::counted::counted;
use crate::diagnosis::Diagnosis;
use crate::error::Cause;
use crate::event::{Event, TopicSelector, digest};
use crate::graph::{Client, Edge, MediaIds, Session};
use crate::kept_responses::KeptResponses;
use crate::notices::TopicProblems;
use crate::quality::{About, Reach, Tally, TopicRun};
use crate::record::Model;
use crate::report::{self, FailedTopic, FailureCause, File, Gaps, Partial, Quality, ResponsesFile, Summary};
use crate::sink::{PutOutcome, Sink, SinkError};
use crate::topic::{HashtagId, Job};

/// What a process builds once for each credential.
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) client: Arc<Client>,
    pub(super) sink: Sink,
    /// Set once the sink has been found usable.
    pub(super) sink_checked: Arc<OnceCell<()>>,
    /// The object that holds the configuration; `None` for a file.
    pub(super) object: Option<Object>,
    /// Whether the API is the sandbox, whose data is made up.
    pub(super) sandbox: bool,
}

/// The results of a model: its object, if there are records, and the tally for its quality object.
struct Output<'m> {
    model: Model,
    raw: Option<Bytes>,
    tally: Tally<'m>,
}

/// An object, and whether it could be stored.
struct Stored {
    key: ObjectKey,
    bytes: usize,
    /// The number of records in it; `None` for a quality object.
    records: Option<usize>,
    /// The key of an earlier run's object, which was not replaced.
    instead_of: Option<ObjectKey>,
    result: Result<(), SinkError>,
}

impl Context {
    /// Checks once per process whether objects can be stored, before calls are spent on them.
    ///
    /// # Errors
    /// Why none can. The next invocation checks again.
    pub(super) async fn check_sink(&self, limit: Duration) -> Result<(), Cause> {
        self.sink_checked.get_or_try_init(|| self.sink.preflight(limit)).await?;
        Ok(())
    }

    /// Collects the event's topics and stores their records.
    ///
    /// # Errors
    /// The event selects topics that are not configured.
    pub(super) async fn collect(
        &self,
        run: &Run,
        event: &Event,
        session: &Session<'_>,
        progress: &dyn Progress,
    ) -> Result<Done, Cause> {
        let topics = self.topics(event)?;
        let mut outcomes = collect(&self.config, session, &topics, progress).await;
        let (runs, seen): (Vec<_>, Vec<_>) = topics.iter().zip(&mut outcomes).map(topic_run).unzip();
        let topic_problems = TopicProblems::of(&runs);
        let (failures, causes) = (FailedTopic::of(&runs), FailureCause::of(&runs));
        report::log_failures(&causes);
        let models = topics.first().map_or(&[][..], |topic| topic.models());
        let outputs = self.outputs(&topics, outcomes, models);
        let tallies: Vec<&Tally<'_>> = outputs.iter().map(|output| &output.tally).collect();
        report::log_quality(&tallies);
        let unknown = models.first().map(|model| self.client.unknown_fields(Edge::of(*model))).unwrap_or_default();
        report::log_unknown_fields(&unknown, &tallies);
        let quality = Quality::of(&tallies);
        let error_log = report::error_log(event.job, &tallies, &failures);

        let (time, part) = (run.time(Some(event)), event.part());
        let name = RunName { time, part: part.as_deref() };
        let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (job, subset) = (event.job.name(), event.subset.is_some());
        let about = About { job, time: &time, sandbox: self.sandbox, subset, ..About::default() };
        // A run without any record leaves no object. Its response and its log have the reasons.
        let is_empty = outputs.iter().all(|output| output.raw.is_none() && output.tally.rejected() == 0);
        let outputs = outputs.into_iter().filter(|_| !is_empty);
        let stored = outputs.map(|output| self.store(output, name, about, &runs, run.end));
        let stored = join_all(stored).await.into_iter().flatten();
        let stored =
            self.stored(stored, Summary { quality, gaps: Gaps::of(&runs), failures, causes, ..Summary::default() });
        let (figures, target_file, lost) = stored;
        // After the records, so that the records always have the time and the memory to be stored.
        let answers = self.store_responses(event.job, name, session, figures.failures.is_empty(), run.end).await;
        let error = match lost {
            Some(lost) => Some(lost),
            None => {
                // Media that could not be stored do not count as overlap in the next run.
                seen.into_iter().flatten().for_each(|(hashtag, media)| self.client.set_stored_media(hashtag, media));
                // Lambda repeats a run that fails. A run that reached a limit would only reach it again.
                (figures.records() == 0 && !session.is_limited()).then(|| nothing_collected(&figures, &runs))
            }
        };
        let figures = Summary { answers, ..figures };
        Ok(Done { figures, error_log, target_file, topics: Some(topic_problems), error, ..Done::default() })
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
        let size = |model: &Model| {
            let batches = outcomes.iter().flatten().flat_map(|collected| &collected.batches);
            let of_model = batches.filter(|(of, _)| of == model).map(|(_, batch)| (batch.records.len(), batch.bytes));
            of_model.fold((0, 0), |(records, bytes), (more, of)| (records + more, bytes + of))
        };
        let body = |(records, bytes)| ObjectBody::with_capacity(self.config.format, records, bytes);
        let mut bodies: Vec<ObjectBody> = models.iter().map(size).map(body).collect();
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

    /// Stores a model's records and its quality object. The quality object is stored even if nothing is
    /// wrong: a repeated run would otherwise leave an outdated one next to its records. It is stored even if the model
    /// has no records, since it says why.
    ///
    /// A run that lost topics replaces nothing. If an object exists already, both objects go to `partial/`.
    /// So does a quality object without records, which would be next to the records of an earlier run.
    async fn store(
        &self,
        Output { model, raw, tally }: Output<'_>,
        name: RunName<'_>,
        about: About<'_>,
        topics: &[TopicRun<'_>],
        end: Instant,
    ) -> Vec<Stored> {
        let locations = &self.config.locations;
        let (raw_key, quality_key) = (locations.raw(model, name), locations.quality(model, name));
        let lost = lost_part(name.part, topics);
        let partial = RunName { part: Some(&lost), ..name };
        let partial_quality = locations.partial_quality(model, partial);
        let quality = |object: Option<&ObjectKey>, instead_of: Option<&ObjectKey>| {
            let (object, instead_of) = (object.map(ObjectKey::as_str), instead_of.map(ObjectKey::as_str));
            Bytes::from(tally.to_json(About { object, instead_of, ..about }, topics))
        };
        let Some(raw) = raw else {
            return vec![self.put(quality_key, Some(partial_quality), quality(None, None), None, end).await];
        };
        let records = Some(tally.records);
        if topics.iter().all(|run| run.failure.is_none()) {
            let quality = quality(Some(&raw_key), None);
            let both = (self.put(raw_key, None, raw, records, end), self.put(quality_key, None, quality, None, end));
            return <[Stored; 2]>::from(tokio::join!(both.0, both.1)).into();
        }
        let (bytes, left) = (raw.len(), || end.saturating_duration_since(Instant::now()));
        let of_raw = |result| Stored { key: raw_key.clone(), bytes, records, instead_of: None, result };
        let own_quality = quality(Some(&raw_key), None);
        match self.sink.put_new(&raw_key, raw.clone(), left()).await {
            Ok(PutOutcome::Stored) => {
                return vec![of_raw(Ok(())), self.put(quality_key, None, own_quality, None, end).await];
            }
            Ok(PutOutcome::Exists) => {}
            // An earlier run's object has its quality object, unless that run was killed between its two puts. If there
            // is none, the object is this run's. If both responses were lost, both objects are counted as this run's,
            // since an earlier run of the same time is rare.
            Ok(PutOutcome::Unclear) => {
                let bytes = own_quality.len();
                if let Ok(PutOutcome::Stored | PutOutcome::Unclear) =
                    self.sink.put_new(&quality_key, own_quality, left()).await
                {
                    let quality = Stored { key: quality_key, bytes, records: None, instead_of: None, result: Ok(()) };
                    return vec![of_raw(Ok(())), quality];
                }
            }
            Err(error) => {
                let quality = self.put(quality_key, Some(partial_quality), own_quality, None, end).await;
                return vec![of_raw(Err(error)), quality];
            }
        }
        let partial = locations.partial(model, partial);
        let quality = quality(Some(&partial), Some(&raw_key));
        let records = self.put(partial, None, raw, records, end).await;
        let quality = self.put(partial_quality, None, quality, None, end).await;
        vec![Stored { instead_of: Some(raw_key), ..records }, quality]
    }

    /// Stores an object as [`Sink::store`] does.
    async fn put(
        &self,
        key: ObjectKey,
        elsewhere: Option<ObjectKey>,
        body: Bytes,
        records: Option<usize>,
        end: Instant,
    ) -> Stored {
        let bytes = body.len();
        let (key, result) = self.sink.store(key, elsewhere, body, end).await;
        Stored { key, bytes, records, instead_of: None, result }
    }

    /// `figures` with the objects that were stored and those that were lost, the addresses of the objects with
    /// records, and the error if an object was lost.
    fn stored(&self, stored: impl Iterator<Item = Stored>, mut figures: Summary) -> (Summary, String, Option<Cause>) {
        let (mut places, mut errors, mut lost) = (Vec::new(), Vec::new(), None);
        for Stored { key, bytes, records, instead_of, result } in stored {
            let place = self.sink.place(&key);
            let key = key.to_string();
            match (result, records) {
                (Ok(()), Some(records)) => {
                    places.push(place);
                    if let Some(earlier) = instead_of.map(|key| key.to_string()) {
                        warn!(
                            kind = "partial",
                            "this run lost topics: {earlier} of an earlier run stays, and this run's records are in {key}"
                        );
                        figures.partial.push(Partial { key: key.clone(), instead_of: earlier });
                    }
                    figures.files.push(File { key, records, bytes });
                }
                (Ok(()), None) => figures.quality.files.push(key),
                (Err(error), Some(records)) => {
                    lost.get_or_insert(error.diagnosis);
                    errors.push(format!("{error}: {} lost", counted(records, "record")));
                    figures.lost.push(File { key, records, bytes });
                }
                (Err(error), None) => {
                    lost.get_or_insert(error.diagnosis);
                    errors.push(error.to_string());
                    figures.quality.lost.push(key);
                }
            }
        }
        let lost = lost.map(|diagnosis| Cause::Store(errors.join("; "), diagnosis));
        (figures, places.join("\n"), lost)
    }

    /// Stores the responses that the session has kept. As for records, a run that lost topics replaces no
    /// earlier run's object. A failure is logged and fails no run.
    async fn store_responses(
        &self,
        job: Job,
        name: RunName<'_>,
        session: &Session<'_>,
        is_whole: bool,
        end: Instant,
    ) -> Option<ResponsesFile> {
        let locations = &self.config.locations;
        let kept = session.kept_responses().and_then(KeptResponses::take)?;
        let key = locations.responses(job, name)?;
        let (responses, not_kept, bytes) = (kept.responses, kept.not_kept, kept.bytes.len());
        let (key, stored) = if responses == 0 {
            (key, Ok(()))
        } else {
            let elsewhere = (!is_whole).then(|| locations.partial_responses(job, name));
            self.sink.store(key, elsewhere, Bytes::from(kept.bytes), end).await
        };
        let kind = "answers";
        if let Err(error) = &stored {
            error!(kind, count = responses, "the responses are not kept: {error}");
        }
        if not_kept > 0 {
            warn!(kind, count = not_kept, "responses did not fit and are not kept: {key}");
        }
        let lost = if stored.is_ok() { 0 } else { responses };
        Some(ResponsesFile { key: key.to_string(), answers: responses - lost, bytes, lost: lost + not_kept })
    }
}

/// A topic and its result for the quality object, and the media of a hashtag whose gaps are closed.
fn topic_run<'t>((topic, outcome): (&'t Topic<'_>, &mut Outcome<'_>)) -> (TopicRun<'t>, Option<(HashtagId, MediaIds)>) {
    let (asked_at, failure) = (asked_at(outcome), failure_of(outcome).cloned());
    let mut collected = outcome.as_mut().ok();
    let other_id = collected.as_mut().and_then(|collected| collected.other_id.take());
    let batches = collected.iter().flat_map(|collected| &collected.batches);
    let records = batches.map(|(model, batch)| (*model, batch.records.len())).collect();
    let reached = collected.and_then(|collected| collected.reach.take());
    let (reach, seen) = reached
        .map(|reached| {
            let reach = Reach { pages: reached.pages, overlap: reached.overlap, gap_likely: reached.gap_likely };
            (reach, (reached.hashtag, reached.media))
        })
        .unzip();
    let (name, user_id) = (topic.name(), topic.user_id().as_str());
    (TopicRun { topic: name, user_id, asked_at, records, other_id, failure, reach }, seen)
}

/// The part of the name of an object in `partial/`. Only a run with the same topics and the same result for each
/// replaces it: a run that lost other topics may lack records that this object has.
fn lost_part(part: Option<&str>, topics: &[TopicRun<'_>]) -> String {
    let result = |run: &TopicRun<'_>| match &run.failure {
        None => "complete",
        Some(_) if run.records.iter().all(|(_, records)| *records == 0) => "failed",
        Some(_) => "cut short",
    };
    let results: Vec<String> = topics.iter().map(|run| format!("{} {}", run.topic, result(run))).collect();
    let lost = format!("lost-{}", digest(&results.join("\n")));
    part.map_or(lost.clone(), |part| format!("{part}_{lost}"))
}

fn nothing_collected(figures: &Summary, topics: &[TopicRun<'_>]) -> Cause {
    // The most frequent cause of failed topics; of equally frequent ones, the first.
    let main =
        figures.causes.iter().rev().max_by_key(|cause| cause.topics.len()).and_then(|cause| cause.topics.first());
    match topics.iter().find(|run| Some(run.topic) == main.map(String::as_str)).and_then(|run| run.failure.clone()) {
        None if topics.is_empty() => Cause::NothingCollected(Diagnosis::NoTopics),
        None => Cause::NothingCollected(Diagnosis::NoRecords),
        Some(first) => Cause::TopicsFailed { failed: figures.failures.len(), topics: topics.len(), first },
    }
}
