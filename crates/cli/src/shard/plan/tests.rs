//! The properties of a plan, over many requests.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn credential(n: usize, calls_per_hour: u32, hashtags_per_week: u32) -> Credential {
    Credential { secret_id: format!("collectors/{n}"), calls_per_hour, hashtags_per_week }
}

fn request(accounts: usize, hashtags: usize, credentials: usize) -> Request {
    Request {
        credentials: (0..credentials).map(|n| credential(n, 200, 30)).collect(),
        accounts: (0..accounts).map(|n| format!("account{n}")).collect(),
        hashtags: (0..hashtags).map(|n| Hashtag { name: format!("tag{n}"), pinned: true }).collect(),
        brand_media: Schedule { runs_per_hour: 1, every_hours: 1, calls: 1 },
        hashtag: Schedule { runs_per_hour: 12, every_hours: 1, calls: 1 },
        most_topics: 50,
        reserve_percent: 10,
    }
}

/// The credential, the hour and the shard of each topic.
fn slots(shards: &[Shard], names: &[&str]) -> BTreeMap<String, (usize, u32, String)> {
    let each = shards.iter().flat_map(|s| s.topics.iter().map(move |t| (s, *t)));
    each.map(|(s, t)| (names[t].to_owned(), (s.credential, s.hour, s.name.clone()))).collect()
}

fn accounts(request: &Request) -> BTreeMap<String, (usize, u32, String)> {
    let names: Vec<&str> = request.accounts.iter().map(String::as_str).collect();
    slots(&request.plan().unwrap().brand_media, &names)
}

/// The number of accounts with another credential or hour.
fn moved(before: &Request, after: &Request) -> usize {
    let (before, after) = (accounts(before), accounts(after));
    before.iter().filter(|(name, (c, h, _))| after.get(*name).is_none_or(|(d, i, _)| (c, h) != (d, i))).count()
}

fn requests() -> impl Strategy<Value = Request> {
    let credentials = prop::collection::vec((20u32..400, 0u32..40), 1..10);
    let schedule = (1u32..3, prop::sample::select(vec![1u32, 2, 6, 24]), 1u32..4);
    (credentials, 0usize..800, 0usize..60, (schedule.clone(), schedule), 1usize..120, 0u32..50, any::<bool>()).prop_map(
        |(credentials, accounts, hashtags, (a, h), most_topics, reserve_percent, pinned)| {
            let schedule = |(runs_per_hour, every_hours, calls)| Schedule { runs_per_hour, every_hours, calls };
            Request {
                credentials: credentials.into_iter().enumerate().map(|(n, (c, w))| credential(n, c, w)).collect(),
                brand_media: schedule(a),
                hashtag: schedule(h),
                most_topics,
                reserve_percent,
                hashtags: (0..hashtags).map(|n| Hashtag { name: format!("tag{n}"), pinned }).collect(),
                ..request(accounts, 0, 0)
            }
        },
    )
}

/// The calls of each credential in each hour of a day, counted from the shards.
fn calls_by_hour(request: &Request, plan: &Plan) -> BTreeMap<(usize, u32), u64> {
    let pinned = request.hashtags.iter().all(|h| h.pinned);
    let mut calls = BTreeMap::new();
    let jobs = [
        (&plan.brand_media, request.brand_media, Request::cost(request.brand_media, true)),
        (&plan.hashtag, request.hashtag, Request::cost(request.hashtag, pinned)),
    ];
    for (shards, schedule, cost) in jobs {
        for shard in shards {
            for hour in (0..24).filter(|hour| hour % schedule.every_hours == shard.hour) {
                *calls.entry((shard.credential, hour)).or_default() += shard.topics.len() as u64 * cost;
            }
        }
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_has_every_topic_once_and_keeps_every_limit(request in requests()) {
        let Some(plan) = request.try_plan() else { return Ok(()) };
        for (shards, topics) in [(&plan.brand_media, request.accounts.len()), (&plan.hashtag, request.hashtags.len())] {
            let mut dealt: Vec<usize> = shards.iter().flat_map(|s| s.topics.clone()).collect();
            dealt.sort_unstable();
            prop_assert_eq!(dealt, (0..topics).collect::<Vec<_>>());
            prop_assert!(shards.iter().all(|s| (1..=request.most_topics).contains(&s.topics.len())));
            let names: BTreeSet<&str> = shards.iter().map(|s| s.name.as_str()).collect();
            prop_assert_eq!(names.len(), shards.len());
            prop_assert!(names.iter().all(|name| collector::topic::Shard::new(name).is_some()), "{:?}", names);
        }
        for ((credential, _), calls) in calls_by_hour(&request, &plan) {
            prop_assert!(calls <= request.calls(&request.credentials[credential]));
            prop_assert!(calls <= plan.calls[credential]);
        }
        for (n, credential) in request.credentials.iter().enumerate() {
            let hashtags: usize = plan.hashtag.iter().filter(|s| s.credential == n).map(|s| s.topics.len()).sum();
            prop_assert!(hashtags <= credential.hashtags_per_week as usize);
        }
    }

    #[test]
    fn a_plan_depends_on_the_set_and_not_on_the_order(request in requests(), turn in 0usize..800) {
        let mut turned = request.clone();
        let turn = turn % turned.accounts.len().max(1);
        turned.accounts.rotate_left(turn);
        prop_assert_eq!(request.try_plan().is_some(), turned.try_plan().is_some());
        if request.try_plan().is_some() {
            prop_assert_eq!(accounts(&request), accounts(&turned));
        }
    }
}

#[test]
fn one_more_topic_moves_few() {
    let before = request(1_000, 0, 8);
    let moves: Vec<usize> = (0..100)
        .map(|n| {
            let mut after = before.clone();
            after.accounts.push(format!("new{n}"));
            moved(&before, &after)
        })
        .collect();
    let mean = moves.iter().sum::<usize>() as f64 / moves.len() as f64;
    assert!(mean < 3.0 && moves.iter().all(|m| *m <= 20), "mean {mean}, {moves:?}");
}

#[test]
fn one_topic_less_and_one_credential_more_move_few_as_well() {
    let whole = request(1_000, 0, 8);
    let mut without = whole.clone();
    without.accounts.remove(500);
    assert!(moved(&without, &whole) <= 20);
    // A ninth credential gets its share, and few topics move.
    let more = request(1_000, 0, 9);
    assert!(moved(&whole, &more) <= 250, "{}", moved(&whole, &more));
}

#[test]
fn one_more_topic_cuts_at_most_one_shard() {
    let before = request(1_000, 0, 8);
    for n in 0..50 {
        let mut after = before.clone();
        after.accounts.push(format!("new{n}"));
        let (old, new) = (accounts(&before), accounts(&after));
        let renamed = old.iter().filter(|(name, slot)| new.get(*name).is_none_or(|s| &s != slot)).count();
        assert!(renamed <= 50 + 20, "{renamed}");
    }
}

#[test]
fn a_plan_that_fills_every_credential_is_found() {
    let mut full = request(8 * 180, 0, 8);
    assert_eq!(full.plan().unwrap().calls, [180; 8]);
    full.accounts.push("one too many".to_owned());
    assert!(full.try_plan().is_none());
}

#[test]
fn what_is_missing_is_given_in_credentials_and_in_hours() {
    let error = request(1_000, 0, 4).plan().unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"1000 accounts and 0 hashtags do not fit 4 credentials: 1000 calls an hour are needed and 720 can be planned, 0 different hashtags a week are needed and 120 are allowed; 2 more credentials of 200 calls an hour and 30 hashtags a week would do; or brand_media every 2 hours (--every 2h) with the present credentials");
    let error = request(0, 100, 3).plan().unwrap_err().to_string();
    assert!(
        error.contains("100 different hashtags a week are needed and 90 are allowed") && !error.contains("there are"),
        "{error}"
    );
    let error = request(0, 40, 2).plan().unwrap_err().to_string();
    assert!(error.contains("or hashtag 9 times an hour (--hashtag-runs 9)"), "{error}");
}

#[test]
fn each_proposal_can_be_planned() {
    let mut request = request(1_000, 0, 4);
    request.brand_media.every_hours = 2;
    assert!(request.plan().is_ok());
    request.brand_media.every_hours = 1;
    request.credentials.extend([credential(8, 200, 30), credential(9, 200, 30)]);
    assert!(request.plan().is_ok());
}
