//! The sandbox's answers: which call it is, what the API would say, and what a fault makes of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::body::{self, Sent};
use super::expression::{self, Node};
use super::fault::{Body, Fault, TokenFault};
use super::{Call, HangUp, State, data};
use crate::lock::lock;
use crate::memory::LARGEST_BODY;

/// The oldest version that still answers; one before it is answered by it, silently.
const OLDEST_VERSION: (u32, &str) = (21, "v21.0");

/// Fields of a profile and of media that exist. Of others the API says that it does not know them.
const PROFILE_FIELDS: [&str; 10] = [
    "id",
    "username",
    "name",
    "biography",
    "website",
    "profile_picture_url",
    "followers_count",
    "follows_count",
    "media_count",
    "media",
];
const MEDIA_FIELDS: [&str; 9] = [
    "id",
    "caption",
    "media_type",
    "media_product_type",
    "media_url",
    "permalink",
    "timestamp",
    "like_count",
    "comments_count",
];

/// Where the sandbox tells how often it was called: no path of the API's.
const COUNTS: &str = "/_calls";

/// An answer before it is sent.
struct Reply {
    status: u16,
    body: Value,
}

impl Reply {
    fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    fn error(status: u16, code: i64, subcode: Option<i64>, message: &str) -> Self {
        let transient = matches!(code, 1 | 2 | 4);
        let mut error = json!({
            "message": message, "type": "OAuthException", "code": code, "is_transient": transient, "fbtrace_id": "AsAnDbOx",
        });
        if let (Some(subcode), Some(fields)) = (subcode, error.as_object_mut()) {
            fields.insert("error_subcode".to_owned(), subcode.into());
        }
        Self { status, body: json!({ "error": error }) }
    }

    fn unknown_field(field: &str, node: &str) -> Self {
        Self::error(
            400,
            100,
            None,
            &format!("(#100) Tried accessing nonexisting field ({field}) on node type ({node})"),
        )
    }
}

impl State {
    /// Answers a call.
    pub(super) async fn answer(&self, request: &Request<Incoming>) -> Result<Response<Sent>, HangUp> {
        if request.uri().path() == COUNTS {
            return Ok(finish(Response::builder(), body::whole(self.counts().to_string())));
        }
        let (version, path) = split_version(request.uri().path());
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let encoding =
            request.headers().get("accept-encoding").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let topic = self.topic(&path, &query);
        let gzip = encoding.contains("gzip");
        let token = query.get("access_token").cloned().unwrap_or_default();
        let used = {
            let mut calls = lock(&self.calls);
            calls.push(Call { path: path.clone(), query: query.clone(), topic: topic.clone(), encoding });
            drop(calls);
            let mut counts = lock(&self.by_token);
            let count = counts.entry(token.clone()).or_default();
            *count += 1;
            *count
        };
        let faults = self.striking(&topic);
        let delays: std::time::Duration = faults.iter().filter_map(|f| self.options.faults.get(*f)?.delay()).sum();
        tokio::time::sleep(self.options.latency + delays).await;
        let faults: Vec<&Fault> = faults.iter().filter_map(|i| self.options.faults.get(*i)).map(|r| &r.fault).collect();

        let mut response = Response::builder().header("content-type", "application/json; charset=UTF-8");
        let usage = faults.iter().find_map(|f| if let Fault::Usage(percent) = f { Some(*percent) } else { None });
        let allowed = self.options.calls_allowed.unwrap_or(u32::MAX);
        let usage = usage.unwrap_or_else(|| u32::try_from(used * 100 / allowed as usize).unwrap_or(100));
        response = response
            .header(
                "x-app-usage",
                json!({"call_count": usage, "total_time": usage / 2, "total_cputime": usage / 3}).to_string(),
            )
            .header("facebook-api-version", version);
        let reply = if used > allowed as usize {
            Reply::error(403, 4, None, "(#4) Application request limit reached")
        } else {
            self.reply(&path, &query, &topic, &faults)
        };
        let text = body::as_the_api_writes(&reply.body.to_string());
        let sent = match faults
            .iter()
            .find(|f| !matches!(f, Fault::Slow(_) | Fault::Usage(_) | Fault::UnknownField(_) | Fault::Token(_)))
        {
            None => return Ok(sent(response.status(reply.status), text.into_bytes(), gzip)),
            Some(fault) => fault,
        };
        Ok(match sent {
            Fault::HangUp => return Err(HangUp),
            Fault::Stall => {
                finish(response, body::stalling(text.as_bytes().get(..text.len() / 2).unwrap_or_default().to_vec()))
            }
            Fault::Http(status) => finish(response.status(*status), body::whole("oops")),
            Fault::RetryAfter(seconds) => {
                finish(response.status(503).header("retry-after", *seconds), body::whole("busy"))
            }
            Fault::Error { status, code, subcode, message } => {
                let reply = Reply::error(*status, *code, *subcode, message);
                finish(response.status(reply.status), body::whole(reply.body.to_string()))
            }
            Fault::QuotesToken => {
                let proof = query.get("appsecret_proof").map(String::as_str).unwrap_or_default();
                let quoted = format!("Malformed access token {} {}", body::quoted(&token), body::quoted(proof));
                let reply = Reply::error(400, 10, None, &quoted);
                let text = body::with_escapes(body::as_the_api_writes(&reply.body.to_string()), &[&token, proof]);
                finish(response.status(reply.status), body::whole(text))
            }
            Fault::Body(kind) => misshapen(*kind, response, reply.body, &text, &token),
            _ => finish(response, body::whole(text)),
        })
    }

    /// Calls by token, and by topic.
    fn counts(&self) -> Value {
        let mut topics: BTreeMap<String, usize> = BTreeMap::new();
        for call in lock(&self.calls).iter() {
            *topics.entry(call.topic.clone()).or_default() += 1;
        }
        json!({"tokens": *lock(&self.by_token), "topics": topics})
    }

    /// The rules that strike this call.
    fn striking(&self, topic: &str) -> Vec<usize> {
        let mut struck = lock(&self.struck);
        let mut striking = Vec::new();
        for (i, (rule, struck)) in self.options.faults.iter().zip(struck.iter_mut()).enumerate() {
            let meant = rule.topic == topic || rule.topic == "*";
            if meant && rule.times.is_none_or(|times| *struck < times) {
                *struck += 1;
                striking.push(i);
            }
        }
        striking
    }

    fn topic(&self, path: &str, query: &BTreeMap<String, String>) -> String {
        if let Some(id) = path.strip_suffix("/recent_media") {
            let hashtag = self.options.hashtags.iter().find(|h| data::hashtag_id(h) == id);
            return format!("#{}", hashtag.map_or(id, String::as_str));
        }
        match path {
            "ig_hashtag_search" => format!("#{}", query.get("q").map_or("", String::as_str)),
            "debug_token" => "token".to_owned(),
            _ => {
                let fields = query.get("fields").and_then(|f| expression::parse(f)).unwrap_or_default();
                let username = fields.iter().find_map(|n| n.parameter("username"));
                username.unwrap_or_default().to_owned()
            }
        }
    }

    fn reply(&self, path: &str, query: &BTreeMap<String, String>, topic: &str, faults: &[&Fault]) -> Reply {
        let token = query.get("access_token").map(String::as_str).unwrap_or_default();
        if let Some(secret) = &self.options.app_secret
            && query.get("appsecret_proof") != Some(&proof(secret, token))
        {
            return Reply::error(400, 100, None, "Invalid appsecret_proof provided in the API argument");
        }
        if path == "debug_token" {
            let state = faults.iter().find_map(|f| if let Fault::Token(t) = f { Some(*t) } else { None });
            let other = self.options.token.is_some() && self.options.token.as_ref() != query.get("input_token");
            let state = state.or(other.then_some(TokenFault::Invalid));
            return Reply::ok(json!({ "data": debug_token(state, self.now()) }));
        }
        if token.is_empty() || self.options.token.as_ref().is_some_and(|t| t != token) {
            return Reply::error(400, 190, Some(463), "Error validating access token: Session has expired");
        }
        let gone: Vec<&str> = faults
            .iter()
            .filter_map(|f| if let Fault::UnknownField(name) = f { Some(name.as_str()) } else { None })
            .collect();
        let fields = query.get("fields").map(String::as_str).unwrap_or_default();
        let Some(nodes) = expression::parse(fields) else {
            return Reply::error(400, 2500, None, "Syntax error in the field expression");
        };
        match path {
            "ig_hashtag_search" => self.hashtag_search(topic),
            _ if path.ends_with("/recent_media") => self.recent_media(topic, &nodes, query, &gone),
            _ => match nodes.iter().find(|n| n.name == "business_discovery") {
                Some(node) => self.discover(node, path, &gone),
                None => Reply::error(400, 2500, None, &format!("Unknown path components: /{path}")),
            },
        }
    }

    fn now(&self) -> DateTime<Utc> {
        lock(&self.now).unwrap_or_else(Utc::now)
    }

    fn hashtag_search(&self, topic: &str) -> Reply {
        let hashtag = topic.trim_start_matches('#');
        if self.options.hashtags.iter().any(|h| h == hashtag) {
            return Reply::ok(json!({"data": [{"id": data::hashtag_id(hashtag)}]}));
        }
        Reply::error(400, 24, Some(2_207_024), "The requested resource does not exist")
    }

    fn recent_media(&self, topic: &str, nodes: &[Node], query: &BTreeMap<String, String>, gone: &[&str]) -> Reply {
        let hashtag = topic.trim_start_matches('#');
        if !self.options.hashtags.iter().any(|h| h == hashtag) {
            return Reply::error(400, 100, Some(33), "Unsupported get request. Object does not exist");
        }
        if let Some(field) = unknown(nodes, &MEDIA_FIELDS, gone) {
            return Reply::unknown_field(field, "IGMedia");
        }
        let limit = query.get("limit").and_then(|l| l.parse().ok()).unwrap_or(25).min(50);
        let skip = skipped(query.get("after").map(String::as_str));
        let media = data::hashtag_media(self.options.seed, hashtag, self.now(), skip, limit);
        Reply::ok(page(&media, nodes, skip, query.get("access_token").map(String::as_str)))
    }

    fn discover(&self, node: &Node, caller: &str, gone: &[&str]) -> Reply {
        let username = node.parameter("username").unwrap_or_default();
        let Some((_, user_id)) = self.options.accounts.iter().find(|(name, _)| name == username) else {
            return Reply::error(400, 110, Some(2_207_013), "Invalid user id");
        };
        let media = node.field("media");
        if let Some(field) = unknown(&node.fields, &PROFILE_FIELDS, gone) {
            return Reply::unknown_field(field, "IGUser");
        }
        if let Some(field) = media.and_then(|m| unknown(&m.fields, &MEDIA_FIELDS, gone)) {
            return Reply::unknown_field(field, "IGMedia");
        }
        let profile = data::profile(self.options.seed, username, user_id, self.now());
        let mut found = only(&profile, &node.fields);
        if let Some(media) = media {
            let limit = media.parameter("limit").and_then(|l| l.parse().ok()).unwrap_or(25);
            let skip = skipped(media.parameter("after"));
            let posts = data::account_media(self.options.seed, username, self.now(), skip, limit);
            found.insert("media".to_owned(), page(&posts, &media.fields, skip, None));
        }
        Reply::ok(json!({"business_discovery": found, "id": caller}))
    }
}

fn split_version(path: &str) -> (&'static str, String) {
    let path = path.trim_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let major = first.strip_prefix('v').and_then(|v| v.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(22) => ("v22.0", rest.to_owned()),
        Some(23) => ("v23.0", rest.to_owned()),
        Some(24) => ("v24.0", rest.to_owned()),
        Some(25) => ("v25.0", rest.to_owned()),
        Some(n) if n > OLDEST_VERSION.0 => ("v26.0", rest.to_owned()),
        Some(_) => (OLDEST_VERSION.1, rest.to_owned()),
        None => ("v26.0", path.to_owned()),
    }
}

fn unknown<'n>(asked: &'n [Node], known: &[&str], gone: &[&str]) -> Option<&'n str> {
    asked.iter().map(|n| n.name.as_str()).find(|name| !known.contains(name) || gone.contains(name))
}

/// The fields asked for, of those that there are; the id always comes along.
fn only(fields: &Map<String, Value>, asked: &[Node]) -> Map<String, Value> {
    let wanted = |name: &String| name == "id" || asked.iter().any(|n| n.name == *name);
    fields.iter().filter(|(name, _)| wanted(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// A page and the cursor to the next one. A page of its own, not one inside a profile, also has the
/// address of the next one, with the token in it.
fn page(media: &[Map<String, Value>], asked: &[Node], skip: usize, token: Option<&str>) -> Value {
    let records: Vec<_> = media.iter().map(|m| only(m, asked)).collect();
    let after = format!("{CURSOR}{}", skip + records.len());
    let mut page = json!({"data": records, "paging": {"cursors": {"after": after}}});
    if let (Some(token), Some(paging)) = (token, page.pointer_mut("/paging").and_then(Value::as_object_mut)) {
        paging.insert(
            "next".to_owned(),
            format!("https://graph.facebook.com/next?after={after}&access_token={token}").into(),
        );
    }
    page
}

const CURSOR: &str = "QVFIUsandbox";

fn skipped(after: Option<&str>) -> usize {
    after.and_then(|a| a.strip_prefix(CURSOR)?.parse().ok()).unwrap_or(0)
}

fn debug_token(state: Option<TokenFault>, now: DateTime<Utc>) -> Value {
    let days = |n: i64| now.timestamp() + n * 86_400;
    let scopes = json!(["instagram_basic", "instagram_manage_insights", "pages_read_engagement"]);
    let error = json!({"code": 190, "message": "Error validating access token: Session has expired", "subcode": 463});
    let whole = |is_valid: bool, expires_at: i64, data_access_expires_at: i64| {
        json!({
            "app_id": "1", "type": "USER", "application": "Sandbox", "is_valid": is_valid, "expires_at": expires_at,
            "data_access_expires_at": data_access_expires_at, "scopes": scopes, "user_id": "1",
        })
    };
    match state {
        None => whole(true, days(40), days(70)),
        Some(TokenFault::Expiring) => whole(true, days(40), days(3) + 60),
        Some(TokenFault::Never) => whole(true, 0, 0),
        Some(TokenFault::Undecodable) => json!({"error": error, "is_valid": false, "scopes": []}),
        Some(TokenFault::Invalid) => {
            let mut data = whole(false, 0, days(70));
            if let Some(fields) = data.as_object_mut() {
                fields.insert("error".to_owned(), error);
            }
            data
        }
    }
}

fn proof(secret: &str, token: &str) -> String {
    let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect()
}

fn sent(response: hyper::http::response::Builder, bytes: Vec<u8>, gzip: bool) -> Response<Sent> {
    if gzip {
        return finish(response.header("content-encoding", "gzip"), body::whole(body::gzip(&bytes)));
    }
    finish(response, body::whole(bytes))
}

fn finish(response: hyper::http::response::Builder, body: Sent) -> Response<Sent> {
    response.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(body::whole(""));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn misshapen(
    kind: Body,
    response: hyper::http::response::Builder,
    mut json: Value,
    text: &str,
    token: &str,
) -> Response<Sent> {
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
            let bomb = body::gzip(&vec![b' '; 64 << 20]);
            return finish(response.header("content-encoding", "gzip"), body::whole(bomb));
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
            let ids = id.repeat((LARGEST_BODY - text.len()) / id.len());
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

/// The page of media in an answer, with what `kind` takes away around it taken away.
fn media_of(json: &mut Value, kind: Body) -> Option<&mut Value> {
    if json.get("business_discovery").is_none() {
        // A page of its own; the answer to a search has no records to spoil.
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
            let caption = json!("x".repeat(300_000));
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
