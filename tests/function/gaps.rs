//! `media_per_hashtag = auto`: no medium published between two runs is missing, within the calls that a run may make.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use collector::clock::Clock;
use sandbox::Options;
use serde_json::{Value, json};

use support::aws::S3Fault;
use support::harness::{Harness, Setting};

const PACE: u32 = 180;

/// One hashtag, of which a run may read (200 - 11 for accounts - 1 look-up) / 12 runs = 15 pages.
fn auto(ini: String) -> String {
    let one = ini.lines().map(|line| if line.starts_with("hashtags = ") { "hashtags = dior" } else { line });
    format!("{}\n[limits]\nmedia_per_hashtag = auto\n", one.collect::<Vec<_>>().join("\n"))
}

/// One hashtag, of which a run may read (48 - 11 - 1) / 12 = 3 pages.
fn tight(ini: String) -> String {
    format!("{}calls_per_hour = 48\n", auto(ini))
}

fn busy(options: &mut Options) {
    options.hashtag_pace = Some(PACE);
}

struct Hour {
    harness: Harness,
    start: DateTime<Utc>,
}

impl Hour {
    async fn new(config: fn(String) -> String, options: fn(&mut Options), faults: &[&'static str]) -> Self {
        Self::starting(Utc::now(), Clock::default(), config, options, faults).await
    }

    async fn starting(
        start: DateTime<Utc>,
        clock: Clock,
        config: fn(String) -> String,
        options: fn(&mut Options),
        faults: &[&'static str],
    ) -> Self {
        let (config, options, faults) = (Some(config), Some(options), faults.to_vec());
        Self { harness: Harness::new(Setting { config, options, faults, clock, ..Setting::default() }).await, start }
    }

    fn at(&self, minute: i64) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(minute)
    }

    /// Runs the job as scheduled at a minute. Returns its summary, its calls and its media.
    async fn run(&self, minute: i64) -> (Value, usize, BTreeSet<String>) {
        self.harness.sandbox.set_now(self.at(minute));
        let before = self.harness.sandbox.calls().len();
        let time = self.at(minute).to_rfc3339();
        let done = self.harness.invoke(json!({"job": "hashtag", "time": time})).await;
        let summary = serde_json::to_value(done.as_ref().map_or_else(|e| &*e.summary, |r| &r.summary)).unwrap();
        (summary, self.harness.sandbox.calls().len() - before, self.media(minute, "raw"))
    }

    fn object(&self, minute: i64, folder: &str) -> Option<Value> {
        let key = self.at(minute).format("media_hashtag_%Y-%m-%d_%H%M%S.json").to_string();
        let objects = self.harness.aws.objects();
        let object = objects.iter().find(|(found, _)| found.starts_with(folder) && found.ends_with(&key))?;
        Some(serde_json::from_slice(&object.1).unwrap())
    }

    fn media(&self, minute: i64, folder: &str) -> BTreeSet<String> {
        let object = self.object(minute, folder).unwrap_or_default();
        let ids = object.as_array().into_iter().flatten().map(|m| m["media_id"].as_str().unwrap().to_owned());
        let list: Vec<String> = ids.collect();
        let set: BTreeSet<String> = list.iter().cloned().collect();
        assert_eq!(list.len(), set.len(), "each medium once");
        set
    }

    /// The media published in the minutes up to `minute`, requested one by one.
    async fn published(&self, minute: i64) -> BTreeSet<String> {
        self.harness.sandbox.set_now(self.at(minute));
        let client = collector::http::client().unwrap();
        let id =
            self.harness.sandbox.calls().iter().find_map(|c| Some(c.path.strip_suffix("/recent_media")?.to_owned()));
        let (id, token) = (id.unwrap(), support::harness::TOKEN);
        let mut published = BTreeSet::new();
        for page in 0..4 {
            let url = format!(
                "{}/v21.0/{id}/recent_media?fields=id,timestamp&limit=50&access_token={token}&after=QVFIUsandbox{}",
                self.harness.sandbox.end_point(),
                page * 50
            );
            let page = client.send(client.get(&url)).await.unwrap().bytes().await.unwrap();
            let page: Value = serde_json::from_slice(&page).unwrap();
            for medium in page["data"].as_array().unwrap() {
                let time = DateTime::parse_from_str(medium["timestamp"].as_str().unwrap(), "%Y-%m-%dT%H:%M:%S%z");
                // A timestamp has no fractions of a second.
                if time.unwrap() > self.at(minute - 5) {
                    published.insert(medium["id"].as_str().unwrap().to_owned());
                }
            }
        }
        published
    }
}

#[tokio::test]
async fn the_first_run_of_a_process_reads_back_to_the_previous_run_by_the_clock_that_it_is_given() {
    let start = Utc::now() - TimeDelta::days(30);
    let hour = Hour::starting(start, Clock::at(start), auto, busy, &[]).await;
    assert_eq!(hour.run(0).await.1, 1 + 5, "6 minutes back, and the look-up of the hashtag");
}

#[tokio::test]
async fn of_180_media_in_5_minutes_none_is_lost_within_the_calls_of_the_run() {
    let hour = Hour::new(auto, busy, &[]).await;
    let (first, calls, _) = hour.run(0).await;
    // 6 minutes back, and the look-up of the hashtag.
    assert_eq!((calls, &first["gaps"]), (1 + 5, &json!({"overlap": 0, "likely": []})));
    for minute in [5, 10, 15] {
        let (summary, calls, media) = hour.run(minute).await;
        assert_eq!(calls, 4, "4 pages have 200 media, of which 180 are new");
        assert_eq!((&summary["gaps"], &summary["api_calls"]), (&json!({"overlap": 20, "likely": []}), &json!(4)));
        let published = hour.published(minute).await;
        assert!(
            (178..=180).contains(&published.len()) && media.is_superset(&published),
            "{} of {}",
            media.len(),
            published.len()
        );
        assert_eq!(media.difference(&hour.media(minute - 5, "raw")).count(), 180);
        let quality = hour.object(minute, "quality").unwrap();
        let [dior] = &quality["topics"].as_array().unwrap()[..] else { panic!("{quality}") };
        assert_eq!((&dior["topic"], &dior["pages"], &dior["overlap"]), (&json!("dior"), &json!(4), &json!(20)));
        assert_eq!(dior["gap_likely"], false);
    }
    assert!(hour.harness.logged("WARNING").iter().all(|line| line["kind"] != "gap"));
}

#[tokio::test]
async fn if_the_calls_of_the_run_end_first_the_gap_is_reported() {
    let hour = Hour::new(tight, busy, &[]).await;
    for minute in [0, 5] {
        let (summary, calls, media) = hour.run(minute).await;
        assert_eq!((calls, media.len()), (if minute == 0 { 4 } else { 3 }, 150));
        assert_eq!(summary["gaps"], json!({"overlap": 0, "likely": ["dior"]}));
        assert_eq!(summary["failures"], json!([]), "a gap is no failed topic");
        let quality = hour.object(minute, "quality").unwrap();
        let dior = &quality["topics"][0];
        assert_eq!((&dior["pages"], &dior["gap_likely"]), (&json!(3), &json!(true)));
        assert_eq!(dior["overlap"], if minute == 0 { Value::Null } else { json!(0) });
    }
    let reported: Vec<Value> =
        hour.harness.logged("WARNING").into_iter().filter(|line| line["kind"] == "gap").collect();
    assert_eq!((reported.len(), &reported[0]["topic"], &reported[0]["pages"]), (2, &json!("dior"), &json!(3)));
}

#[tokio::test]
async fn a_cursor_that_is_the_same_on_every_page_is_followed() {
    let options = |o: &mut Options| (o.hashtag_pace, o.repeating_cursor) = (Some(PACE), true);
    let hour = Hour::new(auto, options, &[]).await;
    hour.run(0).await;
    let (summary, calls, media) = hour.run(5).await;
    assert_eq!((calls, media.len(), &summary["gaps"]["likely"]), (4, 200, &json!([])));
}

#[tokio::test]
async fn pages_that_bring_nothing_new_end() {
    let hour = Hour::new(auto, busy, &["#dior=same_media"]).await;
    let (summary, calls, media) = hour.run(0).await;
    assert_eq!((calls, media.len()), (1 + 2, 50));
    assert_eq!(summary["gaps"]["likely"], json!(["dior"]));
}

#[tokio::test]
async fn a_quiet_hashtag_takes_one_page() {
    let hour = Hour::new(auto, |o| o.hashtag_pace = Some(20), &[]).await;
    assert_eq!((hour.run(0).await.1, hour.run(5).await.1), (2, 1));
    // A hashtag without known media, and without new ones.
    let hour = Hour::new(auto, |o| o.hashtag_pace = Some(0), &[]).await;
    let (summary, calls, _) = hour.run(0).await;
    assert_eq!((calls, &summary["gaps"]), (2, &json!({"overlap": 0, "likely": []})));
}

#[tokio::test]
async fn what_could_not_be_stored_is_collected_again() {
    let hour = Hour::new(auto, busy, &[]).await;
    hour.run(0).await;
    hour.harness.aws.fail_s3(S3Fault { part: "raw/", status: 403, code: "AccessDenied", times: 1 });
    let (summary, calls, media) = hour.run(5).await;
    assert!(calls == 4 && media.is_empty() && summary["lost"][0]["records"] == 200, "{summary}");
    let (_, calls, media) = hour.run(5).await;
    assert_eq!((calls, media.len()), (4, 200), "the run that is tried again meets what is stored, and nothing else");
}

#[tokio::test]
async fn if_a_further_page_fails_the_pages_before_it_are_kept_and_the_gap_is_reported() {
    let options = |o: &mut Options| (o.hashtag_pace, o.calls_allowed) = (Some(PACE), Some(3));
    let hour = Hour::new(auto, options, &[]).await;
    let (summary, calls, media) = hour.run(0).await;
    assert_eq!((calls, media.len()), (3, 100));
    assert_eq!(summary["gaps"]["likely"], json!(["dior"]));
    let failure = &summary["failures"][0];
    assert!(failure["message"].as_str().unwrap().starts_with("page 3 failed, with 100 media kept"), "{failure}");
}

#[tokio::test]
async fn the_hashtags_of_a_run_share_its_further_pages() {
    let config = |ini: String| ini + "\n[limits]\nmedia_per_hashtag = auto\n";
    let hour = Hour::new(config, busy, &[]).await;
    let (summary, calls, _) = hour.run(0).await;
    assert_eq!(calls, 11 + 14, "11 look-ups, and 14 calls that a run may make");
    assert_eq!(summary["gaps"]["likely"].as_array().unwrap().len(), 11);
    assert_eq!(hour.run(5).await.1, 14);
}

#[tokio::test]
async fn without_auto_one_page_is_requested_and_no_gap_is_reported() {
    let hour = Hour::new(std::convert::identity, busy, &[]).await;
    hour.run(0).await;
    let (summary, calls, media) = hour.run(5).await;
    assert_eq!((calls, media.len(), summary.get("gaps")), (11, 275, None));
    let quality = hour.object(5, "quality").unwrap();
    assert!(quality["topics"].as_array().unwrap().iter().all(|run| run.get("pages").is_none()), "{quality}");
}
