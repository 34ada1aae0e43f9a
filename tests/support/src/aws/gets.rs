//! GetObject with the condition `If-None-Match`, which s3s-fs does not know.

use std::sync::Mutex;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use super::HttpResponse;

#[derive(Default)]
pub struct Gets {
    statuses: Mutex<Vec<u16>>,
}

impl Gets {
    /// The statuses of the responses since the last call.
    pub fn statuses(&self) -> Vec<u16> {
        std::mem::take(&mut *self.statuses.lock().unwrap())
    }

    /// The ETag that the request names; `None` if it is not a GET.
    pub(super) fn condition(request: &Request<Incoming>) -> Option<Option<String>> {
        let etag = request.headers().get("if-none-match").map(|etag| etag.to_str().unwrap().to_owned());
        (request.method() == Method::GET).then_some(etag)
    }

    /// S3's response to a GET for which s3s-fs returns `response`.
    pub(super) fn respond(&self, condition: Option<String>, response: HttpResponse) -> HttpResponse {
        let is_same =
            condition.is_some() && response.headers().get("etag").map(|e| e.to_str().unwrap()) == condition.as_deref();
        let response = if is_same {
            Response::builder().status(304).body(Full::default().map_err(|never| match never {}).boxed()).unwrap()
        } else {
            response
        };
        self.statuses.lock().unwrap().push(response.status().as_u16());
        response
    }
}
