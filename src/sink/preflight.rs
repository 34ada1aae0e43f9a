//! What can be known of a bucket or a folder before anything is collected for it.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;

use super::{Sink, SinkError};
use crate::causes::with_causes;
use crate::file;

/// The longest wait for S3's answer. It comes within about 100 ms, and a run does not need it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The header by which S3 names a bucket's region, in refusals too.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Why nothing can be stored.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// No AWS region is set.
    #[error(
        "no AWS region is set, and the bucket {bucket} is in S3: set AWS_REGION, or `region` in the AWS profile; `bucket = local_env` in the secret needs none"
    )]
    NoRegion {
        /// The bucket's name.
        bucket: String,
    },
    /// The bucket or the folder is not there, or cannot be used.
    #[error(transparent)]
    Place(#[from] SinkError),
}

impl Sink {
    /// Looks whether objects could be stored, within `limit`. In S3 that is one HeadBucket: it tells of a bucket that
    /// does not exist or is in another region, and needs no permission for that. Whatever else it answers, or no
    /// answer, is none to go by.
    ///
    /// # Errors
    /// [`Unusable`] where nothing could be stored for certain.
    pub async fn preflight(&self, limit: Duration) -> Result<(), Unusable> {
        match self {
            Self::S3 { client, bucket } => bucket_problem(client, bucket, limit.min(LONGEST_WAIT)).await,
            Self::Folder(folder) => {
                let failed = |e: std::io::Error| SinkError {
                    place: format!("the folder {}", folder.display()),
                    reason: format!("cannot be written: {e}; run it where it can be, or remove what is in its place"),
                };
                try_writing(folder).map_err(|e| failed(e).into())
            }
        }
    }
}

async fn bucket_problem(client: &aws_sdk_s3::Client, bucket: &str, limit: Duration) -> Result<(), Unusable> {
    let Some(region) = client.config().region() else {
        return Err(Unusable::NoRegion { bucket: bucket.to_owned() });
    };
    let asked = tokio::time::timeout(limit, client.head_bucket().bucket(bucket).send()).await;
    let Ok(Err(error)) = asked else { return Ok(()) };
    match reason(&error, region.as_ref()) {
        Some(reason) => Err(SinkError { place: format!("the bucket {bucket}"), reason }.into()),
        None => Ok(()),
    }
}

/// Why nothing can be stored in the bucket; `None` where the error leaves that open.
fn reason(error: &SdkError<HeadBucketError>, region: &str) -> Option<String> {
    let mut causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    if causes.any(|cause| cause.is::<CredentialsError>()) {
        return Some(format!("cannot be used without AWS credentials: {}", with_causes(error)));
    }
    let answer = error.raw_response()?;
    let elsewhere = answer.headers().get(REGION_HEADER).filter(|there| *there != region);
    match (answer.status().as_u16(), elsewhere) {
        (404, _) => Some(format!(
            "does not exist (NoSuchBucket): create it, or mend `bucket` in the secret; S3 was asked in {region}"
        )),
        (301 | 400, Some(there)) => {
            Some(format!("is in the region {there}, and {region} is set: set AWS_REGION={there}"))
        }
        _ => None,
    }
}

/// Writes a file into the folder and removes it again, and the folder too if it is new.
fn try_writing(folder: &Path) -> std::io::Result<()> {
    let existed = folder.exists();
    let probe = || {
        std::fs::create_dir_all(folder)?;
        file::part(&folder.join("probe"), None)?.close()
    };
    // Another process that tries the same may remove the folder in between.
    probe().or_else(|_| probe())?;
    if !existed {
        // Another process may have put something into it by now.
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
    async fn a_file_in_the_folders_place_is_told() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("local_env");
        std::fs::write(&folder, "").unwrap();
        let error = Sink::Folder(folder).preflight(Duration::from_secs(1)).await.unwrap_err().to_string();
        assert!(
            error.contains("local_env cannot be written: ") && error.contains("remove what is in its place"),
            "{error}"
        );
    }
}
