//! The locations of objects in `[common]`, and the keys that a run fills into them.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;
use strum::VariantArray;

use crate::record::Model;
use crate::topic::{Job, id};

use super::document::{IniDocument, misread};
use super::limits::Limits;

/// The locations, and the time formats that fill them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    ymd: String,
    datetime: String,
    brand: String,
    media: String,
    media_hashtag: String,
    pub(super) responses: Option<String>,
}

id! {
    /// The key of an object: names separated by `/`. It is relative and has no `..`.
    ObjectKey
}

/// What a run's keys are made from. A repeated run has the same keys and so replaces its objects.
#[derive(Debug, Clone, Copy)]
pub struct RunName<'a> {
    /// The scheduled time, or the start.
    pub time: DateTime<Utc>,
    /// The part of the run: `Event::part`.
    pub part: Option<&'a str>,
}

/// The keys in `[common]` of the models' locations, in the order of [`Model::ALL`].
const LOCATION_KEYS: [&str; 3] = ["profiles_location", "media_location", "hashtags_location"];
/// The object of the open problems, which the webhook has reported.
const NOTICES: &str = "notices.json";
const SUMMARY: &str = "summary/{job}_{ymd}/{job}_{datetime}.json";

const QUALITY: &str = "quality/{model}_{ymd}/{model}_{datetime}.json";
/// Outside of the prefixes that are loaded. A run that lost topics stores here if an object exists already.
const PARTIAL: &str = "partial/{model}_{ymd}/{model}_{datetime}.json";
const PARTIAL_RESPONSES: &str = "partial/answers/{job}_{ymd}/{job}_{datetime}.jsonl.gz";
const PARTIAL_QUALITY: &str = "partial/quality/{model}_{ymd}/{model}_{datetime}.json";

impl Locations {
    pub(super) fn resolve(document: &mut IniDocument) -> Self {
        let ymd = format(document, "ymd");
        let datetime = format(document, "datetime");
        let [brand, media, media_hashtag] = LOCATION_KEYS.map(|key| location(document, key));
        Self { ymd, datetime, brand, media, media_hashtag, responses: None }
    }

    /// Reports locations under which another object, or a later run, would get the same keys.
    pub(super) fn check(&self, document: &mut IniDocument, limits: &Limits) {
        if self.ymd.is_empty() || self.datetime.is_empty() {
            return;
        }
        self.check_shared(document);
        let runs_of = |model| match model {
            Model::Brand | Model::Media => limits.brand_media_runs_per_hour,
            Model::MediaHashtag => limits.hashtag_runs_per_hour,
        };
        let of_model = |(model, key)| (key, runs_of(model), self.pattern(model).to_owned());
        let of_models = Model::ALL.into_iter().zip(LOCATION_KEYS).map(of_model);
        for (key, runs, pattern) in of_models.chain(self.responses_to_check(limits)) {
            if !pattern.contains("{datetime}") {
                continue;
            }
            let start = DateTime::UNIX_EPOCH;
            let name = |time| self.fill(&pattern, RunName { time, part: None });
            let length = name(start).as_str().len();
            if length > MAX_KEY_BYTES - RESERVED_KEY_BYTES {
                let most = MAX_KEY_BYTES - RESERVED_KEY_BYTES;
                document.fault("common", key, format!("its keys have {length} bytes, at most {most} expected"));
                continue;
            }
            let later = [
                (TimeDelta::hours(1) / i32::try_from(runs).expect("at most 60"), "the next run"),
                (TimeDelta::hours(12), "a run twelve hours later"),
                (TimeDelta::days(1), "a run a day later"),
                (TimeDelta::days(31), "a run a month later"),
                (TimeDelta::days(365), "a run a year later"),
            ];
            if let Some((_, who)) = later.into_iter().find(|(delta, _)| name(start + *delta) == name(start)) {
                let problem =
                    format!("{who} replaces a run's object ({}): ymd and datetime are not precise enough", name(start));
                document.notice("common", key, problem);
            }
        }
    }

    /// Reports two locations that give the same keys.
    fn check_shared(&self, document: &mut IniDocument) {
        let run = RunName { time: DateTime::UNIX_EPOCH, part: None };
        let of_models = Model::ALL.into_iter().zip(LOCATION_KEYS).map(|(model, key)| (key, self.raw(model, run)));
        let of_responses = Job::VARIANTS.iter().filter_map(|job| Some((RESPONSES_KEY, self.responses(*job, run)?)));
        let mut taken: IndexMap<ObjectKey, &str> = IndexMap::new();
        for (key, object) in of_models.chain(of_responses).filter(|(_, object)| !object.as_str().is_empty()) {
            match taken.get(&object) {
                None => drop(taken.insert(object, key)),
                Some(other) => {
                    let problem = format!("the same location as {other}; one object would replace the other");
                    document.fault("common", key, problem);
                }
            }
        }
    }

    /// A model's location as written, with `{ymd}` and `{datetime}` in it.
    pub fn pattern(&self, model: Model) -> &str {
        match model {
            Model::Brand => &self.brand,
            Model::Media => &self.media,
            Model::MediaHashtag => &self.media_hashtag,
        }
    }

    /// `[common] ymd`.
    pub fn ymd(&self) -> &str {
        &self.ymd
    }

    /// `[common] datetime`.
    pub fn datetime(&self) -> &str {
        &self.datetime
    }

    /// The key of the object that `luxury-brands check` writes to test the bucket. It is always the same one. The
    /// function's role may write it, and no load of records lists it.
    pub fn probe() -> ObjectKey {
        ObjectKey("quality/check/check.json".to_owned())
    }

    /// The key of the open problems.
    pub fn notices() -> ObjectKey {
        ObjectKey(NOTICES.to_owned())
    }

    /// The key of a model's records.
    pub fn raw(&self, model: Model, run: RunName<'_>) -> ObjectKey {
        self.fill(self.pattern(model), run)
    }

    /// The key of a model's quality object.
    pub fn quality(&self, model: Model, run: RunName<'_>) -> ObjectKey {
        self.fill(&QUALITY.replace("{model}", model.name()), run)
    }

    /// The location of quality objects, with `{model}`, `{ymd}` and `{datetime}` in it.
    pub const fn quality_pattern() -> &'static str {
        QUALITY
    }

    /// The location of the records of runs that lost topics, with `{model}`, `{ymd}` and `{datetime}` in it.
    pub const fn partial_pattern() -> &'static str {
        PARTIAL
    }

    /// The location of the quality objects of [`partial_pattern`](Self::partial_pattern).
    pub const fn partial_quality_pattern() -> &'static str {
        PARTIAL_QUALITY
    }

    /// The key of a model's records if an earlier run's object keeps the usual key.
    pub fn partial(&self, model: Model, run: RunName<'_>) -> ObjectKey {
        self.fill(&PARTIAL.replace("{model}", model.name()), run)
    }

    /// The key of the quality object of [`partial`](Self::partial).
    pub fn partial_quality(&self, model: Model, run: RunName<'_>) -> ObjectKey {
        self.fill(&PARTIAL_QUALITY.replace("{model}", model.name()), run)
    }

    /// The key of the summary of a job's run over all its shards.
    pub fn summary(&self, job: Job, time: DateTime<Utc>) -> ObjectKey {
        self.fill(&SUMMARY.replace("{job}", job.name()), RunName { time, part: None })
    }

    /// The key of a job's responses; `None` if they are not kept.
    pub fn responses(&self, job: Job, run: RunName<'_>) -> Option<ObjectKey> {
        Some(self.fill(&self.responses.as_ref()?.replace("{job}", job.name()), run))
    }

    /// The key of a job's responses if an earlier run's object stays in their place.
    pub fn partial_responses(&self, job: Job, run: RunName<'_>) -> ObjectKey {
        self.fill(&PARTIAL_RESPONSES.replace("{job}", job.name()), run)
    }

    /// The location of kept responses with the runs per hour of the job that runs more often, for the checks of its
    /// keys.
    fn responses_to_check(&self, limits: &Limits) -> Option<(&'static str, u32, String)> {
        let runs = limits.hashtag_runs_per_hour.max(limits.brand_media_runs_per_hour);
        Some((RESPONSES_KEY, runs, self.responses.as_ref()?.replace("{job}", Job::BrandMedia.name())))
    }

    /// Whether the API's responses are kept.
    pub fn keeps_responses(&self) -> bool {
        self.responses.is_some()
    }

    fn fill(&self, pattern: &str, run: RunName<'_>) -> ObjectKey {
        let stamp = |format: &str| run.time.format(format).to_string();
        let key = pattern.replace("{ymd}", &stamp(&self.ymd)).replace("{datetime}", &stamp(&self.datetime));
        let Some(part) = run.part else { return ObjectKey(key) };
        let ending = [".json", RESPONSES_ENDING].into_iter().find(|ending| key.ends_with(ending)).unwrap_or_default();
        let stem = key.strip_suffix(ending).unwrap_or(&key);
        ObjectKey(format!("{stem}_{part}{ending}"))
    }
}

/// The key in `[common]` of the location of kept responses.
pub(super) const RESPONSES_KEY: &str = "answers_location";

/// The ending of that location. Readers of compressed files rely on it.
pub(super) const RESPONSES_ENDING: &str = ".jsonl.gz";

/// The folders of [`QUALITY`], [`PARTIAL`] and [`SUMMARY`], and the object [`NOTICES`].
const OWN_FOLDERS: [&str; 4] = ["quality/", "partial/", "summary/", "notices.json/"];

/// The longest key of an S3 object, in bytes.
const MAX_KEY_BYTES: usize = 1_024;

/// The part of it that is reserved for `_<shard>` or `_part-<hex>`.
const RESERVED_KEY_BYTES: usize = 64;

fn format(document: &mut IniDocument, key: &str) -> String {
    let format = document.required("common", key);
    if let Some(problem) = misread(&format) {
        document.fault("common", key, format!("{format:?} given, and {problem}"));
        return String::new();
    }
    let bad = StrftimeItems::new(&format).any(|item| matches!(item, Item::Error));
    let odd = |c: char| matches!(c, '/' | '\\' | '{' | '}') || c.is_control();
    // The output of `%D` has slashes, which the format itself does not show.
    if bad
        || (!format.is_empty() && !format.contains('%'))
        || DateTime::UNIX_EPOCH.format(&format).to_string().contains(odd)
    {
        document.fault("common", key, format!("{format:?} given, a time format like %Y-%m-%d without / expected"));
        return String::new();
    }
    format
}

fn location(document: &mut IniDocument, key: &str) -> String {
    let location = document.required("common", key);
    if location.is_empty() { location } else { checked(document, key, &location) }
}

/// The location that is given for a key; empty if it is too long.
pub(super) fn checked(document: &mut IniDocument, key: &str, location: &str) -> String {
    let mut fault = |problem: String| document.fault("common", key, problem);
    if location.len() > MAX_KEY_BYTES {
        fault(format!("{location:?} given, at most {MAX_KEY_BYTES} bytes expected: S3 takes no longer key"));
        return String::new();
    }
    if let Some(problem) = misread(location) {
        fault(format!("{location:?} given, and {problem}"));
        return String::new();
    }
    // Any other % is part of the key.
    if location.split('%').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())) {
        fault(format!(
            "{location:?} given, and time formats are not replaced: write {{ymd}} and {{datetime}}, which the keys ymd and datetime define"
        ));
    }
    if let Some(folder) = OWN_FOLDERS.into_iter().find(|folder| location.starts_with(folder)) {
        fault(format!("{location:?} given, and {folder} is for the collector's other objects: choose another folder"));
    }
    if !location.contains("{datetime}") {
        fault(format!("{location:?} has no {{datetime}}; each run would replace the last one's object"));
    }
    let rest = location.replace("{ymd}", "").replace("{datetime}", "");
    if rest.contains(['{', '}']) {
        fault(format!("{location:?} holds a placeholder other than {{ymd}} and {{datetime}}"));
    }
    let bad_part = |part: &str| matches!(part, "" | "." | "..");
    if location.split('/').any(bad_part) || location.contains(|c: char| c == '\\' || c.is_control()) {
        fault(format!("{location:?} given, a relative key like raw/brand_{{ymd}}/brand_{{datetime}}.json expected"));
    }
    location.to_owned()
}
