//! Connections by name.

use domesday_model::{Connection, Kind};
use domesday_store::{Freshness, Store};

use crate::caller::Caller;
use crate::error::ServiceError;
use crate::permissions::objects::check_connection_kind;

/// Returns the connection of a name, and the id of its object.
///
/// # Errors
/// [`ServiceError::NotFound`] when there is none.
pub(super) fn find(store: &mut Store, name: &str) -> Result<(Connection, i64), ServiceError> {
    let none = || ServiceError::not_found(format!("there is no connection `{name}`"));
    let object = store.object(Kind::Connection, name)?.ok_or_else(none)?;
    let id = object.id;
    Ok((Freshness::parse(object)?, id))
}

/// Returns the connection of a name, which the caller may write.
///
/// # Errors
/// [`ServiceError::NotFound`] when there is none, [`ServiceError::Forbidden`] when the caller may not write it.
pub fn find_writable(store: &mut Store, caller: &Caller, name: &str) -> Result<Connection, ServiceError> {
    let (connection, _) = find(store, name)?;
    check_connection_kind(caller, &connection.kind)?;
    Ok(connection)
}
