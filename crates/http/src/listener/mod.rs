//! The accept loop: plain or TLS, bounded, and able to stop without cutting anybody off.
//!
//! Own rather than `axum::serve`, for what that leaves out: time limits on reading a request's head and on writing
//! answers (a slow client must not hold a connection for nothing), limits on connections, and TLS.

mod connections;
mod stream;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use domesday_service::{Limits, TlsFiles};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt;

use connections::Place;
pub(crate) use connections::{Connections, RESERVE};
use stream::TimedStream;

/// The largest head of a request, in bytes; a larger one gets 431.
const MAX_HEAD: usize = 32 << 10;

/// How much of requests and answers a connection buffers, in bytes.
const MAX_BUFFER: usize = 64 << 10;

/// How long anything may take on a connection of the reserve.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection of the reserve lives at most.
const RESERVE_LIFETIME: Duration = Duration::from_secs(10);

/// Whom a request came from, as the connection tells. IPv4 in IPv6 is IPv4.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A request came over a connection of the reserve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverLimit;

/// What a listener serves with.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) limits: Limits,
    pub(crate) connections: Arc<Connections>,
    /// How long a stop waits for what is under way.
    pub(crate) grace: Duration,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not fit.
    #[error("certificate and key cannot be used: {0}")]
    Identity(#[from] tokio_rustls::rustls::Error),
}

/// Reads a TLS identity.
///
/// # Errors
/// When a file cannot be read or certificate and key do not fit.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let at = |path: &std::path::Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(at(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(at(&files.key))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves connections until told to stop; then finishes what is under way, for a while at the longest.
pub(crate) async fn serve(listener: TcpListener, serving: Serving, mut stop: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others may end soon.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stopped(&mut stop) => break,
        };
        let peer = peer.ip().to_canonical();
        let Some(place) = serving.connections.admit(peer) else {
            drop(stream);
            // Those that were told to close need a turn to do so.
            tokio::task::yield_now().await;
            continue;
        };
        let (serving, watcher) = (serving.clone(), graceful.watcher());
        tokio::spawn(async move { handle(stream, peer, &place, serving, watcher).await });
    }
    drop(listener);
    if tokio::time::timeout(serving.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still open when the time to shut down was over");
    }
}

/// Waits for the word to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can say the word any more, which is the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves one connection, until it ends or has to make room for another.
async fn handle(stream: TcpStream, peer: IpAddr, place: &Place, serving: Serving, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    let Serving { router, tls, limits, .. } = serving;
    let (head_timeout, write_timeout, lifetime) = if place.is_reserve {
        let shorter = |timeout: Duration| timeout.min(RESERVE_TIMEOUT);
        (shorter(limits.idle_timeout), shorter(limits.write_timeout), RESERVE_LIFETIME)
    } else {
        (limits.idle_timeout, limits.write_timeout, Duration::MAX)
    };
    let stream = TimedStream::new(stream, Arc::clone(&place.activity), write_timeout);
    let served = async {
        match tls {
            None => connection(stream, peer, place, router, head_timeout, watcher).await,
            Some(tls) => match tokio::time::timeout(head_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => connection(stream, peer, place, router, head_timeout, watcher).await,
                Ok(Err(error)) => tracing::debug!(%error, %peer, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            },
        }
    };
    tokio::select! {
        ended = tokio::time::timeout(lifetime, served) => {
            if ended.is_err() {
                tracing::debug!(%peer, "connection over the limit was open too long");
            }
        }
        () = place.activity.evicted() => tracing::debug!(%peer, "connection closed to make room for another"),
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    place: &Place,
    router: Router,
    head_timeout: Duration,
    watcher: Watcher,
) {
    let is_reserve = place.is_reserve;
    let activity = Arc::clone(&place.activity);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let (router, work) = (router.clone(), activity.work());
        async move {
            request.extensions_mut().insert(Peer(peer));
            if is_reserve {
                request.extensions_mut().insert(OverLimit);
            }
            let request: Request = request.map(axum::body::Body::new);
            let answer: Result<_, Infallible> = router.oneshot(request).await;
            drop(work);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .keep_alive(!is_reserve)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, %peer, "connection ended");
    }
}
