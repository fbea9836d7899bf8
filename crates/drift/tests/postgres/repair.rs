//! What a repair promises, on real databases: it mends what it says and changes nothing else.

use std::collections::{BTreeMap, BTreeSet};

use domesday_drift::Drift;

use crate::facts::{Fact, Pair, Reached, fact, facts, reached};
use crate::world::World;

/// How many databases are made.
const DATABASES: u64 = 120;

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
fn each_repair_mends_its_finding_and_the_script_all_of_them() {
    let mut repairs: BTreeMap<&str, usize> = BTreeMap::new();
    let mut decisions: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 1001..1001 + DATABASES {
        let world = World::new(seed);
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
                let words: Vec<&str> =
                    decision.split(' ').filter(|word| !word.contains('`')).take(3).collect();
                *decisions.entry(format!("{} {}", fact.kind, words.join(" "))).or_default() += 1;
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
    println!("{repairs:#?}\n{decisions:#?}");
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
