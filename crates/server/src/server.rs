//! Starting and stopping the service.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use bytes::Bytes;
use domesday_model::Permission;
use domesday_store::{ChangeBy, Location, NewApiKey, Store, StoreError};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::caller::ADMINISTRATOR;
use crate::clock::Clock;
use crate::config::{Config, SecretKey};
use crate::limiter::Limiter;
use crate::listener::{self, TlsError};
use crate::pool::Pool;
use crate::seal::{SealError, Sealer};
use crate::service::{App, Service};
use crate::traces::{Traces, TracesError};
use crate::{body, keys, layers, names, openapi, route, routes, runs, webhook};

/// How long the first start may take before another replica may try it, in microseconds.
const FIRST_START_MICROS: i64 = 30_000_000;

/// How many previews are worked out at a time: each evaluates the whole catalog twice.
const PREVIEWS: usize = 1;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret key cannot be used.
    #[error("the secret key: {0}")]
    Seal(#[from] SealError),
    /// The file of the secret key cannot be read or made.
    #[error("the secret key's file {path}: {source}", path = path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// TLS cannot be spoken.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// No traces can be sent to the collector that is named.
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

/// A service at work. Dropping it cuts it off; [`Running::stop`] ends it in good order.
#[derive(Debug)]
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where health and metrics listen, when apart.
    pub operations_address: Option<SocketAddr>,
    /// The first administrator's API key, when this start made it. Shown once: nothing can show it again.
    pub first_key: Option<SecretString>,
    stop: watch::Sender<bool>,
    traces: Traces,
    tasks: JoinSet<()>,
}

impl Running {
    /// Takes no further requests, finishes those under way and what a run can finish, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the service failed");
            }
        }
        self.traces.stop().await;
        tracing::info!("stopped");
    }
}

/// Starts the service: opens the store, mints tenant and first key if there are none, listens.
///
/// # Errors
/// When something of it cannot be had; nothing listens then.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    let sealer = sealer(&config.secret_key)?;
    let tls = config.tls.as_ref().map(listener::acceptor).transpose()?;
    let replica = Uuid::new_v4();
    let traces = Traces::start(config.collector.as_ref(), replica)?;
    let first_key = first_start(&config, &clock, replica).await?;

    let (listener, address) = listen(config.listen).await?;
    let operations = match config.operations_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let stop = watch::Sender::new(false);
    let pool = Pool::new(config.database.clone());
    let mut documented = routes::table(config.max_body_bytes);
    documented.extend(routes::operations());
    let openapi = serde_json::to_vec(&openapi::document(&documented)).expect("the document is plain data");
    let grace = config.shutdown_grace;
    let limiter = Limiter::new(config.failed_authentications);
    let app: App = Arc::new(Service {
        config,
        clock,
        pool,
        sealer,
        metrics: Default::default(),
        traces: traces.clone(),
        limiter,
        cache: Default::default(),
        previews: Semaphore::new(PREVIEWS),
        openapi: Bytes::from(openapi),
        replica,
        wake: Notify::new(),
        told: Notify::new(),
        stop: stop.clone(),
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(runs::keep(app.clone()));
    tasks.spawn(webhook::keep(app.clone()));
    tasks.spawn(names::report(app.clone()));
    let mut serve = |listener: TcpListener, router: Router, tls: Option<TlsAcceptor>| {
        tasks.spawn(listener::serve(listener, router, tls, stop.subscribe(), grace));
    };
    let operations_address = operations.as_ref().map(|(_, address)| *address);
    match operations {
        None => {
            let mut routes = routes::table(app.config.max_body_bytes);
            routes.extend(routes::operations());
            serve(listener, router(routes, &app), tls);
        }
        Some((operations, _)) => {
            serve(listener, router(routes::table(app.config.max_body_bytes), &app), tls);
            serve(operations, router(routes::operations(), &app), None);
        }
    }
    tracing::info!(%address, database = ?app.config.database, %replica, "listening");
    Ok(Running { address, operations_address, first_key, stop, traces, tasks })
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

/// The sealer of a configuration; its key is made where that is wanted.
///
/// # Errors
/// When the key cannot be read, made or used.
pub fn sealer(key: &SecretKey) -> Result<Sealer, StartError> {
    match key {
        SecretKey::Given(text) => Ok(Sealer::from_text(text)?),
        SecretKey::File { path, make } => {
            let at = |source| StartError::KeyFile { path: path.clone(), source };
            let text = match std::fs::read_to_string(path) {
                Ok(text) => text.into(),
                Err(error) if *make && error.kind() == io::ErrorKind::NotFound => {
                    let key = Sealer::new_key()?;
                    write_key(path, &key).map_err(at)?;
                    key
                }
                Err(error) => return Err(at(error)),
            };
            Sealer::from_text(&text).map_err(|error| at(io::Error::other(error)))
        }
    }
}

/// Writes a key into a new file that only its owner reads.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn write_key(path: &Path, key: &SecretString) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, format!("{}\n", key.expose_secret()).as_bytes())?;
    file.sync_all()
}

async fn first_start(
    config: &Config,
    clock: &Clock,
    replica: Uuid,
) -> Result<Option<SecretString>, StartError> {
    let (database, tenant, at) = (config.database.clone(), config.tenant.clone(), clock.now());
    let work = move || -> Result<_, StartError> {
        let mut store = open_private(&database)?;
        store.ensure_tenant(&tenant.name, &tenant.time_zone, at)?;
        // Of several replicas that start at once on an empty database, one makes the key.
        let holder = replica.to_string();
        let until = domesday_model::Instant::from_micros(at.as_micros() + FIRST_START_MICROS);
        if !store.api_keys(Some(ADMINISTRATOR))?.is_empty() {
            return Ok(None);
        }
        let Some(fence) = store.acquire_lease("first-start", &holder, at, until)? else { return Ok(None) };
        let key = if store.api_keys(Some(ADMINISTRATOR))?.is_empty() {
            Some(administrator_key(&mut store, "first start", at)?)
        } else {
            None
        };
        store.release_lease(&fence)?;
        Ok(key)
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Opens the store; a new SQLite file is one that only its owner reads.
fn open_private(database: &Location) -> Result<Store, StoreError> {
    #[cfg(unix)]
    if let Some(path) = database.file()
        && !path.exists()
    {
        // What cannot be made here, opening the store says better.
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let _ = options.write(true).create_new(true).open(path);
    }
    database.open()
}

/// Makes an API key of the administrator, who may do everything.
///
/// # Errors
/// When the store fails or the system gives no random bytes.
pub fn administrator_key(
    store: &mut Store,
    name: &str,
    at: domesday_model::Instant,
) -> Result<SecretString, StartError> {
    let secret = keys::new_secret().map_err(|_| SealError::NoRandom)?;
    let new = NewApiKey {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        owner: ADMINISTRATOR.to_owned(),
        user: None,
        permissions: Permission::ALL.to_vec(),
        roles: true,
        expires_at: None,
    };
    let change = ChangeBy { actor: ADMINISTRATOR, origin: "cli", from: None, at };
    store.create_api_key(new, &keys::hash(&secret), &change)?;
    Ok(secret)
}
