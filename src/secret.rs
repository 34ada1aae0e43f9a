//! The secret, from AWS Secrets Manager or from a file. It is checked, and kept out of everything printed.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::Url;

use crate::aws::{self, AwsProblem};
use crate::causes::with_causes;
use crate::diagnosis::Diagnosis;
use crate::env::variable;
use crate::http::is_on_loopback;
use crate::redact::Redactor;
use crate::similar::closest;
use crate::topic::id;

mod value;
mod writer;

pub(crate) use value::bucket_problem;
pub use value::{LOCAL_BUCKET, SANDBOX_BUCKET};
pub use writer::{SecretWriteError, SecretWriter};

/// Where the secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// AWS Secrets Manager: the name or ARN in `SECRET_ID`.
    Manager(String),
    /// The `[SECRET]` section of the file at `SECRET_FILE`.
    File(PathBuf),
}

id! {
    /// The name of a secret in Secrets Manager that an event may name. It is never an ARN, so that the secrets
    /// of other accounts and regions are out of reach.
    SecretId, name => (1..=512).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b))
}

/// The prefix of the secrets that an event may name: `SECRET_PREFIX`.
pub fn prefix_from_env() -> Option<String> {
    variable("SECRET_PREFIX")
}

/// Whether the job `token` renews a token near its end: `TOKEN_RENEWAL`, `on` or `off`.
///
/// # Errors
/// What was given, if it is neither.
pub fn renewal_from_env() -> Result<bool, String> {
    match variable("TOKEN_RENEWAL").as_deref() {
        Some("on") => Ok(true),
        None | Some("off") => Ok(false),
        Some(other) => Err(format!("TOKEN_RENEWAL is {other:?}, `on` or `off` expected: no token is renewed")),
    }
}

/// The file that is read if neither `SECRET_ID` nor `SECRET_FILE` is set.
pub const DEFAULT_FILE: &str = "../secret/dev_secret.ini";

impl Source {
    /// The source that the environment names.
    pub fn from_env() -> Self {
        match variable("SECRET_ID") {
            Some(id) => Self::Manager(id),
            None => Self::File(variable("SECRET_FILE").unwrap_or_else(|| DEFAULT_FILE.to_owned()).into()),
        }
    }

    /// Reads the secret within `limit`. From then on, `redactor` removes it from everything printed.
    ///
    /// `aws` is called only if the source is Secrets Manager.
    ///
    /// # Errors
    /// [`SecretError`], which names the key and the place and never a value.
    pub async fn read<'a>(
        &self,
        aws: impl AsyncFnOnce() -> &'a SdkConfig,
        limit: Duration,
        redactor: &Redactor,
    ) -> Result<Secret, SecretError> {
        let secret = match self {
            Self::Manager(id) => from_manager(id, aws().await, limit).await,
            Self::File(path) => from_file(path),
        };
        secret.inspect(|secret| secret.redact(redactor))
    }
}

/// The credentials of the calls, and where the data goes.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The caller of the API.
    pub credentials: Credentials,
    /// The S3 bucket, [`LOCAL_BUCKET`], or [`SANDBOX_BUCKET`] if the sandbox is called.
    pub bucket: String,
    /// The configuration file, relative to the working directory, or [`PACKAGED`](crate::config::PACKAGED). The
    /// variable `CONFIG_FILE` names it if the secret does not.
    pub config_file: PathBuf,
    /// What names `config_file`; `None` for the default.
    pub config_named_by: Option<&'static str>,
    /// The address to which problems of runs are posted. Anyone who knows it can post there.
    pub webhook: Option<SecretString>,
    /// Misspelt keys. Each is logged as a WARNING.
    pub notices: Vec<String>,
}

impl Secret {
    /// The folder that replaces the bucket, relative to the working directory; `None` for a real bucket.
    pub fn folder(&self) -> Option<&Path> {
        [LOCAL_BUCKET, SANDBOX_BUCKET].contains(&self.bucket.as_str()).then(|| Path::new(&self.bucket))
    }

    /// Adds everything secret in it to `redactor`.
    pub fn redact(&self, redactor: &Redactor) {
        self.credentials.redact(redactor);
        self.webhook.iter().for_each(|url| redactor.add(url.expose_secret()));
    }
}

/// The credentials of the calls.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The Instagram user id.
    pub ig_user_id: String,
    /// The access token.
    pub access_token: SecretString,
    /// The app; `None` if the secret does not name one.
    pub app: Option<App>,
}

impl Credentials {
    /// The parameters that identify the caller: the token, and the proof that the app itself calls.
    pub(crate) fn caller(&self, as_app: bool) -> Vec<(&'static str, String)> {
        let token = match (&self.app, as_app) {
            (Some(app), true) => format!("{}|{}", app.id, app.secret.expose_secret()),
            _ => self.access_token.expose_secret().to_owned(),
        };
        let proof = self.app.as_ref().map(|app| ("appsecret_proof", proof(app.secret.expose_secret(), &token)));
        [("access_token", token)].into_iter().chain(proof).collect()
    }

    /// Adds everything secret in them, and in calls with them, to `redactor`.
    pub(crate) fn redact(&self, redactor: &Redactor) {
        self.app.iter().for_each(|app| redactor.add(app.secret.expose_secret()));
        let sent = [false, true].into_iter().flat_map(|as_app| self.caller(as_app));
        sent.for_each(|(_, secret)| redactor.add(&secret));
    }
}

/// `appsecret_proof`: the hexadecimal HMAC-SHA256 of the token, keyed with the app's secret.
fn proof(secret: &str, token: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The app that the token belongs to.
#[derive(Debug, Clone)]
pub struct App {
    /// The app's id.
    pub id: String,
    /// The app's secret, which proves that a call comes from the app.
    pub secret: SecretString,
}

/// A secret that cannot be used. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file does not exist or cannot be read.
    #[error("the secret file {} could not be read ({cause}); it needs a section [SECRET] with ig_user_id, access_token and bucket; set SECRET_FILE for another file, or SECRET_ID for AWS Secrets Manager", path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file has no section `[SECRET]`.
    #[error("the secret file {} has no section [SECRET]{given}; put ig_user_id, access_token and bucket under it", path.display())]
    NoSection {
        /// The file's path.
        path: PathBuf,
        /// The section that was probably meant.
        given: String,
    },
    /// The file is not an INI file.
    #[error("the secret file {} is not an INI file ({reason}); it needs a section [SECRET] with `key = value` lines", path.display())]
    NotIni {
        /// The file's path.
        path: PathBuf,
        /// The position of the fault and what was expected there. It holds nothing of the file's text.
        reason: String,
    },
    /// Secrets Manager cannot be used.
    #[error("the secret {id} could not be read from AWS Secrets Manager: {problem}")]
    Access {
        /// The name or ARN.
        id: String,
        /// Why not.
        problem: AwsProblem,
    },
    /// Secrets Manager did not return the secret.
    #[error("the secret {id} could not be read from AWS Secrets Manager: {reason}")]
    Manager {
        /// The name or ARN.
        id: String,
        /// Why not.
        reason: String,
    },
    /// The secret in Secrets Manager is stored as bytes that are not text.
    #[error(
        "the secret {id} is stored as bytes (SecretBinary) that are not UTF-8; store it as JSON text (SecretString)"
    )]
    Binary {
        /// The name or ARN.
        id: String,
    },
    /// The secret in Secrets Manager is not a JSON object of strings.
    #[error("the secret {id} is not a JSON object of strings; expected the keys ig_user_id, access_token and bucket")]
    NotJson {
        /// The name or ARN.
        id: String,
    },
    /// A key is missing, empty or unusable.
    #[error("the secret in {place}: {key} {problem}")]
    Key {
        /// The file's path, or the secret's name or ARN.
        place: String,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
}

impl SecretError {
    /// The row of the table of causes.
    pub fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::Access { problem, .. } => problem.diagnosis,
            Self::Unreadable { cause, .. } if cause.kind() == ErrorKind::NotFound => Diagnosis::NoSecret,
            _ => Diagnosis::Secret,
        }
    }
}

/// The section of a secret's file.
const SECTION: &str = "SECRET";

/// The keys of a secret.
const KEYS: [&str; 7] = ["ig_user_id", "access_token", "bucket", "config_file", "app_id", "app_secret", "webhook"];

/// Reads the secret in a file.
pub fn from_file(path: &Path) -> Result<Secret, SecretError> {
    let bytes = crate::file::read(path).map_err(|cause| SecretError::Unreadable { path: path.to_owned(), cause })?;
    let ini =
        crate::ini::parse(&bytes).map_err(|e| SecretError::NotIni { path: path.to_owned(), reason: e.to_string() })?;
    if ini.section(Some(SECTION)).is_none() {
        let meant = ini.sections().flatten().find(|given| closest(given, [SECTION]).is_some());
        let given = match meant {
            Some(given) => format!(", but [{}]", given.escape_debug()),
            None if bytes.trim_ascii_start().starts_with(b"{") => ", but JSON, as in AWS Secrets Manager".to_owned(),
            None => String::new(),
        };
        return Err(SecretError::NoSection { path: path.to_owned(), given });
    }
    let keys = ini.section_all(Some(SECTION)).flat_map(|keys| keys.iter().map(|(key, _)| key));
    check(&path.display().to_string(), &keys.collect::<Vec<_>>(), |key| {
        let mut values = ini.section_all(Some(SECTION)).flat_map(|keys| keys.get_all(key));
        let value = values.next().map(str::to_owned);
        values.next().map_or(Ok(value), |_| Err("is given twice; keep one"))
    })
}

/// The time limit of one try to read the secret. Secrets Manager responds within about 50 ms.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of tries to read the secret. A run cannot start without it, so the run's time is the real limit.
const MAX_TRIES: u32 = 20;

/// The region that a secret's ARN names; `None` for a name, whose secret is in the function's own region.
fn region_of(id: &str) -> Option<&str> {
    let mut parts = id.strip_prefix("arn:")?.split(':').skip(1);
    parts.next().filter(|service| *service == "secretsmanager")?;
    parts.next().filter(|region| !region.is_empty())
}

/// The client of Secrets Manager for the secret `id`. Its operations end within `limit`.
fn manager(id: &str, aws: &SdkConfig, limit: Duration) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(aws);
    // One try gets a third of the time, so that one that hangs leaves time for others.
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(TRY_TIMEOUT.min(limit / 3)).operation_timeout(limit);
    let mut config = config.timeout_config(timeouts.build()).retry_config(aws::retries().with_max_attempts(MAX_TRIES));
    if let Some(region) = region_of(id) {
        config.set_region(Some(Region::new(region.to_owned())));
    }
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

async fn from_manager(id: &str, aws: &SdkConfig, limit: Duration) -> Result<Secret, SecretError> {
    let no_access = |problem| SecretError::Access { id: id.to_owned(), problem };
    aws::check(aws, region_of(id), limit).await.map_err(no_access)?;
    let response = manager(id, aws, limit).get_secret_value().secret_id(id).send().await;
    let response = response.map_err(|error| match AwsProblem::of(&error) {
        Some(problem) => no_access(problem),
        None => SecretError::Manager { id: id.to_owned(), reason: with_causes(&error) },
    })?;
    from_json(id, text_of(id, &response)?)
}

/// The text of a secret, which may be stored as bytes.
fn text_of<'a>(id: &str, response: &'a GetSecretValueOutput) -> Result<&'a str, SecretError> {
    match (response.secret_string(), response.secret_binary()) {
        (None, Some(bytes)) => {
            std::str::from_utf8(bytes.as_ref()).map_err(|_| SecretError::Binary { id: id.to_owned() })
        }
        (text, _) => Ok(text.unwrap_or_default()),
    }
}

/// A text without the byte order mark that some editors and shells put at its start.
fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn from_json(id: &str, text: &str) -> Result<Secret, SecretError> {
    let not_json = || SecretError::NotJson { id: id.to_owned() };
    let keys = serde_json::from_str(without_bom(text));
    let keys: serde_json::Map<String, serde_json::Value> = keys.map_err(|_| not_json())?;
    let names: Vec<&str> = keys.keys().map(String::as_str).collect();
    check(id, &names, |key| match keys.get(key) {
        Some(serde_json::Value::String(text)) => Ok(Some(text.clone())),
        Some(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        _ => Ok(None),
    })
}

/// What is wrong with a key that is needed and not given.
const MISSING: &str = "is missing";

/// Whether messages may go to `url`: they are encrypted, or never leave this machine.
fn is_safe_webhook(url: &str) -> bool {
    match Url::parse(url).ok().filter(Url::has_host).as_ref().map(Url::scheme) {
        Some("https") => true,
        Some("http") => is_on_loopback(url),
        _ => false,
    }
}

/// The longest name of a key that an error shows. A token in the place of a key is longer.
const MAX_KEY: usize = 24;

/// The misspelt keys among those given, each with the one that was probably meant.
fn misspelt<'k>(given: &[&'k str]) -> Vec<(&'k str, &'static str)> {
    let is_name =
        |key: &str| key.len() <= MAX_KEY && key.bytes().all(|b| b.is_ascii_alphabetic() || b"_-".contains(&b));
    let missing = || KEYS.into_iter().filter(|key| !given.contains(key));
    let unknown = given.iter().copied().filter(|key| !KEYS.contains(key) && is_name(key));
    unknown.filter_map(|key| Some((key, closest(key, missing())?))).collect()
}

/// Checks a secret with these keys. `get` returns the value of a key, or what is wrong with it.
fn check(
    place: &str,
    keys: &[&str],
    get: impl Fn(&str) -> Result<Option<String>, &'static str>,
) -> Result<Secret, SecretError> {
    let misspelt = misspelt(keys);
    let wrong = |key, problem: &'static str| {
        let given = misspelt.iter().find(|(_, meant)| *meant == key).filter(|_| problem.starts_with(MISSING));
        let problem = given.map_or(Cow::Borrowed(problem), |(given, _)| {
            format!("{problem}; `{given}` is given: did you mean `{key}`?").into()
        });
        SecretError::Key { place: place.to_owned(), key, problem }
    };
    let given = |key| Ok(get(key).map_err(|problem| wrong(key, problem))?.map(|value| value.trim().to_owned()));
    let optional = |key| Ok(given(key)?.filter(|value| !value.is_empty()));
    let required = |key| match given(key)? {
        None => Err(wrong(key, MISSING)),
        Some(value) if value.is_empty() => Err(wrong(key, "is empty; fill it in")),
        Some(value) => Ok(value),
    };
    let ig_user_id = required("ig_user_id")?;
    if !ig_user_id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong("ig_user_id", "is not made of digits; it is the Instagram user id, not a name"));
    }
    let access_token = required("access_token")?;
    if let Some(problem) = value::token_problem(&access_token) {
        return Err(wrong("access_token", problem));
    }
    let bucket = required("bucket")?;
    if let Some(problem) = bucket_problem(&bucket).filter(|_| bucket != LOCAL_BUCKET) {
        return Err(wrong("bucket", problem));
    }
    let app_secret = optional("app_secret")?;
    if let Some(problem) = app_secret.as_deref().and_then(value::token_problem) {
        return Err(wrong("app_secret", problem));
    }
    let app = match (optional("app_id")?, app_secret) {
        (Some(id), Some(secret)) => Some(App { id, secret: secret.into() }),
        (None, None) => None,
        (Some(_), None) => return Err(wrong("app_secret", "is missing, and app_id is given; give both or neither")),
        (None, Some(_)) => return Err(wrong("app_id", "is missing, and app_secret is given; give both or neither")),
    };
    let (config_file, config_named_by) = match (optional("config_file")?, variable("CONFIG_FILE")) {
        (Some(file), _) => (file, Some("`config_file` of the secret")),
        (None, Some(file)) => (file, Some("the variable CONFIG_FILE")),
        (None, None) => (crate::config::DEFAULT_FILE.to_owned(), None),
    };
    let credentials = Credentials { ig_user_id, access_token: access_token.into(), app };
    let webhook = optional("webhook")?;
    if webhook.as_deref().is_some_and(|url| !is_safe_webhook(url)) {
        return Err(wrong(
            "webhook",
            "is not an https address; only an address on this machine may begin with http://",
        ));
    }
    let notice = |(key, meant): &(&str, &str)| {
        format!("the secret in {place}: nothing reads the key `{key}`; did you mean `{meant}`?")
    };
    let (webhook, notices) = (webhook.map(SecretString::from), misspelt.iter().map(notice).collect());
    Ok(Secret { credentials, bucket, config_file: config_file.into(), config_named_by, webhook, notices })
}

#[cfg(test)]
mod tests;
