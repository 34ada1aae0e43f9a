//! The schedule and the limits; the keys of later runs.

use super::*;

#[test]
fn a_schedule_that_exceeds_a_limit_is_a_fault() {
    let told = |limit: &str| faults(and(&format!("[limits]\n{limit}")));
    assert_eq!(
        told("calls_per_hour = 142"),
        [
            "[limits] calls_per_hour: 11 accounts × 1 + 11 hashtags × 12 runs an hour make 143 calls an hour, 142 are allowed; follow fewer topics or run less often"
        ]
    );
    assert_eq!(
        told("hashtags_per_week = 10"),
        ["[limits] hashtags_per_week: 11 hashtags are followed, 10 different ones are allowed in 7 days"]
    );
    assert_eq!(
        told("hashtag_calls_per_day = 3167"),
        ["[limits] hashtag_calls_per_day: 11 hashtags × 12 runs an hour make 3168 calls a day, 3167 are allowed"]
    );
    assert_eq!(told("brand_media_runs_per_hour = 7").len(), 1);
    assert_eq!(told("hashtag_runs_per_hour = 60").len(), 2);
}

#[test]
fn a_schedule_at_its_limits_works() {
    let limits = "[limits]\ncalls_per_hour = 154\nhashtags_per_week = 11\nhashtag_calls_per_day = 3168";
    assert_eq!(notices(and(limits)), [""; 0]);
}

#[test]
fn a_limit_exceeded_only_while_a_process_starts_is_a_notice() {
    let told = notices(and("[limits]\ncalls_per_hour = 153"));
    assert!(told[0].contains("11 look-ups make 154 calls") && told[0].contains("[hashtag_id]"), "{told:?}");
}

#[test]
fn names_that_a_later_run_would_take_again_are_a_notice() {
    let replaced = |datetime: &str| notices(with("datetime = %Y-%m-%d_%H%M%S", &format!("datetime = {datetime}")));
    assert_eq!(replaced("%H%M"), [""; 0], "the folder tells the day");
    let told = replaced("%Y-%m-%d_%H");
    assert!(told.len() == 1 && told[0].starts_with("[common] hashtags_location: the next run"), "{told:?}");
    let told = replaced("%Y-%m-%d_%I%M");
    assert!(told.len() == 3 && told[0].starts_with("[common] profiles_location: a run twelve hours later"), "{told:?}");
}
