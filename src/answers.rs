//! The API's answers as they came, kept beside the records: one line of JSON for each, compressed.
//!
//! The API's secrets are taken out of an answer where it is received, paging links here: those hold the
//! token in other spellings than any other place, and lead nowhere once a run is over.

use std::io::{self, Write};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::lock::lock;

mod verbatim;

use verbatim::{Escaped, is_readable, write_without_paging};

/// What an answer was the answer to.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Asked<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The house's user id, which stands in the records of its media.
    pub user_id: &'a str,
    /// The call: `business_discovery` or `recent_media`.
    pub edge: &'static str,
    /// The page, from 1.
    pub page: u32,
    /// How many media were asked for: records beyond them are in the answer, and not in the objects.
    pub limit: u32,
}

/// The answers of a run in the making.
#[derive(Debug)]
pub struct Answers(Mutex<Kept>);

/// The answers of a run.
#[derive(Debug, Default)]
pub struct Kept {
    /// A line for each, compressed: a gzip file of one member an answer.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub answers: usize,
    /// How many had no room.
    pub not_kept: usize,
    room: usize,
}

impl Answers {
    /// None yet, with room for so many compressed bytes.
    pub fn with_room(room: usize) -> Self {
        Self(Mutex::new(Kept { room, ..Kept::default() }))
    }

    /// Keeps an answer, a JSON text, where it has room; counts it where it has none.
    pub fn keep(&self, asked: Asked<'_>, answer: &str) {
        let mut kept = lock(&self.0);
        let start = kept.bytes.len();
        let Kept { bytes, room, .. } = &mut *kept;
        // An answer of its own member is taken back whole where it does not fit.
        let member = GzEncoder::new(Bounded { bytes, room: *room }, Compression::fast());
        if write_line(member, asked, answer).is_ok() {
            kept.answers += 1;
        } else {
            kept.bytes.truncate(start);
            kept.not_kept += 1;
        }
    }

    /// The answers, which are gone from here; `None` where there was none.
    pub fn take(&self) -> Option<Kept> {
        let kept = std::mem::take(&mut *lock(&self.0));
        (kept.answers + kept.not_kept > 0).then_some(kept)
    }
}

/// Writes an answer as a line. One that strict readers refuse (half a surrogate pair, 1e999, more levels
/// than 127) becomes a string, under a name of its own: a reader of the whole file would fail at it.
fn write_line(mut member: GzEncoder<Bounded<'_>>, asked: Asked<'_>, answer: &str) -> io::Result<()> {
    let about = serde_json::to_vec(&asked)?;
    member.write_all(about.strip_suffix(b"}").unwrap_or_default())?;
    if is_readable(answer) {
        member.write_all(b",\"answer\":")?;
        write_without_paging(answer, &mut member)?;
        member.write_all(b"}\n")?;
    } else {
        member.write_all(b",\"unreadable\":\"")?;
        write_without_paging(answer, &mut Escaped(&mut member))?;
        member.write_all(b"\"}\n")?;
    }
    member.finish().map(drop)
}

/// Bytes, up to so many.
struct Bounded<'b> {
    bytes: &'b mut Vec<u8>,
    room: usize,
}

/// How many bytes more are taken at once: a vector that doubles holds up to three times its bytes.
const STEP: usize = 256 * 1024;

impl Write for Bounded<'_> {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        let length = self.bytes.len() + more.len();
        if length > self.room {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if length > self.bytes.capacity() {
            self.bytes.reserve_exact(more.len().max(STEP).min(self.room - self.bytes.len()));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;

    const ASKED: Asked<'_> = Asked { topic: "dior", user_id: "178", edge: "recent_media", page: 2, limit: 50 };

    fn lines(kept: &Kept) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(&kept.bytes[..]).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn each_answer_is_a_line_with_what_was_asked_and_without_its_paging() {
        let answers = Answers::with_room(10_000);
        answers.keep(ASKED, "{\"data\":\n[{\"id\":\"1\"}],\r\n\"paging\":{\"next\":\"https://x\"}}");
        answers.keep(ASKED, r#"{"data":[{"id":"1e5","n":1e999}]}"#);
        insta::assert_snapshot!(lines(&answers.take().unwrap()), @r#"
        {"topic":"dior","user_id":"178","edge":"recent_media","page":2,"limit":50,"answer":{"data":[{"id":"1"}],"paging":null}}
        {"topic":"dior","user_id":"178","edge":"recent_media","page":2,"limit":50,"unreadable":"{\"data\":[{\"id\":\"1e5\",\"n\":1e999}]}"}
        "#);
        assert!(answers.take().is_none(), "they are taken once");
    }

    #[test]
    fn an_answer_without_room_is_counted_and_costs_no_other() {
        let answers = Answers::with_room(400);
        let noise: String =
            std::iter::repeat_with(|| fastrand::Rng::alphanumeric(&mut fastrand::Rng::new())).take(900).collect();
        answers.keep(ASKED, r#"{"n":1}"#);
        answers.keep(ASKED, &format!(r#"{{"n":"{noise}"}}"#));
        answers.keep(ASKED, r#"{"n":3}"#);
        let kept = answers.take().unwrap();
        assert_eq!((kept.answers, kept.not_kept), (2, 1));
        let text = lines(&kept);
        assert!(text.lines().count() == 2 && text.contains(r#"{"n":1}"#) && text.contains(r#"{"n":3}"#), "{text}");
        assert!(kept.bytes.capacity() <= 400);
    }
}
