//! Whether the service could commit a change now, for probes.
//!
//! The check has a connection of its own, since those of the pool may all be in use when it matters. It runs on a
//! thread of its own, at most one at a time: a database that does not answer blocks that thread and nothing else.
//! Its result is reused for a second, so that many probes cost as much as one.

use std::time::Duration;

use domesday_store::{Store, StoreError, StoreLocation};
use tokio::sync::{Mutex, oneshot};
use tokio::time::Instant as Stopwatch;

/// How long a result is reused.
const FRESH: Duration = Duration::from_secs(1);

/// How long a probe waits for the database.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How often it is checked that the connection is a session of its own, which takes a second connection.
const SESSION_EVERY: Duration = Duration::from_secs(60);

/// Why no change could be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// The disk is full.
    DiskFull,
    /// The database is a standby, or the file may not be written.
    ReadOnly,
    /// A pooler in transaction mode shares sessions between clients.
    TransactionPooler,
    /// Another writer holds the lock.
    Locked,
    /// The database cannot be connected to.
    Unreachable,
    /// The database does not answer.
    Timeout,
    /// Something else, which the log has.
    Failed,
}

impl NotReady {
    /// Returns the reason for programs.
    pub fn key(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::ReadOnly => "read-only",
            Self::TransactionPooler => "transaction-pooler",
            Self::Locked => "locked",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }

    /// Returns the reason for people. It names no address: probes need no key.
    pub fn detail(self) -> &'static str {
        match self {
            Self::DiskFull => "no change can be committed: the disk of the database is full",
            Self::ReadOnly => {
                "no change can be committed: the database is read-only (a standby, or a file or role that may not be \
                 written)"
            }
            Self::TransactionPooler => {
                "the database is reached through a pooler in transaction mode; it must work in session mode"
            }
            Self::Locked => {
                "no change can be committed: another process or a long change has held the database's write lock for \
                 more than 1.5 s"
            }
            Self::Unreachable => "the database cannot be reached; the service's log says why",
            Self::Timeout => "the database does not answer within 3 s",
            Self::Failed => "no change can be committed; the service's log says why",
        }
    }
}

impl From<&StoreError> for NotReady {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::ReadOnly => Self::ReadOnly,
            StoreError::TransactionPooler => Self::TransactionPooler,
            StoreError::Busy => Self::Locked,
            StoreError::Unreachable { .. } | StoreError::Open { .. } => Self::Unreachable,
            _ => Self::Failed,
        }
    }
}

/// Checks the database of a service.
#[derive(Debug)]
pub struct Readiness {
    database: StoreLocation,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<(Stopwatch, Result<(), NotReady>)>,
    /// The check that was begun and has not ended.
    running: Option<oneshot::Receiver<Checked>>,
    connection: Option<Connection>,
}

/// The connection of the checks.
#[derive(Debug)]
struct Connection {
    store: Store,
    session_checked: Stopwatch,
}

/// A check's result, and the connection when it is still good.
type Checked = (Result<(), StoreError>, Option<Connection>);

impl Readiness {
    pub(crate) fn new(database: StoreLocation) -> Self {
        Self { database, state: Mutex::default() }
    }

    /// Returns whether a change could be committed within the last second. Probes at the same time share one check.
    pub async fn check(&self) -> Result<(), NotReady> {
        let mut state = self.state.lock().await;
        if let Some((at, result)) = state.last
            && at.elapsed() < FRESH
        {
            return result;
        }
        let mut running = match state.running.take() {
            Some(running) => running,
            None => begin(self.database.clone(), state.connection.take()),
        };
        let result = match tokio::time::timeout(TIMEOUT, &mut running).await {
            Ok(Ok((checked, connection))) => {
                state.connection = connection;
                checked.map_err(|error| {
                    let reason = NotReady::from(&error);
                    if state.last.is_none_or(|(_, last)| last != Err(reason)) {
                        tracing::warn!(%error, reason = reason.key(), "the service is not ready");
                    }
                    reason
                })
            }
            // The thread could not be started, or panicked.
            Ok(Err(_)) => Err(NotReady::Failed),
            Err(_) => {
                state.running = Some(running);
                Err(NotReady::Timeout)
            }
        };
        state.last = Some((Stopwatch::now(), result));
        result
    }
}

/// Begins a check on a thread of its own.
fn begin(database: StoreLocation, connection: Option<Connection>) -> oneshot::Receiver<Checked> {
    let (done, running) = oneshot::channel();
    let check = move || {
        let (result, connection) = check(&database, connection);
        // Nobody waits when the service has stopped.
        let _ = done.send((result, connection));
    };
    // Where no thread can be had, the channel is closed, which says so.
    let _ = std::thread::Builder::new().name("readiness".to_owned()).spawn(check);
    running
}

fn check(database: &StoreLocation, connection: Option<Connection>) -> Checked {
    let opened = connection.map_or_else(|| open(database), Ok);
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(error) => return (Err(error), None),
    };
    let mut checked = Ok(());
    if connection.session_checked.elapsed() >= SESSION_EVERY {
        checked = connection.store.check_session();
        connection.session_checked = Stopwatch::now();
    }
    let checked = checked.and_then(|()| connection.store.check_commit());
    // After a failure the next check opens a connection: this one may lead to a server that is no longer the primary.
    let kept = checked.is_ok().then_some(connection);
    (checked, kept)
}

fn open(database: &StoreLocation) -> Result<Connection, StoreError> {
    let mut store = database.open_existing()?;
    store.check_session()?;
    Ok(Connection { store, session_checked: Stopwatch::now() })
}

impl Drop for Readiness {
    fn drop(&mut self) {
        if let Some(connection) = self.state.get_mut().connection.take() {
            // Closing a connection may block, and an async task, which may drop this, must not.
            let _ = std::thread::spawn(move || drop(connection)).join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn probes_at_the_same_time_share_a_check_and_its_result_holds_for_a_moment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("governance.db");
        drop(Store::open(&path).unwrap());
        let readiness = Arc::new(Readiness::new(StoreLocation::File(path.clone())));
        assert_eq!(readiness.check().await, Ok(()));
        let log = || std::fs::metadata(dir.path().join("governance.db-wal")).unwrap().len();
        let before = log();
        for _ in 0..100 {
            assert_eq!(readiness.check().await, Ok(()));
        }
        assert_eq!(log(), before, "nothing is written while a result holds");
        readiness.state.lock().await.last = None;
        let probes: Vec<_> = (0..20)
            .map(|_| {
                let readiness = Arc::clone(&readiness);
                tokio::spawn(async move { readiness.check().await })
            })
            .collect();
        for probe in probes {
            assert_eq!(probe.await.unwrap(), Ok(()));
        }
        let one = log() - before;
        assert!(one > 0 && one < 10_000, "one page is committed, not {one} bytes");
    }

    #[tokio::test]
    async fn a_lock_that_another_holds_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("governance.db");
        drop(Store::open(&path).unwrap());
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let readiness = Readiness::new(StoreLocation::File(path));
        assert_eq!(readiness.check().await, Err(NotReady::Locked));
        other.execute_batch("ROLLBACK").unwrap();
        readiness.state.lock().await.last = None;
        assert_eq!(readiness.check().await, Ok(()));
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_holds_up_one_thread() {
        // A server that accepts connections and says nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://u:p@{}/d?sslmode=disable", silent.local_addr().unwrap());
        let readiness = Readiness::new(StoreLocation::parse(&url).unwrap());
        assert_eq!(readiness.check().await, Err(NotReady::Timeout));
        readiness.state.lock().await.last = None;
        assert_eq!(readiness.check().await, Err(NotReady::Timeout));
        silent.set_nonblocking(true).unwrap();
        let connections = std::iter::from_fn(|| silent.accept().ok()).count();
        assert_eq!(connections, 1, "the second probe waited for the first one's check");
    }
}
