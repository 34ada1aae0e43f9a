//! The event of a run: what to collect, under which time, and which part of the run it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Timelike, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::secret::SecretId;
use crate::similar::did_you_mean;
use crate::topic::{Account, Hashtag, HashtagId, HashtagName, Job, Shard, UserId, Username};
use strum::VariantArray;

/// A checked event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The job.
    pub job: Job,
    /// The scheduled time, which names the objects; `None` for the start of the run.
    pub time: Option<DateTime<Utc>>,
    /// A `time` that cannot be read. It is a WARNING, and the start of the run names the objects.
    pub invalid_time: Option<String>,
    /// The selected topics; `None` for all that are configured.
    pub subset: Option<Vec<TopicSelector>>,
    /// The shard of the run; `None` if the run has none.
    pub shard: Option<Shard>,
    /// The secret of the run's credential; `None` for the function's own.
    pub secret_id: Option<SecretId>,
}

/// A topic that an event selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicSelector {
    /// The name of a configured topic.
    Configured(String),
    /// An account that the event defines.
    Account(Account),
    /// A hashtag that the event defines.
    Hashtag(Hashtag),
}

impl TopicSelector {
    /// The topic's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Configured(name) => name,
            Self::Account(account) => account.username.as_str(),
            Self::Hashtag(hashtag) => hashtag.name.as_str(),
        }
    }
}

/// How long before a run its event's `time` may be. EventBridge Scheduler tries to deliver an event for at most 24
/// hours, so an older time must be deliberate.
const MAX_PAST: TimeDelta = TimeDelta::hours(24);

/// How far in the future of a run's start its event's `time` may be. Schedules are never early, and a clock that is
/// wrong by more cannot sign requests to AWS.
const MAX_FUTURE: TimeDelta = TimeDelta::minutes(5);

/// The bytes of the digest that names a part of a run. With 8 bytes, two subsets have the same name in one
/// of 10^19 cases.
const DIGEST_BYTES: usize = 8;

/// An event that cannot be run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the event {problem}; {GRAMMAR} has the grammar")]
pub struct EventError {
    problem: String,
}

/// Where the grammar of an event is documented.
const GRAMMAR: &str = "docs/configuration.md#the-event";

/// The jobs, for an error.
const JOBS: &str = r#""brand_media", "hashtag" or "token""#;

/// The keys of an event, for an error.
const KEYS: &str = r#""job", "time", "accounts" or "hashtags", "shard", "secret_id""#;

/// The form of an event's time, for an error.
pub const TIME_FORM: &str = "a time of RFC 3339 such as 2026-01-31T23:00:00Z";

/// The time in a text of RFC 3339; `None` if it is not one, or if warehouses could not read the names and values made
/// from it: a leap second, or a year that in UTC is not 1 to 9999.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    let is_leap_second = time.nanosecond() >= 1_000_000_000;
    Some(time).filter(|time| (1..=9999).contains(&time.year()) && !is_leap_second)
}

fn problem<T>(problem: impl Into<String>) -> Result<T, EventError> {
    Err(EventError { problem: problem.into() })
}

/// A value as given, shortened for an error.
pub fn shown(value: &Value) -> String {
    short(value.to_string())
}

fn short(text: String) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", text.get(..end).expect("the end is that of a character")),
        None => text,
    }
}

impl Event {
    /// The event in a payload.
    ///
    /// # Errors
    /// [`EventError`], which names what was given and what is allowed.
    pub fn parse(payload: &Value) -> Result<Self, EventError> {
        match payload {
            Value::String(_) => Ok(Self::new(job(payload)?, None)),
            Value::Object(whole) => match (whole.get("job"), whole.get("detail")) {
                (None, Some(Value::Object(detail))) => Self::read(detail, whole.get("time")),
                _ => Self::read(whole, whole.get("time")),
            },
            other => problem(format!("is {}, a job's name or an object with \"job\" expected", shown(other))),
        }
    }

    /// Whether it is the event of a schedule: for all topics, or for a shard of them.
    pub fn is_scheduled(&self) -> bool {
        self.subset.is_none() || self.shard.is_some()
    }

    /// The names of the selected topics; `None` if the event selects all.
    pub fn topics(&self) -> Option<Vec<&str>> {
        Some(self.subset.as_ref()?.iter().map(TopicSelector::name).collect())
    }

    /// Why the event's `time` is suspicious for a run that starts `now`; `None` if it is not.
    pub fn time_warning(&self, now: DateTime<Utc>) -> Option<String> {
        if let Some(given) = &self.invalid_time {
            return Some(format!(
                "the event's time {given} cannot be read, {TIME_FORM} expected: the run's start names the objects instead"
            ));
        }
        // The job `token` stores nothing.
        let time = self.time.filter(|_| self.job != Job::Token)?;
        let (difference, side) = match now - time {
            past if past > MAX_PAST => (past, "past"),
            ahead if ahead < -MAX_FUTURE => (-ahead, "future"),
            _ => return None,
        };
        let difference = match (difference.num_days(), difference.num_hours()) {
            (2.., _) => format!("{} days", difference.num_days()),
            (_, 2..) => format!("{} hours", difference.num_hours()),
            _ => format!("{} minutes", difference.num_minutes()),
        };
        Some(format!(
            "the event's time {} is {difference} in the {side}: this is not a backfill, since the API returns only the \
             current state; the objects get the name of that time and current data",
            time.to_rfc3339_opts(SecondsFormat::Secs, true)
        ))
    }

    /// The part of the objects' names that differs from those of the whole run: the shard, or for selected topics
    /// without one a digest of their names in any order. A repair of an hour thus adds one object, and repeating the
    /// same repair replaces that object.
    pub fn part(&self) -> Option<String> {
        if let Some(shard) = &self.shard {
            return Some(shard.as_str().to_owned());
        }
        let mut topics = self.topics()?;
        topics.sort_unstable();
        Some(format!("part-{}", digest(&topics.join("\n"))))
    }

    /// Checks that each selected topic is configured.
    ///
    /// # Errors
    /// [`EventError`], which names the unknown topics and the configured ones.
    pub fn check_subset(&self, configured: &[&str]) -> Result<(), EventError> {
        let names = self.subset.iter().flatten().filter_map(|selector| match selector {
            TopicSelector::Configured(name) => Some(name.as_str()),
            _ => None,
        });
        let unknown: Vec<&str> = names.filter(|name| !configured.contains(name)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let key = self.job.topics_key().unwrap_or_default();
        let meant = match unknown.as_slice() {
            [name] => did_you_mean(name, configured.iter().copied()),
            _ => String::new(),
        };
        problem(format!(
            "asks for {key} that are not configured: {}{meant}, one of these expected: {}",
            short(unknown.join(", ")),
            configured.join(", ")
        ))
    }

    /// Checks that the event may use its secret: the name has to begin with `prefix`.
    ///
    /// # Errors
    /// [`EventError`], which names the secret and the allowed prefix.
    pub fn check_secret(&self, prefix: Option<&str>) -> Result<(), EventError> {
        let Some(id) = &self.secret_id else { return Ok(()) };
        match prefix.filter(|prefix| !prefix.is_empty()) {
            Some(prefix) if id.as_str().len() > prefix.len() && id.as_str().starts_with(prefix) => Ok(()),
            Some(prefix) => {
                problem(format!("has the secret_id {:?}, which does not begin with {prefix:?}", id.as_str()))
            }
            None => problem(format!(
                "has the secret_id {:?}, and this function takes none: SECRET_PREFIX is not set",
                id.as_str()
            )),
        }
    }

    fn new(job: Job, time: Option<&Value>) -> Self {
        let read = time.and_then(Value::as_str).and_then(self::time);
        let invalid_time = time.filter(|_| read.is_none()).map(shown);
        Self { job, time: read, invalid_time, subset: None, shard: None, secret_id: None }
    }

    fn read(fields: &Map<String, Value>, time: Option<&Value>) -> Result<Self, EventError> {
        let Some(named) = fields.get("job") else {
            let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
            return problem(format!(
                "has no \"job\" (its keys: {}), {JOBS} expected",
                if keys.is_empty() { "none".into() } else { short(keys.join(", ")) }
            ));
        };
        let mut event = Self::new(job(named)?, time);
        for (key, value) in fields {
            match key.as_str() {
                "job" | "time" => {}
                "secret_id" => event.secret_id = Some(secret_id(value)?),
                "shard" => event.shard = Some(shard(value)?),
                key if event.job.topics_key() == Some(key) => {
                    event.subset = Some(selected_topics(event.job, key, value)?)
                }
                "accounts" | "hashtags" => {
                    let taken = event.job.topics_key().map_or_else(String::new, |key| format!(", {key:?} expected"));
                    return problem(format!("has {key:?}, which the job {:?} does not take{taken}", event.job.name()));
                }
                _ => {
                    let taken = ["job", "time", "shard", "secret_id"].into_iter().chain(event.job.topics_key());
                    let (meant, key) = (did_you_mean(key, taken), shown(&Value::from(key.as_str())));
                    return problem(format!("has the unknown key {key} with {}, {KEYS} expected{meant}", shown(value)));
                }
            }
        }
        Ok(event)
    }
}

/// A name for a text of any length.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(DIGEST_BYTES).fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

fn job(value: &Value) -> Result<Job, EventError> {
    match value.as_str().and_then(Job::named) {
        Some(job) => Ok(job),
        None => {
            let jobs = Job::VARIANTS.iter().map(|job| job.name());
            let meant = did_you_mean(value.as_str().unwrap_or_default(), jobs);
            problem(format!("asks for the job {}, {JOBS} expected{meant}", shown(value)))
        }
    }
}

fn shard(value: &Value) -> Result<Shard, EventError> {
    match value.as_str().and_then(Shard::new) {
        Some(shard) => Ok(shard),
        None => problem(format!("has the shard {}, [a-z0-9-]{{1,32}} expected", shown(value))),
    }
}

fn secret_id(value: &Value) -> Result<SecretId, EventError> {
    match value.as_str().and_then(SecretId::new) {
        Some(id) => Ok(id),
        None => problem(format!("has the secret_id {}, the name of a secret expected, not an ARN", shown(value))),
    }
}

/// Reads the list under `key`.
fn selected_topics(job: Job, key: &str, value: &Value) -> Result<Vec<TopicSelector>, EventError> {
    let Some(list) = value.as_array().filter(|list| !list.is_empty()) else {
        return problem(format!("has {key:?} with {}, a list of topics expected", shown(value)));
    };
    let mut selectors: Vec<TopicSelector> = Vec::with_capacity(list.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for entry in list {
        let topic = match entry {
            Value::String(name) => Some(TopicSelector::Configured(name.clone())),
            Value::Object(fields) => defined_topic(job, fields),
            _ => None,
        };
        let Some(topic) = topic else {
            return problem(format!(
                "has {key:?} with {}, a configured topic or an object with \"name\" and \"user_id\" expected",
                shown(entry)
            ));
        };
        // A topic that is named twice counts once.
        match places.entry(topic.name().to_owned()) {
            Entry::Vacant(place) => {
                place.insert(selectors.len());
                selectors.push(topic);
            }
            Entry::Occupied(place) if selectors.get(*place.get()) == Some(&topic) => {}
            Entry::Occupied(place) => {
                return problem(format!("has {key:?} with {:?} twice, with different ids", place.key()));
            }
        }
    }
    Ok(selectors)
}

/// A topic defined with its ids; `None` if one is missing or wrong, or if there is another key.
fn defined_topic(job: Job, fields: &Map<String, Value>) -> Option<TopicSelector> {
    let text = |key: &str| fields.get(key)?.as_str();
    let only = |keys: &[&str]| fields.keys().all(|key| keys.contains(&key.as_str()));
    let user_id = UserId::new(text("user_id")?)?;
    match job {
        Job::BrandMedia if only(&["name", "user_id"]) => {
            Some(TopicSelector::Account(Account { username: Username::new(text("name")?)?, user_id }))
        }
        Job::Hashtag if only(&["name", "user_id", "id"]) => {
            let id = match fields.get("id") {
                None => None,
                Some(id) => Some(HashtagId::new(id.as_str()?)?),
            };
            Some(TopicSelector::Hashtag(Hashtag { name: HashtagName::new(text("name")?)?, user_id, id }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
