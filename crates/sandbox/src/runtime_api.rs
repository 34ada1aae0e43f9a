//! A mock of Lambda's Runtime API for one process: it hands out events and receives the results.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use super::Server;

/// The result of an event.
#[derive(Debug)]
pub enum InvocationResult {
    /// The response of the handler.
    Response(Value),
    /// The error of the invocation, or of the start.
    Error(Value),
}

/// The mock. It ends when it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    server: Server,
    events: mpsc::UnboundedSender<QueuedEvent>,
    requests: mpsc::UnboundedReceiver<Instant>,
    results: mpsc::UnboundedReceiver<(Instant, InvocationResult)>,
}

/// An event and its time limit.
type QueuedEvent = (Value, Duration);

/// The trace header of each event, which is not sampled.
const TRACE: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0";

#[derive(Debug)]
struct State {
    events: Mutex<mpsc::UnboundedReceiver<QueuedEvent>>,
    requests: mpsc::UnboundedSender<Instant>,
    results: mpsc::UnboundedSender<(Instant, InvocationResult)>,
}

impl RuntimeApi {
    /// Starts it on loopback.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start() -> std::io::Result<Self> {
        let (events, events_out) = mpsc::unbounded_channel();
        let (requests_in, requests) = mpsc::unbounded_channel();
        let (results_in, results) = mpsc::unbounded_channel();
        let state = Arc::new(State { events: Mutex::new(events_out), requests: requests_in, results: results_in });
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(state.respond(request).await.unwrap_or_else(refusal)) }
        });
        Ok(Self { server: Server::start(0, service).await?, events, requests, results })
    }

    /// What the function finds in `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Queues an event. Its deadline is `limit` after the function takes it.
    pub fn hand_out(&self, event: Value, limit: Duration) {
        // The receiver lives as long as the server.
        let _ = self.events.send((event, limit));
    }

    /// Waits until the function requests an event, and returns when it did.
    pub async fn next_request(&mut self) -> Option<Instant> {
        self.requests.recv().await
    }

    /// Waits for the result of an event, and returns when it arrived.
    pub async fn result(&mut self) -> Option<(Instant, InvocationResult)> {
        self.results.recv().await
    }

    /// A result that has already arrived.
    pub fn try_result(&mut self) -> Option<InvocationResult> {
        self.results.try_recv().ok().map(|(_, result)| result)
    }
}

impl State {
    /// Responds to a request of the runtime; `None` if the runtime makes no such request.
    async fn respond(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let now = Instant::now();
        if request.method() == Method::GET {
            let _ = self.requests.send(now);
            let Some((event, limit)) = self.events.lock().await.recv().await else {
                return std::future::pending().await;
            };
            let deadline = (SystemTime::now() + limit).duration_since(SystemTime::UNIX_EPOCH).ok()?;
            let response = Response::builder()
                .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
                .header(
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-west-2:123456789012:function:collector",
                )
                .header("lambda-runtime-trace-id", TRACE);
            return response.body(Full::new(event.to_string().into())).ok();
        }
        let is_response = request.uri().path().ends_with("/response");
        let body = request.into_body().collect().await.ok()?.to_bytes();
        let body = serde_json::from_slice(&body).ok()?;
        let _ = self
            .results
            .send((now, if is_response { InvocationResult::Response(body) } else { InvocationResult::Error(body) }));
        let mut response = Response::default();
        *response.status_mut() = StatusCode::ACCEPTED;
        Some(response)
    }
}

fn refusal() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new("the Lambda runtime makes no such request".into()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
