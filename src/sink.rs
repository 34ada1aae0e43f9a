//! Where objects are stored: in an S3 bucket or in a folder. An object is complete or does not exist.
//! Storing it again replaces it.

use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::aws::AwsProblem;
use crate::causes::with_causes;
use crate::config::ObjectKey;
use crate::diagnosis::Diagnosis;
use crate::http::MAX_OBJECT;
use crate::{aws, file};

mod destination;
mod preflight;

pub use destination::Destination;
pub use preflight::Unusable;

/// A bucket or a folder.
#[derive(Debug, Clone)]
pub enum Sink {
    /// A bucket.
    S3 {
        /// The client.
        client: aws_sdk_s3::Client,
        /// The bucket's name.
        bucket: String,
        /// What the client was made from.
        aws: Box<SdkConfig>,
    },
    /// A folder. Its name is used as the bucket's name.
    Folder(PathBuf),
}

/// The result of storing an object that must not replace another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is stored.
    Stored,
    /// An object with its key exists, or may exist, and stays.
    Exists,
    /// An object with its key exists, and the response to an earlier try of this put was lost. So it may be this one:
    /// the function has no permission to read objects, and S3's 412 does not say who stored the object.
    Unclear,
}

/// A version of an object.
#[derive(Debug, Clone)]
pub enum Version {
    /// The ETag that S3 gave it.
    Etag(String),
    /// The content of a file.
    Content(Bytes),
}

/// An object that could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[error("{place} {reason}")]
pub struct SinkError {
    /// `bucket/key`.
    pub place: String,
    /// What failed, and why.
    pub reason: String,
    /// What it proves.
    pub diagnosis: Diagnosis,
}

/// Why an object could not be stored or read, and what that proves.
struct Reason {
    text: String,
    diagnosis: Diagnosis,
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self { text, diagnosis: Diagnosis::Store }
    }
}

impl Reason {
    fn of<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> Self {
        let diagnosis = match error.code() {
            Some("AccessDenied") => Diagnosis::StoreDenied,
            _ => AwsProblem::of(error).map_or(Diagnosis::Store, |problem| problem.diagnosis),
        };
        Self { text: with_causes(error), diagnosis }
    }

    fn at(self, place: String, what: &str) -> SinkError {
        SinkError { place, reason: format!("{what}: {}", self.text), diagnosis: self.diagnosis }
    }
}

/// The `Content-Type` of an object. Compressed objects have no `Content-Encoding`: clients that decode it would deliver
/// decompressed data under a name that ends in `.gz`.
fn content_type(key: &ObjectKey) -> &'static str {
    if key.as_str().ends_with(".gz") { "application/gzip" } else { "application/json" }
}

impl Sink {
    /// A bucket of S3.
    pub fn s3(aws: &SdkConfig, bucket: String) -> Self {
        Self::S3 { client: aws::s3(aws), bucket, aws: Box::new(aws.clone()) }
    }

    /// An object's `bucket/key`.
    pub fn place(&self, key: impl Display) -> String {
        match self {
            Self::S3 { bucket, .. } => format!("{bucket}/{key}"),
            Self::Folder(folder) => format!("{}/{key}", folder.display()),
        }
    }

    /// Stores an object within `limit`, with retries if they can help. It replaces an object with the same key.
    ///
    /// # Errors
    /// [`SinkError`] if the object may not be stored.
    pub async fn put(&self, key: &ObjectKey, body: Bytes, limit: Duration) -> Result<(), SinkError> {
        self.put_if(key, body, limit, false).await.map(drop)
    }

    /// Stores an object within `limit` as [`put`](Self::put) does, but replaces none.
    ///
    /// # Errors
    /// [`SinkError`] if the object may not be stored.
    pub async fn put_new(&self, key: &ObjectKey, body: Bytes, limit: Duration) -> Result<PutOutcome, SinkError> {
        self.put_if(key, body, limit, true).await
    }

    /// Stores an object before `end` as [`put`](Self::put) does. With `elsewhere` it replaces none: if an object
    /// with the same key exists, or may exist, that one stays, and this one is stored under `elsewhere`.
    ///
    /// Returns the key that was used last, and the [`SinkError`] if the object may not be stored.
    pub async fn store(
        &self,
        key: ObjectKey,
        elsewhere: Option<ObjectKey>,
        body: Bytes,
        end: Instant,
    ) -> (ObjectKey, Result<(), SinkError>) {
        let left = || end.saturating_duration_since(Instant::now());
        let Some(elsewhere) = elsewhere else {
            let stored = self.put(&key, body, left()).await;
            return (key, stored);
        };
        match self.put_new(&key, body.clone(), left()).await {
            Ok(PutOutcome::Stored) => (key, Ok(())),
            Ok(PutOutcome::Exists | PutOutcome::Unclear) => {
                let stored = self.put(&elsewhere, body, left()).await;
                (elsewhere, stored)
            }
            Err(error) => (key, Err(error)),
        }
    }

    /// Stores an object. It is [`PutOutcome::Stored`] unless only a new one is to be stored.
    async fn put_if(
        &self,
        key: &ObjectKey,
        body: Bytes,
        limit: Duration,
        only_new: bool,
    ) -> Result<PutOutcome, SinkError> {
        let stored = async {
            match self {
                Self::S3 { client, bucket, .. } => put_s3(client, bucket, key, body, limit, only_new).await,
                Self::Folder(folder) => {
                    let path = folder.join(key.as_str());
                    let stored =
                        if only_new { file::write_new(&path, &body) } else { file::write(&path, &body).map(|()| true) };
                    stored
                        .map(|stored| if stored { PutOutcome::Stored } else { PutOutcome::Exists })
                        .map_err(|e| e.to_string().into())
                }
            }
        };
        let stored = timeout(limit, stored).await;
        let stored = stored
            .unwrap_or_else(|_| Err(format!("not done within the {} ms left of the run", limit.as_millis()).into()));
        stored.map_err(|reason| reason.at(self.place(key), "could not be stored"))
    }

    /// Stores an object within `limit` if it is still the version that was read, or new if there was none. Returns
    /// whether it is stored: if not, the object has changed.
    ///
    /// # Errors
    /// [`SinkError`] if the object may not be stored, or the store does not know the condition.
    pub async fn replace(
        &self,
        key: &ObjectKey,
        version: Option<&Version>,
        body: Bytes,
        limit: Duration,
    ) -> Result<bool, SinkError> {
        let stored = async {
            match self {
                Self::S3 { client, bucket, .. } => replace_s3(client, bucket, key, version, body).await,
                Self::Folder(folder) => {
                    let before =
                        version.and_then(|v| if let Version::Content(bytes) = v { Some(&**bytes) } else { None });
                    let is_same = |current: Option<&[u8]>| current == before;
                    file::replace(&folder.join(key.as_str()), &body, is_same).map_err(|e| e.to_string().into())
                }
            }
        };
        let stored = timeout(limit, stored).await;
        let stored = stored.unwrap_or_else(|_| Err(format!("not done within {} ms", limit.as_millis()).into()));
        stored.map_err(|reason| reason.at(self.place(key), "could not be stored"))
    }

    /// Reads an object within `limit`; `None` if it does not exist.
    ///
    /// # Errors
    /// [`SinkError`] if it may exist and cannot be read, or is too large.
    pub async fn get(&self, key: &str, limit: Duration) -> Result<Option<Bytes>, SinkError> {
        Ok(self.get_version(key, limit).await?.map(|(bytes, _)| bytes))
    }

    /// Reads an object and its version within `limit` as [`get`](Self::get) does.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_version(&self, key: &str, limit: Duration) -> Result<Option<(Bytes, Version)>, SinkError> {
        let read = async {
            match self {
                Self::S3 { client, bucket, .. } => get_s3(client, bucket, key).await,
                Self::Folder(folder) => match std::fs::read(folder.join(key)) {
                    Ok(bytes) => {
                        let bytes = Bytes::from(bytes);
                        Ok(Some((bytes.clone(), Version::Content(bytes))))
                    }
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(e.to_string().into()),
                },
            }
        };
        let read = timeout(limit, read).await;
        let read = read.unwrap_or_else(|_| Err(format!("not read within {} ms", limit.as_millis()).into()));
        read.map_err(|reason| reason.at(self.place(key), "could not be read"))
    }
}

async fn get_s3(client: &aws_sdk_s3::Client, bucket: &str, key: &str) -> Result<Option<(Bytes, Version)>, Reason> {
    let got = match client.get_object().bucket(bucket).key(key).send().await {
        Ok(got) => got,
        Err(e)
            if e.as_service_error().is_some_and(aws_sdk_s3::operation::get_object::GetObjectError::is_no_such_key) =>
        {
            return Ok(None);
        }
        Err(e) => return Err(Reason::of(&e)),
    };
    let version = Version::Etag(got.e_tag().unwrap_or_default().to_owned());
    Ok(Some((aws::content(got, MAX_OBJECT as u64).await?, version)))
}

async fn replace_s3(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    key: &ObjectKey,
    version: Option<&Version>,
    body: Bytes,
) -> Result<bool, Reason> {
    let put = client.put_object().bucket(bucket).key(key.as_str()).content_type(content_type(key));
    let put = match version {
        Some(Version::Etag(etag)) => put.if_match(etag),
        _ => put.if_none_match("*"),
    };
    match put.body(ByteStream::from(body)).send().await {
        Ok(_) => Ok(true),
        // 404: the version that was read has been deleted. 409: another put of it is in progress.
        Err(e) if matches!(status(&e), Some(404 | 409 | 412)) => Ok(false),
        Err(e) => Err(Reason::of(&e)),
    }
}

async fn put_s3(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    key: &ObjectKey,
    body: Bytes,
    limit: Duration,
    only_new: bool,
) -> Result<PutOutcome, Reason> {
    let started = Instant::now();
    let lost = LostResponses::default();
    let put = async |limit: Duration, one_try: Duration| {
        let put = client.put_object().bucket(bucket).key(key.as_str()).content_type(content_type(key));
        let put = put.set_if_none_match(only_new.then(|| "*".to_owned()));
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(one_try).operation_timeout(limit).build();
        let within = aws_sdk_s3::config::Builder::new().timeout_config(timeouts);
        let put = put.body(ByteStream::from(body.clone())).customize().config_override(within);
        match put.interceptor(lost.clone()).send().await {
            Ok(_) => Ok(PutOutcome::Stored),
            Err(e) if only_new && lost.any() && status(&e) == Some(412) => Ok(PutOutcome::Unclear),
            Err(e) if only_new && is_there_or_unknown(&e) => Ok(PutOutcome::Exists),
            Err(e) => Err(Reason::of(&e)),
        }
    };
    let first = first_try(body.len()).min(limit / 2);
    if let Ok(stored) = timeout(first, put(limit, limit)).await {
        return stored;
    }
    lost.note();
    let left = limit.saturating_sub(started.elapsed());
    put(left, left / 2).await
}

/// Notes whether a try of a put ended without a response from S3. The object may be stored nonetheless.
#[derive(Debug, Clone, Default)]
struct LostResponses(Arc<AtomicBool>);

impl LostResponses {
    fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for LostResponses {
    fn name(&self) -> &'static str {
        "lost responses"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().is_none_or(|response| response.status().is_server_error()) {
            self.note();
        }
        Ok(())
    }
}

/// The time limit of the first try. A stalled connection gives no error, and S3 responds within about 100 ms.
fn first_try(bytes: usize) -> Duration {
    const SECONDS: u64 = 2;
    const BYTES_A_SECOND: u64 = 1024 * 1024;
    Duration::from_secs(SECONDS + bytes as u64 / BYTES_A_SECOND)
}

fn status(error: &SdkError<PutObjectError>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Whether the object exists (S3's 412), or may exist: the store rejects the condition, with whatever status, or closed
/// the connection. A store that sends 412 before it has read all of a large object closes the connection, and the
/// response is lost.
fn is_there_or_unknown(error: &SdkError<PutObjectError>) -> bool {
    let hung_up = || {
        std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
            .filter_map(|cause| cause.downcast_ref::<reqwest::Error>())
            .any(|error| !error.is_connect() && !error.is_timeout())
    };
    error.raw_response().is_some() || hung_up()
}
