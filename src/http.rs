//! The one HTTP client of the process. It calls the API and carries the AWS SDK's requests, so that there
//! is one TLS stack, one set of root certificates and one pool of connections.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::watch;
use tower_layer::Layer;
use tower_service::Service;
use tracing::warn;
use url::{Host, Url};

/// The time limit of a connect. Each call's own time limit applies too.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time that an idle connection is kept. Between invocations the process is frozen and the peer
/// closes its connections, so an old one would fail the next run's first call.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(8);

/// The largest object that is read from S3, in bytes.
pub const LARGEST_OBJECT: usize = 64 * 1024 * 1024;

/// The largest other answer of AWS that is read, in bytes. A secret has at most 64 KiB.
const LARGEST_AWS_ANSWER: usize = 1024 * 1024;

/// The variable that names a PEM file of further root certificates. OpenSSL, curl and Go read it too. A
/// proxy that inspects TLS, or an emulator of AWS or of the API, needs it.
pub const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// Builds the client. It speaks HTTP/2 where the peer does, and follows no redirects, since one would carry
/// the token elsewhere. It trusts Mozilla's root certificates, which are compiled in, and those of the file
/// that [`ROOTS_FILE`] names.
///
/// # Errors
/// Where the TLS stack cannot be set up.
pub fn client() -> reqwest::Result<Client> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = std::env::var_os(ROOTS_FILE).filter(|file| !file.is_empty()) {
        let file = std::path::Path::new(&file);
        if let Err(error) = add_roots(&mut roots, file) {
            let file = file.display();
            warn!(kind = "config", "{ROOTS_FILE}={file}: {error}; Mozilla's root certificates alone are trusted");
        }
    }
    client_trusting(roots)
}

/// Adds the certificates of a PEM file. A certificate that cannot be used is skipped.
fn add_roots(roots: &mut RootCertStore, file: &std::path::Path) -> Result<(), rustls::pki_types::pem::Error> {
    let certificates = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    roots.add_parsable_certificates(certificates);
    Ok(())
}

/// Builds the [`client`] that trusts `roots` instead.
///
/// # Errors
/// Where the TLS stack cannot be set up.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn client_trusting(roots: RootCertStore) -> reqwest::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let connects = Connects::default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .connector_layer(connects.clone())
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    // The provider speaks every TLS version that rustls knows. If that changes, reqwest's own settings are
    // used.
    let client = match ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(tls) => {
            let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
            // reqwest offers these only with a TLS configuration that it makes itself.
            tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            builder.tls_backend_preconfigured(tls).build()
        }
        Err(_) => builder.build(),
    };
    Ok(Client { client: client?, connects })
}

/// The client, and the number of its pending connects.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    connects: Connects,
}

impl Client {
    /// A GET request, to be sent by [`send`](Self::send).
    pub fn get(&self, url: &str) -> reqwest::RequestBuilder {
        self.client.get(url)
    }

    /// A POST request with a JSON text, to be sent by [`send`](Self::send).
    pub fn post_json(&self, url: &str, text: String) -> reqwest::RequestBuilder {
        self.client.post(url).header(http::header::CONTENT_TYPE, "application/json").body(text)
    }

    /// Sends a request once no connect is pending.
    ///
    /// Requests that start together would each open a connection. The pool learns that HTTP/2 serves them
    /// all only when the first one is up, and by then eleven handshakes are under way. Waiting costs no
    /// time, since a connection of its own would take as long.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<reqwest::Response> {
        self.connects.settle().await;
        request.send().await
    }
}

/// The number of pending connects that may soon be done.
#[derive(Debug, Clone, Default)]
struct Connects(watch::Sender<usize>);

/// The longest wait for a pending connect. A TLS handshake takes 0.7 s at 7 % of a processor, which a
/// function of 128 MB has. A longer one may hang.
const WORTH_WAITING: Duration = Duration::from_secs(1);

/// The polls of the runtime until a new connection is in the pool. The preface of HTTP/2 takes two.
const GREETING: usize = 4;

impl Connects {
    /// Waits once until no connect is pending. Where connections cannot be shared, the requests that waited
    /// then connect together.
    async fn settle(&self) {
        let mut connects = self.0.subscribe();
        if *connects.borrow() == 0 {
            return;
        }
        // The sender lives as long as `self`.
        let _ = connects.wait_for(|connects| *connects == 0).await;
        for _ in 0..GREETING {
            tokio::task::yield_now().await;
        }
    }

    fn begin(&self) -> impl Drop + Send + use<> {
        struct Connecting(watch::Sender<usize>);
        impl Drop for Connecting {
            fn drop(&mut self) {
                self.0.send_modify(|connects| *connects -= 1);
            }
        }
        self.0.send_modify(|connects| *connects += 1);
        Connecting(self.0.clone())
    }
}

impl<S> Layer<S> for Connects {
    type Service = CountingConnector<S>;
    fn layer(&self, connector: S) -> CountingConnector<S> {
        CountingConnector { connector, connects: self.clone() }
    }
}

/// A connector that counts its pending connects.
#[derive(Debug, Clone)]
struct CountingConnector<S> {
    connector: S,
    connects: Connects,
}

impl<S: Service<T>, T> Service<T> for CountingConnector<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let connecting = self.connects.begin();
        let mut connect = Box::pin(self.connector.call(target));
        Box::pin(async move {
            if let Ok(connected) = tokio::time::timeout(WORTH_WAITING, &mut connect).await {
                return connected;
            }
            drop(connecting);
            connect.await
        })
    }
}

/// Whether an address is on this machine.
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
    SharedHttpClient::new(Shared(client.client))
}

#[derive(Debug, Clone)]
struct Shared(reqwest::Client);

impl HttpClient for Shared {
    // The SDK bounds each attempt and each operation itself; see `aws.rs`.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Shared {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { send(client, request).await })
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
    let most = if is_object { LARGEST_OBJECT } else { LARGEST_AWS_ANSWER };
    let response = http::Response::<reqwest::Body>::from(response).map(|body| {
        let too_large =
            move |error: Box<dyn std::error::Error + Send + Sync>| match error.downcast::<LengthLimitError>() {
                Ok(_) => format!("the answer is larger than {} MiB", most >> 20).into(),
                Err(other) => other,
            };
        SdkBody::from_body_1_x(Limited::new(body, most).map_err(too_large))
    });
    HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
}

#[cfg(test)]
mod tests {
    use sandbox::{Options, Sandbox};

    use super::*;

    #[test]
    fn an_address_is_on_this_machine_by_its_host_alone() {
        for here in ["http://127.0.0.1:80/x", "https://127.9.9.9", "http://[::1]:8/", "http://LOCALHOST:8080/v26.0"] {
            assert!(is_on_loopback(here), "{here}");
        }
        for there in
            ["https://graph.facebook.com/127.0.0.1", "http://127.0.0.1@10.0.0.1/", "http://localhost.example", ""]
        {
            assert!(!is_on_loopback(there), "{there}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_hangs_does_not_hold_up_the_calls_behind_it() {
        // The system takes the connection, and nobody answers the TLS handshake.
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
            answer = behind => assert!(answer.is_ok(), "{answer:?}"),
        }
    }
}
