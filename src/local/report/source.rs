//! Where collected data is read from: a folder, or a bucket's prefix.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::error::DisplayErrorContext;

use crate::{aws, http};

/// A place to read from.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Folder(PathBuf),
    S3 { client: aws_sdk_s3::Client, bucket: String, prefix: String },
}

/// The folders that hold objects, under a place.
const FOLDERS: [&str; 2] = ["raw", "quality"];

impl Place {
    /// The place that a person names: a path, or `s3://bucket/prefix`.
    pub(super) async fn open(named: &str) -> Result<Self> {
        let Some(rest) = named.strip_prefix("s3://") else { return Ok(Self::Folder(named.into())) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            bail!("{named:?} names no bucket; s3://bucket or s3://bucket/prefix expected");
        }
        let client = aws::s3(&aws::config(http::client()?).await);
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self::S3 { client, bucket: bucket.to_owned(), prefix })
    }

    /// The keys of all objects, relative to the place, in their order.
    pub(super) async fn list(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        match self {
            Self::Folder(folder) => {
                for name in FOLDERS {
                    walk(&folder.join(name), name, &mut keys)?;
                }
            }
            Self::S3 { client, bucket, prefix } => {
                for name in FOLDERS {
                    list_s3(client, bucket, prefix, name, &mut keys).await?;
                }
            }
        }
        keys.retain(|key| [".json", ".ndjson", ".jsonl"].iter().any(|ending| key.ends_with(ending)));
        keys.sort_unstable();
        Ok(keys)
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// Why it cannot be read, in words for a person.
    pub(super) async fn read(&self, key: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder(folder) => tokio::fs::read(folder.join(key)).await.map_err(|error| error.to_string()),
            Self::S3 { client, bucket, prefix } => {
                let got = client.get_object().bucket(bucket).key(format!("{prefix}{key}")).send().await;
                let got = got.map_err(|error| DisplayErrorContext(error).to_string())?;
                let body = got.body.collect().await.map_err(|error| error.to_string())?;
                Ok(body.to_vec())
            }
        }
    }
}

/// The files under a folder, by their paths relative to the place; none where there is no such folder.
fn walk(folder: &Path, name: &str, keys: &mut Vec<String>) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be listed", folder.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be listed", folder.display()))?;
        let key = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), &key, keys)?;
        } else {
            keys.push(key);
        }
    }
    Ok(())
}

async fn list_s3(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
    name: &str,
    keys: &mut Vec<String>,
) -> Result<()> {
    let request = client.list_objects_v2().bucket(bucket).prefix(format!("{prefix}{name}/"));
    let mut pages = request.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| anyhow::anyhow!("{}", DisplayErrorContext(error)));
        let page = page.with_context(|| {
            format!("s3://{bucket}/{prefix}{name}/ cannot be listed; needed are s3:ListBucket and s3:GetObject, a region and credentials")
        })?;
        let objects = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(prefix));
        keys.extend(objects.map(str::to_owned));
    }
    Ok(())
}
