//! The harness of complete runs: the sandbox, AWS, a configuration for both, and everything that is printed.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use collector::clock::Clock;
use collector::config::Config;
use collector::function::{Function, Invocation, Settings};
use collector::report::Error;
use collector::report::Response;
use collector::secret::Source;
use collector::telemetry::{self, Format};
use flate2::read::MultiGzDecoder;
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

use crate::aws::{Aws, BUCKET, KEY, SESSION_TOKEN};

pub const TOKEN: &str = "placeholder-token-0123456789";
pub const NEW_TOKEN: &str = "placeholder-token-9876543210";
pub const APP_SECRET: &str = "placeholder-app-key-abcdef";
/// The secret part of a webhook's address.
pub const HOOK: &str = "placeholder-hook-0123456789";
pub const TIME: &str = "2026-01-31T23:59:07Z";
pub const STAMP: &str = "2026-01-31/{model}_2026-01-31_235907";

pub const CONFIGURE_INI: &str = include_str!("../../../configure.ini");

pub struct Harness {
    pub sandbox: Sandbox,
    pub aws: Aws,
    pub function: Function,
    folder: TempDir,
    lines: Arc<Mutex<Vec<String>>>,
    results: Mutex<Vec<String>>,
    _subscriber: DefaultGuard,
}

/// The differences from a good run.
#[derive(Default)]
pub struct Setting {
    pub faults: Vec<&'static str>,
    pub options: Option<fn(&mut Options)>,
    pub config: Option<fn(String) -> String>,
    /// A configuration instead of the shipped one.
    pub ini: Option<String>,
    /// Further keys of the secret.
    pub secret: Option<Value>,
    pub renews_token: bool,
    pub clock: Clock,
}

/// The settings of a function whose secret is the one of `aws`.
pub async fn settings(aws: &Aws) -> Settings {
    let source = Source::Manager("collector".to_owned());
    Settings { source, aws: Some(aws.config().await), ..Settings::default() }
}

/// An object's text, decompressed if its name says that it is compressed.
pub fn text((key, bytes): &(String, Vec<u8>)) -> String {
    if !key.ends_with(".gz") {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The secret, with some keys changed.
pub fn secret(config_file: &str, other: &Value) -> Value {
    let mut secret =
        json!({"ig_user_id": "17841400000000001", "access_token": TOKEN, "bucket": BUCKET, "config_file": config_file});
    secret.as_object_mut().unwrap().extend(other.as_object().cloned().unwrap_or_default());
    secret
}

/// A mock of the API, and in `folder` a configuration for it and the file of a secret with `bucket`.
pub async fn api_of(folder: &Path, bucket: &str) -> Sandbox {
    let config = Config::parse(CONFIGURE_INI.as_bytes(), "configure.ini").unwrap();
    let sandbox = Sandbox::start(Options::for_config(&config)).await.unwrap();
    let ini = CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point()).replace("v17.0", "v26.0");
    std::fs::write(folder.join("configure.ini"), ini).unwrap();
    let keys = format!("ig_user_id = 17841400000000001\naccess_token = {TOKEN}\nbucket = {bucket}\n");
    std::fs::write(folder.join("secret.ini"), format!("[SECRET]\n{keys}")).unwrap();
    sandbox
}

impl Harness {
    pub async fn new(setting: Setting) -> Self {
        let mut options = Options::for_config(&Config::parse(CONFIGURE_INI.as_bytes(), "configure.ini").unwrap());
        options.faults = setting.faults.iter().map(|f| f.parse().unwrap()).collect();
        options.token = Some(TOKEN.to_owned());
        if let Some(change) = setting.options {
            change(&mut options);
        }
        let sandbox = Sandbox::start(options).await.unwrap();

        let folder = tempfile::tempdir().unwrap();
        let ini = CONFIGURE_INI.replace("https://graph.facebook.com", &sandbox.end_point()).replace("v17.0", "v26.0");
        let ini = setting.config.map_or(ini.clone(), |change| change(ini));
        let ini = setting.ini.unwrap_or(ini);
        let path = folder.path().join("configure.ini");
        std::fs::write(&path, ini).unwrap();

        let aws = Aws::start().await;
        aws.set_secrets([secret(path.to_str().unwrap(), &setting.secret.unwrap_or_default()).to_string()]);
        let secret_prefix = Some("collectors/".to_owned());
        let Setting { renews_token, clock, .. } = setting;
        let function = Function::new(Settings { secret_prefix, renews_token, clock, ..settings(&aws).await });

        let lines = Arc::new(Mutex::new(Vec::new()));
        let (sink, redactor) = (Arc::clone(&lines), function.redactor());
        let subscriber = telemetry::subscriber(Format::Json, LevelFilter::DEBUG, move |line| {
            sink.lock().unwrap().push(redactor.redact(line).into_owned())
        });
        let _subscriber = tracing::subscriber::set_default(subscriber);
        Self { sandbox, aws, function, folder, lines, results: Mutex::default(), _subscriber }
    }

    pub async fn with_faults(faults: &[&'static str]) -> Self {
        Self::new(Setting { faults: faults.to_vec(), ..Setting::default() }).await
    }

    pub fn config_file(&self) -> String {
        self.folder.path().join("configure.ini").to_str().unwrap().to_owned()
    }

    /// Runs one invocation with a limit of 30 seconds.
    pub async fn invoke(&self, event: Value) -> Result<Response, Error> {
        self.invoke_within(event, Duration::from_secs(30)).await
    }

    pub async fn invoke_within(&self, event: Value, limit: Duration) -> Result<Response, Error> {
        let invocation = Invocation::new("request-1".to_owned(), SystemTime::now() + limit);
        let done = self.function.invoke(&event, &invocation, &()).await;
        self.results.lock().unwrap().push(match &done {
            Ok(response) => serde_json::to_string(response).unwrap(),
            Err(error) => format!("{error} {error:?} {:?}", std::error::Error::source(error)),
        });
        done
    }

    /// Runs the job at [`TIME`].
    pub async fn run(&self, job: &str) -> Result<Response, Error> {
        self.invoke(json!({"job": job, "time": TIME})).await
    }

    /// The log's lines.
    pub fn log(&self) -> Vec<Value> {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .map(|line| serde_json::from_str(line).expect("a line is a JSON object"))
            .collect()
    }

    /// The log's lines at a level.
    pub fn logged(&self, level: &str) -> Vec<Value> {
        self.log().into_iter().filter(|line| line["level"] == level).collect()
    }

    /// A model's records of [`TIME`], from all objects that a load by prefix finds.
    pub fn records(&self, model: &str) -> Vec<Value> {
        self.of_time("raw", model).into_iter().flat_map(|object| object.as_array().unwrap().clone()).collect()
    }

    /// Whether nothing but quality objects is stored.
    pub fn has_no_records(&self) -> bool {
        self.aws.objects().iter().all(|(key, _)| key.starts_with("quality/") || key.starts_with("partial/quality/"))
    }

    /// The quality object of a model of [`TIME`]; `None` if there is none.
    pub fn quality(&self, model: &str) -> Option<Value> {
        let mut objects = self.of_time("quality", model);
        assert!(objects.len() < 2, "{objects:?}");
        objects.pop()
    }

    /// The entry of a topic in a model's quality object.
    pub fn topic_run(&self, model: &str, topic: &str) -> Value {
        let quality = self.quality(model).unwrap();
        let mut topics = quality["topics"].as_array().unwrap().iter();
        topics.find(|run| run["topic"] == topic).unwrap_or_else(|| panic!("{topic}: {quality}")).clone()
    }

    fn of_time(&self, folder: &str, model: &str) -> Vec<Value> {
        let prefix = format!("{folder}/{model}_{}", STAMP.replace("{model}", model));
        let objects = self.aws.objects();
        let of_time = objects.iter().filter(|(key, _)| key.starts_with(&prefix));
        of_time.map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect()
    }

    /// The number of calls for a topic.
    pub fn calls_of(&self, topic: &str) -> usize {
        self.sandbox.calls().iter().filter(|c| c.topic == topic).count()
    }

    /// Whether anything that was printed, returned or stored contains a secret.
    pub fn leaks(&self) -> bool {
        let printed = self.lines.lock().unwrap().join("\n");
        let results = self.results.lock().unwrap().join("\n");
        let written: Vec<String> = self.aws.objects().iter().map(text).collect();
        [TOKEN, NEW_TOKEN, APP_SECRET, HOOK, KEY.1, SESSION_TOKEN].iter().any(|secret| {
            printed.contains(secret) || results.contains(secret) || written.iter().any(|w| w.contains(secret))
        })
    }
}
