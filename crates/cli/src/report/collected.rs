//! Adds up the runs to the figures of the page. Pure: the runs are added model by model, in the order of
//! their times, and their responses count in the order of their moments.

use std::collections::{BTreeMap, HashSet};

use crate::stored::quality::{Count, Figures};
use crate::stored::{Record, Snapshot};
use collector::record::Model;

use super::days::Grid;
use super::followers::Point;
use super::hashtags::Hashtags;
use super::house::Houses;
use super::page::{Page, Parts, Source};
use super::posts::{Posts, Seen};
use super::responses::{Response, Waiting};
use super::run::Run;
use super::runs::{Failures, Jobs, LateRuns, Skipped, Slots};

/// The meanings of the like counts stored, by house and moment.
#[derive(Debug, Default)]
pub(super) struct Likes {
    pub(super) records: Grid,
    /// A real 0.
    pub(super) zero: Grid,
    /// A count that its owner hides.
    pub(super) hidden: Grid,
    /// A count that was defaulted for another reason.
    pub(super) unusable: Grid,
    /// A 0 of which no quality object says whether it was counted.
    pub(super) unknown: Grid,
}

impl Likes {
    fn count(&mut self, house: usize, at: i64, likes: Count) {
        self.records.add(house, at, 1);
        let grid = match likes {
            Count::Counted(0) => &mut self.zero,
            Count::Hidden => &mut self.hidden,
            Count::Unusable => &mut self.unusable,
            Count::Unknown => &mut self.unknown,
            Count::Counted(_) => return,
        };
        grid.add(house, at, 1);
    }
}

/// Counts by model, field (empty for a record that was left out), reason and time of the run.
pub(super) type Reasons = BTreeMap<(Model, String, String, i64), usize>;

/// The figures of the runs so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    houses: Houses,
    slots: Slots,
    waiting: Waiting,
    followers: BTreeMap<usize, Vec<Point>>,
    posts: Posts,
    hashtags: Hashtags,
    likes_gained: Grid,
    comments_gained: Grid,
    likes: BTreeMap<Model, Likes>,
    reasons: Reasons,
    jobs: Jobs,
    failures: Failures,
    late: LateRuns,
    skipped: Vec<Skipped>,
    source: Source,
    /// The first and the last moment of a response or a run, in seconds since 1970.
    times: Option<(i64, i64)>,
}

impl Collected {
    /// Figures of no run yet. The houses of the configuration are known.
    pub(super) fn new(houses: Houses, slots: Slots) -> Self {
        Self { houses, slots, ..Self::default() }
    }

    /// Notes a file that was skipped, and why.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
    }

    /// Adds a run. The runs of a model are added in the order of their times.
    pub(super) fn add(&mut self, run: Run) {
        let Run { model, time, snapshot } = run;
        let Snapshot { records, topics, quality, unknown, skipped, files, bytes } = snapshot;
        self.source.files += files;
        self.source.bytes += bytes;
        self.skipped.extend(skipped);
        self.source.records += records.len();
        self.source.unknown += unknown;
        self.source.newest = self.source.newest.max(time);
        self.source.made_up |= quality.iter().any(|quality| quality.sandbox);
        for response in self.waiting.before(model, time) {
            self.respond(response);
        }
        let responses = Response::of(model, time, self.slots.end(model, time), records);
        // A run whose responses are all late is a missing one.
        let is_missing = !responses.is_empty() && responses.iter().all(|response| response.late);
        self.span(time);
        self.jobs.add(job(model), time, is_missing, &topics);
        for quality in &quality {
            for (field, reason, n) in quality.defaulted_counts() {
                *self.reasons.entry((model, field.to_owned(), reason.to_owned(), time)).or_default() += n;
            }
            for rejected in &quality.rejected {
                *self.reasons.entry((model, String::new(), rejected.reason.clone(), time)).or_default() += 1;
            }
        }
        self.failures.add(job(model), time, &topics);
        responses.into_iter().for_each(|response| self.waiting.add(response));
    }

    fn span(&mut self, time: i64) {
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
    }

    /// Adds a response. The responses of a model are added in the order of their moments.
    fn respond(&mut self, response: Response) {
        let Response { model, time, at, late, user_id, records } = response;
        let (house, seconds) = (self.houses.index(&user_id), at.div_euclid(1_000));
        self.span(seconds);
        if late {
            self.late.add(job(model), time, seconds, house);
        }
        if model == Model::Brand {
            return self.add_profiles(house, at, &records);
        }
        // Two hashtags of a house may have the same post. It counts once.
        let mut ids = HashSet::new();
        let likes = self.likes.entry(model).or_default();
        let posts = records.into_iter().filter(|(record, _)| ids.insert(record.media_id.clone()));
        let posts: Vec<_> = posts
            .map(|(record, figures)| {
                likes.count(house, seconds, figures.likes);
                (record, Seen { likes: figures.likes, comments: figures.comments })
            })
            .collect();
        if model == Model::MediaHashtag {
            return self.hashtags.add(house, seconds, posts);
        }
        let gained = self.posts.add(house, at, posts);
        for (grid, n) in [(&mut self.likes_gained, gained.likes), (&mut self.comments_gained, gained.comments)] {
            n.into_iter().for_each(|n| grid.add(house, seconds, n));
        }
    }

    fn add_profiles(&mut self, house: usize, at: i64, records: &[(Record, Figures)]) {
        for (record, figures) in records {
            self.houses.set_profile(house, &record.user_name, &record.name);
            let followers = figures.followers.counted();
            self.followers.entry(house).or_default().extend(followers.map(|followers| Point { at, followers }));
        }
    }

    /// The data of the page. `place` is the origin of the runs.
    pub(super) fn finish(mut self, place: &str, made: i64) -> Page {
        for response in self.waiting.rest() {
            self.respond(response);
        }
        let voice = self.hashtags.finish(self.posts.owners());
        let (posts, posts_unlisted) = self.posts.finish(&self.followers);
        let (first, last) = self.times.unwrap_or((made, made));
        Page::new(Parts {
            source: Source { place: place.to_owned(), made, oldest: first, ..self.source },
            times: first..=last,
            houses: self.houses.finish(),
            followers: self.followers,
            likes_gained: self.likes_gained,
            comments_gained: self.comments_gained,
            voice,
            posts,
            posts_unlisted,
            likes: self.likes,
            reasons: self.reasons,
            jobs: self.jobs,
            failures: self.failures,
            late: self.late,
            skipped: self.skipped,
        })
    }
}

const fn job(model: Model) -> &'static str {
    if matches!(model, Model::MediaHashtag) { "hashtag" } else { "brand_media" }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::stored::{self, Kind, Object};
    use collector::config::Config;

    type Body = Result<Vec<u8>, String>;

    /// A run, read from what each of its objects holds.
    fn run(model: Model, time: i64, objects: Vec<(Kind, Body)>) -> Run {
        let config = Config::parse(include_bytes!("../../../../configure.ini"), "configure.ini").unwrap();
        let object = |(kind, body): (Kind, Body)| {
            let (key, part) = (format!("{kind:?}"), String::new());
            (Object { key, kind, model, time: chrono::DateTime::UNIX_EPOCH, part }, body.map(stored::Body::Json))
        };
        let time = chrono::DateTime::from_timestamp(time, 0).unwrap();
        Run::read(&config, model, time, objects.into_iter().map(object).collect())
    }

    /// The page's data for runs, each given by its model, minute, records and quality object.
    fn page(runs: &[(Model, i64, Value, Option<Value>)]) -> Value {
        let slots = Slots::of(runs.iter().map(|(model, minute, ..)| (*model, minute * 60)));
        let mut collected = Collected::new(Houses::default(), slots);
        for (model, minute, records, quality) in runs {
            let mut objects = vec![(Kind::Records, Ok(records.to_string().into()))];
            objects.extend(quality.iter().map(|quality| (Kind::Quality, Ok(quality.to_string().into()))));
            collected.add(run(*model, minute * 60, objects));
        }
        serde_json::to_value(collected.finish("here", 0)).unwrap()
    }

    fn media(id: &str, likes: i64) -> Value {
        json!({"user_id": "7", "media_id": id, "timestamp": "2026-11-24T01:00:00+0000", "like_count": likes, "comments_count": 1})
    }

    #[test]
    fn a_defaulted_count_of_followers_is_unknown() {
        let profile = |n: i64| json!([{"user_id": "7", "user_name": "loewe", "name": "LOEWE", "followers_count": n}]);
        let quality = json!({"defaulted": {"followers_count": {"not found field": [{"id": "7"}]}}});
        let page = page(&[
            (Model::Brand, 0, profile(10), None),
            (Model::Brand, 60, profile(0), Some(quality)),
            (Model::Brand, 1_440, profile(0), None),
            (Model::Brand, 1_500, profile(12), Some(json!({}))),
        ]);
        assert_eq!(page["followers"]["count"], json!([[10, 12]]));
        assert_eq!(page["followers"]["gained"], json!([[null, null]]));
        assert_eq!(
            (&page["followers"]["gained_raw"], &page["followers"]["runs"]),
            (&json!([[0, 2]]), &json!([[1, 1]]))
        );
        assert_eq!(page["houses"][0], json!({"user_id": "7", "label": "LOEWE", "account": "loewe"}));
        assert_eq!(page["days"], json!(["1970-01-01", "1970-01-02"]));
        assert_eq!(page["collector"]["defaulted"], json!([["brand", "followers_count", "not found field", 0, 1]]));
    }

    /// What a quality object says of when a topic was asked.
    fn asked(minute: i64, records: usize) -> Value {
        let at = chrono::DateTime::from_timestamp(minute * 60 + 2, 0).unwrap().to_rfc3339();
        json!({"counts": {"records": records}, "topics": [{"topic": "loewe", "user_id": "7", "records": records, "asked_at": at}]})
    }

    #[test]
    fn a_late_repair_counts_when_it_was_asked_and_its_run_is_missing() {
        let runs: Vec<_> = (0..6)
            .map(|hour| {
                let minute = if hour == 2 { 270 } else { hour * 60 };
                (Model::Media, hour * 60, json!([media("1", 10 * minute / 60)]), Some(asked(minute, 1)))
            })
            .collect();
        let page = page(&runs);
        assert_eq!(page["series"]["step"], 3_600);
        assert_eq!(page["series"]["likes_gained"], json!([[null, 10, null, 20, 15, 5]]));
        assert_eq!(page["collector"]["jobs"][0]["gaps"], json!([{"after": 3600, "before": 10800, "missing": 1}]));
        assert_eq!(page["collector"]["jobs"][0]["runs"], json!([5]));
        assert_eq!(
            page["collector"]["late"],
            json!([{"job": "brand_media", "time": 7200, "asked": 16202, "houses": [0]}])
        );
    }

    #[test]
    fn hidden_likes_are_counted_apart_from_zeros_and_gain_nothing() {
        let quality =
            json!({"defaulted": {"like_count": {"not found field": [{"id": "1"}], "wrong type": [{"id": "4"}]}}});
        let run = |likes: i64| json!([media("1", 0), media("2", 0), media("3", likes), media("4", 0)]);
        let page = page(&[(Model::Media, 0, run(5), Some(quality.clone())), (Model::Media, 60, run(9), Some(quality))]);
        let of = |measure: &str| page["collector"]["likes"]["media"][measure][0].clone();
        let measures = ["records", "hidden", "zero", "unusable", "unknown"];
        assert_eq!(measures.map(of), [json!([8]), json!([2]), json!([2]), json!([2]), json!([null])]);
        assert_eq!(page["series"]["likes_gained"], json!([[null, 4]]));
        let posts = page["posts"].as_array().unwrap();
        assert_eq!(posts.iter().filter(|p| p["hidden"] == true && p.get("likes").is_none()).count(), 1);
    }

    #[test]
    fn a_broken_file_is_reported_and_the_rest_of_its_run_counts() {
        let objects = vec![
            (Kind::Records, Ok(b"[{".to_vec())),
            (Kind::Records, Ok(json!([media("1", 0)]).to_string().into())),
            (Kind::Quality, Err("permission denied".into())),
        ];
        let mut collected = Collected::default();
        collected.add(run(Model::Media, 0, objects));
        let page = serde_json::to_value(collected.finish("here", 0)).unwrap();
        assert_eq!(page["collector"]["skipped"][1], json!({"key": "Quality", "reason": "permission denied"}));
        assert_eq!(page["source"]["records"], 1);
        // Without the quality object a 0 may stand for a hidden figure, so it is not reported as counted.
        assert_eq!(page["collector"]["likes"]["media"]["unknown"], json!([[1]]));
        assert_eq!((&page["source"]["unknown"], &page["source"]["newest"]), (&json!(1), &json!(0)));
    }

    #[test]
    fn failures_and_missing_runs_are_reported() {
        let failed = json!({"failed_topics": [{"topic": "dior", "kind": "permission", "code": 10, "message": "no"}]});
        let page = page(&[
            (Model::Brand, 0, json!([]), Some(failed.clone())),
            (Model::Brand, 60, json!([]), None),
            (Model::Brand, 240, json!([]), None),
            (Model::Brand, 300, json!([]), None),
            (Model::Media, 0, json!([]), Some(failed)),
        ]);
        let collector = &page["collector"];
        assert_eq!(collector["failures"].as_array().unwrap().len(), 1);
        assert_eq!(collector["jobs"][0]["gaps"], json!([{"after": 3600, "before": 14400, "missing": 2}]));
        assert_eq!((&collector["jobs"][0]["expected"], &collector["jobs"][0]["collected"]), (&json!([1]), &json!([0])));
    }

    #[test]
    fn the_figures_are_those_of_the_last_whole_days_next_to_the_same_number_before() {
        let mut collected = Collected::default();
        let hours = 24 * 15;
        for hour in 0..hours {
            // Two levels; 10 followers an hour, and 20 in the last 7 days.
            let true_count = 1_000_000 + 10 * hour + 10 * (hour - 24 * 8).max(0);
            let count = true_count + if hour % 3 == 0 { 5_000 } else { 0 };
            let profile = json!([{"user_id": "7", "user_name": "loewe", "followers_count": count}]);
            collected.add(run(Model::Brand, hour * 3_600, vec![(Kind::Records, Ok(profile.to_string().into()))]));
        }
        let page = collected.finish("here", 0);
        let figures = serde_json::to_value(page.figures()).unwrap();
        assert_eq!(figures["period"], json!({"from": "1970-01-09", "to": "1970-01-15", "days": 7}));
        assert_eq!(figures["before"], json!({"from": "1970-01-02", "to": "1970-01-08", "days": 7}));
        let house = &figures["houses"][0];
        assert_eq!(house["before"]["gained"], 1_680);
        assert_eq!((&house["period"]["days_with_gain"], &house["period"]["likes_gained"]), (&json!(7), &json!(null)));
        // The growth of the first hour belongs to the slower rate.
        assert!((3_330..=3_360).contains(&house["period"]["gained"].as_i64().unwrap()), "{house}");
    }
}
