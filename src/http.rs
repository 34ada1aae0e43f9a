//! The one HTTP client of the process. It calls the API and carries the AWS SDK's requests, so that there
//! is one TLS stack, one set of root certificates and one pool of connections.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::RwLock;
use tokio::time::timeout;
use tower::util::MapFutureLayer;
use tracing::warn;
use url::{Host, Url};

use crate::diagnosis::Diagnosis;

mod roots;

pub use roots::ROOTS_FILES;

/// The time limit for connecting. Each call's own time limit applies too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time that an idle connection is kept. Between invocations the process is frozen and the peer
/// closes its connections, so an old one would fail the next run's first call.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(8);

/// The largest object that is read from S3, in bytes.
pub const MAX_OBJECT: usize = 64 * 1024 * 1024;

/// The largest other response of AWS that is read, in bytes. A secret has at most 64 KiB.
const MAX_AWS_RESPONSE: usize = 1024 * 1024;

/// Builds the client. It uses HTTP/2 if the peer supports it, and follows no redirects, since a redirect would send the
/// token to another host. It trusts Mozilla's root certificates, which are compiled in, and those of the files that
/// [`ROOTS_FILES`] name.
///
/// # Errors
/// If the TLS stack cannot be set up.
pub fn client() -> reqwest::Result<Client> {
    let (roots, problems) = roots::trusted();
    problems.iter().for_each(|problem| warn!(kind = "config", "{problem}"));
    client_trusting(roots)
}

/// What is wrong with the files of root certificates, for commands without a log.
pub fn root_problems() -> Vec<String> {
    roots::trusted().1
}

/// Builds the [`client`] that trusts `roots` instead.
///
/// # Errors
/// If the TLS stack cannot be set up.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn client_trusting(roots: RootCertStore) -> reqwest::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let connects = Arc::<RwLock<()>>::default();
    let counting = Arc::clone(&connects);
    let builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .connector_layer(MapFutureLayer::new(move |connect| counted(Arc::clone(&counting), connect)))
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.expect("ring speaks every TLS version that rustls knows");
    let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
    // reqwest offers these only with a TLS configuration that it makes itself.
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Client { client: builder.tls_backend_preconfigured(tls).build()?, connects })
}

/// The client.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    /// Each pending connection attempt is a reader.
    connects: Arc<RwLock<()>>,
}

/// The longest wait for a pending connection attempt. A TLS handshake takes 0.7 s at 7 % of a processor, which a
/// function of 128 MB has. A longer one may hang.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The number of polls of the runtime until a new connection is in the pool. The preface of HTTP/2 takes two.
const POLLS_TO_POOL: usize = 4;

impl Client {
    /// A GET request, to be sent by [`send`](Self::send).
    pub fn get(&self, url: &str) -> reqwest::RequestBuilder {
        self.client.get(url)
    }

    /// A POST request with a JSON text, to be sent by [`send`](Self::send).
    pub fn post_json(&self, url: &str, text: String) -> reqwest::RequestBuilder {
        self.client.post(url).header(http::header::CONTENT_TYPE, "application/json").body(text)
    }

    /// Sends a request once no connection attempt is pending.
    ///
    /// Requests that start together would each open a connection. hyper-util's pool has a lock for connecting, but only
    /// for clients that use HTTP/2 only. Any other client learns that one connection can serve all requests only when
    /// the first connection is open, and by then eleven handshakes are in progress. Waiting costs no time, since a
    /// second connection would take as long. If connections cannot be shared, the waiting requests connect at the same
    /// time.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<reqwest::Response> {
        if self.connects.try_write().is_err() {
            drop(self.connects.write().await);
            for _ in 0..POLLS_TO_POOL {
                tokio::task::yield_now().await;
            }
        }
        request.send().await
    }
}

/// `connect`, which holds a read lock of `connects` as long as other requests should wait for it.
async fn counted<F: Future>(connects: Arc<RwLock<()>>, connect: F) -> F::Output {
    let mut connect = pin!(connect);
    // It fails only while requests wait for an earlier connect.
    let connecting = connects.try_read();
    if let Ok(connected) = timeout(MAX_WAIT, &mut connect).await {
        return connected;
    }
    drop(connecting);
    connect.await
}

/// What an error proves of a request that had no response.
pub fn diagnosis(error: &(dyn std::error::Error + 'static)) -> Diagnosis {
    let mut causes = std::iter::successors(Some(error), |cause| (*cause).source());
    let proven = causes.find_map(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        // The types of the connector's errors are private.
        let text = cause.to_string();
        match io.and_then(tls_error) {
            Some(tls) if tls.to_string().contains("CaUsedAsEndEntity") => Some(Diagnosis::CertificateOfCa),
            Some(rustls::Error::InvalidCertificate(_)) => Some(Diagnosis::Certificate),
            _ if text == "tunnel error: proxy authorization required" => Some(Diagnosis::ProxyLogin),
            _ if text == "tunnel error: unsuccessful" => Some(Diagnosis::ProxyRefuses),
            _ if text == "tunnel error: failed to create underlying connection" => Some(Diagnosis::ProxyUnreachable),
            _ if text.starts_with("dns error") => Some(Diagnosis::UnknownHost),
            _ => io.filter(|io| io.kind() == std::io::ErrorKind::ConnectionRefused).map(|_| Diagnosis::Refused),
        }
    });
    proven.unwrap_or(Diagnosis::NoResponse)
}

/// The TLS error inside a connection error, which wraps it in several layers that `source` does not show.
fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| inner.downcast_ref().and_then(tls_error))
}

/// Whether a URL is on this machine.
pub fn is_on_loopback(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// `client` as the AWS SDK takes it.
pub fn for_sdk(client: Client) -> SharedHttpClient {
    SharedHttpClient::new(Shared { client: client.client, limit: None })
}

#[derive(Debug, Clone)]
struct Shared {
    client: reqwest::Client,
    /// The time limit of a response.
    limit: Option<Duration>,
}

impl HttpClient for Shared {
    // The SDK bounds each attempt and each operation of the services itself; see `aws.rs`. It sets a time limit of a
    // response for the addresses of credentials: 1 s for the metadata of an instance, which may be silent.
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { limit: settings.read_timeout(), ..self.clone() })
    }
}

impl HttpConnector for Shared {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { client, limit } = self.clone();
        HttpConnectorFuture::new(async move {
            let sent = send(client, request);
            match limit {
                Some(limit) => timeout(limit, sent).await.map_err(|late| ConnectorError::timeout(late.into()))?,
                None => sent.await,
            }
        })
    }
}

async fn send(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |e: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(e);
    let request = request.try_into_http1x().map_err(|e| user(e.into()))?;
    let method = request.method().clone();
    let request = request.map(reqwest::Body::wrap);
    let request = reqwest::Request::try_from(request).map_err(|e| user(e.into()))?;
    let response = client
        .execute(request)
        .await
        .map_err(|e| if e.is_timeout() { ConnectorError::timeout(e.into()) } else { ConnectorError::io(e.into()) })?;
    let is_object = method == http::Method::GET && response.status().is_success();
    let most = if is_object { MAX_OBJECT } else { MAX_AWS_RESPONSE };
    let response = http::Response::<reqwest::Body>::from(response).map(|body| {
        let too_large =
            move |error: Box<dyn std::error::Error + Send + Sync>| match error.downcast::<LengthLimitError>() {
                Ok(_) => format!("the response is larger than {} MiB", most >> 20).into(),
                Err(other) => other,
            };
        SdkBody::from_body_1_x(Limited::new(body, most).map_err(too_large))
    });
    HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sandbox::{Options, Sandbox};

    use super::*;

    #[test]
    fn only_the_host_decides_whether_a_url_is_on_this_machine() {
        for here in ["http://127.0.0.1:80/x", "https://127.9.9.9", "http://[::1]:8/", "http://LOCALHOST:8080/v26.0"] {
            assert!(is_on_loopback(here), "{here}");
        }
        for there in
            ["https://graph.facebook.com/127.0.0.1", "http://127.0.0.1@10.0.0.1/", "http://localhost.example", ""]
        {
            assert!(!is_on_loopback(there), "{there}");
        }
    }

    /// A TLS server that speaks `protocols` and takes a while for a handshake, a client that trusts it, and the
    /// number of handshakes.
    async fn tls_server(protocols: &[&str], is_ca: rcgen::IsCa) -> (String, Client, Arc<AtomicUsize>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let certificate = params.self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let end_point = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let handshakes = Arc::new(AtomicUsize::new(0));
        let (acceptor, counted) = (tokio_rustls::TlsAcceptor::from(Arc::new(config)), Arc::clone(&handshakes));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let stream = hyper_util::rt::TokioIo::new(stream);
                    let respond = hyper::service::service_fn(async |_| {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        Ok::<_, std::convert::Infallible>(http::Response::new("{}".to_owned()))
                    });
                    let server = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                    let _ = server.serve_connection(stream, respond).await;
                });
            }
        });
        (end_point, client_trusting(roots).unwrap(), handshakes)
    }

    #[tokio::test]
    async fn eleven_first_calls_share_a_connection_if_the_peer_speaks_http_2_and_succeed_if_it_does_not() {
        for (protocols, expected) in [(&["h2", "http/1.1"][..], 1), (&["http/1.1"], 11), (&[], 11)] {
            let (end_point, client, handshakes) = tls_server(protocols, rcgen::IsCa::NoCa).await;
            let call = async || client.send(client.get(&end_point)).await.unwrap().status();
            let statuses = futures_util::future::join_all((0..11).map(|_| call())).await;
            assert!(statuses.iter().all(reqwest::StatusCode::is_success), "{protocols:?} {statuses:?}");
            assert_eq!(handshakes.load(Ordering::Relaxed), expected, "{protocols:?}");
        }
    }

    #[tokio::test]
    async fn a_certificate_of_a_ca_and_one_that_is_not_trusted_have_different_causes() {
        let of_a_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let (of_a_ca, trusting, _) = tls_server(&[], of_a_ca).await;
        let (untrusted, ..) = tls_server(&[], rcgen::IsCa::NoCa).await;
        for (end_point, expected) in [(of_a_ca, Diagnosis::CertificateOfCa), (untrusted, Diagnosis::Certificate)] {
            let error = trusting.send(trusting.get(&end_point)).await.unwrap_err();
            assert_eq!(diagnosis(&error), expected, "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_hangs_does_not_hold_up_the_calls_behind_it() {
        // The system accepts the connection, and nothing responds to the TLS handshake.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let client = client().unwrap();
        let hanging = client.send(client.get(&format!("https://{}/", silent.local_addr().unwrap())));
        let behind = async {
            tokio::task::yield_now().await;
            client.send(client.get(&sandbox.end_point())).await
        };
        tokio::select! {
            biased;
            hung = hanging => panic!("the call behind waited for it: {hung:?}"),
            response = behind => assert!(response.is_ok(), "{response:?}"),
        }
    }
}
