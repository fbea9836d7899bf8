//! A session with a database in one transaction, in which every answer is waited for with a limit.
//!
//! The blocking client waits for ever on a server that accepts a connection and says nothing, so the asynchronous client
//! beneath it is driven here, on a thread of its own: the caller may be on a thread of another runtime.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use postgres::Row;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::SslMode as TlsDemand;
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresAccess;
use super::address::{Address, SslMode};
use super::error::PostgresError;
use super::failures::{connecting, reading};
use super::privileges::{PrivilegesError, Queries};
use super::transport::tls_config;
use crate::network::ConnectError;

/// A session whose transaction has begun.
pub(super) struct Session {
    runtime: Runtime,
    client: Client,
    /// How long one query may take.
    statement_time: Duration,
    /// When the whole read must have ended.
    deadline: Instant,
}

/// How much longer than the server itself an answer is waited for, so that the server gets to say why.
const GRACE: Duration = Duration::from_secs(5);

/// What a reader of the database can be given.
pub(super) type SessionResult<T> = Result<T, SessionError>;

/// Why a use of a session failed.
pub(super) enum SessionError {
    /// A query.
    Query(PrivilegesError),
    /// Anything else.
    Other(PostgresError),
}

impl From<PrivilegesError> for SessionError {
    fn from(error: PrivilegesError) -> Self {
        Self::Query(error)
    }
}

impl From<PostgresError> for SessionError {
    fn from(error: PostgresError) -> Self {
        Self::Other(error)
    }
}

/// Connects, begins a transaction, and uses the session.
///
/// # Errors
/// When that is not possible, and those of the use.
pub(super) fn with_session<T: Send>(
    address: &Address,
    access: &PostgresAccess<'_>,
    use_session: impl FnOnce(&mut Session) -> SessionResult<T> + Send,
) -> Result<T, PostgresError> {
    let resolved = address.server.resolve(access.judge_addresses)?;
    let (password, authorities) = (access.password.as_ref(), &*access.authorities);
    let (connect_limit, bounds) = (access.connect_limit, access.bounds);
    std::thread::scope(|scope| {
        let work = || {
            let client = Connecting { address, password, authorities, limit: connect_limit };
            let (runtime, client) = client.connect(&resolved)?;
            let deadline = Instant::now() + bounds.total_time;
            let mut session = Session { runtime, client, statement_time: bounds.statement_time, deadline };
            let limit = bounds.statement_time;
            session.begin().map_err(|error| reading(error, address, limit))?;
            use_session(&mut session).map_err(|error| match error {
                SessionError::Query(error) => reading(error, address, limit),
                SessionError::Other(error) => error,
            })
        };
        scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Session {
    /// Begins the transaction in which everything is read. No function or operator of the database's own is found by the
    /// queries, which could otherwise run in the name of the reader.
    fn begin(&mut self) -> Result<(), PrivilegesError> {
        let millis = self.statement_time.as_millis();
        self.batch(&format!(
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
             SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = {millis};
             SET LOCAL search_path = pg_catalog; SET LOCAL client_min_messages = error"
        ))
    }

    /// Runs statements that return nothing.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), PrivilegesError> {
        let limit = self.limit()?;
        let Self { runtime, client, .. } = self;
        let done = runtime.block_on(async { timeout(limit, client.batch_execute(sql)).await });
        Ok(done.map_err(|_| PrivilegesError::TimedOut)??)
    }

    fn limit(&self) -> Result<Duration, PrivilegesError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(PrivilegesError::TimedOut)
        } else {
            Ok(left.min(self.statement_time + GRACE))
        }
    }
}

impl Queries for Session {
    fn query(&mut self, sql: &str) -> Result<Vec<Row>, PrivilegesError> {
        let limit = self.limit()?;
        let Self { runtime, client, .. } = self;
        let rows = runtime.block_on(async { timeout(limit, client.query(sql, &[])).await });
        Ok(rows.map_err(|_| PrivilegesError::TimedOut)??)
    }
}

/// What is needed to connect.
struct Connecting<'a> {
    address: &'a Address,
    password: Option<&'a SecretString>,
    authorities: &'a [u8],
    limit: Duration,
}

impl Connecting<'_> {
    /// Connects to the first address that answers.
    fn connect(&self, addresses: &[SocketAddr]) -> Result<(Runtime, Client), PostgresError> {
        let Self { address, authorities, limit, .. } = *self;
        let host = || address.server.shown();
        let tls = tls_config(address.ssl_mode, authorities)
            .map_err(|reason| ConnectError::Tls { host: host(), reason })?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| PostgresError::Failed(error.to_string()))?;
        let config = self.config();
        let open = async {
            let stream = reach(addresses, limit)
                .await
                .map_err(|reason| ConnectError::Unreachable { host: host(), reason })?;
            let failed = |error: &postgres::Error| connecting(error, address, self.password.is_some(), limit);
            match tls {
                None => {
                    let (client, connection) =
                        config.connect_raw(stream, NoTls).await.map_err(|error| failed(&error))?;
                    // What ends the connection is reported by the query that waits for an answer.
                    tokio::spawn(async move { drop(connection.await) });
                    Ok(client)
                }
                Some(tls) => {
                    let mut tls = MakeRustlsConnect::new(tls);
                    let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &address.server.host)
                        .unwrap_or_else(|never| match never {});
                    let (client, connection) =
                        config.connect_raw(stream, tls).await.map_err(|error| failed(&error))?;
                    tokio::spawn(async move { drop(connection.await) });
                    Ok(client)
                }
            }
        };
        let client = runtime.block_on(async { timeout(limit, open).await });
        let client = client.unwrap_or_else(|_| Err(PostgresError::TimedOut { host: host(), limit }))?;
        Ok((runtime, client))
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.user(&self.address.user).dbname(&self.address.database).application_name("domesday");
        config.ssl_mode(match self.address.ssl_mode {
            SslMode::Disable => TlsDemand::Disable,
            SslMode::Prefer => TlsDemand::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => TlsDemand::Require,
        });
        if let Some(password) = self.password {
            config.password(password.expose_secret());
        }
        config
    }
}

/// Connects to the first of some addresses that accepts. Each has its share of the time.
async fn reach(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, String> {
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = "the name has no address".to_owned();
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {} s", share.as_secs_f64()),
        }
    }
    Err(last)
}
