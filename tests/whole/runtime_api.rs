//! A stand-in of the Lambda Runtime API: hands events to the real binary and takes its answers.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// What the function answered to an event, or the error it told.
#[derive(Debug)]
pub enum Answer {
    Response(Value),
    Error(Value),
}

#[derive(Default)]
struct State {
    events: VecDeque<(Value, Duration)>,
    answers: Vec<Answer>,
}

/// Runs the binary on `events`, each with 30 seconds to go, and gives its answers and its standard output.
pub async fn run(
    binary: &Path,
    folder: &Path,
    variables: &[(&str, String)],
    events: &[Value],
) -> (Vec<Answer>, String) {
    let events = events.iter().map(|event| (event.clone(), Duration::from_secs(30))).collect();
    watched(binary, folder, variables, events, |_, _| {}).await
}

/// Runs the binary on `events` with what each has to go, and tells `watch` its process id and how many
/// are done, whenever more are.
pub async fn watched(
    binary: &Path,
    folder: &Path,
    variables: &[(&str, String)],
    events: Vec<(Value, Duration)>,
    mut watch: impl FnMut(u32, usize),
) -> (Vec<Answer>, String) {
    let all = events.len();
    let mut function = Function::start(Command::new(binary), folder, variables, events).await;
    let mut done = 0;
    while done < all {
        assert!(function.runs(), "the function ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = function.answered();
        if now > done {
            done = now;
            watch(function.id(), done);
        }
    }
    let Ended { answers, log, stderr } = function.end().await;
    assert_eq!(stderr, "", "the log is on standard output");
    (answers, log)
}

/// The binary under way.
pub struct Function {
    child: Child,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
    log: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

/// What it left behind.
pub struct Ended {
    pub answers: Vec<Answer>,
    pub log: String,
    pub stderr: String,
}

impl Function {
    /// Starts `command`, which is the binary or becomes it, in `folder`.
    pub async fn start(
        mut command: Command,
        folder: &Path,
        variables: &[(&str, String)],
        events: Vec<(Value, Duration)>,
    ) -> Self {
        let state = Arc::new(Mutex::new(State { events: events.into(), answers: Vec::new() }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        let mut child = command
            .current_dir(folder)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "collector"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ])
            .envs(variables.iter().map(|(k, v)| (k, v)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Read all along: a function whose pipe is full stands still.
        let (log, stderr) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        Self { child, state, server, log, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How many events are done.
    pub fn answered(&self) -> usize {
        self.state.lock().unwrap().answers.len()
    }

    /// Ends it, where it still runs.
    pub async fn end(mut self) -> Ended {
        self.child.kill().await.unwrap();
        self.server.abort();
        let answers = std::mem::take(&mut self.state.lock().unwrap().answers);
        Ended { answers, log: self.log.await.unwrap(), stderr: self.stderr.await.unwrap() }
    }
}

fn read(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut text = String::new();
        pipe.read_to_string(&mut text).await.map(|_| text).unwrap()
    })
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        tokio::spawn(async move {
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET {
        let event = state.lock().unwrap().events.pop_front();
        let Some((event, limit)) = event else { std::future::pending().await };
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + limit;
        let response = Response::builder()
            .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-west-2:123456789012:function:collector")
            .header(
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            );
        return Ok(response.body(Full::new(event.to_string().into())).unwrap());
    }
    let body = request.into_body().collect().await?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    state.lock().unwrap().answers.push(if path.ends_with("/response") {
        Answer::Response(body)
    } else {
        Answer::Error(body)
    });
    Ok(Response::builder().status(202).body(Full::default()).unwrap())
}
