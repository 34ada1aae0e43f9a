//! `luxury-brands hashtag-ids`: the ids of the followed hashtags, as a section to paste.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use futures_util::{FutureExt, StreamExt, stream};

use super::backend::{self, Backend};
use super::{SandboxArgs, print_faults};
use crate::graph::Session;
use crate::telemetry::printable;
use crate::topic::{Hashtag, HashtagId};

#[derive(Debug, Args)]
#[command(after_help = "Standard output holds the section and nothing else, and replaces the one that is there. Each \
    hashtag that is looked up counts towards the 30 different ones in 7 days, as it does when it is collected.")]
pub(super) struct HashtagIdsArgs {
    /// Ask the built-in sandbox, whose ids are its own
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    on: SandboxArgs,
}

impl HashtagIdsArgs {
    pub(super) async fn run(self, verbose: u8) -> Result<ExitCode> {
        if self.on.asks_for_help() {
            return Ok(print_faults());
        }
        let redactor = std::sync::Arc::default();
        backend::log(verbose, &redactor);
        let backend = Backend::open(self.sandbox, &self.on, redactor).await?;
        let secret = backend.secret().await.context("no secret; `--sandbox` needs none")?;
        let config = backend.config(&secret).await?;
        let client = backend.client(&config, &secret);
        let renew = || async { None }.boxed();
        let session = Session::new(&client, backend::stop(), &renew);
        let resolve = async |hashtag: &Hashtag| match &hashtag.id {
            Some(pinned) => Ok(pinned.clone()),
            None => session.hashtag_id(&hashtag.name).await,
        };
        let ids = stream::iter(config.hashtags.iter().map(resolve)).buffered(config.limits.concurrency as usize);
        let ids: Vec<_> = ids.collect().await;
        let mut failed = 0;
        let mut found: Vec<(&Hashtag, HashtagId)> = Vec::new();
        for (hashtag, id) in config.hashtags.iter().zip(ids) {
            match id {
                Ok(id) => found.push((hashtag, id)),
                Err(failure) => {
                    failed += 1;
                    let message = format!("{}: {}: {failure}", hashtag.name, failure.kind);
                    eprintln!("error: {}", printable(&message));
                }
            }
        }
        print!("{}", section(&found));
        let pinned = config.hashtags.iter().filter(|h| h.id.is_some()).count();
        eprintln!(
            "{} hashtags: {pinned} pinned already, {} looked up, {failed} failed ({} API calls). Paste the section into {}, \
             in place of the one there.",
            config.hashtags.len(),
            found.len() - pinned,
            session.calls(),
            secret.config_file.display(),
        );
        if self.sandbox {
            eprintln!("These are the sandbox's ids: the real API has others.");
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn section(ids: &[(&Hashtag, HashtagId)]) -> String {
    let lines = ids.iter().map(|(hashtag, id)| format!("{} = {}\n", hashtag.name, id));
    std::iter::once("[hashtag_id]\n".to_owned()).chain(lines).collect()
}
