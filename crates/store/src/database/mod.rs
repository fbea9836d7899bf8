//! The abstraction over the two databases: connections, statements and transactions.
//!
//! Statements are written once, in the dialect that both databases share, with numbered placeholders (`?1`). Differences
//! (placeholders, names of types, locking) are resolved only here; no other module knows which database it uses. There is
//! no query builder and no object mapping: rows are read by position.

mod dialect;
mod postgres;
mod sqlite;
mod url;
mod value;

use std::fmt;

use crate::StoreError;
use crate::observer::StoreEvent;

pub(crate) use postgres::Postgres;
pub(crate) use sqlite::{Sqlite, create_private};
pub(crate) use url::Server;
pub(crate) use value::{Row, Value, values};

/// A callback for each row of a result.
pub(crate) type UseRow<'f> = &'f mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>;

/// A connection to a database.
pub(crate) enum Database {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

/// A table and the columns of a bulk insert.
pub(crate) struct Insert {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [(&'static str, Type)],
}

impl Insert {
    /// Returns the statement that inserts one row.
    fn statement(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.table, names.join(", "), places.join(", "))
    }
}

/// The types of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Integer,
    Text,
    Bytes,
}

impl Database {
    /// Executes a statement and returns the number of affected rows.
    pub(crate) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        check(values)?;
        let is_alone = !self.in_transaction();
        if is_alone {
            self.observe(StoreEvent::Begin { is_write: true })?;
        }
        let touched = match self {
            Self::Sqlite(sqlite) => sqlite.execute(sql, values),
            Self::Postgres(postgres) => postgres.execute(sql, values),
        }?;
        if is_alone {
            self.observe(StoreEvent::Committed)?;
        }
        Ok(touched)
    }

    /// Tells the observer of the connection, if there is one.
    fn observe(&self, event: StoreEvent) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.observe(event),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Runs a query and calls `use_row` for each row, streaming.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        use_row: UseRow<'_>,
    ) -> Result<(), StoreError> {
        check(values)?;
        if !self.in_transaction() {
            self.observe(StoreEvent::Begin { is_write: false })?;
        }
        match self {
            Self::Sqlite(sqlite) => sqlite.each(sql, values, use_row),
            Self::Postgres(postgres) => postgres.each(sql, values, use_row),
        }
    }

    /// Returns the rows of a query.
    pub(crate) fn all<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(sql, values, &mut |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Returns the row of a query that has at most one.
    pub(crate) fn first<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        self.each(sql, values, &mut |row| {
            first = Some(read(row)?);
            Ok(())
        })?;
        Ok(first)
    }

    /// Inserts many rows into a table.
    pub(crate) fn insert_many<'v, const N: usize>(
        &mut self,
        into: &'static Insert,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<(), StoreError> {
        let mut checked = Ok(());
        let rows = rows.take_while(|row| {
            checked = check(row);
            checked.is_ok()
        });
        match self {
            Self::Sqlite(sqlite) => sqlite.insert_many(into, rows)?,
            Self::Postgres(postgres) => postgres.insert_many(into, rows)?,
        }
        checked
    }

    /// Runs a script of statements without placeholders.
    pub(crate) fn script(&mut self, script: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.script(script),
            Self::Postgres(postgres) => postgres.script(script),
        }
    }

    /// Begins a read-only transaction that sees one state of the database. Within another transaction it is part of that
    /// one.
    pub(crate) fn read(&mut self) -> Result<Transaction<'_>, StoreError> {
        if self.in_transaction() {
            return Ok(Transaction { database: self, extent: Extent::Nothing });
        }
        self.begin_reading()?;
        Ok(Transaction { database: self, extent: Extent::Whole })
    }

    /// Begins a read-only transaction that the caller ends with [`Database::end_write`]. Within another transaction it is
    /// part of that one.
    pub(crate) fn begin_read(&mut self) -> Result<Extent, StoreError> {
        if self.in_transaction() {
            return Ok(Extent::Nothing);
        }
        self.begin_reading()?;
        Ok(Extent::Whole)
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.observe(StoreEvent::Begin { is_write: false })?;
        match self {
            Self::Sqlite(sqlite) => sqlite.script("BEGIN DEFERRED"),
            Self::Postgres(postgres) => postgres.begin(false),
        }
    }

    /// Begins a write transaction. Write transactions are serialized across all connections. Within another transaction it
    /// is a savepoint: it can be rolled back on its own, and is committed with the other.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, StoreError> {
        let extent = self.begin_write()?;
        Ok(Transaction { database: self, extent })
    }

    /// Begins a write transaction that the caller ends with [`Database::commit_write`] or [`Database::end_write`].
    pub(crate) fn begin_write(&mut self) -> Result<Extent, StoreError> {
        if self.in_transaction() {
            self.script("SAVEPOINT part")?;
            return Ok(Extent::Part);
        }
        self.observe(StoreEvent::Begin { is_write: true })?;
        match self {
            Self::Sqlite(sqlite) => sqlite.script("BEGIN IMMEDIATE")?,
            Self::Postgres(postgres) => postgres.begin(true)?,
        }
        Ok(Extent::Whole)
    }

    /// Commits a transaction, or releases a savepoint.
    pub(crate) fn commit_write(&mut self, extent: Extent) -> Result<(), StoreError> {
        match extent {
            Extent::Whole => {
                let committed = self.commit();
                if committed.is_err() {
                    self.roll_back();
                }
                committed
            }
            Extent::Part => self.script("RELEASE SAVEPOINT part"),
            Extent::Nothing => Ok(()),
        }
    }

    /// Rolls back a transaction, or to a savepoint.
    pub(crate) fn end_write(&mut self, extent: Extent) {
        match extent {
            Extent::Whole => self.roll_back(),
            // When this fails the whole transaction is lost, and its commit fails.
            Extent::Part => drop(self.script("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")),
            Extent::Nothing => {}
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.observe(StoreEvent::Commit)?;
        match self {
            Self::Sqlite(sqlite) => sqlite.script("COMMIT"),
            Self::Postgres(postgres) => postgres.commit(),
        }?;
        self.observe(StoreEvent::Committed)
    }

    fn roll_back(&mut self) {
        match self {
            // SQLite rolls back by itself after some errors.
            Self::Sqlite(sqlite) => drop(sqlite.script("ROLLBACK")),
            Self::Postgres(postgres) => postgres.end(),
        }
    }

    /// Opens another connection to the same database. Returns `None` for a database in memory, and within a transaction,
    /// whose changes another connection would not see.
    pub(crate) fn another(&self) -> Result<Option<Self>, StoreError> {
        if self.in_transaction() {
            return Ok(None);
        }
        Ok(match self {
            Self::Sqlite(sqlite) => sqlite.another()?.map(Self::Sqlite),
            Self::Postgres(postgres) => Some(Self::Postgres(Box::new(postgres.another()?))),
        })
    }

    /// Reconnects, unless in a transaction.
    pub(crate) fn reconnect(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(postgres) if !postgres.in_transaction() => postgres.reconnect(),
            Self::Postgres(_) | Self::Sqlite(_) => Ok(()),
        }
    }

    fn in_transaction(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.in_transaction(),
            Self::Postgres(postgres) => postgres.in_transaction(),
        }
    }
}

/// Rejects U+0000 in texts, which PostgreSQL cannot store.
fn check(values: &[Value<'_>]) -> Result<(), StoreError> {
    let nul = values.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0')));
    if nul { Err(StoreError::NulInText) } else { Ok(()) }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the URL, which may contain a password.
        f.write_str(match self {
            Self::Sqlite(_) => "Sqlite",
            Self::Postgres(_) => "Postgres",
        })
    }
}

/// A transaction. It is rolled back when it is dropped without [`Transaction::commit`].
pub(crate) struct Transaction<'d> {
    database: &'d mut Database,
    extent: Extent,
}

/// What to commit or roll back at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A transaction of the database.
    Whole,
    /// A savepoint.
    Part,
    /// Nothing.
    Nothing,
}

impl Transaction<'_> {
    /// Ends a read-only transaction and begins one that sees the current state. Does nothing within another transaction.
    pub(crate) fn renew(&mut self) -> Result<(), StoreError> {
        if self.extent == Extent::Whole {
            self.database.roll_back();
            // When this fails there is nothing left to end.
            self.extent = Extent::Nothing;
            self.database.begin_reading()?;
            self.extent = Extent::Whole;
        }
        Ok(())
    }

    /// Commits the transaction.
    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        let extent = std::mem::replace(&mut self.extent, Extent::Nothing);
        self.database.commit_write(extent)
    }
}

impl std::ops::Deref for Transaction<'_> {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database
    }
}

impl std::ops::DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Database {
        self.database
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.database.end_write(self.extent);
    }
}
