//! The API's responses as received, kept next to the records: one line of JSON for each, compressed.
//!
//! The session takes the API's secrets out of a body before anything reads it.

use std::io::{self, Write};
use std::sync::Mutex;

use chrono::{DateTime, SecondsFormat, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Serialize, Serializer};

use crate::lock::lock;

/// A response of the API.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Line<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The call: `business_discovery` or `recent_media`.
    pub edge: &'static str,
    /// The page, from 1.
    pub page: u32,
    /// When the response arrived.
    #[serde(serialize_with = "to_the_second")]
    pub asked_at: DateTime<Utc>,
    /// The body as received. It is stored as a string, since the API's JSON may have line breaks, or values that strict
    /// readers refuse.
    pub body: &'a str,
}

fn to_the_second<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The responses of a run in progress.
#[derive(Debug)]
pub struct KeptResponses(Mutex<Contents>);

/// The responses of a run.
#[derive(Debug, Default)]
pub struct Contents {
    /// A line for each, compressed: one gzip member per response.
    pub bytes: Vec<u8>,
    /// The number of responses.
    pub responses: usize,
    /// The number of responses that did not fit.
    pub not_kept: usize,
    used: usize,
}

impl KeptResponses {
    /// An empty store of at most `limit` compressed bytes. The system provides the memory only when it is written.
    pub fn with_limit(limit: usize) -> Self {
        Self(Mutex::new(Contents { bytes: vec![0; limit], ..Contents::default() }))
    }

    /// Keeps a response if it fits, and counts it if it does not.
    pub fn keep(&self, line: Line<'_>) {
        let mut kept = lock(&self.0);
        let start = kept.used;
        match kept.bytes.get_mut(start..).map(|free| write(line, free)) {
            Some(Ok(length)) => {
                kept.used += length;
                kept.responses += 1;
            }
            _ => kept.not_kept += 1,
        }
    }

    /// Takes the responses out; `None` if there are none.
    pub fn take(&self) -> Option<Contents> {
        let mut kept = std::mem::take(&mut *lock(&self.0));
        kept.bytes.truncate(kept.used);
        (kept.responses + kept.not_kept > 0).then_some(kept)
    }
}

/// Writes a line as a gzip member at the start of `free`. Returns the member's length.
fn write(line: Line<'_>, free: &mut [u8]) -> io::Result<usize> {
    let size = free.len();
    let mut member = GzEncoder::new(free, Compression::fast());
    serde_json::to_writer(&mut member, &line)?;
    member.write_all(b"\n")?;
    Ok(size - member.finish()?.len())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;

    const LINE: Line<'_> =
        Line { topic: "dior", edge: "recent_media", page: 2, asked_at: DateTime::UNIX_EPOCH, body: r#"{"data":[]}"# };

    fn lines(kept: &Contents) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(&kept.bytes[..]).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn each_response_is_a_line_with_its_body_as_received() {
        let responses = KeptResponses::with_limit(10_000);
        responses.keep(LINE);
        responses.keep(Line { body: "{\"data\":\n[\"\\ud83d\", 1e999]}", ..LINE });
        insta::assert_snapshot!(lines(&responses.take().unwrap()), @r#"
        {"topic":"dior","edge":"recent_media","page":2,"asked_at":"1970-01-01T00:00:00Z","body":"{\"data\":[]}"}
        {"topic":"dior","edge":"recent_media","page":2,"asked_at":"1970-01-01T00:00:00Z","body":"{\"data\":\n[\"\\ud83d\", 1e999]}"}
        "#);
        assert!(responses.take().is_none(), "they are taken once");
    }

    #[test]
    fn a_response_that_does_not_fit_is_counted_and_costs_no_other() {
        let responses = KeptResponses::with_limit(400);
        let noise: String =
            std::iter::repeat_with(|| fastrand::Rng::alphanumeric(&mut fastrand::Rng::new())).take(900).collect();
        responses.keep(Line { body: "1", ..LINE });
        responses.keep(Line { body: &noise, ..LINE });
        responses.keep(Line { body: "3", ..LINE });
        let kept = responses.take().unwrap();
        assert_eq!((kept.responses, kept.not_kept), (2, 1));
        let text = lines(&kept);
        assert!(
            text.lines().count() == 2 && text.contains(r#""body":"1""#) && text.contains(r#""body":"3""#),
            "{text}"
        );
    }
}
