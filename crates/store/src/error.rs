//! What can go wrong with the store, by what to do about it.

use std::path::PathBuf;

use domesday_model::validate::Problem;
use domesday_model::{Kind, SnapshotError};
use postgres::error::SqlState;
use uuid::Uuid;

/// Why the store could not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the store {path}: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// There is no store at a place where one must exist. A command that does not create stores reports this.
    #[error(
        "there is no store at {place}; check the configuration, --store and the working directory \
         (`domesday serve` and `domesday apply` create a store)"
    )]
    NoStore {
        /// The file, or the server without the password.
        place: String,
    },
    /// The URL names no database that can hold a store.
    #[error(
        "the database URL cannot be read; expected postgres://USER:PASSWORD@HOST/DATABASE, sqlite:PATH or a \
         file's path (one that contains `:` as ./NAME)"
    )]
    UnknownUrl,
    /// The URL asks for a kind of encryption that does not protect.
    #[error(
        "the database URL's sslmode is not known; use verify-full, or disable on a network that is trusted"
    )]
    UnknownSslMode,
    /// The URL asks for a server that cannot hold a store.
    #[error(
        "the database URL's target_session_attrs is not supported; use read-write (or primary), which connects to a \
         server that takes changes, or any"
    )]
    UnknownSessionAttributes,
    /// The authorities that the URL names cannot be read.
    #[error("the root certificates {file} cannot be read: {reason}", file = file.display())]
    RootCertificates {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database server cannot be reached, or does not let us in.
    #[error("cannot reach the database {server}: {}", said(source))]
    Unreachable {
        /// The server, without the password.
        server: String,
        /// What went wrong.
        source: postgres::Error,
    },
    /// Somebody else is changing the store and does not come to an end.
    #[error("the store is busy with a long change by somebody else; try again later")]
    Busy,
    /// The database, or the connection to it, takes no changes.
    #[error(
        "the database is read-only: a standby, or a file or role that may not be written; connect to the primary"
    )]
    ReadOnly,
    /// There is no room for what was to be written.
    #[error("the disk of the database is full; changes are refused until there is room again")]
    DiskFull,
    /// Between the service and the database is a pooler that does not keep sessions.
    #[error(
        "the database is reached through a pooler in transaction mode; it must work in session mode, since settings, \
         prepared statements and locks belong to a session"
    )]
    TransactionPooler,
    /// The backup cannot be written.
    #[error("cannot write the backup {path}: {source}", path = path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The copy cannot take the store's place.
    #[error("cannot restore {place} from {copy}: {reason}", place = place.display(), copy = copy.display())]
    Restore {
        /// The copy.
        copy: PathBuf,
        /// The store's file.
        place: PathBuf,
        /// What is in the way.
        reason: String,
    },
    /// The database is backed up by its own tools.
    #[error(
        "a store on PostgreSQL is backed up and restored with PostgreSQL's tools, such as pg_dump and pg_restore"
    )]
    BackupElsewhere,
    /// The file is a database of something else.
    #[error("this database is not a Domesday store; name another file")]
    Foreign,
    /// A newer Domesday wrote the store.
    #[error("the store has schema version {found}, this Domesday knows up to {known}; use a newer Domesday")]
    TooNew {
        /// The store's version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The catalog names another tenant than the store's.
    #[error(
        "the store belongs to the tenant {stored}, the catalog declares {declared}; a tenant's id never changes"
    )]
    OtherTenant {
        /// The id in the store.
        stored: Uuid,
        /// The id in the catalog.
        declared: Uuid,
    },
    /// What is not changed would no longer fit what is.
    #[error(
        "this would leave the store inconsistent; change these objects too (an apply: declare them, or --prune):\n{}",
        list(problems)
    )]
    Inconsistent {
        /// What would be wrong with which objects that stay as they are.
        problems: Vec<(String, Problem)>,
    },
    /// The object is not one that a catalog may hold.
    #[error("the object is not valid:\n{}", invalid(problems))]
    Invalid {
        /// What is wrong with it; the index of each problem means nothing.
        problems: Vec<Problem>,
    },
    /// There is nothing of that name.
    #[error("there is no {target}")]
    NotFound {
        /// What was named, as `KIND/NAME`.
        target: String,
    },
    /// A run of the export is queued or under way, and there is one at a time.
    #[error("the run {run} is queued or under way; one at a time")]
    RunUnderWay {
        /// The run.
        run: Uuid,
    },
    /// The thing to be changed is not in the state that the caller expects.
    #[error("{target} {reason}")]
    Precondition {
        /// What was named, as `KIND/NAME`.
        target: String,
        /// What differs, and what to do.
        reason: &'static str,
    },
    /// Who writes lost its lease to somebody else, whose writes must stay.
    #[error("somebody else took over {lease}; what came of this attempt is not recorded")]
    Superseded {
        /// The lease.
        lease: String,
    },
    /// A text holds the one character that a database cannot keep.
    #[error("a name or text holds a NUL character; leave it out")]
    NulInText,
    /// An idempotency key came with another request than before.
    #[error("the idempotency key was used for another request; use a new key for each request")]
    KeyReused,
    /// A document in the store cannot be read.
    #[error("the store's {kind} `{name}` cannot be read: {source}")]
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
    /// An object in the store refers to nothing.
    #[error("the store is not consistent: {0}")]
    Snapshot(#[from] SnapshotError),
    /// There is nothing to take a snapshot of.
    #[error("the store is empty; bring a catalog in with `domesday apply DIR`")]
    Empty,
    /// SQLite failed.
    #[error("the store failed: {0}")]
    Sqlite(#[source] rusqlite::Error),
    /// PostgreSQL failed.
    #[error("the store failed: {}", said(.0))]
    Postgres(#[source] postgres::Error),
}

impl StoreError {
    /// Whether the database may be able to do the same thing in a little while: it cannot be reached, another server takes
    /// over, or it is busy. What is wrong with the data stays wrong.
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
            // Names of prepared statements are counted by connection: only somebody else's can be in the way of them, or
            // gone, in a session that is shared.
            Some(&SqlState::DUPLICATE_PSTATEMENT | &SqlState::INVALID_SQL_STATEMENT_NAME) => {
                Self::TransactionPooler
            }
            _ => Self::Postgres(error),
        }
    }
}

/// What a PostgreSQL error says, without the details, which quote values.
fn said(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", error.message(), error.code().code());
    }
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// How many problems a message lists; the rest is counted.
const LISTED: usize = 50;

fn list(problems: &[(String, Problem)]) -> String {
    let lines = problems
        .iter()
        .map(|(name, problem)| format!("  {} `{name}`: {}: {}", problem.kind, problem.path, problem.message));
    first_of(problems.len(), lines)
}

fn invalid(problems: &[Problem]) -> String {
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
