//! What the catalog tables say of tables, views and their columns.

use std::collections::HashMap;

use domesday_model::glob_matches;
use domesday_model::privileges::Privileges;
use postgres::types::Oid;

use super::privileges::{OWN_SCHEMAS, Queries, RELATIONS, SchemaChoice, read_privileges_in};
use super::session::{Session, SessionResult};
use super::{PostgresBounds, PostgresError, PostgresFindings};

/// The longest comment that is taken over, in characters; the rest is left out.
const LONGEST_COMMENT: usize = 10_000;

/// How many partitions with grants of their own are named.
const MOST_NAMED: usize = 10;

/// How many days before its own password expires the reader warns.
const WARNING_DAYS: i64 = 14;

/// Everything that one transaction read.
pub(super) struct Facts {
    /// What identifies the database, so that the oids of another are not taken for its own.
    pub(super) identity: String,
    /// Tables and views, the oldest first.
    pub(super) tables: Vec<Table>,
    /// Who was granted what on them.
    pub(super) privileges: Privileges,
    /// How many relations the database itself counts.
    pub(super) own_count: u64,
    pub(super) warnings: Vec<String>,
}

/// A table or a view.
pub(super) struct Table {
    pub(super) oid: Oid,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// A column.
pub(super) struct Column {
    pub(super) name: String,
    /// As `format_type` prints it.
    pub(super) data_type: String,
    pub(super) nullable: bool,
    pub(super) comment: Option<String>,
}

/// Reads the schemas that some globs match.
///
/// # Errors
/// When a query fails, or there is more than is read.
pub(super) fn read(session: &mut Session, globs: &[String], bounds: &PostgresBounds) -> SessionResult<Facts> {
    check_version(session)?;
    let schemas = Schemas::read(session, globs)?;
    let counts = Counts::read(session, &schemas.choice)?;
    counts.check(bounds)?;
    let identity = identity(session)?;
    let tables = tables(session, &schemas.choice)?;
    let privileges = read_privileges_in(session, &schemas.choice)?;
    let mut warnings = schemas.warnings;
    warnings.extend(partition_warning(session, &schemas.choice)?);
    warnings.extend(reader_warnings(session)?);
    Ok(Facts { identity, tables, privileges, own_count: counts.relations, warnings })
}

/// Counts what [`read`] would read.
///
/// # Errors
/// As [`read`].
pub(super) fn verify(
    session: &mut Session,
    globs: &[String],
    bounds: &PostgresBounds,
) -> SessionResult<PostgresFindings> {
    check_version(session)?;
    let schemas = Schemas::read(session, globs)?;
    let counts = Counts::read(session, &schemas.choice)?;
    counts.check(bounds)?;
    let mut warnings = schemas.warnings;
    warnings.extend(partition_warning(session, &schemas.choice)?);
    warnings.extend(reader_warnings(session)?);
    let rows = session
        .query("SELECT current_setting('server_version'), current_database()::text, current_user::text")?;
    let text = |column: usize| rows.first().map_or_else(String::new, |row| row.get(column));
    Ok(PostgresFindings {
        version: text(0),
        database: text(1),
        role: text(2),
        schemas: (schemas.matching, schemas.all),
        relations: counts.relations,
        columns: counts.columns,
        roles: counts.roles,
        warnings,
    })
}

fn check_version(session: &mut Session) -> SessionResult<()> {
    let rows = session.query("SELECT current_setting('server_version_num')::int4 / 10000")?;
    let found = rows.first().map_or(0, |row| u32::try_from(row.get::<_, i32>(0)).unwrap_or(0));
    if found < 13 { Err(PostgresError::TooOld { found }.into()) } else { Ok(()) }
}

/// The schemas of the database.
struct Schemas {
    choice: SchemaChoice,
    matching: usize,
    all: usize,
    warnings: Vec<String>,
}

impl Schemas {
    fn read(session: &mut Session, globs: &[String]) -> SessionResult<Self> {
        let sql = format!("SELECT oid, nspname FROM pg_namespace WHERE {OWN_SCHEMAS} ORDER BY oid");
        let rows = session.query(&sql)?;
        let named: Vec<(Oid, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let matches = |name: &str| globs.iter().any(|glob| glob_matches(glob, name));
        let oids: Vec<Oid> = named.iter().filter(|(_, name)| matches(name)).map(|(oid, _)| *oid).collect();
        let idle = globs.iter().filter(|glob| !named.iter().any(|(_, name)| glob_matches(glob, name)));
        let warnings = idle.map(|glob| format!("no schema matches `{glob}` of `schemas`")).collect();
        Ok(Self { matching: oids.len(), choice: SchemaChoice::Some(oids), all: named.len(), warnings })
    }
}

/// How much there is to read.
struct Counts {
    relations: u64,
    columns: u64,
    roles: u64,
    memberships: u64,
    access_entries: u64,
}

impl Counts {
    fn read(session: &mut Session, choice: &SchemaChoice) -> SessionResult<Self> {
        let relations = format!("{RELATIONS} AND {}", choice.condition("c.relnamespace"));
        let columns = format!(
            "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE a.attnum > 0 AND NOT a.attisdropped AND {relations}"
        );
        let rows = session.query(&format!(
            "SELECT (SELECT count(*) FROM pg_class c WHERE {relations}), (SELECT count(*) FROM {columns}),
                    (SELECT count(*) FROM pg_roles), (SELECT count(*) FROM pg_auth_members),
                    (SELECT coalesce(sum(cardinality(c.relacl)), 0)::int8 FROM pg_class c WHERE {relations})
                        + (SELECT coalesce(sum(cardinality(a.attacl)), 0)::int8 FROM {columns})"
        ))?;
        let count = |column: usize| {
            rows.first().map_or(0, |row| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0))
        };
        let counts = Self {
            relations: count(0),
            columns: count(1),
            roles: count(2),
            memberships: count(3),
            access_entries: count(4),
        };
        Ok(counts)
    }

    fn check(&self, bounds: &PostgresBounds) -> Result<(), PostgresError> {
        let table = [
            ("tables and views", self.relations, bounds.relations),
            ("columns", self.columns, bounds.columns),
            ("roles", self.roles, bounds.roles),
            ("memberships of roles", self.memberships, bounds.roles),
            ("entries of access lists", self.access_entries, bounds.access_entries),
        ];
        match table.into_iter().find(|(_, found, most)| found > most) {
            Some((what, found, most)) => Err(PostgresError::TooLarge { what, found, most }),
            None => Ok(()),
        }
    }
}

/// Returns what identifies the database: a table that was restored into another has another oid, and an oid there means
/// another table.
fn identity(session: &mut Session) -> SessionResult<String> {
    let rows = session.query(
        "SELECT has_function_privilege('pg_control_system()', 'EXECUTE'), d.oid
         FROM pg_database d WHERE d.datname = current_database()",
    )?;
    let Some(row) = rows.first() else { return Ok(String::new()) };
    let (is_allowed, database): (bool, Oid) = (row.get(0), row.get(1));
    let cluster = if is_allowed {
        let rows = session.query("SELECT system_identifier FROM pg_control_system()")?;
        rows.first().map_or(0, |row| row.get::<_, i64>(0))
    } else {
        0
    };
    Ok(format!("{cluster}.{database}"))
}

fn tables(session: &mut Session, choice: &SchemaChoice) -> SessionResult<Vec<Table>> {
    let relations = format!("{RELATIONS} AND {}", choice.condition("c.relnamespace"));
    let rows = session.query(&format!(
        "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {relations} ORDER BY c.oid"
    ))?;
    let mut tables: Vec<Table> = rows
        .iter()
        .map(|row| Table { oid: row.get(0), schema: row.get(1), name: row.get(2), columns: Vec::new() })
        .collect();
    let positions: HashMap<Oid, usize> =
        tables.iter().enumerate().map(|(position, table)| (table.oid, position)).collect();
    // The names of types depend on the search path; this is what nearly every session has. Literals have no type of their
    // own in this query, so that no operator in `public` fits better than the server's.
    session.batch("SET LOCAL search_path = pg_catalog, public")?;
    let rows = session.query(&format!(
        "SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                a.attnotnull OR t.typtype = 'd' AND t.typnotnull,
                pg_catalog.left(d.description, {LONGEST_COMMENT})
         FROM pg_catalog.pg_attribute a
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
         LEFT JOIN pg_catalog.pg_description d
             ON d.objoid = a.attrelid AND d.classoid = '1259' AND d.objsubid = a.attnum
         WHERE a.attnum > '0' AND NOT a.attisdropped AND {relations}
         ORDER BY a.attrelid, a.attnum"
    ))?;
    session.batch("SET LOCAL search_path = pg_catalog")?;
    for row in rows {
        let Some(position) = positions.get(&row.get::<_, Oid>(0)) else { continue };
        tables[*position].columns.push(Column {
            name: row.get(1),
            data_type: row.get(2),
            nullable: !row.get::<_, bool>(3),
            comment: row.get::<_, Option<String>>(4).filter(|comment| !comment.is_empty()),
        });
    }
    Ok(tables)
}

/// Names partitions with grants of their own, which are not read: a table stands for its partitions.
fn partition_warning(session: &mut Session, choice: &SchemaChoice) -> SessionResult<Option<String>> {
    let partitions = format!(
        "c.relispartition AND c.relkind IN ('r', 'p', 'f') AND {} AND (
             EXISTS (SELECT 1 FROM aclexplode(c.relacl) AS entry WHERE entry.grantee <> c.relowner)
             OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
                        AND NOT a.attisdropped))",
        choice.condition("c.relnamespace")
    );
    let rows = session.query(&format!(
        "SELECT n.nspname, c.relname, count(*) OVER () FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {partitions} ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\" LIMIT {MOST_NAMED}"
    ))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let count: i64 = first.get(2);
    let names: Vec<String> =
        rows.iter().map(|row| format!("`{}.{}`", row.get::<_, String>(0), row.get::<_, String>(1))).collect();
    let further = match usize::try_from(count).unwrap_or(usize::MAX) - names.len() {
        0 => String::new(),
        further => format!(" and {further} more"),
    };
    Ok(Some(format!(
        "privileges were granted on partitions themselves, which are not read, since a table stands for its partitions: \
         {}{further}",
        names.join(", ")
    )))
}

/// Says what is wrong with the role that reads: more rights than it needs, or a password that soon expires.
fn reader_warnings(session: &mut Session) -> SessionResult<Vec<String>> {
    let rows = session.query(&format!(
        "SELECT rolname, rolsuper,
                CASE WHEN rolvaliduntil <= transaction_timestamp() + interval '{WARNING_DAYS} days'
                     THEN to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD') END
         FROM pg_roles WHERE rolname = current_user"
    ))?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let (name, is_superuser): (String, bool) = (row.get(0), row.get(1));
    let mut warnings = Vec::new();
    if is_superuser {
        warnings.push(format!(
            "the role `{name}` is a superuser; a role that may connect to the database and nothing else is enough"
        ));
    }
    if let Some(day) = row.get::<_, Option<String>>(2) {
        warnings.push(format!("the password of the role `{name}` expires on {day}; renew it before"));
    }
    Ok(warnings)
}
