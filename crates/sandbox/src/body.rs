//! The sandbox's bodies: complete, compressed, or stalling.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Frame};
use hyper::http::response::Builder;
use hyper::{Response, StatusCode};

pub(super) type Sent = BoxBody<Bytes, Infallible>;

pub(super) fn whole(bytes: impl Into<Bytes>) -> Sent {
    Full::new(bytes.into()).boxed()
}

/// A body that sends `bytes` and then stalls.
pub(super) fn stalling(bytes: impl Into<Bytes>) -> Sent {
    Stalling(Some(bytes.into())).boxed()
}

struct Stalling(Option<Bytes>);

impl Body for Stalling {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

/// The response with its body.
pub(super) fn finish(response: Builder, body: Sent) -> Response<Sent> {
    response.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(whole(""));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// The response with `bytes` as its compressed body.
pub(super) fn finish_compressed(response: Builder, bytes: &[u8]) -> Response<Sent> {
    finish(response.header("content-encoding", "gzip"), whole(gzip(bytes)))
}

/// `bytes`, compressed.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// JSON text as the API writes it: in ASCII, with `/` escaped.
pub(super) fn as_the_api_writes(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + json.len() / 4);
    for c in json.chars() {
        match c {
            '/' => text.push_str("\\/"),
            c if c.is_ascii() => text.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    text
}

/// The spellings of `secret` that a response may quote: plain, percent-encoded, as JSON inside the JSON, and, after
/// [`with_escapes`], in JSON escapes.
pub(super) fn quoted(secret: &str) -> String {
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{secret} {percent} {{\"token\":\"{}\"}} {}", escaped(secret), marked(secret))
}

/// JSON text in which each secret that [`quoted`] marked is written in escapes.
pub(super) fn with_escapes(text: String, secrets: &[&str]) -> String {
    secrets.iter().fold(text, |text, secret| text.replace(&marked(secret), &escaped(secret)))
}

/// The mark for a secret that will be written in escapes. It reveals only the secret's length.
fn marked(secret: &str) -> String {
    format!("<escaped {}>", secret.len())
}

fn escaped(secret: &str) -> String {
    secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}
