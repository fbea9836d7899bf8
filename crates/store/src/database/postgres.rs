//! PostgreSQL, shared: several replicas of the service work on one database.
//!
//! Isolation: a read is one `REPEATABLE READ` transaction, so that everything it sees is of one instant. A write
//! first takes an advisory lock that lasts as long as its transaction: writers take turns, as they do in SQLite,
//! and each sees all of the one before. Leases and the like are single statements and need no turn.

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

/// How a connection introduces itself, and how long it waits for its turn to write.
const SESSION: &str = "SET lock_timeout = '60s'; SET client_min_messages = warning";

/// Key of the advisory lock that writers take turns by: `DOME`.
const WRITERS: &str = "BEGIN; SELECT pg_advisory_xact_lock(1146047813)";

const READ: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// How few rows are sent one by one rather than as one stream.
const FEW: usize = 4;

/// A connection to PostgreSQL.
pub(crate) struct Postgres {
    server: Server,
    /// There until dropped.
    client: Option<Client>,
    /// Prepared statements by the text they were prepared from, before translation.
    statements: HashMap<String, Statement>,
    in_transaction: bool,
}

impl Postgres {
    pub(crate) fn connect(url: &SecretString) -> Result<Self, StoreError> {
        Self::at(Server::of(url)?)
    }

    /// Another connection to the same server.
    pub(super) fn another(&self) -> Result<Self, StoreError> {
        Self::at(self.server.clone())
    }

    fn at(server: Server) -> Result<Self, StoreError> {
        let client = Some(open(&server)?);
        Ok(Self { server, client, statements: HashMap::new(), in_transaction: false })
    }

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("the client is there until it is dropped")
    }

    pub(super) fn begin(&mut self, write: bool) -> Result<(), StoreError> {
        let begin = if write { WRITERS } else { READ };
        let begun = self.repeated_if_lost(|postgres| Ok(postgres.client().batch_execute(begin)?));
        if begun.is_err() {
            // A turn that did not come leaves a transaction that failed.
            self.end();
        }
        self.in_transaction = begun.is_ok();
        begun
    }

    /// Whether the server is a standby, or the session takes no changes.
    pub(crate) fn is_read_only(&mut self) -> Result<bool, StoreError> {
        let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";
        self.repeated_if_lost(|postgres| Ok(single_value(postgres.client(), sql)? == "t"))
    }

    /// Commits a row that is as it was before.
    pub(crate) fn check_commit(&mut self, wait: Duration) -> Result<(), StoreError> {
        let wait = wait.as_millis();
        let script = format!(
            "BEGIN; SET LOCAL lock_timeout = {wait}; SET LOCAL statement_timeout = {wait};
             UPDATE domesday_schema SET version = version; COMMIT"
        );
        let committed = self.repeated_if_lost(|postgres| Ok(postgres.client().batch_execute(&script)?));
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
        let own = self.repeated_if_lost(|postgres| single_value(postgres.client(), PROCESS))?;
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

    /// Ends a transaction as if it had never been.
    pub(super) fn end(&mut self) {
        // A server that does not hear this has lost the connection, and with it the transaction.
        let _ = self.client().batch_execute("ROLLBACK");
        self.in_transaction = false;
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.repeated_if_lost(|postgres| {
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
        let mut handed_on = false;
        let result = self.each_once(sql, values, &mut |row| {
            handed_on = true;
            use_row(row)
        });
        match result {
            Err(_) if !handed_on && self.is_lost() => {
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
        self.repeated_if_lost(|postgres| Ok(postgres.client().batch_execute(&script)?))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client().prepare(&dialect::statement(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs something, and once more on a new connection when the old one turns out to be lost: a service runs
    /// for years, and its database is restarted now and then. Transactions are not repeated but fail; outside of
    /// one the store runs only statements that change nothing when they are repeated.
    fn repeated_if_lost<T>(
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
        // The client ends a runtime of its own, which must not happen on a thread that drives another: whoever
        // holds a store may be dropped anywhere, such as by a service that stops.
        if let Ok(thread) = std::thread::Builder::new().spawn(move || drop(client)) {
            let _ = thread.join();
        }
    }
}

/// The one value of a query's one row, as text. Sent as a simple query: it needs no prepared statement.
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
        // Each value says for itself.
        true
    }

    to_sql_checked!();
}
