//! What can be found out about a bucket or a folder before anything is collected.

use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use tokio::time::timeout;

use super::Sink;
use crate::aws::{self, AwsProblem};
use crate::config::Locations;
use crate::diagnosis::Diagnosis;
use crate::file;

/// The longest wait for S3's response, which takes about 100 ms. A run can do without it.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The header by which S3 names a bucket's region, in refusals too.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Why nothing can be stored.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{place} cannot be used: {problem}")]
pub struct Unusable {
    /// The bucket or the folder.
    pub place: String,
    /// What is wrong with it, or with the access to it.
    pub problem: AwsProblem,
}

impl Sink {
    /// Checks whether objects could be stored, within `limit`. For a bucket, the region, the credentials, the endpoint
    /// and the bucket are checked, in this order. A missing response, or one that proves nothing, is not an error.
    ///
    /// # Errors
    /// [`Unusable`] if it is certain that nothing could be stored.
    pub async fn preflight(&self, limit: Duration) -> Result<(), Unusable> {
        let (place, checked) = match self {
            Self::S3 { client, bucket, aws } => {
                (format!("the bucket {bucket}"), check_bucket(client, bucket, aws, limit).await)
            }
            Self::Folder(folder) => {
                let unwritable =
                    |e: std::io::Error| AwsProblem { diagnosis: Diagnosis::Folder, detail: Some(e.to_string()) };
                (format!("the folder {}", folder.display()), try_writing(folder).map_err(unwritable))
            }
        };
        checked.map_err(|problem| Unusable { place, problem })
    }
}

async fn check_bucket(client: &Client, bucket: &str, aws: &SdkConfig, limit: Duration) -> Result<(), AwsProblem> {
    aws::check(aws, None, limit).await?;
    let limit = limit.min(MAX_WAIT);
    let head = timeout(limit, client.head_bucket().bucket(bucket).send()).await;
    let Ok(Err(error)) = head else { return Ok(()) };
    if let Some(problem) = of_head(&error, aws) {
        return Err(problem);
    }
    if !matches!(error.raw_response().map(|response| response.status().as_u16()), Some(400 | 403)) {
        return Ok(());
    }
    // A response to HEAD has no body, and so does not say whether the credentials or a permission is refused.
    let key = Locations::probe();
    let got = timeout(limit, client.get_object().bucket(bucket).key(key.as_str()).send()).await;
    got.ok().and_then(Result::err).and_then(|error| AwsProblem::of(&error)).map_or(Ok(()), Err)
}

/// What HeadBucket proves. Without any permission, it shows that a bucket does not exist or is in another region.
fn of_head(error: &SdkError<HeadBucketError>, aws: &SdkConfig) -> Option<AwsProblem> {
    let Some(response) = error.raw_response() else { return AwsProblem::of(error) };
    let region = aws.region().map_or("", AsRef::as_ref);
    let elsewhere = response.headers().get(REGION_HEADER).filter(|there| *there != region);
    let (diagnosis, detail) = match (response.status().as_u16(), elsewhere) {
        (404, _) => (Diagnosis::NoBucket, format!("NoSuchBucket in {region}")),
        (301 | 400, Some(there)) => (Diagnosis::OtherRegion, format!("it is in {there}, and {region} is set")),
        _ => return None,
    };
    Some(AwsProblem { diagnosis, detail: Some(detail) })
}

/// Writes a file into the folder and removes it. A new folder is removed too.
fn try_writing(folder: &Path) -> std::io::Result<()> {
    let existed = folder.exists();
    let probe = || {
        std::fs::create_dir_all(folder)?;
        file::part(&folder.join("probe"), None)?.close()
    };
    // Another process with the same check may remove the folder in between.
    probe().or_else(|_| probe())?;
    if !existed {
        // Another process may have stored something there by now.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_is_left_as_it_was() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a/local_env");
        try_writing(&folder).unwrap();
        assert!(!folder.exists());
        std::fs::create_dir_all(&folder).unwrap();
        try_writing(&folder).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_in_the_folders_place_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("local_env");
        std::fs::write(&folder, "").unwrap();
        let error = Sink::Folder(folder).preflight(Duration::from_secs(1)).await.unwrap_err().to_string();
        assert!(
            error.contains("local_env cannot be used: the folder cannot be written (")
                && error.contains("remove what is in its place"),
            "{error}"
        );
    }
}
