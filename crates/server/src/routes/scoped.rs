//! Permissions that depend on the object: what is somebody's own, and what lies in a domain that they manage.

use domesday_model::{Kind, Permission};
use domesday_store::{Store, StoredObject};
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::route::lacking;

use super::{authority, guarding};

/// The permission inside a domain that lets a user write policies there.
const MANAGE_POLICIES: &str = "MANAGE_POLICIES";

/// How many objects are read at a time.
const PAGE: usize = 500;

/// Whether an object is the caller's own: they are that user, or the request is by or for them.
pub(super) fn is_theirs(caller: &Caller, object: &StoredObject) -> bool {
    let is = |key: &str| object.document[key].as_str().is_some_and(|name| caller.is(name));
    match object.kind {
        Kind::User => is("username"),
        Kind::Request => is("user") || is("requester"),
        _ => false,
    }
}

/// Whether the caller may write objects of a kind at all, before the document is looked at.
pub(super) fn may_write(store: &mut Store, caller: &Caller, kind: Kind) -> Result<(), Problem> {
    match kind {
        Kind::Policy | Kind::DataPolicy if !caller.has(Permission::Governance) => {
            if managed_domains(store, caller)?.is_empty() {
                return Err(lacking(&[Permission::Governance], " or "));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether the caller may make this object of that one; none is a creation or a deletion.
pub(super) fn check(
    store: &mut Store,
    caller: &Caller,
    kind: Kind,
    before: Option<&StoredObject>,
    after: Option<&Value>,
) -> Result<(), Problem> {
    match kind {
        Kind::Policy | Kind::DataPolicy if !caller.has(Permission::Governance) => {
            if before.is_some_and(|object| !object.delegated) {
                return Err(Problem::forbidden(
                    "this policy was written or changed last with GOVERNANCE, which changing it needs; managers of a \
                     domain change the policies that managers wrote",
                )
                .with("permissions", vec![Permission::Governance.as_str()]));
            }
            let domains = managed_domains(store, caller)?;
            let inside = |document: &Value| in_domains(&document["appliesTo"], &domains);
            if before.is_none_or(|object| inside(&object.document)) && after.is_none_or(inside) {
                return Ok(());
            }
            Err(Problem::forbidden(
                "without GOVERNANCE you write only policies whose every `appliesTo` selects by `domains`, each \
                 named exactly, in which you have MANAGE_POLICIES",
            )
            .with("permissions", vec![Permission::Governance.as_str()]))
        }
        Kind::DataSource if !caller.has(Permission::Governance) => {
            let owns = |object: &StoredObject| {
                let owners = object.document["owners"].as_array().into_iter().flatten();
                owners.filter_map(Value::as_str).any(|owner| caller.is(owner))
            };
            if !before.is_none_or(owns) {
                return Err(Problem::forbidden(
                    "without GOVERNANCE you change only data sources that you own",
                )
                .with("permissions", vec![Permission::Governance.as_str()]));
            }
            if before.is_none() {
                check_creates_in_domain(store, caller, after)?;
            }
            guarding::check(store, before.map(|object| &object.document), after)
        }
        Kind::User => authority::check_user(caller, before.map(|object| &object.document), after),
        Kind::Group => authority::check_group(store, caller, before.map(|object| &object.document), after),
        Kind::Domain => authority::check_domain(caller, before.map(|object| &object.document), after),
        _ => Ok(()),
    }
}

/// Whether what the caller writes of a kind is theirs and the other managers' of its domain to change.
pub(super) fn is_delegated(caller: &Caller, kind: Kind) -> bool {
    matches!(kind, Kind::Policy | Kind::DataPolicy) && !caller.has(Permission::Governance)
}

/// Whoever registers a data source in a domain has a permission inside it, whichever.
fn check_creates_in_domain(
    store: &mut Store,
    caller: &Caller,
    source: Option<&Value>,
) -> Result<(), Problem> {
    let Some(name) = source.and_then(|source| source["domain"].as_str()) else { return Ok(()) };
    // What does not exist is refused as a mistake.
    let Some(domain) = store.object(Kind::Domain, name)? else { return Ok(()) };
    let mut given = domain.document["permissions"].as_array().into_iter().flatten();
    let user = caller.in_roles();
    if user.is_some() && given.any(|given| given["user"].as_str() == user) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "registering a data source in a domain needs GOVERNANCE, or a permission of your own inside that domain",
    )
    .with("permissions", vec![Permission::Governance.as_str()]))
}

/// The domains in which the caller manages policies.
fn managed_domains(store: &mut Store, caller: &Caller) -> Result<Vec<String>, Problem> {
    let Some(user) = caller.in_roles() else { return Ok(Vec::new()) };
    let mut managed = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (domains, _) = store.objects(Kind::Domain, after.as_deref(), PAGE)?;
        let Some(last) = domains.last() else { return Ok(managed) };
        after = Some(last.name.clone());
        for domain in domains {
            let permissions = domain.document["permissions"].as_array().into_iter().flatten();
            let mut permissions = permissions.filter(|given| given["user"] == user);
            if permissions.any(|given| given["permission"] == MANAGE_POLICIES) {
                managed.push(domain.name);
            }
        }
    }
}

/// Whether a selection lies inside domains: each of its mappings names some of them and only them, exactly.
fn in_domains(applies_to: &Value, domains: &[String]) -> bool {
    let selectors: Vec<&Value> = match applies_to {
        Value::Array(list) => list.iter().collect(),
        Value::Object(_) => vec![applies_to],
        _ => return false,
    };
    let inside = |selector: &&Value| {
        let Some(names) = selector["domains"].as_array().filter(|names| !names.is_empty()) else {
            return false;
        };
        let mut names = names.iter().filter_map(Value::as_str);
        // A name with a wildcard in it would reach further than the domain so called.
        names.all(|name| !name.contains(['*', '?']) && domains.iter().any(|domain| domain == name))
    };
    !selectors.is_empty() && selectors.iter().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selection_is_inside_only_when_every_mapping_is() {
        let domains = ["Finance".to_owned(), "a*b".to_owned()];
        for inside in [
            json!({ "domains": ["Finance"] }),
            json!({ "domains": ["Finance"], "tagged": ["PII"] }),
            json!([{ "domains": ["Finance"] }]),
        ] {
            assert!(in_domains(&inside, &domains), "{inside}");
        }
        for outside in [
            json!("all"),
            json!("optIn"),
            json!({}),
            json!([]),
            json!({ "domains": [] }),
            json!({ "domains": ["Finance", "Sales"] }),
            json!({ "domains": ["a*b"] }),
            json!([{ "domains": ["Finance"] }, { "tagged": ["PII"] }]),
            json!({ "dataSources": ["Ledger"] }),
        ] {
            assert!(!in_domains(&outside, &domains), "{outside}");
        }
    }
}
