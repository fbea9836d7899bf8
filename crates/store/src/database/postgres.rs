//! PostgreSQL, shared by several replicas of the service.
//!
//! Isolation: a read is one `REPEATABLE READ` transaction, which sees one state. A write first takes an advisory lock until
//! the end of its transaction: writers are serialized, as in SQLite, and each sees the writes of those before. Leases and
//! the like are single statements without the lock.

use std::collections::HashMap;
use std::time::Duration;

use postgres::binary_copy::BinaryCopyInWriter;
use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{IsNull, ToSql, to_sql_checked};
use postgres::{Client, SimpleQueryMessage, Statement};
use secrecy::SecretString;

use super::url::Server;
use super::{Insert, Row, Type, UseRow, Value, dialect};
use crate::StoreError;

/// The settings of a session: how long it waits for the write lock.
const SESSION: &str = "SET lock_timeout = '60s'; SET client_min_messages = warning";

/// Begins a write. The key of the advisory lock is `DOME`.
const WRITE: &str = "BEGIN; SELECT pg_advisory_xact_lock(1146047813)";

const READ: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// Up to this many rows are inserted one by one, more with COPY.
const FEW: usize = 4;

/// A connection to PostgreSQL.
pub(crate) struct Postgres {
    server: Server,
    /// `Some` until dropped.
    client: Option<Client>,
    /// Prepared statements by the text they were prepared from, before translation.
    statements: HashMap<String, Statement>,
    in_transaction: bool,
}

impl Postgres {
    pub(crate) fn connect(url: &SecretString) -> Result<Self, StoreError> {
        Self::open(Server::parse(url)?)
    }

    /// Opens another connection to the same server.
    pub(super) fn another(&self) -> Result<Self, StoreError> {
        Self::open(self.server.clone())
    }

    fn open(server: Server) -> Result<Self, StoreError> {
        let client = Some(open(&server)?);
        Ok(Self { server, client, statements: HashMap::new(), in_transaction: false })
    }

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("there is a client until it is dropped")
    }

    pub(super) fn begin(&mut self, write: bool) -> Result<(), StoreError> {
        let begin = if write { WRITE } else { READ };
        let begun = self.retry_if_lost(|postgres| Ok(postgres.client().batch_execute(begin)?));
        if begun.is_err() {
            // A lock timeout leaves an aborted transaction.
            self.end();
        }
        self.in_transaction = begun.is_ok();
        begun
    }

    /// Whether the server is a standby, or the session is read-only.
    pub(crate) fn is_read_only(&mut self) -> Result<bool, StoreError> {
        let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";
        self.retry_if_lost(|postgres| Ok(single_value(postgres.client(), sql)? == "t"))
    }

    /// Commits a write that does not change its row.
    pub(crate) fn check_commit(&mut self, wait: Duration) -> Result<(), StoreError> {
        let wait = wait.as_millis();
        let script = format!(
            "BEGIN; SET LOCAL lock_timeout = {wait}; SET LOCAL statement_timeout = {wait};
             UPDATE domesday_schema SET version = version; COMMIT"
        );
        let committed = self.retry_if_lost(|postgres| Ok(postgres.client().batch_execute(&script)?));
        if committed.is_err() {
            self.end();
        }
        committed.map_err(|error| match error {
            StoreError::Postgres(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
                StoreError::Busy
            }
            error => error,
        })
    }

    /// Checks that this connection has a server process of its own, which a pooler in transaction mode gives to another
    /// client whenever this one has no transaction open.
    ///
    /// One look does not tell: while other clients work, the pooler may happen to give each connection the process that
    /// it had before. So two connections take turns, and each process may be seen by one of them only.
    pub(crate) fn check_session(&mut self) -> Result<(), StoreError> {
        const PROCESS: &str = "SELECT pg_backend_pid()";
        const ROUNDS: usize = 8;
        let own = self.retry_if_lost(|postgres| single_value(postgres.client(), PROCESS))?;
        // Where there is no second connection to be had, nothing is known.
        let Ok(mut other) = self.another() else { return Ok(()) };
        let of_other = single_value(other.client(), PROCESS)?;
        let mut is_shared = of_other == own;
        for _ in 0..ROUNDS {
            if is_shared {
                break;
            }
            // The other connection keeps its process while this one asks for its own.
            other.client().batch_execute("BEGIN")?;
            is_shared = single_value(other.client(), PROCESS)? != of_other
                || single_value(self.client(), PROCESS)? != own;
            other.end();
        }
        if is_shared { Err(StoreError::TransactionPooler) } else { Ok(()) }
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        let done = self.client().batch_execute("COMMIT");
        self.in_transaction = false;
        Ok(done?)
    }

    /// Rolls back a transaction.
    pub(super) fn end(&mut self) {
        // A server that does not receive this lost the connection, and rolls back as well.
        let _ = self.client().batch_execute("ROLLBACK");
        self.in_transaction = false;
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.retry_if_lost(|postgres| {
            let statement = postgres.prepare(sql)?;
            Ok(postgres.client().execute(&statement, &values)?)
        })
    }

    pub(super) fn each(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        use_row: UseRow<'_>,
    ) -> Result<(), StoreError> {
        let mut has_used_rows = false;
        let result = self.each_once(sql, values, &mut |row| {
            has_used_rows = true;
            use_row(row)
        });
        match result {
            Err(_) if !has_used_rows && self.is_lost() => {
                self.reconnect()?;
                self.each_once(sql, values, use_row)
            }
            result => result,
        }
    }

    fn each_once(&mut self, sql: &str, values: &[Value<'_>], use_row: UseRow<'_>) -> Result<(), StoreError> {
        let statement = self.prepare(sql)?;
        let mut rows = self.client().query_raw(&statement, values)?;
        while let Some(row) = rows.next()? {
            use_row(&Row::Postgres(&row))?;
        }
        Ok(())
    }

    pub(super) fn insert_many<'v, const N: usize>(
        &mut self,
        into: &Insert,
        rows: impl Iterator<Item = [Value<'v>; N]>,
    ) -> Result<(), StoreError> {
        let mut rows = rows.peekable();
        let few: Vec<_> = rows.by_ref().take(FEW).collect();
        if rows.peek().is_none() {
            let sql = into.statement();
            return few.iter().try_for_each(|row| self.execute(&sql, row).map(drop));
        }
        let names = into.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let types: Vec<_> = into.columns.iter().map(|(_, kind)| native(*kind)).collect();
        let copy = self.client().copy_in(&format!("COPY {} ({names}) FROM STDIN BINARY", into.table))?;
        let mut copy = BinaryCopyInWriter::new(copy, &types);
        for row in few.into_iter().chain(rows) {
            copy.write_raw(&row)?;
        }
        copy.finish()?;
        Ok(())
    }

    pub(super) fn script(&mut self, script: &str) -> Result<(), StoreError> {
        let script = dialect::definitions(script);
        self.retry_if_lost(|postgres| Ok(postgres.client().batch_execute(&script)?))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client().prepare(&dialect::statement(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs an operation, and retries it on a new connection when the connection was lost, such as by a restart of the
    /// database. Transactions are not retried: outside of one, the store executes only idempotent statements.
    fn retry_if_lost<T>(
        &mut self,
        run: impl Fn(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match run(self) {
            Err(_) if self.is_lost() => {
                self.reconnect()?;
                run(self)
            }
            result => result,
        }
    }

    fn is_lost(&self) -> bool {
        !self.in_transaction && self.client.as_ref().is_none_or(Client::is_closed)
    }

    pub(super) fn reconnect(&mut self) -> Result<(), StoreError> {
        self.statements.clear();
        self.client = Some(open(&self.server)?);
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        // The client owns a runtime, which must not be dropped on a thread of another runtime; a store may be dropped on
        // any thread.
        if let Ok(thread) = std::thread::Builder::new().spawn(move || drop(client)) {
            let _ = thread.join();
        }
    }
}

/// Returns the value of a query with one row and one column, as text. A simple query needs no prepared statement.
fn single_value(client: &mut Client, sql: &str) -> Result<String, StoreError> {
    let messages = client.simple_query(sql)?;
    let value = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(value.unwrap_or_default())
}

fn open(server: &Server) -> Result<Client, StoreError> {
    let unreachable = |source| StoreError::Unreachable { server: server.to_string(), source };
    let mut client = server.connect().map_err(unreachable)?;
    client.batch_execute(SESSION).map_err(unreachable)?;
    Ok(client)
}

fn native(kind: Type) -> postgres::types::Type {
    match kind {
        Type::Integer => postgres::types::Type::INT8,
        Type::Text => postgres::types::Type::TEXT,
        Type::Bytes => postgres::types::Type::BYTEA,
    }
}

type ToSqlResult = Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Value<'_> {
    fn to_sql(&self, to: &postgres::types::Type, out: &mut bytes::BytesMut) -> ToSqlResult {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(value) => value.to_sql_checked(to, out),
            Self::Text(value) => value.to_sql_checked(to, out),
            Self::Bytes(value) => value.to_sql_checked(to, out),
        }
    }

    fn accepts(_: &postgres::types::Type) -> bool {
        // The values check their types themselves.
        true
    }

    to_sql_checked!();
}
