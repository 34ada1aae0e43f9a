//! The objects of one time, and what a load sees of them.

use serde_json::{Value, json};

use super::*;
use crate::stored::quality::Count;

const TIME: &str = "2026-11-24T03:00:00Z";

/// An object by its folder and part, as in `raw part-0a`.
fn snapshot_of(config: &Config, model: Model, objects: &[(&str, Value)]) -> Snapshot {
    let object = |(name, body): &(&str, Value)| {
        let (folder, part) = name.split_once(' ').unwrap();
        let kind = if folder.ends_with("quality") { Kind::Quality } else { Kind::Records };
        let key = format!("{folder}/media_{part}.json");
        let (time, part) = (TIME.parse().unwrap(), part.to_owned());
        (Object { key, kind, model, time, part }, Ok(Body::Json(body.to_string().into())))
    };
    let objects = objects.iter().map(object).collect();
    Snapshot::read(config, model, TIME.parse().unwrap(), objects)
}

fn shipped() -> Config {
    Config::parse(include_bytes!("../../../../../configure.ini"), "configure.ini").unwrap()
}

fn snapshot(model: Model, objects: &[(&str, Value)]) -> Snapshot {
    let snapshot = snapshot_of(&shipped(), model, objects);
    assert!(snapshot.skipped.is_empty() && snapshot.files == objects.len());
    snapshot
}

fn media(user_id: &str, id: &str, likes: i64) -> Value {
    json!({"user_id": user_id, "media_id": id, "like_count": likes})
}

/// A topic asked at a second of the run's time. Its user id is its name.
fn asked(topic: &str, second: u32, records: usize) -> Value {
    json!({"topic": topic, "user_id": topic, "asked_at": format!("2026-11-24T03:00:{second:02}.500Z"), "records": records})
}

fn cut_short(topic: &str, second: u32, records: usize) -> Value {
    let mut run = asked(topic, second, records);
    run.as_object_mut()
        .unwrap()
        .extend([("kind".to_owned(), "deadline".into()), ("message".to_owned(), "late".into())]);
    run
}

fn failed(topic: &str, kind: &str) -> Value {
    json!({"topic": topic, "user_id": topic, "asked_at": null, "records": 0, "kind": kind, "code": 4, "message": "no"})
}

fn quality(records: usize, topics: Value) -> Value {
    json!({"counts": {"records": records}, "topics": topics})
}

fn likes(snapshot: &Snapshot) -> Vec<(&str, Option<i64>)> {
    snapshot.records.iter().map(|(record, ..)| (record.media_id.as_str(), record.like_count)).collect()
}

/// The topics with their number of records and the kinds of their failures.
fn topics(snapshot: &Snapshot) -> Vec<(&str, usize, Option<&str>)> {
    let mut topics: Vec<_> = snapshot
        .topics
        .iter()
        .map(|run| (run.topic.as_str(), run.records, run.failure.as_ref().map(|failure| failure.kind.as_str())))
        .collect();
    topics.sort_unstable();
    topics
}

#[test]
fn a_run_and_a_repeat_that_each_lost_a_topic_have_both() {
    let seen = snapshot(
        Model::Media,
        &[
            ("raw ", json!([media("dior", "1", 10), media("ysl", "2", 20)])),
            ("quality ", quality(2, json!([asked("dior", 1, 1), failed("gucci", "throttled"), asked("ysl", 1, 1)]))),
            ("partial ", json!([media("gucci", "3", 30), media("ysl", "2", 21)])),
            (
                "partial/quality ",
                quality(2, json!([failed("dior", "transient"), asked("gucci", 9, 1), asked("ysl", 9, 1)])),
            ),
        ],
    );
    assert_eq!(likes(&seen), [("3", Some(30)), ("2", Some(21)), ("1", Some(10))]);
    assert_eq!(topics(&seen), [("dior", 1, None), ("gucci", 1, None), ("ysl", 1, None)]);
    let moments: Vec<_> = seen.records.iter().map(|(.., moment)| (moment.at.timestamp() % 60, moment.known)).collect();
    assert_eq!(moments, [(9, true), (9, true), (1, true)]);
}

#[test]
fn a_whole_result_counts_before_a_later_one_that_was_cut_short() {
    let objects = [
        ("raw ", json!([media("dior", "1", 10), media("dior", "2", 10)])),
        ("quality ", quality(2, json!([asked("dior", 1, 2)]))),
        ("partial ", json!([media("dior", "1", 11)])),
        ("partial/quality ", quality(1, json!([cut_short("dior", 9, 1)]))),
    ];
    assert_eq!(likes(&snapshot(Model::Media, &objects)), [("1", Some(10)), ("2", Some(10))]);
    let repeated = [
        &objects[..],
        &[
            ("raw part-0a", json!([media("dior", "1", 12)])),
            ("quality part-0a", quality(1, json!([asked("dior", 20, 1)]))),
        ],
    ]
    .concat();
    assert_eq!(likes(&snapshot(Model::Media, &repeated)), [("1", Some(12))]);
    let late_and_cut = [objects[2].clone(), objects[3].clone()];
    assert_eq!(topics(&snapshot(Model::Media, &late_and_cut)), [("dior", 1, Some("deadline"))]);
}

#[test]
fn a_topic_of_overlapping_shards_counts_once_with_its_latest_result() {
    let seen = snapshot(
        Model::Media,
        &[
            ("raw s-1", json!([media("dior", "1", 12), media("gucci", "2", 20)])),
            ("quality s-1", quality(2, json!([asked("dior", 7, 1), asked("gucci", 7, 1)]))),
            ("raw s-2", json!([media("dior", "1", 11), media("ysl", "3", 30)])),
            ("quality s-2", quality(2, json!([asked("dior", 5, 1), asked("ysl", 5, 1)]))),
        ],
    );
    assert_eq!(likes(&seen), [("1", Some(12)), ("2", Some(20)), ("3", Some(30))]);
}

#[test]
fn a_topic_without_a_result_has_its_latest_failure() {
    let late = json!({"topic": "gucci", "asked_at": "2026-11-24T03:00:05Z", "records": 0, "kind": "not_there"});
    let seen = snapshot(
        Model::Media,
        &[
            ("quality ", quality(0, json!([late]))),
            ("quality part-0a", quality(0, json!([failed("gucci", "throttled")]))),
        ],
    );
    assert_eq!(topics(&seen), [("gucci", 0, Some("not_there"))]);
}

#[test]
fn rejects_and_defaults_are_those_of_the_chosen_results() {
    let hidden = |ids: &[&str]| json!({"like_count": {"not found field": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()}});
    let with = |mut quality: Value, rejected: Value, defaulted: Value| {
        quality
            .as_object_mut()
            .unwrap()
            .extend([("rejected".to_owned(), rejected), ("defaulted".to_owned(), defaulted)]);
        quality
    };
    let whole = quality(3, json!([asked("dior", 1, 2), asked("ysl", 1, 1)]));
    let part = quality(2, json!([asked("dior", 9, 2)]));
    let seen = snapshot(
        Model::Media,
        &[
            ("raw ", json!([media("dior", "1", 0), media("dior", "2", 0), media("ysl", "3", 0)])),
            (
                "quality ",
                with(
                    whole,
                    json!([{"topic": "dior", "reason": "a"}, {"topic": "ysl", "reason": "b"}]),
                    hidden(&["1", "3"]),
                ),
            ),
            ("raw part-0a", json!([media("dior", "1", 4), media("dior", "2", 0)])),
            ("quality part-0a", with(part, json!([{"topic": "dior", "reason": "c"}]), hidden(&["2"]))),
        ],
    );
    let reasons: Vec<_> = seen.quality.iter().flat_map(|q| &q.rejected).map(|r| r.reason.as_str()).collect();
    let defaulted: Vec<_> = seen.quality.iter().flat_map(Quality::defaulted_counts).map(|(.., n)| n).collect();
    let figures: Vec<_> = seen.records.iter().map(|(_, figures, _)| figures.likes).collect();
    assert_eq!((reasons, defaulted), (vec!["b", "c"], vec![1, 1]));
    assert_eq!(figures, [Count::Hidden, Count::Counted(4), Count::Hidden]);
}

#[test]
fn objects_of_earlier_versions_count_with_the_time_of_the_run() {
    let failed = |topic: &str| json!({"topic": topic, "kind": "transient"});
    let dior = "17841401694708594";
    let seen = snapshot(
        Model::Media,
        &[
            ("raw ", json!([media(dior, "1", 10), media("17841401169165410", "2", 20)])),
            ("quality ", json!({"failed_topics": [failed("gucci"), failed("dior"), failed("prada")]})),
            ("raw part-0a", json!([media(dior, "1", 12)])),
            ("quality part-0a", json!({"topics": ["dior", "gucci"], "failed_topics": []})),
        ],
    );
    assert_eq!(likes(&seen), [("2", Some(20)), ("1", Some(12))]);
    let expected =
        [("17841401169165410", 1, None), ("dior", 1, None), ("gucci", 0, None), ("prada", 0, Some("transient"))];
    assert_eq!(topics(&seen), expected);
    assert!(seen.records.iter().all(|(.., moment)| *moment == Moment { at: TIME.parse().unwrap(), known: false }));
}

#[test]
fn objects_without_quality_objects_count_by_their_houses() {
    let seen = snapshot(
        Model::Media,
        &[
            ("raw ", json!([media("1", "11", 2), media("1", "12", 3), media("2", "20", 2)])),
            ("raw part-0a", json!([media("1", "11", 7)])),
        ],
    );
    assert_eq!((likes(&seen), seen.unknown), (vec![("20", Some(2)), ("11", Some(7))], 2));
}

#[test]
fn a_quality_object_of_another_run_says_nothing_about_these_records() {
    let seen = snapshot(
        Model::Media,
        &[
            ("raw ", json!([media("dior", "1", 0), media("ysl", "2", 0)])),
            ("quality ", quality(3, json!([asked("dior", 1, 2), asked("gucci", 1, 1), failed("prada", "throttled")]))),
        ],
    );
    assert_eq!((likes(&seen).len(), seen.unknown), (2, 1));
    assert!(seen.records.iter().all(|(.., moment)| !moment.known));
    let expected = [("dior", 1, None), ("gucci", 0, Some("store")), ("prada", 0, Some("throttled")), ("ysl", 1, None)];
    assert_eq!(topics(&seen), expected);
    let seen = snapshot(
        Model::Media,
        &[
            ("raw ", json!([media("dior", "1", 0), media("ysl", "2", 0)])),
            ("quality ", quality(2, json!([asked("dior", 9, 1), asked("gucci", 9, 1)]))),
            ("raw part-0a", json!([media("gucci", "3", 0)])),
            ("quality part-0a", quality(1, json!([asked("gucci", 5, 1)]))),
        ],
    );
    assert_eq!(topics(&seen), [("dior", 1, None), ("gucci", 1, None), ("ysl", 1, None)], "as many records");
}

#[test]
fn a_quality_object_lists_the_defaults_of_its_own_object() {
    let hidden = json!({"defaulted": {"like_count": {"not found field": [{"id": "10"}]}}});
    let seen = snapshot(
        Model::Media,
        &[
            ("raw s-1", json!([media("1", "10", 0), media("1", "11", 0)])),
            ("quality s-1", hidden),
            ("raw s-2", json!([media("2", "20", 0), media("2", "21", 3)])),
        ],
    );
    let likes: Vec<_> = seen.records.iter().map(|(_, figures, _)| figures.likes).collect();
    assert_eq!(likes, [Count::Hidden, Count::Counted(0), Count::Unknown, Count::Counted(3)]);
    assert_eq!(seen.unknown, 1);
}

#[test]
fn a_post_under_two_hashtags_of_a_house_is_one_record_unless_records_name_their_hashtag() {
    let of_house = |topic: &str, second| {
        let mut run = asked(topic, second, 1);
        run["user_id"] = "7".into();
        quality(1, json!([run]))
    };
    let objects = |record: &dyn Fn(&str, i64) -> Value| {
        [
            ("raw part-0a", json!([record("dior", 1)])),
            ("quality part-0a", of_house("dior", 1)),
            ("raw part-0b", json!([record("diormen", 2)])),
            ("quality part-0b", of_house("diormen", 2)),
        ]
    };
    let plain = |_: &str, likes| media("7", "10", likes);
    assert_eq!(likes(&snapshot(Model::MediaHashtag, &objects(&plain))), [("10", Some(2))]);
    let ini =
        include_str!("../../../../../configure.ini").replace("[hashtag_media]", "[hashtag_media]\ntopic = topic str");
    let named = |topic: &str, likes| json!({"user_id": "7", "media_id": "10", "like_count": likes, "topic": topic});
    let config = Config::parse(ini.as_bytes(), "x").unwrap();
    assert_eq!(likes(&snapshot_of(&config, Model::MediaHashtag, &objects(&named))), [("10", Some(1)), ("10", Some(2))]);
}

#[test]
fn a_profile_is_known_by_its_account_whatever_its_id() {
    let profile = |id: &str, n: i64| json!([{"user_id": id, "user_name": "dior", "followers_count": n}]);
    let seen = snapshot(
        Model::Brand,
        &[
            ("raw ", profile("1", 1)),
            ("quality ", quality(1, json!([asked("dior", 1, 1)]))),
            ("raw part-0a", profile("99", 2)),
            ("quality part-0a", quality(1, json!([asked("dior", 9, 1)]))),
        ],
    );
    assert_eq!(seen.records.iter().map(|(record, ..)| record.followers_count).collect::<Vec<_>>(), [Some(2)]);
}

#[test]
fn an_object_that_cannot_be_read_is_named_and_its_topics_are_lost() {
    let (time, model) = (TIME.parse().unwrap(), Model::Media);
    let object = |key: &str, kind, body| (Object { key: key.to_owned(), kind, model, time, part: String::new() }, body);
    let of = quality(1, json!([asked("dior", 1, 1)]));
    let objects = vec![
        object("raw/x.json", Kind::Records, Ok(Body::Json(b"[{".to_vec()))),
        object("quality/x.json", Kind::Quality, Ok(Body::Json(of.to_string().into()))),
    ];
    let seen = Snapshot::read(&shipped(), model, time, objects);
    assert_eq!((seen.skipped[0].key.as_str(), topics(&seen)), ("raw/x.json", vec![("dior", 0, Some("store"))]));
}
