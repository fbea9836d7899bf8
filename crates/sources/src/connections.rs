//! Every kind of connection behind one door: the only place that knows them all.

use std::fmt;
use std::time::Duration;

use domesday_model::{Connection, ConnectionKind};
use secrecy::SecretString;

use crate::ldap::{self, LdapAccess, LdapBounds, LdapError};
pub use crate::network::JudgeAddresses;
use crate::postgres::{self, PostgresAccess, PostgresBounds, PostgresError, PostgresFindings};
use crate::reading::Reading;
use crate::scim::{self, MappingError};

/// How long connecting, and each answer of a source, may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How a source is accessed.
pub struct Access<'a> {
    /// The password of the connection.
    pub password: Option<SecretString>,
    /// Certificates of authorities in PEM that are trusted in addition to the public ones.
    pub authorities: Vec<u8>,
    /// Judges the addresses that a host was resolved to, before any is connected to.
    pub judge_addresses: JudgeAddresses<'a>,
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// Why a connection cannot be read. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A directory.
    #[error(transparent)]
    Ldap(#[from] LdapError),
    /// A database.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The mapping of a connection that is pushed to.
    #[error(transparent)]
    Scim(#[from] MappingError),
    /// It is not read: it is pushed or imported.
    #[error("connections of kind `{0}` are not read")]
    NotRead(&'static str),
}

/// What a trial of a connection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// What answered.
    pub source: String,
    /// What was found, a line each.
    pub found: Vec<String>,
    /// What whoever runs the connection should know.
    pub warnings: Vec<String>,
}

/// Checks the configuration of a connection without connecting.
///
/// # Errors
/// The first mistake.
pub fn check(connection: &Connection) -> Result<(), ReadError> {
    match &connection.kind {
        ConnectionKind::Ldap(ldap) => Ok(ldap::check(ldap)?),
        ConnectionKind::Scim(scim) => Ok(scim::check(scim)?),
        ConnectionKind::Postgres(postgres) => Ok(postgres::check(postgres)?),
        ConnectionKind::Csv(_) | ConnectionKind::Dbt(_) => Ok(()),
    }
}

/// Reads a connection completely.
///
/// # Errors
/// When anything prevents a complete read.
pub fn read(connection: &Connection, access: &Access<'_>) -> Result<Reading, ReadError> {
    match &connection.kind {
        ConnectionKind::Ldap(ldap) => Ok(ldap::read(ldap, &connection.name, &ldap_access(access))?),
        ConnectionKind::Postgres(database) => {
            Ok(postgres::read(database, &connection.name, &postgres_access(access))?)
        }
        kind => Err(ReadError::NotRead(kind.as_str())),
    }
}

/// Connects as [`read`] does, and says what it finds: of a directory, on the first page.
///
/// # Errors
/// What is wrong.
pub fn verify(connection: &Connection, access: &Access<'_>) -> Result<Findings, ReadError> {
    match &connection.kind {
        ConnectionKind::Ldap(ldap) => Ok(directory_findings(ldap::verify(ldap, &ldap_access(access))?)),
        ConnectionKind::Postgres(database) => {
            Ok(database_findings(postgres::verify(database, &postgres_access(access))?))
        }
        kind => Err(ReadError::NotRead(kind.as_str())),
    }
}

fn database_findings(findings: PostgresFindings) -> Findings {
    let PostgresFindings {
        version,
        database,
        role,
        schemas: (matching, all),
        relations,
        columns,
        roles,
        warnings,
    } = findings;
    Findings {
        source: format!("PostgreSQL {version}, database `{database}`, as `{role}`"),
        found: vec![
            format!("schemas: {matching} of {all} match"),
            format!("tables and views: {relations}, with {columns} columns"),
            format!("roles: {roles}"),
        ],
        warnings,
    }
}

fn directory_findings(findings: ldap::LdapFindings) -> Findings {
    let page = |what: &str, page: &ldap::PageFindings| {
        let more = if page.is_complete { "" } else { " on the first page, and more after it" };
        let skipped = page.entries.saturating_sub(page.usable);
        format!("{what}: {} of {} usable{more}, {skipped} left out", page.usable, page.entries)
    };
    let users = page("users", &findings.users);
    let groups = findings.groups.as_ref().map(|groups| page("groups", groups));
    let directory = match findings.directory {
        ldap::DirectoryKind::Standard => "an LDAP directory",
        ldap::DirectoryKind::ActiveDirectory => "Active Directory",
    };
    let vendor = findings.vendor.as_ref().map_or_else(String::new, |vendor| format!(" ({vendor})"));
    Findings {
        source: format!("{directory}{vendor}"),
        found: std::iter::once(users).chain(groups).collect(),
        warnings: findings.warnings,
    }
}

fn postgres_access<'a>(access: &Access<'a>) -> PostgresAccess<'a> {
    PostgresAccess {
        password: access.password.clone(),
        authorities: access.authorities.clone(),
        connect_limit: TIME_LIMIT,
        bounds: PostgresBounds::default(),
        judge_addresses: access.judge_addresses,
    }
}

fn ldap_access<'a>(access: &Access<'a>) -> LdapAccess<'a> {
    LdapAccess {
        password: access.password.clone(),
        authorities: access.authorities.clone(),
        time_limit: TIME_LIMIT,
        bounds: LdapBounds::default(),
        judge_addresses: access.judge_addresses,
    }
}
