//! Findings, against PostgreSQL's own functions and a plain reading of the outcomes, pair by pair.

use std::collections::{BTreeMap, BTreeSet};

use domesday_drift::{Drift, FindingKind, Lack};
use domesday_engine::{Access, Sight};
use domesday_model::{DataSourceIx, DataSourceStatus, Identification, Scope, UserIx};
use postgres::Transaction;

use crate::cluster::{ask_postgresql, set_role};
use crate::facts::{Fact, fact, facts};
use crate::world::World;

/// How many databases are made.
const DATABASES: u64 = 40;

/// Who can, by PostgreSQL's functions.
const CAN: &str = "
    SELECT r.rolname::text, n.nspname || '.' || c.relname, bool_or(whole),
           array_agg(DISTINCT a.attname::text) FILTER (WHERE reached)
    FROM pg_roles r
    CROSS JOIN pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN pg_roles s
    CROSS JOIN LATERAL (SELECT WHOLE AS whole, COLUMN AS reached) reach
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('public', 'Two ü')
      AND r.rolcanlogin AND (r.rolvaliduntil IS NULL OR r.rolvaliduntil >= now())
      AND has_database_privilege(r.oid, current_database(), 'CONNECT')
      AND pg_has_role(r.oid, s.oid, 'SETROLE')
      AND has_schema_privilege(s.oid, n.oid, 'USAGE')
      AND (whole OR reached)
    GROUP BY 1, 2";

/// What a role that cannot has: CONNECT, USAGE, the privilege, USAGE and the privilege by one role.
const HAS: &str = "
    SELECT has_database_privilege($1::text, current_database(), 'CONNECT'),
           bool_or(has_schema_privilege(s.oid, n.oid, 'USAGE')), bool_or(held),
           bool_or(held AND has_schema_privilege(s.oid, n.oid, 'USAGE'))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN pg_roles s
    CROSS JOIN LATERAL (SELECT HELD AS held) held
    WHERE n.nspname || '.' || c.relname = $2 AND pg_has_role($1::text, s.oid, 'SETROLE')";

/// The columns that a role reaches, by role and relation; none stands for all.
type Can = BTreeMap<(String, String), Option<BTreeSet<String>>>;

fn can(transaction: &mut Transaction<'_>, scope: Scope, version: u32) -> Can {
    let sql = ask_postgresql(CAN, scope, version);
    let rows = transaction.query(&sql, &[]).unwrap();
    let rows = rows.iter().map(|row| {
        let columns = row.get::<_, Option<Vec<String>>>(3).unwrap_or_default();
        ((row.get(0), row.get(1)), (!row.get::<_, bool>(2)).then(|| columns.into_iter().collect()))
    });
    rows.collect()
}

/// A role of the cluster, as the catalog tables tell it.
struct RoleFact {
    name: String,
    can_login: bool,
    may_log_in: bool,
    user: Option<String>,
}

fn roles(world: &World, transaction: &mut Transaction<'_>) -> Vec<RoleFact> {
    let usernames: Vec<String> =
        world.outcomes.snapshot().users.iter().map(|user| user.username.to_string()).collect();
    let owner = |role: &str| {
        world.identify.iter().find_map(|entry| match entry {
            Identification::Roles { roles } => roles.get(role).cloned(),
            Identification::Username => usernames.iter().find(|name| *name == role).cloned(),
            Identification::Template { .. } => {
                usernames.iter().find(|name| format!("{name}_ro") == role).cloned()
            }
            Identification::Email => None,
        })
    };
    let sql =
        "SELECT rolname::text, rolcanlogin, rolvaliduntil IS NULL OR rolvaliduntil >= now() FROM pg_roles";
    let mut roles: Vec<RoleFact> = transaction
        .query(sql, &[])
        .unwrap()
        .iter()
        .map(|row| RoleFact {
            name: row.get(0),
            can_login: row.get(1),
            may_log_in: row.get::<_, bool>(1) && row.get::<_, bool>(2),
            user: owner(row.get(0)),
        })
        .collect();
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    roles
}

/// The findings by the table in `docs/drift.md`, pair by pair.
fn expected(world: &World, transaction: &mut Transaction<'_>) -> BTreeSet<Fact> {
    let snapshot = world.outcomes.snapshot();
    let roles = roles(world, transaction);
    let can = Scope::ALL.map(|scope| can(transaction, scope, world.version));
    let tables: Vec<String> = transaction
        .query(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p')",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut all = BTreeSet::new();
    for (position, source) in snapshot.data_sources.iter().enumerate() {
        let ix = DataSourceIx::at(position);
        let name = source.name.to_string();
        // In these worlds a data source is named as its relation.
        let is_table = tables.contains(&name);
        let known: Vec<String> = snapshot.columns_of(ix).map(|(_, column)| column.name.to_string()).collect();
        for (scope, can) in Scope::ALL.into_iter().zip(&can) {
            let reach = |role: &RoleFact| can.get(&(role.name.clone(), name.clone()));
            let mut add =
                |kind: FindingKind, role: Option<&RoleFact>, user: Option<&str>, column: Option<&str>| {
                    all.insert(Fact {
                        kind: kind.as_str(),
                        role: role.map(|role| role.name.clone()),
                        user: user.map(str::to_owned),
                        source: name.clone(),
                        column: column.map(str::to_owned),
                        scope: scope.as_str(),
                    });
                };
            for role in roles.iter().filter(|role| role.user.is_none() && reach(role).is_some()) {
                add(FindingKind::Unmapped, Some(role), None, None);
            }
            for (user_position, user) in snapshot.users.iter().enumerate() {
                let user_ix = UserIx::at(user_position);
                let username = &*user.username;
                let theirs: Vec<&RoleFact> =
                    roles.iter().filter(|role| role.user.as_deref() == Some(username)).collect();
                let readers: Vec<&RoleFact> =
                    theirs.iter().copied().filter(|role| reach(role).is_some()).collect();
                let explained = world.outcomes.explain(user_ix, ix, scope);
                let is_live = snapshot.is_active(user_ix) && source.status == DataSourceStatus::Enabled;
                let kind = match explained.access {
                    Access::Granted if is_live => None,
                    Access::Blocked if is_live => Some(FindingKind::ExcessBlocked),
                    _ => Some(FindingKind::Excess),
                };
                if let Some(kind) = kind {
                    readers.iter().for_each(|role| add(kind, Some(role), Some(username), None));
                    continue;
                }
                let read = world.outcomes.explain(user_ix, ix, Scope::Read);
                let masked: Vec<&str> = read
                    .columns
                    .iter()
                    .filter(|column| column.outcome == Sight::Masked)
                    .map(|column| column.column.as_str())
                    .collect();
                if readers.is_empty() {
                    // Every relation of these worlds has three columns.
                    if !(scope == Scope::Read && is_table && masked.len() == 3) {
                        let first = theirs.iter().copied().find(|role| role.may_log_in);
                        add(FindingKind::Missing, first, Some(username), None);
                    }
                    continue;
                }
                if scope == Scope::Write {
                    continue;
                }
                let reads = |role: &RoleFact, column: &str| {
                    reach(role).is_some_and(|columns| columns.as_ref().is_none_or(|it| it.contains(column)))
                };
                for column in &known {
                    let is_masked = masked.contains(&column.as_str());
                    if is_masked && is_table {
                        for role in readers.iter().filter(|role| reads(role, column)) {
                            add(FindingKind::UnmaskedColumn, Some(role), Some(username), Some(column));
                        }
                    }
                    if !is_masked && !readers.iter().any(|role| reads(role, column)) {
                        add(FindingKind::Partial, Some(readers[0]), Some(username), Some(column));
                    }
                }
            }
        }
    }
    all
}

#[test]
fn findings_are_what_postgresql_and_the_outcomes_say_of_every_pair() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lacks: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 1..=DATABASES {
        let world = World::new(seed);
        let mut client = world.client();
        let mut transaction = client.transaction().unwrap();
        let drift = world.drift(&mut transaction);
        let (found, wanted) = (facts(&drift), expected(&world, &mut transaction));
        let differing: Vec<_> = found.symmetric_difference(&wanted).collect();
        assert!(
            differing.is_empty(),
            "seed {seed}: {differing:#?}\nfound {}, wanted {}\n{}\n{}",
            found.len(),
            wanted.len(),
            world.generated.sql,
            world.generated.catalog
        );
        for kind in FindingKind::ALL {
            let count = found.iter().filter(|fact| fact.kind == kind.as_str()).count();
            assert_eq!(drift.count(kind), count);
            *kinds.entry(kind.as_str()).or_default() += count;
        }
        check_each(&world, &mut transaction, &drift, &mut lacks);
        assert_eq!(drift.accesses().count(), drift.access_count());
    }
    for kind in FindingKind::ALL {
        assert!(kinds[kind.as_str()] > 10, "{kind} is hardly reached: {kinds:?}");
    }
    for lack in ["no role", "LOGIN", "VALID UNTIL", "CONNECT", "USAGE", "SELECT", "INSERT", "apart"] {
        assert!(lacks.get(lack).is_some_and(|count| *count > 0), "{lack} is hardly reached: {lacks:?}");
    }
}

/// Checks what a finding says beside who and what.
fn check_each(
    world: &World,
    transaction: &mut Transaction<'_>,
    drift: &Drift,
    lacks: &mut BTreeMap<&'static str, usize>,
) {
    for finding in drift.findings() {
        let fact = fact(drift, &finding);
        let detail = finding.detail();
        assert!(!detail.contains(char::is_control) && detail.ends_with('.'), "{detail:?}");
        assert_eq!(finding.kind == FindingKind::Missing, finding.via().is_none());
        let blocked =
            world.outcomes.explain(finding.user.unwrap_or(UserIx(0)), finding.source, finding.scope);
        let guardrails: Vec<i64> = finding.guardrail_ids().iter().map(|id| id.0).collect();
        if finding.kind == FindingKind::ExcessBlocked {
            assert_eq!(guardrails, blocked.guardrail_policy_ids);
        } else {
            assert!(guardrails.is_empty());
        }
        if let (Some(words), Some(role)) = (finding.via_words(), &fact.role) {
            check_path(transaction, role, &words, &fact);
        }
        if finding.kind == FindingKind::Missing {
            check_lack(world, transaction, finding.lack().unwrap(), &fact, &detail, lacks);
        }
        if let (Some(user), Some(role)) = (finding.user, finding.role) {
            let pair = drift.pair(user, finding.source).unwrap();
            let scope = if finding.scope == Scope::Read { &pair.read } else { &pair.write };
            assert_eq!(scope.lack, finding.lack());
            assert_eq!(
                scope.roles.iter().any(|(of_pair, _)| *of_pair == role),
                finding.kind != FindingKind::Missing
            );
            assert!(pair.findings.iter().any(|it| it.kind == finding.kind && it.column == finding.column));
        }
    }
}

/// Each step of a path is a membership, and a path to a column ends where the column can be read.
fn check_path(transaction: &mut Transaction<'_>, role: &str, words: &[&str], fact: &Fact) {
    let is_word = words.len() == 1 && ["SUPERUSER", "OWNER", "DIRECT", "PUBLIC"].contains(&words[0]);
    let names: Vec<&str> = if is_word { vec![role] } else { [&[role], words].concat() };
    for step in names.windows(2) {
        let is_member: bool = transaction
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
                                JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = $1 AND r.rolname = $2)
                     OR $2 = 'pg_database_owner'",
                &[&step[0], &step[1]],
            )
            .unwrap()
            .get(0);
        assert!(is_member, "{fact:?} by {names:?}");
    }
    if let (Some(column), "UNMASKED_COLUMN") = (&fact.column, fact.kind) {
        let (schema, table) = fact.source.split_once('.').unwrap();
        let reads: bool = transaction
            .query_one(
                "SELECT has_column_privilege($1::text, quote_ident($2) || '.' || quote_ident($3), $4, 'SELECT')",
                &[names.last().unwrap(), &schema, &table, column],
            )
            .unwrap()
            .get(0);
        assert!(reads, "{fact:?} by {names:?}");
    }
}

fn check_lack(
    world: &World,
    transaction: &mut Transaction<'_>,
    lack: Lack,
    fact: &Fact,
    detail: &str,
    lacks: &mut BTreeMap<&'static str, usize>,
) {
    let all = roles(world, transaction);
    let theirs: Vec<&RoleFact> = all.iter().filter(|role| role.user == fact.user).collect();
    let Some(role) = &fact.role else {
        let word = if theirs.is_empty() {
            assert_eq!(lack, Lack::Role);
            "no role"
        } else if theirs.iter().any(|role| role.can_login) {
            assert!(matches!(lack, Lack::ValidUntil(_)));
            "VALID UNTIL"
        } else {
            assert!(matches!(lack, Lack::Login(_)));
            "LOGIN"
        };
        assert!(detail.contains(word), "{detail}");
        *lacks.entry(word).or_default() += 1;
        return;
    };
    let (held, privilege) = if fact.scope == "READ" {
        ("has_any_column_privilege(s.oid, c.oid, 'SELECT')", "SELECT")
    } else {
        (
            "has_table_privilege(s.oid, c.oid, 'DELETE, TRUNCATE')
             OR has_any_column_privilege(s.oid, c.oid, 'INSERT, UPDATE')",
            "INSERT",
        )
    };
    let sql = HAS.replace("HELD", held).replace("SETROLE", set_role(world.version));
    let row = transaction.query_one(&sql, &[role, &fact.source]).unwrap();
    let (connect, usage, held, both): (bool, bool, bool, bool) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let Lack::Privileges { connect: no_connect, usage: no_usage, privilege: no_privilege, .. } = lack else {
        panic!("{fact:?}: {lack:?}")
    };
    assert_eq!(no_connect, !connect, "{fact:?}");
    assert_eq!(no_usage, !usage, "{fact:?}");
    assert_eq!(no_privilege, !held || (usage && !both), "{fact:?}");
    let is_apart = usage && held && !both;
    *lacks.entry("apart").or_default() += usize::from(is_apart);
    for (word, is_lacking) in [("CONNECT", no_connect), ("USAGE", no_usage), (privilege, no_privilege)] {
        assert_eq!(detail.contains(word), is_lacking, "{detail}");
        *lacks.entry(word).or_default() += usize::from(is_lacking);
    }
}
