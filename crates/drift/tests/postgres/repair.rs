//! What a repair promises, on real databases: it repairs what it says and changes nothing else.

use std::collections::{BTreeMap, BTreeSet};

use domesday_drift::Drift;

use crate::facts::{Fact, Pair, Reached, fact, facts, reached};
use crate::generate::quoted;
use crate::world::World;

/// How many databases are made.
const DATABASES: u64 = 120;

/// What the comments ask to decide; what two repairs that contradict each other ask comes once in a hundred databases.
const DECISIONS: [&str; 11] = [
    "to whom role",
    "which role is theirs",
    "may log in",
    "gets a new password",
    "stays a superuser",
    "stays a member of pg_",
    "stays the owner",
    "which cannot revoke it",
    "privileges of PUBLIC",
    "about the privileges of",
    "contradicts one of them",
];

/// A database at one moment.
struct Reading {
    facts: BTreeSet<Fact>,
    reached: BTreeMap<Pair, Reached>,
}

impl Reading {
    fn new(drift: &Drift) -> Self {
        Self { facts: facts(drift), reached: reached(drift) }
    }

    /// Whether a finding is about an access.
    fn is_about(&self, pair: &Pair) -> bool {
        self.facts
            .iter()
            .any(|fact| fact.role.as_ref() == Some(&pair.0) && fact.source == pair.1 && fact.scope == pair.2)
    }

    /// Returns what a change did that no repair may do.
    fn harm(&self, after: &Self) -> Option<String> {
        if let Some(new) = after.facts.difference(&self.facts).next() {
            return Some(format!("a new finding: {new:?}"));
        }
        let pairs: BTreeSet<&Pair> = self.reached.keys().chain(after.reached.keys()).collect();
        for pair in pairs {
            let (before, now) = (self.reached.get(pair), after.reached.get(pair));
            if before != now && !self.is_about(pair) {
                return Some(format!("{pair:?} changed from {before:?} to {now:?}"));
            }
        }
        None
    }
}

#[test]
fn each_repair_removes_its_finding_and_the_script_all_of_them() {
    let mut repairs: BTreeMap<&str, usize> = BTreeMap::new();
    let mut decisions: BTreeMap<&str, usize> = BTreeMap::new();
    let mut version = 0;
    for seed in 1001..1001 + DATABASES {
        let world = World::new(seed);
        version = world.version;
        let mut client = world.client();
        let mut transaction = client.transaction().unwrap();
        let drift = world.drift(&mut transaction);
        let before = Reading::new(&drift);
        drop(transaction);
        let context = || format!("seed {seed}\n{}\n{}", world.generated.sql, world.generated.catalog);

        let mut repaired = Vec::new();
        for finding in drift.findings() {
            let fact = fact(&drift, &finding);
            let Some(repair) = finding.repair() else {
                let decision = finding.decision().unwrap();
                assert!(!decision.contains(char::is_control), "{decision:?}");
                let known = DECISIONS.iter().find(|words| decision.contains(*words));
                *decisions.entry(*known.unwrap_or_else(|| panic!("{decision}"))).or_default() += 1;
                continue;
            };
            assert!(finding.decision().is_none());
            count(&repair, &mut repairs);
            let mut transaction = client.transaction().unwrap();
            if let Err(error) = transaction.batch_execute(&repair) {
                panic!("{fact:?}\n{repair}\n{error:?}\n{}", context());
            }
            let after = Reading::new(&world.drift(&mut transaction));
            assert!(!after.facts.contains(&fact), "{fact:?} stays after\n{repair}\n{}", context());
            if let Some(harm) = before.harm(&after) {
                panic!("{harm} after\n{repair}\nfor {fact:?}\n{}", context());
            }
            repaired.push(fact);
        }

        let script = drift.repair_script();
        if let Err(error) = client.batch_execute(&script) {
            panic!("{error:?}\n{script}\n{}", context());
        }
        let mut transaction = client.transaction().unwrap();
        let after_drift = world.drift(&mut transaction);
        let after = Reading::new(&after_drift);
        for fact in &repaired {
            assert!(!after.facts.contains(fact), "{fact:?} stays after\n{script}\n{}", context());
        }
        if let Some(harm) = before.harm(&after) {
            panic!("{harm} after\n{script}\n{}", context());
        }
        // Only comments are left.
        assert_eq!(drift.repairable(), repaired.len());
    }
    for decision in DECISIONS {
        // The roles that read or write everything are there since version 14.
        let is_possible = version >= 14 || decision != "stays a member of pg_";
        assert_eq!(decisions.contains_key(decision), is_possible, "{decision}: {decisions:#?}");
    }
    for kind in [
        "REVOKE",
        "CASCADE",
        "SET ROLE",
        "of columns",
        "PUBLIC",
        "GRANT",
        "GRANT of columns",
        "GRANT USAGE",
        "GRANT CONNECT",
        "REVOKE USAGE",
        "REVOKE CONNECT",
        "several statements",
    ] {
        assert!(repairs.get(kind).is_some_and(|count| *count > 0), "{kind} is not reached: {repairs:#?}");
    }
}

fn count(repair: &str, repairs: &mut BTreeMap<&'static str, usize>) {
    let lines = repair.lines();
    let any = |test: &dyn Fn(&str) -> bool| repair.lines().any(test);
    for (kind, is_there) in [
        ("REVOKE", any(&|line| line.starts_with("REVOKE"))),
        ("CASCADE", any(&|line| line.ends_with(" CASCADE;"))),
        ("SET ROLE", any(&|line| line.starts_with("SET ROLE"))),
        ("of columns", any(&|line| line.starts_with("REVOKE SELECT ("))),
        ("PUBLIC", any(&|line| line.contains(" FROM PUBLIC"))),
        (
            "GRANT",
            any(&|line| {
                line.starts_with("GRANT SELECT ON") || line.starts_with("GRANT INSERT, UPDATE, DELETE ON")
            }),
        ),
        ("GRANT of columns", any(&|line| line.starts_with("GRANT SELECT ("))),
        ("GRANT USAGE", any(&|line| line.starts_with("GRANT USAGE"))),
        ("GRANT CONNECT", any(&|line| line.starts_with("GRANT CONNECT"))),
        ("REVOKE USAGE", any(&|line| line.starts_with("REVOKE USAGE"))),
        ("REVOKE CONNECT", any(&|line| line.starts_with("REVOKE CONNECT"))),
        ("several statements", lines.count() > 1),
    ] {
        *repairs.entry(kind).or_default() += usize::from(is_there);
    }
}

/// How many databases are searched for single statements.
const SEARCHED: u64 = 4;

/// A finding that one statement repairs carries a repair.
#[test]
fn no_single_statement_repairs_what_has_no_repair() {
    let (mut tried, mut repairing, mut version) = (0, 0, 0);
    for seed in 2001..2001 + SEARCHED {
        let world = World::new(seed);
        version = world.version;
        let mut client = world.client();
        let mut transaction = client.transaction().unwrap();
        let drift = world.drift(&mut transaction);
        let before = Reading::new(&drift);
        drop(transaction);
        // An owner could grant itself again what is revoked, and of two repairs that contradict each other one can be made:
        // both are for somebody to decide.
        let is_undecided = |finding: &domesday_drift::Finding<'_>| {
            let is_for_people = |decision: &String| {
                decision.contains("stays the owner") || decision.contains("contradicts one of them")
            };
            finding.decision().is_some_and(|decision| !is_for_people(&decision))
        };
        let open: BTreeMap<Fact, String> = drift
            .findings()
            .filter(is_undecided)
            .map(|finding| (fact(&drift, &finding), finding.decision().unwrap()))
            .collect();
        // To whom something is granted keeps USAGE and CONNECT, even where other repairs are still to be made.
        let granted: BTreeSet<&String> = before
            .facts
            .iter()
            .filter(|fact| ["MISSING", "PARTIAL", "UNMASKED_COLUMN"].contains(&fact.kind))
            .filter_map(|fact| fact.user.as_ref())
            .collect();
        for statement in single_statements(&drift) {
            let is_wide = statement.starts_with("REVOKE CONNECT") || statement.starts_with("REVOKE USAGE");
            if is_wide && !granted.is_empty() {
                continue;
            }
            let mut transaction = client.transaction().unwrap();
            if transaction.batch_execute(&statement).is_err() {
                continue;
            }
            tried += 1;
            let after = Reading::new(&world.drift(&mut transaction));
            let is_unmapped = |fact: &Fact| fact.kind == "UNMAPPED" && !after.facts.contains(fact);
            if before.harm(&after).is_some() || before.facts.iter().any(is_unmapped) {
                continue;
            }
            let repaired: Vec<&Fact> = before.facts.difference(&after.facts).collect();
            repairing += usize::from(!repaired.is_empty());
            for fact in repaired {
                assert!(
                    !open.contains_key(fact),
                    "seed {seed}: {statement} repairs {fact:?}, but: {}\n{}\n{}",
                    open[fact],
                    world.generated.sql,
                    world.generated.catalog
                );
            }
        }
    }
    // Without the roles that read or write everything, other worlds come from the same seeds.
    let least = if version >= 14 { 20 } else { 10 };
    assert!(tried > 500 && repairing > least, "{tried} {repairing}");
}

/// Every GRANT and REVOKE of one privilege to or from one role.
fn single_statements(drift: &Drift) -> Vec<String> {
    let privileges = &drift.database().privileges;
    let named = privileges.roles.iter().filter(|role| role.name.starts_with('d') && role.name != "domesday");
    let mut grantees: Vec<String> = named.map(|role| quoted(&role.name)).collect();
    grantees.push("PUBLIC".to_owned());
    let mut on = vec![format!("CONNECT ON DATABASE {}", quoted(&privileges.database.name))];
    on.extend(["USAGE ON SCHEMA public", "USAGE ON SCHEMA \"Two ü\""].map(str::to_owned));
    for relation in &privileges.relations {
        let schema = &privileges.schemas[relation.schema.get()].name;
        let name = format!("{}.{}", quoted(schema), quoted(&relation.name));
        on.push(format!("SELECT ON {name}"));
        on.push(format!("INSERT, UPDATE, DELETE, TRUNCATE ON {name}"));
        for column in &relation.columns {
            on.push(format!("SELECT ({}) ON {name}", quoted(&column.name)));
        }
    }
    let mut statements = Vec::new();
    for grantee in &grantees {
        for on in &on {
            statements.push(format!("GRANT {on} TO {grantee}"));
            statements.push(format!("REVOKE {on} FROM {grantee} CASCADE"));
        }
    }
    statements
}
