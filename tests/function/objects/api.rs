//! An API that responds with given bodies, and records its calls.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use sandbox::Server;
use url::Url;

/// A call for records: its topic, the page, and the limit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub topic: String,
    pub page: usize,
    pub limit: usize,
}

/// The bodies, by topic and page.
pub type Bodies = BTreeMap<(String, usize), String>;

pub struct Api {
    server: Server,
    state: Arc<State>,
}

struct State {
    bodies: Bodies,
    calls: Mutex<Vec<Call>>,
}

impl Api {
    pub async fn start(bodies: Bodies) -> Self {
        let state = Arc::new(State { bodies, calls: Mutex::default() });
        let shared = Arc::clone(&state);
        let service = service_fn(move |request: Request<_>| {
            let body = shared.body(&request.uri().to_string());
            async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body)))) }
        });
        Self { server: Server::start(0, service).await.unwrap(), state }
    }

    pub fn end_point(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The calls for records, by topic and page. Topics are fetched concurrently.
    pub fn calls(&self) -> Vec<Call> {
        let mut calls = self.state.calls.lock().unwrap().clone();
        calls.sort();
        calls
    }
}

/// The cursor to page `page` of a topic.
pub fn cursor(page: usize) -> String {
    format!("QVFIUpage_{page}")
}

/// The id of a hashtag: its letters as digits.
fn hashtag_id(name: &str) -> String {
    name.bytes().map(|byte| byte.to_string()).collect()
}

impl State {
    fn body(&self, uri: &str) -> String {
        let url = Url::parse("http://api/").unwrap().join(uri).unwrap();
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        if let Some(name) = query.get("q") {
            return format!(r#"{{"data":[{{"id":"{}"}}]}}"#, hashtag_id(name));
        }
        let fields = &query["fields"];
        let call = if let Some(topic) = between(fields, "username(", ")") {
            let page = between(fields, ".after(", ")");
            let page = page.map_or(0, |page| (1..).find(|n| cursor(*n) == page).unwrap());
            Call { topic, page, limit: between(fields, "media.limit(", ")").unwrap().parse().unwrap() }
        } else {
            let mut topics = self.bodies.keys().map(|(topic, _)| topic);
            let topic = topics.find(|topic| url.path().contains(&hashtag_id(topic))).unwrap().clone();
            Call { topic, page: 0, limit: query["limit"].parse().unwrap() }
        };
        let body = self.bodies[&(call.topic.clone(), call.page)].clone();
        self.calls.lock().unwrap().push(call);
        body
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    Some(text.split_once(before)?.1.split_once(after)?.0.to_owned())
}
