//! Responses that are not as the API documents them.

use hyper::Response;
use hyper::http::response::Builder;
use serde_json::{Value, json};

use super::body::{self, Sent, finish, finish_compressed};
use super::fault::Body;
use collector::memory::MAX_BODY;

pub(super) fn malformed(kind: Body, response: Builder, mut json: Value, text: &str, token: &str) -> Response<Sent> {
    let bytes: Vec<u8> = match kind {
        Body::Html => b"<!DOCTYPE html><html><body>maintenance</body></html>".to_vec(),
        Body::Truncated => text.as_bytes().get(..text.len() / 2).unwrap_or_default().to_vec(),
        Body::Empty => Vec::new(),
        Body::Null => b"null".to_vec(),
        Body::Array => b"[]".to_vec(),
        Body::NotUtf8 => text.bytes().map(|b| if b == b'#' { 0xff } else { b }).collect(),
        Body::Deep => {
            let deep = format!("{{\"deep\":{}{},", "[".repeat(100_000), "]".repeat(100_000));
            text.replacen('{', &deep, 1).into_bytes()
        }
        Body::Twice => text.replacen("\"id\":", "\"id\":7,\"like_count\":null,\"id\":", usize::MAX).into_bytes(),
        Body::Large => vec![b' '; 9 << 20],
        Body::Bomb => {
            return finish_compressed(response, &vec![b' '; 64 << 20]);
        }
        Body::Members | Body::CutGzip => {
            let (first, second) = text.as_bytes().split_at(text.len() / 2);
            let mut bytes = [body::gzip(first), body::gzip(second)].concat();
            if kind == Body::CutGzip {
                bytes.truncate(bytes.len() - 9);
            }
            return finish(response.header("content-encoding", "gzip"), body::whole(bytes));
        }
        Body::Redirect => {
            let location = format!("https://elsewhere.example/?access_token={token}");
            return finish(response.status(302).header("location", location), body::whole(""));
        }
        Body::Ids => {
            if let Some(media) = media_of(&mut json, kind) {
                reshape(Body::EmptyPage, media);
            }
            let text = json.to_string();
            let id = r#"{"id":"1"},"#;
            let ids = id.repeat((MAX_BODY - text.len()) / id.len());
            text.replacen("[]", &format!("[{}]", ids.trim_end_matches(',')), 1).into_bytes()
        }
        Body::TokenInCaption => {
            if let Some(records) =
                media_of(&mut json, kind).and_then(|m| m.get_mut("data")).and_then(Value::as_array_mut)
            {
                for fields in records.iter_mut().filter_map(Value::as_object_mut) {
                    fields.insert("caption".to_owned(), json!(body::quoted(token)));
                }
            }
            body::with_escapes(body::as_the_api_writes(&json.to_string()), &[token]).into_bytes()
        }
        Body::Many
        | Body::Fat
        | Body::SameMedia
        | Body::NoMedia
        | Body::EmptyPage
        | Body::NoProfile
        | Body::BadRecords => {
            if let Some(media) = media_of(&mut json, kind) {
                reshape(kind, media);
            }
            json.to_string().into_bytes()
        }
    };
    finish(response, body::whole(bytes))
}

/// The page of media in a response, after `kind` has removed what belongs around it.
fn media_of(json: &mut Value, kind: Body) -> Option<&mut Value> {
    if json.get("business_discovery").is_none() {
        // The response is itself a page. The response to a search has no records to change.
        return json.get("paging").is_some().then_some(json);
    }
    let discovery = json.get_mut("business_discovery")?.as_object_mut()?;
    match kind {
        Body::NoMedia => drop(discovery.remove("media")),
        Body::NoProfile => discovery.retain(|name, _| name == "media"),
        _ => {}
    }
    discovery.get_mut("media")
}

fn reshape(kind: Body, page: &mut Value) {
    let Some(records) = page.get_mut("data").and_then(Value::as_array_mut) else { return };
    match kind {
        Body::Many => *records = (0..100_000).map(|n| json!({"id": format!("179{n:014}")})).collect(),
        Body::Fat => {
            // Of characters that do not compress.
            let mut rng = fastrand::Rng::with_seed(1);
            let caption = json!(std::iter::repeat_with(|| rng.alphanumeric()).take(300_000).collect::<String>());
            for fields in records.iter_mut().filter_map(Value::as_object_mut) {
                fields.insert("caption".to_owned(), caption.clone());
            }
        }
        Body::SameMedia => {
            for (n, fields) in records.iter_mut().filter_map(Value::as_object_mut).enumerate() {
                fields.insert("id".to_owned(), json!(format!("179{n:014}")));
            }
        }
        Body::EmptyPage => records.clear(),
        Body::BadRecords => {
            let bad = [
                ("id", json!(17)),
                ("id", json!("12ab")),
                ("id", json!("１２")),
                ("id", json!(null)),
                ("like_count", json!("12")),
                ("like_count", json!(true)),
                ("like_count", json!(1.0)),
                ("like_count", json!(u64::MAX)),
                ("caption", json!(7)),
                ("caption", json!("\u{0}\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{2028}")),
                ("media_url", json!("isNotURL")),
                ("permalink", json!("ftp://x.y/z")),
                ("timestamp", json!("2023-02-30T00:00:00+0000")),
                ("media_type", json!("FEED")),
                ("media_product_type", json!(["AD"])),
            ];
            for (record, (field, value)) in records.iter_mut().zip(bad) {
                if let Some(fields) = record.as_object_mut() {
                    fields.insert(field.to_owned(), value);
                }
            }
            if let Some(last) = records.last_mut() {
                *last = json!("not a record");
            }
        }
        _ => {}
    }
}
