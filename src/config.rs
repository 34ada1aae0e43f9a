//! `configure.ini`: it is read as written (`config/document.rs`) and then resolved into a checked
//! [`Config`]. One error lists every fault by section and key.

use std::path::Path;

use url::Url;

use crate::file;
use crate::record::{Mapping, Model};
use crate::topic::{Account, Hashtag, Job};

mod document;
mod fault;
mod format;
mod kept_responses;
mod limits;
mod location;
mod mapping;
mod plan;
mod topic;

pub use fault::{ConfigError, Fault};
pub use format::Format;
pub use limits::{Limits, MEDIA_PER_PAGE};
pub use location::{Locations, ObjectKey, RunName};
pub use plan::Plan;

use document::IniDocument;

/// The configuration file if the secret does not name one.
pub const DEFAULT_FILE: &str = "configure.ini";

/// The name of the configuration that was built into the program. A deployed package holds only the program.
pub const PACKAGED: &str = "packaged";

const PACKAGED_INI: &[u8] = include_bytes!("../configure.ini");

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[API] end_point` with its version filled in, without a trailing slash.
    pub end_point: String,
    /// `[API] version`. A later version may respond.
    pub version: String,
    /// The locations of each model's objects.
    pub locations: Locations,
    /// `[common] format`: the format of an object.
    pub format: Format,
    /// `[topic] accounts`, in their order.
    pub accounts: Vec<Account>,
    /// `[topic] hashtags`, in their order.
    pub hashtags: Vec<Hashtag>,
    /// `[limits]`.
    pub limits: Limits,
    /// Values that work and look wrong. Each is logged as a WARNING.
    pub notices: Vec<Fault>,
    brand: Mapping,
    media: Mapping,
    media_hashtag: Mapping,
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`]. It lists all faults of a file that could be read as INI.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        if path == Path::new(PACKAGED) {
            return Self::parse(PACKAGED_INI, "configure.ini, as built into the program");
        }
        let shown = path.display().to_string();
        match file::read(path) {
            Ok(bytes) => Self::parse(&bytes, &shown),
            Err(cause) => {
                let path = std::path::absolute(path).map_or(shown, |path| path.display().to_string());
                Err(ConfigError::Unreadable { path, cause, named_by: None })
            }
        }
    }

    /// Checks the content of a configuration file. Errors name it `path`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(bytes: &[u8], path: &str) -> Result<Self, ConfigError> {
        let (config, document) = Self::resolve(bytes, path)?;
        let (faults, notices) = document.finish();
        if faults.is_empty() {
            Ok(Self { notices, ..config })
        } else {
            Err(ConfigError::Faults { path: path.to_owned(), faults })
        }
    }

    /// The configuration in the file. It is usable only if `IniDocument` has no fault.
    fn resolve(bytes: &[u8], path: &str) -> Result<(Self, IniDocument), ConfigError> {
        let mut document = IniDocument::read(bytes, path)?;
        let (end_point, version) = api(&mut document);
        let mut locations = Locations::resolve(&mut document);
        locations.responses = kept_responses::resolve(&mut document);
        let format = Format::resolve(&mut document);
        let brand = mapping(&mut document, Model::Brand);
        let media = mapping(&mut document, Model::Media);
        let media_hashtag = mapping(&mut document, Model::MediaHashtag);
        let (accounts, hashtags) = topic::resolve(&mut document);
        let limits = Limits::resolve(&mut document);
        let plan = Plan::new(&limits, accounts.len(), hashtags.iter().map(|h| h.id.is_some()));
        plan.check(&mut document);
        locations.check(&mut document, &limits);
        let notices = Vec::new();
        let config = Self {
            end_point,
            version,
            locations,
            format,
            accounts,
            hashtags,
            limits,
            notices,
            brand,
            media,
            media_hashtag,
        };
        Ok((config, document))
    }

    /// The mapping of a model.
    pub fn mapping(&self, model: Model) -> &Mapping {
        match model {
            Model::Brand => &self.brand,
            Model::Media => &self.media,
            Model::MediaHashtag => &self.media_hashtag,
        }
    }

    /// The response fields that are requested only for the responses that are kept.
    pub fn requested_only_to_keep(&self) -> Vec<(Model, String)> {
        let of = |model| self.mapping(model).requested_only_to_keep().map(move |field| (model, field.to_owned()));
        Model::ALL.into_iter().flat_map(of).collect()
    }

    /// The names of a job's topics, in their order.
    pub fn topics(&self, job: Job) -> Vec<&str> {
        match job {
            Job::BrandMedia => self.accounts.iter().map(|a| a.username.as_str()).collect(),
            Job::Hashtag => self.hashtags.iter().map(|h| h.name.as_str()).collect(),
            Job::Token => Vec::new(),
        }
    }

    /// The calls of the configured schedule, and the limits.
    pub fn plan(&self) -> Plan {
        Plan::new(&self.limits, self.accounts.len(), self.hashtags.iter().map(|h| h.id.is_some()))
    }
}

/// A model's mapping, with the fields that only the kept responses need.
fn mapping(document: &mut IniDocument, model: Model) -> Mapping {
    mapping::resolve(document, model).with_extra_fields(kept_responses::extra_fields(document, model))
}

/// `[API]`: the end point with its version filled in, and the version.
fn api(document: &mut IniDocument) -> (String, String) {
    let end_point = document.required("API", "end_point");
    let mut version = document.required("API", "version");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts = version.strip_prefix('v').and_then(|v| v.split_once('.'));
    if !version.is_empty() && !parts.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        document.fault("API", "version", format!("{version:?} given, a version like v21.0 expected"));
        version.clear();
    }
    if !end_point.is_empty() && !end_point.contains("{VERSION}") {
        let to_write = versioned(&end_point);
        let problem = format!("has no effect, since end_point {end_point:?} has no {{VERSION}}; write {to_write}");
        document.notice("API", "version", problem);
    }
    let filled = end_point.replace("{VERSION}", &version);
    let usable = |u: Url| {
        matches!(u.scheme(), "http" | "https") && u.has_host() && u.query().is_none() && u.fragment().is_none()
    };
    let good = Url::parse(&filled).is_ok_and(usable) && !filled.contains(['{', '}']);
    if !end_point.is_empty() && !good {
        let problem = format!("{end_point:?} given, a URL like https://graph.facebook.com/{{VERSION}} expected");
        document.fault("API", "end_point", problem);
    }
    (filled.trim_end_matches('/').to_owned(), version)
}

/// The lines that give the end point its version by `{VERSION}`.
fn versioned(end_point: &str) -> String {
    let end_point = end_point.trim_end_matches('/');
    let is_version = |name: &str| name.starts_with('v') && name.contains('.');
    match end_point.rsplit_once('/').filter(|(_, name)| is_version(name)) {
        Some((address, version)) => format!("end_point = {address}/{{VERSION}} and version = {version}"),
        None => format!("end_point = {end_point}/{{VERSION}}"),
    }
}

#[cfg(test)]
mod tests;
