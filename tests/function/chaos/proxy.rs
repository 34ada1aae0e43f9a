//! A proxy between the function and the sandbox: on another kind of address, with TLS, or breaking
//! connections.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How the proxy breaks the first connection that carries a response. Later connections are not changed.
#[derive(Clone, Copy)]
pub enum Breaks {
    Never,
    /// It closes the connection after this many bytes of responses.
    After(usize),
    /// After the first complete response, it sends HTTP/2's GOAWAY with this error code and closes the connection.
    /// Other requests on the connection get no response.
    GoAway(u32),
}

/// A proxy in front of the sandbox. It ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    breaks: Breaks,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy on IPv6's loopback; `None` if the machine has none.
    pub fn on_v6(behind: SocketAddr) -> Option<Self> {
        let listener = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok()?;
        Some(Self::start(listener, behind, None, Breaks::Never))
    }

    /// A proxy on IPv4's loopback.
    pub fn plain(behind: SocketAddr, breaks: Breaks) -> Self {
        Self::start(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), behind, None, breaks)
    }

    /// A proxy with TLS, which offers HTTP/2.
    pub fn tls(behind: SocketAddr, certificate: &Certificate, breaks: Breaks) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self::start(listener, behind, Some(TlsAcceptor::from(Arc::clone(&certificate.config))), breaks)
    }

    fn start(listener: std::net::TcpListener, behind: SocketAddr, tls: Option<TlsAcceptor>, breaks: Breaks) -> Self {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, behind, tls, breaks, Arc::clone(&connections)));
        Self { address, breaks, connections, task }
    }

    /// Whether the proxy breaks the first connection.
    pub fn breaks(&self) -> bool {
        !matches!(self.breaks, Breaks::Never)
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A new root certificate, and a server's certificate of it.
pub struct Certificate {
    /// The root, in PEM.
    pub root: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    /// A certificate for `name`. An `expired` one ended in 2021.
    pub fn new(name: &str, expired: bool) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let certificate = params.signed_by(&key, &root).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { root: root.pem(), config: Arc::new(config) }
    }
}

async fn serve(
    listener: TcpListener,
    behind: SocketAddr,
    tls: Option<TlsAcceptor>,
    breaks: Breaks,
    connections: Arc<AtomicUsize>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, connections) = (tls.clone(), Arc::clone(&connections));
        tokio::spawn(async move {
            let back = TcpStream::connect(behind).await?;
            match tls {
                Some(tls) => pass(tls.accept(stream).await?, back, breaks, &connections).await,
                None => pass(stream, back, breaks, &connections).await,
            }
        });
    }
}

async fn pass(
    proxy: impl AsyncRead + AsyncWrite,
    back: TcpStream,
    breaks: Breaks,
    connections: &AtomicUsize,
) -> std::io::Result<()> {
    let is_first = connections.fetch_add(1, Ordering::Relaxed) == 0;
    let (mut from, mut to) = tokio::io::split(proxy);
    let (mut responses, mut calls) = back.into_split();
    let asked = tokio::io::copy(&mut from, &mut calls);
    let forwarded = async {
        match breaks {
            Breaks::After(bytes) if is_first => {
                tokio::io::copy(&mut (&mut responses).take(bytes as u64), &mut to).await?;
            }
            Breaks::GoAway(code) if is_first => until_a_response(&mut responses, &mut to, code).await?,
            _ => drop(tokio::io::copy(&mut responses, &mut to).await?),
        }
        to.shutdown().await
    };
    // The connection ends with the responses.
    tokio::select! {
        ended = forwarded => ended,
        Err(error) = asked => Err(error),
    }
}

/// Forwards frames of HTTP/2 until the end of the first response, and then sends GOAWAY.
async fn until_a_response(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    code: u32,
) -> std::io::Result<()> {
    const HEADERS_AND_DATA: [u8; 2] = [1, 0];
    const END_STREAM: u8 = 1;
    loop {
        let mut head = [0; 9];
        from.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        from.read_exact(&mut payload).await?;
        to.write_all(&head).await?;
        to.write_all(&payload).await?;
        if HEADERS_AND_DATA.contains(&kind) && flags & END_STREAM != 0 {
            let go_away = [&[0, 0, 8, 7, 0, 0, 0, 0, 0], &stream[..], &code.to_be_bytes()[..]].concat();
            return to.write_all(&go_away).await;
        }
    }
}
