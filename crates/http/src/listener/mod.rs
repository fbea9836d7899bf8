//! The accept loop: plain or TLS, bounded, and able to stop without cutting anybody off.
//!
//! Own rather than `axum::serve`, for what that leaves out: time limits on reading a request's head and on writing
//! answers (a slow client must not occupy a connection), limits on connections, and TLS.

mod connections;
mod stream;
mod tls;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use domesday_service::Limits;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

use connections::Place;
pub(crate) use connections::{Connections, RESERVE};
use stream::TimedStream;
pub use tls::TlsError;
pub(crate) use tls::TlsIdentity;

/// The largest head of a request, in bytes; a larger one gets 431.
const MAX_HEAD: usize = 32 << 10;

/// How much of requests and answers a connection buffers, in bytes.
const MAX_BUFFER: usize = 64 << 10;

/// How long anything may take on a connection of the reserve.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection of the reserve lives at most.
const RESERVE_LIFETIME: Duration = Duration::from_secs(10);

/// The address of the connection that a request came over. IPv4 in IPv6 is IPv4.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A request came over a connection of the reserve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverLimit;

/// The settings of a listener.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) tls: Option<Arc<TlsIdentity>>,
    pub(crate) limits: Limits,
    pub(crate) connections: Arc<Connections>,
    /// How long a stop waits for what is under way.
    pub(crate) grace: Duration,
}

/// Serves connections until the service stops; then finishes requests under way, within the grace period.
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
            // Connections that were asked to close need a turn to do so.
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

/// Waits for the signal to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the same.
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
            Some(tls) => match tokio::time::timeout(head_timeout, tls.acceptor().accept(stream)).await {
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
