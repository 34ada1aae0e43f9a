//! Adds up the runs to the figures of the page. Pure: the runs are added model by model, in the order of
//! their times, and their responses count in the order of their moments.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::stored::quality::{Count, Figures};
use crate::stored::{Record, Snapshot, seconds};
use collector::record::Model;

use super::hashtags::Hashtags;
use super::house::Houses;
use super::page::{Page, Parts, Source};
use super::posts::{Posts, Seen};
use super::responses::{Response, Waiting};
use super::run::Run;
use super::runs::{Failures, LateRuns, Skipped, Slots};
use super::table::{Column, Measure, Table};

/// The figures of the runs so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) houses: Houses,
    slots: Slots,
    waiting: Waiting,
    tables: BTreeMap<Model, Table>,
    posts: Posts,
    hashtags: Hashtags,
    failures: Failures,
    late: LateRuns,
    skipped: Vec<Skipped>,
    source: Source,
}

/// A figure's columns for its zero, unusable and unknown values.
type Worth = [Measure; 3];

const LIKES: Worth = [Measure::LikesZero, Measure::LikesUnusable, Measure::LikesUnknown];
const COMMENTS: Worth = [Measure::CommentsZero, Measure::CommentsUnusable, Measure::CommentsUnknown];

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
        let mut responses = Response::of(model, time, self.slots.end(model, time), records);
        // A run whose responses are all late is a missing one.
        let is_missing = !responses.is_empty() && responses.iter().all(Response::is_late);
        if !is_missing {
            self.tables.entry(model).or_default().begin(time, 1);
        }
        let mut notes = Vec::new();
        for quality in &quality {
            for (field, reason, n) in quality.defaulted_counts() {
                notes.push((Column::Defaulted(field.to_owned(), reason.to_owned()), whole(n)));
            }
            notes.extend(quality.rejected.iter().map(|rejected| (Column::Rejected(rejected.reason.clone()), 1)));
        }
        self.failures.add(job(model), time, &topics);
        match responses.first_mut().filter(|_| is_missing) {
            Some(response) => response.notes = notes,
            None => self.note(model, time, notes),
        }
        responses.into_iter().for_each(|response| self.waiting.add(response));
    }

    fn note(&mut self, model: Model, row: i64, notes: Vec<(Column, i64)>) {
        let table = self.tables.entry(model).or_default();
        for (column, n) in notes {
            table.add(row, column, n);
        }
    }

    /// Adds a response. The responses of a model are added in the order of their moments.
    fn respond(&mut self, response: Response) {
        let is_late = response.is_late();
        let Response { model, time, at, row, user_id, records, notes } = response;
        let house = self.houses.index(&user_id);
        if is_late {
            self.tables.entry(model).or_default().begin(row, 0);
            self.late.add(job(model), time, row, house);
        }
        self.note(model, row, notes);
        match model {
            Model::Brand => self.add_profiles(house, at, row, &records),
            Model::Media => self.add_media(house, at, row, records),
            Model::MediaHashtag => self.add_under_hashtags(house, row, records),
        }
    }

    fn add_profiles(&mut self, house: usize, at: i64, row: i64, records: &[(Record, Figures)]) {
        let table = self.tables.entry(Model::Brand).or_default();
        for (record, figures) in records {
            self.houses.set_account(house, &record.user_name);
            table.add(row, Column::House(Measure::Records, house), 1);
            if let Some(n) = figures.followers.counted() {
                table.set(row, Column::House(Measure::Followers, house), n);
                table.set(row, Column::House(Measure::Asked, house), at - row * 1_000);
            }
            if let Some(n) = figures.media.counted() {
                table.set(row, Column::House(Measure::MediaCount, house), n);
            }
        }
    }

    fn add_media(&mut self, house: usize, at: i64, row: i64, records: Vec<(Record, Figures)>) {
        let table = self.tables.entry(Model::Media).or_default();
        let posts = records.into_iter().map(|(record, figures)| {
            count(table, row, house, figures);
            (record, Seen { likes: figures.likes, comments: figures.comments })
        });
        let gained = self.posts.add(house, at, row, posts.collect());
        for (measure, n) in [(Measure::LikesGained, gained.likes), (Measure::CommentsGained, gained.comments)] {
            if let Some(n) = n {
                table.add(row, Column::House(measure, house), n);
            }
        }
    }

    fn add_under_hashtags(&mut self, house: usize, row: i64, records: Vec<(Record, Figures)>) {
        let table = self.tables.entry(Model::MediaHashtag).or_default();
        // Two hashtags of a house may have the same post. It counts once.
        let mut ids = HashSet::new();
        let posts = records.into_iter().filter_map(|(record, figures)| {
            let published = seconds(&record.timestamp);
            ids.insert(record.media_id.clone()).then(|| {
                count(table, row, house, figures);
                (record.media_id, published)
            })
        });
        let posts = posts.collect();
        self.hashtags.add(table, row, house, posts);
    }

    /// The data of the page. `place` is the origin of the runs.
    pub(super) fn finish(mut self, place: &str, made: i64) -> Page {
        for response in self.waiting.rest() {
            self.respond(response);
        }
        let times = |models: &[Model]| {
            let tables = models.iter().filter_map(|model| self.tables.get(model));
            let times: BTreeSet<i64> = tables.flat_map(Table::scheduled).collect();
            times.into_iter().collect::<Vec<_>>()
        };
        let runs =
            vec![("brand_media", times(&[Model::Brand, Model::Media])), ("hashtag", times(&[Model::MediaHashtag]))];
        let hours = self.hashtags.finish(self.tables.entry(Model::MediaHashtag).or_default());
        let tables = self.tables.into_iter().filter(|(_, table)| !table.times.is_empty());
        Page::new(Parts {
            source: self.source.at(place, made),
            houses: self.houses.finish(),
            tables: tables.map(|(model, table)| (model.name(), table.within(most_rows(model)))).collect(),
            posts: self.posts,
            hours,
            failures: self.failures,
            late: self.late,
            runs,
            skipped: self.skipped,
        })
    }
}

/// The most rows of a table on the page: a week of runs every 5 minutes. Profiles have a year of hourly runs, since the
/// estimate of followers gained needs each count.
const fn most_rows(model: Model) -> usize {
    if matches!(model, Model::Brand) { 9_000 } else { 2_016 }
}

const fn job(model: Model) -> &'static str {
    if matches!(model, Model::MediaHashtag) { "hashtag" } else { "brand_media" }
}

/// Counts a record, and the meanings of its figures.
fn count(table: &mut Table, row: i64, house: usize, Figures { likes, comments, .. }: Figures) {
    table.add(row, Column::House(Measure::Records, house), 1);
    if likes == Count::Hidden {
        table.add(row, Column::House(Measure::LikesHidden, house), 1);
    }
    for ([zero, unusable, unknown], count) in [(LIKES, likes), (COMMENTS, comments)] {
        let measure = match count {
            Count::Counted(0) => zero,
            Count::Unusable => unusable,
            Count::Unknown => unknown,
            Count::Counted(_) | Count::Hidden => continue,
        };
        table.add(row, Column::House(measure, house), 1);
    }
}

fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::stored::{Kind, Object};
    use collector::config::Config;

    type Body = Result<Vec<u8>, String>;

    /// A run, read from what each of its objects holds.
    fn run(model: Model, time: i64, objects: Vec<(Kind, Body)>) -> Run {
        let config = Config::parse(include_bytes!("../../../../configure.ini"), "configure.ini").unwrap();
        let object = |(kind, body): (Kind, Body)| {
            let (key, part) = (format!("{kind:?}"), String::new());
            (Object { key, kind, model, time: chrono::DateTime::UNIX_EPOCH, part }, body)
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
    fn followers_come_with_their_runs_and_a_defaulted_figure_is_a_hole() {
        let profile = |n: i64| json!([{"user_id": "7", "user_name": "loewe", "followers_count": n, "media_count": 3}]);
        let quality = json!({"defaulted": {"followers_count": {"not found field": [{"id": "7"}]}}});
        let page = page(&[
            (Model::Brand, 0, profile(10), None),
            (Model::Brand, 60, profile(0), Some(quality)),
            (Model::Brand, 120, profile(12), None),
            (Model::Brand, 180, profile(0), None),
            (Model::Brand, 240, profile(0), Some(json!({}))),
        ]);
        assert_eq!(page["tables"]["brand"]["times"], json!([0, 3600, 7200, 10800, 14400]));
        assert_eq!(page["tables"]["brand"]["houses"]["followers"], json!([[10, null, 12, null, 0]]));
        assert_eq!(page["houses"][0]["label"], "loewe");
    }

    #[test]
    fn new_under_a_hashtag_is_what_no_response_had_and_a_response_of_new_ones_is_full() {
        let run = |ids: &[&str]| ids.iter().map(|id| media(id, 1)).collect::<Value>();
        let page = page(&[
            (Model::MediaHashtag, 0, run(&["1", "2"]), None),
            (Model::MediaHashtag, 5, run(&["2", "3"]), None),
            (Model::MediaHashtag, 10, run(&["4", "5", "5"]), None),
            (Model::MediaHashtag, 15, run(&["1", "6"]), None),
        ]);
        let of = |measure: &str| page["tables"]["media_hashtag"]["houses"][measure][0].clone();
        assert_eq!(of("records"), json!([2, 2, 2, 2]));
        assert_eq!(of("compared"), json!([null, 2, 2, 2]));
        assert_eq!(of("fresh"), json!([null, 1, 2, 1]));
        assert_eq!(of("full"), json!([null, 0, 1, 0]));
    }

    #[test]
    fn posts_under_hashtags_are_distinct_by_house_and_over_all_of_them() {
        let of = |house: &str, ids: &[&str]| -> Vec<Value> {
            let of_house =
                |id: &&str| json!({"user_id": house, "media_id": id, "timestamp": "2026-11-24T01:00:00+0000"});
            ids.iter().map(of_house).collect()
        };
        let page = page(&[
            (Model::MediaHashtag, 0, [of("7", &["1", "2"]), of("8", &["2", "3"])].concat().into(), None),
            (Model::MediaHashtag, 5, [of("7", &["2", "4"]), of("8", &["4"])].concat().into(), None),
        ]);
        let table = &page["tables"]["media_hashtag"];
        assert_eq!(table["houses"]["first_seen"], json!([[2, 1], [2, 1]]));
        assert_eq!(table["houses"]["last_seen"], json!([[1, 2], [2, 1]]));
        assert_eq!(table["all"], json!({"first_seen": [3, 1], "last_seen": [2, 2]}));
        let hours: Vec<_> = page["hours"].as_array().unwrap().iter().map(|of| (&of["house"], &of["posts"])).collect();
        assert_eq!(hours, [(&json!(null), &json!([4])), (&json!(0), &json!([3])), (&json!(1), &json!([3]))]);
    }

    /// A quality object that says when the account 7 was asked.
    fn asked(minute: i64, records: usize) -> Value {
        let at = chrono::DateTime::from_timestamp(minute * 60 + 2, 0).unwrap().to_rfc3339();
        json!({"counts": {"records": records}, "topics": [{"topic": "loewe", "user_id": "7", "asked_at": at, "records": records}]})
    }

    #[test]
    fn a_late_repair_counts_at_the_moment_at_which_it_was_asked_and_its_hour_stays_a_gap() {
        let run = |hour: i64, asked_at: i64, likes: i64| {
            (Model::Media, hour * 60, json!([media("1", likes)]), Some(asked(asked_at, 1)))
        };
        // The hour 2 was repaired 30 minutes after the run of hour 5.
        let runs = [
            run(0, 0, 10),
            run(1, 60, 20),
            run(2, 330, 60),
            run(3, 180, 30),
            run(4, 240, 40),
            run(5, 300, 50),
            run(6, 360, 70),
        ];
        let page = page(&runs);
        let table = &page["tables"]["media"];
        assert_eq!(table["times"], json!([0, 3600, 10800, 14400, 18000, 19802, 21600]));
        assert_eq!(table["runs"], json!([1, 1, 1, 1, 1, 0, 1]));
        assert_eq!(table["houses"]["likes_gained"], json!([[null, 10, 10, 10, 10, 10, 10]]));
        assert_eq!(
            page["jobs"][0]["gaps"],
            json!([{"job": "brand_media", "after": 3600, "before": 10800, "missing": 1}])
        );
        assert_eq!(page["late"], json!([{"job": "brand_media", "time": 7200, "asked": 19802, "houses": [0]}]));
    }

    #[test]
    fn a_topic_that_was_repaired_late_leaves_the_rest_of_its_run_in_its_hour() {
        let mut runs: Vec<_> = (0..4).map(|hour| {
            let other = json!({"user_id": "8", "media_id": "2", "like_count": hour});
            let quality = |at: i64| json!({"counts": {"records": 2}, "topics": [asked(at, 1)["topics"][0], {"topic": "tods", "user_id": "8", "records": 1, "asked_at": asked(hour * 60, 1)["topics"][0]["asked_at"]}]});
            (Model::Media, hour * 60, json!([media("1", 10 * hour), other]), Some(quality(if hour == 1 { 150 } else { hour * 60 })))
        }).collect();
        runs[1].2[0]["like_count"] = json!(25);
        let page = page(&runs);
        assert_eq!(page["tables"]["media"]["times"], json!([0, 3600, 7200, 9002, 10800]));
        assert_eq!(
            page["tables"]["media"]["houses"]["likes_gained"],
            json!([[null, null, 20, 5, 5], [null, 1, 1, null, 1]])
        );
        assert_eq!(page["jobs"][0]["gaps"], json!([]));
        assert_eq!(page["late"][0]["asked"], 9002);
    }

    #[test]
    fn followers_carry_the_moment_of_their_response() {
        let profile = json!([{"user_id": "7", "user_name": "loewe", "followers_count": 5}]);
        let page = page(&[(Model::Brand, 60, profile, Some(asked(60, 1)))]);
        assert_eq!(page["tables"]["brand"]["houses"]["asked"], json!([[2000]]));
    }

    #[test]
    fn the_figures_of_the_whole_time_are_those_of_the_page() {
        let mut collected = Collected::default();
        for hour in 0..14 {
            let profile = json!([{"user_id": "7", "user_name": "loewe", "followers_count": 1_000_000 + 10 * hour + if hour % 3 == 0 { 0 } else { 5_000 }}]);
            collected.add(run(Model::Brand, hour * 3_600, vec![(Kind::Records, Ok(profile.to_string().into()))]));
        }
        for hour in 0..14 {
            let posts = json!([media("1", 100 + hour)]);
            collected.add(run(Model::Media, hour * 3_600, vec![(Kind::Records, Ok(posts.to_string().into()))]));
        }
        let page = collected.finish("here", 0);
        let (houses, _) = page.figures();
        assert_eq!((houses[0].followers, houses[0].likes_gained), (Some(1_005_130), Some(13)));
        assert_eq!((houses[0].gain.estimate, houses[0].gain.raw), (Some(130), Some(5_130)));
    }

    #[test]
    fn hidden_likes_are_counted_apart_from_zeros_and_gain_nothing() {
        let quality =
            json!({"defaulted": {"like_count": {"not found field": [{"id": "1"}], "wrong type": [{"id": "4"}]}}});
        let run = |likes: i64| json!([media("1", 0), media("2", 0), media("3", likes), media("4", 0)]);
        let page = page(&[(Model::Media, 0, run(5), Some(quality.clone())), (Model::Media, 60, run(9), Some(quality))]);
        let of = |measure: &str| page["tables"]["media"]["houses"][measure][0].clone();
        assert_eq!(
            [of("likes_hidden"), of("likes_zero"), of("likes_unusable")],
            [json!([1, 1]), json!([1, 1]), json!([1, 1])]
        );
        assert_eq!(of("likes_gained"), json!([null, 4]));
        assert_eq!(
            page["tables"]["media"]["defaulted"][0],
            json!({"field": "like_count", "reason": "not found field", "n": [1, 1]})
        );
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
        assert_eq!(page["skipped"][1], json!({"key": "Quality", "reason": "permission denied"}));
        assert_eq!(page["source"]["records"], 1);
        // Without the quality object a 0 may stand for a hidden figure, so it is not reported as counted.
        assert_eq!(page["tables"]["media"]["houses"]["likes_unknown"], json!([[1]]));
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
        assert_eq!(page["failures"].as_array().unwrap().len(), 1);
        assert_eq!(
            page["jobs"][0]["gaps"],
            json!([{"job": "brand_media", "after": 3600, "before": 14400, "missing": 2}])
        );
    }
}
