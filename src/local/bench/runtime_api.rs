//! A stand-in of Lambda's Runtime API for one process: hands out events, takes answers, notes when.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// What the function may take for one event.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What the function answered to an event.
pub(super) enum Answer {
    Response(Value),
    Error(Value),
}

/// The stand-in; it ends when it is dropped.
pub(super) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Value>,
    asked: mpsc::UnboundedReceiver<Instant>,
    answers: mpsc::UnboundedReceiver<(Instant, Answer)>,
    task: JoinHandle<()>,
}

struct State {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    asked: mpsc::UnboundedSender<Instant>,
    answers: mpsc::UnboundedSender<(Instant, Answer)>,
}

impl RuntimeApi {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (events, events_out) = mpsc::unbounded_channel();
        let (asked_in, asked) = mpsc::unbounded_channel();
        let (answers_in, answers) = mpsc::unbounded_channel();
        let state = Arc::new(State { events: Mutex::new(events_out), asked: asked_in, answers: answers_in });
        let task = tokio::spawn(serve(listener, state));
        Ok(Self { address, events, asked, answers, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the function asked for work.
    pub(super) async fn asked(&mut self) -> Option<Instant> {
        self.asked.recv().await
    }

    /// Gives the function an event.
    pub(super) fn hand_out(&self, event: Value) -> Result<()> {
        self.events.send(event).ok().context("the stand-in of the Runtime API ended")
    }

    /// What the function answered, and when.
    pub(super) async fn answered(&mut self) -> Option<(Instant, Answer)> {
        self.answers.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&state), request));
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // The function is ended while it waits for work.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let now = Instant::now();
    if request.method() == Method::GET {
        let _ = state.asked.send(now);
        let Some(event) = state.events.lock().await.recv().await else { return std::future::pending().await };
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + TIME_LIMIT;
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-west-2:123456789012:function:collector");
        return Ok(response.body(Full::new(event.to_string().into()))?);
    }
    let responded = request.uri().path().ends_with("/response");
    let body = request.into_body().collect().await?.to_bytes();
    let body = serde_json::from_slice(&body)?;
    let _ = state.answers.send((now, if responded { Answer::Response(body) } else { Answer::Error(body) }));
    Ok(Response::builder().status(202).body(Full::default())?)
}
