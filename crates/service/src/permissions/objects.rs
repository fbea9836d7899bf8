//! Permissions that depend on the object: whether it is the caller's own, or in a domain that they manage.

use domesday_model::{Connection, ConnectionKind, Kind, Permission};
use domesday_store::{Store, StoredObject};
use serde_json::Value;

use super::{data_sources, people};
use crate::caller::{Caller, Permit};
use crate::error::ServiceError;
use crate::evaluation::ASSET_READERS;

/// The permission inside a domain that lets a user write policies there.
const MANAGE_POLICIES: &str = "MANAGE_POLICIES";

/// How many objects are read at a time.
const PAGE: usize = 500;

/// The permissions with which somebody reads users and groups.
const PEOPLE_READERS: &[Permission] = &[Permission::UserAdmin, Permission::Governance, Permission::Audit];

/// Returns who may read every object of a kind.
#[must_use]
pub const fn read_permit(kind: Kind) -> Permit {
    match kind {
        Kind::Tag | Kind::Domain | Kind::DataSource => Permit::AnyOf(ASSET_READERS),
        Kind::Group | Kind::User => Permit::AnyOf(PEOPLE_READERS),
        Kind::Policy | Kind::DataPolicy => Permit::AnyOf(&[Permission::Governance, Permission::Audit]),
        Kind::Connection => {
            Permit::AnyOf(&[Permission::Audit, Permission::Governance, Permission::UserAdmin])
        }
        Kind::Tenant | Kind::Agreement | Kind::RequestForm | Kind::DataProduct | Kind::Request => {
            Permit::AnyKey
        }
    }
}

/// Returns who may write objects of a kind. [`check_change`] decides about the object.
#[must_use]
pub const fn write_permit(kind: Kind) -> Permit {
    match kind {
        Kind::Tag | Kind::DataSource => {
            Permit::AnyOf(&[Permission::CreateDataSource, Permission::Governance])
        }
        Kind::Group | Kind::User => Permit::AnyOf(&[Permission::UserAdmin]),
        // Policies inside a domain are written by its managers, too.
        Kind::Policy | Kind::DataPolicy | Kind::Request => Permit::AnyKey,
        // Those that bring people are written by USER_ADMIN, too.
        Kind::Connection => Permit::AnyOf(&[Permission::Governance, Permission::UserAdmin]),
        Kind::Tenant | Kind::Domain | Kind::Agreement | Kind::RequestForm | Kind::DataProduct => {
            Permit::AnyOf(&[Permission::Governance])
        }
    }
}

/// Whether an object is the caller's own: they are that user, or the request is by or for them.
#[must_use]
pub fn is_own(caller: &Caller, object: &StoredObject) -> bool {
    let is = |key: &str| object.document[key].as_str().is_some_and(|name| caller.is_user(name));
    match object.kind {
        Kind::User => is("username"),
        Kind::Request => is("user") || is("requester"),
        _ => false,
    }
}

/// Returns an object that was looked up, as far as the caller may read it.
///
/// # Errors
/// [`ServiceError::Forbidden`] when they may neither read every object of the kind nor is this one their own. Whether
/// there is such an object is not said then.
pub fn check_read(
    caller: &Caller,
    kind: Kind,
    found: Option<StoredObject>,
) -> Result<Option<StoredObject>, ServiceError> {
    match read_permit(kind).check(caller) {
        Err(error) if !found.as_ref().is_some_and(|object| is_own(caller, object)) => Err(error),
        _ => Ok(found),
    }
}

/// Whether [`check_change`] and the permit of the kind allow a change of a stored object; none is its deletion.
///
/// # Errors
/// When the store fails.
pub fn may_change(
    store: &mut Store,
    caller: &Caller,
    before: &StoredObject,
    after: Option<&Value>,
) -> Result<bool, ServiceError> {
    if write_permit(before.kind).check(caller).is_err() {
        return Ok(false);
    }
    match check_change(store, caller, before.kind, Some(before), after) {
        Ok(()) => Ok(true),
        Err(ServiceError::Forbidden { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the caller may write objects of a kind at all, before the document is read.
///
/// # Errors
/// [`ServiceError::Forbidden`] when they may not; when the store fails.
pub fn check_kind(store: &mut Store, caller: &Caller, kind: Kind) -> Result<(), ServiceError> {
    match kind {
        Kind::Policy | Kind::DataPolicy if !caller.has(Permission::Governance) => {
            if managed_domains(store, caller)?.is_empty() {
                return Err(ServiceError::lacks_any(&[Permission::Governance]));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether the caller may change an object from `before` to `after`; none is a creation or a deletion.
///
/// # Errors
/// [`ServiceError::Forbidden`] when they may not; when the store fails.
pub fn check_change(
    store: &mut Store,
    caller: &Caller,
    kind: Kind,
    before: Option<&StoredObject>,
    after: Option<&Value>,
) -> Result<(), ServiceError> {
    match kind {
        Kind::Policy | Kind::DataPolicy if !caller.has(Permission::Governance) => {
            if before.is_some_and(|object| !object.delegated) {
                return Err(ServiceError::needs_governance(
                    "this policy was written or changed last with GOVERNANCE, which changing it needs; managers of a \
                     domain change the policies that managers wrote",
                ));
            }
            let domains = managed_domains(store, caller)?;
            let inside = |document: &Value| in_domains(&document["appliesTo"], &domains);
            if before.is_none_or(|object| inside(&object.document)) && after.is_none_or(inside) {
                return Ok(());
            }
            Err(ServiceError::needs_governance(
                "without GOVERNANCE you write only policies whose every `appliesTo` selects by `domains`, each \
                 named exactly, in which you have MANAGE_POLICIES",
            ))
        }
        Kind::DataSource if !caller.has(Permission::Governance) => {
            let owns = |object: &StoredObject| {
                let owners = object.document["owners"].as_array().into_iter().flatten();
                owners.filter_map(Value::as_str).any(|owner| caller.is_user(owner))
            };
            if !before.is_none_or(owns) {
                return Err(ServiceError::needs_governance(
                    "without GOVERNANCE you change only data sources that you own",
                ));
            }
            if before.is_none() {
                check_creates_in_domain(store, caller, after)?;
            }
            data_sources::check_change(store, before.map(|object| &object.document), after)
        }
        Kind::User => people::check_user(caller, before.map(|object| &object.document), after),
        Kind::Group => people::check_group(store, caller, before.map(|object| &object.document), after),
        Kind::Domain => people::check_domain(caller, before.map(|object| &object.document), after),
        Kind::Connection => check_connection(caller, before, after),
        _ => Ok(()),
    }
}

fn check_connection(
    caller: &Caller,
    before: Option<&StoredObject>,
    after: Option<&Value>,
) -> Result<(), ServiceError> {
    let mut documents = before.map(|object| &object.document).into_iter().chain(after);
    documents.try_for_each(|document| {
        let connection: Connection =
            serde_json::from_value(document.clone()).map_err(|error| ServiceError::internal(&error))?;
        check_connection_kind(caller, &connection.kind)
    })
}

/// Checks that the caller may write connections of a kind: GOVERNANCE all, USER_ADMIN those that bring people.
///
/// # Errors
/// [`ServiceError::Forbidden`] when they may not.
pub fn check_connection_kind(caller: &Caller, kind: &ConnectionKind) -> Result<(), ServiceError> {
    let needed: &[Permission] = match kind.brings_people() {
        true => &[Permission::Governance, Permission::UserAdmin],
        false => &[Permission::Governance],
    };
    if caller.has_any(needed) { Ok(()) } else { Err(ServiceError::lacks_any(needed)) }
}

/// What a caller may do with policies.
#[derive(Debug, Clone)]
pub struct PolicyRights {
    governs: bool,
    audits: bool,
    /// The domains in which they manage policies.
    domains: Vec<String>,
}

impl PolicyRights {
    /// Finds what a caller may do with policies.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] when they may do nothing with them; when the store fails.
    pub fn find(store: &mut Store, caller: &Caller) -> Result<Self, ServiceError> {
        let governs = caller.has(Permission::Governance);
        let audits = caller.has(Permission::Audit);
        let domains = if governs { Vec::new() } else { managed_domains(store, caller)? };
        if !governs && !audits && domains.is_empty() {
            return Err(ServiceError::lacks_any(&[Permission::Governance, Permission::Audit]));
        }
        Ok(Self { governs, audits, domains })
    }

    /// Whether they read every policy, with what it applies to and whom it concerns.
    #[must_use]
    pub fn reads_all(&self) -> bool {
        self.governs || self.audits
    }

    /// Whether they change every policy, and see what a change would do.
    #[must_use]
    pub fn governs(&self) -> bool {
        self.governs
    }

    /// Whether they may write policies at all.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.governs || !self.domains.is_empty()
    }

    /// Whether they may change a policy.
    #[must_use]
    pub fn may_change(&self, policy: &StoredObject) -> bool {
        self.governs || (policy.delegated && in_domains(&policy.document["appliesTo"], &self.domains))
    }

    /// Whether they may read a policy.
    #[must_use]
    pub fn may_read(&self, policy: &StoredObject) -> bool {
        self.reads_all() || self.may_change(policy)
    }

    /// Returns the ids of the policies of a kind that they may change as managers of a domain.
    ///
    /// # Errors
    /// When the store fails.
    pub fn managed(&self, store: &mut Store, kind: Kind) -> Result<Vec<i64>, ServiceError> {
        let (mut ids, mut after) = (Vec::new(), None::<String>);
        loop {
            let (policies, _) = store.objects(kind, after.as_deref(), PAGE)?;
            let Some(last) = policies.last() else { return Ok(ids) };
            after = Some(last.name.clone());
            ids.extend(policies.iter().filter(|policy| self.may_change(policy)).map(|policy| policy.id));
        }
    }
}

/// Whether an object of a kind that the caller writes may be changed by the other managers of its domain.
#[must_use]
pub fn is_delegated(caller: &Caller, kind: Kind) -> bool {
    matches!(kind, Kind::Policy | Kind::DataPolicy) && !caller.has(Permission::Governance)
}

/// Registering a data source in a domain takes any permission inside it.
fn check_creates_in_domain(
    store: &mut Store,
    caller: &Caller,
    source: Option<&Value>,
) -> Result<(), ServiceError> {
    let Some(name) = source.and_then(|source| source["domain"].as_str()) else { return Ok(()) };
    // A domain that does not exist is reported by validation.
    let Some(domain) = store.object(Kind::Domain, name)? else { return Ok(()) };
    let mut given = domain.document["permissions"].as_array().into_iter().flatten();
    let user = caller.user_with_roles();
    if user.is_some() && given.any(|given| given["user"].as_str() == user) {
        return Ok(());
    }
    Err(ServiceError::needs_governance(
        "registering a data source in a domain needs GOVERNANCE, or a permission of your own inside that domain",
    ))
}

/// The domains in which the caller manages policies.
fn managed_domains(store: &mut Store, caller: &Caller) -> Result<Vec<String>, ServiceError> {
    let Some(user) = caller.user_with_roles() else { return Ok(Vec::new()) };
    let domains = store.objects_mentioning(Kind::Domain, user)?;
    let is_managed = |domain: &StoredObject| {
        let permissions = domain.document["permissions"].as_array().into_iter().flatten();
        let mut permissions = permissions.filter(|given| given["user"] == user);
        permissions.any(|given| given["permission"] == MANAGE_POLICIES)
    };
    Ok(domains.into_iter().filter(is_managed).map(|domain| domain.name).collect())
}

/// Whether a selection is limited to domains: each of its mappings names some of them and only them, exactly.
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
