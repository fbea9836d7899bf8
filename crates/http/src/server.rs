//! Starting and stopping the service.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use bytes::Bytes;
use domesday_service::traces::{Traces, TracesError};
use domesday_service::{Clock, Config, Limits, PreparedService, Service, StartError, sessions};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use crate::event_streams::EventStreams;
use crate::limiter::Limiter;
use crate::listener::{self, Connections, RESERVE, Serving, TlsError, TlsIdentity};
use crate::route::Route;
use crate::router::router;
use crate::routes::{documentation, operations, table};
use crate::state::{App, AppState};
use crate::{body, console, layers, scim};

/// How many files the service opens beside connections, at most: databases, deliveries, what it sends.
const OTHER_FILES: usize = 256;

/// How much longer than its time of grace a shutdown lasts, before work that still hangs is abandoned.
const FINAL_GRACE: Duration = Duration::from_secs(4);

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store or the secret key cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// TLS cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// No traces can be sent to the collector that is configured.
    #[error("traces: {0}")]
    Traces(#[from] TracesError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A running service. Dropping it cuts it off; [`Running::stop`] ends it in good order.
#[derive(Debug)]
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where health and metrics listen, when apart.
    pub operations_address: Option<SocketAddr>,
    /// The first administrator's API key, when this start created it. Shown once: nothing can show it again.
    pub first_key: Option<SecretString>,
    /// A link that signs in the operator once, within 15 minutes; none when somebody has signed in already.
    pub sign_in_link: Option<SecretString>,
    service: Arc<Service>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Takes no further requests, finishes those under way and what a run can finish within the time of grace, and
    /// ends. False when some work hangs and had to be abandoned: the process should then end at once.
    pub async fn stop(mut self) -> bool {
        self.service.signals.stop();
        let tasks = &mut self.tasks;
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a task of the service failed");
                }
            }
        };
        let grace = self.service.config.shutdown_grace + FINAL_GRACE;
        let is_complete = tokio::time::timeout(grace, all).await.is_ok();
        let is_finished = tokio::time::timeout(FINAL_GRACE, self.service.finish()).await.is_ok();
        if is_complete && is_finished {
            tracing::info!("stopped");
            return true;
        }
        tracing::error!("the time to shut down is over, and some work hangs; it is abandoned");
        false
    }
}

/// Starts the service: listens, opens the store, creates the tenant and the first key if there are none.
///
/// # Errors
/// When a part of it cannot be had; nothing listens then.
pub async fn start(config: Config, clock: Clock) -> Result<Running, ServeError> {
    start_with(config, clock, |_| Ok(())).await
}

/// Starts the service as [`start`] does. `announce` is given the first administrator's API key before it is committed:
/// a key that could be shown to nobody is not created, and the next start creates another.
///
/// # Errors
/// As [`start`], and when `announce` fails.
pub async fn start_with(
    config: Config,
    clock: Clock,
    announce: impl FnOnce(&SecretString) -> io::Result<()> + Send + 'static,
) -> Result<Running, ServeError> {
    // Everything that may fail is done before the first key is created: it is shown once.
    let tls = config.tls.as_ref().map(TlsIdentity::load).transpose()?.map(Arc::new);
    let (listener, address) = listen(config.listen).await?;
    let operations_listener = match config.operations_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let replica = Uuid::new_v4();
    let traces = Traces::start(config.collector.as_ref(), replica)?;
    let prepared = Service::prepare(config, clock, traces, replica, announce).await?;
    let PreparedService { service, first_key, has_signed_in } = prepared;
    let sign_in_token =
        if has_signed_in { None } else { sessions::new_link(&service.pool, service.now()).await };

    let config = &service.config;
    let limits = within_files(config.limits, operations_listener.is_some());
    let connections = || {
        let proxies = config.trusted_proxies.clone();
        Connections::new(limits.connections, limits.connections_per_address, proxies)
    };
    let [api_connections, operations_connections] = [connections(), connections()];
    let app: App = Arc::new(AppState {
        limiter: Limiter::new(config.failed_authentications),
        event_streams: EventStreams::default(),
        openapi: Bytes::from(documentation(config.max_body_bytes).to_string()),
        service: Arc::clone(&service),
    });
    let mut tasks = JoinSet::new();
    service.spawn_tasks(&mut tasks);
    if let Some(tls) = &tls {
        tasks.spawn(Arc::clone(tls).watch(service.signals.subscribe()));
    }
    let grace = config.shutdown_grace;
    let mut serve = |listener: TcpListener, router: Router, tls: Option<Arc<TlsIdentity>>, connections| {
        let serving = Serving { router, tls, limits, connections, grace };
        tasks.spawn(listener::serve(listener, serving, service.signals.subscribe()));
    };
    let operations_address = operations_listener.as_ref().map(|(_, address)| *address);
    let mut routes = table(config.max_body_bytes);
    match operations_listener {
        None => {
            routes.extend(operations());
            serve(listener, layered(api_and_console(routes, &app), &app), tls, api_connections);
        }
        Some((operations_listener, _)) => {
            serve(listener, layered(api_and_console(routes, &app), &app), tls, api_connections);
            let operations = layered(router(operations(), &app), &app);
            serve(operations_listener, operations, None, operations_connections);
        }
    }
    tracing::info!(%address, database = ?config.database, %replica, "listening");
    let sign_in_link = sign_in_token.map(|token| console::sign_in_link(&config.browser_url(address), &token));
    Ok(Running { address, operations_address, first_key, sign_in_link, service, tasks })
}

/// Returns the limits, with no more connections than the process may have files open.
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

/// Returns the router of the API, of the console and of SCIM.
fn api_and_console(routes: Vec<Route>, app: &App) -> Router {
    router(routes, app).merge(console::router(app)).merge(scim::router(app))
}

/// Returns a router with the layers around every request.
fn layered(router: Router, app: &App) -> Router {
    router
        .layer(DefaultBodyLimit::max(app.service.config.max_body_bytes))
        .layer(layers::same_origin(&app.service.config.public_url))
        .layer(CatchPanicLayer::custom(layers::answer_panic))
        .layer(middleware::from_fn(console::answer_browsers))
        .layer(middleware::from_fn(body::drain_body))
        .layer(layers::compression())
        .layer(middleware::from_fn_with_state(app.clone(), layers::handle_request))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let at = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(at)?;
    let address = listener.local_addr().map_err(at)?;
    Ok((listener, address))
}
