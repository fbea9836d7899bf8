//! Explanations, nearest ways and comparisons say what the rows say, over generated worlds.

#[allow(dead_code, reason = "of the oracle only worlds and rows are used here")]
mod oracle;

use std::collections::{BTreeMap, BTreeSet};

use domesday_engine::{Access, Way, WayStep, diff, evaluate};
use domesday_model::{
    Catalog, Declared, Level, Request, RequestStatus, RequestType, Scope, Snapshot, Target, UserIx,
};
use proptest::prelude::*;

use oracle::config::worlds;
use oracle::generate::{at, world};
use oracle::print::Printed;
use oracle::row::{Row, Verdict};

fn snapshot(catalog: &Catalog) -> Snapshot {
    Snapshot::of_catalog(catalog, at()).expect("generated catalogs are valid")
}

/// The oracle's table rows by user, source and scope.
fn rows(catalog: &Catalog) -> BTreeMap<(String, String, Scope), Row> {
    let rows = oracle::evaluate::evaluate(catalog, at()).into_iter().filter(|row| row.column.is_none());
    rows.map(|row| ((row.user.clone(), row.source.clone(), row.scope), row)).collect()
}

fn access_of(row: Option<&Row>) -> Access {
    match row.map(|row| row.verdict) {
        None => Access::None,
        Some(Verdict::Granted) => Access::Granted,
        Some(Verdict::Blocked) => Access::Blocked,
        Some(Verdict::Masked | Verdict::Unmasked) => unreachable!("only columns are masked"),
    }
}

/// Every pair of a user and a data source of a snapshot, in every scope.
fn pairs(snapshot: &Snapshot) -> impl Iterator<Item = (UserIx, domesday_model::DataSourceIx, Scope)> + '_ {
    let users = (0..snapshot.users.len()).map(UserIx::at);
    users.flat_map(move |user| {
        let sources = (0..snapshot.data_sources.len()).map(domesday_model::DataSourceIx::at);
        sources.flat_map(move |source| Scope::ALL.map(move |scope| (user, source, scope)))
    })
}

#[test]
fn explanations_tell_what_the_rows_say() {
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(&snapshot);
        let rows = rows(&catalog);
        for (user, source, scope) in pairs(&snapshot) {
            let told = outcomes.explain(user, source, scope);
            let row = rows.get(&(told.user.clone(), told.data_source.clone(), scope));
            prop_assert_eq!(told.access, access_of(row), "{} {} {}", told.user, told.data_source, scope);
            let admitting: Vec<_> =
                told.grants.iter().filter(|step| step.admits).map(|step| step.name.clone()).collect();
            let blocking: Vec<_> =
                told.guardrails.iter().filter(|step| !step.admits).map(|step| step.name.clone()).collect();
            if let Some(row) = row {
                prop_assert_eq!(&admitting, &row.grants);
                prop_assert_eq!(told.reasons.join("+"), row.reason.clone());
                prop_assert_eq!(&told.request_id, &row.request);
                prop_assert_eq!(told.expires_at, row.expires_at);
                if row.verdict == Verdict::Blocked {
                    prop_assert_eq!(&blocking, &row.guardrails);
                }
            } else if told.excluded.is_empty() {
                prop_assert!(admitting.is_empty());
            }
            for step in told.grants.iter().chain(&told.guardrails) {
                if let Some(condition) = &step.condition {
                    prop_assert_eq!(step.admits, condition.holds && told.excluded.iter().all(is_source) && !step.silenced);
                }
            }
        }
    });
}

fn is_source(exclusion: &domesday_engine::Exclusion) -> bool {
    *exclusion == domesday_engine::Exclusion::DataSourceDisabled
}

#[test]
fn every_way_told_leads_to_access() {
    // How often each kind of step was walked, so that the test cannot stop walking one unnoticed.
    let walked = std::cell::RefCell::new(BTreeMap::<&str, usize>::new());
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(&snapshot);
        for (user, source, scope) in pairs(&snapshot) {
            let ways = outcomes.nearest_ways(user, source, scope);
            let username = snapshot.users[user.get()].username.to_string();
            let name = snapshot.data_sources[source.get()].name.to_string();
            if outcomes.explain(user, source, scope).access == Access::Granted {
                prop_assert!(ways.is_empty());
            }
            for way in ways {
                prop_assert!(!way.steps.is_empty());
                let changed = walk(&catalog, &username, &name, scope, &way);
                let rows = rows(&changed);
                let row = rows.get(&(username.clone(), name.clone(), scope));
                prop_assert_eq!(access_of(row), Access::Granted, "{} to {} {}: {:?}", username, scope, name, way);
                for step in &way.steps {
                    *walked.borrow_mut().entry(kind(step)).or_default() += 1;
                }
            }
        }
    });
    let walked = walked.into_inner();
    for kind in ["join", "leave", "have", "lose", "approval", "product", "named"] {
        assert!(walked.get(kind).copied().unwrap_or(0) >= 10, "{kind} was hardly walked: {walked:?}");
    }
}

fn kind(step: &WayStep) -> &'static str {
    match step {
        WayStep::JoinGroup { .. } => "join",
        WayStep::LeaveGroup { .. } => "leave",
        WayStep::HaveAttribute { .. } => "have",
        WayStep::LoseAttribute { .. } => "lose",
        WayStep::AskForApproval { .. } => "approval",
        WayStep::AskForProduct { .. } => "product",
        WayStep::BeNamed { .. } => "named",
    }
}

/// The catalog after somebody went a way.
fn walk(catalog: &Catalog, username: &str, source: &str, scope: Scope, way: &Way) -> Catalog {
    let mut catalog = catalog.clone();
    for step in &way.steps {
        let user =
            catalog.users.iter_mut().find(|user| user.username == username).expect("the user is there");
        let user = &mut user.spec;
        match step {
            WayStep::JoinGroup { group } => {
                user.groups.insert(group.clone());
            }
            WayStep::LeaveGroup { group } => {
                user.groups.remove(group);
            }
            WayStep::HaveAttribute { key, any_of } => {
                user.attributes.entry(key.clone()).or_default().insert(any_of[0].clone());
            }
            WayStep::LoseAttribute { key, all_of } => {
                user.attributes.entry(key.clone()).or_default().retain(|value| !all_of.contains(value));
            }
            WayStep::BeNamed { policy } => {
                let policy =
                    catalog.policies.iter_mut().find(|known| known.name == *policy).expect("it is there");
                let Level::Individuals { individuals } = &mut policy.spec.level else {
                    panic!("names nobody")
                };
                individuals.users.insert(username.to_owned());
            }
            WayStep::AskForApproval { .. } => {
                catalog.requests.push(approved(username, Target::DataSource(source.to_owned()), scope));
            }
            WayStep::AskForProduct { data_product, .. } => {
                catalog.requests.push(approved(username, Target::DataProduct(data_product.clone()), scope));
            }
        }
    }
    catalog
}

fn approved(username: &str, target: Target, scope: Scope) -> Declared<Request> {
    let request = Request {
        id: "approved on the way".to_owned(),
        kind: RequestType::DataAccess,
        user: username.to_owned(),
        requester: None,
        target,
        columns: BTreeSet::new(),
        scope,
        status: RequestStatus::Approved,
        answers: BTreeMap::new(),
        created_at: at(),
        updated_at: None,
        expires_at: None,
        determinations: Vec::new(),
        agreements: Vec::new(),
    };
    Declared::new(request, "way")
}

#[test]
fn a_world_differs_from_itself_in_nothing() {
    proptest!(worlds(300), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        prop_assert!(diff(&evaluate(&snapshot), &evaluate(&snapshot)).is_empty());
    });
}

#[test]
fn comparing_worlds_finds_exactly_the_rows_that_differ() {
    proptest!(worlds(2_000), |(Printed(before) in world(), Printed(after) in world())| {
        let (left, right) = (snapshot(&before), snapshot(&after));
        let found = diff(&evaluate(&left), &evaluate(&right));
        let (then, now) = (rows(&before), rows(&after));
        let keys: BTreeSet<_> = then.keys().chain(now.keys()).cloned().collect();
        let wanted: BTreeMap<_, _> = keys
            .into_iter()
            .map(|key| (key.clone(), (access_of(then.get(&key)), access_of(now.get(&key)))))
            .filter(|(_, (from, to))| from != to)
            .collect();
        let told: BTreeMap<_, _> = found
            .access
            .iter()
            .map(|change| {
                let scope = if change.scope == "READ" { Scope::Read } else { Scope::Write };
                ((change.user.clone(), change.data_source.clone(), scope), (change.from, change.to))
            })
            .collect();
        prop_assert_eq!(&told, &wanted);
        let clear = |catalog: &Catalog| -> BTreeMap<(String, String, String), bool> {
            let rows = oracle::evaluate::evaluate(catalog, at()).into_iter();
            rows.filter_map(|row| {
                let clear = row.verdict == Verdict::Unmasked;
                Some(((row.source, row.user, row.column?), clear))
            })
            .collect()
        };
        let (seen_then, seen_now) = (clear(&before), clear(&after));
        let reads = |rows: &BTreeMap<_, Row>, user: &str, source: &str| {
            access_of(rows.get(&(user.to_owned(), source.to_owned(), Scope::Read))) == Access::Granted
        };
        let keys: BTreeSet<_> = seen_then.keys().chain(seen_now.keys()).cloned().collect();
        let wanted: BTreeSet<_> = keys
            .into_iter()
            .filter(|(source, user, _)| reads(&then, user, source) && reads(&now, user, source))
            .filter(|key| seen_then.get(key).unwrap_or(&true) != seen_now.get(key).unwrap_or(&true))
            .collect();
        let told: BTreeSet<_> = found
            .columns
            .iter()
            .map(|change| (change.data_source.clone(), change.user.clone(), change.column.clone()))
            .collect();
        prop_assert_eq!(told, wanted);
    });
}
