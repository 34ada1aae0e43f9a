//! Where the terminal reads and writes: files on this machine, or objects in S3.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Error, Result, anyhow};
use aws_sdk_s3::primitives::ByteStream;

use collector::causes::with_causes;
use collector::redact::Redactor;
use collector::sink::Destination;
use collector::{aws, http};

/// A file or a folder, or an object or a prefix. Names are relative to it. The empty name stands for
/// itself.
#[derive(Debug, Clone)]
pub(super) enum Storage {
    /// A path on this machine.
    Local(PathBuf),
    /// In S3.
    S3 {
        /// The client.
        client: aws_sdk_s3::Client,
        /// The bucket.
        bucket: String,
        /// An object's key, or a prefix without the slash at its end.
        key: String,
        /// Takes AWS's credentials out of errors.
        redactor: Arc<Redactor>,
    },
}

/// A file or an object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    /// In bytes.
    pub(super) size: i64,
    /// When it was written, in seconds since 1970; the far future if that is unknown.
    pub(super) modified: i64,
}

impl Storage {
    /// The storage that [`place`] has checked.
    ///
    /// # Errors
    /// If no client can be built.
    pub(super) async fn open(named: &str) -> Result<Self> {
        let Some((bucket, key)) = in_s3(named) else { return Ok(Self::Local(named.into())) };
        let redactor: Arc<Redactor> = Arc::default();
        let config = aws::redacting(&aws::from_everywhere(http::client()?).await, Arc::clone(&redactor));
        aws::check(&config, None, Duration::MAX).await.with_context(|| format!("{named} cannot be read or written"))?;
        let (client, key) = (aws::s3(&config), key.trim_end_matches('/').to_owned());
        Ok(Self::S3 { client, bucket: bucket.to_owned(), key, redactor })
    }

    /// The storage of `name`.
    fn below(&self, name: &str) -> Self {
        let mut storage = self.clone();
        match &mut storage {
            _ if name.is_empty() => {}
            Self::Local(path) => path.push(name),
            Self::S3 { key, .. } if key.is_empty() => name.clone_into(key),
            Self::S3 { key, .. } => *key = format!("{key}/{name}"),
        }
        storage
    }

    /// The storage of `name` in the same folder.
    pub(super) fn sibling(&self, name: &str) -> Self {
        let mut storage = self.clone();
        match &mut storage {
            Self::Local(path) => path.set_file_name(name),
            Self::S3 { key, .. } => {
                *key = key.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"));
            }
        }
        storage
    }

    /// The address of `name`, for a person.
    pub(super) fn shown(&self, name: &str) -> String {
        match self.below(name) {
            Self::Local(path) => path.display().to_string(),
            Self::S3 { bucket, key, .. } => format!("s3://{bucket}/{key}"),
        }
    }

    /// All files or objects in the folder `name` and below, in no order; none if there is no such folder.
    ///
    /// # Errors
    /// If the folder, or one in it, cannot be listed.
    pub(super) async fn list(&self, name: &str) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        match self.below(name) {
            Self::Local(path) => walk(&path, name, &mut listed)?,
            Self::S3 { client, bucket, key, redactor } => {
                let needed = || {
                    format!(
                        "s3://{bucket}/{key}/ cannot be listed; needed are s3:ListBucket and s3:GetObject, a region and credentials"
                    )
                };
                let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
                let mut pages = client.list_objects_v2().bucket(&bucket).prefix(&prefix).into_paginator().send();
                while let Some(page) = pages.next().await {
                    let page = page.map_err(|e| redacted(&redactor, &e)).with_context(needed)?;
                    listed.extend(page.contents().iter().filter_map(|object| {
                        Some(Listed {
                            name: joined(name, object.key()?.strip_prefix(&prefix)?),
                            size: object.size().unwrap_or_default(),
                            modified: object.last_modified().map_or(i64::MAX, aws_sdk_s3::primitives::DateTime::secs),
                        })
                    }));
                }
            }
        }
        Ok(listed)
    }

    /// Reads `name`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) async fn read(&self, name: &str) -> Result<Vec<u8>> {
        let failed = || format!("{} could not be read", self.shown(name));
        match self.below(name) {
            Self::Local(path) => tokio::fs::read(path).await.with_context(failed),
            Self::S3 { client, bucket, key, redactor } => {
                let got = client.get_object().bucket(bucket).key(key).send().await;
                let got = got.map_err(|e| redacted(&redactor, &e)).with_context(failed)?;
                Ok(got.body.collect().await.with_context(failed)?.to_vec())
            }
        }
    }

    /// Writes `name`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) async fn write(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let failed = || format!("{} could not be written", self.shown(name));
        match self.below(name) {
            Self::Local(path) => {
                if let Some(folder) = path.parent() {
                    tokio::fs::create_dir_all(folder).await.with_context(failed)?;
                }
                tokio::fs::write(&path, bytes).await.with_context(failed)
            }
            Self::S3 { client, bucket, key, redactor } => {
                let put = client.put_object().bucket(bucket).key(key).body(ByteStream::from(bytes)).send().await;
                put.map(drop).map_err(|e| redacted(&redactor, &e)).with_context(failed)
            }
        }
    }
}

/// The bucket and the key of `s3://bucket/key`; `None` for a path.
pub(super) fn in_s3(named: &str) -> Option<(&str, &str)> {
    let rest = named.strip_prefix("s3://")?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

/// The storage that a person names: a path, or `s3://bucket/key`.
///
/// # Errors
/// What is expected in its place.
pub(super) fn place(named: &str) -> Result<String, String> {
    match in_s3(named) {
        Some(("", _)) => return Err("s3://BUCKET or s3://BUCKET/PREFIX expected".to_owned()),
        // Its errors are those of every bucket.
        Some((bucket, _)) => format!("s3://{bucket}").parse::<Destination>().map(drop)?,
        None if named.is_empty() || named.contains("://") => {
            return Err("a path, s3://BUCKET or s3://BUCKET/PREFIX expected".to_owned());
        }
        None => {}
    }
    Ok(named.to_owned())
}

fn redacted(redactor: &Redactor, error: &(impl std::error::Error + 'static)) -> Error {
    anyhow!("{}", redactor.redact(&with_causes(error)))
}

/// The name of a file in the folder `name`, which is empty for the storage itself.
fn joined(name: &str, file: &str) -> String {
    if name.is_empty() { file.to_owned() } else { format!("{name}/{file}") }
}

/// The files under `folder`, which `name` names.
fn walk(folder: &Path, name: &str, listed: &mut Vec<Listed>) -> Result<()> {
    let failed = || format!("{} cannot be listed", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(failed),
    };
    for entry in entries {
        let entry = entry.with_context(failed)?;
        let name = joined(name, &entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), &name, listed)?;
        } else {
            let metadata = entry.metadata().with_context(failed)?;
            let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let modified = modified.map_or(i64::MAX, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
            listed.push(Listed { name, size: i64::try_from(metadata.len()).unwrap_or(i64::MAX), modified });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
