//! The queue of failed events. A message that is received is hidden from others for a while. It stays in the queue
//! until it is deleted.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry};
use indexmap::IndexMap;
use tokio::time::Instant;

use super::message::Message;
use crate::local::storage::redacted;
use crate::redact::Redactor;

/// The most messages of one request, a limit of SQS.
const BATCH: usize = 10;

/// How long received messages are hidden: longer than [`RENEW_AFTER`] and the longest run, which has 15 minutes.
const HIDDEN: Duration = Duration::from_secs(30 * 60);

/// How old the last renewal may be before a run starts.
const RENEW_AFTER: Duration = Duration::from_secs(10 * 60);

/// How long one request waits for messages. A request that does not wait asks some of SQS's servers alone, and may
/// find nothing where there is something.
const WAIT_SECONDS: i32 = 2;

/// The queue, and the messages of it that are hidden.
pub(super) struct Queue {
    client: Client,
    url: String,
    redactor: Arc<Redactor>,
    /// The receipts of the hidden messages, by the messages' ids.
    hidden: IndexMap<String, String>,
    renewed: Instant,
}

impl Queue {
    pub(super) fn new(client: Client, url: String, redactor: Arc<Redactor>) -> Self {
        Self { client, url, redactor, hidden: IndexMap::new(), renewed: Instant::now() }
    }

    /// Receives and hides every message. One that SQS delivers twice is one.
    ///
    /// # Errors
    /// Where the queue cannot be read.
    pub(super) async fn receive(&mut self) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        loop {
            let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(BATCH as i32);
            let receive = receive.visibility_timeout(HIDDEN.as_secs() as i32).wait_time_seconds(WAIT_SECONDS);
            let received = receive.message_attribute_names("All").send().await;
            let received = received.map_err(|e| redacted(&self.redactor, &e)).with_context(|| {
                format!("{} cannot be read; needed are sqs:ReceiveMessage, a region and credentials", self.url)
            })?;
            let before = self.hidden.len();
            for message in received.messages.unwrap_or_default() {
                let (Some(id), Some(receipt)) = (message.message_id, message.receipt_handle) else { continue };
                // The last receipt is the valid one.
                if self.hidden.insert(id.clone(), receipt).is_none() {
                    let texts = message.message_attributes.unwrap_or_default().into_iter();
                    let attributes = texts.filter_map(|(name, value)| Some((name, value.string_value?))).collect();
                    messages.push(Message { id, body: message.body.unwrap_or_default(), attributes });
                }
            }
            if self.hidden.len() == before {
                return Ok(messages);
            }
        }
    }

    /// Hides the messages for longer where they would soon come into view.
    ///
    /// # Errors
    /// Where a message cannot be hidden: somebody else could receive it.
    pub(super) async fn keep_hidden(&mut self) -> Result<()> {
        if self.renewed.elapsed() < RENEW_AFTER {
            return Ok(());
        }
        let failed = self.show_after(HIDDEN).await?;
        anyhow::ensure!(failed == 0, "{failed} messages of {} can no longer be kept hidden", self.url);
        self.renewed = Instant::now();
        Ok(())
    }

    /// Gives back what is hidden, so that others see it at once. Returns the number of messages that stay hidden for
    /// up to half an hour.
    pub(super) async fn release(&mut self) -> usize {
        self.show_after(Duration::ZERO).await.unwrap_or(self.hidden.len())
    }

    async fn show_after(&self, hidden: Duration) -> Result<usize> {
        let mut failed = 0;
        let entries: Vec<_> = self.hidden.iter().collect();
        for batch in entries.chunks(BATCH) {
            let mut change = self.client.change_message_visibility_batch().queue_url(&self.url);
            for (n, (_, receipt)) in batch.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string());
                let entry = entry.receipt_handle(receipt.as_str()).visibility_timeout(hidden.as_secs() as i32);
                change = change.entries(entry.build()?);
            }
            let changed = change.send().await.map_err(|e| redacted(&self.redactor, &e));
            failed += changed.context("messages cannot be kept hidden")?.failed.len();
        }
        Ok(failed)
    }

    /// Deletes messages.
    ///
    /// # Errors
    /// Where one of them may still be in the queue.
    pub(super) async fn delete(&mut self, ids: &[String]) -> Result<()> {
        for batch in ids.chunks(BATCH) {
            let mut delete = self.client.delete_message_batch().queue_url(&self.url);
            for (n, id) in batch.iter().enumerate() {
                let receipt = self.hidden.get(id).map(String::as_str).unwrap_or_default();
                delete = delete.entries(
                    DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(receipt).build()?,
                );
            }
            let deleted = delete.send().await.map_err(|e| redacted(&self.redactor, &e))?;
            if let Some(failed) = deleted.failed.first() {
                anyhow::bail!("{}: {}", failed.code, failed.message.as_deref().unwrap_or("no reason is told"));
            }
            batch.iter().for_each(|id| drop(self.hidden.shift_remove(id)));
        }
        Ok(())
    }
}
