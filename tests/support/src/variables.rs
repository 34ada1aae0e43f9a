//! The standard variables that apply, each with a visible effect on a run.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::future::join_all;

use crate::aws::{BUCKET, KEY};
use crate::harness::api_of;
use crate::recorder::Recorder;

pub struct Variable {
    pub name: &'static str,
    /// Its value. In it and in those of `others`, `{recorder}` is the address of a recorder, and `{folder}` the working
    /// directory.
    value: &'static str,
    /// The variables that differ from the usual ones; an empty one is not set.
    others: &'static [(&'static str, &'static str)],
    /// A text of the requests, or of the output, that the variable adds or removes.
    text: &'static str,
    effect: Effect,
    /// Whether it applies in a terminal and not in the function.
    pub in_a_terminal_only: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Effect {
    Adds,
    Removes,
}

use Effect::{Adds, Removes};

const fn both(
    name: &'static str,
    value: &'static str,
    others: &'static [(&'static str, &'static str)],
    effect: Effect,
    text: &'static str,
) -> Variable {
    Variable { name, value, others, text, effect, in_a_terminal_only: false }
}

const fn terminal(
    name: &'static str,
    value: &'static str,
    others: &'static [(&'static str, &'static str)],
    effect: Effect,
    text: &'static str,
) -> Variable {
    Variable { in_a_terminal_only: true, ..both(name, value, others, effect, text) }
}

const RECORDED: (&str, &str) = ("AWS_ENDPOINT_URL", "{recorder}");
/// An endpoint where nothing listens.
const NOWHERE: (&str, &str) = ("AWS_ENDPOINT_URL", "https://127.0.0.1:9");
const NO_REGION: (&str, &str) = ("AWS_REGION", "");
const NO_KEY: (&str, &str) = ("AWS_ACCESS_KEY_ID", "");
const PROFILES: (&str, &str) = ("AWS_CONFIG_FILE", "{folder}/profiles");
/// No request leaves this machine, not even one to the metadata address.
const METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "");
const PROXIED: (&str, &str) = ("HTTP_PROXY", "{recorder}");
const STS: (&str, &str) = ("AWS_ENDPOINT_URL_STS", "{recorder}");

/// The variables of each run. Requests to other machines go through a proxy, which is also a recorder.
const USUAL: [(&str, &str); 7] = [
    ("AWS_ACCESS_KEY_ID", KEY.0),
    ("AWS_SECRET_ACCESS_KEY", KEY.1),
    ("AWS_REGION", "us-west-2"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("HTTPS_PROXY", "{recorder}"),
    ("SECRET_FILE", "secret.ini"),
    ("HOME", "{folder}"),
];

/// In the order of the table in docs/configuration.md.
#[rustfmt::skip]
pub const VARIABLES: [Variable; 28] = [
    both("AWS_REGION", "eu-west-1", &[], Adds, ".s3.eu-west-1."),
    both("AWS_DEFAULT_REGION", "eu-west-1", &[NO_REGION], Adds, ".s3.eu-west-1."),
    both("AWS_ACCESS_KEY_ID", "AKIDOTHER", &[RECORDED], Adds, "Credential=AKIDOTHER/"),
    both("AWS_SECRET_ACCESS_KEY", KEY.1, &[RECORDED, ("AWS_SECRET_ACCESS_KEY", "")], Adds, "Credential="),
    both("AWS_SESSION_TOKEN", "placeholder-session", &[RECORDED], Adds, "x-amz-security-token: placeholder-session"),
    both("AWS_ENDPOINT_URL", "{recorder}", &[], Adds, "PUT /lux-raw/raw/brand_"),
    both("AWS_ENDPOINT_URL_S3", "{recorder}", &[NOWHERE], Adds, "PUT /lux-raw/raw/brand_"),
    both("AWS_ENDPOINT_URL_SECRETS_MANAGER", "{recorder}", &[("SECRET_ID", "collector")], Adds, "secretsmanager.GetSecretValue"),
    both("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", &[RECORDED], Adds, "CONNECT lux-raw.s3.us-west-2.amazonaws.com"),
    both("AWS_USE_FIPS_ENDPOINT", "true", &[], Adds, ".s3-fips."),
    both("AWS_USE_DUALSTACK_ENDPOINT", "true", &[], Adds, ".s3.dualstack."),
    both("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required", &[RECORDED], Removes, "x-amz-checksum-crc32"),
    both("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required", &[RECORDED, ("CONFIG_FILE", "s3://lux-raw/configure.ini")], Removes, "x-amz-checksum-mode"),
    both("AWS_CA_BUNDLE", "{folder}/configure.ini", &[], Adds, "AWS_CA_BUNDLE="),
    both("SSL_CERT_FILE", "{folder}/configure.ini", &[], Adds, "SSL_CERT_FILE="),
    both("HTTPS_PROXY", "{recorder}", &[NOWHERE, ("HTTPS_PROXY", "")], Adds, "CONNECT 127.0.0.1:9"),
    both("HTTP_PROXY", "{recorder}", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")], Adds, "HEAD http://127.0.0.1:9/lux-raw"),
    both("ALL_PROXY", "{recorder}", &[NOWHERE, ("HTTPS_PROXY", "")], Adds, "CONNECT 127.0.0.1:9"),
    both("NO_PROXY", "127.0.0.1", &[NOWHERE], Removes, "CONNECT 127.0.0.1:9"),
    terminal("AWS_PROFILE", "other", &[NO_REGION, PROFILES], Adds, ".s3.eu-west-1."),
    terminal("AWS_CONFIG_FILE", "{folder}/profiles", &[NO_REGION], Adds, ".s3.eu-central-1."),
    terminal("AWS_SHARED_CREDENTIALS_FILE", "{folder}/credentials", &[RECORDED, NO_KEY], Adds, "Credential=AKIDFILE/"),
    terminal("AWS_WEB_IDENTITY_TOKEN_FILE", "{folder}/configure.ini", &[NO_KEY, STS, ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")], Adds, "POST /"),
    terminal("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", &[NO_KEY, STS, ("AWS_WEB_IDENTITY_TOKEN_FILE", "{folder}/configure.ini")], Adds, "POST /"),
    terminal("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{recorder}/keys", &[NO_KEY], Adds, "GET /keys"),
    terminal("AWS_CONTAINER_AUTHORIZATION_TOKEN", "placeholder-of-a-task", &[NO_KEY, ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{recorder}/keys")], Adds, "placeholder-of-a-task"),
    terminal("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{recorder}", &[NO_KEY, METADATA, PROXIED], Adds, "PUT http://127.0.0.1:"),
    terminal("AWS_EC2_METADATA_DISABLED", "true", &[NO_KEY, METADATA, PROXIED], Removes, "PUT http://169.254.169.254/"),
];

/// Runs a program for one account with each variable and without it, and asserts that the variable has its effect there.
/// `run` returns the program's output.
pub async fn assert_effects(is_terminal: bool, run: impl AsyncFn(&Path, Vec<(&'static str, String)>) -> String) {
    // They mostly wait.
    for variables in VARIABLES.chunks(7) {
        join_all(variables.iter().map(|variable| assert_effect(variable, is_terminal, &run))).await;
    }
}

async fn assert_effect(
    variable: &Variable,
    is_terminal: bool,
    run: &impl AsyncFn(&Path, Vec<(&'static str, String)>) -> String,
) {
    let folder = tempfile::tempdir().unwrap();
    let _api = api_of(folder.path(), BUCKET).await;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("profiles", "[default]\nregion = eu-central-1\n[profile other]\nregion = eu-west-1\n");
    write("credentials", "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = placeholder\n");
    let recorder = Recorder::start(403, "{}".to_owned()).await;
    let (address, path) = (recorder.end_point(), folder.path().to_str().unwrap());
    let mut shows = [false; 2];
    for (with, shows) in [false, true].into_iter().zip(&mut shows) {
        let own = [(variable.name, variable.value)].into_iter().filter(|_| with);
        let mut environment = BTreeMap::new();
        for (name, value) in USUAL.into_iter().chain(variable.others.iter().copied()).chain(own) {
            environment.insert(name, value.replace("{recorder}", &address).replace("{folder}", path));
        }
        environment.retain(|_, value| !value.is_empty());
        let output = run(folder.path(), environment.into_iter().collect()).await;
        *shows = format!("{}{output}", recorder.take()).contains(variable.text);
    }
    let counts = is_terminal || !variable.in_a_terminal_only;
    let expected = if counts { [variable.effect == Removes, variable.effect == Adds] } else { [false; 2] };
    assert_eq!(shows, expected, "{} without and with it: {:?}", variable.name, variable.text);
}
