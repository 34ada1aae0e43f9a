//! What the simulated function calls: an API whose topics fail as a step says, and a store that fails as it says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_config::{Region, SdkConfig, retry::RetryConfig};
use aws_sdk_s3::config::Credentials;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use sandbox::Server;
use serde_json::{Value, json};
use tokio::sync::Notify;

use collector::{aws, http};

pub(super) const TOPICS: [&str; 4] = ["hermes", "dior", "gucci", "ysl"];

/// How the API responds for a topic: with two pages, with one and then an error, or with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Whole,
    CutShort,
    Failed(u32),
}

/// What the store does with the puts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It stores one put and its response is lost: an error 500, or a closed connection.
    LosesResponse {
        put: usize,
        hangs_up: bool,
    },
    /// It rejects every condition with a status.
    Refuses(u16),
    /// It responds to every put with an error, a status for which the SDK does not spend its quota of retries.
    Down(u16),
    /// The process is killed at a put, before it is stored or after.
    Kills {
        put: usize,
        after: bool,
    },
}

/// A put that the store accepted.
#[derive(Debug, Clone)]
pub(super) struct Put {
    pub(super) run: u32,
    pub(super) key: String,
    pub(super) body: Value,
}

#[derive(Default)]
pub(super) struct State {
    /// The number of the run. The figures of its records are this number.
    pub(super) run: u32,
    outcomes: Vec<Outcome>,
    fault: Option<Fault>,
    puts: usize,
    /// The process was killed. What it sent arrives nowhere.
    is_dead: bool,
    pub(super) objects: BTreeMap<String, Bytes>,
    pub(super) journal: Vec<Put>,
}

/// The API and the store.
pub(super) struct World {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    killed: Notify,
}

impl World {
    pub(super) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        let service = service_fn(move |request| respond(Arc::clone(&state), request));
        Self { server: Server::start(0, service).await.unwrap(), shared }
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The production settings, with this store. A further try follows at once.
    pub(super) async fn aws(&self) -> SdkConfig {
        let key = Credentials::new("AKIDEXAMPLE", "placeholder-secret-access-key", None, None, "simulation");
        let loader = aws::loader(http::client().unwrap()).region(Region::new("us-west-2"));
        let config = loader.credentials_provider(key).endpoint_url(self.address()).load().await;
        let retries = RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(1));
        config.to_builder().retry_config(retries).build()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Begins a run.
    pub(super) fn begin(&self, outcomes: &[Outcome], fault: Fault) {
        let mut state = self.state();
        let run = state.run + 1;
        let (objects, journal) = (std::mem::take(&mut state.objects), std::mem::take(&mut state.journal));
        *state = State { run, outcomes: outcomes.to_vec(), fault: Some(fault), objects, journal, ..State::default() };
    }

    /// Returns when the process is to be killed.
    pub(super) async fn killed(&self) {
        self.shared.killed.notified().await;
    }
}

type HttpResponse = Response<Full<Bytes>>;

async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<HttpResponse, std::io::Error> {
    if request.method() == Method::GET {
        let (state, query) = (shared.state.lock().unwrap(), request.uri().query().unwrap_or_default().to_owned());
        return Ok(state.api(&query));
    }
    let key = request.uri().path().trim_start_matches("/lux-raw").trim_start_matches('/').to_owned();
    let is_new = request.headers().contains_key("if-none-match");
    if request.method() == Method::HEAD {
        return Ok(reply(200, ""));
    }
    assert!(!request.headers().contains_key("x-amz-decoded-content-length"), "the body is chunked");
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let reaction = shared.state.lock().unwrap().put(key, is_new, body);
    match reaction {
        Reaction::Responds(response) => Ok(response),
        Reaction::HangsUp => Err(std::io::Error::other("hangs up")),
        Reaction::Kills => {
            shared.killed.notify_one();
            std::future::pending().await
        }
    }
}

/// What the store does at a put.
enum Reaction {
    Responds(HttpResponse),
    HangsUp,
    Kills,
}

impl State {
    fn api(&self, query: &str) -> HttpResponse {
        let fields = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "fields").unwrap().1;
        let name = fields.split(['(', ')']).nth(1).unwrap();
        let topic = TOPICS.iter().position(|topic| *topic == name).unwrap();
        let is_further = fields.contains(".after(");
        let code = match (self.outcomes[topic], is_further) {
            (Outcome::Failed(code), _) => Some(code),
            (Outcome::CutShort, true) => Some(10),
            _ => None,
        };
        if let Some(code) = code {
            let error = json!({"error": {"message": "no", "type": "OAuthException", "code": code}});
            return reply(400, error.to_string());
        }
        let run = self.run;
        let medium = json!({
            "id": format!("9{topic}{}", u8::from(is_further)), "timestamp": "2026-11-01T00:00:00+0000", "caption": "a",
            "media_type": "IMAGE", "media_product_type": "FEED", "media_url": "https://example.com/a",
            "permalink": "https://example.com/p", "like_count": run, "comments_count": run
        });
        let mut media = json!({"data": [medium]});
        if !is_further {
            media["paging"] = json!({"cursors": {"after": "QVFI"}});
        }
        let account = json!({
            "id": format!("8{topic}"), "username": name, "name": name, "followers_count": run, "media_count": run,
            "profile_picture_url": "https://example.com/p", "media": media
        });
        reply(200, json!({"business_discovery": account, "id": "17841400000000001"}).to_string())
    }

    fn put(&mut self, key: String, is_new: bool, body: Bytes) -> Reaction {
        if self.is_dead {
            return Reaction::HangsUp;
        }
        let put = self.puts;
        self.puts += 1;
        let fault = self.fault.unwrap_or(Fault::None);
        match fault {
            Fault::Refuses(status) if is_new => return Reaction::Responds(error(status)),
            Fault::Down(status) => return Reaction::Responds(error(status)),
            Fault::Kills { put: at, after: false } if at == put => {
                self.is_dead = true;
                return Reaction::Kills;
            }
            _ => {}
        }
        let is_stored = self.store(key, is_new, body);
        match fault {
            Fault::LosesResponse { put: at, hangs_up: true } if at == put => Reaction::HangsUp,
            Fault::LosesResponse { put: at, .. } if at == put => Reaction::Responds(error(500)),
            Fault::Kills { put: at, .. } if at == put => {
                self.is_dead = true;
                Reaction::Kills
            }
            _ => Reaction::Responds(if is_stored { reply(200, "") } else { error(412) }),
        }
    }

    fn store(&mut self, key: String, is_new: bool, body: Bytes) -> bool {
        if is_new && self.objects.contains_key(&key) {
            return false;
        }
        self.journal.push(Put { run: self.run, key: key.clone(), body: serde_json::from_slice(&body).unwrap() });
        self.objects.insert(key, body);
        true
    }
}

fn error(status: u16) -> HttpResponse {
    reply(status, format!("<Error><Code>Status{status}</Code><Message>no</Message></Error>"))
}

fn reply(status: u16, body: impl Into<Bytes>) -> HttpResponse {
    Response::builder().status(status).body(Full::new(body.into())).unwrap()
}
