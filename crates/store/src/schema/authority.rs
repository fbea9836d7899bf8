//! The part of migration 6 in Rust: which keys have their user's roles, and which policies were written by managers of a
//! domain.

use std::collections::{BTreeSet, HashMap, HashSet};

use domesday_model::{Domain, Kind, Permission, User};

use crate::StoreError;
use crate::catalog::parse;
use crate::database::{Database, values};

/// The version after the migration.
pub(super) const VERSION: i64 = 6;

/// Sets the columns that the migration added.
pub(super) fn fill(database: &mut Database) -> Result<(), StoreError> {
    let kind = Kind::User;
    let users = database.all(
        "SELECT id, name, document FROM object WHERE kind = ?1",
        values![kind.key()],
        |row| Ok((row.integer(0)?, parse::<User>(kind, row.text(1)?, row.text(2)?)?)),
    )?;
    mark_keys(database, &users)?;
    mark_policies(database, &users)
}

/// A key with all permissions of its user was most likely not restricted.
fn mark_keys(database: &mut Database, users: &[(i64, User)]) -> Result<(), StoreError> {
    let users: HashMap<i64, &BTreeSet<Permission>> =
        users.iter().map(|(id, user)| (*id, &user.permissions)).collect();
    let all = Permission::ALL.into_iter().collect();
    let keys = database.all("SELECT id, user_id, permissions FROM api_key", &[], |row| {
        let held: BTreeSet<Permission> = serde_json::from_str(row.text(2)?).unwrap_or_default();
        Ok((row.text(0)?.to_owned(), row.maybe_integer(1)?, held))
    })?;
    for (key, user, held) in keys {
        let most = match user {
            None => Some(&all),
            Some(user) => users.get(&user).copied(),
        };
        if most.is_some_and(|most| most.is_subset(&held)) {
            database.execute("UPDATE api_key SET roles = 1 WHERE id = ?1", values![&key])?;
        }
    }
    Ok(())
}

/// A policy whose last change was made by a manager of a domain without GOVERNANCE can still be changed by them.
fn mark_policies(database: &mut Database, users: &[(i64, User)]) -> Result<(), StoreError> {
    let kind = Kind::Domain;
    let domains =
        database.all("SELECT name, document FROM object WHERE kind = ?1", values![kind.key()], |row| {
            parse::<Domain>(kind, row.text(0)?, row.text(1)?)
        })?;
    let manages = |user: &User| {
        let mut given = domains.iter().flat_map(|domain| &domain.permissions);
        given.any(|given| given.user == user.username && given.permission == "MANAGE_POLICIES")
    };
    let managers: HashSet<&str> = users
        .iter()
        .map(|(_, user)| user)
        .filter(|user| !user.permissions.contains(&Permission::Governance) && manages(user))
        .map(|user| user.username.as_str())
        .collect();
    if managers.is_empty() {
        return Ok(());
    }
    let kinds = [Kind::Policy, Kind::DataPolicy];
    let mut last: HashMap<String, bool> = HashMap::new();
    database.each("SELECT target, actor FROM audit ORDER BY seq", &[], &mut |row| {
        let target = row.text(0)?;
        if kinds.iter().any(|kind| target.split('/').next() == Some(kind.key())) {
            last.insert(target.to_owned(), managers.contains(row.text(1)?));
        }
        Ok(())
    })?;
    for kind in kinds {
        for (target, _) in last.iter().filter(|(_, by_manager)| **by_manager) {
            let Some((of, name)) = target.split_once('/') else { continue };
            if of == kind.key() {
                let sql = "UPDATE object SET delegated = 1 WHERE kind = ?1 AND name = ?2";
                database.execute(sql, values![of, name])?;
            }
        }
    }
    Ok(())
}
