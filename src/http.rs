//! The one HTTP client of the process: it calls the API and carries the AWS SDK's requests, so that
//! there is one TLS stack, one set of root certificates and one pool of connections.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// How long a connection may take to come up; each call's own time limit counts beside it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept. Between invocations the process is frozen and the peer closes
/// what it keeps, so an old connection would cost the next run a failed call.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(8);

/// The variable that names a PEM file of further root certificates. OpenSSL, curl and Go read it too:
/// proxies that look into TLS and emulators of AWS or of the API are made known to a process with it.
pub const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// Builds the client: HTTP/2 where the peer speaks it, compressed answers, no redirects (one would
/// carry the token elsewhere), the root certificates of Mozilla compiled in, and those of the file that
/// [`ROOTS_FILE`] names beside them.
///
/// # Errors
/// Where the TLS stack cannot be set up.
pub fn client() -> reqwest::Result<reqwest::Client> {
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

/// Adds the certificates of a PEM file; one that cannot be read is passed over.
fn add_roots(roots: &mut RootCertStore, file: &std::path::Path) -> Result<(), rustls::pki_types::pem::Error> {
    let certificates = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    roots.add_parsable_certificates(certificates);
    Ok(())
}

/// [`client`], trusting other root certificates.
///
/// # Errors
/// Where the TLS stack cannot be set up.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn client_trusting(roots: RootCertStore) -> reqwest::Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    // The provider speaks every version that rustls knows; were that to change, reqwest's own would do.
    match ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(tls) => builder.tls_backend_preconfigured(tls.with_root_certificates(roots).with_no_client_auth()).build(),
        Err(_) => builder.build(),
    }
}

/// The AWS SDK's view of `client`.
pub fn for_sdk(client: reqwest::Client) -> SharedHttpClient {
    SharedHttpClient::new(Shared(client))
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
    let request = request.map(|body| match body.bytes() {
        Some(bytes) => reqwest::Body::from(bytes::Bytes::copy_from_slice(bytes)),
        None => reqwest::Body::wrap(body),
    });
    let request = reqwest::Request::try_from(request).map_err(|e| user(e.into()))?;
    let response = client
        .execute(request)
        .await
        .map_err(|e| if e.is_timeout() { ConnectorError::timeout(e.into()) } else { ConnectorError::io(e.into()) })?;
    let response = http::Response::<reqwest::Body>::from(response).map(SdkBody::from_body_1_x);
    HttpResponse::try_from(response).map_err(|e| ConnectorError::other(e.into(), None))
}
