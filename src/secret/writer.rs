//! Puts a new token into the secret where it is stored. Every other byte of the secret stays the same.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_secretsmanager::primitives::Blob;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{Secret, SecretError, from_json, manager, text_of, without_bom};
use crate::causes::with_causes;
use crate::json;

mod file;

/// Where a secret is stored, and how to write it.
#[derive(Debug)]
pub enum SecretWriter {
    /// The secret's file.
    File(PathBuf),
    /// The name or ARN of the secret in Secrets Manager.
    Manager(String, Box<SdkConfig>),
}

/// A token that was not put into the secret. No variant holds a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretWriteError {
    /// The secret cannot be read, or is not valid.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret holds a token other than the one that was exchanged.
    #[error("the secret meanwhile has another token, which is kept")]
    Rotated,
    /// The new token could not be inserted without changing something else.
    #[error("the token could not be replaced without changing more of the secret; put it into the secret by hand")]
    NotOnlyToken,
    /// The file could not be replaced.
    #[error("the secret file could not be replaced: {0}")]
    File(#[from] std::io::Error),
    /// Secrets Manager refused the put.
    #[error("the secret could not be put into AWS Secrets Manager: {0}")]
    Manager(String),
}

impl SecretWriter {
    /// Checks within `limit` that the secret holds `token` and may be written, before a new token is made for it.
    ///
    /// Secrets Manager ignores a put of an existing version with the same content, and refuses it without the
    /// permission. A file is replaced with its own content.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>
    ///
    /// # Errors
    /// [`SecretWriteError`].
    pub async fn check(&self, token: &SecretString, limit: Duration) -> Result<(), SecretWriteError> {
        match self {
            Self::File(path) => file::replace(path, token, token),
            Self::Manager(id, aws) => {
                let manager = ManagedSecret::read(id, aws, limit).await?;
                holds(&from_json(id, manager.text()?)?, token)?;
                manager.put(manager.text()?, manager.current.version_id()).await
            }
        }
    }

    /// Replaces the token `old` with `new` within `limit`: as a new version of the secret, or in a new file that
    /// replaces the old one.
    ///
    /// # Errors
    /// [`SecretWriteError`]. The secret is then unchanged. Only if the put of a new version got no response, the secret
    /// may have `new`.
    pub async fn replace(
        &self,
        old: &SecretString,
        new: &SecretString,
        limit: Duration,
    ) -> Result<(), SecretWriteError> {
        match self {
            Self::File(path) => file::replace(path, old, new),
            Self::Manager(id, aws) => {
                let manager = ManagedSecret::read(id, aws, limit).await?;
                let changed = with_token(id, manager.text()?, old, new)?;
                manager.put(changed.expose_secret(), None).await
            }
        }
    }
}

/// A secret in Secrets Manager as read.
struct ManagedSecret<'a> {
    id: &'a str,
    client: aws_sdk_secretsmanager::Client,
    current: GetSecretValueOutput,
}

impl<'a> ManagedSecret<'a> {
    async fn read(id: &'a str, aws: &SdkConfig, limit: Duration) -> Result<Self, SecretError> {
        let client = manager(id, aws, limit);
        let current = client.get_secret_value().secret_id(id).send().await;
        let current = current.map_err(|e| SecretError::Manager { id: id.to_owned(), reason: with_causes(&e) })?;
        Ok(Self { id, client, current })
    }

    fn text(&self) -> Result<&str, SecretError> {
        text_of(self.id, &self.current)
    }

    /// Puts a text as `version`, by default as a new one.
    async fn put(&self, text: &str, version: Option<&str>) -> Result<(), SecretWriteError> {
        let put = self.client.put_secret_value().secret_id(self.id);
        let put = put.set_client_request_token(version.map(str::to_owned));
        // The version is stored in the form of the current one.
        let put = match self.current.secret_binary() {
            Some(_) => put.secret_binary(Blob::new(text)),
            None => put.secret_string(text),
        };
        put.send().await.map(drop).map_err(|e| SecretWriteError::Manager(with_causes(&e)))
    }
}

/// The text of a JSON secret with another token in it, and nothing else changed.
fn with_token(id: &str, text: &str, old: &SecretString, new: &SecretString) -> Result<SecretString, SecretWriteError> {
    holds(&from_json(id, text)?, old)?;
    let Some([Some(value)]) = json::fields(without_bom(text), ["access_token"]) else {
        return Err(SecretWriteError::NotOnlyToken);
    };
    // The value is a part of the text.
    let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
    let parts = text.get(..start).zip(text.get(start + value.get().len()..)).ok_or(SecretWriteError::NotOnlyToken)?;
    let changed = format!("{}{}{}", parts.0, Value::from(new.expose_secret()), parts.1);
    let others = |text: &str| {
        let mut keys: Map<String, Value> = serde_json::from_str(without_bom(text)).ok()?;
        keys.remove("access_token").map(|_| keys)
    };
    let is_same = others(text).is_some_and(|before| others(&changed) == Some(before));
    holds(&from_json(id, &changed)?, new).ok().filter(|()| is_same).ok_or(SecretWriteError::NotOnlyToken)?;
    Ok(changed.into())
}

/// Checks that a secret holds `token`.
fn holds(secret: &Secret, token: &SecretString) -> Result<(), SecretWriteError> {
    let held = secret.credentials.access_token.expose_secret();
    if held == token.expose_secret() { Ok(()) } else { Err(SecretWriteError::Rotated) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "placeholder-old";
    const NEW: &str = "placeholder-new";

    fn changed(text: &str) -> Result<String, String> {
        let changed = with_token("collector", text, &OLD.into(), &NEW.into());
        changed.map(|text| text.expose_secret().to_owned()).map_err(|e| format!("{e} {e:?}"))
    }

    #[test]
    fn only_the_token_changes() {
        let text = format!(
            "{{\"bucket\" :\"lux-raw\",\n  \"ig_user_id\": 17841400000000001, \"odd\":[1.50,{{\"access_token\":\"{OLD}\"}}],\t\"access_token\" : \"{OLD}\", \"note\":\"{OLD} \\u00e9\"}}\n"
        );
        let expected = text.replacen(&format!(": \"{OLD}\""), &format!(": \"{NEW}\""), 1);
        assert_eq!(changed(&text).unwrap(), expected);
        let spelt = text.replace(&format!(": \"{OLD}\""), ": \"\\u0070laceholder-old\"");
        assert_eq!(changed(&spelt).unwrap(), expected, "whatever its spelling");
        assert_eq!(changed(&format!("\u{feff}{text}")).unwrap(), format!("\u{feff}{expected}"));
    }

    #[test]
    fn a_secret_with_another_token_or_an_invalid_one_is_kept_and_reported_without_a_value() {
        let good = format!(r#"{{"ig_user_id":"1","bucket":"lux-raw","access_token":"{OLD}"}}"#);
        assert!(changed(&good).is_ok());
        for (text, expected) in [
            (good.replace(OLD, "placeholder-other"), "has another token"),
            (good.replace("\"lux-raw\"", "\"\""), "bucket is empty"),
            ("[]".to_owned(), "is not a JSON object"),
            (good.replace("access_token", "token"), "access_token is missing"),
        ] {
            let error = changed(&text).unwrap_err();
            assert!(error.contains(expected) && !error.contains("placeholder"), "{error}");
        }
    }
}
