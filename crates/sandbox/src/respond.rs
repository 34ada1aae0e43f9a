//! The sandbox's responses: which call it is, how the API responds to it, and what the fault rules change.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::{Value, json};

use super::body::{self, Sent, finish, finish_compressed};
use super::expression;
use super::fault::{Fault, FaultRule};
use super::malformed::malformed;
use super::reply::Reply;
use super::token::EXCHANGE;
use super::{Call, HangUp, State, data};
use collector::lock::lock;
use collector::version::{self, TESTED, VERSIONS};

/// The oldest supported version, as of November 2026. It responds to versions that are older than those in the table.
const OLDEST_VERSION: &str = "v21.0";

/// The version that responds to a call without one.
const DEFAULT_VERSION: &str = TESTED;

/// The topic of the call for the hashtags that were searched for.
const HASHTAGS: &str = "hashtags";

/// The path where the sandbox reports its calls. The API has no such path.
const COUNTS: &str = "/_calls";

impl State {
    /// Responds to a call.
    pub(super) async fn respond(&self, request: &Request<Incoming>) -> Result<Response<Sent>, HangUp> {
        if request.uri().path() == COUNTS {
            return Ok(finish(Response::builder(), body::whole(self.counts().to_string())));
        }
        let (version, path) = split_version(request.uri().path());
        let served = served(version);
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let encoding =
            request.headers().get("accept-encoding").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let topic = self.topic(path, &query);
        let gzip = encoding.contains("gzip");
        let token = match path {
            EXCHANGE => self.options.new_token.clone(),
            _ => query.get("access_token").cloned(),
        };
        let token = token.unwrap_or_default();
        let used = {
            let mut calls = lock(&self.calls);
            calls.push(Call { path: path.to_owned(), query: query.clone(), topic: topic.clone(), encoding });
            drop(calls);
            let mut counts = lock(&self.by_token);
            let count = counts.entry(token.clone()).or_default();
            *count += 1;
            *count
        };
        let faults = self.applicable(&topic, served.unwrap_or_default());
        let delays: std::time::Duration = faults.iter().filter_map(FaultRule::delay).sum();
        tokio::time::sleep(self.options.latency + delays).await;
        let faults: Vec<&Fault> = faults.iter().map(|rule| &rule.fault).collect();

        let mut response = Response::builder().header("content-type", "application/json; charset=UTF-8");
        let usage = faults.iter().find_map(|f| if let Fault::Usage(percent) = f { Some(*percent) } else { None });
        let allowed = self.options.calls_allowed.unwrap_or(u32::MAX);
        let usage = usage.unwrap_or_else(|| u32::try_from(used * 100 / allowed as usize).unwrap_or(100));
        response = response.header(
            "x-app-usage",
            json!({"call_count": usage, "total_time": usage / 2, "total_cputime": usage / 3}).to_string(),
        );
        let other = faults.iter().find_map(|f| if let Fault::Version(version) = f { Some(&**version) } else { None });
        if let Some(served) = other.or(served) {
            response = response.header("facebook-api-version", served);
        }
        let reply = if used > allowed as usize {
            Reply::error(403, 4, None, "(#4) Application request limit reached")
        } else if served.is_none() {
            // How the API responds to a version that was never released is not documented: this is a guess.
            Reply::error(400, 2500, None, &format!("Unknown path components: {}", request.uri().path()))
        } else {
            self.reply(path, &query, &topic, &faults)
        };
        let text = body::as_the_api_writes(&reply.body.to_string());
        let fault = match faults.iter().find(|f| {
            !matches!(
                f,
                Fault::Slow(_)
                    | Fault::Usage(_)
                    | Fault::UnknownField(_)
                    | Fault::RefusedField(_)
                    | Fault::Token(_)
                    | Fault::Searched(_)
                    | Fault::Version(_)
            )
        }) {
            None if gzip => return Ok(finish_compressed(response.status(reply.status), text.as_bytes())),
            None => return Ok(finish(response.status(reply.status), body::whole(text))),
            Some(fault) => fault,
        };
        Ok(match fault {
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
            Fault::Body(kind) => malformed(*kind, response, reply.body, &text, &token),
            _ => finish(response, body::whole(text)),
        })
    }

    /// The number of calls by token, and by topic.
    fn counts(&self) -> Value {
        let mut topics: BTreeMap<String, usize> = BTreeMap::new();
        for call in lock(&self.calls).iter() {
            *topics.entry(call.topic.clone()).or_default() += 1;
        }
        json!({"tokens": *lock(&self.by_token), "topics": topics})
    }

    /// The fault rules that apply to this call.
    fn applicable(&self, topic: &str, version: &str) -> Vec<FaultRule> {
        let is_about_hashtags = topic.starts_with('#') || topic == HASHTAGS;
        let mut applicable = Vec::new();
        for (rule, applied) in lock(&self.faults).iter_mut() {
            let meant = match rule.topic.as_str() {
                "*" => true,
                "#*" => is_about_hashtags,
                other => other == topic || other == version,
            };
            if meant && rule.times.is_none_or(|times| *applied < times) {
                *applied += 1;
                applicable.push(rule.clone());
            }
        }
        applicable
    }

    fn topic(&self, path: &str, query: &BTreeMap<String, String>) -> String {
        if let Some(id) = path.strip_suffix("/recent_media") {
            let hashtag = self.options.hashtags.iter().find(|h| data::hashtag_id(h) == id);
            return format!("#{}", hashtag.map_or(id, String::as_str));
        }
        match path {
            "ig_hashtag_search" => format!("#{}", query.get("q").map_or("", String::as_str)),
            "debug_token" if self.is_new(query.get("input_token")) => "new_token".to_owned(),
            "debug_token" => "token".to_owned(),
            _ if path.ends_with("/recently_searched_hashtags") => HASHTAGS.to_owned(),
            EXCHANGE => "exchange".to_owned(),
            _ if query.get("fields").is_some_and(|fields| fields == "id") => "self".to_owned(),
            _ => {
                let fields = query.get("fields").and_then(|f| expression::parse(f)).unwrap_or_default();
                let username = fields.iter().find_map(|n| n.parameter("username"));
                username.unwrap_or_default().to_owned()
            }
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        lock(&self.now).unwrap_or_else(Utc::now)
    }
}

/// The version that a call requests, and the path after it.
fn split_version(path: &str) -> (Option<&str>, &str) {
    let path = path.trim_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if version::compare(first, first).is_some() { (Some(first), rest) } else { (None, path) }
}

/// The version that responds to a call for `asked`; `None` if there is no such version.
fn served(asked: Option<&str>) -> Option<&'static str> {
    let Some(asked) = asked else { return Some(DEFAULT_VERSION) };
    let known = VERSIONS.iter().map(|version| version.name).find(|name| *name == asked);
    known.or_else(|| version::compare(asked, OLDEST_VERSION)?.is_lt().then_some(OLDEST_VERSION))
}
