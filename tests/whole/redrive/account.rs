//! A queue and a function of an AWS account: a stand-in of the protocols of SQS and Lambda.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use collector::sandbox::Server;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};

use crate::aws::{KEY, SESSION_TOKEN};

pub const FUNCTION: &str = "collector";
const ARN: &str = "arn:aws:lambda:us-west-2:000000000000:function:collector:$LATEST";
const QUEUE: &str = "https://sqs.us-west-2.amazonaws.com/000000000000/failed";

/// What the function answers: whether it is an error, and its JSON.
pub type Ran = (bool, Value);

pub struct Account {
    server: Server,
    shared: Arc<Mutex<Shared>>,
    runs: mpsc::UnboundedReceiver<(Value, oneshot::Sender<Ran>)>,
}

#[derive(Default)]
pub struct Shared {
    messages: BTreeMap<String, Message>,
    receipts: usize,
    /// The calls by name, each with its body.
    pub calls: Vec<(String, Value)>,
    /// A call that is refused, by name.
    pub refused: &'static str,
    /// Where failed events go.
    pub destination: Option<&'static str>,
}

struct Message {
    body: String,
    attributes: Value,
    receipt: String,
    hidden: bool,
}

/// Lambda's record of an event that failed.
pub fn record(event: &Value, response: &Value) -> Value {
    json!({
        "version": "1.0", "timestamp": "2026-11-24T03:01:20.123Z",
        "requestContext": {"requestId": "r-1", "functionArn": ARN, "condition": "RetriesExhausted", "approximateInvokeCount": 2},
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": response,
    })
}

impl Account {
    pub async fn start() -> Self {
        let (runs, asked) = mpsc::unbounded_channel();
        let shared = Arc::new(Mutex::new(Shared {
            destination: Some("arn:aws:sqs:us-west-2:000000000000:failed"),
            ..Shared::default()
        }));
        let state = Arc::clone(&shared);
        let service = service_fn(move |request| answer(Arc::clone(&state), runs.clone(), request));
        Self { server: Server::start(0, service).await.unwrap(), shared, runs: asked }
    }

    pub fn change(&self, change: impl FnOnce(&mut Shared)) {
        change(&mut self.shared.lock().unwrap());
    }

    /// Puts a message with an event that failed into the queue.
    pub fn put_failed(&self, id: &str, event: &Value) {
        self.put(id, &record(event, &json!({"errorType": "secret", "errorMessage": "it was denied"})), json!({}));
    }

    pub fn put(&self, id: &str, body: &Value, attributes: Value) {
        let message = Message { body: body.to_string(), attributes, receipt: String::new(), hidden: false };
        self.shared.lock().unwrap().messages.insert(id.to_owned(), message);
    }

    /// The ids of the messages that anybody can receive, and the number of those that are hidden.
    pub fn queue(&self) -> (Vec<String>, usize) {
        let shared = self.shared.lock().unwrap();
        let seen = shared.messages.iter().filter(|(_, m)| !m.hidden).map(|(id, _)| id.clone());
        (seen.collect(), shared.messages.values().filter(|m| m.hidden).count())
    }

    pub fn calls_of(&self, name: &str) -> Vec<Value> {
        let shared = self.shared.lock().unwrap();
        shared.calls.iter().filter(|(called, _)| called == name).map(|(_, body)| body.clone()).collect()
    }

    /// Starts `luxury-brands redrive` with the arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luxury-brands"));
        command.args(["redrive", "--function", FUNCTION]).args(arguments).env_clear().envs([
            ("AWS_ENDPOINT_URL", format!("http://{}", self.server.address()).as_str()),
            ("AWS_ACCESS_KEY_ID", KEY.0),
            ("AWS_SECRET_ACCESS_KEY", KEY.1),
            ("AWS_SESSION_TOKEN", SESSION_TOKEN),
            ("AWS_REGION", "us-west-2"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]);
        command.current_dir(PathBuf::from("/")).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs `luxury-brands redrive` on a function that answers as `function` does.
    pub async fn redrive(&mut self, arguments: &[&str], mut function: impl AsyncFnMut(Value) -> Ran) -> Output {
        let child = self.command(arguments).spawn().unwrap();
        let mut ended = std::pin::pin!(child.wait_with_output());
        loop {
            let (event, reply) = tokio::select! {
                output = &mut ended => return output.unwrap(),
                Some(run) = self.runs.recv() => run,
            };
            // The command is gone where it was interrupted.
            let _ = reply.send(function(event).await);
        }
    }

    /// The next event that the function is run on, and where its answer goes.
    pub async fn next_run(&mut self) -> (Value, oneshot::Sender<Ran>) {
        self.runs.recv().await.unwrap()
    }
}

type Runs = mpsc::UnboundedSender<(Value, oneshot::Sender<Ran>)>;

async fn answer(
    state: Arc<Mutex<Shared>>,
    runs: Runs,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header = |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default().to_owned();
    assert!(header("authorization").contains(KEY.0), "the request is signed");
    let (target, path) = (header("x-amz-target"), request.uri().path().to_owned());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = match (target.strip_prefix("AmazonSQS."), path.rsplit('/').next().unwrap()) {
        (Some(operation), _) => operation.to_owned(),
        (None, "invocations") => "Invoke".to_owned(),
        (None, other) => other.to_owned(),
    };
    let refused = {
        let mut shared = state.lock().unwrap();
        shared.calls.push((name.clone(), body.clone()));
        shared.refused == name
    };
    if refused {
        let words = format!("not authorized: {} {SESSION_TOKEN}", KEY.1);
        return Ok(reply(403, &json!({"__type": "AccessDeniedException", "message": words})));
    }
    if name != "Invoke" {
        return Ok(reply(200, &answered(&mut state.lock().unwrap(), &name, &path, &body)));
    }
    assert_eq!(path, format!("/2015-03-31/functions/{FUNCTION}/invocations"));
    let (send, done) = oneshot::channel();
    runs.send((body, send)).unwrap();
    let Ok((is_error, told)) = done.await else { return std::future::pending().await };
    let mut answer = reply(200, &told);
    if is_error {
        answer.headers_mut().insert("x-amz-function-error", "Unhandled".parse().unwrap());
    }
    Ok(answer)
}

/// What a call of SQS, or of Lambda's configuration, gets.
fn answered(shared: &mut Shared, name: &str, path: &str, body: &Value) -> Value {
    if name == "event-invoke-config" {
        assert_eq!(path, format!("/2019-09-25/functions/{FUNCTION}/event-invoke-config"));
        let to = shared.destination.map(|arn| json!({ "Destination": arn }));
        return json!({"DestinationConfig": {"OnFailure": to}});
    }
    if name == "GetQueueUrl" {
        assert_eq!((&body["QueueName"], &body["QueueOwnerAWSAccountId"]), (&json!("failed"), &json!("000000000000")));
        return json!({ "QueueUrl": QUEUE });
    }
    assert_eq!(body["QueueUrl"], QUEUE);
    if name == "ReceiveMessage" {
        let most = body["MaxNumberOfMessages"].as_u64().unwrap() as usize;
        let mut received = Vec::new();
        for (id, message) in shared.messages.iter_mut().filter(|(_, message)| !message.hidden).take(most) {
            shared.receipts += 1;
            (message.hidden, message.receipt) = (true, format!("receipt-{}", shared.receipts));
            received.push(json!({"MessageId": id, "ReceiptHandle": message.receipt, "Body": message.body, "MessageAttributes": message.attributes}));
        }
        return json!({ "Messages": received });
    }
    let mut done = Vec::new();
    for entry in body["Entries"].as_array().unwrap() {
        let known = shared.messages.iter_mut().find(|(_, m)| m.hidden && entry["ReceiptHandle"] == *m.receipt);
        let (id, message) = known.expect("the receipt of a hidden message");
        match name {
            "ChangeMessageVisibilityBatch" => message.hidden = entry["VisibilityTimeout"] != 0,
            "DeleteMessageBatch" => {
                let id = id.clone();
                shared.messages.remove(&id);
            }
            other => panic!("{other}"),
        }
        done.push(json!({"Id": entry["Id"]}));
    }
    assert!(done.len() <= 10, "a limit of SQS");
    json!({"Successful": done, "Failed": []})
}

fn reply(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    answer.body(Full::new(body.to_string().into())).unwrap()
}
