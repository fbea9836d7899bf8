//! Access lists as PostgreSQL applies them: those of objects without one are the defaults of their kind.

use std::borrow::Cow;

use domesday_model::privileges::{AccessEntry, Grantee, PrivilegeSet, Privileges, Relation, RoleIx, Schema};

/// Returns the access list of a database.
pub(crate) fn database_list(privileges: &Privileges) -> Cow<'_, [AccessEntry]> {
    let owner = privileges.database.owner;
    or_default(privileges.database.access_list.as_ref(), || {
        let of_public = AccessEntry { grantee: Grantee::Public, ..full_entry(owner, PrivilegeSet::CONNECT) };
        vec![full_entry(owner, PrivilegeSet::CONNECT), of_public]
    })
}

/// Returns the access list of a schema.
pub(crate) fn schema_list(schema: &Schema) -> Cow<'_, [AccessEntry]> {
    or_default(schema.access_list.as_ref(), || vec![full_entry(schema.owner, PrivilegeSet::USAGE)])
}

/// Returns the access list of a relation.
pub(crate) fn relation_list(relation: &Relation) -> Cow<'_, [AccessEntry]> {
    or_default(relation.access_list.as_ref(), || vec![full_entry(relation.owner, PrivilegeSet::RELATION)])
}

fn or_default(
    list: Option<&Vec<AccessEntry>>,
    default: impl FnOnce() -> Vec<AccessEntry>,
) -> Cow<'_, [AccessEntry]> {
    list.map_or_else(|| Cow::Owned(default()), |list| Cow::Borrowed(list.as_slice()))
}

/// Returns what an owner has by default: everything, with grant options that need no entry.
fn full_entry(owner: RoleIx, privileges: PrivilegeSet) -> AccessEntry {
    AccessEntry {
        grantee: Grantee::Role(owner),
        grantor: owner,
        privileges,
        grant_options: PrivilegeSet::NONE,
    }
}

/// The access lists of one relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelationLists {
    pub(crate) whole: Vec<AccessEntry>,
    /// By position; empty for a column without grants.
    pub(crate) columns: Vec<Vec<AccessEntry>>,
}

impl RelationLists {
    pub(crate) fn new(relation: &Relation) -> Self {
        let columns = relation.columns.iter();
        Self {
            whole: relation_list(relation).into_owned(),
            columns: columns.map(|column| column.access_list.clone().unwrap_or_default()).collect(),
        }
    }
}
