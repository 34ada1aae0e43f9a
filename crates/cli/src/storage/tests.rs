//! Folders and buckets hold the same names.

use aws_sdk_s3::config::{Credentials, Region};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::*;
use sandbox::Server;

const NAMES: [&str; 3] = ["raw/a.json", "raw/b/c.json", "raw/b/d.json"];

/// Writes [`NAMES`] and another name, and reads them in every way.
async fn holds_what_is_written(storage: &Storage) {
    for name in NAMES.into_iter().chain(["other/e.json"]) {
        storage.write(name, name.into()).await.unwrap();
    }
    let now = chrono::Utc::now().timestamp();
    let names = async |folder| {
        let listed = storage.list(folder).await.unwrap();
        // Each file holds its own name.
        let is_described = |listed: &Listed| {
            usize::try_from(listed.size) == Ok(listed.name.len()) && (now - 60..=now).contains(&listed.modified)
        };
        assert!(listed.iter().all(is_described), "{listed:?}");
        let mut names: Vec<String> = listed.into_iter().map(|listed| listed.name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names("raw").await, NAMES);
    assert_eq!(names("").await, [&["other/e.json"], &NAMES[..]].concat());
    assert_eq!(names("none").await, [""; 0]);
    assert_eq!(storage.read(NAMES[1]).await.unwrap(), NAMES[1].as_bytes());
    let neighbour = storage.below(NAMES[1]).sibling("d.json");
    assert_eq!(neighbour.read("").await.unwrap(), NAMES[2].as_bytes());
    let error = storage.read("raw/none.json").await.unwrap_err().to_string();
    assert_eq!(error, format!("{} could not be read", storage.shown("raw/none.json")));
}

#[tokio::test]
async fn a_folder_holds_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    holds_what_is_written(&Storage::open(folder.path().to_str().unwrap()).await.unwrap()).await;
}

#[tokio::test]
async fn a_bucket_and_a_prefix_of_it_hold_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lux-raw")).unwrap();
    for key in ["", "a/b"] {
        let (_server, storage) = s3(folder.path(), "lux-raw", key).await;
        holds_what_is_written(&storage).await;
        let error = format!("{:#}", storage.read("raw/none.json").await.unwrap_err());
        assert!(error.contains("NoSuchKey"), "{error}");
    }
    assert!(folder.path().join("lux-raw/a/b/raw/b/c.json").is_file());
}

/// A bucket in this process, behind the real client.
async fn s3(folder: &Path, bucket: &str, key: &str) -> (Server, Storage) {
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
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    (server, Storage::S3 { client, bucket, key, redactor: Arc::default() })
}

#[tokio::test]
async fn a_listing_of_many_pages_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("lux-raw/raw/brand_2026-11-24");
    std::fs::create_dir_all(&raw).unwrap();
    for n in 0..1_203 {
        std::fs::write(raw.join(format!("brand_{n:04}.json")), "[]").unwrap();
    }
    let (_server, storage) = s3(folder.path(), "lux-raw", "").await;
    assert_eq!(storage.list("raw").await.unwrap().len(), 1_203);
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, storage) = s3(folder.path(), "none", "").await;
    let error = format!("{:#}", storage.list("raw").await.unwrap_err());
    assert!(error.contains("s3:ListBucket") && error.contains("NoSuchBucket"), "{error}");
}

#[test]
fn a_place_is_a_path_or_a_bucket_with_a_name_and_nothing_else() {
    for good in ["local_env", "/data/out", "s3://lux-raw", "s3://lux-raw/", "s3://lux-raw/a prefix/x"] {
        assert_eq!(place(good).as_deref(), Ok(good));
    }
    for (bad, expected) in [
        ("", "a path, s3://BUCKET or s3://BUCKET/PREFIX expected"),
        ("gs://lux-raw", "a path, s3://BUCKET or s3://BUCKET/PREFIX expected"),
        ("s3://", "s3://BUCKET or s3://BUCKET/PREFIX expected"),
        ("s3:///x", "s3://BUCKET or s3://BUCKET/PREFIX expected"),
        ("s3://lux+raw/x", "no name that S3 allows"),
    ] {
        assert!(place(bad).unwrap_err().contains(expected), "{bad}: {:?}", place(bad));
    }
}
