//! Errors of the store, by what the caller can do about them.

use std::path::PathBuf;

use domesday_model::validate::CatalogProblem;
use domesday_model::{Kind, SnapshotError};
use postgres::error::SqlState;
use uuid::Uuid;

/// Why an operation of the store failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the store {path}: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// There is no store, and the command does not create one.
    #[error(
        "there is no store at {place}; check the configuration, --store and the working directory \
         (`domesday serve` and `domesday apply` create a store)"
    )]
    NoStore {
        /// The file, or the server without the password.
        place: String,
    },
    /// The URL does not name a supported database.
    #[error(
        "the database URL is invalid; expected postgres://USER:PASSWORD@HOST/DATABASE, sqlite:PATH or a \
         file's path (one that contains `:` as ./NAME)"
    )]
    UnknownUrl,
    /// The `sslmode` of the URL is not supported, since it would not protect the connection.
    #[error(
        "the sslmode of the database URL is not supported; use verify-full, or disable on a trusted network"
    )]
    UnknownSslMode,
    /// The `target_session_attrs` of the URL is not supported.
    #[error(
        "the target_session_attrs of the database URL is not supported; use read-write (or primary), to connect to a \
         server that accepts writes, or any"
    )]
    UnknownSessionAttributes,
    /// The root certificates that the URL names cannot be read.
    #[error("the root certificates {file} cannot be read: {reason}", file = file.display())]
    RootCertificates {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database server cannot be reached, or rejects the login.
    #[error("cannot reach the database {server}: {}", message(source))]
    Unreachable {
        /// The server, without the password.
        server: String,
        /// What went wrong.
        source: postgres::Error,
    },
    /// Another writer holds the lock for too long.
    #[error("the store is locked by another writer; try again later")]
    Busy,
    /// The database, or the connection to it, does not accept writes.
    #[error(
        "the database is read-only: it is a standby, or the file or role does not allow writes; connect to the primary"
    )]
    ReadOnly,
    /// The disk is full.
    #[error("the disk of the database is full; free some space")]
    DiskFull,
    /// The connection goes through a transaction pooler.
    #[error(
        "the database connection goes through a pooler in transaction mode; use session mode, since settings, \
         prepared statements and locks belong to a session"
    )]
    TransactionPooler,
    /// The backup cannot be written.
    #[error("cannot write the backup {path}: {source}", path = path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The store cannot be restored.
    #[error("cannot restore {place} from {copy}: {reason}", place = place.display(), copy = copy.display())]
    Restore {
        /// The backup.
        copy: PathBuf,
        /// The store's file.
        place: PathBuf,
        /// Why.
        reason: String,
    },
    /// PostgreSQL has tools of its own for backups.
    #[error(
        "a store on PostgreSQL cannot be backed up with this command; use PostgreSQL's tools, such as pg_dump and \
         pg_restore"
    )]
    BackupElsewhere,
    /// The database belongs to another program.
    #[error("this database is not a Domesday store; choose another one")]
    Foreign,
    /// A newer Domesday wrote the store.
    #[error(
        "the store has schema version {found}, and this version of Domesday supports up to {known}; upgrade Domesday"
    )]
    TooNew {
        /// The store's version.
        found: i64,
        /// The newest version that is supported.
        known: i64,
    },
    /// Connections list an object that was to be deleted.
    #[error(
        "the {kind} `{name}` is listed by {}; remove it there, and it becomes disabled with the next sync",
        connections.join(", ")
    )]
    Listed {
        /// The object's kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// The connections.
        connections: Vec<String>,
    },
    /// The catalog names another tenant than the store's.
    #[error(
        "the store belongs to the tenant {stored}, but the catalog declares {declared}; the id of a tenant never changes"
    )]
    OtherTenant {
        /// The id in the store.
        stored: Uuid,
        /// The id in the catalog.
        declared: Uuid,
    },
    /// Unchanged objects would refer to a removed object, or no longer fit a changed one.
    #[error(
        "other objects depend on this change; change them too (with apply: declare them, or use --prune):\n{}",
        list(problems)
    )]
    Inconsistent {
        /// The objects that depend on the change, each with its problem.
        problems: Vec<(String, CatalogProblem)>,
    },
    /// The object is invalid.
    #[error("the object is invalid:\n{}", invalid(problems))]
    Invalid {
        /// What is wrong with it; the index of each problem has no meaning.
        problems: Vec<CatalogProblem>,
    },
    /// The object does not exist.
    #[error("there is no {target}")]
    NotFound {
        /// The object, as `KIND/NAME`.
        target: String,
    },
    /// Another run of the export is queued or running.
    #[error("the run {run} is already queued or running; an export has one run at a time")]
    RunUnderWay {
        /// The run.
        run: Uuid,
    },
    /// The precondition of the change is not met.
    #[error("{target} {reason}")]
    Precondition {
        /// The object, as `KIND/NAME`.
        target: String,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// Another process acquired the lease, so this write is rejected.
    #[error("another process took over {lease}; the result of this attempt is not recorded")]
    Superseded {
        /// The lease.
        lease: String,
    },
    /// A text contains U+0000, which PostgreSQL cannot store.
    #[error("a name or text contains the character U+0000; remove it")]
    NulInText,
    /// An idempotency key was reused for a different request.
    #[error("the idempotency key was used for a different request; use a new key for each request")]
    KeyReused,
    /// A document in the store cannot be read.
    #[error("the stored {kind} `{name}` cannot be read: {source}")]
    Document {
        /// The object's kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The configuration of an export in the store cannot be read.
    #[error(
        "the stored configuration of export `{id}` cannot be read: {source}; delete the export and configure it again"
    )]
    ExportConfiguration {
        /// The export.
        id: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An object in the store refers to one that does not exist.
    #[error("the store is inconsistent: {0}")]
    Snapshot(#[from] SnapshotError),
    /// The store has no tenant and no objects.
    #[error("the store is empty; run `domesday apply DIR` first")]
    Empty,
    /// SQLite failed.
    #[error("the store failed: {0}")]
    Sqlite(#[source] rusqlite::Error),
    /// PostgreSQL failed.
    #[error("the store failed: {}", message(.0))]
    Postgres(#[source] postgres::Error),
}

impl StoreError {
    /// Whether a retry may succeed: the database cannot be reached, fails over, or is locked.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Busy | Self::ReadOnly => true,
            Self::Postgres(error) => {
                error.is_closed()
                    || error.code().is_none_or(|code| {
                        // Connection exceptions, shutdowns and crashes, too many connections.
                        ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class))
                    })
            }
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => Self::Busy,
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            Some(rusqlite::ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => Self::Busy,
            Some(&SqlState::DISK_FULL) => Self::DiskFull,
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => Self::ReadOnly,
            // Each connection counts the names of its prepared statements: a name is taken or missing only in a session that
            // is shared.
            Some(&SqlState::DUPLICATE_PSTATEMENT | &SqlState::INVALID_SQL_STATEMENT_NAME) => {
                Self::TransactionPooler
            }
            _ => Self::Postgres(error),
        }
    }
}

/// Returns the message of a PostgreSQL error without its details, which may quote values.
fn message(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", error.message(), error.code().code());
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// How many problems a message lists; it counts the others.
const LISTED: usize = 50;

fn list(problems: &[(String, CatalogProblem)]) -> String {
    let lines = problems
        .iter()
        .map(|(name, problem)| format!("  {} `{name}`: {}: {}", problem.kind, problem.path, problem.message));
    first_of(problems.len(), lines)
}

fn invalid(problems: &[CatalogProblem]) -> String {
    let lines = problems.iter().map(|problem| match problem.path.0.as_slice() {
        [] => format!("  {}", problem.message),
        _ => format!("  {}: {}", problem.path, problem.message),
    });
    first_of(problems.len(), lines)
}

fn first_of(count: usize, lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<_> = lines.take(LISTED).collect();
    if count > LISTED {
        lines.push(format!("  and {} more", count - LISTED));
    }
    lines.join("\n")
}
