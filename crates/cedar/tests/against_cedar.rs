//! The engine against Cedar: generated worlds are translated, and Cedar's authorizer decides on every user, data
//! source and scope. Its validator must accept every translation, in strict mode.

#[path = "../../engine/tests/oracle/mod.rs"]
#[allow(dead_code, reason = "this test uses the worlds of the engine's tests, not all that surrounds them")]
mod oracle;

use std::collections::HashMap;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request, Schema,
    ValidationMode, Validator,
};
use domesday_model::{Catalog, DataSourceStatus, Scope, Snapshot, UserStatus};
use proptest::prelude::*;
use proptest::test_runner::Config;

use oracle::evaluate::evaluate;
use oracle::generate::{at, world};
use oracle::print::Printed;
use oracle::row::Verdict;
use oracle::rules::cases;

/// A translation, parsed and validated by Cedar.
struct World {
    /// Everything.
    policies: PolicySet,
    /// Without guardrails: what grants, ownership and products alone would let in.
    granting: PolicySet,
    entities: Entities,
}

impl World {
    fn of(snapshot: &Snapshot) -> Self {
        let export = domesday_cedar::export(snapshot);
        let (schema, _) = Schema::from_cedarschema_str(&export.schema)
            .unwrap_or_else(|error| panic!("schema: {error:?}\n{}", export.schema));
        let policies = PolicySet::from_str(&export.policies)
            .unwrap_or_else(|error| panic!("policies: {error:?}\n{}", export.policies));
        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        let errors: Vec<_> = result.validation_errors().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "Cedar's validator refuses:\n{}\n{}", errors.join("\n"), export.policies);
        let entities =
            Entities::from_json_value(export.entities, Some(&schema)).expect("entities fit the schema");
        let mut granting = PolicySet::new();
        for policy in policies.policies().filter(|policy| policy.annotation("kind") != Some("guardrail")) {
            granting.add(policy.clone()).expect("ids are unique");
        }
        Self { policies, granting, entities }
    }

    /// What Cedar says of one user, source and scope; `None` is no row.
    fn verdict(&self, user: &str, source: &str, scope: Scope) -> Option<&'static str> {
        let action = if scope == Scope::Read { "Read" } else { "Write" };
        let request = Request::new(
            uid("User", user),
            uid("Action", action),
            uid("DataSource", source),
            Context::empty(),
            None,
        )
        .expect("without a schema a request is not checked");
        let allowed = |policies| {
            let response = Authorizer::new().is_authorized(&request, policies, &self.entities);
            let errors: Vec<_> = response.diagnostics().errors().map(ToString::to_string).collect();
            assert!(errors.is_empty(), "a policy failed to evaluate: {errors:?}");
            response.decision() == Decision::Allow
        };
        match (allowed(&self.granting), allowed(&self.policies)) {
            (true, true) => Some("GRANTED"),
            (true, false) => Some("BLOCKED"),
            (false, false) => None,
            (false, true) => panic!("a guardrail cannot let anybody in"),
        }
    }
}

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind = EntityTypeName::from_str(&format!("Domesday::{kind}")).expect("a name of the schema");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

/// The engine's verdicts by user, source and scope.
fn engine_verdicts(snapshot: &Snapshot) -> HashMap<(String, String, Scope), &'static str> {
    let outcomes = domesday_engine::evaluate(snapshot);
    let rows = oracle::compare::rows_of(&outcomes);
    rows.into_iter()
        .filter(|row| row.column.is_none())
        .map(|row| {
            let verdict = match row.verdict {
                Verdict::Granted => "GRANTED",
                Verdict::Blocked => "BLOCKED",
                Verdict::Masked | Verdict::Unmasked => unreachable!("only columns are masked"),
            };
            ((row.user, row.source, row.scope), verdict)
        })
        .collect()
}

fn compare(catalog: &Catalog) -> Result<usize, TestCaseError> {
    let snapshot = Snapshot::of_catalog(catalog, at()).expect("generated catalogs are valid");
    let world = World::of(&snapshot);
    let engine = engine_verdicts(&snapshot);
    let mut compared = 0;
    for user in &snapshot.users {
        for source in &snapshot.data_sources {
            for scope in Scope::ALL {
                let cedar = world.verdict(&user.username, &source.name, scope);
                let key = (user.username.to_string(), source.name.to_string(), scope);
                let ours = engine.get(&key).copied();
                prop_assert_eq!(ours, cedar, "{} on {} to {}", user.username, source.name, scope);
                if user.status == UserStatus::Disabled || source.status == DataSourceStatus::Disabled {
                    prop_assert_eq!(ours, None);
                }
                compared += 1;
            }
        }
    }
    Ok(compared)
}

#[test]
fn the_engine_agrees_with_cedar() {
    let cases = 3_000;
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    proptest!(config, |(Printed(catalog) in world())| {
        compare(&catalog)?;
    });
}

/// The worlds made by hand for each rule, so that no rule depends on what chance brings.
#[test]
fn the_engine_agrees_with_cedar_on_every_rule() {
    let mut compared = 0;
    for case in cases() {
        compared += compare(&case.world).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        // The same worlds through the oracle: three evaluators, one meaning.
        let rows = evaluate(&case.world, at());
        let snapshot = Snapshot::of_catalog(&case.world, at()).unwrap();
        let table_rows = rows.iter().filter(|row| row.column.is_none()).count();
        assert_eq!(engine_verdicts(&snapshot).len(), table_rows, "{}", case.name);
    }
    assert!(compared > 90, "only {compared} decisions were compared");
}
