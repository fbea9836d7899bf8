//! The seam between the store and its databases: a connection, one statement at a time, and transactions.
//!
//! Statements are written once, in the dialect both databases share, with numbered placeholders (`?1`). What
//! differs (placeholders, names of types, locking) is settled here and nowhere else; nothing above this module
//! knows which database it talks to. No query builder and no mapping of objects: rows are read by position.

mod sqlite;
mod value;

use std::fmt;

use crate::StoreError;

pub(crate) use sqlite::Sqlite;
pub(crate) use value::{Row, Value, values};

/// What is done with each row of an answer, as it streams by.
pub(crate) type UseRow<'f> = &'f mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>;

/// A connection to one of the databases that can hold a store.
pub(crate) enum Database {
    Sqlite(Sqlite),
}

/// A table and those of its columns that rows are added to in bulk.
pub(crate) struct Insert {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [(&'static str, Type)],
}

/// The types of columns that the store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Integer,
    Text,
    Bytes,
}

impl Database {
    /// Runs a statement and says how many rows it touched.
    pub(crate) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute(sql, values),
        }
    }

    /// Runs a query; rows are handed on one by one and never gathered.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        use_row: UseRow<'_>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.each(sql, values, use_row),
        }
    }

    /// The rows of a query.
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

    /// The first row of a query that has at most one.
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

    /// Adds many rows to a table.
    pub(crate) fn insert_many<'v, const N: usize>(
        &mut self,
        into: &'static Insert,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.insert_many(into, rows),
        }
    }

    /// Runs a script of statements without placeholders.
    pub(crate) fn script(&mut self, script: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.script(script),
        }
    }

    /// Begins a transaction that sees one state of the database throughout and changes nothing.
    pub(crate) fn read(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.script(match self {
            Self::Sqlite(_) => "BEGIN DEFERRED",
        })?;
        Ok(Transaction { database: self, open: true })
    }

    /// Begins a transaction that changes the catalog, the audit log or what is governed beside them. There is
    /// one at a time, whoever else is connected: each sees all of the ones before it.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.script(match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
        })?;
        Ok(Transaction { database: self, open: true })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where it is connected to stays out: a URL may carry a password.
        f.write_str(match self {
            Self::Sqlite(_) => "Sqlite",
        })
    }
}

/// A transaction; dropped without [`Transaction::commit`], it never happened.
pub(crate) struct Transaction<'d> {
    database: &'d mut Database,
    open: bool,
}

impl Transaction<'_> {
    /// Makes what happened in the transaction last.
    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        self.database.script("COMMIT")?;
        self.open = false;
        Ok(())
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
        if self.open {
            // A database that cannot roll back has lost the connection, and with it the transaction.
            let _ = self.database.script("ROLLBACK");
        }
    }
}
