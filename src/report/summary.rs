//! A run in figures.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::counted::counted;
use crate::diagnosis::Diagnosis;
use crate::graph::{Failure, Kind};
use crate::quality::{Tally, TopicRun};
use crate::record::Model;
use crate::topic::Job;

/// An object of records.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct File {
    /// The key, without the bucket.
    pub key: String,
    /// The number of records in it.
    pub records: usize,
    /// The size.
    pub bytes: usize,
}

/// The object of a run that lost topics. An earlier run's object of the same time stays.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Partial {
    /// The key.
    pub key: String,
    /// The key of the earlier run's object.
    pub instead_of: String,
}

/// How far back the pages of the hashtags reached, if gaps are closed.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gaps {
    /// Media that the process had stored before.
    pub overlap: usize,
    /// The hashtags under which media are likely to be missing.
    pub likely: Vec<String>,
}

impl Gaps {
    /// The sum over all hashtags; `None` if there is none.
    pub fn of(topics: &[TopicRun<'_>]) -> Option<Self> {
        let mut gaps = None::<Self>;
        for (topic, reach) in topics.iter().filter_map(|run| Some((run.topic, run.reach.as_ref()?))) {
            let gaps = gaps.get_or_insert_default();
            gaps.overlap += reach.overlap.unwrap_or_default();
            gaps.likely.extend(reach.gap_likely.then(|| topic.to_owned()));
        }
        gaps
    }
}

/// The object of the API's responses as received.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResponsesFile {
    /// Its key, without the bucket.
    pub key: String,
    /// The responses in it; 0 if it could not be stored.
    pub answers: usize,
    /// Its size, compressed.
    pub bytes: usize,
    /// The responses that are not in it: they did not fit, or it could not be stored.
    pub lost: usize,
}

/// A topic whose records are missing, and why.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailedTopic {
    /// The topic.
    pub topic: String,
    /// The class of the failure; docs/failures.md lists them.
    #[cfg_attr(test, schemars(with = "&str"))]
    pub kind: Kind,
    /// The API's code; null if it gave none.
    pub code: Option<i64>,
    /// What happened.
    pub message: String,
}

impl FailedTopic {
    /// The topics of a run that failed or were cut short.
    pub fn of(topics: &[TopicRun<'_>]) -> Vec<Self> {
        let failed = |run: &TopicRun<'_>| {
            let Failure { kind, code, message, .. } = run.failure.clone()?;
            Some(Self { topic: run.topic.to_owned(), kind, code, message })
        };
        topics.iter().filter_map(failed).collect()
    }
}

/// A cause of failures, and the topics that failed for it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailureCause {
    /// The name of the cause in docs/failures.md.
    #[cfg_attr(test, schemars(with = "&str"))]
    #[serde(serialize_with = "name")]
    pub cause: Diagnosis,
    /// The class of the failures.
    #[cfg_attr(test, schemars(with = "&str"))]
    pub kind: Kind,
    /// The API's code; null if it gave none.
    pub code: Option<i64>,
    /// The API's subcode; null if it gave none.
    pub subcode: Option<i64>,
    /// What happened to the first of the topics.
    pub message: String,
    /// The address or the version that the cause is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Whether some records of these topics were collected.
    pub is_cut_short: bool,
    /// The topics.
    pub topics: Vec<String>,
}

fn name<S: Serializer>(cause: &Diagnosis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cause.name())
}

impl FailureCause {
    /// The causes of the failures in `topics`, in the order of their first topics.
    pub fn of(topics: &[TopicRun<'_>]) -> Vec<Self> {
        let mut causes: Vec<Self> = Vec::new();
        for run in topics {
            let Some(failure) = &run.failure else { continue };
            let is_cut_short = run.records.iter().any(|(_, records)| *records > 0);
            let of = |cause: &&mut Self| {
                (cause.cause, cause.kind, cause.code, cause.subcode, cause.is_cut_short)
                    == (failure.diagnosis, failure.kind, failure.code, failure.subcode, is_cut_short)
            };
            match causes.iter_mut().find(of) {
                Some(cause) => cause.topics.push(run.topic.to_owned()),
                None => causes.push(Self {
                    cause: failure.diagnosis,
                    kind: failure.kind,
                    code: failure.code,
                    subcode: failure.subcode,
                    message: failure.to_string(),
                    about: failure.about.clone(),
                    is_cut_short,
                    topics: vec![run.topic.to_owned()],
                }),
            }
        }
        causes
    }

    /// The names of the topics; if there are many, only the first ones.
    fn names(&self) -> String {
        const MAX_NAMES: usize = 3;
        let first: Vec<&str> = self.topics.iter().take(MAX_NAMES).map(String::as_str).collect();
        let more = self.topics.len() - first.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", first.join(", "))
    }

    /// How many topics failed, or were cut short.
    pub fn count(&self) -> String {
        let end = if self.is_cut_short { "cut short" } else { "failed" };
        format!("{} {end}", counted(self.topics.len(), "topic"))
    }
}

/// What was left out or defaulted in the records of one model.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelQuality {
    /// The model.
    pub model: &'static str,
    /// The number of records collected.
    pub records: usize,
    /// The number of records left out.
    pub rejected: usize,
    /// The number of fields that got their default.
    pub defaulted: usize,
}

/// What was left out or defaulted in a run.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Quality {
    /// The number of records left out.
    pub rejected: usize,
    /// The number of fields that got their default.
    pub defaulted: usize,
    /// The same by model.
    pub models: Vec<ModelQuality>,
    /// The quality objects that were stored.
    pub files: Vec<String>,
    /// The quality objects that could not be stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
}

/// How long the access token is valid, and its permissions.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TokenState {
    /// Whether the API accepts calls with the token.
    pub is_valid: bool,
    /// When the token expires; null for never, or unknown.
    pub expires_at: Option<DateTime<Utc>>,
    /// When access to data expires; null for never, or unknown.
    pub data_access_expires_at: Option<DateTime<Utc>>,
    /// Whole days until the nearer of the two; 0 if the token is not valid.
    pub days_left: Option<i64>,
    /// The permissions granted.
    pub scopes: Vec<String>,
    /// The result of its renewal, if renewal is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Renewal>,
}

impl TokenState {
    /// Whether the API accepts calls with the token and returns data. If not, the log line is CRITICAL.
    pub fn is_usable(&self) -> bool {
        self.is_valid && self.days_left.is_none_or(|days| days >= 0)
    }

    /// Why the token is not usable; `None` if it is.
    pub fn unusable(&self) -> Option<Failure> {
        let diagnosis = if self.is_valid { Diagnosis::TokenEnds } else { Diagnosis::TokenRefused };
        (!self.is_usable()).then(|| Failure::new(Kind::Token, "the access token cannot be used").with(diagnosis))
    }
}

/// The result of a token's renewal.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Renewal {
    /// How it ended.
    pub end: RenewalEnd,
    /// The same in words.
    pub message: String,
}

/// How a renewal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum RenewalEnd {
    /// The secret has a new token.
    Renewed,
    /// There was nothing to do.
    NotDue,
    /// The secret has the old token.
    Failed,
}

/// A run in figures: the response's `summary`, the log's last line, and part of every error.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// The job; null if the event named none.
    pub job: Option<&'static str>,
    /// The time that names the objects.
    pub time: String,
    /// Whether the sandbox made the data up. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// The shard of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The name of the credential's secret, if the event gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<String>,
    /// The topics that the event selected. Without them, all. A shard's summary lists them only if its run
    /// failed, since it then has to be repeated with them. There are thousands of shards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
    /// The objects stored.
    pub files: Vec<File>,
    /// The objects under `partial/`, since an earlier run's object keeps the usual key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<Partial>,
    /// The objects of records that could not be stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<File>,
    /// The object of the responses as received, if they are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<ResponsesFile>,
    /// How far back the pages of the hashtags reached, if gaps are closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
    /// The topics that failed.
    pub failures: Vec<FailedTopic>,
    /// Why they failed: each cause once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<FailureCause>,
    /// What was left out or defaulted.
    pub quality: Quality,
    /// The number of calls to the API. Each try counts.
    pub api_calls: u64,
    /// The highest usage that the API reported, in percent; null if it reported none.
    pub usage_percent: Option<u32>,
    /// The version of the API that responded, if the API named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Whole days until that version ends, in the job `token`, if its end is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_days_left: Option<i64>,
    /// How long the token is valid, in the job `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenState>,
    /// How long the run took.
    pub elapsed_ms: u64,
}

impl Summary {
    /// Whether the job collects topics; not if the event named no job.
    pub(super) fn has_topics(&self) -> bool {
        self.job.and_then(Job::named).is_some_and(|job| job.topics_key().is_some())
    }

    /// The number of records stored, over all objects.
    pub fn records(&self) -> usize {
        self.files.iter().map(|f| f.records).sum()
    }

    /// Whether the run stored what it collected, and some topics are missing.
    pub fn is_partial(&self) -> bool {
        !self.failures.is_empty() || !self.partial.is_empty()
    }

    /// Whether a run without an error collected nothing, because it reached a limit of the API.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.token.is_none()
    }

    /// The run in a sentence.
    pub fn sentence(&self) -> String {
        let job = self.job.unwrap_or("no job");
        if let Some(token) = &self.token {
            let state = if token.is_valid { "valid" } else { "not valid" };
            let left =
                token.days_left.map_or_else(|| "no expiry".to_owned(), |days| format!("{} left", counted(days, "day")));
            let renewal = token.renewal.as_ref().map_or_else(String::new, |r| format!("; renewal: {}", r.message));
            return format!("{job}: the access token is {state}, {left}{renewal}");
        }
        let Quality { rejected, defaulted, .. } = self.quality;
        let mut text = format!(
            "{job}: {} in {}; {} rejected, {} defaulted, {} failed",
            counted(self.records(), "record"),
            counted(self.files.len(), "object"),
            counted(rejected, "record"),
            counted(defaulted, "field"),
            counted(self.failures.len(), "topic"),
        );
        if !self.partial.is_empty() {
            let earlier = counted(self.partial.len(), "object");
            text += &format!("; {earlier} of an earlier run stayed, and the records of this run are in partial/");
        }
        for cause in &self.causes {
            text += &format!(". {}: {}", cause.names(), cause.cause.sentence_about(cause.about.as_deref()));
        }
        text
    }

    /// The summary as JSON text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a struct of strings, numbers and lists is JSON")
    }
}

impl Quality {
    /// The quality of the records in `tallies`.
    pub fn of(tallies: &[&Tally<'_>]) -> Self {
        let model = |t: &&Tally<'_>| ModelQuality {
            model: Model::name(t.mapping().model),
            records: t.records,
            rejected: t.rejected(),
            defaulted: t.defaulted(),
        };
        let models: Vec<ModelQuality> = tallies.iter().map(model).collect();
        Self {
            rejected: models.iter().map(|m| m.rejected).sum(),
            defaulted: models.iter().map(|m| m.defaulted).sum(),
            models,
            files: Vec::new(),
            lost: Vec::new(),
        }
    }
}
