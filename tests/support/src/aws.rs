//! AWS in the test's process: s3s behind the real SDK, which checks signatures and checksums, and a mock of Secrets
//! Manager's protocol. Both can be made to fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use sandbox::Server;
use tempfile::TempDir;

mod gets;
mod heads;
mod secrets;

pub use gets::Gets;
pub use heads::Heads;

pub const KEY: (&str, &str) = ("AKIDEXAMPLE", "placeholder-secret-access-key");
/// The session token of temporary credentials, which functions in Lambda have.
pub const SESSION_TOKEN: &str = "placeholder-session/token+of=temporary-credentials";
pub const BUCKET: &str = "lux-raw";

/// A secret whose read never gets a response.
pub const HANGS: &str = "hangs";

/// A secret whose response has 50 MB.
pub const VAST: &str = "vast";

/// The start of a secret whose response is malformed.
pub const GARBLED: &str = "garbled: ";

/// A secret that may not be read.
pub const DENIED: &str = "denied";

/// A secret that is read with a clock that is 15 minutes slow.
pub const EXPIRED_SIGNATURE: &str = "expired signature";

/// A fault of S3: `times` requests fail whose method and path, as in `PUT /lux-raw/raw/x.json`, contain `part`.
pub struct S3Fault {
    pub part: &'static str,
    pub status: u16,
    pub code: &'static str,
    pub times: usize,
}

/// The code of a request to which S3 never responds.
pub const STALLS: &str = "stalls";

/// The code of a request whose connection S3 closes without a response.
pub const HANGS_UP: &str = "hangs up";

/// The codes of requests that S3 carries out although it returns an error, closes the connection, or never responds.
pub const STORED: &str = "stored";
pub const STORED_HANGS_UP: &str = "stored, hangs up";
pub const STORED_STALLS: &str = "stored, stalls";

/// The code of an error of S3 whose body has 100 MB.
pub const VAST_ERROR: &str = "vast";

pub struct Aws {
    server: Server,
    folder: TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    heads: Heads,
    gets: Gets,
    s3_faults: Mutex<Vec<S3Fault>>,
    /// Held by a request for the object that runs change together: s3s-fs compares and writes in two steps.
    shared_object: tokio::sync::Mutex<()>,
    /// The secret at each read. The last one stays.
    secrets: Mutex<Vec<String>>,
    secret_reads: Mutex<usize>,
    /// What was put into Secrets Manager, in its order, and how a put fails.
    puts: Mutex<Vec<String>>,
    put_fault: Mutex<Option<&'static str>>,
    /// The region that the last of these reads was signed for.
    signed_for: Mutex<String>,
    /// The secrets with other names.
    named_secrets: Mutex<BTreeMap<String, String>>,
}

impl Aws {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let s3 = builder.build();
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        let service = service_fn(move |request| respond(s3.clone(), Arc::clone(&state), request));
        Self { server: Server::start(0, service).await.unwrap(), folder, shared }
    }

    pub fn end_point(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The environment of a process that uses this server instead of AWS.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("SECRET_ID", "collector".to_owned()),
            ("AWS_ENDPOINT_URL", self.end_point()),
            ("AWS_ACCESS_KEY_ID", KEY.0.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEY.1.to_owned()),
            ("AWS_REGION", "us-west-2".to_owned()),
        ]
    }

    /// The production settings, with this server instead of AWS.
    pub async fn config(&self) -> SdkConfig {
        let credentials = Credentials::from_keys(KEY.0, KEY.1, Some(SESSION_TOKEN.to_owned()));
        let loader = collector::aws::loader(collector::http::client().unwrap());
        loader
            .credentials_provider(credentials)
            .region(Region::new("us-west-2"))
            .endpoint_url(self.end_point())
            .load()
            .await
    }

    pub fn fail_s3(&self, fault: S3Fault) {
        self.shared.s3_faults.lock().unwrap().push(fault);
    }

    /// How S3 responds to HeadBucket.
    pub fn heads(&self) -> &Heads {
        &self.shared.heads
    }

    /// How S3 responds to GetObject.
    pub fn gets(&self) -> &Gets {
        &self.shared.gets
    }

    pub fn make_bucket(&self, name: &str) {
        std::fs::create_dir(self.folder.path().join(name)).unwrap();
    }

    /// The number of S3 requests that will still fail.
    pub fn s3_faults_left(&self) -> usize {
        self.shared.s3_faults.lock().unwrap().iter().map(|fault| fault.times).sum()
    }

    pub fn set_secrets(&self, secrets: impl IntoIterator<Item = String>) {
        *self.shared.secrets.lock().unwrap() = secrets.into_iter().collect();
    }

    pub fn name_secret(&self, name: &str, secret: String) {
        self.shared.named_secrets.lock().unwrap().insert(name.to_owned(), secret);
    }

    /// Stores an object that is not the function's.
    pub fn put(&self, key: &str, body: &str) {
        let path = self.folder.path().join(BUCKET).join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }

    /// Makes puts of a secret [`DENIED`], or such that [`HANGS`].
    pub fn fail_puts(&self, fault: &'static str) {
        *self.shared.put_fault.lock().unwrap() = Some(fault);
    }

    /// What was put into Secrets Manager.
    pub fn puts(&self) -> Vec<String> {
        self.shared.puts.lock().unwrap().clone()
    }

    pub fn secret_reads(&self) -> usize {
        *self.shared.secret_reads.lock().unwrap()
    }

    /// The region that the last read of a secret was signed for.
    pub fn signed_for(&self) -> String {
        self.shared.signed_for.lock().unwrap().clone()
    }

    /// The key and the bytes of every object, by key.
    pub fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let bucket = self.folder.path().join(BUCKET);
        let mut objects = Vec::new();
        walk(&bucket, &mut |path| {
            let key = path.strip_prefix(&bucket).unwrap().to_str().unwrap().to_owned();
            objects.push((key, std::fs::read(&path).unwrap()));
        });
        objects.sort();
        objects
    }
}

pub fn walk(folder: &std::path::Path, found: &mut impl FnMut(PathBuf)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found(path) }
    }
}

type HttpResponse = Response<http_body_util::combinators::BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

async fn respond(
    s3: S3Service,
    state: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<HttpResponse, std::io::Error> {
    if request.headers().contains_key("x-amz-target") {
        return Ok(secrets::respond(&state, request).await);
    }
    if let Some(response) = state.heads.respond(&request) {
        return Ok(response);
    }
    let is_head = request.method() == hyper::Method::HEAD;
    let line = format!("{} {}", request.method(), request.uri().path());
    let struck =
        state.s3_faults.lock().unwrap().iter_mut().find(|f| !is_head && f.times > 0 && line.contains(f.part)).map(
            |f| {
                f.times -= 1;
                (f.status, f.code)
            },
        );
    if let Some((status, code @ (STORED | STORED_HANGS_UP | STORED_STALLS))) = struck {
        let stored = s3.call(request.map(s3s::Body::from)).await;
        assert!(stored.is_ok_and(|response| response.status().is_success()));
        return match code {
            STORED_HANGS_UP => Err(std::io::Error::other("the test hangs up")),
            STORED_STALLS => std::future::pending().await,
            _ => Ok(reply(status, "application/xml", "<Error><Code>InternalError</Code></Error>")),
        };
    }
    if let Some((status, code)) = struck {
        let body = request.into_body().collect().await;
        assert!(body.is_ok());
        if code == STALLS {
            return std::future::pending().await;
        }
        if code == HANGS_UP {
            return Err(std::io::Error::other("the test hangs up"));
        }
        if code == VAST_ERROR {
            return Ok(reply(status, "application/xml", vec![b' '; 100_000_000]));
        }
        // S3's own ExpiredToken repeats the session token. This one repeats everything that it received.
        let quoted = format!("{SESSION_TOKEN} {}", KEY.1);
        let xml = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>set to fail: {quoted}</Message><Token-0>{quoted}</Token-0></Error>"
        );
        return Ok(reply(status, "application/xml", xml));
    }
    let is_shared = request.uri().path().ends_with("/notices.json");
    let _lock = if is_shared { Some(state.shared_object.lock().await) } else { None };
    let condition = Gets::condition(&request);
    let response = s3.call(request.map(s3s::Body::from)).await.map_err(|e| std::io::Error::other(format!("{e:?}")))?;
    let response = response.map(|body| body.map_err(Into::into).boxed());
    Ok(match condition {
        Some(etag) => state.gets.respond(etag, response),
        None => response,
    })
}

fn reply(status: u16, content_type: &str, body: impl Into<Bytes>) -> HttpResponse {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed();
    Response::builder().status(status).header("content-type", content_type).body(body).unwrap()
}
