//! What an apply changes, said before and after it happens.

use domesday_model::Kind;
use serde::Serialize;

use crate::FieldChange;

/// Every change that an apply makes, in the order of kinds and names declared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What is created, updated or deleted.
    pub changes: Vec<Change>,
    /// How many objects are declared as they are stored.
    pub unchanged: usize,
    /// How many objects only the store holds and, without pruning, keeps.
    pub kept: usize,
}

/// One object's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The object's kind, by its key in the catalog format.
    #[serde(serialize_with = "kind_key")]
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What happens to it.
    #[serde(flatten)]
    pub action: Action,
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub enum Action {
    /// It is new.
    Create,
    /// It differs in these fields.
    Update {
        /// The top-level fields that differ.
        fields: Vec<FieldChange>,
    },
    /// It is deleted, since it is declared no more.
    Delete,
}

impl Plan {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many objects are created, updated and deleted.
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
