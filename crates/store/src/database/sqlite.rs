//! SQLite, embedded: a file, or memory.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant as Stopwatch};

use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::{Insert, Row, UseRow, Value};
use crate::StoreError;

/// How long a writer waits for another before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before trying again what SQLite does not wait for itself.
const RETRY: Duration = Duration::from_millis(5);

/// How many prepared statements a connection keeps: about as many as the store has.
const STATEMENTS: usize = 96;

/// Makes an empty file that only its owner may read: SQLite takes it for an empty database, and gives the files
/// beside it the same rights.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A connection to SQLite.
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    /// Opens a file, made when it is missing and `create` says so.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Self, StoreError> {
        if create {
            // There when somebody else was first.
            let _ = create_private(path);
        }
        let mut flags = OpenFlags::default();
        flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Self::prepare(connection)
    }

    /// Writes everything, as of one instant, into a new file; others go on reading and writing meanwhile.
    pub(crate) fn copy_into(&mut self, path: &Path) -> Result<(), StoreError> {
        let path = path.to_str().ok_or_else(|| StoreError::Backup {
            path: path.to_owned(),
            source: io::Error::other("the path is no Unicode text"),
        })?;
        self.0.execute("VACUUM INTO ?1", [path])?;
        Ok(())
    }

    /// Whether every page and every index is as it should be.
    pub(crate) fn is_whole(&self) -> Result<bool, StoreError> {
        let checked = self.0.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
        match checked {
            Ok(said) => Ok(said == "ok"),
            Err(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseCorrupt) => Ok(false),
                Some(rusqlite::ErrorCode::NotADatabase) => Err(StoreError::Foreign),
                _ => Err(error.into()),
            },
        }
    }

    /// A database in memory.
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    /// Another connection to the same file; none to memory.
    pub(super) fn another(&self) -> Result<Option<Self>, StoreError> {
        let path = self.0.path().filter(|path| !path.is_empty());
        path.map(|path| Self::open(Path::new(path), false)).transpose()
    }

    fn prepare(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self(connection))
    }

    /// Makes commits durable and readers independent of a writer; only done to a file known to be a store.
    pub(crate) fn make_durable(&self) -> Result<(), StoreError> {
        // A commit is on disk before it is reported.
        self.0.pragma_update(None, "synchronous", "FULL")?;
        // Readers go on while somebody applies. The file remembers it; the switch itself needs the file alone and
        // does not wait for it as other statements do.
        let start = Stopwatch::now();
        loop {
            let mode: String = self.0.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            if mode == "wal" {
                return Ok(());
            }
            match self.0.pragma_update(None, "journal_mode", "WAL") {
                Ok(()) => return Ok(()),
                Err(_) if start.elapsed() < BUSY_TIMEOUT => std::thread::sleep(RETRY),
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let touched = self.0.prepare_cached(sql)?.execute(params_from_iter(values))?;
        Ok(touched as u64)
    }

    pub(super) fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        use_row: UseRow<'_>,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
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
        let mut statement = self.0.prepare_cached(&into.statement())?;
        for row in rows {
            statement.execute(params_from_iter(&row))?;
        }
        Ok(())
    }

    pub(super) fn script(&mut self, script: &str) -> Result<(), StoreError> {
        Ok(self.0.execute_batch(script)?)
    }

    /// A number that SQLite keeps in the file's header or tells of itself.
    pub(crate) fn pragma(&self, name: &str) -> Result<i64, StoreError> {
        self.0.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| {
            match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign,
                _ => error.into(),
            }
        })
    }

    /// Whether the file was opened for reading only, as SQLite does where it may not write.
    pub(crate) fn is_read_only(&self) -> Result<bool, StoreError> {
        Ok(self.0.is_readonly("main")?)
    }

    /// Commits a page that is as it was before: the first, whose header has the schema's version. The commit appends
    /// it to the log, which needs room on the disk, as any change does.
    pub(crate) fn check_commit(&mut self, wait: Duration) -> Result<(), StoreError> {
        self.0.busy_timeout(wait)?;
        let committed = self.script("BEGIN IMMEDIATE").and_then(|()| {
            let version = self.pragma("user_version")?;
            self.set_pragma("user_version", version)?;
            self.script("COMMIT")
        });
        if self.in_transaction() {
            // Where this fails too, the connection is given up by its owner.
            let _ = self.script("ROLLBACK");
        }
        self.0.busy_timeout(BUSY_TIMEOUT)?;
        committed
    }

    /// Whether there is no table at all.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.0.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
    }

    /// Writes a number into the file's header.
    pub(crate) fn set_pragma(&self, name: &str, value: i64) -> Result<(), StoreError> {
        Ok(self.0.pragma_update(None, name, value)?)
    }
}
