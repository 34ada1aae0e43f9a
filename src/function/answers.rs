//! The object of the API's responses as received, if they are kept. It costs the records nothing: it is
//! stored after them, and its failure is logged and fails no run.

use bytes::Bytes;
use tracing::{error, warn};

use super::{Ready, Run};
use crate::config::RunName;
use crate::graph::Session;
use crate::report::AnswersFile;
use crate::topic::Job;

impl Ready {
    /// Stores the responses that the session has kept, and notes the result in the summary. As for records, a
    /// run that lost topics replaces no earlier run's object.
    pub(super) async fn store_answers(&self, run: &mut Run, job: Job, name: RunName<'_>, session: &Session<'_>) {
        let locations = &self.config.locations;
        let kept = session.answers().and_then(crate::answers::Answers::take);
        let (Some(kept), Some(mut key)) = (kept, locations.answers(job, name)) else { return };
        let (answers, not_kept, bytes) = (kept.answers, kept.not_kept, kept.bytes.len());
        let body = Bytes::from(kept.bytes);
        let left = || run.left();
        let is_whole = run.summary.failures.is_empty();
        let stored = match answers {
            0 => Ok(()),
            _ if is_whole => self.sink.put(&key, body, left()).await,
            _ => match self.sink.put_new(&key, body.clone(), left()).await {
                Ok(false) => {
                    key = locations.partial_answers(job, name);
                    self.sink.put(&key, body, left()).await
                }
                stored => stored.map(drop),
            },
        };
        let kind = "answers";
        if let Err(error) = &stored {
            error!(kind, count = answers, "the responses are not kept: {error}");
        }
        if not_kept > 0 {
            warn!(kind, count = not_kept, "responses did not fit and are not kept: {key}");
        }
        let lost = if stored.is_ok() { 0 } else { answers };
        let kept = answers - lost;
        run.summary.answers = Some(AnswersFile { key: key.to_string(), answers: kept, bytes, lost: lost + not_kept });
    }
}
