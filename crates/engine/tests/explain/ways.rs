//! Whoever goes a way that is told arrives.

use std::collections::BTreeMap;
use std::sync::Arc;

use domesday_engine::{Access, ColumnOutcome, Sight, Way, WayStep, evaluate};
use domesday_model::{
    Catalog, Declared, Level, ProductStatus, Request, RequestStatus, RequestType, Scope, Target,
};
use proptest::prelude::*;

use super::oracle::config::worlds;
use super::oracle::generate::{at, world};
use super::oracle::print::Printed;
use super::oracle::row::Verdict;
use super::{access_of, column_rows, pairs, rows, snapshot};

#[test]
fn every_way_told_leads_to_access() {
    // How often each kind of step was walked, so that the test cannot stop walking one unnoticed.
    let walked = std::cell::RefCell::new(BTreeMap::<&str, usize>::new());
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(Arc::clone(&snapshot));
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
        assert!(walked.get(kind).copied().unwrap_or(0) >= 1, "{kind} was hardly walked: {walked:?}");
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
        WayStep::AskForException { .. } => "exception",
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
                catalog.requests.push(approved(username, Target::DataSource(source.to_owned()), scope, None));
            }
            WayStep::AskForProduct { data_product, .. } => {
                catalog.requests.push(approved(
                    username,
                    Target::DataProduct(data_product.clone()),
                    scope,
                    None,
                ));
            }
            WayStep::AskForException { column, .. } => {
                let target = Target::DataSource(source.to_owned());
                catalog.requests.push(approved(username, target, scope, Some(column)));
            }
        }
    }
    catalog
}

fn approved(username: &str, target: Target, scope: Scope, column: Option<&String>) -> Declared<Request> {
    let request = Request {
        id: "approved on the way".to_owned(),
        kind: if column.is_some() { RequestType::MaskingException } else { RequestType::DataAccess },
        user: username.to_owned(),
        requester: None,
        target,
        columns: column.into_iter().cloned().collect(),
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

/// What an approval would give is what it gives.
#[test]
fn an_approval_gives_what_was_foreseen() {
    let seen = std::cell::RefCell::new(BTreeMap::<String, usize>::new());
    proptest!(worlds(1_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(Arc::clone(&snapshot));
        for (user, source, scope) in pairs(&snapshot) {
            let (username, name) = (&snapshot.users[user.get()].username, &snapshot.data_sources[source.get()].name);
            let product = snapshot.data_products.iter().find(|product| {
                product.spec.status == ProductStatus::Published
                    && product.spec.data_sources.iter().any(|asset| asset.name == **name)
            });
            let product = product.map(|product| Target::DataProduct(product.spec.name.clone()));
            for (target, by_product) in
                [(Some(Target::DataSource(name.to_string())), false), (product, true)]
            {
                let Some(target) = target else { continue };
                let foreseen = outcomes.outcome_if_approved(user, source, scope, by_product);
                let mut after = catalog.clone();
                after.requests.push(approved(username, target, scope, None));
                let row = rows(&after).remove(&(username.to_string(), name.to_string(), scope));
                prop_assert_eq!(foreseen.access, access_of(row.as_ref()), "{} to {} {}", username, scope, name);
                let blocking = foreseen.guardrails.iter().map(|it| snapshot.policies[it.get()].spec.name.as_str());
                if foreseen.access == Access::Blocked {
                    let expected: Vec<_> = row.iter().flat_map(|row| &row.guardrails).map(String::as_str).collect();
                    prop_assert_eq!(blocking.collect::<Vec<_>>(), expected);
                }
                let columns = column_rows(&after);
                for (column, outcome) in &foreseen.columns {
                    let column = snapshot.columns[column.get()].name.to_string();
                    let row = &columns[&(username.to_string(), name.to_string(), column)];
                    prop_assert_eq!(row.verdict == Verdict::Masked, *outcome == ColumnOutcome::Masked);
                    *seen.borrow_mut().entry(format!("{outcome:?}")).or_default() += 1;
                }
                *seen.borrow_mut().entry(format!("{:?}", foreseen.access)).or_default() += 1;
            }
        }
    });
    let seen = seen.into_inner();
    for kind in ["Granted", "Blocked", "None", "Masked", "Unmasked"] {
        assert!(seen.get(kind).copied().unwrap_or(0) >= 10, "{kind} was hardly seen: {seen:?}");
    }
}

/// The same for columns: who goes a way to see one clear has an UNMASKED row.
#[test]
fn every_way_to_see_leads_to_a_clear_column() {
    let walked = std::cell::RefCell::new(BTreeMap::<&str, usize>::new());
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(Arc::clone(&snapshot));
        for (user, source, _) in pairs(&snapshot).filter(|(_, _, scope)| *scope == Scope::Read) {
            for (column, known) in snapshot.columns_of(source) {
                let told = outcomes.explain_column(user, source, column);
                prop_assert_eq!(told.ways.is_empty(), told.sight != Sight::Masked);
                let (username, source) = (told.read.user, told.read.data_source);
                for way in told.ways {
                    let changed = walk(&catalog, &username, &source, Scope::Read, &way);
                    let key = (username.clone(), source.clone(), known.name.to_string());
                    let verdict = column_rows(&changed).get(&key).map(|row| row.verdict);
                    prop_assert_eq!(verdict, Some(Verdict::Unmasked), "{:?}: {:?}", key, way);
                    for step in &way.steps {
                        *walked.borrow_mut().entry(kind(step)).or_default() += 1;
                    }
                }
            }
        }
    });
    let walked = walked.into_inner();
    for kind in ["join", "have", "exception"] {
        assert!(walked.get(kind).copied().unwrap_or(0) >= 1, "{kind} was never walked: {walked:?}");
    }
}
