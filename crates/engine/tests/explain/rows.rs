//! Every step of every explanation against every row, the oracle's and the engine's own.

use std::sync::Arc;

use domesday_engine::{AtomFacts, ConditionFunction, Exclusion, Explanation, ReasonPart, Sight, evaluate};
use domesday_model::{Catalog, DataSourceIx, Scope, Snapshot};
use proptest::prelude::*;

use super::oracle::compare::rows_of;
use super::oracle::config::worlds;
use super::oracle::evaluate::World;
use super::oracle::generate::{at, world};
use super::oracle::print::Printed;
use super::oracle::row::{Row, Verdict};
use super::{access_of, column_rows, pairs, rows, snapshot};

#[test]
fn explanations_tell_what_the_rows_say() {
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(Arc::clone(&snapshot));
        let rows = rows(&catalog);
        // The rows of the table come from the same outcomes as the explanations.
        let of_engine = rows_of(&outcomes).into_iter().filter(|row| row.column.is_none()).count();
        prop_assert_eq!(of_engine, rows.len());
        for (user, source, scope) in pairs(&snapshot) {
            let told = outcomes.explain(user, source, scope);
            let row = rows.get(&(told.user.clone(), told.data_source.clone(), scope));
            prop_assert_eq!(told.access, access_of(row), "{} {} {}", told.user, told.data_source, scope);
            check_row(&snapshot, &told, row)?;
            check_steps(&told)?;
            check_conflicts(&catalog, &snapshot, source, scope, &told)?;
        }
    });
}

/// The `reason` field of these parts.
fn joined(parts: &[ReasonPart]) -> String {
    parts.iter().map(|part| part.as_str()).collect::<Vec<_>>().join("+")
}

/// Whether an atom holds by what an explanation says about it.
fn satisfy(facts: &AtomFacts) -> bool {
    let matched = match facts.function {
        ConditionFunction::IsInGroups => facts.wanted.iter().all(|group| facts.matched.contains(group)),
        _ => !facts.matched.is_empty(),
    };
    matched && facts.absent.is_empty()
}

fn check_row(snapshot: &Snapshot, told: &Explanation, row: Option<&Row>) -> Result<(), TestCaseError> {
    let names = |ids: &[i64]| -> Vec<String> {
        let policies = || snapshot.policies.iter();
        ids.iter()
            .map(|id| {
                policies().find(|policy| policy.id.0 == *id).expect("an id of a policy").spec.name.clone()
            })
            .collect()
    };
    let admitting: Vec<_> =
        told.grants.iter().filter(|step| step.admits).map(|step| step.name.clone()).collect();
    let guardrails = |admits: bool| -> Vec<String> {
        let steps = told.guardrails.iter().filter(|step| step.admits == admits);
        steps.map(|step| step.name.clone()).collect()
    };
    let Some(row) = row else {
        prop_assert!(told.grant_policy_ids.is_empty() && told.guardrail_policy_ids.is_empty());
        prop_assert!(told.reasons.is_empty() && told.request_id.is_none() && told.columns.is_empty());
        if told.excluded.is_empty() {
            prop_assert!(admitting.is_empty() && !told.owner);
        }
        return Ok(());
    };
    prop_assert_eq!(&admitting, &row.grants);
    prop_assert_eq!(&names(&told.grant_policy_ids), &row.grants);
    prop_assert_eq!(&names(&told.guardrail_policy_ids), &row.guardrails);
    prop_assert_eq!(joined(&told.reasons), row.reason.clone());
    prop_assert_eq!(&told.request_id, &row.request);
    prop_assert_eq!(told.expires_at, row.expires_at);
    match row.verdict {
        Verdict::Blocked => prop_assert_eq!(&guardrails(false), &row.guardrails),
        _ => prop_assert_eq!(&guardrails(true), &row.guardrails),
    }
    prop_assert_eq!(told.owner, row.reason.contains("OWNER"));
    let counting: Vec<_> = told.requests.iter().filter(|step| step.counts).map(|step| &step.id).collect();
    prop_assert_eq!(!counting.is_empty(), row.reason.contains("REQUEST"));
    prop_assert!(row.request.iter().all(|named| counting.contains(&named)));
    Ok(())
}

fn check_steps(told: &Explanation) -> Result<(), TestCaseError> {
    let disabled = told.excluded.contains(&Exclusion::UserDisabled);
    for step in told.grants.iter().chain(&told.guardrails) {
        if let Some(condition) = &step.condition {
            prop_assert_eq!(step.admits, condition.holds && !disabled && !step.silenced);
            prop_assert!(!condition.deciding().is_empty());
            for part in condition.deciding() {
                let facts = part.facts.as_ref().expect("what decides is an atom");
                prop_assert_eq!(part.holds, satisfy(facts), "{}", part.text);
            }
        }
    }
    for request in &told.requests {
        prop_assert_eq!(request.counts, request.why_not.is_none());
        prop_assert!(request.covers || !request.counts);
    }
    let silenced: Vec<_> = told.grants.iter().filter(|step| step.silenced).map(|step| &step.name).collect();
    let rivals = told.conflicts.iter().flat_map(|conflict| &conflict.rivals);
    let mut in_conflict: Vec<_> = rivals.filter(|rival| rival.silenced).map(|rival| &rival.name).collect();
    in_conflict.sort_by_key(|name| silenced.iter().position(|known| known == name));
    prop_assert_eq!(silenced, in_conflict);
    Ok(())
}

fn check_conflicts(
    catalog: &Catalog,
    snapshot: &Snapshot,
    source: DataSourceIx,
    scope: Scope,
    told: &Explanation,
) -> Result<(), TestCaseError> {
    let oracle = World { catalog, at: at() };
    let name = &snapshot.data_sources[source.get()].name;
    let Some(source) = oracle.enabled_sources().find(|source| *source.name == **name) else {
        prop_assert!(told.conflicts.is_empty());
        return Ok(());
    };
    let counting = Scope::ALL.into_iter().filter(|of| scope == Scope::Read || *of == Scope::Write);
    let wanted: Vec<_> = counting
        .filter_map(|of| oracle.conflict(source, of))
        .map(|conflict| {
            let members: Vec<_> = conflict.members.iter().map(|policy| policy.name.clone()).collect();
            (
                conflict.scope.as_str(),
                format!("{:?}", conflict.counts).to_uppercase(),
                conflict.settled,
                members,
            )
        })
        .collect();
    let found: Vec<_> = told
        .conflicts
        .iter()
        .map(|step| {
            let rivals = step.rivals.iter().map(|rival| rival.name.clone()).collect();
            (step.scope.as_str(), step.counts.as_str().to_owned(), step.settled_by.is_some(), rivals)
        })
        .collect();
    prop_assert_eq!(found, wanted);
    Ok(())
}

#[test]
fn columns_are_explained_as_their_rows_say() {
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(Arc::clone(&snapshot));
        let rows = column_rows(&catalog);
        let mut seen = 0;
        for (user, source, _) in pairs(&snapshot).filter(|(_, _, scope)| *scope == Scope::Read) {
            for (column, known) in snapshot.columns_of(source) {
                let told = outcomes.explain_column(user, source, column);
                let key = (told.read.user.clone(), told.read.data_source.clone(), known.name.to_string());
                let masking: Vec<_> =
                    told.policies.iter().filter(|step| step.masks).map(|step| step.name.clone()).collect();
                let Some(row) = rows.get(&key) else {
                    prop_assert!(matches!(told.sight, Sight::Plain | Sight::Unreadable), "{:?}", key);
                    prop_assert_eq!(told.sight == Sight::Plain, told.read.access == domesday_engine::Access::Granted);
                    prop_assert!(told.row.is_none());
                    continue;
                };
                seen += 1;
                let told_row = told.row.clone().expect("a column with a row is told with it");
                prop_assert_eq!(told_row.outcome, told.sight);
                prop_assert_eq!(told.sight == Sight::Masked, row.verdict == Verdict::Masked);
                prop_assert_eq!(joined(&told_row.reasons), row.reason.clone());
                prop_assert_eq!(&told_row.data_policies, &row.data_policies);
                prop_assert_eq!(told_row.data_policy_ids.len(), row.data_policies.len());
                prop_assert_eq!(&told_row.request_id, &row.request);
                prop_assert_eq!(told_row.expires_at, row.expires_at);
                let all: Vec<_> = told.policies.iter().map(|step| step.name.clone()).collect();
                let named = if told.sight == Sight::Masked { &masking } else { &all };
                prop_assert_eq!(named, &row.data_policies);
                prop_assert!(told.policies.iter().all(|step| !step.selected_by.is_empty()));
                let counting: Vec<_> =
                    told.exceptions.iter().filter(|step| step.counts).map(|step| &step.id).collect();
                prop_assert_eq!(!counting.is_empty(), row.request.is_some());
                prop_assert!(row.request.iter().all(|named| counting.contains(&named)));
            }
        }
        prop_assert_eq!(seen, rows.len());
    });
}
