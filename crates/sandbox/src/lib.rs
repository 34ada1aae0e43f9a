//! A mock of the Graph API, for `--sandbox` and for the tests. It also has a mock of Lambda's Runtime API, for the
//! tests and the benchmark.
//!
//! It responds to the collector's calls for its topics in the API's own shapes. The data is generated from a seed and
//! changes with the clock. It can simulate faults; see [`Fault`]. It does not check permissions, and it enforces only
//! the limits in its [`Options`].

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};

mod address;
mod body;
mod by_type;
mod calls;
mod data;
mod expression;
mod fault;
#[cfg(test)]
#[path = "../../../src/report/json_schema.rs"]
mod json_schema;
mod malformed;
mod page;
mod reply;
mod respond;
mod runtime_api;
mod server;
mod token;

pub use data::followers;
pub use fault::{Explanation, Fault, FaultRule};
pub use runtime_api::{InvocationResult, RuntimeApi};
pub use server::Server;

use collector::lock::lock;
use collector::secret::{Credentials, SANDBOX_BUCKET, Secret};

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on loopback; 0 for any free one.
    pub port: u16,
    /// The accounts that exist, with their user ids.
    pub accounts: Vec<(String, String)>,
    /// The hashtags that exist.
    pub hashtags: Vec<String>,
    /// What the data is made from.
    pub seed: u64,
    /// The present, for data at another time; `None` for the clock's.
    pub now: Option<DateTime<Utc>>,
    /// How long each response takes.
    pub latency: Duration,
    /// Its faults.
    pub faults: Vec<FaultRule>,
    /// The only token that is accepted; `None` for any.
    pub token: Option<String>,
    /// The token that an exchange returns, which is accepted from then on; `None` refuses the exchange.
    pub new_token: Option<String>,
    /// The secret that each call must prove; `None` for no proof.
    pub app_secret: Option<String>,
    /// The number of calls that each token may make; `None` for any number.
    pub calls_allowed: Option<u32>,
    /// The number of new media per hashtag in 5 minutes, at an even pace and out of order; `None` for hashtags of
    /// different paces, in order.
    pub hashtag_pace: Option<u32>,
    /// Whether the cursor under a hashtag is the same on every page, as the API documents it.
    pub repeating_cursor: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            accounts: Vec::new(),
            hashtags: Vec::new(),
            seed: 1,
            now: None,
            latency: Duration::ZERO,
            faults: Vec::new(),
            token: None,
            new_token: None,
            app_secret: None,
            calls_allowed: None,
            hashtag_pace: None,
            repeating_cursor: false,
        }
    }
}

impl Options {
    /// A sandbox in which the topics of `config` exist.
    pub fn for_config(config: &collector::config::Config) -> Self {
        let account = |a: &collector::topic::Account| (a.username.to_string(), a.user_id.to_string());
        Self {
            accounts: config.accounts.iter().map(account).collect(),
            hashtags: config.hashtags.iter().map(|h| h.name.to_string()).collect(),
            ..Self::default()
        }
    }
}

/// A call that was made to the sandbox.
#[derive(Debug, Clone)]
pub struct Call {
    /// The path, without the version.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The topic that it is about: an account, `#hashtag`, `hashtags` (the list of those searched for), `token`,
    /// `exchange`, or `new_token` and `self`, the two calls that test a new token.
    pub topic: String,
    /// The call's `Accept-Encoding`.
    pub encoding: String,
}

/// A running sandbox; it ends when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    options: Options,
    /// The present, if it is not the clock's.
    now: Mutex<Option<DateTime<Utc>>>,
    calls: Mutex<Vec<Call>>,
    by_token: Mutex<BTreeMap<String, usize>>,
    /// Whether the new token was issued.
    exchanged: AtomicBool,
    /// The number of media under each hashtag that the pages of a repeating cursor have returned.
    given: Mutex<BTreeMap<String, usize>>,
    /// The fault rules, and how often each has been applied.
    faults: Mutex<Vec<(FaultRule, u32)>>,
    /// The number of calls in progress, and its maximum so far.
    under_way: Mutex<(usize, usize)>,
}

impl Sandbox {
    /// Starts a sandbox on loopback.
    ///
    /// # Errors
    /// If the port cannot be listened on.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let port = options.port;
        let faults = Mutex::new(not_yet_applied(options.faults.clone()));
        let now = Mutex::new(options.now);
        let state = Arc::new(State {
            options,
            now,
            calls: Mutex::default(),
            by_token: Mutex::default(),
            exchanged: AtomicBool::new(false),
            given: Mutex::default(),
            faults,
            under_way: Mutex::default(),
        });
        let answering = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&answering);
            async move { state.counted_response(request).await }
        });
        Ok(Self { server: Server::start(port, service).await?, state })
    }

    /// The end point to call, without a version.
    pub fn end_point(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The calls made so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state.calls).clone()
    }

    /// Makes `now` the present of all further responses, so that one sandbox can simulate a day.
    pub fn set_now(&self, now: DateTime<Utc>) {
        *lock(&self.state.now) = Some(now);
    }

    /// Applies `rules`, and no others, to all further responses.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        *lock(&self.state.faults) = not_yet_applied(rules);
    }

    /// The highest number of concurrent calls.
    pub fn most_at_once(&self) -> usize {
        lock(&self.state.under_way).1
    }

    /// Starts to count [`most_at_once`](Self::most_at_once) anew.
    pub fn forget_most_at_once(&self) {
        lock(&self.state.under_way).1 = 0;
    }

    /// A secret with which the sandbox is called and the data goes to `./sandbox_env`.
    pub fn secret(&self, config_file: std::path::PathBuf) -> Secret {
        let access_token = self.state.options.token.clone().unwrap_or_else(|| "sandbox".to_owned()).into();
        let credentials = Credentials { ig_user_id: "17841400000000000".to_owned(), access_token, app: None };
        let bucket = SANDBOX_BUCKET.to_owned();
        Secret { credentials, bucket, config_file, config_named_by: None, webhook: None, notices: Vec::new() }
    }
}

impl State {
    /// Responds to a call, and counts the calls in progress.
    async fn counted_response(&self, request: Request<Incoming>) -> Result<Response<body::Sent>, HangUp> {
        {
            let (now, most) = &mut *lock(&self.under_way);
            *now += 1;
            *most = (*most).max(*now);
        }
        let response = self.respond(&request).await;
        lock(&self.under_way).0 -= 1;
        response
    }
}

fn not_yet_applied(rules: Vec<FaultRule>) -> Vec<(FaultRule, u32)> {
    rules.into_iter().map(|rule| (rule, 0)).collect()
}

/// The error that makes the server hang up in the middle of a call.
#[derive(Debug, thiserror::Error)]
#[error("a fault hangs up")]
struct HangUp;
