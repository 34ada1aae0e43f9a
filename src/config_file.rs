//! Where the configuration is read from: a file, the program itself, or an object in S3, which may change while the
//! process lives.

use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use bytes::Bytes;

use crate::aws::{self, AwsProblem};
use crate::config::{Config, ConfigError};
use crate::file::MAX_FILE;

/// The longest wait for S3, which responds within about 100 ms.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// The prefix of a `config_file` that is an object in S3.
const SCHEME: &str = "s3://";

/// A configuration, and the object that it was read from, if it is in S3.
#[derive(Debug)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Config,
    /// The object.
    pub object: Option<Object>,
}

/// The object that holds the configuration.
#[derive(Debug, Clone)]
pub struct Object {
    client: aws_sdk_s3::Client,
    bucket: String,
    key: String,
    /// The ETag of the content that was read last.
    etag: Option<String>,
}

/// Reads and checks the configuration that `named_by` names, within `limit` if it is in S3. `aws` is called only for
/// that.
///
/// # Errors
/// As [`Config::load`], and if the object cannot be read.
pub async fn load<'a>(
    config_file: &Path,
    named_by: Option<&'static str>,
    aws: impl AsyncFnOnce() -> &'a SdkConfig,
    limit: Duration,
) -> Result<LoadedConfig, ConfigError> {
    let Some(address) = config_file.to_str().filter(|file| file.starts_with(SCHEME)) else {
        let config = Config::load(config_file).map_err(|error| error.named_by(named_by))?;
        return Ok(LoadedConfig { config, object: None });
    };
    let unreadable = |reason: &str| ConfigError::Object { path: address.to_owned(), reason: reason.to_owned() };
    let (bucket, key) = address
        .strip_prefix(SCHEME)
        .and_then(|rest| rest.split_once('/'))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty() && !key.ends_with('/'))
        .ok_or_else(|| unreadable("a bucket and a key expected, such as s3://bucket/configure.ini"))?;
    let aws = aws().await;
    aws::check(aws, None, limit).await.map_err(|problem| unreadable(&problem.to_string()))?;
    let object = Object { client: aws::s3(aws), bucket: bucket.to_owned(), key: key.to_owned(), etag: None };
    object.changed(limit).await?.ok_or_else(|| unreadable("S3 responded that it has not changed"))
}

impl Object {
    /// The address of the object.
    pub fn address(&self) -> String {
        format!("{SCHEME}{}/{}", self.bucket, self.key)
    }

    /// Reads the configuration again, within `limit`, if the object has changed since the last read; `None` if it has
    /// not. The check costs one GetObject, for which S3 returns 304 without content.
    ///
    /// # Errors
    /// As [`load`].
    pub async fn changed(&self, limit: Duration) -> Result<Option<LoadedConfig>, ConfigError> {
        let unreadable = |reason: String| ConfigError::Object { path: self.address(), reason };
        let limit = limit.min(READ_TIMEOUT);
        let read = tokio::time::timeout(limit, self.read()).await;
        let read = read.unwrap_or_else(|_| Err(format!("not read within {} ms", limit.as_millis())));
        let Some((bytes, etag)) = read.map_err(unreadable)? else { return Ok(None) };
        let config = Config::parse(&bytes, &self.address())?;
        Ok(Some(LoadedConfig { config, object: Some(Self { etag, ..self.clone() }) }))
    }

    /// The content and its ETag; `None` if unchanged since the last read.
    async fn read(&self) -> Result<Option<(Bytes, Option<String>)>, String> {
        let get = self.client.get_object().bucket(&self.bucket).key(&self.key);
        let got = match get.set_if_none_match(self.etag.clone()).send().await {
            Ok(got) => got,
            Err(error) if is_unchanged(&error) => return Ok(None),
            Err(error) => return Err(AwsProblem::text(&error)),
        };
        let etag = got.e_tag().map(str::to_owned);
        // A store that does not know the condition sends the same content again.
        if etag.is_some() && etag == self.etag {
            return Ok(None);
        }
        Ok(Some((aws::content(got, MAX_FILE).await?, etag)))
    }
}

fn is_unchanged(error: &SdkError<GetObjectError>) -> bool {
    error.raw_response().is_some_and(|response| response.status().as_u16() == 304)
}
