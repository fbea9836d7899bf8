//! Actual access and drift of a large database, beside the way of SQL: `has_table_privilege` in a join.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use anyhow::{Context as _, ensure};
use domesday_actual::ActualAccess;
use domesday_drift::Drift;
use domesday_engine::evaluate;
use domesday_model::privileges::{ObservedDatabase, Privileges};
use domesday_model::{Identification, Scope, Snapshot};
use domesday_sources::postgres::{begin, read_privileges};
use domesday_tables::{Settings, encode};
use postgres::{Client, NoTls};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::enterprise::at;
use crate::phases::peak_bytes;
use crate::random::{Random, Zipf};

/// How many schemas the tables are in.
const SCHEMAS: usize = 40;
/// How many of the roles are groups that privileges are granted to, one in this many.
const GROUP_SHARE: usize = 10;
/// How many statements are sent at once.
const BATCH: usize = 2_000;

/// What evaluation costs, and SQL for a sample of the tables.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Roles of the cluster.
    pub roles: usize,
    /// Tables of the database.
    pub tables: usize,
    /// Classes of tables that are alike for actual access.
    pub relation_classes: usize,
    /// Groups of tables that are alike for policies too.
    pub relation_groups: usize,
    /// Accesses of a role to a table in a scope.
    pub accesses: usize,
    /// Findings.
    pub findings: usize,
    /// Seconds to read the privileges over the connection.
    pub read_seconds: f64,
    /// Seconds to evaluate actual access.
    pub access_seconds: f64,
    /// Seconds to evaluate actual access and find what differs from policy.
    pub drift_seconds: f64,
    /// Seconds to work out every repair.
    pub repair_seconds: f64,
    /// Seconds to write the script of them.
    pub script_seconds: f64,
    /// Bytes of the script.
    pub script_bytes: usize,
    /// Seconds to encode all tables of the summary, of which actual-access and access-drift have nearly all rows.
    pub tables_seconds: f64,
    /// Bytes of the tables.
    pub tables_bytes: u64,
    /// Tables that SQL was asked about.
    pub sampled_tables: usize,
    /// Seconds that SQL took for actual access to them, in both scopes.
    pub sql_seconds: f64,
    /// Seconds that it would take for all of them.
    pub sql_extrapolated_seconds: f64,
    /// How many times faster evaluation with findings is than SQL without.
    pub ratio: f64,
    /// Peak memory of this process, in bytes.
    pub peak_bytes: u64,
}

/// Fills an empty database of a cluster that nothing else uses, and measures.
///
/// # Errors
/// When the database cannot be filled or read, or SQL counts other accesses than evaluation.
pub fn compare(url: &SecretString, roles: usize, tables: usize, sample: usize) -> anyhow::Result<Comparison> {
    let mut client = Client::connect(url.expose_secret(), NoTls).context("cannot connect")?;
    fill(&mut client, roles, tables)?;
    let clock = Stopwatch::now();
    let privileges = read_privileges(&mut begin(&mut client)?)?;
    let read_seconds = clock.elapsed().as_secs_f64();
    let snapshot = snapshot(&privileges, roles)?;

    let clock = Stopwatch::now();
    let access = ActualAccess::new(&privileges);
    let access_seconds = clock.elapsed().as_secs_f64();
    let outcomes = Arc::new(evaluate(snapshot));
    let database = Arc::new(ObservedDatabase {
        connection: "warehouse".to_owned(),
        host: "db".to_owned(),
        identify: vec![Identification::Username],
        privileges,
    });
    let clock = Stopwatch::now();
    let drift = Drift::new(Arc::clone(&outcomes), Arc::clone(&database));
    let drift_seconds = clock.elapsed().as_secs_f64();
    let clock = Stopwatch::now();
    drift.work_out_repairs();
    let repair_seconds = clock.elapsed().as_secs_f64();
    let clock = Stopwatch::now();
    let script_bytes = drift.repair_script().len();
    let script_seconds = clock.elapsed().as_secs_f64();
    let clock = Stopwatch::now();
    let drifts = std::slice::from_ref(&drift);
    let open = |_table: &'static _, _part: u32| Ok(std::io::sink());
    let encoded = encode(&outcomes, drifts, &Settings::default(), &mut |_| ControlFlow::Continue(()), open)?;
    let tables_seconds = clock.elapsed().as_secs_f64();
    let tables_bytes = encoded.parts.iter().map(|part| part.bytes).sum();

    let relations = database.privileges.relations.len();
    let every = (relations / sample.max(1)).max(1);
    let sampled: Vec<usize> = (0..relations).step_by(every).collect();
    let (sql_seconds, by_sql) = ask(&mut client, &database, &sampled)?;
    let class_of = |relation: &usize| &access.classes[access.class_of[*relation].0 as usize];
    let by_class = |relation: &usize| -> usize {
        let of_scope = Scope::ALL.into_iter().flat_map(|scope| class_of(relation).scope(scope));
        of_scope.map(|access| access.roles.len()).sum()
    };
    let evaluated: usize = sampled.iter().map(by_class).sum();
    ensure!(evaluated == by_sql, "SQL counts {by_sql} accesses and evaluation {evaluated}");
    let sql_extrapolated_seconds = sql_seconds * relations as f64 / sampled.len() as f64;
    Ok(Comparison {
        roles: database.privileges.roles.len(),
        tables: relations,
        relation_classes: access.classes.len(),
        relation_groups: drift.groups().len(),
        accesses: drift.access_count(),
        findings: drift.total(),
        read_seconds,
        access_seconds,
        drift_seconds,
        repair_seconds,
        script_seconds,
        script_bytes,
        tables_seconds,
        tables_bytes,
        sampled_tables: sampled.len(),
        sql_seconds,
        sql_extrapolated_seconds,
        ratio: sql_extrapolated_seconds / drift_seconds,
        peak_bytes: peak_bytes(),
    })
}

/// Asks PostgreSQL who can, in both scopes; returns the seconds and the number of accesses.
fn ask(client: &mut Client, database: &ObservedDatabase, sampled: &[usize]) -> anyhow::Result<(f64, usize)> {
    let name = |relation: &usize| {
        let relation = &database.privileges.relations[*relation];
        format!("{}.{}", database.privileges.schemas[relation.schema.get()].name, relation.name)
    };
    let names: Vec<String> = sampled.iter().map(name).collect();
    let clock = Stopwatch::now();
    let row = client.query_one(
        "SELECT count(*) FILTER (WHERE has_table_privilege(r.oid, c.oid, 'SELECT')
                                    OR has_any_column_privilege(r.oid, c.oid, 'SELECT')),
                count(*) FILTER (WHERE has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                                    OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE'))
         FROM pg_roles r CROSS JOIN pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname || '.' || c.relname = ANY ($1) AND r.rolcanlogin
           AND has_database_privilege(r.oid, current_database(), 'CONNECT')
           AND has_schema_privilege(r.oid, n.oid, 'USAGE')",
        &[&names],
    )?;
    let seconds = clock.elapsed().as_secs_f64();
    Ok((seconds, usize::try_from(row.get::<_, i64>(0) + row.get::<_, i64>(1))?))
}

/// Makes roles, schemas and tables: groups get privileges by schema, some tables and people have some of their own.
fn fill(client: &mut Client, roles: usize, tables: usize) -> anyhow::Result<()> {
    let mut random = Random::new(19);
    let groups = (roles / GROUP_SHARE).max(SCHEMAS);
    let popular = Zipf::new(groups, 0.8);
    let mut statements: Vec<String> = Vec::new();
    for group in 0..groups {
        statements.push(format!("CREATE ROLE team_{group} NOLOGIN"));
        if group > 0 && random.chance(0.2) {
            statements.push(format!("GRANT team_{} TO team_{group}", random.below(group)));
        }
    }
    for person in 0..roles.saturating_sub(groups) {
        statements.push(format!("CREATE ROLE person_{person} LOGIN"));
        for _ in 0..1 + random.below(5) {
            statements.push(format!("GRANT team_{} TO person_{person}", popular.draw(&mut random)));
        }
    }
    for schema in 0..SCHEMAS {
        statements.push(format!("CREATE SCHEMA area_{schema}"));
        for group in (0..groups).filter(|group| group % 4 != 0 || group % SCHEMAS == schema) {
            statements.push(format!("GRANT USAGE ON SCHEMA area_{schema} TO team_{group}"));
        }
    }
    for table in 0..tables {
        let schema = table % SCHEMAS;
        let name = format!("area_{schema}.facts_{table}");
        let columns: String = (2..10).fold(String::new(), |mut text, column| {
            let _ = write!(text, ", field_{column} text");
            text
        });
        statements.push(format!("CREATE TABLE {name} (id bigint, email text{columns})"));
        // Twelve templates a schema, as generated grants are.
        let mut template = Random::new((schema * 12 + random.below(12)) as u64);
        for _ in 0..3 + template.below(4) {
            let privilege =
                template.pick(&["SELECT", "SELECT", "SELECT", "INSERT, UPDATE, DELETE", "SELECT (id)"]);
            statements.push(format!("GRANT {privilege} ON {name} TO team_{}", template.below(groups)));
        }
        if random.chance(0.05) {
            let person = random.below(roles.saturating_sub(groups).max(1));
            statements.push(format!("GRANT SELECT ON {name} TO person_{person}"));
        }
    }
    for batch in statements.chunks(BATCH) {
        client.batch_execute(&batch.join(";\n"))?;
    }
    client.batch_execute("ANALYZE pg_catalog.pg_class; ANALYZE pg_catalog.pg_authid")?;
    Ok(())
}

/// The catalog of the same company: people in groups, policies by schema and group, masks of e-mail addresses.
fn snapshot(privileges: &Privileges, roles: usize) -> anyhow::Result<Snapshot> {
    let mut random = Random::new(23);
    let groups = (roles / GROUP_SHARE).max(SCHEMAS);
    let people = roles.saturating_sub(groups);
    let mut users = String::new();
    for person in 0..people {
        let separator = if person == 0 { "" } else { "," };
        let (one, other) = (random.below(groups), random.below(groups));
        let _ = write!(
            users,
            r#"{separator}{{"username": "person_{person}", "groups": ["team_{one}", "team_{other}"]}}"#
        );
    }
    let names: Vec<String> = (0..groups).map(|group| format!(r#"{{"name": "team_{group}"}}"#)).collect();
    let mut sources = String::new();
    for (position, relation) in privileges.relations.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        let schema = &privileges.schemas[relation.schema.get()].name;
        let columns: Vec<String> = relation
            .columns
            .iter()
            .map(|column| format!(r#"{{"name": "{}", "type": "text"}}"#, column.name))
            .collect();
        let _ = write!(
            sources,
            r#"{separator}{{"name": "{schema}.{0}", "platform": "postgres", "host": "db", "database": "{1}",
                "schema": "{schema}", "table": "{0}", "columns": [{2}]}}"#,
            relation.name,
            privileges.database.name,
            columns.join(",")
        );
    }
    let mut policies = Vec::new();
    for schema in 0..SCHEMAS {
        for (scope, count) in [("read", 6), ("write", 2)] {
            for number in 0..count {
                let group = random.below(groups);
                policies.push(format!(
                    r#"{{"name": "area {schema} {scope} {number}", "type": "grant", "scope": "{scope}",
                        "level": "entitlements", "condition": "@isInGroups('team_{group}')",
                        "appliesTo": {{"schemas": ["area_{schema}"]}}}}"#
                ));
            }
        }
    }
    let text = format!(
        r#"{{"groups": [{}], "users": [{users}], "dataSources": [{sources}], "policies": [{}],
            "dataPolicies": [{{"name": "addresses", "mask": {{"kind": "null"}}, "columns": {{"names": ["email"]}},
                "appliesTo": "all", "except": "@isInGroups('team_0')"}}]}}"#,
        names.join(","),
        policies.join(",")
    );
    let loaded = domesday_sources::parse_str("catalog.json", &text);
    let loaded = loaded.map_err(|mistakes| anyhow::anyhow!("{mistakes}"))?;
    Ok(Snapshot::of_catalog(&loaded.catalog, at())?)
}
