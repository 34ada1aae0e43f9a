//! Where objects go, as a person writes it.

use std::path::PathBuf;
use std::str::FromStr;

use crate::secret::{self, Secret};

/// A bucket, or a folder instead of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A bucket, by its name.
    Bucket(String),
    /// A folder, relative to the working directory.
    Folder(PathBuf),
}

impl Destination {
    /// The destination in the secret.
    pub fn of(secret: &Secret) -> Self {
        match secret.folder() {
            Some(folder) => Self::Folder(folder.to_owned()),
            None => Self::Bucket(secret.bucket.clone()),
        }
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(bucket) = text.strip_prefix("s3://") else {
            let folder = Some(text).filter(|text| !text.is_empty() && !text.contains("://"));
            return folder
                .map(|folder| Self::Folder(folder.into()))
                .ok_or_else(|| format!("{text:?} given, a folder or s3://bucket expected"));
        };
        let name = bucket.strip_suffix('/').unwrap_or(bucket);
        if name.contains('/') {
            return Err(format!(
                "{text:?} given, s3://bucket expected: [common] has the locations, from the bucket's root on"
            ));
        }
        if let Some(problem) = secret::bucket_problem(name) {
            return Err(format!("{text:?} given, s3://bucket expected: the name {problem}"));
        }
        Ok(Self::Bucket(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_its_scheme_and_everything_else_is_a_folder() {
        for (text, expected) in [
            ("s3://lux-raw", Destination::Bucket("lux-raw".into())),
            ("s3://lux-raw/", Destination::Bucket("lux-raw".into())),
            ("out", Destination::Folder("out".into())),
            ("/data/./out/", Destination::Folder("/data/./out/".into())),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("", "a folder or s3://bucket expected"),
            ("https://lux-raw", "a folder or s3://bucket expected"),
            ("s3://", "no name that S3 allows"),
            ("s3://lux+raw", "no name that S3 allows"),
            ("s3://lux-raw/prefix", "from the bucket's root on"),
        ] {
            let error = text.parse::<Destination>().unwrap_err();
            assert!(error.contains(expected) && error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
