//! The schedule and the limits; the keys of later runs.

use super::*;

#[test]
fn a_schedule_that_exceeds_a_limit_is_a_fault() {
    let found = |limit: &str| faults(and(&format!("[limits]\n{limit}")));
    assert_eq!(
        found("calls_per_hour = 142"),
        [
            "[limits] calls_per_hour: 11 accounts × 1 + 11 hashtags × 12 runs an hour make 143 calls an hour, 142 are allowed; follow fewer topics or run less often"
        ]
    );
    assert_eq!(
        found("hashtags_per_week = 10"),
        ["[limits] hashtags_per_week: 11 hashtags are followed, 10 different ones are allowed in 7 days"]
    );
    assert_eq!(
        found("hashtag_calls_per_day = 3167"),
        ["[limits] hashtag_calls_per_day: 11 hashtags × 12 runs an hour make 3168 calls a day, 3167 are allowed"]
    );
    assert_eq!(found("brand_media_runs_per_hour = 7").len(), 1);
    assert_eq!(found("hashtag_runs_per_hour = 60").len(), 2);
}

#[test]
fn a_schedule_at_its_limits_works() {
    let limits = "[limits]\ncalls_per_hour = 154\nhashtags_per_week = 11\nhashtag_calls_per_day = 3168";
    assert_eq!(notices(and(limits)), [""; 0]);
}

#[test]
fn a_limit_exceeded_only_while_a_process_starts_is_a_notice() {
    let found = notices(and("[limits]\ncalls_per_hour = 153"));
    assert!(found[0].contains("11 look-ups make 154 calls") && found[0].contains("[hashtag_id]"), "{found:?}");
}

#[test]
fn names_that_a_later_run_would_take_again_are_a_notice() {
    let replaced = |datetime: &str| notices(with("datetime = %Y-%m-%d_%H%M%S", &format!("datetime = {datetime}")));
    assert_eq!(replaced("%H%M"), [""; 0], "the folder has the day");
    let found = replaced("%Y-%m-%d_%H");
    assert!(found.len() == 1 && found[0].starts_with("[common] hashtags_location: the next run"), "{found:?}");
    let found = replaced("%Y-%m-%d_%I%M");
    assert!(
        found.len() == 3 && found[0].starts_with("[common] profiles_location: a run twelve hours later"),
        "{found:?}"
    );
}
