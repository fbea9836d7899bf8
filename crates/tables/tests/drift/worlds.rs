//! Random databases with catalogs that they are compared with: relations by template, so that many are alike but for their
//! names.

use std::sync::Arc;

use domesday_drift::Drift;
use domesday_engine::{Outcomes, evaluate};
use domesday_model::privileges::{
    AccessEntry, Column, Database, Grantee, Membership, ObservedDatabase, PrivilegeSet, Privileges, Relation,
    RelationKind, Role, RoleIx, Schema, SchemaIx,
};
use domesday_model::{Identification, Instant};
use serde_json::{Value, json};

use crate::world::snapshot;

/// A catalog and what connections read.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) catalog: Value,
    pub(crate) databases: Vec<ObservedDatabase>,
}

impl World {
    /// Evaluates the catalog, and compares each database with the outcomes.
    pub(crate) fn drifts(&self) -> (Arc<Outcomes>, Vec<Drift>) {
        let outcomes = Arc::new(evaluate(snapshot(&self.catalog.to_string())));
        let drift = |it: &ObservedDatabase| Drift::new(Arc::clone(&outcomes), Arc::new(it.clone()));
        let drifts = self.databases.iter().map(drift).collect();
        (outcomes, drifts)
    }
}

/// The size of a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) unmapped: usize,
    pub(crate) templates: usize,
    pub(crate) relations: usize,
}

pub(crate) const SMALL: Size = Size { users: 9, unmapped: 4, templates: 3, relations: 14 };

/// A deterministic source of random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Names that need quotes somewhere.
const NAMES: [&str; 10] =
    ["id", "B ü", "select", "a\"b", "Größe", "back`quote", "back\\slash", "it's", "x_1", "{}"];

/// What can be granted on a column.
const OF_COLUMN: PrivilegeSet = PrivilegeSet::WRITE_COLUMN.union(PrivilegeSet::SELECT);

/// Groups that privileges are granted to.
const TEAMS: usize = 4;

/// A world of one or two databases.
pub(crate) fn random(seed: u64, size: Size) -> World {
    let mut random = Random(seed.wrapping_mul(7_919) + 1);
    let user_name = |number: usize| match number % 5 {
        0 => format!("o'{number} \"q\""),
        1 => format!("Ada `{number}`"),
        _ => format!("u{number}"),
    };
    let users: Vec<Value> = (0..size.users)
        .map(|number| {
            let status = if random.chance(8) { "disabled" } else { "active" };
            let groups: Vec<&str> = if random.chance(50) { vec!["Staff"] } else { Vec::new() };
            json!({ "username": user_name(number), "status": status, "groups": groups })
        })
        .collect();
    let names: Vec<String> = (0..size.users).map(user_name).collect();
    let mut sources = Vec::new();
    let databases = 1 + usize::from(random.chance(40));
    let databases = (0..databases).map(|number| database(&mut random, number, size, &names, &mut sources));
    let databases = databases.collect();
    let catalog = json!({
        "tags": [{ "name": "A" }, { "name": "B" }, { "name": "PII" }],
        "groups": [{ "name": "Staff" }], "users": users, "dataSources": sources,
        "policies": [
            { "name": "All A", "type": "grant", "scope": "read", "level": "anyone", "appliesTo": { "tagged": ["A"] } },
            { "name": "Staff B", "type": "grant", "scope": "write", "level": "entitlements",
              "condition": "@isInGroups('Staff')", "appliesTo": { "tagged": ["B"] } },
            { "name": "No {} `", "type": "guardrail", "scope": "read", "level": "individuals",
              "individuals": { "users": names[..size.users / 2] }, "appliesTo": { "tagged": ["B"] } },
            { "name": "Nor write", "type": "guardrail", "scope": "write", "level": "individuals",
              "individuals": { "users": names[..size.users / 3] }, "appliesTo": { "tagged": ["A", "B"] } },
        ],
        "dataPolicies": [
            { "name": "Mask", "mask": { "kind": "hash" }, "columns": { "tagged": ["PII"] },
              "appliesTo": "all", "except": "@isInGroups('Staff')" },
        ],
    });
    World { catalog, databases }
}

/// What relations of a template have in common.
struct Template {
    relation: Relation,
    tags: Vec<&'static str>,
    /// By column.
    tagged: Vec<bool>,
}

fn database(
    random: &mut Random,
    number: usize,
    size: Size,
    users: &[String],
    sources: &mut Vec<Value>,
) -> ObservedDatabase {
    let role = |name: String, can_login: bool, is_superuser: bool| Role {
        name,
        can_login,
        inherits: true,
        is_superuser,
        bypasses_row_security: false,
        valid_until: None,
    };
    let mut roles = vec![role("postgres".to_owned(), false, true)];
    roles.extend((0..TEAMS).map(|team| role(format!("Team {team}"), false, false)));
    for user in users {
        if random.chance(85) {
            roles.push(role(user.clone(), random.chance(90), random.chance(3)));
        }
    }
    roles.extend((0..size.unmapped).map(|it| role(format!("job\t{it}"), true, false)));
    let count = roles.len();
    let ix = RoleIx::from_position;
    let mut memberships = Vec::new();
    for member in 2..count {
        for team in 1..=TEAMS.min(member - 1) {
            if random.chance(if member <= TEAMS { 20 } else { 35 }) {
                let (inherits, can_set) = (random.chance(70), random.chance(70));
                memberships.push(Membership { role: ix(team), member: ix(member), inherits, can_set });
            }
        }
    }
    // As PostgreSQL stores them: one entry for each grantee, granted by the owner.
    let list = |random: &mut Random, owner: RoleIx, privileges: PrivilegeSet, most: usize| {
        let mut entries: Vec<AccessEntry> = Vec::new();
        for _ in 0..random.below(most + 1) {
            let grantee = match random.below(12) {
                0 => Grantee::Public,
                1..7 => Grantee::Role(ix(1 + random.below(TEAMS))),
                _ => Grantee::Role(ix(1 + random.below(count - 1))),
            };
            let privileges = PrivilegeSet(u8::try_from(random.below(256)).unwrap() & privileges.0);
            let is_new = entries.iter().all(|entry| entry.grantee != grantee);
            if is_new && privileges != PrivilegeSet::NONE {
                let grant_options = PrivilegeSet::NONE;
                entries.push(AccessEntry { grantee, grantor: owner, privileges, grant_options });
            }
        }
        entries
    };
    let schemas: Vec<Schema> = ["Sales", "plain"]
        .map(|name| Schema {
            name: name.to_owned(),
            owner: ix(0),
            access_list: Some(vec![AccessEntry {
                grantee: if random.chance(70) { Grantee::Public } else { Grantee::Role(ix(1)) },
                grantor: ix(0),
                privileges: PrivilegeSet::USAGE,
                grant_options: PrivilegeSet::NONE,
            }]),
        })
        .into();
    let kinds =
        [RelationKind::Table, RelationKind::Table, RelationKind::PartitionedTable, RelationKind::View];
    let templates: Vec<Template> = (0..size.templates)
        .map(|_| {
            let columns = 1 + random.below(4);
            let owner = ix(if random.chance(60) { 0 } else { 1 + random.below(count - 1) });
            let column = |random: &mut Random| {
                let entries = random.chance(40).then(|| list(random, owner, OF_COLUMN, 4));
                Column { name: String::new(), access_list: entries }
            };
            let relation = Relation {
                schema: SchemaIx(u32::try_from(random.below(2)).unwrap()),
                name: String::new(),
                kind: kinds[random.below(4)],
                owner,
                access_list: random.chance(80).then(|| list(random, owner, PrivilegeSet::RELATION, 4)),
                columns: (0..columns).map(|_| column(random)).collect(),
                has_row_security: random.chance(30),
                forces_row_security: random.chance(50),
            };
            let tags = ["A", "B"].into_iter().filter(|_| random.chance(50)).collect();
            Template { relation, tags, tagged: (0..columns).map(|_| random.chance(50)).collect() }
        })
        .collect();
    let name = format!("shop{number}");
    let mut relations = Vec::new();
    for position in 0..size.relations {
        let Template { relation, tags, tagged } = &templates[random.below(size.templates)];
        let mut relation = relation.clone();
        relation.name = format!("{}{position}", NAMES[random.below(NAMES.len())]);
        let first = random.below(NAMES.len());
        for (at, column) in relation.columns.iter_mut().enumerate() {
            column.name = NAMES[(first + at) % NAMES.len()].to_owned();
        }
        let known = relation.columns.len() - usize::from(random.chance(8));
        let column = |(column, is_tagged): (&Column, &bool)| {
            let tags: Vec<&str> = is_tagged.then_some("PII").into_iter().collect();
            json!({ "name": column.name, "type": "text", "tags": tags })
        };
        let columns: Vec<Value> = relation.columns.iter().zip(tagged).take(known).map(column).collect();
        if random.chance(93) {
            sources.push(json!({
                "name": format!("{name}.{}", relation.name), "platform": "postgres", "host": "db",
                "database": name, "schema": schemas[relation.schema.get()].name, "table": relation.name,
                "columns": columns, "tags": tags,
                "status": if random.chance(6) { "disabled" } else { "enabled" },
            }));
        }
        relations.push(relation);
    }
    let privileges = Privileges {
        server_version: 16,
        observed_at: Instant::from_micros(1_700_000_000_000_000 + i64::try_from(number).unwrap()),
        database: Database { name, owner: ix(0), access_list: None },
        roles,
        memberships,
        schemas,
        relations,
    };
    let identify = vec![Identification::Username];
    ObservedDatabase { connection: format!("c{number}"), host: "db".to_owned(), identify, privileges }
}

/// A world whose access lists no database makes: several entries of one grantee and grantor, grantors without the right to
/// grant, circles of them, and anything on columns. Privileges are stored once they are read, and what is stored may be damaged.
pub(crate) fn impossible(seed: u64, size: Size) -> World {
    let mut world = random(seed, size);
    let mut random = Random(seed);
    for database in &mut world.databases {
        let roles = database.privileges.roles.len();
        for relation in &mut database.privileges.relations {
            let of_columns = relation.columns.iter_mut().map(|column| &mut column.access_list);
            for list in std::iter::once(&mut relation.access_list).chain(of_columns) {
                let role = |random: &mut Random| RoleIx::from_position(random.below(roles));
                let entries = (0..random.below(7)).map(|_| AccessEntry {
                    grantee: Grantee::Role(role(&mut random)),
                    grantor: role(&mut random),
                    privileges: PrivilegeSet(u8::try_from(random.below(256)).unwrap()),
                    grant_options: PrivilegeSet(u8::try_from(random.below(256)).unwrap()),
                });
                let mut entries: Vec<AccessEntry> = entries.collect();
                entries.extend_from_within(..entries.len() / 2);
                *list = Some(entries);
            }
        }
    }
    world
}
