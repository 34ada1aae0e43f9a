//! The setup of a case: the real binary in a separate process, with the sandbox and AWS in this one.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::InvocationResult;
use serde_json::{Value, json};
use tokio::process::Command;

use super::case::Case;
use super::limit::Limit;
use super::proxy::Proxy;
use super::secrets::shown;
use support::aws::{S3Fault, SESSION_TOKEN, walk};
use support::harness::{CONFIGURE_INI, Harness, STAMP, Setting, TIME, text};
use support::process::held;
use support::runtime_api::variables;
use support::runtime_api::{Ended, Function};

/// The maximum memory that a run of the function's binary may use.
pub const MAX_KIB: u64 = 100 * 1024;

/// What a case runs with.
pub struct Setup {
    pub harness: Harness,
    pub variables: BTreeMap<&'static str, String>,
    /// The function's working directory.
    pub folder: PathBuf,
    pub events: Vec<(Value, Duration)>,
    /// Whether the process gets a SIGTERM once S3 stalls. Another process then gets the same events.
    pub terminated: bool,
    /// Why the case cannot run here.
    pub skipped: Option<&'static str>,
    /// The proxy between the function and the sandbox.
    pub proxy: Option<Proxy>,
    kept: Vec<Box<dyn Any>>,
}

/// The outcome of a case.
pub struct Outcome {
    pub stored: String,
    pub ends: String,
    /// The secrets that were printed, returned or stored.
    pub shown: Vec<String>,
    pub peak_kib: u64,
    /// The differences from what is expected.
    pub wrong: Vec<String>,
}

impl Setup {
    async fn new(case: &Case) -> Self {
        let setting = Setting { faults: case.faults.to_vec(), options: Some(case.options), ..Setting::default() };
        let harness = Harness::new(setting).await;
        let mut variables: BTreeMap<_, _> = variables(&harness).into_iter().collect();
        variables.insert("AWS_SESSION_TOKEN", SESSION_TOKEN.to_owned());
        let folder = tempfile::tempdir().unwrap();
        let events = vec![(json!({"job": "brand_media", "time": TIME}), Duration::from_secs(300))];
        let path = folder.path().to_owned();
        let kept: Vec<Box<dyn Any>> = vec![Box::new(folder)];
        let mut setup =
            Self { harness, variables, folder: path, events, terminated: false, skipped: None, proxy: None, kept };
        (case.arrange)(&mut setup);
        setup
    }

    pub fn sandbox(&self) -> SocketAddr {
        self.harness.sandbox.end_point().trim_start_matches("http://").parse().unwrap()
    }

    /// Makes the function call the API at `end_point`.
    pub fn call(&mut self, end_point: &str) {
        let ini = CONFIGURE_INI.replace("https://graph.facebook.com", end_point).replace("v17.0", "v26.0");
        std::fs::write(self.harness.config_file(), ini).unwrap();
    }

    /// Makes the function keep the API's responses as received.
    pub fn keep_answers(&mut self) {
        let file = self.harness.config_file();
        let location = "[common]\nanswers_location = answers/{job}_{datetime}.jsonl.gz";
        let ini = std::fs::read_to_string(&file).unwrap().replace("[common]", location);
        std::fs::write(file, ini).unwrap();
    }

    /// Keeps `thing` until the case is over.
    pub fn keep(&mut self, thing: impl Any) {
        // The new value may depend on those that were kept before, so it is dropped first.
        self.kept.insert(0, Box::new(thing));
    }

    /// The secret, with further keys.
    pub fn secret(&self, other: &Value) -> String {
        support::harness::secret(&self.harness.config_file(), other).to_string()
    }

    pub fn fail_s3(&self, part: &'static str, status: u16, code: &'static str, times: usize) {
        self.harness.aws.fail_s3(S3Fault { part, status, code, times });
    }

    /// Sets the time limit of each event.
    pub fn within(&mut self, seconds: u64) {
        self.events.iter_mut().for_each(|(_, limit)| *limit = Duration::from_secs(seconds));
    }

    /// Every stored object, in the bucket or the folder.
    fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let mut objects = self.harness.aws.objects();
        let folder = self.folder.join("local_env");
        walk(&folder, &mut |path| {
            let key = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            objects.push((key, std::fs::read(&path).unwrap()));
        });
        objects
    }

    /// The number of records of each model, and of those under `partial/`. An incomplete object is reported
    /// instead.
    fn stored(&self) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (key, bytes) in self.objects().into_iter().filter(|(key, _)| !key.ends_with(".gz")) {
            let Ok(object) = serde_json::from_slice::<Value>(&bytes) else { return format!("{key} is not whole") };
            for (place, apart) in [("raw", ""), ("partial", "apart: ")] {
                for (model, name) in [("brand", "brands"), ("media", "media"), ("media_hashtag", "hashtag media")] {
                    let prefix = format!("{place}/{model}_{}", STAMP.replace("{model}", model));
                    if key.starts_with(&prefix) {
                        *counts.entry(format!("{apart}{name}")).or_default() += object.as_array().unwrap().len();
                    }
                }
            }
        }
        let of = |apart: &str| {
            let found = ["brands", "media", "hashtag media"].into_iter().filter_map(|name| {
                let count = counts.get(&format!("{apart}{name}"))?;
                Some(format!("{count} {name}"))
            });
            found.collect::<Vec<_>>().join(", ")
        };
        match (of(""), of("apart: ")) {
            (raw, apart) if raw.is_empty() && apart.is_empty() => "nothing".to_owned(),
            (raw, apart) if apart.is_empty() => raw,
            (raw, apart) if raw.is_empty() => format!("apart: {apart}"),
            (raw, apart) => format!("{raw}; apart: {apart}"),
        }
    }
}

impl Case {
    /// Runs the case on `binary`. The error is the reason why it cannot run here.
    pub async fn play(&self, binary: &Path, limited: bool) -> Result<Outcome, &'static str> {
        let setup = Setup::new(self).await;
        if let Some(reason) = setup.skipped {
            return Err(reason);
        }
        let variables: Vec<(&str, String)> = setup.variables.clone().into_iter().collect();
        let limit = limited.then(Limit::new).and_then(Result::ok);
        let command = || limit.as_ref().map_or_else(|| Command::new(binary), |limit| limit.command(binary));
        let start = || Function::start(command(), &setup.folder, &variables, setup.events.clone());
        let (mut ends, mut printed, mut peak_kib) = (Vec::new(), String::new(), 0);
        if setup.terminated {
            let mut function = start().await;
            // One object is stored, and the other one stalls.
            while setup.harness.aws.s3_faults_left() > 0 || !setup.stored().contains("brands") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            peak_kib = held(function.id()).peak_kib;
            let kill = std::process::Command::new("kill").args(["-TERM", &function.id().to_string()]).status();
            assert!(kill.unwrap().success());
            while function.runs() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            ends.push(format!("ended by SIGTERM with {} stored", setup.stored()));
            printed += &function.end().await.log;
        }
        let mut function = start().await;
        while function.done() < setup.events.len() && function.runs() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if function.runs() {
            peak_kib = held(function.id()).peak_kib.max(peak_kib);
        } else {
            ends.push("the process ended".to_owned());
        }
        let Ended { results, log, stderr } = function.end().await;
        ends.extend(results.iter().map(end));
        printed += &format!("{log}{stderr}");
        results.iter().for_each(|result| {
            let (InvocationResult::Response(text) | InvocationResult::Error(text)) = result;
            printed += &format!("{text}\n");
        });
        Ok(self.judge(&setup, &printed, ends.join(", then "), peak_kib))
    }

    fn judge(&self, setup: &Setup, printed: &str, ends: String, peak_kib: u64) -> Outcome {
        let proofs: Vec<String> =
            setup.harness.sandbox.calls().iter().filter_map(|c| c.query.get("appsecret_proof").cloned()).collect();
        let mut shown = shown(&proofs, printed.as_bytes());
        for object in setup.objects() {
            shown.extend(super::secrets::shown(&proofs, text(&object).as_bytes()));
        }
        let stored = setup.stored();
        let mut wrong = Vec::new();
        if stored != self.stored {
            wrong.push(format!("stored: {stored}, not {}", self.stored));
        }
        if ends != self.ends {
            wrong.push(format!("ends: {ends}, not {}", self.ends));
        }
        wrong.extend(
            self.reported.iter().filter(|part| !printed.contains(**part)).map(|part| format!("not reported: {part}")),
        );
        wrong.extend(shown.iter().map(|secret| format!("shown: {secret}")));
        if setup.proxy.as_ref().is_some_and(|proxy| proxy.breaks() && proxy.connections() < 2) {
            wrong.push("no second connection was made".to_owned());
        }
        if peak_kib >= MAX_KIB {
            wrong.push(format!("peak memory: {peak_kib} KiB"));
        }
        if printed.contains("panicked") {
            wrong.push("a panic".to_owned());
        }
        if !wrong.is_empty() {
            let characters: Vec<char> = printed.chars().collect();
            let last = characters.get(characters.len().saturating_sub(6_000)..).unwrap_or_default();
            wrong.push(format!("printed: …{}", last.iter().collect::<String>()));
        }
        Outcome { stored, ends, shown, peak_kib, wrong }
    }
}

/// The end of an invocation, in a few words.
fn end(result: &InvocationResult) -> String {
    match result {
        InvocationResult::Error(error) => format!("error `{}`", error["errorType"].as_str().unwrap_or("none")),
        InvocationResult::Response(response) => {
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for failure in response["summary"]["failures"].as_array().unwrap() {
                *kinds.entry(failure["kind"].as_str().unwrap()).or_default() += 1;
            }
            if kinds.is_empty() {
                return "whole".to_owned();
            }
            let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} × `{kind}`")).collect();
            format!("in part: {}", kinds.join(", "))
        }
    }
}

/// The key of `model`'s object in the folder `place`.
pub fn key(place: &str, model: &str) -> String {
    format!("{place}/{model}_{}.json", STAMP.replace("{model}", model))
}

/// The variables of the AWS credentials.
pub const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Keeps the secret in a file instead of Secrets Manager.
pub fn secret_in_a_file(setup: &mut Setup, bucket: &str) {
    let path = setup.folder.join("secret.ini");
    let (config, token) = (setup.harness.config_file(), support::harness::TOKEN);
    let text = format!(
        "[SECRET]\nig_user_id = 17841400000000001\naccess_token = {token}\nbucket = {bucket}\nconfig_file = {config}\n"
    );
    std::fs::write(&path, text).unwrap();
    setup.variables.remove("SECRET_ID");
    setup.variables.insert("SECRET_FILE", path.to_str().unwrap().to_owned());
}
