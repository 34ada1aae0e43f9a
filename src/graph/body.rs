//! The body of an answer: read within its bounds, and decompressed.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use reqwest::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::memory::{Budget, LARGEST_BODY, SMALL_BODY};

/// A body, and the room that it has of the memory.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Held as long as the body is, where it is a large one.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It is larger than [`LARGEST_BODY`].
    TooLarge,
    /// The connection broke.
    Broken(reqwest::Error),
    /// It did not come in time.
    Late,
    /// It is not compressed as it says.
    NotGzip(io::Error),
}

/// The most that is decompressed before the room for it is looked at: at most 1,032 times as much comes
/// of it.
const SLICE: usize = 256;

/// Reads the body of `response` up to `end`. A large one waits for its room in `memory`, unread, and that wait
/// is not the peer's: `end` moves on by it.
pub(super) async fn read(mut response: Response, memory: &Budget, mut end: Instant) -> Result<Body, BodyError> {
    let gzip = response.headers().get(CONTENT_ENCODING).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"gzip"));
    let mut decoder =
        if gzip { Decoder::Gzip(Box::new(MultiGzDecoder::new(Bounded::default()))) } else { Decoder::default() };
    let mut room = None;
    loop {
        let chunk = timeout_at(end, response.chunk()).await.map_err(|_| BodyError::Late)?;
        let Some(chunk) = chunk.map_err(BodyError::Broken)? else { break };
        for slice in chunk.chunks(SLICE) {
            decoder.write(slice).map_err(|error| decoder.failed(error))?;
            if room.is_none() && decoder.bytes().len() > SMALL_BODY {
                let asked = Instant::now();
                room = memory.large_body().await;
                end += asked.elapsed();
                decoder.expect_large();
            }
        }
    }
    Ok(Body { bytes: decoder.finish()?, room })
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

    /// Takes the room at once: a vector that grows holds up to three times its bytes for a moment.
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
