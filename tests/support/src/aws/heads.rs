//! How S3 responds to HeadBucket under a fault.

use std::sync::Mutex;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use super::HttpResponse;

#[derive(Default)]
pub struct Heads {
    asked: Mutex<usize>,
    /// The status of the response, and the region that it names.
    fault: Mutex<Option<(u16, Option<&'static str>)>>,
}

impl Heads {
    /// Makes S3 respond with `status`, and name a bucket's region.
    pub fn fail(&self, status: u16, region: Option<&'static str>) {
        *self.fault.lock().unwrap() = Some((status, region));
    }

    /// The number of requests.
    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    /// The response, if the request is a HeadBucket and there is a fault.
    pub(super) fn respond(&self, request: &Request<Incoming>) -> Option<HttpResponse> {
        if request.method() != Method::HEAD {
            return None;
        }
        *self.asked.lock().unwrap() += 1;
        let (status, region) = (*self.fault.lock().unwrap())?;
        let response = Response::builder().status(status);
        let response =
            region.into_iter().fold(response, |response, region| response.header("x-amz-bucket-region", region));
        Some(response.body(Full::default().map_err(|never| match never {}).boxed()).unwrap())
    }
}
