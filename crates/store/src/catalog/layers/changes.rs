//! Single changes of a connection's layer, as an identity provider pushes them.

use domesday_model::Kind;
use domesday_model::layers::{Document, Origin, is_layered, name_key};
use domesday_model::validate::{Severity, validate_bounds};
use domesday_model::{Catalog, Group, User};
use serde_json::Value;
use uuid::Uuid;

use super::effective::NewObject;
use super::find;
use super::rows;
use super::writer::Writer;
use crate::catalog::documents::{add_to_catalog, documents};
use crate::catalog::records::check_storable;
use crate::{ChangeBy, Store, StoreError};

/// A change of a connection's layer.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerChange {
    /// The connection says this of an object.
    Put {
        /// [`Kind::User`], [`Kind::Group`] or [`Kind::DataSource`].
        kind: Kind,
        /// What the connection identifies the object by, whatever it is called.
        key: String,
        /// What it says, in the catalog format.
        document: Value,
    },
    /// The connection no longer lists an object.
    Remove {
        /// The object's kind.
        kind: Kind,
        /// What the connection identifies it by.
        key: String,
    },
}

/// An object after a change of a connection's layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayeredObject {
    /// Its kind.
    pub kind: Kind,
    /// Its id in the store.
    pub id: i64,
    /// The `global_user_id` of a user.
    pub global_id: Option<Uuid>,
    /// Its name.
    pub name: String,
}

impl Store {
    /// Changes the layer of a connection, and the effective objects with it, in one transaction. An object that the
    /// connection has not described before is found among those of other origins, or created. Returns the object of each
    /// change, in their order.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a document is not valid, [`StoreError::NotFound`] when an object to be removed was never
    /// listed. Nothing is changed then.
    pub fn change_layer(
        &mut self,
        connection: &str,
        changes: Vec<LayerChange>,
        change: &ChangeBy<'_>,
    ) -> Result<Vec<LayeredObject>, StoreError> {
        let origin = Origin::of_name(connection);
        let mut transaction = self.database.write()?;
        let mut writer = Writer::new(&mut transaction, origin.clone(), change)?;
        let mut objects = Vec::with_capacity(changes.len());
        for change in changes {
            objects.push(match change {
                LayerChange::Put { kind, key, document } => {
                    let document = checked(kind, document, &origin)?;
                    put(&mut writer, kind, &key, document)?
                }
                LayerChange::Remove { kind, key } => {
                    let row = rows::by_key(writer.database, &origin, kind, &key)?;
                    let not_found = || StoreError::NotFound { target: format!("{kind} `{key}`") };
                    let id = row.ok_or_else(not_found)?.object_id;
                    let (name, document, _) = writer.remove(kind, id)?;
                    let global_id = (kind == Kind::User).then(|| writer.global_id(&document, &name));
                    LayeredObject { kind, id, global_id, name }
                }
            });
        }
        writer.finish()?;
        transaction.commit()?;
        Ok(objects)
    }
}

fn put(
    writer: &mut Writer<'_, '_>,
    kind: Kind,
    key: &str,
    document: Document,
) -> Result<LayeredObject, StoreError> {
    let name = name_of(kind, &document).to_owned();
    writer.tags([&document])?;
    let origin = writer.origin.clone();
    let found = find::find(writer.database, &origin, kind, Some(key), &document, &name)?;
    let (id, name, document) = match found {
        Some(id) => {
            let (name, document, _) = writer.set(kind, id, Some(key), &name, document)?;
            (id, name, document)
        }
        None => {
            let new = NewObject {
                kind,
                name: name.clone(),
                called: None,
                key: Some(key.to_owned()),
                label: origin.to_string(),
                origin: origin.clone(),
                document: document.clone(),
                by: None,
            };
            writer.references.insert(&origin, kind, &name, &name);
            let ids = writer.create(vec![new])?;
            let id = *ids.first().expect("one object was created");
            (id, name, document)
        }
    };
    let global_id = (kind == Kind::User).then(|| writer.global_id(&document, &name));
    Ok(LayeredObject { kind, id, global_id, name })
}

pub(super) fn name_of(kind: Kind, document: &Document) -> &str {
    document.get(name_key(kind)).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the fields of what a connection says of an object that it may define, if they are valid. A connection gives no
/// permission of Domesday's own, and no policy.
pub(super) fn checked(kind: Kind, document: Value, origin: &Origin) -> Result<Document, StoreError> {
    let invalid = |source| StoreError::Document { kind, name: origin.to_string(), source };
    let mut document = match kind {
        Kind::User => {
            let mut user: User = serde_json::from_value(document).map_err(invalid)?;
            user.permissions.clear();
            // A person's identity provider is the connection that lists them.
            if let (Origin::Connection(name), "builtin") = (origin, user.identity_provider.as_str()) {
                user.identity_provider = name.to_string();
            }
            rows::document_of(&user)
        }
        Kind::Group => rows::document_of(&serde_json::from_value::<Group>(document).map_err(invalid)?),
        Kind::DataSource => {
            let mut source: domesday_model::DataSource = serde_json::from_value(document).map_err(invalid)?;
            source.opt_in_policies.clear();
            source.level_choice = None;
            source.domain = None;
            rows::document_of(&source)
        }
        _ => Document::new(),
    };
    document.retain(|_, value| !value.is_null());
    debug_assert!(is_layered(kind), "a connection gives users, groups and data sources");
    let name = name_of(kind, &document).to_owned();
    let mut one = Catalog::default();
    add_to_catalog(&mut one, kind, &name, &rows::text(&document), origin.as_str())?;
    let mut problems = validate_bounds(&one);
    problems.retain(|problem| problem.severity == Severity::Error);
    if !problems.is_empty() {
        return Err(StoreError::Invalid { problems });
    }
    documents(&one).iter().try_for_each(check_storable)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use domesday_model::layers::PARTIAL_COLUMNS;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_brings_no_field_that_only_layers_have() {
        let document = json!({ "name": "orders", "platform": "postgres", "columnsArePartial": true });
        let checked = checked(Kind::DataSource, document, &Origin::of_name("warehouse")).unwrap();
        assert_eq!(name_of(Kind::DataSource, &checked), "orders");
        assert!(!checked.contains_key(PARTIAL_COLUMNS), "{checked:?}");
    }
}
