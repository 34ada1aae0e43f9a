//! A topic's further pages of media: merged with those before them, and given up in time.

use std::collections::HashSet;

use crate::graph::{Cursor, Failure, MediaPage, Session};
use crate::record::Batch;

/// The media of a topic, page after page.
///
/// The API may repeat a medium on the next page, where a new medium has moved the pages: each is kept once.
pub(super) struct Pages<'m> {
    /// The media of the pages so far.
    pub(super) batch: Batch<'m>,
    seen: HashSet<String>,
}

impl<'m> Pages<'m> {
    /// Starts with the first page.
    pub(super) fn of(first: Batch<'m>) -> Self {
        Self { batch: first, seen: HashSet::new() }
    }

    /// Adds a further page. Returns whether it had a medium that the pages before it had not.
    pub(super) fn extend(&mut self, page: Batch<'m>) -> bool {
        let Self { batch, seen } = self;
        if seen.is_empty() {
            seen.extend(batch.records.iter().map(|record| record.id.clone()));
        }
        let before = batch.records.len();
        batch.records.extend(page.records.into_iter().filter(|record| seen.insert(record.id.clone())));
        batch.rejects.extend(page.rejects);
        batch.surplus += page.surplus;
        batch.bytes += page.bytes;
        batch.records.len() > before
    }

    /// The failure of a topic whose page `number` did not come. The pages before it are kept.
    pub(super) fn cut_short(&self, number: u32, failure: Failure) -> Failure {
        let (kept, why) = (self.batch.records.len(), &failure.message);
        let message = format!("page {number} did not come, the {kept} media before it are kept: {why}");
        Failure { message, ..failure }
    }
}

/// Waits for a further page until the run's time is nearly over. What came before must still be stored.
pub(super) async fn in_time<T>(
    session: &Session<'_>,
    page: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = session.stop().near() => Err(session.given_up()),
        done = page => done,
    }
}

/// The cursor to the page after `page`; `None` where there is none, as after an empty page.
pub(super) fn next(page: &MediaPage<'_>) -> Option<Cursor> {
    if page.records.is_empty() { None } else { page.after() }
}
