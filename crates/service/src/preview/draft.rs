//! The snapshot with a draft in it, the mistakes of a draft, and the warnings about it.

use std::collections::HashSet;

use domesday_engine::{CatalogWarning, Outcomes, data_policy_warnings, policy_warnings};
use domesday_model::validate::{Severity, validate};
use domesday_model::{
    Catalog, DataPolicy, DataPolicyIx, DataSource, Declared, Domain, Group, Kind, Policy, PolicyId, PolicyIx,
    PolicyState, Provenance, Record, Snapshot, Tag, User,
};
use serde_json::{Value, json};

use crate::error::ServiceError;

/// How many new conflicts of levels are listed.
const MAX_CONFLICTS: usize = 100;

/// Returns the warnings about the draft, and the conflicts of levels that it causes.
pub(super) fn warnings(kind: Kind, name: &str, before: &Outcomes, after: &Outcomes) -> Vec<CatalogWarning> {
    let known: HashSet<String> =
        before.level_conflict_warnings().iter().map(CatalogWarning::to_string).collect();
    let conflicts =
        after.level_conflict_warnings().into_iter().filter(|notice| !known.contains(&notice.to_string()));
    let snapshot = after.snapshot();
    // A removed policy is a disabled one, which gets no warnings.
    let own = match kind {
        Kind::DataPolicy => snapshot
            .data_policy(name)
            .or_else(|| snapshot.data_policies.len().checked_sub(1).map(DataPolicyIx::at))
            .map(|ix| data_policy_warnings(snapshot, &snapshot.data_policies[ix.get()].spec)),
        _ => snapshot
            .policy(name)
            .or_else(|| snapshot.policies.len().checked_sub(1).map(PolicyIx::at))
            .map(|ix| policy_warnings(snapshot, &snapshot.policies[ix.get()].spec)),
    };
    own.unwrap_or_default().into_iter().chain(conflicts.take(MAX_CONFLICTS)).collect()
}

/// Returns the snapshot with the draft in it.
pub(super) fn apply_draft(
    kind: Kind,
    document: Value,
    before: &Snapshot,
    remove: bool,
) -> Result<Snapshot, ServiceError> {
    let misread = |error: serde_json::Error| ServiceError::internal(&error);
    let none = |name: &str| ServiceError::not_found(format!("there is no {kind} `{name}`"));
    // One id space for both kinds of policy.
    let ids = before.policies.iter().map(|policy| policy.id.0);
    let last = ids.chain(before.data_policies.iter().map(|policy| policy.id.0)).max().unwrap_or(0);
    let provenance = Provenance::new(before.at, "api");
    let mut snapshot = before.clone();
    if kind == Kind::DataPolicy {
        let spec: DataPolicy = serde_json::from_value(document).map_err(misread)?;
        let place = before.data_policy(&spec.name);
        let declared = vec![Declared::new(spec.clone(), "")];
        check_catalog(before, Catalog { data_policies: declared, ..Catalog::default() })?;
        if remove {
            let place = place.ok_or_else(|| none(&spec.name))?;
            snapshot.data_policies[place.get()].spec.state = PolicyState::Disabled;
            return Ok(snapshot);
        }
        match place {
            Some(place) => snapshot.data_policies[place.get()].spec = spec,
            None => snapshot.data_policies.push(Record { id: PolicyId(last + 1), spec, provenance }),
        }
    } else {
        let spec: Policy = serde_json::from_value(document).map_err(misread)?;
        let place = before.policy(&spec.name);
        check_catalog(
            before,
            Catalog { policies: vec![Declared::new(spec.clone(), "")], ..Catalog::default() },
        )?;
        if remove {
            let place = place.ok_or_else(|| none(&spec.name))?;
            snapshot.policies[place.get()].spec.state = PolicyState::Disabled;
            return Ok(snapshot);
        }
        match place {
            Some(place) => snapshot.policies[place.get()].spec = spec,
            None => snapshot.policies.push(Record { id: PolicyId(last + 1), spec, provenance }),
        }
    }
    Ok(snapshot)
}

/// Checks that every name that a document refers to exists.
///
/// # Errors
/// [`ServiceError::Invalid`] with the mistakes and their fields.
pub fn check_references(snapshot: &Snapshot, kind: Kind, document: &Value) -> Result<(), ServiceError> {
    let misread = |error: serde_json::Error| ServiceError::internal(&error);
    let mut catalog = Catalog::default();
    match kind {
        Kind::DataPolicy => {
            let spec: DataPolicy = serde_json::from_value(document.clone()).map_err(misread)?;
            catalog.data_policies = vec![Declared::new(spec, "")];
        }
        _ => {
            let spec: Policy = serde_json::from_value(document.clone()).map_err(misread)?;
            catalog.policies = vec![Declared::new(spec, "")];
        }
    }
    check_catalog(snapshot, catalog)
}

/// Checks the policies of a catalog by validating them among bare objects of the names in a snapshot.
fn check_catalog(before: &Snapshot, mut catalog: Catalog) -> Result<(), ServiceError> {
    let bare_tag = |name: &str| Tag { name: name.to_owned(), description: None };
    catalog.tags = before.tags.iter().map(|tag| Declared::new(bare_tag(&tag.spec.name), "")).collect();
    let bare_group =
        |name: &str| Group { name: name.to_owned(), description: None, attributes: Default::default() };
    // The first is `All Users`, which cannot be declared.
    let groups = before.groups.iter().skip(1);
    catalog.groups = groups.map(|group| Declared::new(bare_group(&group.name), "")).collect();
    catalog.users = before.users.iter().map(|user| Declared::new(User::named(&user.username), "")).collect();
    let bare_domain =
        |name: &str| Domain { name: name.to_owned(), description: None, permissions: Vec::new() };
    catalog.domains =
        before.domains.iter().map(|domain| Declared::new(bare_domain(&domain.spec.name), "")).collect();
    let sources = before.data_sources.iter().map(|source| {
        let bare = json!({ "name": source.name, "platform": source.platform });
        serde_json::from_value::<DataSource>(bare).map(|source| Declared::new(source, ""))
    });
    catalog.data_sources =
        sources.collect::<Result<_, _>>().map_err(|error| ServiceError::internal(&error))?;
    let problems = validate(&catalog).into_iter().filter(|problem| {
        problem.severity == Severity::Error && matches!(problem.kind, Kind::Policy | Kind::DataPolicy)
    });
    let problems: Vec<_> =
        problems.map(|one| json!({ "field": one.path.to_string(), "message": one.message })).collect();
    let count = problems.len();
    if problems.is_empty() {
        return Ok(());
    }
    Err(ServiceError::invalid("the draft is not valid").with_problems(problems, count))
}
