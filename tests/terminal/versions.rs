//! `luxury-brands check --api-version`: every mapped field on another version, and what would change.

use crate::commands::{folder, local, out};
use crate::fields::with_todays_fields;
use support::harness::CONFIGURE_INI;

/// What a comparison prints below the schedule, and its exit code.
fn compared(config: &str, version: &str, faults: &[&str]) -> String {
    let folder = folder(config);
    // As the real API does: v17.0 has ended.
    let arguments = ["check", "--sandbox", "--api-version", version, "--fault", "v17.0=version:v21.0"].into_iter();
    let arguments = arguments.chain(faults.iter().flat_map(|fault| ["--fault", fault]));
    let compared = local(folder.path(), &arguments.collect::<Vec<_>>(), &[]);
    assert!(!folder.path().join("sandbox_env/quality").exists(), "it stores nothing");
    let text = out(&compared);
    let (_, printed) = text.split_once("allowed\n").unwrap_or(("", &text));
    // Which media lack a field depends on the clock.
    let counted = |line: &str| {
        let is_counted = line.contains("missing values in");
        let counts = line.rsplit_once(": ").filter(|_| is_counted);
        counts.map_or(line.to_owned(), |(line, _)| format!("{line}: <fields>"))
    };
    let printed: String = printed.lines().map(|line| counted(line) + "\n").collect();
    format!("{printed}exit status {}", compared.status.code().unwrap())
}

#[test]
fn the_newest_version_tested_knows_every_shipped_field_and_todays() {
    insta::assert_snapshot!(compared(CONFIGURE_INI, "v26", &[]), @"
    warn  version        v17.0 is requested and v21.0 responds, whose fields follow (3 calls) -> set [API] version to a supported one (docs/troubleshooting.md#ended-version)
    ok    version        v26.0 is requested and responds (2 calls)
    ok    brand          v26.0 knows 6 of 6 fields; missing values in 1 record: <fields>
    ok    media          v26.0 knows 9 of 9 fields; missing values in 50 records: <fields>
    ok    media_hashtag  v26.0 knows 6 of 6 fields; missing values in 50 records: <fields>
    ok    calls          this comparison made 5 calls
    v26.0 knows every mapped field that the configured one does
    exit status 0
    ");
    let todays = with_todays_fields(CONFIGURE_INI);
    let text = compared(&todays, collector::version::TESTED, &[]);
    assert!(
        text.contains("knows 9 of 9") && text.contains("knows 12 of 12") && text.ends_with("exit status 0"),
        "{text}"
    );
}

#[test]
fn if_a_hashtag_does_not_exist_the_next_one_is_requested_by_its_own_id() {
    let pinned = format!("{CONFIGURE_INI}\n[hashtag_id]\nhermes = 17\n");
    let text = compared(&pinned, "v26.0", &[]);
    assert!(text.contains("media_hashtag  v26.0 knows 6 of 6 fields") && text.ends_with("exit status 0"), "{text}");
}

#[test]
fn a_field_that_would_be_lost_fails_the_comparison_and_one_that_would_come_is_reported() {
    let faults = ["v26.0=unknown_field:media_product_type", "v17.0=unknown_field:name"];
    insta::assert_snapshot!(compared(CONFIGURE_INI, "v26.0", &faults), @"
    warn  version        v17.0 is requested and v21.0 responds, whose fields follow (4 calls) -> set [API] version to a supported one (docs/troubleshooting.md#ended-version)
    ok    version        v26.0 is requested and responds (3 calls)
    ok    brand          v26.0 knows name, which v17.0 does not
    ok    brand          v26.0 knows 6 of 6 fields; missing values in 1 record: <fields>
    FAIL  media          v26.0 does not know media_product_type, which v17.0 does -> remove the field from its mapping or its list in [common], or set an [API] version that has it
    ok    media          v26.0 knows 8 of 9 fields; missing values in 50 records: <fields>
    ok    media_hashtag  v26.0 knows 6 of 6 fields; missing values in 50 records: <fields>
    ok    calls          this comparison made 7 calls
    1 to fix, 1 to look at
    exit status 1
    ");
}

#[test]
fn if_the_api_names_no_field_each_is_requested_separately() {
    let odd = CONFIGURE_INI.replace("[hashtag_media]", "[hashtag_media]\nviews = view_count int");
    insta::assert_snapshot!(compared(&odd, "v26.0", &[]), @"
    warn  version        v17.0 is requested and v21.0 responds, whose fields follow (9 calls) -> set [API] version to a supported one (docs/troubleshooting.md#ended-version)
    ok    version        v26.0 is requested and responds (8 calls)
    ok    brand          v26.0 knows 6 of 6 fields; missing values in 1 record: <fields>
    ok    media          v26.0 knows 9 of 9 fields; missing values in 50 records: <fields>
    warn  media_hashtag  neither v17.0 nor v26.0 knows view_count -> remove the field from its mapping or its list in [common], or set an [API] version that has it
    ok    media_hashtag  v26.0 knows 6 of 7 fields; missing values in 50 records: <fields>
    ok    calls          this comparison made 17 calls
    v26.0 knows every mapped field that the configured one does
    exit status 0
    ");
}

#[test]
fn a_version_that_is_refused_fails_the_comparison() {
    insta::assert_snapshot!(compared(CONFIGURE_INI, "v26.0", &["v26.0=code:2635"]), @"
    warn  version        v17.0 is requested and v21.0 responds, whose fields follow (3 calls) -> set [API] version to a supported one (docs/troubleshooting.md#ended-version)
    ok    version        v26.0 is requested and responds (1 call)
    FAIL  version        v26.0: hermes: version_ended: (2635) HTTP 400, fbtrace_id AsAnDbOx: (#2635) fault of the sandbox; the API has ended the requested version (v26.0) -> set [API] version to a supported one (docs/troubleshooting.md#ended-version)
    ok    calls          this comparison made 4 calls
    1 to fix, 1 to look at
    exit status 1
    ");
    let unknown = compared(CONFIGURE_INI, "v99.0", &[]);
    assert!(unknown.contains("FAIL  version        v99.0: hermes") && unknown.ends_with("exit status 1"), "{unknown}");
}

#[test]
fn a_topic_that_is_gone_is_passed_over_and_no_version_is_blamed_for_it() {
    let text = compared(CONFIGURE_INI, "v26.0", &["hermes=not_there", "#hermes=code:24/2207024"]);
    assert!(text.contains("v26.0 knows 9 of 9 fields") && text.ends_with("exit status 0"), "{text}");
}
