//! Imports: files of a connection that is neither read nor pushed.

use domesday_model::{Connection, Kind};
use domesday_sources::reading::Reading;
use domesday_store::{ChangeBy, Store, SyncRecord};

use crate::error::ServiceError;

use super::sync::take_over;
use super::view::SyncView;

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
    let stored = store.object(Kind::Connection, name)?;
    let stored = stored.ok_or_else(|| ServiceError::not_found(format!("there is no connection `{name}`")))?;
    let connection: Connection =
        serde_json::from_value(stored.document).map_err(|error| ServiceError::internal(&error))?;
    let max_gone = (!accept_gone).then_some(connection.max_gone);
    let record = SyncRecord::begin(name, "import", change.actor, change.at);
    let mut record = take_over(store, record, reading, max_gone, dry_run, change)?;
    record.ended_at = Some(change.at);
    let mut view = SyncView::from(record.clone());
    if dry_run {
        view.id = None;
    } else {
        store.write_sync(&record, None, change)?;
    }
    Ok(view)
}
