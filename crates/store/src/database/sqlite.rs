//! SQLite, embedded: a file, or memory.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::{Insert, Row, UseRow, Value};
use crate::StoreError;
use crate::observer::{StoreEvent, StoreObserver};

/// How long a writer waits for the lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause between attempts where SQLite itself does not wait.
const RETRY: Duration = Duration::from_millis(5);

/// The capacity of the cache of prepared statements: about as many as the store has.
const STATEMENTS: usize = 96;

/// Creates an empty file that only its owner may read. SQLite treats it as an empty database, and gives its other files the
/// same permissions.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A connection to SQLite.
pub(crate) struct Sqlite {
    connection: Connection,
    /// Told of every transaction, where there is one.
    observer: Option<Arc<dyn StoreObserver>>,
}

impl Sqlite {
    /// Opens a file; creates it when it is missing and `create` is true.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Self, StoreError> {
        if create {
            // Fails when the file exists.
            let _ = create_private(path);
        }
        let mut flags = OpenFlags::default();
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Self::prepare(connection)
    }

    /// Writes a consistent copy into a new file, while others read and write.
    pub(crate) fn copy_into(&mut self, path: &Path) -> Result<(), StoreError> {
        let path = path.to_str().ok_or_else(|| StoreError::Backup {
            path: path.to_owned(),
            source: io::Error::other("the path is not valid UTF-8"),
        })?;
        self.connection.execute("VACUUM INTO ?1", [path])?;
        Ok(())
    }

    /// Whether the integrity check passes.
    pub(crate) fn is_intact(&self) -> Result<bool, StoreError> {
        let checked =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
        match checked {
            Ok(result) => Ok(result == "ok"),
            Err(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseCorrupt) => Ok(false),
                Some(rusqlite::ErrorCode::NotADatabase) => Err(StoreError::Foreign),
                _ => Err(error.into()),
            },
        }
    }

    /// Opens a database in memory.
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    /// Opens another connection to the same file; `None` for a database in memory.
    pub(super) fn another(&self) -> Result<Option<Self>, StoreError> {
        let path = self.connection.path().filter(|path| !path.is_empty());
        path.map(|path| Self::open(Path::new(path), false)).transpose()
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self { connection, observer: None })
    }

    /// Makes commits durable, and lets readers work beside a writer. Only for a file that is known to be a store.
    pub(crate) fn make_durable(&self) -> Result<(), StoreError> {
        // A commit returns when it is on disk.
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        // In WAL mode, readers are not blocked by a writer. The mode is stored in the file; the switch requires exclusive
        // access, for which SQLite does not wait.
        let start = Stopwatch::now();
        loop {
            let mode: String = self.connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            if mode == "wal" {
                return Ok(());
            }
            match self.connection.pragma_update(None, "journal_mode", "WAL") {
                Ok(()) => return Ok(()),
                Err(_) if start.elapsed() < BUSY_TIMEOUT => std::thread::sleep(RETRY),
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) fn set_observer(&mut self, observer: Arc<dyn StoreObserver>) {
        self.observer = Some(observer);
    }

    pub(super) fn observe(&self, event: StoreEvent) -> Result<(), StoreError> {
        self.observer.as_ref().map_or(Ok(()), |observer| observer.observe(event))
    }

    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let touched = self.connection.prepare_cached(sql)?.execute(params_from_iter(values))?;
        Ok(touched as u64)
    }

    pub(super) fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        use_row: UseRow<'_>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            use_row(&Row::Sqlite(row))?;
        }
        Ok(())
    }

    pub(super) fn insert_many<'v, const N: usize>(
        &mut self,
        into: &Insert,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(&into.statement())?;
        for row in rows {
            statement.execute(params_from_iter(&row))?;
        }
        Ok(())
    }

    pub(super) fn script(&mut self, script: &str) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(script)?)
    }

    /// Returns the number of a pragma.
    pub(crate) fn pragma(&self, name: &str) -> Result<i64, StoreError> {
        self.connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| {
            match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign,
                _ => error.into(),
            }
        })
    }

    /// Whether the file is read-only, as SQLite opens it without permission to write.
    pub(crate) fn is_read_only(&self) -> Result<bool, StoreError> {
        Ok(self.connection.is_readonly("main")?)
    }

    /// Commits the unchanged first page, whose header has the version of the schema. The commit appends it to the
    /// write-ahead log, which requires space on the disk as any write does.
    pub(crate) fn check_commit(&mut self, wait: Duration) -> Result<(), StoreError> {
        self.connection.busy_timeout(wait)?;
        let committed = self.script("BEGIN IMMEDIATE").and_then(|()| {
            let version = self.pragma("user_version")?;
            self.set_pragma("user_version", version)?;
            self.script("COMMIT")
        });
        if self.in_transaction() {
            // When this fails too, the owner drops the connection.
            let _ = self.script("ROLLBACK");
        }
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        committed
    }

    /// Whether there is no table.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
    }

    /// Sets the number of a pragma.
    pub(crate) fn set_pragma(&self, name: &str, value: i64) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, name, value)?)
    }
}
