//! Adds up the runs to the figures of the page. Pure: the runs are added model by model, in the order of
//! their times.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::stored::quality::{Count, Figures};
use crate::stored::{Moment, Record, seconds};
use collector::record::Model;

use super::house::Houses;
use super::page::{Page, Parts, Source};
use super::posts::{Posts, Seen};
use super::run::Run;
use super::runs::{Failures, Skipped};
use super::table::{Column, Measure, Table};

/// The most rows of a table on the page: a week of runs every 5 minutes.
const MOST_ROWS: usize = 2_016;

/// The figures of the runs so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) houses: Houses,
    tables: BTreeMap<Model, Table>,
    posts: Posts,
    /// The ids of the media in a house's last run, under its hashtags.
    under_hashtag: HashMap<usize, HashSet<String>>,
    /// The number of posts under a house's hashtags, by hour since 1970.
    hours: BTreeMap<usize, BTreeMap<i64, u32>>,
    failures: Failures,
    skipped: Vec<Skipped>,
    source: Source,
}

/// A figure's columns for its hidden, zero, unusable and unknown values.
type Worth = [Measure; 4];

const LIKES: Worth = [Measure::LikesHidden, Measure::LikesZero, Measure::LikesUnusable, Measure::LikesUnknown];
const COMMENTS: Worth =
    [Measure::CommentsHidden, Measure::CommentsZero, Measure::CommentsUnusable, Measure::CommentsUnknown];

impl Collected {
    /// Figures of no run yet. The houses of the configuration are known.
    pub(super) fn new(houses: Houses) -> Self {
        Self { houses, ..Self::default() }
    }

    /// Notes a file that was skipped, and why.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
    }

    /// Adds a run. The runs of a model come in the order of their times.
    pub(super) fn add(&mut self, run: Run) {
        let Run { model, time, records, topics, quality, unknown, skipped, files, bytes } = run;
        self.source.files += files;
        self.source.bytes += bytes;
        self.skipped.extend(skipped);
        self.source.records += records.len();
        self.source.unknown += unknown;
        self.source.newest = self.source.newest.max(time);
        let job = if model == Model::MediaHashtag { "hashtag" } else { "brand_media" };
        let table = self.tables.entry(model).or_default();
        table.begin(time);
        for quality in &quality {
            for (field, reason, n) in quality.defaulted_counts() {
                table.add(Column::Defaulted(field.to_owned(), reason.to_owned()), whole(n));
            }
            for rejected in &quality.rejected {
                table.add(Column::Rejected(rejected.reason.clone()), 1);
            }
        }
        self.failures.add(job, time, &topics);
        match model {
            Model::Brand => self.add_profiles(&records),
            Model::Media => self.add_media(time, records),
            Model::MediaHashtag => self.add_under_hashtags(&records),
        }
    }

    fn add_profiles(&mut self, records: &[(Record, Figures, Moment)]) {
        let table = self.tables.entry(Model::Brand).or_default();
        for (record, figures, _) in records {
            let house = self.houses.index(&record.user_id);
            self.houses.set_account(house, &record.user_name);
            table.add(Column::House(Measure::Records, house), 1);
            if let Some(n) = figures.followers.counted() {
                table.set(Column::House(Measure::Followers, house), n);
            }
            if let Some(n) = figures.media.counted() {
                table.set(Column::House(Measure::MediaCount, house), n);
            }
        }
    }

    fn add_media(&mut self, time: i64, records: Vec<(Record, Figures, Moment)>) {
        let table = self.tables.entry(Model::Media).or_default();
        for (record, Figures { likes, comments, .. }, _) in records {
            let house = self.houses.index(&record.user_id);
            table.add(Column::House(Measure::Records, house), 1);
            note(table, house, LIKES, likes);
            note(table, house, COMMENTS, comments);
            let gained = self.posts.see(house, time, record, Seen { likes, comments });
            for (measure, n) in [(Measure::LikesGained, gained.likes), (Measure::CommentsGained, gained.comments)] {
                if let Some(n) = n {
                    table.add(Column::House(measure, house), n);
                }
            }
        }
    }

    fn add_under_hashtags(&mut self, records: &[(Record, Figures, Moment)]) {
        let table = self.tables.entry(Model::MediaHashtag).or_default();
        let mut now: BTreeMap<usize, HashSet<String>> = BTreeMap::new();
        for (record, figures, _) in records {
            let house = self.houses.index(&record.user_id);
            // Two hashtags of a house may have the same post. It counts once.
            if !now.entry(house).or_default().insert(record.media_id.clone()) {
                continue;
            }
            table.add(Column::House(Measure::Records, house), 1);
            note(table, house, LIKES, figures.likes);
            note(table, house, COMMENTS, figures.comments);
            let known = self.under_hashtag.get(&house).is_some_and(|before| before.contains(&record.media_id));
            if let Some(posted) = seconds(&record.timestamp).filter(|_| !known) {
                *self.hours.entry(house).or_default().entry(posted.div_euclid(3_600)).or_default() += 1;
            }
        }
        for (house, ids) in now {
            if let Some(before) = self.under_hashtag.get(&house) {
                let fresh = ids.iter().filter(|id| !before.contains(*id)).count();
                table.add(Column::House(Measure::Compared, house), whole(ids.len()));
                table.add(Column::House(Measure::Fresh, house), whole(fresh));
                table.add(Column::House(Measure::Full, house), i64::from(fresh == ids.len()));
            }
            self.under_hashtag.insert(house, ids);
        }
    }

    /// The data of the page. `place` is the origin of the runs.
    pub(super) fn finish(self, place: &str, made: i64) -> Page {
        let times = |models: &[Model]| {
            let all = models.iter().filter_map(|m| self.tables.get(m)).flat_map(|t| t.times.iter().copied());
            all.collect::<std::collections::BTreeSet<i64>>().into_iter().collect::<Vec<_>>()
        };
        let runs =
            vec![("brand_media", times(&[Model::Brand, Model::Media])), ("hashtag", times(&[Model::MediaHashtag]))];
        let tables = self.tables.into_iter().map(|(model, table)| (model.name(), table.within(MOST_ROWS)));
        Page::new(Parts {
            source: self.source.at(place, made),
            houses: self.houses.finish(),
            tables: tables.collect(),
            posts: self.posts,
            hours: self.hours,
            failures: self.failures,
            runs,
            skipped: self.skipped,
        })
    }
}

fn note(table: &mut Table, house: usize, [hidden, zero, unusable, unknown]: Worth, count: Count) {
    let measure = match count {
        Count::Hidden => hidden,
        Count::Counted(0) => zero,
        Count::Counted(_) => return,
        Count::Unusable => unusable,
        Count::Unknown => unknown,
    };
    table.add(Column::House(measure, house), 1);
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
        let mut collected = Collected::default();
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
    fn new_under_a_hashtag_is_what_the_last_run_did_not_have_and_a_page_of_new_ones_is_full() {
        let run = |ids: &[&str]| ids.iter().map(|id| media(id, 1)).collect::<Value>();
        let page = page(&[
            (Model::MediaHashtag, 0, run(&["1", "2"]), None),
            (Model::MediaHashtag, 5, run(&["2", "3"]), None),
            (Model::MediaHashtag, 10, run(&["4", "5", "5"]), None),
        ]);
        let of = |measure: &str| page["tables"]["media_hashtag"]["houses"][measure][0].clone();
        assert_eq!(of("records"), json!([2, 2, 2]));
        assert_eq!(of("compared"), json!([null, 2, 2]));
        assert_eq!(of("fresh"), json!([null, 1, 2]));
        assert_eq!(of("full"), json!([null, 0, 1]));
        assert_eq!(page["hours"][0]["posts"], json!([5]));
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
