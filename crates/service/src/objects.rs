//! Changes of the catalog one object at a time.

use domesday_model::{Instant, Kind};
use domesday_store::{IfMatch, Store, StoredObject};
use serde_json::Value;

use crate::caller::Caller;
use crate::error::ServiceError;
use crate::permissions::objects::{check_change, check_kind, is_delegated};
use crate::precondition::Precondition;

/// An object that was written.
#[derive(Debug)]
pub struct WrittenObject {
    /// The object as it is stored.
    pub object: StoredObject,
    /// Whether there was none before.
    pub is_new: bool,
    /// The catalog's revision before and after.
    pub revisions: [u64; 2],
}

/// Creates or replaces an object.
///
/// # Errors
/// When the caller may not, the precondition is not met, or the object would not be valid or consistent with others.
pub fn put(
    store: &mut Store,
    caller: &Caller,
    kind: Kind,
    document: &Value,
    precondition: &Precondition,
    now: Instant,
) -> Result<WrittenObject, ServiceError> {
    check_kind(store, caller, kind)?;
    let precondition = precondition.as_if_match()?;
    let before = store.object(kind, name_in(kind, document))?;
    check_change(store, caller, kind, before.as_ref(), Some(document))?;
    write(store, caller, kind, document, precondition, before.is_none(), now)
}

/// Creates an object.
///
/// # Errors
/// [`ServiceError::Conflict`] when there is one of that name; as [`put`].
pub fn create(
    store: &mut Store,
    caller: &Caller,
    kind: Kind,
    document: &Value,
    now: Instant,
) -> Result<WrittenObject, ServiceError> {
    check_change(store, caller, kind, None, Some(document))?;
    let name = name_in(kind, document);
    if store.object(kind, name)?.is_some() {
        return Err(ServiceError::conflict(format!("there is a {kind} `{name}` already")));
    }
    write(store, caller, kind, document, IfMatch::MustNotExist, true, now)
}

fn write(
    store: &mut Store,
    caller: &Caller,
    kind: Kind,
    document: &Value,
    precondition: IfMatch<'_>,
    is_new: bool,
    now: Instant,
) -> Result<WrittenObject, ServiceError> {
    let revision = store.revision()?;
    let object = caller.change(now, |change| store.put_object(kind, document, precondition, change))?;
    if is_delegated(caller, kind) {
        store.mark_delegated(kind, &object.name)?;
    }
    Ok(WrittenObject { object, is_new, revisions: [revision, store.revision()?] })
}

/// Deletes an object that no other refers to.
///
/// # Errors
/// When the caller may not, there is none, the precondition is not met, or others refer to it.
pub fn delete(
    store: &mut Store,
    caller: &Caller,
    kind: Kind,
    name: &str,
    precondition: &Precondition,
    now: Instant,
) -> Result<(), ServiceError> {
    check_kind(store, caller, kind)?;
    let precondition = precondition.as_if_match()?;
    let before = store.object(kind, name)?;
    if let Some(before) = &before {
        check_change(store, caller, kind, Some(before), None)?;
    }
    Ok(caller.change(now, |change| store.delete_object(kind, name, precondition, change))?)
}

/// Erases the personal fields of a user whom no connection lists any more (GDPR, article 17). Ids, requests and the audit log
/// stay.
///
/// # Errors
/// When the caller may not, there is no such user, or a connection still lists them.
pub fn erase_user(store: &mut Store, caller: &Caller, name: &str, now: Instant) -> Result<(), ServiceError> {
    let none = || ServiceError::not_found(format!("there is no user `{name}`"));
    let before = store.object(Kind::User, name)?.ok_or_else(none)?;
    check_change(store, caller, Kind::User, Some(&before), None)?;
    if before.absent_since.is_none() {
        return Err(ServiceError::conflict(format!(
            "the user `{name}` is not gone; the personal fields of somebody are erased once no connection lists them"
        )));
    }
    Ok(caller.change(now, |change| store.erase_user(name, change))?)
}

/// Returns the key under which a document of a kind has its name.
#[must_use]
pub fn name_key(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "username",
        Kind::Request => "id",
        _ => "name",
    }
}

/// Returns the name in a document; empty when it has none.
#[must_use]
pub fn name_in(kind: Kind, document: &Value) -> &str {
    document[name_key(kind)].as_str().unwrap_or_default()
}
