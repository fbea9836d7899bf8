//! Actual access on every pair of random databases, against PostgreSQL's own functions and real sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use domesday_actual::{AccessPath, ActualAccess, RoleAccess};
use domesday_model::Scope;
use domesday_model::privileges::{Privileges, RelationIx, Role};
use domesday_sources::postgres::{begin, read_privileges};
use postgres::{Client, NoTls};

use crate::cluster::{ask_postgresql, server_version, take_turn};
use crate::generate::{Generated, database};
use crate::postgres_server::Server;

/// How many databases are made.
const DATABASES: u64 = 60;

/// Who can, by PostgreSQL's functions: role, schema, relation, the columns that can be reached, whether the whole
/// relation can.
const CAN: &str = "
    SELECT r.rolname, n.nspname, c.relname,
           bool_or(whole),
           array_agg(DISTINCT a.attname::text) FILTER (WHERE column_reached)
    FROM pg_roles r
    CROSS JOIN pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN pg_roles s
    CROSS JOIN LATERAL (SELECT WHOLE AS whole, COLUMN AS column_reached) reach
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
      AND n.nspname IN ('public', 'one', 'Two ü')
      AND r.rolcanlogin AND (r.rolvaliduntil IS NULL OR r.rolvaliduntil >= now())
      AND has_database_privilege(r.oid, current_database(), 'CONNECT')
      AND pg_has_role(r.oid, s.oid, 'SETROLE')
      AND has_schema_privilege(s.oid, n.oid, 'USAGE')
      AND (whole OR column_reached)
    GROUP BY 1, 2, 3";

/// Role, schema and relation.
type Pair = (String, String, String);

/// The columns within reach; none stands for all.
type Reach = Option<BTreeSet<String>>;

struct World {
    server: &'static Server,
    name: String,
    generated: Generated,
    version: u32,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    fn new(seed: u64) -> Self {
        let turn = take_turn();
        let server = Server::shared();
        let name = format!("actual_{seed}");
        let mut client = server.client("postgres");
        let version = server_version(&mut client);
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let generated = database(seed, version);
        let sql = generated.sql.replace("DATABASE current", &format!("DATABASE {name}"));
        server.run(&name, &sql);
        Self { server, name, generated, version, _turn: turn }
    }

    fn client(&self) -> Client {
        self.server.client(&self.name)
    }

    /// A session of a role, as its password would open one.
    fn session(&self, role: &str) -> Option<Client> {
        let url = secrecy_free_url(self.server, &self.name);
        let mut config: postgres::Config = url.parse().unwrap();
        config.user(role).connect(NoTls).ok()
    }
}

/// The server's URL as text; it holds no password.
fn secrecy_free_url(server: &Server, database: &str) -> String {
    use secrecy::ExposeSecret;
    server.url(database).expose_secret().to_owned()
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.server.run_until_done("postgres", &format!("DROP DATABASE {}", self.name));
            self.server.run("postgres", &self.generated.cleanup);
        }
    }
}

/// The privileges of a database, read in a transaction of their own.
fn read(client: &mut Client) -> Privileges {
    let mut transaction = begin(client).unwrap();
    read_privileges(&mut transaction).unwrap()
}

fn name_of(privileges: &Privileges, relation: RelationIx) -> (&str, &str) {
    let relation = &privileges.relations[relation.get()];
    (&privileges.schemas[relation.schema.get()].name, &relation.name)
}

fn evaluated(privileges: &Privileges, access: &ActualAccess, scope: Scope) -> BTreeMap<Pair, Reach> {
    let mut found = BTreeMap::new();
    each(privileges, access, scope, &mut |role, relation, one| {
        let (schema, name) = name_of(privileges, relation);
        let columns = &privileges.relations[relation.get()].columns;
        let reach = one.columns.as_ref().map(|positions| {
            positions.iter().map(|position| columns[*position as usize].name.clone()).collect()
        });
        let before = found.insert((role.to_owned(), schema.to_owned(), name.to_owned()), reach);
        assert!(before.is_none(), "{role} has two ways to {schema}.{name}");
    });
    found
}

fn each(
    privileges: &Privileges,
    access: &ActualAccess,
    scope: Scope,
    use_one: &mut dyn FnMut(&str, RelationIx, &RoleAccess),
) {
    for class in &access.classes {
        for relation in &class.relations {
            for one in class.scope(scope) {
                for role in &one.roles {
                    use_one(&privileges.roles[role.get()].name, *relation, one);
                }
            }
        }
    }
}

fn expected(world: &World, client: &mut Client, scope: Scope) -> BTreeMap<Pair, Reach> {
    let rows = client.query(&ask_postgresql(CAN, scope, world.version), &[]).unwrap();
    let rows = rows.iter().map(|row| {
        let columns: BTreeSet<String> =
            row.get::<_, Option<Vec<String>>>(4).unwrap_or_default().into_iter().collect();
        // Every relation here has three columns; reading all of them one by one is reading all.
        let is_all = row.get::<_, bool>(3) || (scope == Scope::Read && columns.len() == 3);
        ((row.get(0), row.get(1), row.get(2)), (!is_all).then_some(columns))
    });
    rows.collect()
}

#[test]
fn access_is_what_postgresql_says_of_every_pair() {
    let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut pairs, mut by_columns, mut filtered) = (0, 0, 0);
    for seed in 1..=DATABASES {
        let world = World::new(seed);
        let mut client = world.client();
        let privileges = read(&mut client);
        let access = ActualAccess::new(&privileges);
        for scope in [Scope::Read, Scope::Write] {
            let (found, wanted) =
                (evaluated(&privileges, &access, scope), expected(&world, &mut client, scope));
            for (pair, reach) in &wanted {
                assert_eq!(
                    found.get(pair),
                    Some(reach),
                    "seed {seed}, {scope:?}, {pair:?}\n{}",
                    world.generated.sql
                );
            }
            for pair in found.keys() {
                assert!(
                    wanted.contains_key(pair),
                    "seed {seed}, {scope:?}, {pair:?} cannot\n{}",
                    world.generated.sql
                );
            }
            pairs += found.len();
            by_columns += found.values().filter(|reach| reach.is_some()).count();
            each(&privileges, &access, scope, &mut |role, relation, one| {
                check_way(&mut client, &privileges, role, relation, scope, one);
                filtered += usize::from(one.is_row_filtered);
                *ways.entry(word(&one.path)).or_default() += 1;
            });
        }
    }
    // The generator reaches every rule.
    assert!(pairs > 1_000 && by_columns > 80 && filtered > 50, "{pairs} {by_columns} {filtered}");
    for way in ["SUPERUSER", "OWNER", "DIRECT", "PUBLIC", "one role", "two roles", "more roles"] {
        assert!(ways.get(way).is_some_and(|count| *count > 5), "{way} is not reached: {ways:?}");
    }
}

fn word(path: &AccessPath) -> &'static str {
    match path {
        AccessPath::Superuser => "SUPERUSER",
        AccessPath::Owner => "OWNER",
        AccessPath::Direct => "DIRECT",
        AccessPath::Public => "PUBLIC",
        AccessPath::Roles(roles) => match roles.len() {
            1 => "one role",
            2 => "two roles",
            _ => "more roles",
        },
    }
}

/// Each step of a way is a membership that PostgreSQL has.
fn check_way(
    client: &mut Client,
    privileges: &Privileges,
    role: &str,
    relation: RelationIx,
    scope: Scope,
    one: &RoleAccess,
) {
    let AccessPath::Roles(roles) = &one.path else { return };
    let names: Vec<&str> =
        std::iter::once(role).chain(roles.iter().map(|ix| &*privileges.roles[ix.get()].name)).collect();
    for step in names.windows(2) {
        let is_member: bool = client
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
                                JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = $1 AND r.rolname = $2)
                     OR ($2 = 'pg_database_owner' AND EXISTS (SELECT FROM pg_database d JOIN pg_roles u ON u.oid = d.datdba
                         WHERE d.datname = current_database() AND u.rolname = $1))",
                &[&step[0], &step[1]],
            )
            .unwrap()
            .get(0);
        assert!(
            is_member,
            "{scope:?} {:?} by {names:?}: no step from {} to {}",
            name_of(privileges, relation),
            step[0],
            step[1]
        );
    }
}

#[test]
fn real_sessions_can_and_cannot() {
    let (mut reached_pairs, mut refused, mut filtered) = (0, 0, 0);
    let mut seed = 101;
    let mut last = 112;
    while seed <= last {
        let world = World::new(seed);
        // Without the roles that read or write everything there is less to reach.
        if world.version < 14 {
            last = 148;
        }
        let mut client = world.client();
        let privileges = read(&mut client);
        let access = ActualAccess::new(&privileges);
        let mut can: BTreeMap<Pair, bool> = BTreeMap::new();
        each(&privileges, &access, Scope::Read, &mut |role, relation, one| {
            let (schema, name) = name_of(&privileges, relation);
            can.insert((role.to_owned(), schema.to_owned(), name.to_owned()), one.is_row_filtered);
        });
        let expired = |role: &Role| !role.may_log_in(privileges.observed_at);
        for role in privileges.roles.iter().filter(|role| role.name.starts_with(&world.generated.prefix)) {
            // The socket asks for no password, so its expiry cannot be tried.
            if role.can_login && expired(role) {
                continue;
            }
            let session = world.session(&role.name);
            let reads_any = can.keys().any(|(name, _, _)| *name == role.name);
            let Some(mut session) = session else {
                assert!(!reads_any, "{} cannot log in", role.name);
                continue;
            };
            let others: Vec<String> = privileges.roles.iter().map(|role| role.name.clone()).collect();
            for relation in &privileges.relations {
                let schema = &privileges.schemas[relation.schema.get()].name;
                let mut reached = false;
                let mut bound = true;
                for other in &others {
                    if session.batch_execute(&format!("SET ROLE \"{}\"", other.replace('"', "\"\""))).is_err()
                    {
                        continue;
                    }
                    let quoted = format!("\"{schema}\".\"{}\"", relation.name);
                    let works = relation.columns.iter().any(|column| {
                        let sql = format!("SELECT \"{}\" FROM {quoted}", column.name.replace('"', "\"\""));
                        session.batch_execute(&sql).is_ok()
                    });
                    if works {
                        reached = true;
                        let sql = "SELECT row_security_active($1::text)";
                        bound &= session.query_one(sql, &[&quoted]).unwrap().get::<_, bool>(0);
                    }
                    session.batch_execute("RESET ROLE").unwrap();
                }
                let pair = (role.name.clone(), schema.clone(), relation.name.clone());
                let told = can.get(&pair);
                assert_eq!(told.is_some(), reached, "seed {seed}: {pair:?}\n{}", world.generated.sql);
                if reached {
                    assert_eq!(
                        *told.unwrap(),
                        bound,
                        "row security, seed {seed}: {pair:?}\n{}",
                        world.generated.sql
                    );
                    reached_pairs += 1;
                    filtered += usize::from(bound);
                } else {
                    refused += 1;
                }
            }
        }
        seed += 1;
    }
    assert!(reached_pairs > 100 && refused > 100 && filtered > 5, "{reached_pairs} {refused} {filtered}");
}
