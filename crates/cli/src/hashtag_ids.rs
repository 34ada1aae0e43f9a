//! `luxury-brands hashtag-ids`: the ids of the followed hashtags, as a section to paste.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::Setting;
use super::backend::{self, Backend};
use super::output::{self, Output};
use collector::counted::counted;
use collector::report::FailedTopic;
use collector::telemetry::printable;
use collector::topic::Hashtag;

#[derive(Debug, Args)]
#[command(after_help = "Prints only the section. Replace yours with it. A pinned id saves each new process a call.\n\
    Each hashtag that is looked up counts towards the 30 different ones in 7 days, as a collected one does.")]
pub(super) struct HashtagIdsArgs {
    #[command(flatten)]
    on: Setting,
}

impl HashtagIdsArgs {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let (backend, secret, config) = Backend::with_config(&self.on, output).await?;
        let client = backend.client(&config, &secret);
        let session = backend::session(&client);
        let resolve = async |hashtag: &Hashtag| match &hashtag.id {
            Some(pinned) => Ok(pinned.clone()),
            None => session.hashtag_id(&hashtag.name).await,
        };
        let ids = stream::iter(config.hashtags.iter().map(resolve)).buffered(config.limits.concurrency as usize);
        let ids: Vec<_> = ids.collect().await;
        let mut resolved = Resolved { hashtags: Vec::new(), failures: Vec::new(), api_calls: session.calls() };
        for (hashtag, id) in config.hashtags.iter().zip(ids) {
            let name = hashtag.name.to_string();
            match id {
                Ok(id) => {
                    resolved.hashtags.push(Found { name, id: id.to_string(), is_pinned: hashtag.id.is_some() });
                }
                Err(failure) => {
                    output::note(format!(
                        "error: {}",
                        printable(&format!("{name}: {} -> {}", failure.explained(), failure.diagnosis.row().next))
                    ));
                    let message = backend.redactor.redact(&failure.message).into_owned();
                    resolved.failures.push(FailedTopic {
                        topic: name,
                        kind: failure.kind,
                        code: failure.code,
                        message,
                    });
                }
            }
        }
        if output.json {
            output::print_json(&resolved)?
        } else {
            output::print_whole(resolved.section().as_bytes())?
        }
        output.remark(resolved.summary(&secret.config_file));
        if self.on.sandbox {
            output.remark("These are the sandbox's ids: the real API has others.");
        }
        Ok(if resolved.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The ids of the followed hashtags.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Resolved {
    /// The hashtags found, in their order.
    hashtags: Vec<Found>,
    /// The hashtags not found. If there are any, the exit code is 1.
    #[cfg_attr(test, schemars(schema_with = "super::documents::failed_topics"))]
    failures: Vec<FailedTopic>,
    /// Calls to the API.
    api_calls: u64,
}

/// A hashtag whose id is known.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Found {
    name: String,
    id: String,
    /// Whether `[hashtag_id]` has it.
    is_pinned: bool,
}

impl Resolved {
    fn section(&self) -> String {
        let lines = self.hashtags.iter().map(|Found { name, id, .. }| format!("{name} = {id}\n"));
        std::iter::once("[hashtag_id]\n".to_owned()).chain(lines).collect()
    }

    /// What was done, and where to put the section.
    fn summary(&self, config_file: &Path) -> String {
        let Self { hashtags, failures, api_calls } = self;
        let pinned = hashtags.iter().filter(|found| found.is_pinned).count();
        format!(
            "{}: {pinned} pinned already, {} looked up, {} failed ({}). Replace the section \
             in {} with this one.",
            counted(hashtags.len() + failures.len(), "hashtag"),
            hashtags.len() - pinned,
            failures.len(),
            counted(*api_calls, "API call"),
            config_file.display(),
        )
    }
}
