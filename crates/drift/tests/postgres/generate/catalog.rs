//! The catalog that a random database is compared with.

use serde_json::{Value, json};

use super::Generator;
use crate::cluster::Random;

/// The columns of every relation.
const COLUMNS: [&str; 3] = ["a", "B ü", "select"];

impl Generator {
    pub(super) fn catalog(&mut self) -> Value {
        let some = |random: &mut Random, from: &[String], percent: usize| -> Vec<String> {
            let mut some: Vec<String> = from.iter().filter(|_| random.chance(percent)).cloned().collect();
            if some.is_empty() {
                some.push(random.pick(from).clone());
            }
            some
        };
        let random = &mut self.random;
        let users: Vec<Value> = self
            .users
            .iter()
            .map(|user| {
                let status = if random.chance(8) { "disabled" } else { "active" };
                let groups: Vec<&str> = if random.chance(50) { vec!["Staff"] } else { Vec::new() };
                json!({ "username": user, "status": status, "groups": groups })
            })
            .collect();
        let mut sources = Vec::new();
        let mut names = Vec::new();
        for (schema, table) in &self.relations {
            if random.chance(6) {
                continue;
            }
            let known = if random.chance(6) { 2 } else { 3 };
            let columns: Vec<Value> =
                COLUMNS[..known].iter().map(|name| json!({ "name": name, "type": "text" })).collect();
            let name = format!("{schema}.{table}");
            let owners: Vec<&String> =
                if random.chance(25) { vec![random.pick(&self.users)] } else { Vec::new() };
            let status = if random.chance(6) { "disabled" } else { "enabled" };
            sources.push(json!({
                "name": name, "platform": "postgres", "host": "db", "database": "DATABASE", "schema": schema,
                "table": table, "columns": columns, "owners": owners, "status": status,
            }));
            names.push(name);
        }
        if names.is_empty() {
            return json!({ "groups": [{ "name": "Staff" }], "users": users });
        }
        let mut policies = Vec::new();
        for number in 0..2 + random.below(3) {
            let scope = if random.chance(35) { "write" } else { "read" };
            policies.push(json!({
                "name": format!("grant {number}"), "type": "grant", "scope": scope, "level": "individuals",
                "individuals": { "users": some(random, &self.users, 45) },
                "appliesTo": { "dataSources": some(random, &names, 50) },
            }));
        }
        for number in 0..random.below(3) {
            let scope = if random.chance(40) { "write" } else { "read" };
            policies.push(json!({
                "name": format!("guardrail {number}"), "type": "guardrail", "scope": scope, "level": "individuals",
                "individuals": { "users": some(random, &self.users, 70) },
                "appliesTo": { "dataSources": some(random, &names, 35) },
            }));
        }
        let mut masks = Vec::new();
        for number in 0..random.below(4) {
            let columns = *random.pick(&[&["a"][..], &["B*"], &["a", "select"], &["*"]]);
            let mut policy = json!({
                "name": format!("mask {number}"), "mask": { "kind": "null" }, "columns": { "names": columns },
                "appliesTo": { "dataSources": some(random, &names, 45) },
            });
            if random.chance(50) {
                policy["except"] = json!("@isInGroups('Staff')");
            }
            masks.push(policy);
        }
        json!({
            "groups": [{ "name": "Staff" }], "users": users, "dataSources": sources, "policies": policies,
            "dataPolicies": masks,
        })
    }
}
