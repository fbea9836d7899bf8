//! Random changes by several origins, against a plain model of what each of them says.
//!
//! The model keeps what every origin last said and merges it by reading the rules aloud; it shares no code with the store.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{Catalog, Instant, Kind, Tenant, User};
use domesday_store::{ApplyOptions, IfMatch, Listing, StoreError};
use serde_json::{Value, json};

use crate::databases::{Database, on_each_database};
use crate::layers::{ALL, by_sync, connections};
use crate::world::{by_ada, declared};

on_each_database!(effective_objects_are_those_of_the_model);

const STEPS: usize = 400;

/// The highest first.
const ORIGINS: [&str; 4] = ["okta", "hr", "api", "files"];
const NAMES: [&str; 4] = ["ann", "ben", "cyd", "dee"];
const GROUPS: [&str; 3] = ["G", "H", "I"];

/// What an origin says of a user.
#[derive(Debug, Clone, Default, PartialEq)]
struct Said {
    email: Option<&'static str>,
    title: Option<&'static str>,
    is_disabled: bool,
    groups: BTreeSet<&'static str>,
    regions: BTreeSet<&'static str>,
}

impl Said {
    fn document(&self, name: &str) -> Value {
        let mut document = json!({ "username": name });
        if let Some(email) = self.email {
            document["email"] = email.into();
        }
        if let Some(title) = self.title {
            document["title"] = title.into();
        }
        if self.is_disabled {
            document["status"] = "disabled".into();
        }
        if !self.groups.is_empty() {
            document["groups"] = json!(self.groups);
        }
        if !self.regions.is_empty() {
            document["attributes"] = json!({ "Region": self.regions });
        }
        document
    }

    fn user(&self, name: &str) -> User {
        serde_json::from_value(self.document(name)).unwrap()
    }
}

/// What all origins say of a user.
#[derive(Debug, Clone, Default)]
struct Person {
    said: BTreeMap<&'static str, Said>,
    /// Connections that listed the user once and do not any more.
    left: BTreeMap<&'static str, Said>,
}

impl Person {
    fn is_gone(&self) -> bool {
        !self.left.is_empty() && !self.said.contains_key("okta") && !self.said.contains_key("hr")
    }

    fn merged(&self, without: Option<&str>) -> Said {
        let of = |origin: &&'static str| {
            let said = self.said.get(*origin);
            said.or_else(|| self.left.get(*origin).filter(|_| self.is_gone()))
        };
        let all: Vec<&Said> =
            ORIGINS.iter().filter(|origin| Some(**origin) != without).filter_map(of).collect();
        let union = |set: fn(&Said) -> &BTreeSet<&'static str>| {
            all.iter().flat_map(|said| set(said)).copied().collect()
        };
        Said {
            email: all.iter().find_map(|said| said.email),
            title: all.iter().find_map(|said| said.title),
            is_disabled: self.is_gone() || all.iter().any(|said| said.is_disabled),
            groups: if self.is_gone() { BTreeSet::new() } else { union(|said| &said.groups) },
            regions: union(|said| &said.regions),
        }
    }

    /// What the layer of people is after they put `body`.
    fn edited(&self, body: &Said) -> Said {
        let (others, own) = (self.merged(Some("api")), self.said.get("api").cloned().unwrap_or_default());
        let single = |new: Option<&'static str>, before: Option<&str>, given: Option<&str>| {
            new.filter(|new| Some(*new) == before || Some(*new) != given)
        };
        let set = |new: &BTreeSet<&'static str>,
                   before: &BTreeSet<&'static str>,
                   given: &BTreeSet<&'static str>| {
            new.iter().copied().filter(|it| before.contains(it) || !given.contains(it)).collect()
        };
        Said {
            email: single(body.email, own.email, others.email),
            title: single(body.title, own.title, others.title),
            is_disabled: body.is_disabled && (own.is_disabled || !others.is_disabled),
            groups: set(&body.groups, &own.groups, &others.groups),
            regions: set(&body.regions, &own.regions, &others.regions),
        }
    }
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn some(&mut self, of: &[&'static str]) -> BTreeSet<&'static str> {
        of.iter().filter(|_| self.below(3) == 0).copied().collect()
    }

    fn maybe(&mut self, of: &[&'static str]) -> Option<&'static str> {
        (self.below(2) == 0).then(|| of[self.below(of.len())])
    }

    fn said(&mut self) -> Said {
        Said {
            email: self.maybe(&["a@x", "b@x"]),
            title: self.maybe(&["T", "U"]),
            is_disabled: self.below(6) == 0,
            groups: self.some(&GROUPS),
            regions: self.some(&["EU", "US"]),
        }
    }
}

fn effective_objects_are_those_of_the_model(database: &Database) {
    let (mut store, mut draw) = (database.open(), Draw(11));
    let groups = || GROUPS.map(|name| declared(json!({ "name": name }))).to_vec();
    let tenant = || Some(declared::<Tenant>(json!({ "name": "Acme", "timeZone": "UTC" })));
    let options = |at: i64, prune: bool| ApplyOptions { at: Instant::from_micros(at), prune, dry_run: false };
    store
        .apply(&Catalog { tenant: tenant(), groups: groups(), ..Catalog::default() }, options(1, false))
        .unwrap();
    connections(&mut store);
    let mut people: BTreeMap<&'static str, Person> = BTreeMap::new();
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for step in 0..STEPS {
        let at = 10 + i64::try_from(step).unwrap();
        let what = match draw.below(5) {
            0 => {
                let prune = draw.below(2) == 0;
                let said: Vec<_> = NAMES
                    .into_iter()
                    .filter(|_| draw.below(3) > 0)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .map(|name| (name, draw.said()))
                    .collect();
                let users =
                    said.iter().map(|(name, said)| declared(serde_json::to_value(said.user(name)).unwrap()));
                let catalog = Catalog {
                    tenant: tenant(),
                    groups: groups(),
                    users: users.collect(),
                    ..Catalog::default()
                };
                store.apply(&catalog, options(at, prune)).unwrap();
                if prune {
                    people.values_mut().for_each(|person| drop(person.said.remove("files")));
                    people.retain(|_, person| !person.said.is_empty() || !person.left.is_empty());
                }
                for (name, said) in said {
                    people.entry(name).or_default().said.insert("files", said);
                }
                "apply"
            }
            1 => {
                let (name, body) = (NAMES[draw.below(4)], draw.said());
                store.put_object(Kind::User, &body.document(name), IfMatch::Any, &by_ada(at)).unwrap();
                let person = people.entry(name).or_default();
                let is_alone = person.said.keys().all(|origin| *origin == "api") && person.left.is_empty();
                let edited = if is_alone { body } else { person.edited(&body) };
                if edited == Said::default() && !is_alone {
                    person.said.remove("api");
                } else {
                    person.said.insert("api", edited);
                }
                "edit"
            }
            2 => {
                let name = NAMES[draw.below(4)];
                let deleted = store.delete_object(Kind::User, name, IfMatch::Any, &by_ada(at));
                let lists =
                    |person: &Person| person.said.contains_key("okta") || person.said.contains_key("hr");
                match people.get(name) {
                    None => assert!(matches!(deleted, Err(StoreError::NotFound { .. })), "{deleted:?}"),
                    Some(person) if lists(person) => {
                        assert!(matches!(deleted, Err(StoreError::Listed { .. })), "{deleted:?}");
                    }
                    Some(_) => {
                        deleted.unwrap();
                        people.remove(name);
                    }
                }
                "delete"
            }
            which => {
                let connection = if which == 3 { "okta" } else { "hr" };
                let names: Vec<_> = NAMES.into_iter().filter(|_| draw.below(3) > 0).collect();
                let said: Vec<_> = names.into_iter().map(|name| (name, draw.said())).collect();
                let key = |name: &str| Some(format!("key of {name}"));
                let users = said.iter().map(|(name, said)| (key(name), said.user(name))).collect();
                store
                    .apply_listing(connection, Listing { users, ..Listing::default() }, ALL, &by_sync(at))
                    .unwrap();
                for person in people.values_mut() {
                    if let Some(said) = person.said.remove(connection) {
                        person.left.insert(connection, said);
                    }
                }
                for (name, said) in said {
                    let person = people.entry(name).or_default();
                    person.left.remove(connection);
                    person.said.insert(connection, said);
                }
                "sync"
            }
        };
        *reached.entry(what).or_default() += 1;
        for name in NAMES {
            let stored = store.object(Kind::User, name).unwrap();
            let Some(person) = people.get(name) else {
                assert!(stored.is_none(), "step {step}, {what}: {name} exists: {stored:?}");
                continue;
            };
            let stored =
                stored.unwrap_or_else(|| panic!("step {step}, {what}: {name} is missing: {person:?}"));
            let mut expected = person.merged(None).document(name);
            expected["status"] = if person.merged(None).is_disabled { "disabled" } else { "active" }.into();
            let mut document = stored.document;
            document.as_object_mut().unwrap().shift_remove("identityProvider");
            assert_eq!(document, expected, "step {step}, {what}: {name}: {person:?}");
            assert_eq!(stored.absent_since.is_some(), person.is_gone(), "step {step}, {what}: {name}");
            if person.is_gone() {
                *reached.entry("gone").or_default() += 1;
            }
        }
        if step % 20 == 0 {
            store.snapshot(Instant::from_micros(at)).unwrap();
        }
    }
    assert!(reached.len() == 5 && reached.values().all(|times| *times > STEPS / 20), "{reached:?}");
}
