//! The engine against Cedar: generated worlds are translated, and Cedar's authorizer decides on every user, data
//! source and scope. Its validator must accept every translation, in strict mode.

#[path = "../../engine/tests/oracle/mod.rs"]
#[allow(dead_code, reason = "this test uses the worlds of the engine's tests, not all that surrounds them")]
mod oracle;

use std::cell::RefCell;
use std::collections::HashMap;
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request, Schema,
    ValidationMode, Validator,
};
use domesday_model::{Catalog, PolicyKind, PolicyState, ProductStatus, Scope, Snapshot};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use oracle::config::worlds;
use oracle::coverage::Coverage;
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

/// `GRANTED` or `BLOCKED` by user, source and scope; where nothing grants, nothing.
type Verdicts = HashMap<(String, String, Scope), &'static str>;

fn engine_verdicts(snapshot: Snapshot) -> Verdicts {
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

/// The verdicts of an evaluator under test, `engine` being the real one.
type Evaluator = fn(&Catalog) -> Verdicts;

fn engine(catalog: &Catalog) -> Verdicts {
    engine_verdicts(snapshot(catalog))
}

fn snapshot(catalog: &Catalog) -> Snapshot {
    Snapshot::of_catalog(catalog, at()).expect("generated catalogs are valid")
}

/// Sets an evaluator against Cedar on every user, source and scope of a world; says how many that were.
fn compare(catalog: &Catalog, evaluator: Evaluator) -> Result<usize, TestCaseError> {
    let snapshot = snapshot(catalog);
    let world = World::of(&snapshot);
    let verdicts = evaluator(catalog);
    let mut compared = 0;
    for user in snapshot.users.iter() {
        for source in snapshot.data_sources.iter() {
            for scope in Scope::ALL {
                let cedar = world.verdict(&user.username, &source.name, scope);
                let key = (user.username.to_string(), source.name.to_string(), scope);
                let ours = verdicts.get(&key).copied();
                prop_assert_eq!(ours, cedar, "{} on {} to {}", user.username, source.name, scope);
                compared += 1;
            }
        }
    }
    Ok(compared)
}

/// Thousands of worlds, other ones at every run; what they exercised is counted, so that a generator that no
/// longer reaches a rule fails here rather than agreeing about nothing.
#[test]
fn the_engine_agrees_with_cedar() {
    const COUNTED: usize = 1_500;
    let coverage = RefCell::new(Coverage::default());
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        compare(&catalog, engine)?;
        let mut coverage = coverage.borrow_mut();
        if coverage.worlds < COUNTED {
            coverage.add(&catalog, at());
        }
    });
    let coverage = coverage.into_inner();
    if coverage.worlds == COUNTED {
        assert_eq!(coverage.rare(1), Vec::<String>::new(), "{coverage}");
    }
}

/// The worlds made by hand for each rule, so that no rule depends on what chance brings.
#[test]
fn the_engine_agrees_with_cedar_on_every_rule() {
    let mut compared = 0;
    for case in cases() {
        compared += compare(&case.world, engine).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        // The same worlds through the oracle: three evaluators, one meaning.
        let rows = evaluate(&case.world, at());
        let table_rows = rows.iter().filter(|row| row.column.is_none()).count();
        assert_eq!(engine(&case.world).len(), table_rows, "{}", case.name);
    }
    assert!(compared > 90, "only {compared} decisions were compared");
}

/// Evaluators with one rule broken each: the engine, asked about a world in which the rule has nothing to say.
const BROKEN: [(&str, Evaluator); 8] = [
    ("guardrails do not bind", |catalog| {
        changed(catalog, |world| {
            let guardrails = world.policies.iter_mut().filter(|policy| policy.kind == PolicyKind::Guardrail);
            guardrails.for_each(|policy| policy.spec.state = PolicyState::Disabled);
        })
    }),
    ("write guardrails bind readers", |catalog| {
        changed(catalog, |world| {
            let guardrails = world.policies.iter_mut().filter(|policy| policy.kind == PolicyKind::Guardrail);
            guardrails.for_each(|policy| policy.spec.scope = Scope::Read);
        })
    }),
    ("owners have no right", |catalog| {
        changed(catalog, |world| world.data_sources.iter_mut().for_each(|source| source.spec.owners.clear()))
    }),
    ("levelChoice is not looked at", |catalog| {
        changed(catalog, |world| {
            world.data_sources.iter_mut().for_each(|source| source.spec.level_choice = None);
        })
    }),
    ("a request that ends at the instant still counts", |catalog| {
        changed(catalog, |world| {
            let ending = world.requests.iter_mut().filter(|request| request.expires_at == Some(at()));
            ending.for_each(|request| request.spec.expires_at = None);
        })
    }),
    ("a suspended product counts", |catalog| {
        changed(catalog, |world| {
            world.data_products.iter_mut().for_each(|product| product.spec.status = ProductStatus::Published);
        })
    }),
    ("group attributes are not inherited", |catalog| {
        changed(catalog, |world| world.groups.iter_mut().for_each(|group| group.spec.attributes.clear()))
    }),
    ("staged policies count", |catalog| {
        changed(catalog, |world| {
            let staged = world.policies.iter_mut().filter(|policy| policy.state == PolicyState::Staged);
            staged.for_each(|policy| policy.spec.state = PolicyState::Active);
        })
    }),
];

fn changed(catalog: &Catalog, change: impl Fn(&mut Catalog)) -> Verdicts {
    let mut catalog = catalog.clone();
    change(&mut catalog);
    engine(&catalog)
}

/// A disagreement is found, shrunk, and shown as a catalog that the loader takes and that still shows it.
#[test]
fn a_broken_evaluator_is_caught_with_a_catalog_to_load() {
    for (broken, evaluator) in BROKEN {
        let mut runner =
            TestRunner::new_with_rng(worlds(3_000), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let found = runner.run(&world(), |Printed(catalog)| compare(&catalog, evaluator).map(drop));
        let Err(TestError::Fail(_, smallest)) = found else { panic!("{broken}: not noticed ({found:?})") };
        let shown = format!("{smallest:?}");
        let loaded = domesday_sources::parse_str("world.json", &shown)
            .unwrap_or_else(|wrong| panic!("{broken}: the world shown does not load: {wrong}\n{shown}"));
        assert!(compare(&loaded.catalog, evaluator).is_err(), "{broken}: not shown by\n{shown}");
        compare(&loaded.catalog, engine).unwrap_or_else(|error| panic!("{broken}: {error}\n{shown}"));
        // Small enough to be read: worlds are drawn with up to 25 of these.
        let Catalog { users, data_sources, policies, requests, .. } = &loaded.catalog;
        let size = users.len() + data_sources.len() + policies.len() + requests.len();
        assert!(size <= 10, "{broken}: {size} objects\n{shown}");
    }
}
