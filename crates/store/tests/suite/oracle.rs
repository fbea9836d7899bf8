//! Judging one change by what it touches, against judging the whole catalog each time.
//!
//! The oracle is obviously right: it keeps every document, makes the change, and has the model validate all of
//! it. The store must let through what the oracle lets through and refuse what it refuses, over thousands of
//! random changes of a small and densely entangled catalog.

use std::collections::BTreeMap;

use domesday_model::validate::{Severity, validate};
use domesday_model::{Catalog, Declared, Instant, Kind};
use domesday_store::{IfMatch, Store, StoreError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::world::{FIRST, by_ada};

const CHANGES: usize = 3_000;

#[test]
fn single_changes_are_judged_as_the_whole_catalog_would_be() {
    let (mut store, mut oracle, mut draw) = (Store::in_memory().unwrap(), Oracle::default(), Draw(7));
    store.ensure_tenant("Acme", "UTC", Instant::from_micros(FIRST)).unwrap();
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for step in 0..CHANGES {
        let kind = *draw.one_of(&Kind::ALL[1..]);
        let name = draw.name(kind);
        let change = (draw.below(4) > 0).then(|| draw.document(kind, &name));
        let expected = oracle.judge(kind, &name, change.as_ref());
        let result = match &change {
            Some(document) => store.put_object(kind, document, IfMatch::Any, &by_ada(FIRST)).map(drop),
            None => store.delete_object(kind, &name, IfMatch::Any, &by_ada(FIRST)),
        };
        let verdict = match &result {
            Ok(()) => Verdict::Fine,
            Err(StoreError::Invalid { .. }) => Verdict::Wrong,
            Err(StoreError::Inconsistent { .. }) => Verdict::Needed,
            Err(StoreError::NotFound { .. }) => Verdict::Absent,
            Err(error) => panic!("step {step}: {error}"),
        };
        assert_eq!(verdict, expected, "step {step}: {kind} {name}: {change:?}: {result:?}");
        if verdict == Verdict::Fine {
            oracle.change(kind, &name, change);
        }
        *seen.entry((verdict.label(), result.is_ok())).or_default() += 1;
        if step % 50 == 0 {
            store.snapshot(Instant::from_micros(FIRST)).unwrap();
        }
    }
    // Each verdict was reached often enough to mean something.
    assert!(seen.len() == 4 && seen.values().all(|times| *times > CHANGES / 40), "{seen:?}");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    /// The object itself is wrong.
    Wrong,
    /// Others need what it takes away.
    Needed,
    Absent,
}

impl Verdict {
    fn label(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Wrong => "wrong",
            Self::Needed => "needed",
            Self::Absent => "absent",
        }
    }
}

/// Every document, by kind and name.
#[derive(Default, Clone)]
struct Oracle(BTreeMap<(Kind, String), Value>);

impl Oracle {
    fn change(&mut self, kind: Kind, name: &str, document: Option<Value>) {
        match document {
            Some(document) => {
                for (dot, _) in name.match_indices('.').filter(|_| kind == Kind::Tag) {
                    let above = &name[..dot];
                    self.0.entry((kind, above.to_owned())).or_insert_with(|| json!({ "name": above }));
                }
                self.0.insert((kind, name.to_owned()), document);
            }
            None => drop(self.0.remove(&(kind, name.to_owned()))),
        }
    }

    fn judge(&self, kind: Kind, name: &str, document: Option<&Value>) -> Verdict {
        let key = (kind, name.to_owned());
        if document.is_none() && !self.0.contains_key(&key) {
            return Verdict::Absent;
        }
        if document.is_none() && kind == Kind::Tag {
            let below = format!("{name}.");
            if self.0.keys().any(|(other, tag)| *other == kind && tag.starts_with(&below)) {
                return Verdict::Needed;
            }
        }
        let mut after = self.clone();
        after.change(kind, name, document.cloned());
        let (mut catalog, position) = after.catalog(&key);
        // Only files may name what a connection will list.
        catalog.connections.clear();
        let errors = validate(&catalog).into_iter().filter(|problem| problem.severity == Severity::Error);
        let of: Vec<bool> =
            errors.map(|problem| problem.kind == kind && Some(problem.index) == position).collect();
        match (of.is_empty(), of.contains(&true)) {
            (true, _) => Verdict::Fine,
            (false, true) => Verdict::Wrong,
            (false, false) => Verdict::Needed,
        }
    }

    /// All of it as a catalog, and where in its kind one object is. What is wrong with two of a kind is said of the
    /// later one: that is the one that changes.
    fn catalog(&self, last: &(Kind, String)) -> (Catalog, Option<usize>) {
        let mut catalog = Catalog::default();
        let mut position = None;
        let others = self.0.iter().filter(|(key, _)| *key != last);
        for ((kind, name), document) in others.chain(self.0.get_key_value(last)) {
            position = (*kind == last.0 && *name == last.1).then(|| catalog.count(*kind));
            match kind {
                Kind::Tenant => {}
                Kind::Tag => catalog.tags.push(declared(document)),
                Kind::Group => catalog.groups.push(declared(document)),
                Kind::User => catalog.users.push(declared(document)),
                Kind::Domain => catalog.domains.push(declared(document)),
                Kind::DataSource => catalog.data_sources.push(declared(document)),
                Kind::Policy => catalog.policies.push(declared(document)),
                Kind::DataPolicy => catalog.data_policies.push(declared(document)),
                Kind::Agreement => catalog.agreements.push(declared(document)),
                Kind::RequestForm => catalog.request_forms.push(declared(document)),
                Kind::DataProduct => catalog.data_products.push(declared(document)),
                Kind::Request => catalog.requests.push(declared(document)),
                Kind::Connection => catalog.connections.push(declared(document)),
            }
        }
        (catalog, position)
    }
}

fn declared<T: DeserializeOwned>(document: &Value) -> Declared<T> {
    Declared::new(serde_json::from_value(document.clone()).unwrap(), "api")
}

/// Random choices, the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        // Numerical Recipes' generator; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_of<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.below(choices.len())]
    }

    /// A name of a kind; few, so that changes meet.
    fn name(&mut self, kind: Kind) -> String {
        let names: &[&str] = match kind {
            Kind::Tenant => &["t"],
            Kind::Tag => &["A", "A.B", "A.B.C", "D.E"],
            Kind::Group => &["g", "it's", "All @@ of \"us\""],
            Kind::User => &["u", "v", "w", "x\\y"],
            Kind::Domain => &["d", "e"],
            Kind::DataSource => &["s", "t", "u"],
            Kind::Policy => &["p", "q", "r"],
            Kind::DataPolicy => &["p", "m"],
            Kind::Agreement => &["a", "b"],
            Kind::RequestForm => &["f"],
            Kind::DataProduct => &["k", "l"],
            Kind::Request => &["R1", "R2", "R3"],
            Kind::Connection => &["okta", "hr"],
        };
        (*self.one_of(names)).to_owned()
    }

    fn names(&mut self, kind: Kind) -> Vec<String> {
        (0..self.below(3)).map(|_| self.name(kind)).collect()
    }

    fn maybe(&mut self, kind: Kind) -> Value {
        if self.below(2) == 0 { Value::Null } else { self.name(kind).into() }
    }

    fn columns(&mut self) -> Vec<&'static str> {
        ["a", "b", "c"].into_iter().filter(|_| self.below(2) == 0).collect()
    }

    fn selection(&mut self) -> Value {
        match self.below(6) {
            0 => json!("all"),
            1 | 2 => json!("optIn"),
            3 => json!({ "dataSources": [self.name(Kind::DataSource)] }),
            4 => json!({ "tagged": self.names(Kind::Tag), "owners": ["*", self.name(Kind::User)] }),
            _ => {
                json!([{ "domains": [self.name(Kind::Domain)], "except": [{ "columnsTagged": self.names(Kind::Tag) }] }])
            }
        }
    }

    fn condition(&mut self) -> String {
        // In a condition quotes are doubled, and so is an `@` that stands for itself.
        let group = self.name(Kind::Group).replace('\'', "''").replace('@', "@@");
        format!("@isInGroups('{group}') OR @isInGroups('@table')")
    }

    fn document(&mut self, kind: Kind, name: &str) -> Value {
        let at = "2026-01-01T00:00:00Z";
        match kind {
            Kind::Tenant => json!({}),
            Kind::Tag => json!({ "name": name, "description": self.below(3).to_string() }),
            Kind::Group => json!({ "name": name, "description": self.below(3).to_string() }),
            Kind::User => json!({
                "username": name, "groups": self.names(Kind::Group), "manager": self.maybe(Kind::User),
                "id": (self.below(3) == 0).then(|| uuid::Uuid::from_u128(self.below(3) as u128)),
            }),
            Kind::Domain => {
                let permissions = self.names(Kind::User).into_iter();
                let permissions: Vec<_> = permissions
                    .map(|user| json!({ "user": user, "permission": "MANAGE_POLICIES" }))
                    .collect();
                json!({ "name": name, "permissions": permissions })
            }
            Kind::DataSource => {
                let columns: Vec<_> = self
                    .columns()
                    .into_iter()
                    .map(|column| json!({ "name": column, "type": "T", "tags": self.names(Kind::Tag) }))
                    .collect();
                let opt_in = *self.one_of(&[Kind::Policy, Kind::DataPolicy]);
                json!({
                    "name": name, "platform": "p", "domain": self.maybe(Kind::Domain),
                    "owners": self.names(Kind::User), "tags": self.names(Kind::Tag), "columns": columns,
                    "optInPolicies": self.names(opt_in),
                    "levelChoice": self.maybe(Kind::Policy),
                })
            }
            Kind::Policy => {
                let mut policy = json!({
                    "name": name, "type": "grant", "appliesTo": self.selection(), "owner": self.maybe(Kind::User)
                });
                let level = match self.below(4) {
                    0 => json!({ "level": "entitlements", "condition": self.condition() }),
                    1 => json!({ "level": "individuals", "individuals": {
                        "users": self.names(Kind::User), "groups": self.names(Kind::Group) } }),
                    2 => json!({ "level": "approval" }),
                    _ => json!({ "level": "anyone" }),
                };
                policy.as_object_mut().unwrap().extend(level.as_object().unwrap().clone());
                policy
            }
            Kind::DataPolicy => json!({
                "name": name, "mask": { "kind": "null" }, "appliesTo": self.selection(),
                "columns": { "tagged": self.names(Kind::Tag), "names": ["*"] },
                "except": (self.below(2) == 0).then(|| self.condition()),
            }),
            Kind::Agreement => json!({ "name": name, "version": self.below(3) + 1, "text": "t" }),
            Kind::Connection => {
                json!({ "name": name, "kind": "scim", "attributes": { "a": self.below(3).to_string() } })
            }
            Kind::RequestForm => json!({ "name": name, "version": 1, "review": [{ "approvers": {
                "users": self.names(Kind::User), "groups": self.names(Kind::Group) } }] }),
            Kind::DataProduct => {
                let asset = |draw: &mut Self| json!({ "name": draw.name(Kind::DataSource), "columns": draw.columns() });
                json!({
                    "name": name, "createdBy": self.name(Kind::User), "sme": self.maybe(Kind::User),
                    "domains": self.names(Kind::Domain), "form": self.maybe(Kind::RequestForm),
                    "agreements": self.names(Kind::Agreement), "dataSources": [asset(self)],
                })
            }
            Kind::Request => {
                let mut request = json!({
                    "id": name, "user": self.name(Kind::User), "requester": self.maybe(Kind::User),
                    "status": "approved", "createdAt": at,
                    "determinations": [{ "by": self.name(Kind::User), "status": "approved", "at": at }],
                    "agreements": [{ "name": self.name(Kind::Agreement), "version": self.below(3) + 1,
                        "acceptedBy": self.name(Kind::User), "acceptedAt": at }],
                });
                let target = if self.below(2) == 0 {
                    json!({ "type": "dataAccess", "dataProduct": self.name(Kind::DataProduct) })
                } else {
                    json!({ "type": "maskingException", "dataSource": self.name(Kind::DataSource), "columns": self.columns() })
                };
                request.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
                request
            }
        }
    }
}
