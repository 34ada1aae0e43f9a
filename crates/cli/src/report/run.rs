//! A run of a model, read from its objects: its shards, and the parts that repair it.

use std::collections::{BTreeMap, HashSet};

use crate::stored::quality::{self, Defaults, Figures, Quality};
use crate::stored::{Kind, Object, Record, records};
use collector::config::Config;
use collector::record::{Mapping, Model};

use super::runs::Skipped;

/// What a run of a model collected, each record with the meanings of its figures.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) model: Model,
    /// The time of the run, in seconds since 1970.
    pub(super) time: i64,
    pub(super) records: Vec<(Record, Figures)>,
    pub(super) quality: Vec<Quality>,
    /// The number of objects of records for which no quality object lists the defaults.
    pub(super) unknown: usize,
    /// The files that could not be read.
    pub(super) skipped: Vec<Skipped>,
    pub(super) files: usize,
    pub(super) bytes: usize,
}

/// The order of a run's parts: repairs last, since they are newer; otherwise by their names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    is_repair: bool,
    part: String,
}

/// The records and the quality objects of one part of a run.
#[derive(Debug, Default)]
struct Part {
    records: Vec<Record>,
    quality: Vec<Quality>,
}

impl Run {
    /// Reads the objects of a run. One with any error is skipped as a whole.
    pub(super) fn read(
        config: &Config,
        model: Model,
        time: i64,
        objects: Vec<(Object, Result<Vec<u8>, String>)>,
    ) -> Self {
        let (records, quality, skipped) = (Vec::new(), Vec::new(), Vec::new());
        let mut run = Self { model, time, records, quality, unknown: 0, skipped, files: 0, bytes: 0 };
        let mut parts = BTreeMap::new();
        for (object, body) in objects {
            match body.and_then(|body| take(config.mapping(model), &object, &body, &mut parts).map(|()| body.len())) {
                Ok(bytes) => {
                    run.files += 1;
                    run.bytes += bytes;
                }
                Err(reason) => run.skipped.push(Skipped { key: object.key, reason }),
            }
        }
        run.merge(config.mapping(model), parts);
        run
    }

    /// Merges the parts. The records and topics of a repair replace those of the parts before it.
    fn merge(&mut self, mapping: &Mapping, parts: BTreeMap<Place, Part>) {
        let (mut repaired, mut merged) = (Repaired::default(), Vec::new());
        for (Place { is_repair, .. }, mut part) in parts.into_iter().rev() {
            let defaults = Defaults::of(mapping, &part.quality);
            if !repaired.records.is_empty() {
                part.records.retain(|record| !repaired.records.contains(&identity(record)));
            }
            part.quality.iter_mut().for_each(|quality| quality.forget(&repaired.ids, &repaired.topics));
            if is_repair {
                repaired.add(self.model, &part);
            }
            merged.push((part, defaults));
        }
        for (Part { records, quality }, defaults) in merged.into_iter().rev() {
            self.unknown += usize::from(!records.is_empty() && !defaults.known());
            self.records.extend(records.into_iter().map(|record| {
                let figures = defaults.figures(&record);
                (record, figures)
            }));
            self.quality.extend(quality);
        }
    }
}

/// Adds an object to its part of a run.
///
/// # Errors
/// If it could not be parsed, as text for a person.
fn take(mapping: &Mapping, object: &Object, body: &[u8], parts: &mut BTreeMap<Place, Part>) -> Result<(), String> {
    let place = Place { is_repair: object.is_repair(), part: object.part.clone() };
    match object.kind {
        Kind::Records => {
            let records = records(mapping, body)?;
            parts.entry(place).or_default().records.extend(records);
        }
        Kind::Quality => {
            let quality = quality::quality(body)?;
            parts.entry(place).or_default().quality.push(quality);
        }
    }
    Ok(())
}

/// The records and topics of the later parts.
#[derive(Debug, Default)]
struct Repaired {
    records: HashSet<(String, String)>,
    /// The ids of these records, which quality objects use.
    ids: HashSet<String>,
    topics: HashSet<String>,
}

impl Repaired {
    fn add(&mut self, model: Model, part: &Part) {
        self.records.extend(part.records.iter().map(identity));
        self.ids.extend(part.records.iter().map(|record| record.id(model).to_owned()));
        self.topics.extend(part.quality.iter().flat_map(|quality| &quality.topics).map(|run| run.topic.clone()));
    }
}

/// The identity of a record. A post under the hashtags of two houses is a record of each.
fn identity(record: &Record) -> (String, String) {
    (record.user_id.clone(), record.media_id.clone())
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::{Value, json};

    use super::*;
    use crate::stored::quality::Count;

    /// A run of objects, each given by what it holds and its part.
    fn run(model: Model, objects: &[(&str, Value)]) -> Run {
        let config = Config::parse(include_bytes!("../../../../configure.ini"), "configure.ini").unwrap();
        let object = |(name, body): &(&str, Value)| {
            let (kind, part) = name.split_once(' ').unwrap();
            let kind = if kind == "raw" { Kind::Records } else { Kind::Quality };
            let part = part.trim_start_matches('_').to_owned();
            (Object { key: String::new(), kind, model, time: Utc::now(), part }, Ok(body.to_string().into()))
        };
        let run = Run::read(&config, model, 0, objects.iter().map(object).collect());
        assert!(run.skipped.is_empty() && run.files == objects.len());
        run
    }

    fn media(user_id: &str, id: &str, likes: i64) -> Value {
        json!({"user_id": user_id, "media_id": id, "like_count": likes})
    }

    fn likes(run: &Run) -> Vec<(&str, Option<i64>)> {
        run.records.iter().map(|(record, _)| (record.media_id.as_str(), record.like_count)).collect()
    }

    #[test]
    fn shards_and_parts_of_a_time_are_one_run() {
        let run = run(
            Model::Media,
            &[
                ("raw _s-1", json!([media("1", "10", 1)])),
                ("raw _s-2", json!([media("2", "20", 2)])),
                ("raw _part-0a", json!([media("3", "30", 3)])),
            ],
        );
        assert_eq!(likes(&run), [("10", Some(1)), ("20", Some(2)), ("30", Some(3))]);
    }

    #[test]
    fn a_record_of_a_part_takes_the_place_of_the_one_before_it() {
        let run = run(
            Model::Media,
            &[
                ("raw _part-0b", json!([media("1", "11", 7)])),
                ("raw _zz", json!([media("1", "10", 1)])),
                ("raw _part-0a", json!([media("1", "11", 5), media("1", "10", 6)])),
                ("raw ", json!([media("1", "11", 2), media("1", "12", 3)])),
            ],
        );
        // The last part by name replaces the first one, and both replace the run and its shards.
        assert_eq!(likes(&run), [("12", Some(3)), ("10", Some(6)), ("11", Some(7))]);
    }

    #[test]
    fn a_post_under_the_hashtags_of_two_houses_stays_a_record_of_both() {
        let run = run(
            Model::MediaHashtag,
            &[
                ("raw ", json!([media("1", "10", 1), media("2", "10", 1)])),
                ("raw _part-0a", json!([media("1", "10", 4)])),
            ],
        );
        assert_eq!(likes(&run), [("10", Some(1)), ("10", Some(4))]);
    }

    #[test]
    fn a_repair_replaces_the_failures_and_defaults_of_its_topic() {
        let failed = |topic: &str| json!({"topic": topic, "kind": "transient"});
        let hidden = |ids: &[&str]| json!({"like_count": {"not found field": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()}});
        let whole = json!({"failed_topics": [failed("gucci"), failed("dior")],
            "rejected": [{"topic": "ysl", "reason": "a"}, {"topic": "prada", "reason": "b"}], "defaulted": hidden(&["10", "12"])});
        let part = json!({"topics": ["gucci", "ysl"], "failed_topics": [], "rejected": [{"topic": "ysl", "reason": "c"}], "defaulted": hidden(&["11"])});
        let objects = [
            ("raw ", json!([media("1", "10", 0), media("1", "12", 0)])),
            ("quality ", whole),
            ("raw _part-0a", json!([media("1", "10", 4), media("1", "11", 0)])),
            ("quality _part-0a", part),
        ];
        let merged = run(Model::Media, &objects);
        let failed = merged.quality.iter().flat_map(|q| &q.topics).filter(|run| run.failure.is_some());
        let topics: Vec<_> = failed.map(|run| run.topic.as_str()).collect();
        let reasons: Vec<_> = merged.quality.iter().flat_map(|q| &q.rejected).map(|r| r.reason.as_str()).collect();
        let defaulted: Vec<_> = merged.quality.iter().flat_map(Quality::defaulted_counts).map(|(.., n)| n).collect();
        assert_eq!((topics, reasons, defaulted), (vec!["dior"], vec!["b", "c"], vec![1, 1]));
    }

    #[test]
    fn a_topic_that_failed_again_in_a_repair_is_listed_once() {
        let failed = |kind: &str| json!([{"topic": "gucci", "kind": kind}]);
        let objects = [
            ("quality ", json!({"failed_topics": failed("transient")})),
            ("quality _part-0a", json!({"topics": ["gucci"], "failed_topics": failed("not_there")})),
        ];
        let merged = run(Model::Media, &objects);
        let failures = merged.quality.iter().flat_map(|q| &q.topics).filter_map(|run| run.failure.as_ref());
        let kinds: Vec<_> = failures.map(|failure| failure.kind.as_str()).collect();
        assert_eq!(kinds, ["not_there"]);
    }

    #[test]
    fn a_quality_object_lists_the_defaults_of_its_own_part() {
        let hidden = json!({"defaulted": {"like_count": {"not found field": [{"id": "10"}]}}});
        let objects = [
            ("raw _s-1", json!([media("1", "10", 0), media("1", "11", 0)])),
            ("quality _s-1", hidden),
            ("raw _s-2", json!([media("2", "20", 0), media("2", "21", 3)])),
        ];
        let merged = run(Model::Media, &objects);
        let likes: Vec<_> = merged.records.iter().map(|(_, figures)| figures.likes).collect();
        assert_eq!(likes, [Count::Hidden, Count::Counted(0), Count::Unknown, Count::Counted(3)]);
        assert_eq!(merged.unknown, 1);
    }

    #[test]
    fn a_profile_is_known_by_its_account() {
        let profile = |n: i64| json!([{"user_id": "1", "followers_count": n}]);
        let merged = run(Model::Brand, &[("raw ", profile(1)), ("raw _part-0a", profile(2))]);
        assert_eq!(merged.records.iter().map(|(r, _)| r.followers_count).collect::<Vec<_>>(), [Some(2)]);
    }
}
