//! Where collected data is read from: a folder, or a bucket's prefix.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::causes::with_causes;
use crate::redact::Redactor;
use crate::{aws, http};

/// A place to read from.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Folder(PathBuf),
    S3 { client: aws_sdk_s3::Client, bucket: String, prefix: String, redactor: Arc<Redactor> },
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
        let redactor: Arc<Redactor> = Arc::default();
        let config = aws::redacting(&aws::from_everywhere(http::client()?).await, Arc::clone(&redactor));
        let client = aws::s3(&config);
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self::S3 { client, bucket: bucket.to_owned(), prefix, redactor })
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
            Self::S3 { client, bucket, prefix, redactor } => {
                for name in FOLDERS {
                    let listed = list_s3(client, bucket, &format!("{prefix}{name}/")).await;
                    let listed = listed.map_err(|error| anyhow::anyhow!("{}", redactor.redact(&error)));
                    let listed = listed.with_context(|| {
                        format!("s3://{bucket}/{prefix}{name}/ cannot be listed; needed are s3:ListBucket and s3:GetObject, a region and credentials")
                    })?;
                    keys.extend(listed.iter().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned));
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
            Self::S3 { client, bucket, prefix, redactor } => {
                let got = client.get_object().bucket(bucket).key(format!("{prefix}{key}")).send().await;
                let got = got.map_err(|error| redactor.redact(&with_causes(&error)).into_owned())?;
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

/// The keys of the objects under `prefix`, or why they cannot be listed.
async fn list_s3(client: &aws_sdk_s3::Client, bucket: &str, prefix: &str) -> Result<Vec<String>, String> {
    let mut keys = Vec::new();
    let mut pages = client.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| with_causes(&error))?;
        keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::{Credentials, Region};
    use s3s::auth::SimpleAuth;
    use s3s::service::S3ServiceBuilder;

    use crate::sandbox::Server;

    use super::*;

    const KEYS: [&str; 3] = [
        "quality/media_2026-11-24/media_2026-11-24_030000.json",
        "raw/brand_2026-11-24/brand_2026-11-24_030000.json",
        "raw/media_2026-11-24/media_2026-11-24_030000.json",
    ];

    fn fill(folder: &Path) {
        for key in KEYS.into_iter().chain(["raw/media_2026-11-24/media.json.7.part", "other/x.json"]) {
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, key).unwrap();
        }
    }

    #[tokio::test]
    async fn a_folder_is_listed_and_read() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let place = Place::open(folder.path().to_str().unwrap()).await.unwrap();
        assert_eq!(place.list().await.unwrap(), KEYS);
        assert_eq!(place.read(KEYS[1]).await.unwrap(), KEYS[1].as_bytes());
        assert!(place.read("raw/none.json").await.is_err());
    }

    #[tokio::test]
    async fn a_folder_without_data_is_empty() {
        let place = Place::Folder(tempfile::tempdir().unwrap().path().join("none"));
        assert_eq!(place.list().await.unwrap(), Vec::<String>::new());
    }

    /// A bucket in this process, behind the real client.
    async fn s3(folder: &Path) -> (Server, aws_sdk_s3::Client) {
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
        builder.set_auth(SimpleAuth::from_single("AKIDEXAMPLE", "example-key"));
        let server = Server::start(0, builder.build()).await.unwrap();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .http_client(http::for_sdk(http::client().unwrap()))
            .credentials_provider(Credentials::new("AKIDEXAMPLE", "example-key", None, None, "test"))
            .region(Region::new("us-west-2"))
            .endpoint_url(format!("http://{}", server.address()))
            .force_path_style(true);
        (server, aws_sdk_s3::Client::from_conf(config.build()))
    }

    #[tokio::test]
    async fn a_prefix_of_a_bucket_is_listed_and_read_as_a_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        fill(&folder.path().join("lux-raw/a/b"));
        let (_server, client) = s3(folder.path()).await;
        let place = Place::S3 { client, bucket: "lux-raw".into(), prefix: "a/b/".into(), redactor: Arc::default() };
        assert_eq!(place.list().await.unwrap(), KEYS);
        assert_eq!(place.read(KEYS[1]).await.unwrap(), KEYS[1].as_bytes());
        assert!(place.read("raw/none.json").await.unwrap_err().contains("NoSuchKey"));
    }

    #[tokio::test]
    async fn a_listing_of_many_pages_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("lux-raw/raw/brand_2026-11-24");
        std::fs::create_dir_all(&raw).unwrap();
        for n in 0..1_203 {
            std::fs::write(raw.join(format!("brand_{n:04}.json")), "[]").unwrap();
        }
        let (_server, client) = s3(folder.path()).await;
        let place = Place::S3 { client, bucket: "lux-raw".into(), prefix: String::new(), redactor: Arc::default() };
        assert_eq!(place.list().await.unwrap().len(), 1_203);
    }

    #[tokio::test]
    async fn a_bucket_without_a_name_and_one_that_is_not_there_are_told() {
        assert!(Place::open("s3:///x").await.unwrap_err().to_string().contains("names no bucket"));
        let folder = tempfile::tempdir().unwrap();
        let (_server, client) = s3(folder.path()).await;
        let place = Place::S3 { client, bucket: "none".into(), prefix: String::new(), redactor: Arc::default() };
        let error = format!("{:#}", place.list().await.unwrap_err());
        assert!(error.contains("s3:ListBucket") && error.contains("NoSuchBucket"), "{error}");
    }
}
