//! The webhook of a secret: it is told of a run that failed or has a CRITICAL line in its log, once and after
//! everything is stored.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::timeout;
use tracing::warn;

use super::{Function, Invocation, Run};
use crate::causes::with_causes;
use crate::error::Cause;
use crate::graph::{Failure, Kind};
use crate::lock::lock;
use crate::report::{Summary, Why};
use crate::secret::{Secret, SecretId};

/// The longest wait for the webhook's answer. The run's own end may come before.
const LONGEST: Duration = Duration::from_secs(3);

impl Function {
    /// Knows the webhook of a secret that was read, and keeps its address out of everything printed.
    pub(super) fn note_webhook(&self, id: Option<&SecretId>, secret: &Secret) {
        let mut webhooks = lock(&self.webhooks);
        match &secret.webhook {
            Some(url) => {
                self.redactor.add(url.expose_secret());
                webhooks.insert(id.cloned(), url.clone());
            }
            None => drop(webhooks.swap_remove(&id.cloned())),
        }
    }

    /// The webhook of the secret that the event names, or the function's own.
    fn webhook(&self, id: Option<&SecretId>) -> Option<SecretString> {
        let webhooks = lock(&self.webhooks);
        webhooks.get(&id.cloned()).or_else(|| webhooks.get(&None)).cloned()
    }

    /// Tells the webhook of the run, where there is one and something to tell. Where it does not take it, that is a
    /// WARNING. A run that a person ended is not told.
    pub(super) async fn tell(&self, run: &Run, failed: Option<&Cause>, id: Option<&SecretId>, of: &Invocation) {
        let critical = run.critical.as_ref();
        let why = failed.map(Why::Failed).or_else(|| critical.map(Why::Critical));
        let (Some(why), Some(url), false) = (why, self.webhook(id), run.stop.is_interrupted()) else { return };
        let notice = run.summary.notice(&why, critical.map(|critical| critical.kind), &of.request_id);
        let notice = match &self.service {
            Some(service) => format!("{service}: {notice}"),
            None => notice,
        };
        // Slack takes these for its own marks, as in `<!channel>`.
        // https://docs.slack.dev/messaging/formatting-message-text
        let text = notice.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let text = self.redactor.redact(&text).into_owned();
        if let Err(problem) = self.post(&url, json!({ "text": text }).to_string(), LONGEST.min(run.left())).await {
            warn!(kind = "webhook", "the webhook was not told of this run: {problem}");
        }
    }

    async fn post(&self, url: &SecretString, body: String, limit: Duration) -> Result<(), String> {
        let http = self.http.get().ok_or("there is no HTTP client")?;
        let answer = timeout(limit, http.send(http.post_json(url.expose_secret(), body))).await;
        let answer = answer.map_err(|_| format!("it gave no answer within {} ms", limit.as_millis()))?;
        let status = answer.map_err(|error| with_causes(&error.without_url()))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered HTTP {}", status.as_u16())) }
    }
}

/// What makes a run's log CRITICAL: the API refuses or throttles the caller, or the token is of no use.
pub(super) fn critical(halted: Option<Failure>, summary: &Summary) -> Option<Failure> {
    let halted = halted.filter(|halt| halt.kind != Kind::Usage);
    let is_expired = |days: i64| days < 0;
    let token = summary.token.as_ref().filter(|token| !token.is_valid || token.days_left.is_some_and(is_expired));
    halted.or_else(|| {
        token.map(|token| {
            let state = if token.is_valid { "it or its access to data has expired" } else { "it is not valid" };
            Failure::new(Kind::Token, format!("the access token is of no use: {state}"))
        })
    })
}
