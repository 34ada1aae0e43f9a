//! Events, and the errors of those that cannot be run.

use serde_json::json;

use super::*;

fn parse(payload: Value) -> Event {
    Event::parse(&payload).unwrap()
}

#[test]
fn the_job_is_read_from_an_object_a_string_and_an_eventbridge_event() {
    for payload in [
        json!({"job": "hashtag", "time": "2026-01-31T23:59:07Z"}),
        json!({"version": "0", "id": "x", "detail-type": "run", "time": "2026-01-31T23:59:07Z", "detail": {"job": "hashtag"}}),
        json!({"job": "hashtag", "time": "2026-02-01T08:59:07+09:00"}),
    ] {
        let event = parse(payload);
        assert_eq!((event.job, event.time.unwrap().to_rfc3339().as_str()), (Job::Hashtag, "2026-01-31T23:59:07+00:00"));
    }
    assert_eq!(parse(json!("token")).job, Job::Token);
}

#[test]
fn a_time_that_cannot_be_read_is_reported_and_does_not_stop_the_run() {
    let leap_second = json!("2026-01-31T23:59:60Z");
    let before_year_1 = json!("0001-01-01T00:00:00+01:00");
    let after_year_9999 = json!("9999-12-31T23:59:59-01:00");
    let day = json!("2026-01-31");
    let words = [json!("<aws.scheduler.scheduled-time>"), json!(17), json!(""), json!(null)];
    for time in words.into_iter().chain([day, leap_second, before_year_1, after_year_9999]) {
        let event = parse(json!({"job": "brand_media", "time": time}));
        assert_eq!((event.time, event.invalid_time), (None, Some(time.to_string())));
    }
}

#[test]
fn a_time_far_from_now_is_reported_as_not_a_backfill() {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    let warning = |time: &str| parse(json!({"job": "brand_media", "time": time})).time_warning(now);
    for time in ["2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z", "2026-01-31T12:05:00Z"] {
        assert_eq!(warning(time), None, "{time}");
    }
    for (time, apart) in [
        ("2026-01-30T11:59:59Z", "time 2026-01-30T11:59:59Z is 24 hours in the past: this is not a backfill"),
        ("2026-01-01T12:00:00Z", "is 30 days in the past"),
        ("2026-01-31T12:05:01Z", "is 5 minutes in the future"),
        ("2026-02-01T12:00:00+09:00", "is 15 hours in the future"),
        ("2999-01-01T12:00:00Z", "days in the future"),
    ] {
        assert!(warning(time).unwrap().contains(apart), "{time}: {:?}", warning(time));
    }
    assert_eq!(parse(json!("token")).time_warning(now), None);
    assert!(warning("yesterday").unwrap().contains("\"yesterday\" cannot be read"));
}

#[test]
fn a_subset_and_a_shard_are_taken() {
    let event = parse(json!({"job": "brand_media", "accounts": ["dior"], "shard": "a-1"}));
    let dior = vec![TopicSelector::Configured("dior".to_owned())];
    assert_eq!((event.subset.unwrap(), event.shard.unwrap().as_str()), (dior, "a-1"));
}

#[test]
fn a_part_of_a_run_is_named_by_its_shard_or_by_its_topics_whatever_their_order() {
    let part = |event: Value| parse(event).part();
    assert_eq!(part(json!("brand_media")), None);
    assert_eq!(part(json!({"job": "brand_media", "shard": "a-1", "accounts": ["dior"]})).as_deref(), Some("a-1"));
    let of = |topics: &[&str]| part(json!({"job": "hashtag", "hashtags": topics})).unwrap();
    insta::assert_snapshot!(of(&["dior", "gucci"]), @"part-b721ff5ac6d32740");
    assert_eq!(of(&["dior", "gucci"]), of(&["gucci", "dior", "gucci"]));
    assert!(of(&["dior"]) != of(&["gucci"]) && of(&["a", "b"]) != of(&["ab"]));
}

#[test]
fn a_secret_is_accepted_if_its_name_begins_with_the_functions_prefix() {
    let event = parse(json!({"job": "token", "secret_id": "collectors/ig-1"}));
    assert_eq!(event.check_secret(Some("collectors/")), Ok(()));
    for (prefix, expected) in [
        (None, "SECRET_PREFIX is not set"),
        (Some(""), "SECRET_PREFIX is not set"),
        (Some("others/"), "does not begin with \"others/\""),
        (Some("collectors/ig-1"), "does not begin with"),
    ] {
        let error = event.check_secret(prefix).unwrap_err().to_string();
        assert!(
            error.contains("collectors/ig-1") && error.contains(expected) && error.contains("has the grammar"),
            "{error}"
        );
    }
}

#[test]
fn anything_else_is_an_error_that_names_what_was_given_and_what_is_allowed() {
    for (payload, given) in [
        (json!(7), "is 7"),
        (json!(null), "is null"),
        (json!([]), "is []"),
        (json!({}), "no \"job\" (its keys: none)"),
        (json!({"jobs": "hashtag"}), "its keys: jobs"),
        (json!("nonsense"), "job \"nonsense\""),
        (json!({"job": "rollup"}), "job \"rollup\""),
        (json!({"job": ["hashtag"]}), "job [\"hashtag\"]"),
        (json!({"job": "hashtag", "shard": "A"}), "shard \"A\""),
        (json!({"job": "hashtag", "shard": "a".repeat(33)}), "shard \"aaa"),
        (json!({"job": "hashtag", "shard": ""}), "shard \"\""),
        (json!({"job": "hashtag", "accounts": ["dior"]}), "\"accounts\", which the job \"hashtag\""),
        (json!({"job": "brand_media", "accounts": "dior"}), "\"accounts\" with \"dior\""),
        (json!({"job": "brand_media", "accounts": []}), "\"accounts\" with []"),
        (json!({"job": "brand_media", "secret_id": "a b"}), "secret_id \"a b\""),
        (json!({"job": "brand_media", "results": "runs/x/manifest.json"}), "unknown key \"results\""),
        (json!({"job": "brand_media", "acounts": ["dior"]}), "unknown key \"acounts\""),
    ] {
        let error = Event::parse(&payload).unwrap_err().to_string();
        assert!(error.contains(given) && error.contains(" expected") && !error.contains('\n'), "{payload}: {error}");
        assert!(error.ends_with("; docs/configuration.md#the-event has the grammar"), "{error}");
    }
}

#[test]
fn a_misspelt_job_key_or_topic_is_refused_with_the_one_that_was_meant() {
    for (payload, meant) in [
        (json!("brand-media"), "brand_media"),
        (json!({"job": "hashtags"}), "hashtag"),
        (json!({"job": "brand_media", "acounts": ["dior"]}), "accounts"),
        (json!({"job": "hashtag", "secretid": "c/1"}), "secret_id"),
    ] {
        let error = Event::parse(&payload).unwrap_err().to_string();
        assert!(error.contains(&format!(" expected (did you mean `{meant}`?)")), "{error}");
    }
    let event = parse(json!({"job": "hashtag", "hashtags": ["guci"]}));
    let error = event.check_subset(&["dior", "gucci"]).unwrap_err().to_string();
    assert!(error.contains("guci (did you mean `gucci`?), one of these expected: dior, gucci;"), "{error}");
}

#[test]
fn an_error_does_not_grow_with_the_payload() {
    let long = "x".repeat(100_000);
    for payload in [
        json!({&long: 1}),
        json!({"job": "token", &long: &long}),
        json!({"job": &long}),
        json!({"job": "hashtag", "hashtags": &long}),
        json!(&long),
    ] {
        assert!(Event::parse(&payload).unwrap_err().to_string().len() < 1_000);
    }
    let event = parse(json!({"job": "hashtag", "hashtags": vec!["nosuch"; 10_000]}));
    assert!(event.check_subset(&["dior"]).unwrap_err().to_string().len() < 1_000);
}

fn names(event: Value) -> Result<Vec<String>, String> {
    let event = Event::parse(&event).map_err(|e| e.to_string())?;
    let name = |w: &TopicSelector| match w {
        TopicSelector::Configured(name) => name.clone(),
        TopicSelector::Account(account) => format!("{} of {}", account.username, account.user_id),
        TopicSelector::Hashtag(hashtag) => {
            format!("#{} {:?}", hashtag.name, hashtag.id.as_ref().map(HashtagId::as_str))
        }
    };
    Ok(event.subset.iter().flatten().map(name).collect())
}

#[test]
fn a_topic_is_named_or_brought_along_with_its_ids() {
    let accounts = json!({"job": "brand_media", "accounts": ["dior", {"name": "a.b", "user_id": "17"}]});
    assert_eq!(names(accounts).unwrap(), ["dior", "a.b of 17"]);
    let hashtags = json!({"job": "hashtag", "hashtags": [{"name": "été", "user_id": "1", "id": "9"}, {"name": "b", "user_id": "1"}]});
    assert_eq!(names(hashtags).unwrap(), ["#été Some(\"9\")", "#b None"]);
}

#[test]
fn an_unusable_topic_is_an_error_that_shows_it() {
    for topic in [
        json!({"name": "dior"}),
        json!({"user_id": "1"}),
        json!({"name": "dior", "user_id": 1}),
        json!({"name": "dior){id}", "user_id": "1"}),
        json!({"name": "dior", "user_id": "x"}),
        json!({"name": "dior", "user_id": "1", "id": "2"}),
        json!({"name": "dior", "user_id": "1", "limit": 2}),
        json!(7),
    ] {
        let error = names(json!({"job": "brand_media", "accounts": [topic]})).unwrap_err();
        assert!(error.contains(&topic.to_string()) && error.contains("expected"), "{error}");
    }
    let account = |user_id: &str| json!({"name": "a", "user_id": user_id});
    for otherwise in [json!([account("1"), account("2")]), json!(["a", account("1")])] {
        let error = names(json!({"job": "brand_media", "accounts": otherwise})).unwrap_err();
        assert!(error.contains("\"a\" twice"), "{error}");
    }
}

#[test]
fn a_topic_named_twice_counts_once() {
    let account = json!({"name": "a", "user_id": "1"});
    let event = json!({"job": "brand_media", "accounts": ["dior", account, "dior", account]});
    assert_eq!(names(event).unwrap(), ["dior", "a of 1"]);
}
