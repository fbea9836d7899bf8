//! Roles, memberships, owners and access lists of a database, as `domesday-actual` evaluates them.

use std::collections::HashMap;

use domesday_model::Instant;
use domesday_model::privileges::{
    AccessEntry, Column, Database, Grantee, Membership, PrivilegeSet, Privileges, Relation, RelationIx,
    RelationKind, Role, RoleIx, Schema, SchemaIx,
};
use postgres::types::Oid;
use postgres::{IsolationLevel, Row, Transaction};

/// Runs queries that all see one state of the database.
pub trait Queries {
    /// Returns the rows of a query without parameters.
    ///
    /// # Errors
    /// When the query fails, or takes too long.
    fn query(&mut self, sql: &str) -> Result<Vec<Row>, PrivilegesError>;
}

impl Queries for Transaction<'_> {
    fn query(&mut self, sql: &str) -> Result<Vec<Row>, PrivilegesError> {
        Ok(Transaction::query(self, sql, &[])?)
    }
}

/// Why the privileges of a database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegesError {
    /// The server refused a query or the connection failed.
    #[error("cannot read the privileges of the database")]
    Database(#[from] postgres::Error),
    /// An answer did not arrive in time.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The server is older than version 13.
    #[error("PostgreSQL {found} is too old; versions 13 and later are supported")]
    TooOld {
        /// The major version found.
        found: u32,
    },
    /// The database is not in the list of databases.
    #[error("the list of databases does not have the database that is connected to")]
    NoDatabase,
    /// An access list names a role that the list of roles does not have.
    #[error("an access list names the role with oid {oid}, which does not exist")]
    UnknownRole {
        /// The role's oid.
        oid: Oid,
    },
}

/// Leaves out the schemas that belong to PostgreSQL itself.
pub(super) const OWN_SCHEMAS: &str = "nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'";

/// The relations that are read: partitions stand for themselves only in their parent.
pub(super) const RELATIONS: &str = "c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition";

/// Which schemas are read.
#[derive(Debug, Clone)]
pub(super) enum SchemaChoice {
    /// All but PostgreSQL's own.
    Every,
    /// Some, by their oids.
    Some(Vec<Oid>),
}

impl SchemaChoice {
    /// Returns the condition on a column with the oid of a schema. Literals have no type of their own, so that only the
    /// server's own operators fit.
    pub(super) fn condition(&self, column: &str) -> String {
        match self {
            Self::Every => "true".to_owned(),
            Self::Some(oids) if oids.is_empty() => "false".to_owned(),
            Self::Some(oids) => {
                let oids: Vec<_> = oids.iter().map(|oid| format!("'{oid}'")).collect();
                format!("{column} IN ({})", oids.join(", "))
            }
        }
    }
}

/// Sums up the entries of an access list by grantor and grantee, with one bit for each privilege that decides something.
macro_rules! entries {
    ($list:literal) => {
        concat!(
            "CROSS JOIN LATERAL (
                SELECT grantor, grantee, coalesce(bit_or(bit), 0) AS bits,
                       coalesce(bit_or(bit) FILTER (WHERE is_grantable), 0) AS options
                FROM (
                    SELECT grantor, grantee, is_grantable, CASE privilege_type
                        WHEN 'SELECT' THEN 1 WHEN 'INSERT' THEN 2 WHEN 'UPDATE' THEN 4 WHEN 'DELETE' THEN 8
                        WHEN 'TRUNCATE' THEN 16 WHEN 'USAGE' THEN 32 WHEN 'CONNECT' THEN 64 END AS bit
                    FROM aclexplode(",
            $list,
            ")
                ) AS entry GROUP BY grantor, grantee
            ) AS list"
        )
    };
}

/// Reads the privileges of the database of a transaction, judged at the transaction's own instant.
///
/// The transaction should be `REPEATABLE READ`, so that all queries see one state.
///
/// # Errors
/// When the server is too old or a query fails.
pub fn read_privileges(transaction: &mut impl Queries) -> Result<Privileges, PrivilegesError> {
    read_privileges_in(transaction, &SchemaChoice::Every)
}

/// Reads privileges as [`read_privileges`] does, those on some schemas alone.
pub(super) fn read_privileges_in(
    transaction: &mut impl Queries,
    choice: &SchemaChoice,
) -> Result<Privileges, PrivilegesError> {
    let rows = transaction.query(
        "SELECT current_setting('server_version_num')::int / 10000,
                (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint, d.oid, d.datname, d.datdba,
                d.datacl IS NULL
         FROM pg_database d WHERE d.datname = current_database()",
    )?;
    let row = rows.first().ok_or(PrivilegesError::NoDatabase)?;
    let server_version = u32::try_from(row.get::<_, i32>(0)).unwrap_or(0);
    if server_version < 13 {
        return Err(PrivilegesError::TooOld { found: server_version });
    }
    let (roles, role_of) = read_roles(transaction)?;
    let memberships = read_memberships(transaction, server_version, &role_of)?;
    let lists = Lists { roles: &role_of };
    let mut database_lists = lists.read(
        transaction,
        concat!(
            "SELECT d.oid, 0::int2, list.* FROM pg_database d ",
            entries!("d.datacl"),
            " WHERE d.datname = current_database()"
        ),
    )?;
    let mut take_database = |oid: Oid, is_default: bool| take(&mut database_lists, oid, is_default);
    let database = Database {
        name: row.get(3),
        owner: lists.role(row.get(4))?,
        access_list: take_database(row.get(2), row.get(5)),
    };
    let (schemas, schema_of) = read_schemas(transaction, &lists, choice)?;
    let relations = read_relations(transaction, &lists, &schema_of, choice)?;
    Ok(Privileges {
        server_version,
        observed_at: Instant::from_micros(row.get(1)),
        database,
        roles,
        memberships,
        schemas,
        relations,
    })
}

/// Begins the transaction in which everything of a sync is read.
///
/// # Errors
/// When the connection fails.
pub fn begin(client: &mut postgres::Client) -> Result<Transaction<'_>, postgres::Error> {
    client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()
}

fn read_roles(transaction: &mut impl Queries) -> Result<(Vec<Role>, HashMap<Oid, RoleIx>), PrivilegesError> {
    let rows = transaction.query(
        "SELECT oid, rolname, rolcanlogin, rolinherit, rolsuper, rolbypassrls,
                CASE WHEN isfinite(rolvaliduntil) THEN (extract(epoch FROM rolvaliduntil) * 1000000)::bigint
                     WHEN rolvaliduntil < 'epoch' THEN 0 END
         FROM pg_roles ORDER BY rolname COLLATE \"C\"",
    )?;
    let mut role_of = HashMap::with_capacity(rows.len());
    let roles = rows.iter().enumerate().map(|(position, row)| {
        role_of.insert(row.get(0), RoleIx::from_position(position));
        Role {
            name: row.get(1),
            can_login: row.get(2),
            inherits: row.get(3),
            is_superuser: row.get(4),
            bypasses_row_security: row.get(5),
            valid_until: row.get::<_, Option<i64>>(6).map(Instant::from_micros),
        }
    });
    let roles = roles.collect();
    Ok((roles, role_of))
}

fn read_memberships(
    transaction: &mut impl Queries,
    server_version: u32,
    role_of: &HashMap<Oid, RoleIx>,
) -> Result<Vec<Membership>, PrivilegesError> {
    // Before version 16 a membership has no options: INHERIT is the member's, and SET always holds.
    let options = if server_version >= 16 { "inherit_option, set_option" } else { "true, true" };
    let sql = format!("SELECT roleid, member, {options} FROM pg_auth_members");
    let lists = Lists { roles: role_of };
    let rows = transaction.query(&sql)?;
    let memberships = rows.iter().map(|row| {
        Ok(Membership {
            role: lists.role(row.get(0))?,
            member: lists.role(row.get(1))?,
            inherits: row.get(2),
            can_set: row.get(3),
        })
    });
    let mut memberships: Vec<_> = memberships.collect::<Result<_, PrivilegesError>>()?;
    // By names, as everything else: oids differ between two servers that say the same.
    memberships.sort_by_key(|it| (it.role, it.member, it.inherits, it.can_set));
    Ok(memberships)
}

fn read_schemas(
    transaction: &mut impl Queries,
    lists: &Lists<'_>,
    choice: &SchemaChoice,
) -> Result<(Vec<Schema>, HashMap<Oid, SchemaIx>), PrivilegesError> {
    let mut entries = lists.read(
        transaction,
        concat!("SELECT n.oid, 0::int2, list.* FROM pg_namespace n ", entries!("n.nspacl")),
    )?;
    let sql = format!(
        "SELECT oid, nspname, nspowner, nspacl IS NULL FROM pg_namespace WHERE {OWN_SCHEMAS} AND {}
         ORDER BY nspname COLLATE \"C\"",
        choice.condition("oid")
    );
    let mut schema_of = HashMap::new();
    let mut schemas = Vec::new();
    for row in transaction.query(&sql)? {
        schema_of.insert(row.get(0), SchemaIx::from_position(schemas.len()));
        schemas.push(Schema {
            name: row.get(1),
            owner: lists.role(row.get(2))?,
            access_list: take(&mut entries, row.get(0), row.get(3)),
        });
    }
    Ok((schemas, schema_of))
}

fn read_relations(
    transaction: &mut impl Queries,
    lists: &Lists<'_>,
    schema_of: &HashMap<Oid, SchemaIx>,
    choice: &SchemaChoice,
) -> Result<Vec<Relation>, PrivilegesError> {
    let relations_read = format!("{RELATIONS} AND {}", choice.condition("c.relnamespace"));
    let sql = format!(
        concat!("SELECT c.oid, 0::int2, list.* FROM pg_class c ", entries!("c.relacl"), " WHERE {}"),
        relations_read
    );
    let mut entries = lists.read(transaction, &sql)?;
    let sql = format!(
        "SELECT c.oid, c.relnamespace, c.relname, c.relkind::text, c.relowner, c.relacl IS NULL, c.relrowsecurity,
                c.relforcerowsecurity
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {relations_read} AND {OWN_SCHEMAS}
         ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\""
    );
    let mut relations = Vec::new();
    let mut relation_of: HashMap<Oid, RelationIx> = HashMap::new();
    for row in transaction.query(&sql)? {
        let Some(schema) = schema_of.get(&row.get(1)) else { continue };
        relation_of.insert(row.get(0), RelationIx::from_position(relations.len()));
        relations.push(Relation {
            schema: *schema,
            name: row.get(2),
            kind: kind(row.get(3)),
            owner: lists.role(row.get(4))?,
            access_list: take(&mut entries, row.get(0), row.get(5)),
            columns: Vec::new(),
            has_row_security: row.get(6),
            forces_row_security: row.get(7),
        });
    }
    let sql = format!(
        concat!(
            "SELECT c.oid, a.attnum, list.* FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid ",
            entries!("a.attacl"),
            " WHERE a.attnum > 0 AND NOT a.attisdropped AND {}"
        ),
        relations_read
    );
    let mut entries = lists.read(transaction, &sql)?;
    let sql = format!(
        "SELECT a.attrelid, a.attname, a.attnum, a.attacl IS NULL
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE a.attnum > 0 AND NOT a.attisdropped AND {relations_read} ORDER BY a.attrelid, a.attnum"
    );
    for row in transaction.query(&sql)? {
        let oid: Oid = row.get(0);
        let Some(relation) = relation_of.get(&oid) else { continue };
        let list = entries.remove(&(oid, row.get::<_, i16>(2)));
        let access_list = if row.get(3) { None } else { Some(list.unwrap_or_default()) };
        relations[relation.get()].columns.push(Column { name: row.get(1), access_list });
    }
    Ok(relations)
}

fn kind(letter: &str) -> RelationKind {
    match letter {
        "p" => RelationKind::PartitionedTable,
        "f" => RelationKind::ForeignTable,
        "v" => RelationKind::View,
        "m" => RelationKind::MaterializedView,
        _ => RelationKind::Table,
    }
}

/// Access lists by object and column number; 0 is the object itself.
type EntriesOf = HashMap<(Oid, i16), Vec<AccessEntry>>;

/// Removes the access list of an object; a default list is none, a list without entries is empty.
fn take(entries: &mut EntriesOf, oid: Oid, is_default: bool) -> Option<Vec<AccessEntry>> {
    let list = entries.remove(&(oid, 0)).unwrap_or_default();
    (!is_default).then_some(list)
}

/// Reads access lists, with the roles that they name.
struct Lists<'r> {
    roles: &'r HashMap<Oid, RoleIx>,
}

impl Lists<'_> {
    fn role(&self, oid: Oid) -> Result<RoleIx, PrivilegesError> {
        self.roles.get(&oid).copied().ok_or(PrivilegesError::UnknownRole { oid })
    }

    /// Runs a query whose rows are object, column, grantor, grantee, privileges and grant options.
    fn read(&self, transaction: &mut impl Queries, sql: &str) -> Result<EntriesOf, PrivilegesError> {
        let mut entries = EntriesOf::new();
        let set = |bits: i32| PrivilegeSet(u8::try_from(bits).unwrap_or(0));
        for row in transaction.query(sql)? {
            let grantee: Oid = row.get(3);
            let entry = AccessEntry {
                grantee: if grantee == 0 { Grantee::Public } else { Grantee::Role(self.role(grantee)?) },
                grantor: self.role(row.get(2))?,
                privileges: set(row.get(4)),
                grant_options: set(row.get(5)),
            };
            entries.entry((row.get(0), row.get(1))).or_default().push(entry);
        }
        entries.values_mut().for_each(|list| list.sort_unstable());
        Ok(entries)
    }
}
