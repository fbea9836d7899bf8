//! PostgreSQL as a source: what a database's catalog tables say, read in one transaction.
//!
//! Nothing is written and no superuser is needed: the catalog tables that are read are open to every role that may connect.
//! `address` parses the URL, `transport` and `session` connect and run queries within limits of time, `catalog` reads tables
//! and columns, `listing` makes data sources of them, and `privileges` reads who was granted what.

mod address;
mod catalog;
mod error;
mod failures;
mod listing;
mod privileges;
mod session;
mod transport;

use std::time::Duration;

use domesday_model::PostgresConnection;
use secrecy::SecretString;

use crate::network::JudgeAddresses;
use crate::reading::Reading;
use address::Address;
pub use error::PostgresError;
pub use privileges::{PrivilegesError, Queries, begin, read_privileges};
use session::with_session;

/// How a database is accessed.
pub struct PostgresAccess<'a> {
    /// The password of the role; the server may do without one.
    pub password: Option<SecretString>,
    /// Certificates of authorities in PEM that are trusted in addition to the public ones.
    pub authorities: Vec<u8>,
    /// How long connecting may take. Resolving the name has the system's own limit.
    pub connect_limit: Duration,
    /// How much is read at most.
    pub bounds: PostgresBounds,
    /// Judges the resolved addresses. Nothing else is connected to.
    pub judge_addresses: JudgeAddresses<'a>,
}

/// How much is read from a database at most. What exceeds a bound is an error, never a shorter reading.
#[derive(Debug, Clone, Copy)]
pub struct PostgresBounds {
    /// Relations in the schemas that are read.
    pub relations: u64,
    /// Their columns.
    pub columns: u64,
    /// Roles of the cluster, and as many memberships.
    pub roles: u64,
    /// Entries of access lists.
    pub access_entries: u64,
    /// How long one query may take.
    pub statement_time: Duration,
    /// How long the whole read may take.
    pub total_time: Duration,
}

impl Default for PostgresBounds {
    fn default() -> Self {
        Self {
            relations: 500_000,
            columns: 10_000_000,
            roles: 1_000_000,
            access_entries: 10_000_000,
            statement_time: Duration::from_secs(5 * 60),
            total_time: Duration::from_secs(30 * 60),
        }
    }
}

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresFindings {
    /// The version of the server, such as `16.4`.
    pub version: String,
    /// The database.
    pub database: String,
    /// The role that was connected as.
    pub role: String,
    /// How many schemas match the configuration, and how many there are beside the server's own.
    pub schemas: (usize, usize),
    /// How many relations would be read.
    pub relations: u64,
    /// How many columns they have.
    pub columns: u64,
    /// How many roles the cluster has.
    pub roles: u64,
    /// What whoever runs the connection should know.
    pub warnings: Vec<String>,
}

/// Checks a configuration without connecting.
///
/// # Errors
/// [`PostgresError::Configuration`] with the first field that is invalid.
pub fn check(connection: &PostgresConnection) -> Result<(), PostgresError> {
    Address::parse(&connection.url).map(drop)
}

/// Reads all tables and views with their columns, and the privileges on them, in one consistent state. `name` is the
/// connection's.
///
/// # Errors
/// When anything prevents a complete read.
pub fn read(
    connection: &PostgresConnection,
    name: &str,
    access: &PostgresAccess<'_>,
) -> Result<Reading, PostgresError> {
    let address = Address::parse(&connection.url)?;
    let bounds = access.bounds;
    with_session(&address, access, |session| {
        let facts = catalog::read(session, &connection.schemas, &bounds)?;
        Ok(listing::listing(connection, name, &address, facts))
    })
}

/// Connects and counts what would be read.
///
/// # Errors
/// When a read would fail for a reason that can be known by then.
pub fn verify(
    connection: &PostgresConnection,
    access: &PostgresAccess<'_>,
) -> Result<PostgresFindings, PostgresError> {
    let address = Address::parse(&connection.url)?;
    let bounds = access.bounds;
    with_session(&address, access, |session| catalog::verify(session, &connection.schemas, &bounds))
}
