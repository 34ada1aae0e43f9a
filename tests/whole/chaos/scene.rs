//! One case on its stage: the real binary as a process of its own, with the sandbox and AWS in this one.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use collector::sandbox::Answer;
use serde_json::{Value, json};
use tokio::process::Command;

use super::case::Case;
use super::front::Front;
use super::limit::Limit;
use super::secrets::shown;
use crate::aws::{S3Fault, SESSION_TOKEN, walk};
use crate::lambda::variables;
use crate::runtime_api::{Ended, Function};
use crate::soak::held;
use crate::stage::{CONFIGURE_INI, STAMP, Setting, Stage, TIME};

/// A run of the function's binary may take so much memory, whatever comes.
pub const MOST_KIB: u64 = 100 * 1024;

/// A case set up.
pub struct Scene {
    pub stage: Stage,
    pub variables: BTreeMap<&'static str, String>,
    /// Where the function runs.
    pub folder: PathBuf,
    pub events: Vec<(Value, Duration)>,
    /// A SIGTERM once S3 has been made to stall, and another process with the same events after it.
    pub terminated: bool,
    /// Why the case cannot be had here.
    pub skipped: Option<&'static str>,
    /// What stands between the function and the sandbox.
    pub front: Option<Front>,
    kept: Vec<Box<dyn Any>>,
}

/// What came of a case.
pub struct Played {
    pub stored: String,
    pub ends: String,
    /// The secrets that stand somewhere.
    pub shown: Vec<String>,
    pub peak_kib: u64,
    /// What is not as it has to be.
    pub wrong: Vec<String>,
}

impl Scene {
    async fn new(case: &Case) -> Self {
        let setting = Setting { faults: case.faults.to_vec(), options: Some(case.options), ..Setting::default() };
        let stage = Stage::new(setting).await;
        let mut variables: BTreeMap<_, _> = variables(&stage).into();
        variables.insert("AWS_SESSION_TOKEN", SESSION_TOKEN.to_owned());
        let folder = tempfile::tempdir().unwrap();
        let events = vec![(json!({"job": "brand_media", "time": TIME}), Duration::from_secs(300))];
        let path = folder.path().to_owned();
        let kept: Vec<Box<dyn Any>> = vec![Box::new(folder)];
        let mut scene =
            Self { stage, variables, folder: path, events, terminated: false, skipped: None, front: None, kept };
        (case.arrange)(&mut scene);
        scene
    }

    pub fn sandbox(&self) -> SocketAddr {
        self.stage.sandbox.end_point().trim_start_matches("http://").parse().unwrap()
    }

    /// Has the function call the API at `end_point`.
    pub fn call(&mut self, end_point: &str) {
        let ini = CONFIGURE_INI.replace("https://graph.facebook.com", end_point).replace("v17.0", "v21.0");
        std::fs::write(self.stage.config_file(), ini).unwrap();
    }

    /// Keeps `thing` until the case is over.
    pub fn keep(&mut self, thing: impl Any) {
        // What is kept may lie in what was kept before.
        self.kept.insert(0, Box::new(thing));
    }

    /// Sets the secret's keys, beside the usual ones.
    pub fn secret(&self, other: &Value) -> String {
        crate::stage::secret(&self.stage.config_file(), other).to_string()
    }

    pub fn fail_s3(&self, part: &'static str, status: u16, code: &'static str, times: usize) {
        self.stage.aws.fail_s3(S3Fault { part, status, code, times });
    }

    /// What each event has to go.
    pub fn within(&mut self, seconds: u64) {
        self.events.iter_mut().for_each(|(_, limit)| *limit = Duration::from_secs(seconds));
    }

    /// Everything stored, in the bucket or the folder.
    fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let mut objects = self.stage.aws.objects();
        let folder = self.folder.join("local_env");
        walk(&folder, &mut |path| {
            let key = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            objects.push((key, std::fs::read(&path).unwrap()));
        });
        objects
    }

    /// The records of each model, and those that went apart. An object that is not whole is told as such.
    fn stored(&self) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (key, bytes) in self.objects() {
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
    /// Plays the case on `binary`; the error is why it cannot be had here.
    pub async fn play(&self, binary: &Path, limited: bool) -> Result<Played, &'static str> {
        let scene = Scene::new(self).await;
        if let Some(why) = scene.skipped {
            return Err(why);
        }
        let variables: Vec<(&str, String)> = scene.variables.clone().into_iter().collect();
        let limit = limited.then(Limit::new).and_then(Result::ok);
        let command = || limit.as_ref().map_or_else(|| Command::new(binary), |limit| limit.command(binary));
        let start = || Function::start(command(), &scene.folder, &variables, scene.events.clone());
        let (mut ends, mut said, mut peak_kib) = (Vec::new(), String::new(), 0);
        if scene.terminated {
            let mut function = start().await;
            // The object that stalls is under way, and the other one is stored.
            while scene.stage.aws.s3_faults_left() > 0 || !scene.stored().contains("brands") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            peak_kib = held(function.id()).peak_kib;
            let kill = std::process::Command::new("kill").args(["-TERM", &function.id().to_string()]).status();
            assert!(kill.unwrap().success());
            while function.runs() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            ends.push(format!("ended by SIGTERM with {} stored", scene.stored()));
            said += &function.end().await.log;
        }
        let mut function = start().await;
        while function.answered() < scene.events.len() && function.runs() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if function.runs() {
            peak_kib = held(function.id()).peak_kib.max(peak_kib);
        } else {
            ends.push("the process ended".to_owned());
        }
        let Ended { answers, log, stderr } = function.end().await;
        ends.extend(answers.iter().map(end));
        said += &format!("{log}{stderr}");
        answers.iter().for_each(|answer| {
            let (Answer::Response(told) | Answer::Error(told)) = answer;
            said += &format!("{told}\n");
        });
        Ok(self.judge(&scene, &said, ends.join(", then "), peak_kib))
    }

    fn judge(&self, scene: &Scene, said: &str, ends: String, peak_kib: u64) -> Played {
        let proofs: Vec<String> =
            scene.stage.sandbox.calls().iter().filter_map(|c| c.query.get("appsecret_proof").cloned()).collect();
        let mut shown = shown(&proofs, said.as_bytes());
        for (_, bytes) in scene.objects() {
            shown.extend(super::secrets::shown(&proofs, &bytes));
        }
        let stored = scene.stored();
        let mut wrong = Vec::new();
        if stored != self.stored {
            wrong.push(format!("stored: {stored}, not {}", self.stored));
        }
        if ends != self.ends {
            wrong.push(format!("ends: {ends}, not {}", self.ends));
        }
        wrong.extend(self.told.iter().filter(|part| !said.contains(**part)).map(|part| format!("not told: {part}")));
        wrong.extend(shown.iter().map(|secret| format!("shown: {secret}")));
        if scene.front.as_ref().is_some_and(|front| front.breaks() && front.connections() < 2) {
            wrong.push("no second connection was made".to_owned());
        }
        if peak_kib >= MOST_KIB {
            wrong.push(format!("peak memory: {peak_kib} KiB"));
        }
        if said.contains("panicked") {
            wrong.push("a panic".to_owned());
        }
        if !wrong.is_empty() {
            let characters: Vec<char> = said.chars().collect();
            let last = characters.get(characters.len().saturating_sub(6_000)..).unwrap_or_default();
            wrong.push(format!("said: …{}", last.iter().collect::<String>()));
        }
        Played { stored, ends, shown, peak_kib, wrong }
    }
}

/// How an invocation ended, in a few words.
fn end(answer: &Answer) -> String {
    match answer {
        Answer::Error(error) => format!("error `{}`", error["errorType"].as_str().unwrap_or("none")),
        Answer::Response(response) => {
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

/// The key of `model`'s object under `place`.
pub fn key(place: &str, model: &str) -> String {
    format!("{place}/{model}_{}.json", STAMP.replace("{model}", model))
}

/// The keys with which a run against AWS is signed, without those of an environment that has none.
pub const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// A secret in a file, for a function that reads none from Secrets Manager.
pub fn secret_in_a_file(scene: &mut Scene, bucket: &str) {
    let path = scene.folder.join("secret.ini");
    let (config, token) = (scene.stage.config_file(), crate::stage::TOKEN);
    let text = format!(
        "[SECRET]\nig_user_id = 17841400000000001\naccess_token = {token}\nbucket = {bucket}\nconfig_file = {config}\n"
    );
    std::fs::write(&path, text).unwrap();
    scene.variables.remove("SECRET_ID");
    scene.variables.insert("SECRET_FILE", path.to_str().unwrap().to_owned());
}
