//! `luxury-brands init`: a secret and a configuration to fill in.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde::Serialize;

use super::failure::UsageError;
use super::output::Output;
use collector::config;
use collector::secret::{self, Source};

#[derive(Debug, Args)]
#[command(after_help = "An existing file is not changed.")]
pub(super) struct InitArgs {
    /// The secret file to write [default: SECRET_FILE or ../secret/dev_secret.ini]
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The configuration file to write
    #[arg(long, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,
}

const CONFIG: &str = include_str!("../../../configure.ini");

/// A file of the set-up.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct File {
    file: String,
    /// Whether it was written; if not, it existed.
    written: bool,
    /// What to fill in.
    to_do: &'static str,
}

impl InitArgs {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        let path = self.secret.unwrap_or_else(|| match Source::from_env() {
            Source::File(path) => path,
            Source::Manager(_) => secret::DEFAULT_FILE.into(),
        });
        if path == self.config {
            return Err(UsageError(anyhow!("--secret and --config name the same file, {}", path.display())).into());
        }
        if let Some(folder) = [&path, &self.config].into_iter().find(|path| path.is_dir()) {
            return Err(UsageError(anyhow!("{} is a folder, a file expected", folder.display())).into());
        }
        let secret = format!(
            "[SECRET]\nig_user_id = <the Instagram user id that makes the calls>\naccess_token = <its long-lived token>\n\
             # an S3 bucket; local_env is the folder ./local_env\nbucket = local_env\nconfig_file = {}\n",
            self.config.display()
        );
        let files = [
            write(&path, &secret, "fill in ig_user_id and access_token")?,
            write(&self.config, CONFIG, "choose the accounts and hashtags")?,
        ];
        output.result(&files, || {
            let line = |File { file, written, to_do }: &File| {
                if *written { format!("wrote {file}: {to_do}\n") } else { format!("kept {file}: it exists\n") }
            };
            files.iter().map(line).collect::<String>() + "Then run: luxury-brands check"
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a file that only its owner can read, unless it exists.
fn write(path: &Path, text: &str, to_do: &'static str) -> Result<File> {
    let written = create(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(File { file: path.display().to_string(), written, to_do })
}

/// Whether the file was written. One that exists is not.
fn create(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        file => file?.write_all(text.as_bytes()).map(|()| true),
    }
}
