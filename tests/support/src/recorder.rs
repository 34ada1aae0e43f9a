//! A server that records requests. It responds to any request as a store and Secrets Manager would, and to CONNECT as a
//! proxy that refuses.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use sandbox::Server;

pub struct Recorder {
    server: Server,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// A recorder that responds with `status` to CONNECT, and with `body` to everything else.
    pub async fn start(status: u16, body: String) -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let record = Arc::clone(&requests);
        let service = service_fn(move |request: Request<Incoming>| {
            let is_connect = request.method() == Method::CONNECT;
            let headers = request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
            let headers = headers.collect::<Vec<_>>().join("\n");
            record.lock().unwrap().push(format!("{} {}\n{headers}\n", request.method(), request.uri()));
            let (status, body) = if is_connect { (status, Bytes::new()) } else { (200, Bytes::from(body.clone())) };
            async move { Ok::<_, Infallible>(Response::builder().status(status).body(Full::new(body)).unwrap()) }
        });
        Self { server: Server::start(0, service).await.unwrap(), requests }
    }

    pub fn end_point(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The requests since the last call, each with its headers.
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.requests.lock().unwrap()).join("\n")
    }
}
