//! Writing and deleting connections.

use domesday_model::{Connection, ConnectionKind, Instant, Kind};
use domesday_store::{IfMatch, Store};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::error::ServiceError;
use crate::objects::WrittenObject;
use crate::permissions::objects::check_connection_kind;
use crate::precondition::Precondition;
use crate::schedule::Cron;
use crate::seal::{Sealer, connection_record};

use super::find::find;

/// Creates or replaces a connection. A password is sealed; without one, the connection keeps the password that it has, as
/// long as its address and account stay the same.
///
/// # Errors
/// When the caller may not, the document is not valid, or the precondition is not met.
pub fn put(
    store: &mut Store,
    caller: &Caller,
    sealer: &Sealer,
    name: &str,
    mut document: Map<String, Value>,
    precondition: &Precondition,
    now: Instant,
) -> Result<WrittenObject, ServiceError> {
    document.entry("name").or_insert_with(|| name.into());
    let password = take_password(&mut document)?;
    let connection: Connection = serde_json::from_value(Value::Object(document))
        .map_err(|error| ServiceError::invalid(format!("the connection is not valid: {error}")))?;
    if connection.name != name {
        let message =
            format!("the document names the connection `{}`, the address `{name}`", connection.name);
        return Err(ServiceError::invalid(message));
    }
    check_connection_kind(caller, &connection.kind)?;
    check_configuration(&connection)?;
    let before = store.object(Kind::Connection, name)?;
    let before: Option<Connection> = before.and_then(|it| serde_json::from_value(it.document).ok());
    if let Some(before) = &before {
        check_connection_kind(caller, &before.kind)?;
        if before.kind.as_str() != connection.kind.as_str() {
            return Err(ServiceError::conflict(format!(
                "the connection `{name}` is of kind {}; delete it to make one of kind {} in its place",
                before.kind.as_str(),
                connection.kind.as_str()
            )));
        }
    }
    let revision = store.revision()?;
    let condition: IfMatch<'_> = precondition.as_if_match()?;
    let object =
        caller.change(now, |change| store.put_object(Kind::Connection, &connection, condition, change))?;
    match password {
        Some(password) => {
            let sealed = sealer.seal(&connection_record(name), password.expose_secret().as_bytes());
            let sealed = sealed.map_err(|error| ServiceError::internal(&error))?;
            store.set_connection_secret(name, Some(&sealed), now)?;
        }
        // A password is not sent to an address that it was not given for.
        None if before.as_ref().is_some_and(|before| account(before) != account(&connection)) => {
            store.set_connection_secret(name, None, now)?;
        }
        None => {}
    }
    Ok(WrittenObject { object, is_new: before.is_none(), revisions: [revision, store.revision()?] })
}

/// Returns what a password is for: the address and the account.
pub(super) fn account(connection: &Connection) -> (Option<&str>, Option<&str>) {
    let account = match &connection.kind {
        ConnectionKind::Ldap(ldap) => ldap.bind_dn.as_deref(),
        _ => None,
    };
    (connection.kind.url(), account)
}

/// Takes the password out of a document.
fn take_password(document: &mut Map<String, Value>) -> Result<Option<SecretString>, ServiceError> {
    const LONGEST: usize = 4096;
    match document.shift_remove("password") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(password)) if !password.is_empty() && password.len() <= LONGEST => {
            Ok(Some(password.into()))
        }
        Some(Value::String(_)) => {
            Err(ServiceError::invalid(format!("`password` must have 1 to {LONGEST} bytes")))
        }
        Some(_) => Err(ServiceError::invalid(
            "`password` must be a text here: `{ env }` and `{ file }` would read the server's own secrets, and are for \
             catalogs on the command line alone",
        )),
    }
}

/// Checks a connection of a catalog that is applied over HTTP.
///
/// # Errors
/// When its password is to be read from the server's environment or files, or it cannot be read as it is configured.
pub(crate) fn check_declared(connection: &Connection) -> Result<(), ServiceError> {
    if connection.kind.secret_reference().is_some() {
        return Err(ServiceError::invalid(format!(
            "the connection `{}` names its password as `{{ env }}` or `{{ file }}`, which would read the server's own \
             secrets; leave it out, and give it to the connection by itself",
            connection.name
        )));
    }
    check_configuration(connection)
}

/// Checks what the model cannot: that the schedule is one, and what the reader of the kind requires.
pub(super) fn check_configuration(connection: &Connection) -> Result<(), ServiceError> {
    if let Some(schedule) = &connection.schedule {
        schedule.parse::<Cron>().map_err(|error| ServiceError::invalid(format!("`schedule`: {error}")))?;
    }
    let check = domesday_sources::connections::check(connection);
    check.map_err(|error| ServiceError::invalid(error.to_string()))
}

/// Deletes a connection. What it listed is no longer listed by it: who is in no other connection becomes disabled.
///
/// # Errors
/// When the caller may not, there is none, or the precondition is not met.
pub fn delete(
    store: &mut Store,
    caller: &Caller,
    name: &str,
    precondition: &Precondition,
    now: Instant,
) -> Result<(), ServiceError> {
    let (connection, id) = find(store, name)?;
    check_connection_kind(caller, &connection.kind)?;
    let condition = precondition.as_if_match()?;
    caller.change(now, |change| -> Result<(), ServiceError> {
        store.delete_object(Kind::Connection, name, condition, change)?;
        store.end_listing(name, change)?;
        // Its tokens end with it, and no resource of persons stays behind.
        store.delete_scim_connection(id)?;
        Ok(())
    })?;
    Ok(store.set_connection_secret(name, None, now)?)
}
