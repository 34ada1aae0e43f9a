//! A check in each state that an operator may see: its exact output, and its exit code.

use std::process::Output;

use chrono::NaiveDate;

use crate::check::checked_on;
use crate::commands::{folder, local, out};
use crate::terminal::stand_in;
use support::aws::{Aws, BUCKET, S3Fault};
use support::harness::CONFIGURE_INI;

/// The lines of a check, with `<date>` and `<n>` for what depends on the day.
fn lines_of(checked: &Output) -> String {
    let lines: Vec<String> = out(checked).lines().map(masked).collect();
    format!("{}\nexit status {}", lines.join("\n"), checked.status.code().unwrap())
}

fn masked(line: &str) -> String {
    let is_of_the_token = ["  expiry ", "  data access "].iter().any(|what| line.contains(what));
    let words: Vec<&str> = line.split(' ').collect();
    let at = |i: usize| words.get(i).copied().unwrap_or_default();
    let word = |i: usize| {
        let is_count = at(i + 1).starts_with("days") && (at(i + 2).starts_with("ago") || i > 0 && at(i - 1) == "in");
        match at(i) {
            date if is_of_the_token && date.parse::<NaiveDate>().is_ok() => "<date>",
            count if is_count && count.parse::<u32>().is_ok() => "<n>",
            word => word,
        }
    };
    (0..words.len()).map(word).collect::<Vec<_>>().join(" ")
}

fn checked(version: &str, faults: &[&str]) -> String {
    let folder = folder(&CONFIGURE_INI.replace("v17.0", version));
    let arguments = ["check", "--sandbox"].into_iter().chain(faults.iter().flat_map(|fault| ["--fault", fault]));
    lines_of(&local(folder.path(), &arguments.collect::<Vec<_>>(), &[]))
}

#[test]
fn all_is_well() {
    insta::assert_snapshot!(checked("v26.0", &[]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    ok    token          valid, of type USER
    ok    expiry         the token expires in <n> days, on <date>
    ok    data access    access to data expires in <n> days, on <date>
    ok    scopes         instagram_basic, instagram_manage_insights, pages_read_engagement
    ok    account        hermes responds: 5 of 6 fields of its profile, 1 medium
    ok    hashtag quota  0 of 30 are used in <n> days; 11 with the 11 followed ones that do not count yet
    ok    hashtag        #hermes responds: 1 medium
    ok    version        v26.0 responds, as configured, and has no announced end; it will not end before 2028-11-04
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 5 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    everything that a run needs works
    exit status 0
    ");
}

#[test]
fn hashtags_are_refused() {
    insta::assert_snapshot!(checked("v26.0", &["#*=permission"]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    ok    token          valid, of type USER
    ok    expiry         the token expires in <n> days, on <date>
    ok    data access    access to data expires in <n> days, on <date>
    ok    scopes         instagram_basic, instagram_manage_insights, pages_read_engagement
    ok    account        hermes responds: 5 of 6 fields of its profile, 1 medium
    FAIL  hashtag quota  the number of used hashtags is unknown: permission: (10) HTTP 400, fbtrace_id AsAnDbOx: (#10) Application does not have permission for this action; the app lacks the feature Instagram Public Content Access, or is blocked; the API does not say which -> request Instagram Public Content Access in the app's review, and read the app's dashboard (docs/troubleshooting.md#missing-permission)
    FAIL  hashtag        #hermes: permission: (10) HTTP 400, fbtrace_id AsAnDbOx: (#10) Application does not have permission for this action; the app lacks the feature Instagram Public Content Access, or is blocked; the API does not say which -> request Instagram Public Content Access in the app's review, and read the app's dashboard (docs/troubleshooting.md#missing-permission)
    ok    version        v26.0 responds, as configured, and has no announced end; it will not end before 2028-11-04
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 4 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    2 to fix
    exit status 1
    ");
}

#[test]
fn the_token_is_near_its_end() {
    insta::assert_snapshot!(checked("v26.0", &["token=expiring"]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    ok    token          valid, of type USER
    ok    expiry         the token expires in <n> days, on <date>
    warn  data access    access to data expires in <n> days, on <date> -> make a new long-lived token and put it into the secret (docs/troubleshooting.md#expired-or-short-lived-token)
    ok    scopes         instagram_basic, instagram_manage_insights, pages_read_engagement
    ok    account        hermes responds: 5 of 6 fields of its profile, 1 medium
    ok    hashtag quota  0 of 30 are used in <n> days; 11 with the 11 followed ones that do not count yet
    ok    hashtag        #hermes responds: 1 medium
    ok    version        v26.0 responds, as configured, and has no announced end; it will not end before 2028-11-04
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 5 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    everything that a run needs works; 1 to look at
    exit status 0
    ");
}

#[test]
fn the_version_has_ended() {
    insta::assert_snapshot!(checked("v17.0", &["*=version:v21.0"]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    ok    token          valid, of type USER
    ok    expiry         the token expires in <n> days, on <date>
    ok    data access    access to data expires in <n> days, on <date>
    ok    scopes         instagram_basic, instagram_manage_insights, pages_read_engagement
    ok    account        hermes responds: 5 of 6 fields of its profile, 1 medium
    ok    hashtag quota  0 of 30 are used in <n> days; 11 with the 11 followed ones that do not count yet
    ok    hashtag        #hermes responds: 1 medium
    warn  version        v17.0 is configured and ended <n> days ago, on 2025-09-12; v21.0 responds instead and ends in <n> days, on 2027-01-21 -> compare it with `luxury-brands check --api-version v26.0`, then set [API] version = v26.0, the newest version tested (docs/troubleshooting.md#ended-version)
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 5 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    everything that a run needs works; 1 to look at
    exit status 0
    ");
}

#[test]
fn the_version_is_unknown() {
    insta::assert_snapshot!(checked("v99.0", &[]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    FAIL  token          its state is unknown: unexpected: (2500) HTTP 400, fbtrace_id AsAnDbOx: Unknown path components: /v99.0/debug_token; the API does not know the requested version (v99.0) -> set [API] version = v26.0, the newest version tested
    -     expiry         not checked: the token's state is unknown
    -     data access    not checked: the token's state is unknown
    -     scopes         not checked: the token's state is unknown
    FAIL  account        hermes: unexpected: (2500) HTTP 400, fbtrace_id AsAnDbOx: Unknown path components: /v99.0/17841400000000000; the API does not know the requested version (v99.0) -> set [API] version = v26.0, the newest version tested
    FAIL  hashtag quota  the number of used hashtags is unknown: unexpected: (2500) HTTP 400, fbtrace_id AsAnDbOx: Unknown path components: /v99.0/17841400000000000/recently_searched_hashtags; the API does not know the requested version (v99.0) -> set [API] version = v26.0, the newest version tested
    FAIL  hashtag        #hermes: unexpected: (2500) HTTP 400, fbtrace_id AsAnDbOx: Unknown path components: /v99.0/ig_hashtag_search; the API does not know the requested version (v99.0) -> set [API] version = v26.0, the newest version tested
    warn  version        v99.0 is configured and is not among the versions known (v17.0 to v27.0) -> set [API] version = v26.0, the newest version tested
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 4 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    4 to fix, 1 to look at
    exit status 1
    ");
}

#[test]
fn the_quota_of_hashtags_is_nearly_used() {
    insta::assert_snapshot!(checked("v26.0", &["hashtags=searched:15"]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    ok    token          valid, of type USER
    ok    expiry         the token expires in <n> days, on <date>
    ok    data access    access to data expires in <n> days, on <date>
    ok    scopes         instagram_basic, instagram_manage_insights, pages_read_engagement
    ok    account        hermes responds: 5 of 6 fields of its profile, 1 medium
    warn  hashtag quota  15 of 30 are used in <n> days; 26 with the 11 followed ones that do not count yet -> follow fewer hashtags, find who else searches as this user, or pin known ids in [hashtag_id]
    ok    hashtag        #hermes responds: 1 medium
    ok    version        v26.0 responds, as configured, and has no announced end; it will not end before 2028-11-04
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 5 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    everything that a run needs works; 1 to look at
    exit status 0
    ");
}

#[test]
fn a_field_is_gone() {
    insta::assert_snapshot!(checked("v26.0", &["*=unknown_field:like_count"]), @"
    ok    secret         the sandbox needs none
    ok    configuration  configure.ini: 11 accounts, 11 hashtags, as array
    ok    schedule       143 calls an hour, 154 with a process that starts, 200 allowed
    ok    token          valid, of type USER
    ok    expiry         the token expires in <n> days, on <date>
    ok    data access    access to data expires in <n> days, on <date>
    ok    scopes         instagram_basic, instagram_manage_insights, pages_read_engagement
    ok    account        hermes responds: 5 of 6 fields of its profile, 1 medium
    ok    hashtag quota  0 of 30 are used in <n> days; 11 with the 11 followed ones that do not count yet
    ok    hashtag        #hermes responds: 1 medium
    warn  fields         the API does not know like_count of accounts: each record gets the default -> remove the field from its mapping or its list in [common], or set an [API] version that has it
    warn  fields         the API does not know like_count of hashtags: each record gets the default -> remove the field from its mapping or its list in [common], or set an [API] version that has it
    ok    version        v26.0 responds, as configured, and has no announced end; it will not end before 2028-11-04
    ok    usage          0 % of the API's limit is used
    ok    calls          this check made 7 of the 200 calls allowed per hour
    ok    bucket         the folder sandbox_env can be written
    everything that a run needs works; 2 to look at
    exit status 0
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_is_missing() {
    let aws = Aws::start().await;
    aws.fail_s3(S3Fault { part: "quality", status: 404, code: "NoSuchBucket", times: 9 });
    let checked = checked_on(&aws, BUCKET, &[]).await;
    let text = lines_of(&checked);
    let bucket = text.lines().filter(|line| line.contains("  bucket")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(bucket, @r#"FAIL  bucket         lux-raw/quality/check/check.json could not be stored: service error: unhandled error (NoSuchBucket): Error { code: "NoSuchBucket", message: "set to fail: placeholder-session/token+of=temporary-credentials REDACTED" } -> create it, or correct `bucket` in the secret (docs/troubleshooting.md#no-bucket)"#);
    assert_eq!(checked.status.code(), Some(1));
}

#[test]
fn a_version_that_the_api_refuses_is_a_failure_whatever_its_headers_say() {
    let text = checked("v26.0", &["*=code:2635"]);
    assert!(text.contains("FAIL  version        the API refuses v26.0, which it has ended -> "), "{text}");
    assert!(text.ends_with("exit status 1") && text.contains("-     hashtag        not checked"), "{text}");
    let older = checked("v25.0", &["*=code:2635"]);
    assert!(older.contains("then set [API] version = v26.0, the newest version tested"), "{older}");
}

/// Every error of the API for a missing permission, for each call of a check.
#[test]
fn a_refusal_for_want_of_a_permission_is_a_failure_that_names_what_to_do() {
    let faults = [
        "permission",
        "blocked",
        "control_characters",
        "quotes_token",
        "code:3",
        "code:10",
        "code:200",
        "code:299",
        "code:368",
        "http:401",
        "http:403",
    ];
    for (topic, what, named) in [
        ("token", "token", "app_id and app_secret"),
        ("hermes", "account", "read the app's dashboard for its review"),
        ("hashtags", "hashtag quota", "Instagram Public Content Access"),
        ("#hermes", "hashtag", "Instagram Public Content Access"),
    ] {
        for fault in faults {
            let text = checked("v26.0", &[&format!("{topic}={fault}")]);
            let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL")).collect();
            assert!(text.ends_with("exit status 1") && failed.len() == 1, "{topic}={fault}: {text}");
            let named = match fault {
                "blocked" | "code:368" => "stop the schedules",
                "http:401" | "http:403" => "request the address in the message by hand",
                _ => named,
            };
            assert!(failed[0].contains(what) && failed[0].contains(named), "{topic}={fault}: {failed:?}");
        }
    }
}

#[test]
fn the_quota_is_weighed_with_the_hashtags_that_are_not_searched_for_yet() {
    for (others, level, needed) in [(0, "ok", 11), (12, "ok", 23), (13, "warn", 24), (19, "warn", 30), (20, "FAIL", 31)]
    {
        let text = checked("v26.0", &[&format!("hashtags=searched:{others}")]);
        let line = text.lines().find(|line| line.contains("hashtag quota")).unwrap();
        assert!(line.starts_with(level) && line.contains(&format!("; {needed} with the 11 followed")), "{line}");
    }
    let full = checked("v26.0", &["hashtags=searched:30"]);
    assert!(
        full.lines().any(|line| line.starts_with("-     hashtag        not checked")),
        "a check costs none: {full}"
    );
}

#[test]
fn a_check_without_accounts_or_without_hashtags_says_so() {
    let without = |key: &str| {
        let line = CONFIGURE_INI.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        let folder = folder(&CONFIGURE_INI.replace(line, &format!("{key} =")));
        lines_of(&local(folder.path(), &["check", "--sandbox"], &[]))
    };
    assert!(without("accounts").contains("-     account        not checked: no accounts are followed"));
    let text = without("hashtags");
    assert!(
        text.contains("-     hashtag quota  not checked: no hashtags are followed")
            && text.contains("made 2 of the 200"),
        "{text}"
    );
}

/// The lines of a check that say FAIL or -, on the sandbox with `faults`.
fn not_ok(faults: &[&str]) -> String {
    let text = checked("v26.0", faults);
    let lines = text.lines().filter(|line| !["ok ", "warn"].iter().any(|level| line.starts_with(level)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_id_that_is_no_instagram_user_is_the_one_cause() {
    insta::assert_snapshot!(not_ok(&["*=wrong_ig_user_id"]), @"
    FAIL  token          its state is unknown: set_up: (100) HTTP 400, fbtrace_id AsAnDbOx: (#100) Tried accessing nonexisting field (business_discovery) on node type (User); ig_user_id in the secret is not an Instagram user id of Facebook Login; it may be a Facebook user or Page id -> put the Page's instagram_business_account id into the secret as ig_user_id (docs/troubleshooting.md#wrong-instagram-user-id)
    -     expiry         not checked: the token's state is unknown
    -     data access    not checked: the token's state is unknown
    -     scopes         not checked: the token's state is unknown
    -     account        not checked: no further call in this run: ig_user_id in the secret is not an Instagram user id of Facebook Login; it may be a Facebook user or Page id
    -     hashtag quota  not checked: no further call in this run: ig_user_id in the secret is not an Instagram user id of Facebook Login; it may be a Facebook user or Page id
    -     hashtag        not checked: no further call in this run: ig_user_id in the secret is not an Instagram user id of Facebook Login; it may be a Facebook user or Page id
    1 to fix
    exit status 1
    ");
}

#[test]
fn a_wrong_app_secret_is_the_one_cause() {
    insta::assert_snapshot!(not_ok(&["hermes=wrong_app_secret", "#*=wrong_app_secret"]), @"
    FAIL  account        hermes: set_up: (100) HTTP 400, fbtrace_id AsAnDbOx: Invalid appsecret_proof provided in the API argument; the app requires appsecret_proof, which needs its app secret -> put app_id and app_secret into the secret (docs/troubleshooting.md#wrong-app-secret)
    -     hashtag quota  not checked: no further call in this run: the app requires appsecret_proof, which needs its app secret
    -     hashtag        not checked: no further call in this run: the app requires appsecret_proof, which needs its app secret
    1 to fix
    exit status 1
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_refused_does_not_blame_the_token() {
    let (_sandbox, folder) = stand_in(&["token=wrong_app", "*=wrong_app_secret"]).await;
    let secret = folder.path().join("secret.ini");
    let with_app = std::fs::read_to_string(&secret).unwrap() + "app_id = 12345\napp_secret = placeholder-app-key\n";
    std::fs::write(&secret, with_app).unwrap();
    let check = ["check", "--secret", "secret.ini"];
    let text = tokio::task::block_in_place(|| lines_of(&local(folder.path(), &check, &[])));
    assert!(text.ends_with("exit status 1") && !text.contains("long-lived token"), "{text}");
    let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL")).collect();
    insta::assert_snapshot!(failed.join("\n"), @"FAIL  token          its state is unknown: set_up: (190) HTTP 400, fbtrace_id AsAnDbOx: Invalid OAuth access token signature.; app_id or app_secret in the secret is wrong; the API does not say which. The access token may be good -> copy both from the app's dashboard into the secret (docs/troubleshooting.md#wrong-app-secret)");
}

#[test]
fn a_comparison_that_cannot_tell_fails() {
    for fault in ["*=wrong_ig_user_id", "*=code:100"] {
        let folder = folder(&CONFIGURE_INI.replace("v17.0", "v26.0"));
        let arguments = ["check", "--sandbox", "--api-version", "v27.0", "--fault", fault];
        let text = lines_of(&local(folder.path(), &arguments, &[]));
        assert!(text.ends_with("exit status 1") && !text.contains("knows every mapped field"), "{fault}: {text}");
    }
}

#[test]
fn a_secret_in_aws_without_credentials_has_the_next_step_of_the_credentials() {
    let folder = folder(CONFIGURE_INI);
    let home = folder.path().to_str().unwrap();
    let variables = [
        ("SECRET_ID", "collector"),
        ("AWS_REGION", "us-west-2"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", home),
    ];
    let text = lines_of(&local(folder.path(), &["check"], &variables));
    assert!(text.contains("FAIL  secret") && text.contains("-> set AWS_ACCESS_KEY_ID and"), "{text}");
}

#[test]
fn an_account_with_another_id_is_a_warning() {
    let folder = folder(&CONFIGURE_INI.replace("v17.0", "v26.0"));
    std::fs::write(folder.path().join("accounts.csv"), "name,user_id\nhermes,17840000000000000\n").unwrap();
    let text = lines_of(&local(folder.path(), &["check", "--sandbox", "--accounts-from", "accounts.csv"], &[]));
    let line =
        "warn  account        hermes responds with the id 17840000000000000, and [add_user_id] lists 17841400681603877";
    assert!(text.contains(line), "{text}");
}
