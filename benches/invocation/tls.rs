//! TLS in front of the sandbox, with a new root and certificate. It offers HTTP/2.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Accepts TLS connections and forwards their data to the sandbox, which detects HTTP/2 and HTTP/1.1 itself. It ends
/// when it is dropped.
pub(super) struct Proxy {
    address: SocketAddr,
    root: String,
    handshakes: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts on loopback, in front of the server at `behind`.
    pub(super) async fn start(behind: &str) -> Result<Self> {
        let behind: SocketAddr = behind.parse().context("the sandbox has no address")?;
        let (root, config) = certified()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let handshakes = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), behind, Arc::clone(&handshakes)));
        Ok(Self { address, root, handshakes, task })
    }

    pub(super) fn end_point(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The root certificate to trust, in PEM.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The number of handshakes so far.
    pub(super) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A new root in PEM, and a server with a certificate of it. The keys are ECDSA on P-256, as on most of the
/// web.
fn certified() -> Result<(String, ServerConfig)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &root)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((root.pem(), config))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, behind: SocketAddr, handshakes: Arc<AtomicUsize>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (tls, handshakes) = (tls.clone(), Arc::clone(&handshakes));
        tokio::spawn(async move {
            let mut proxy = tls.accept(stream).await?;
            handshakes.fetch_add(1, Ordering::Relaxed);
            let mut back = TcpStream::connect(behind).await?;
            back.set_nodelay(true)?;
            tokio::io::copy_bidirectional(&mut proxy, &mut back).await
        });
    }
}
