//! The body of a response: read up to a limit, and decompressed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use reqwest::Response;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::memory::{MAX_BODY, SMALL_BODY};

/// A body, and the permit for a large one, held as long as the body.
#[derive(Debug, Default)]
pub(super) struct ResponseBody<'s> {
    pub(super) bytes: Vec<u8>,
    pub(super) permit: Option<SemaphorePermit<'s>>,
}

/// Why a response has no body.
#[derive(Debug)]
pub(super) enum BodyError {
    /// The body is larger than [`MAX_BODY`].
    TooLarge,
    /// The connection broke.
    Broken(reqwest::Error),
    /// The body did not arrive in time.
    Late,
    /// The body is not the gzip that its header announces.
    NotGzip(io::Error),
}

/// Reads the body of `response` until `end`. A body larger than [`SMALL_BODY`] waits for a permit of `large`. The peer
/// does not cause that wait, so `end` is postponed by it.
pub(super) async fn read(
    mut response: Response,
    large: &Semaphore,
    mut end: Instant,
) -> Result<ResponseBody<'_>, BodyError> {
    let is_gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let mut body = ResponseBody::default();
    loop {
        let chunk = timeout_at(end, response.chunk()).await.map_err(|_| BodyError::Late)?;
        let Some(chunk) = chunk.map_err(BodyError::Broken)? else { break };
        let length = body.bytes.len() + chunk.len();
        if length > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
        if length > SMALL_BODY {
            let start = Instant::now();
            body.make_large(large).await;
            end += start.elapsed();
        }
        body.bytes.extend_from_slice(&chunk);
    }
    if is_gzip {
        let compressed = std::mem::take(&mut body.bytes);
        let mut decoder = MultiGzDecoder::new(&compressed[..]);
        decoder.by_ref().take(SMALL_BODY as u64).read_to_end(&mut body.bytes).map_err(BodyError::NotGzip)?;
        if body.bytes.len() == SMALL_BODY {
            body.make_large(large).await;
            let rest = (MAX_BODY - SMALL_BODY + 1) as u64;
            decoder.take(rest).read_to_end(&mut body.bytes).map_err(BodyError::NotGzip)?;
        }
        if body.bytes.len() > MAX_BODY {
            return Err(BodyError::TooLarge);
        }
    }
    Ok(body)
}

impl<'s> ResponseBody<'s> {
    /// Waits for the permit of a large body, and reserves its memory at once. A growing vector would hold up to three
    /// times its bytes for a moment.
    async fn make_large(&mut self, large: &'s Semaphore) {
        if self.permit.is_none() {
            self.permit = Some(large.acquire().await.expect("the semaphore is never closed"));
        }
        // A little more than the limit, so that the byte beyond it grows no vector.
        self.bytes.reserve_exact(MAX_BODY + 64 - self.bytes.len());
    }
}
