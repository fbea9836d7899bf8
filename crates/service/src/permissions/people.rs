//! Who may change whom: nobody gives, takes or acts under a permission that they do not have, and nobody changes what
//! they may do themselves.
//!
//! A caller *has* the permissions that both their API key and they themselves have ([`Caller::has`]). A key that somebody
//! made for another user counts as their own as well: with it they change no more of themselves than with theirs. The
//! same rules apply to one object and to each object of an apply. The operator's own key is bound by none of them, as
//! long as it was not narrowed. The rules as a table: `docs/service.md`.

use std::collections::BTreeSet;

use domesday_model::{Permission, User};
use domesday_store::Store;
use serde_json::Value;

use crate::caller::{Caller, user_by_name};
use crate::error::ServiceError;

/// The fields of their own record that somebody with USER_ADMIN may change.
const OWN_FIELDS: [&str; 4] = ["name", "email", "department", "title"];

/// Whether the caller may change a user from `before` to `after`; none is a creation or a deletion.
///
/// # Errors
/// [`ServiceError::Forbidden`] when it is the caller themselves, or a user who has, or would have, a permission that the
/// caller lacks.
pub(crate) fn check_user(
    caller: &Caller,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), ServiceError> {
    if caller.is_operator() {
        return Ok(());
    }
    let username = before.or(after).and_then(|user| user["username"].as_str()).unwrap_or_default();
    if caller.may_be_user(username) {
        return check_own_record(before, after);
    }
    let held = [before, after].into_iter().flatten().flat_map(permissions_in);
    check_within_own(caller, held, username)
}

/// Whether the caller may act for a user, such as by creating a key for them.
pub(crate) fn check_acts_for(caller: &Caller, user: &User) -> Result<(), ServiceError> {
    if caller.is_operator() {
        return Ok(());
    }
    check_within_own(caller, user.permissions.iter().copied(), &user.username)
}

fn check_within_own(
    caller: &Caller,
    held: impl Iterator<Item = Permission>,
    username: &str,
) -> Result<(), ServiceError> {
    let lacking: BTreeSet<_> = held.filter(|permission| !caller.has(*permission)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = lacking.iter().map(|permission| permission.as_str()).collect();
    let message = format!(
        "`{username}` has, or would have, {}, which this API key or its user lacks; nobody changes a user, or gives or \
         takes a permission, beyond their own permissions",
        names.join(" and ")
    );
    Err(ServiceError::Forbidden { message, permissions: lacking.into_iter().collect() })
}

fn permissions_in(user: &Value) -> impl Iterator<Item = Permission> {
    let names = user["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.filter_map(|name| name.parse().ok())
}

fn check_own_record(before: Option<&Value>, after: Option<&Value>) -> Result<(), ServiceError> {
    let (Some(before), Some(after)) = (before, after) else {
        return Err(ServiceError::forbidden(
            "nobody creates or deletes their own user; ask another user administrator",
        ));
    };
    let fields =
        |user: &Value| user.as_object().into_iter().flatten().map(|(field, _)| field.clone()).collect();
    let all: BTreeSet<String> =
        [fields(before), fields(after)].into_iter().flat_map(|fields: Vec<_>| fields).collect();
    let changed = all.into_iter().find(|field| {
        !OWN_FIELDS.contains(&field.as_str()) && before.get(field.as_str()) != after.get(field.as_str())
    });
    match changed {
        None => Ok(()),
        Some(field) => Err(ServiceError::forbidden(format!(
            "nobody changes `{field}` of their own user; ask another user administrator"
        ))),
    }
}

/// Whether the caller may change a group from `before` to `after`: nobody changes the attributes that they have through a
/// group.
pub(crate) fn check_group(
    store: &mut Store,
    caller: &Caller,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), ServiceError> {
    let attributes = |group: Option<&Value>| group.and_then(|group| group.get("attributes")).cloned();
    if attributes(before) == attributes(after) {
        return Ok(());
    }
    let name = before.or(after).and_then(|group| group["name"].as_str()).unwrap_or_default();
    let maker = caller.made_by.as_ref().and_then(|maker| maker.username.as_ref());
    for username in caller.user.iter().chain(maker) {
        if user_by_name(store, username)?.is_some_and(|user| user.groups.contains(name)) {
            return Err(ServiceError::forbidden(format!(
                "`{username}` is a member of `{name}`, and nobody changes attributes of their own; ask another user \
                 administrator"
            )));
        }
    }
    Ok(())
}

/// Whether the caller may change a domain from `before` to `after`: nobody changes the permissions that they have in it.
pub(crate) fn check_domain(
    caller: &Caller,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), ServiceError> {
    let own = |domain: Option<&Value>| -> BTreeSet<(String, String)> {
        let permissions = domain.and_then(|domain| domain["permissions"].as_array()).into_iter().flatten();
        let named =
            permissions.filter_map(|given| Some((given["user"].as_str()?, given["permission"].as_str()?)));
        let own = named.filter(|(user, _)| caller.may_be_user(user));
        own.map(|(user, permission)| (user.to_owned(), permission.to_owned())).collect()
    };
    if own(before) == own(after) {
        return Ok(());
    }
    Err(ServiceError::forbidden(
        "nobody changes their own permissions inside a domain; ask somebody else with GOVERNANCE",
    ))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use domesday_model::UserId;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::caller::Permit;

    fn caller(permissions: Vec<Permission>) -> Caller {
        Caller {
            actor: "uma".to_owned(),
            user: Some("uma".to_owned()),
            user_id: Some(UserId(1)),
            made_by: None,
            session: None,
            key: Some(Uuid::nil()),
            expires_at: None,
            permissions,
            roles: true,
            permit: Permit::AnyKey,
            address: IpAddr::from([127, 0, 0, 1]),
            revision: 0,
        }
    }

    fn sets() -> Vec<Vec<Permission>> {
        let of_bits = |bits: usize| {
            let all = Permission::ALL.into_iter().enumerate();
            all.filter(|(at, _)| bits >> at & 1 == 1).map(|(_, permission)| permission).collect()
        };
        (0..1 << Permission::ALL.len()).map(of_bits).collect()
    }

    #[test]
    fn a_user_is_changed_within_the_callers_own_permissions_for_every_three_sets() {
        let document = |permissions: &[Permission]| json!({ "username": "dora", "permissions": permissions });
        for held in sets() {
            let caller = caller(held.clone());
            let within = |set: &[Permission]| set.iter().all(|permission| held.contains(permission));
            for before in sets() {
                let had = document(&before);
                assert_eq!(check_user(&caller, Some(&had), None).is_ok(), within(&before));
                assert_eq!(check_user(&caller, None, Some(&had)).is_ok(), within(&before));
                for after in sets() {
                    let result = check_user(&caller, Some(&had), Some(&document(&after)));
                    assert_eq!(
                        result.is_ok(),
                        within(&before) && within(&after),
                        "{held:?}: {before:?} {after:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_operator_is_bound_by_nothing_and_a_narrowed_key_of_theirs_like_anybody() {
        let all = json!({ "username": "dora", "permissions": Permission::ALL });
        let operator =
            |roles| Caller { user: None, user_id: None, roles, ..caller(vec![Permission::UserAdmin]) };
        assert!(check_user(&operator(true), Some(&all), None).is_ok());
        assert!(check_user(&operator(false), Some(&all), None).is_err());
    }
}
