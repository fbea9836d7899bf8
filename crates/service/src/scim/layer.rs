//! The seam to the layer of a connection: what SCIM resources become in the catalog.

use domesday_model::{Connection, ConnectionKind, Kind, ScimConnection};
use domesday_sources::scim::Schemas;
use domesday_store::{ChangeBy, LayerChange, LayeredObject, Store, StoreError};

/// A connection that takes SCIM.
#[derive(Debug)]
pub(super) struct OpenConnection {
    /// The id of its object.
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) mapping: ScimConnection,
    pub(super) schemas: Schemas,
}

/// Returns the connection of a name, when there is one that takes SCIM.
pub(super) fn open(store: &mut Store, name: &str) -> Result<Option<OpenConnection>, StoreError> {
    let Some(object) = store.object(Kind::Connection, name)? else { return Ok(None) };
    let connection: Connection = serde_json::from_value(object.document)
        .map_err(|source| StoreError::Document { kind: Kind::Connection, name: name.to_owned(), source })?;
    let ConnectionKind::Scim(mapping) = connection.kind else { return Ok(None) };
    let schemas = Schemas::new(&mapping);
    Ok(Some(OpenConnection { id: object.id, name: connection.name, mapping, schemas }))
}

/// Changes the layer of a connection; returns what the objects are now, in the order of the changes.
pub(super) fn change(
    store: &mut Store,
    connection: &OpenConnection,
    changes: Vec<LayerChange>,
    change: &ChangeBy<'_>,
) -> Result<Vec<LayeredObject>, StoreError> {
    store.change_layer(&connection.name, changes, change)
}
