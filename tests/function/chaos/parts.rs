//! Faults of the function's surroundings: S3, Secrets Manager, its credentials, its disk and the process.

use serde_json::json;

use super::case::{ALL, Case, case};
use super::disk::Mount;
use super::setup::{KEYS, key, secret_in_a_file};
use support::aws::{DENIED, GARBLED, HANGS, HANGS_UP, STALLS, VAST, VAST_ERROR};

pub fn cases() -> Vec<Case> {
    [s3(), partial(), manager(), credentials(), process()].into_iter().flatten().collect()
}

const STORE: &str = "error `store`";
const SECRET: &str = "error `secret`";

fn s3() -> Vec<Case> {
    let of = |what| case("S3", what);
    vec![
        of("AccessDenied for one object")
            .quick()
            .arranged(|setup| setup.fail_s3("raw/media_", 403, "AccessDenied", 99))
            .leaves("11 brands", STORE, &["AccessDenied", "275 records lost"]),
        of("503 twice").quick().arranged(|setup| setup.fail_s3("raw/media_", 503, "SlowDown", 2)),
        of("503 always").arranged(|setup| setup.fail_s3("raw/", 503, "SlowDown", 99)).leaves(
            "nothing",
            STORE,
            &["SlowDown", "275 records lost"],
        ),
        of("closed without an answer, twice").arranged(|setup| setup.fail_s3("raw/media_", 0, HANGS_UP, 2)),
        of("a first try that stalls").arranged(|setup| setup.fail_s3("raw/media_", 0, STALLS, 1)),
        of("tries that stall up to the deadline")
            .arranged(|setup| {
                setup.fail_s3("raw/media_", 0, STALLS, 99);
                setup.within(8);
            })
            .leaves("11 brands", STORE, &["275 records lost"]),
        of("an error with a body of 100 MB").arranged(|setup| setup.fail_s3("raw/brand_", 400, VAST_ERROR, 99)).leaves(
            "275 media",
            STORE,
            &["larger than 1 MiB"],
        ),
        of("ExpiredToken that repeats the session token and the secret key")
            .quick()
            .arranged(|setup| setup.fail_s3("raw/", 400, "ExpiredToken", 99))
            .leaves("nothing", STORE, &["set to fail: REDACTED REDACTED"]),
        of("RequestTimeTooSkewed once, as after an hour's jump of the clock")
            .quick()
            .arranged(|setup| setup.fail_s3("raw/media_", 403, "RequestTimeTooSkewed", 1)),
        of("RequestTimeTooSkewed always")
            .arranged(|setup| setup.fail_s3("raw/", 403, "RequestTimeTooSkewed", 99))
            .leaves("nothing", STORE, &["RequestTimeTooSkewed"]),
        of("NoSuchBucket").arranged(|setup| setup.harness.aws.heads().fail(404, None)).leaves(
            "nothing",
            STORE,
            &["NoSuchBucket"],
        ),
        of("quality objects denied").arranged(|setup| setup.fail_s3("quality/", 403, "AccessDenied", 99)).leaves(
            ALL,
            STORE,
            &["lux-raw/quality/media_2026-01-31"],
        ),
    ]
}

/// The objects of an earlier run of the same time.
fn partial() -> Vec<Case> {
    let of = |what| case("S3", what);
    vec![
        of("a run that lost a topic, after a whole one")
            .quick()
            .faults(&["fendi=not_there"])
            .arranged(|setup| setup.harness.aws.put(&key("raw", "brand"), "[1,2]"))
            .leaves("2 brands, 250 media; apart: 10 brands", "in part: 1 × `not_there`", &["\"kind\":\"partial\""]),
        of("a whole run, after one that lost a topic")
            .faults(&["fendi=not_therex1"])
            .arranged(|setup| setup.events.push(setup.events[0].clone()))
            .leaves(ALL, "in part: 1 × `not_there`, then whole", &[]),
        of("501 to `If-None-Match`, of a run that lost a topic")
            .faults(&["fendi=not_there"])
            .arranged(|setup| setup.fail_s3("lux-raw/raw/", 501, "NotImplemented", 99))
            .leaves("apart: 10 brands, 250 media", "in part: 1 × `not_there`", &[]),
    ]
}

fn manager() -> Vec<Case> {
    let of = |what| case("Secrets Manager", what);
    vec![
        of("no answer")
            .arranged(|setup| {
                setup.harness.aws.set_secrets([HANGS.to_owned()]);
                setup.within(5);
            })
            .leaves("nothing", SECRET, &["could not be read from AWS Secrets Manager"]),
        of("no answer once").arranged(|setup| {
            setup.harness.aws.set_secrets([HANGS.to_owned(), setup.secret(&json!({}))]);
        }),
        of("50 MB").arranged(|setup| setup.harness.aws.set_secrets([VAST.to_owned()])).leaves(
            "nothing",
            SECRET,
            &["larger than 1 MiB"],
        ),
        of("an answer that is no JSON")
            .arranged(|setup| {
                setup.harness.aws.set_secrets([format!("{GARBLED}<html>")]);
                setup.within(5);
            })
            .leaves("nothing", SECRET, &["could not be read from AWS Secrets Manager"]),
        of("AccessDenied").quick().arranged(|setup| setup.harness.aws.set_secrets([DENIED.to_owned()])).leaves(
            "nothing",
            SECRET,
            &["AccessDeniedException"],
        ),
        of("no such secret").arranged(|setup| setup.harness.aws.set_secrets([String::new()])).leaves(
            "nothing",
            SECRET,
            &["ResourceNotFoundException"],
        ),
        of("a secret that is no JSON")
            .arranged(|setup| setup.harness.aws.set_secrets([support::harness::TOKEN.to_owned()]))
            .leaves("nothing", SECRET, &["is not a JSON object of strings"]),
        of("an empty token")
            .quick()
            .arranged(|setup| setup.harness.aws.set_secrets([setup.secret(&json!({"access_token": ""}))]))
            .leaves("nothing", SECRET, &["access_token is empty"]),
        of("denied twice and then well, in one process")
            .arranged(|setup| {
                let denied = || DENIED.to_owned();
                setup.harness.aws.set_secrets([denied(), denied(), setup.secret(&json!({}))]);
                setup.events.push(setup.events[0].clone());
            })
            .leaves(ALL, "error `secret`, then whole", &[]),
    ]
}

fn credentials() -> Vec<Case> {
    let of = |what| case("credentials", what);
    vec![
        of("none, and the secret in Secrets Manager")
            .quick()
            .arranged(|setup| KEYS.iter().for_each(|name| drop(setup.variables.remove(name))))
            .leaves("nothing", SECRET, &["there are no AWS credentials"]),
        of("none, and the secret in a file")
            .arranged(|setup| {
                KEYS.iter().for_each(|name| drop(setup.variables.remove(name)));
                secret_in_a_file(setup, support::aws::BUCKET);
            })
            .leaves("nothing", STORE, &["there are no AWS credentials"]),
        of("with a session token, as Lambda has them").quick(),
        of("a wrong secret key")
            .arranged(|setup| {
                setup.variables.insert("AWS_SECRET_ACCESS_KEY", "placeholder-of-another-key".to_owned());
            })
            .leaves("nothing", STORE, &["SignatureDoesNotMatch"]),
    ]
}

fn process() -> Vec<Case> {
    let of = |what| case("disk", what);
    vec![
        of("full, with `bucket = local_env`")
            .quick()
            .arranged(|setup| match Mount::of(64 * 1024) {
                Some(mount) => {
                    setup.folder = mount.path().to_owned();
                    setup.keep(mount);
                    secret_in_a_file(setup, "local_env");
                }
                None => setup.skipped = Some("a file system cannot be mounted here"),
            })
            .leaves("11 brands", STORE, &["No space left on device", "275 records lost"]),
        of("read-only, with `bucket = local_env`")
            .arranged(|setup| match Mount::of(64 * 1024) {
                Some(mount) => {
                    setup.folder = mount.path().to_owned();
                    secret_in_a_file(setup, "local_env");
                    mount.read_only();
                    setup.keep(mount);
                }
                None => setup.skipped = Some("a file system cannot be mounted here"),
            })
            .leaves("nothing", STORE, &["the folder cannot be written (Read-only file system"]),
        of("a file where the folder should be")
            .quick()
            .arranged(|setup| {
                secret_in_a_file(setup, "local_env");
                std::fs::write(setup.folder.join("local_env"), "").unwrap();
            })
            .leaves("nothing", STORE, &["remove what is in its place"]),
        case("signal", "SIGTERM while S3 takes an object, and the event once more")
            .quick()
            .arranged(|setup| {
                setup.fail_s3("raw/media_", 0, STALLS, 1);
                setup.terminated = true;
            })
            .leaves(ALL, "ended by SIGTERM with 11 brands stored, then whole", &[]),
        case("event", "one that asks for nothing known")
            .quick()
            .arranged(|setup| {
                let time = setup.events[0].1;
                setup.events = vec![(json!({"job": "brand"}), time), (json!([1]), time), (json!("token"), time)];
            })
            .leaves("nothing", "error `event`, then error `event`, then whole", &["has the grammar"]),
        case("event", "a configuration that is not there")
            .arranged(|setup| std::fs::remove_file(setup.harness.config_file()).unwrap())
            .leaves("nothing", "error `config`", &[]),
        case("event", "4 s to go, and two accounts that take longer")
            .faults(&["fendi=slow:60000", "ysl=slow:60000"])
            .arranged(|setup| setup.within(4))
            .leaves("9 brands, 225 media", "in part: 2 × `transient`", &[]),
    ]
}
