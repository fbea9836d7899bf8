//! Imports: files of a connection that is neither read nor pushed.

use std::collections::BTreeMap;

use domesday_model::{Connection, ConnectionKind};
use domesday_sources::csv::CsvErrors;
use domesday_sources::reading::Reading;
use domesday_store::{ChangeBy, Store, SyncRecord};

use crate::error::ServiceError;

use super::find::find;
use super::sync::take_over;
use super::view::SyncView;

/// Reads lists as [`parse_csv`] does.
///
/// # Errors
/// [`ServiceError::Conflict`] when the connection is of another kind, [`ServiceError::Invalid`] with every mistake of the
/// lists and its line.
pub fn read_csv(
    connection: &Connection,
    users: &[u8],
    memberships: Option<&[u8]>,
    map: &BTreeMap<String, String>,
) -> Result<Reading, ServiceError> {
    let parsed = parse_csv(connection, users, memberships, map)?;
    parsed.map_err(|mistakes| ServiceError::invalid(mistakes.to_string()))
}

/// Reads a list of users, and one of memberships, for a connection of kind `csv`. `map` names headers beside those that the
/// connection names. The lists may have mistakes, which say their lines.
///
/// # Errors
/// [`ServiceError::Conflict`] when the connection is of another kind.
pub fn parse_csv(
    connection: &Connection,
    users: &[u8],
    memberships: Option<&[u8]>,
    map: &BTreeMap<String, String>,
) -> Result<Result<Reading, CsvErrors>, ServiceError> {
    let ConnectionKind::Csv(csv) = &connection.kind else {
        return Err(ServiceError::conflict(format!(
            "the connection `{}` is of kind {}; lists are imported into connections of kind csv",
            connection.name,
            connection.kind.as_str()
        )));
    };
    Ok(domesday_sources::csv::read(csv, &connection.name, users, memberships, map))
}

/// Makes the layer of a connection what its files listed.
///
/// # Errors
/// [`ServiceError::NotFound`] when there is no such connection; when the store fails. Nothing changes then.
pub fn import(
    store: &mut Store,
    name: &str,
    reading: Reading,
    dry_run: bool,
    accept_gone: bool,
    change: &ChangeBy<'_>,
) -> Result<SyncView, ServiceError> {
    let (connection, _) = find(store, name)?;
    let max_gone = (!accept_gone).then_some(connection.max_gone);
    let at = store.next_sync_start(name, change.at)?;
    let record = SyncRecord::begin(name, "import", change.actor, at);
    let mut record = take_over(store, record, reading, max_gone, dry_run, change)?;
    record.ended_at = Some(change.at);
    if !dry_run {
        store.write_sync(&record, None, change)?;
    }
    Ok(SyncView::of(record, dry_run))
}
