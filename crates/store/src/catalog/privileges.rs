//! The privileges of databases, as the last complete sync of each connection found them.
//!
//! They belong to the catalog: a reading that says something else advances the revision. One that says the same is only
//! dated anew, unless a password has expired since: expiry is judged at the instant of the reading.

use std::sync::Arc;

use domesday_model::privileges::{ObservedDatabase, Person, Privileges, RoleOwners};
use domesday_model::{Connection, ConnectionKind, DataSource, Identification, Instant, Kind};
use sha2::{Digest, Sha256};

use super::documents::parse;
use crate::StoreError;
use crate::database::{Database, Insert, Type, Value, values};

/// A database in a snapshot, with what a later load recognizes it by.
#[derive(Debug, Clone)]
pub(super) struct StoredDatabase {
    sha256: [u8; 32],
    database: Arc<ObservedDatabase>,
}

static ROWS: Insert = Insert {
    table: "observed_database",
    columns: &[
        ("connection", Type::Text),
        ("host", Type::Text),
        ("observed_at", Type::Integer),
        ("sha256", Type::Bytes),
        ("document", Type::Text),
    ],
};

/// Writes what a connection read in place of what it read before. Returns whether it says something else.
pub(crate) fn write(
    database: &mut Database,
    connection: &str,
    observed: Option<&ObservedDatabase>,
) -> Result<bool, StoreError> {
    let sql = "SELECT sha256, observed_at FROM observed_database WHERE connection = ?1";
    let before = database.first(sql, values![connection], |row| {
        Ok((row.bytes(0)?.to_owned(), Instant::from_micros(row.integer(1)?)))
    })?;
    let Some(observed) = observed else {
        if before.is_some() {
            delete(database, connection)?;
            database.execute("DELETE FROM drift_state WHERE connection = ?1", values![connection])?;
        }
        return Ok(before.is_some());
    };
    let sha256 = fingerprint(observed);
    let at = observed.privileges.observed_at;
    if let Some((_, before_at)) = before.filter(|(before, _)| *before == sha256) {
        let sql = "UPDATE observed_database SET observed_at = ?2 WHERE connection = ?1";
        database.execute(sql, values![connection, at.as_micros()])?;
        return Ok(observed.privileges.expiry_differs(before_at, at));
    }
    delete(database, connection)?;
    let document = serde_json::to_string(&observed.privileges).expect("privileges are plain data");
    let row = [
        Value::from(connection),
        Value::from(&observed.host),
        Value::from(at.as_micros()),
        Value::from(&sha256[..]),
        Value::from(&document),
    ];
    database.insert_many(&ROWS, std::iter::once(row))?;
    Ok(true)
}

fn delete(database: &mut Database, connection: &str) -> Result<(), StoreError> {
    database.execute("DELETE FROM observed_database WHERE connection = ?1", values![connection]).map(drop)
}

fn fingerprint(observed: &ObservedDatabase) -> [u8; 32] {
    let facts = (&observed.host, observed.privileges.facts());
    Sha256::digest(serde_json::to_vec(&facts).expect("privileges are plain data")).into()
}

/// Reads the databases of all connections, in the order of the connections, each with the identification that its
/// connection has now. What an earlier load has already is shared with it.
pub(super) fn read(
    database: &mut Database,
    earlier: &[StoredDatabase],
) -> Result<Vec<StoredDatabase>, StoreError> {
    let sql = "SELECT o.name, o.document, d.host, d.observed_at, d.sha256
         FROM observed_database d JOIN object o ON o.kind = ?1 AND o.name = d.connection ORDER BY o.id";
    let rows = database.all(sql, values![Kind::Connection.key()], |row| {
        let name = row.text(0)?;
        let connection: Connection = parse(Kind::Connection, name, row.text(1)?)?;
        let sha256 = row.bytes(4)?.try_into().unwrap_or([0; 32]);
        Ok((connection, row.text(2)?.to_owned(), Instant::from_micros(row.integer(3)?), sha256))
    })?;
    let mut found = Vec::with_capacity(rows.len());
    for (connection, host, observed_at, sha256) in rows {
        let Connection { name, kind: ConnectionKind::Postgres(postgres), .. } = connection else { continue };
        let known = earlier.iter().find(|it| it.database.connection == name && it.sha256 == sha256);
        let observed = match known {
            Some(known) => known.with(postgres.identify, observed_at),
            None => {
                let privileges = Privileges { observed_at, ..document(database, &name)? };
                Arc::new(ObservedDatabase { connection: name, host, identify: postgres.identify, privileges })
            }
        };
        found.push(StoredDatabase { sha256, database: observed });
    }
    Ok(found)
}

fn document(database: &mut Database, connection: &str) -> Result<Privileges, StoreError> {
    let damaged =
        |source| StoreError::Document { kind: Kind::Connection, name: connection.to_owned(), source };
    let sql = "SELECT document FROM observed_database WHERE connection = ?1";
    let privileges: Option<Privileges> = database
        .first(sql, values![connection], |row| serde_json::from_str(row.text(0)?).map_err(damaged))?;
    let broken = || {
        damaged(serde::de::Error::custom(
            "its privileges name roles or schemas that are not among them; sync it again",
        ))
    };
    privileges.filter(Privileges::is_consistent).ok_or_else(broken)
}

impl StoredDatabase {
    /// Adds what it says to the digest of a snapshot.
    pub(super) fn digest(&self, digest: &mut Sha256) {
        let ObservedDatabase { connection, host: _, identify, privileges } = &*self.database;
        let identify = serde_json::to_string(identify).expect("an identification is plain data");
        for part in [connection.as_bytes(), identify.as_bytes(), &self.sha256] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.update(privileges.observed_at.as_micros().to_le_bytes());
    }

    pub(super) fn database(&self) -> Arc<ObservedDatabase> {
        Arc::clone(&self.database)
    }

    /// Returns the same facts with another identification, or read at another instant.
    fn with(&self, identify: Vec<Identification>, observed_at: Instant) -> Arc<ObservedDatabase> {
        let known = &self.database;
        if known.identify == identify && known.privileges.observed_at == observed_at {
            return Arc::clone(known);
        }
        let mut changed = ObservedDatabase::clone(known);
        (changed.identify, changed.privileges.observed_at) = (identify, observed_at);
        Arc::new(changed)
    }
}

/// Makes the people to whom the owning roles belong the owners of data sources (`docs/drift.md`, rule 7).
pub(crate) fn set_owners<'d>(
    database: &mut Database,
    observed: &ObservedDatabase,
    data_sources: impl Iterator<Item = &'d mut DataSource>,
) -> Result<(), StoreError> {
    #[derive(serde::Deserialize)]
    struct Contact {
        email: Option<String>,
    }
    let sql = "SELECT name, document FROM object WHERE kind = ?1 ORDER BY id";
    let people: Vec<(String, Option<String>)> = database.all(sql, values![Kind::User.key()], |row| {
        let name = row.text(0)?;
        let Contact { email } = parse(Kind::User, name, row.text(1)?)?;
        Ok((name.to_owned(), email))
    })?;
    let persons = people.iter().map(|(username, email)| Person { username, email: email.as_deref() });
    let owners = RoleOwners::new(&observed.identify, persons);
    let Privileges { schemas, relations, roles, .. } = &observed.privileges;
    let roles: std::collections::HashMap<(&str, &str), &str> = relations
        .iter()
        .map(|relation| {
            let schema = schemas[relation.schema.get()].name.as_str();
            ((schema, relation.name.as_str()), roles[relation.owner.get()].name.as_str())
        })
        .collect();
    for source in data_sources {
        let (Some(schema), Some(table)) = (&source.schema, &source.table) else { continue };
        let role = roles.get(&(schema.as_str(), table.as_str()));
        let person = role.and_then(|role| owners.person(role)).and_then(|position| people.get(position));
        source.owners.extend(person.map(|(username, _)| username.clone()));
    }
    Ok(())
}
