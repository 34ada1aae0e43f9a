//! The body of an answer: read up to a limit, and decompressed.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use reqwest::Response;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::memory::{LARGEST_BODY, SMALL_BODY};

/// A body, and the permit of a large one, held for as long as the body is.
#[derive(Debug)]
pub(super) struct Body<'s> {
    pub(super) bytes: Vec<u8>,
    pub(super) permit: Option<SemaphorePermit<'s>>,
}

/// Why an answer has no body.
#[derive(Debug)]
pub(super) enum BodyError {
    /// The body is larger than [`LARGEST_BODY`].
    TooLarge,
    /// The connection broke.
    Broken(reqwest::Error),
    /// The body did not arrive in time.
    Late,
    /// The body is not the gzip that its header announces.
    NotGzip(io::Error),
}

/// The bytes that are decompressed before the permit is checked. They decompress to at most 1,032 times as
/// many.
const SLICE: usize = 256;

/// Reads the body of `response` until `end`. A body larger than [`SMALL_BODY`] waits for a permit of `large`.
/// That wait is not the peer's fault, so it moves `end` on.
pub(super) async fn read(mut response: Response, large: &Semaphore, mut end: Instant) -> Result<Body<'_>, BodyError> {
    let gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let mut decoder =
        if gzip { Decoder::Gzip(Box::new(MultiGzDecoder::new(Bounded::default()))) } else { Decoder::default() };
    let mut permit = None;
    loop {
        let chunk = timeout_at(end, response.chunk()).await.map_err(|_| BodyError::Late)?;
        let Some(chunk) = chunk.map_err(BodyError::Broken)? else { break };
        for slice in chunk.chunks(SLICE) {
            decoder.write(slice).map_err(|error| decoder.failed(error))?;
            if permit.is_none() && decoder.bytes().len() > SMALL_BODY {
                let asked = Instant::now();
                permit = Some(large.acquire().await.expect("the semaphore is never closed"));
                end += asked.elapsed();
                decoder.expect_large();
            }
        }
    }
    Ok(Body { bytes: decoder.finish()?, permit })
}

/// Bytes, up to [`LARGEST_BODY`].
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LARGEST_BODY {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Decoder {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

impl Default for Decoder {
    fn default() -> Self {
        Self::Plain(Bounded::default())
    }
}

impl Decoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(bounded) => bounded.write_all(bytes),
            Self::Gzip(decoder) => decoder.write_all(bytes),
        }
    }

    fn bounded(&self) -> &Bounded {
        match self {
            Self::Plain(bounded) => bounded,
            Self::Gzip(decoder) => decoder.get_ref(),
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bounded().bytes
    }

    /// Reserves all the memory at once. A growing vector would hold up to three times its bytes for a moment.
    fn expect_large(&mut self) {
        let bounded = match self {
            Self::Plain(bounded) => bounded,
            Self::Gzip(decoder) => decoder.get_mut(),
        };
        bounded.bytes.reserve_exact(LARGEST_BODY - bounded.bytes.len());
    }

    fn failed(&self, error: io::Error) -> BodyError {
        if self.bounded().full { BodyError::TooLarge } else { BodyError::NotGzip(error) }
    }

    fn finish(self) -> Result<Vec<u8>, BodyError> {
        match self {
            Self::Plain(bounded) => Ok(bounded.bytes),
            Self::Gzip(mut decoder) => {
                decoder.try_finish().map_err(BodyError::NotGzip)?;
                Ok(std::mem::take(&mut decoder.get_mut().bytes))
            }
        }
    }
}
