use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_version_ends_on_its_day_and_the_days_are_counted_on_both_sides() {
    let days = |today: &str| State::of("v21.0", day(today)).days_left();
    assert_eq!((days("2027-01-20"), days("2027-01-21"), days("2027-01-22")), (Some(1), Some(0), Some(-1)));
    let sentence = |name, today: &str| format!("{name} {}", State::of(name, day(today)));
    insta::assert_snapshot!([
        sentence("v17.0", "2026-11-25"),
        sentence("v21.0", "2026-11-25"),
        sentence("v21.0", "2027-01-21"),
        sentence("v26.0", "2026-11-25"),
        sentence("v27.0", "2026-11-25"),
        sentence("v99.0", "2026-11-25"),
    ].join("\n"), @"
    v17.0 ended 439 days ago, on 2025-09-12
    v21.0 ends in 57 days, on 2027-01-21
    v21.0 ended 0 days ago, on 2027-01-21
    v26.0 has no announced end; it will not end before 2028-11-04
    v27.0 has no announced end
    v99.0 is not among the versions known (v17.0 to v27.0)
    ");
}

#[test]
fn the_table_goes_from_the_oldest_to_the_newest_and_its_days_are_real() {
    for pair in VERSIONS.windows(2) {
        assert_eq!(compare(pair[0].name, pair[1].name), Some(Ordering::Less));
        assert!(date(pair[0].released).unwrap() < date(pair[1].released).unwrap());
    }
    for version in VERSIONS {
        if let End::On(end) | End::NotBefore(end) = version.end {
            assert!(date(end).unwrap() > date(version.released).unwrap(), "{version:?}");
        }
    }
    assert!(VERSIONS.iter().any(|version| version.name == TESTED && version.certainty == Certainty::Documented));
}

#[test]
fn an_end_that_meta_does_not_state_follows_from_its_rule() {
    for pair in VERSIONS.windows(2) {
        if let End::NotBefore((year, month, day)) = pair[0].end {
            assert_eq!((year - 2, month, day), pair[1].released, "two years after the next release");
        }
    }
}

#[test]
fn the_advice_is_the_newest_version_tested_and_never_an_older_one() {
    for (asked, is_served, sets) in [
        ("v17.0", false, true),
        ("v25.0", true, true),
        (TESTED, true, false),
        ("v27.0", true, false),
        ("v99.0", true, false),
        ("v99.0", false, true),
    ] {
        assert_eq!(diagnosis(asked, is_served).row().next.contains("set [API] version = v26.0"), sets, "{asked}");
    }
    assert_eq!(compare("v9.0", "v10.0"), Some(Ordering::Less));
    assert_eq!(compare("v9", "v10.0"), None);
}
