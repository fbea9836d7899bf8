//! Starting and stopping the service.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use bytes::Bytes;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, Limits};
use crate::limiter::Limiter;
use crate::listener::{self, Connections, RESERVE, Serving};
use crate::pool::Pool;
use crate::readiness::Readiness;
use crate::service::{App, Service};
use crate::start::{StartError, prepare};
use crate::traces::Traces;
use crate::{body, last_use, layers, names, openapi, route, routes, runs, webhook};

/// How many previews are worked out at a time: each evaluates the whole catalog twice.
const PREVIEWS: usize = 1;

/// How many files the service opens beside connections, at most: databases, deliveries, what it sends.
const OTHER_FILES: usize = 256;

/// How many destinations are verified at a time: each may hang for as long as a verification may take.
const VERIFICATIONS: usize = 4;

/// How much longer than its time of grace a shutdown lasts, before what still hangs is given up.
const LAST_GRACE: Duration = Duration::from_secs(4);

/// A service at work. Dropping it cuts it off; [`Running::stop`] ends it in good order.
#[derive(Debug)]
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where health and metrics listen, when apart.
    pub operations_address: Option<SocketAddr>,
    /// The first administrator's API key, when this start made it. Shown once: nothing can show it again.
    pub first_key: Option<SecretString>,
    app: App,
    tasks: JoinSet<()>,
}

impl Running {
    /// Takes no further requests, finishes those under way and what a run can finish within the time of grace, and
    /// ends. False when something hangs that had to be given up: the process should then end at once.
    pub async fn stop(mut self) -> bool {
        self.app.stop.send_replace(true);
        let tasks = &mut self.tasks;
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a task of the service failed");
                }
            }
        };
        let is_complete =
            tokio::time::timeout(self.app.config.shutdown_grace + LAST_GRACE, all).await.is_ok();
        let last = async {
            last_use::finish(&self.app).await;
            self.app.traces.stop().await;
        };
        let sent = tokio::time::timeout(LAST_GRACE, last).await;
        if is_complete && sent.is_ok() {
            tracing::info!("stopped");
            return true;
        }
        tracing::error!("the time to shut down is over, and some work hangs; it is given up");
        false
    }
}

/// Starts the service: listens, opens the store, creates the tenant and the first key if there are none.
///
/// # Errors
/// When something of it cannot be had; nothing listens then.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    start_with(config, clock, |_| Ok(())).await
}

/// Starts the service as [`start`] does. `announce` is given the first administrator's API key before it is committed:
/// a key that nobody could be shown is not created, and the next start creates another.
///
/// # Errors
/// As [`start`], and when `announce` fails.
pub async fn start_with(
    config: Config,
    clock: Clock,
    announce: impl FnOnce(&SecretString) -> io::Result<()> + Send + 'static,
) -> Result<Running, StartError> {
    // Whatever may fail comes before the first key: it is shown once.
    let tls = config.tls.as_ref().map(listener::acceptor).transpose()?;
    let (listener, address) = listen(config.listen).await?;
    let operations = match config.operations_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let replica = Uuid::new_v4();
    let traces = Traces::start(config.collector.as_ref(), replica)?;
    let (config, prepared) = prepare(config, clock.now(), announce).await?;

    let limits = within_files(config.limits, operations.is_some());
    let connections = || {
        let proxies = config.trusted_proxies.clone();
        Connections::new(limits.connections, limits.connections_per_address, proxies)
    };
    let connections = [connections(), connections()];
    let grace = config.shutdown_grace;
    let mut documented = routes::table(config.max_body_bytes);
    documented.extend(routes::operations());
    let openapi = serde_json::to_vec(&openapi::document(&documented)).expect("the document is plain data");
    let app: App = Arc::new(Service {
        clock,
        pool: Pool::new(config.database.clone()),
        readiness: Readiness::new(config.database.clone()),
        sealer: prepared.sealer,
        metrics: Default::default(),
        traces,
        limiter: Limiter::new(config.failed_authentications),
        last_use: Default::default(),
        cache: Default::default(),
        identity: Default::default(),
        reviews: Default::default(),
        previews: Semaphore::new(PREVIEWS),
        verifications: Arc::new(Semaphore::new(VERIFICATIONS)),
        openapi: Bytes::from(openapi),
        replica,
        wake: Notify::new(),
        cancel_wake: Notify::new(),
        told: Notify::new(),
        stop: watch::Sender::new(false),
        config,
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(runs::keep(app.clone()));
    tasks.spawn(webhook::keep(app.clone()));
    tasks.spawn(names::report(app.clone()));
    tasks.spawn(last_use::run(app.clone()));
    let [api_connections, operations_connections] = connections;
    let mut serve = |listener: TcpListener, router: Router, tls: Option<TlsAcceptor>, connections| {
        let serving = Serving { router, tls, limits, connections, grace };
        tasks.spawn(listener::serve(listener, serving, app.stop.subscribe()));
    };
    let operations_address = operations.as_ref().map(|(_, address)| *address);
    match operations {
        None => {
            let mut routes = routes::table(app.config.max_body_bytes);
            routes.extend(routes::operations());
            serve(listener, router(routes, &app), tls, api_connections);
        }
        Some((operations, _)) => {
            let routes = routes::table(app.config.max_body_bytes);
            serve(listener, router(routes, &app), tls, api_connections);
            serve(operations, router(routes::operations(), &app), None, operations_connections);
        }
    }
    tracing::info!(%address, database = ?app.config.database, %replica, "listening");
    Ok(Running { address, operations_address, first_key: prepared.first_key, app, tasks })
}

/// The limits, with no more connections than the process may have files open.
fn within_files(limits: Limits, listens_twice: bool) -> Limits {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let files = getrlimit(Resource::Nofile).current;
        let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
        let listeners = if listens_twice { 2 } else { 1 };
        let most = files.saturating_sub(OTHER_FILES) / listeners;
        let most = most.saturating_sub(2 * RESERVE).max(RESERVE);
        if most < limits.connections {
            tracing::warn!(
                files,
                max_connections = most,
                "the limit on open files allows fewer connections than server.max_connections"
            );
            return Limits { connections: most, ..limits };
        }
    }
    limits
}

/// The router of some routes, with what happens around every request.
fn router(routes: Vec<route::Route>, app: &App) -> Router {
    route::router(routes, app)
        .layer(DefaultBodyLimit::max(app.config.max_body_bytes))
        .layer(middleware::from_fn(body::to_its_end))
        .layer(middleware::from_fn_with_state(app.clone(), layers::around))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let at = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(at)?;
    let address = listener.local_addr().map_err(at)?;
    Ok((listener, address))
}
