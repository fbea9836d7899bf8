//! The plan of an apply.

use domesday_model::Kind;
use serde::Serialize;

use crate::FieldChange;

/// Every change of an apply, by kind in the order of declaration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The created, updated and deleted objects.
    pub changes: Vec<Change>,
    /// How many objects are declared as they are stored.
    pub unchanged: usize,
    /// How many undeclared objects stay in the store: all without pruning, and those that others describe with it.
    pub kept: usize,
    /// Values that the files declare and that do not count, since a connection or a person gave others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Overridden>,
}

/// A declared value that another origin overrides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overridden {
    /// The object's kind, by its key in the catalog format.
    #[serde(serialize_with = "kind_key")]
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The field.
    pub field: String,
    /// What the files say.
    pub declared: serde_json::Value,
    /// What counts.
    pub effective: serde_json::Value,
    /// Whose value counts: `api`, or the name of a connection.
    pub origin: String,
}

/// The change of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The object's kind, by its key in the catalog format.
    #[serde(serialize_with = "kind_key")]
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The action.
    #[serde(flatten)]
    pub action: Action,
}

/// How an object changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// It is created.
    Create,
    /// It is updated.
    Update {
        /// The top-level fields that differ.
        fields: Vec<FieldChange>,
    },
    /// It is deleted, since it is no longer declared.
    Delete,
}

impl Plan {
    /// Whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns how many objects are created, updated and deleted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count =
            |wanted: fn(&Action) -> bool| self.changes.iter().filter(|change| wanted(&change.action)).count();
        (
            count(|action| matches!(action, Action::Create)),
            count(|action| matches!(action, Action::Update { .. })),
            count(|action| matches!(action, Action::Delete)),
        )
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn kind_key<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.key())
}
