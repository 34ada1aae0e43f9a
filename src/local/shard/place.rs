//! Where manifests go and results come from: files, or objects in S3.

use std::path::PathBuf;

use anyhow::{Context, Result};
use aws_sdk_s3::primitives::ByteStream;

use crate::{aws, http};

/// A file or a folder, or an object or a prefix.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// On this machine.
    File(PathBuf),
    /// In S3.
    S3 {
        /// The client.
        client: aws_sdk_s3::Client,
        /// The bucket.
        bucket: String,
        /// The key, or what keys begin with.
        key: String,
    },
}

impl Place {
    /// The place that `text` names: a path, or `s3://bucket/key`.
    pub(super) async fn new(text: &str) -> Result<Self> {
        let Some(rest) = text.strip_prefix("s3://") else { return Ok(Self::File(text.into())) };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let client = aws::s3(&aws::from_everywhere(http::client()?).await);
        Ok(Self::S3 { client, bucket: bucket.to_owned(), key: key.trim_end_matches('/').to_owned() })
    }

    /// Below it; itself where `name` is empty.
    fn below(&self, name: &str) -> Self {
        let mut place = self.clone();
        match &mut place {
            _ if name.is_empty() => {}
            Self::File(path) => path.push(name),
            Self::S3 { key, .. } if key.is_empty() => name.clone_into(key),
            Self::S3 { key, .. } => *key = format!("{key}/{name}"),
        }
        place
    }

    /// Beside it.
    pub(super) fn beside(&self, name: &str) -> Self {
        let mut place = self.clone();
        match &mut place {
            Self::File(path) => path.set_file_name(name),
            Self::S3 { key, .. } => {
                *key = key.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"));
            }
        }
        place
    }

    /// What to call it.
    pub(super) fn shown(&self, name: &str) -> String {
        match self.below(name) {
            Self::File(path) => path.display().to_string(),
            Self::S3 { bucket, key, .. } => format!("s3://{bucket}/{key}"),
        }
    }

    /// Writes what lies below it under `name`; itself where that is empty.
    pub(super) async fn write(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let failed = || format!("{} could not be written", self.shown(name));
        match self.below(name) {
            Self::File(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).with_context(failed)?;
                }
                std::fs::write(&path, bytes).with_context(failed)
            }
            Self::S3 { client, bucket, key } => {
                let put = client.put_object().bucket(bucket).key(key).body(ByteStream::from(bytes));
                put.send().await.map(drop).with_context(failed)
            }
        }
    }

    /// Reads it.
    pub(super) async fn read(&self, name: &str) -> Result<Vec<u8>> {
        let failed = || format!("{} could not be read", self.shown(name));
        match self.below(name) {
            Self::File(path) => std::fs::read(path).with_context(failed),
            Self::S3 { client, bucket, key } => {
                let got = client.get_object().bucket(bucket).key(key).send().await.with_context(failed)?;
                Ok(got.body.collect().await.with_context(failed)?.into_bytes().into())
            }
        }
    }
}
