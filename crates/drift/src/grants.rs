//! Access lists, summed up by grantee.

use domesday_model::FastMap;
use domesday_model::privileges::{AccessEntry, Grantee, PrivilegeSet, Privileges, Relation, RoleIx, Schema};

/// The privileges that the access list of one object gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    pub(crate) public: PrivilegeSet,
    pub(crate) by_role: FastMap<RoleIx, PrivilegeSet>,
}

impl Grants {
    /// Sums up the entries of an access list.
    pub(crate) fn new(entries: &[AccessEntry]) -> Self {
        let mut grants = Self::default();
        for entry in entries {
            let privileges = match entry.grantee {
                Grantee::Public => &mut grants.public,
                Grantee::Role(role) => grants.by_role.entry(role).or_default(),
            };
            *privileges = privileges.union(entry.privileges);
        }
        grants
    }
}

/// Returns the access list of a database; the default one where it has none.
pub(crate) fn database_list(privileges: &Privileges) -> Vec<AccessEntry> {
    let owner = privileges.database.owner;
    privileges.database.access_list.clone().unwrap_or_else(|| {
        let mut list = vec![full_entry(owner, PrivilegeSet::CONNECT)];
        list.push(AccessEntry {
            grantee: Grantee::Public,
            grant_options: PrivilegeSet::NONE,
            ..full_entry(owner, PrivilegeSet::CONNECT)
        });
        list
    })
}

/// Returns the access list of a schema; the default one where it has none.
pub(crate) fn schema_list(schema: &Schema) -> Vec<AccessEntry> {
    schema.access_list.clone().unwrap_or_else(|| vec![full_entry(schema.owner, PrivilegeSet::USAGE)])
}

/// Returns the access list of a relation; the default one where it has none.
pub(crate) fn relation_list(relation: &Relation) -> Vec<AccessEntry> {
    relation.access_list.clone().unwrap_or_else(|| vec![full_entry(relation.owner, PrivilegeSet::RELATION)])
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
            whole: relation_list(relation),
            columns: columns.map(|column| column.access_list.clone().unwrap_or_default()).collect(),
        }
    }
}

/// What the access lists of a relation give.
#[derive(Debug, Clone)]
pub(crate) struct RelationGrants {
    pub(crate) whole: Grants,
    /// The columns with grants, by position.
    pub(crate) columns: Vec<(u32, Grants)>,
    pub(crate) column_count: usize,
}

impl RelationGrants {
    pub(crate) fn new(lists: &RelationLists) -> Self {
        let columns = (0..).zip(&lists.columns).filter(|(_, list)| !list.is_empty());
        Self {
            whole: Grants::new(&lists.whole),
            columns: columns.map(|(position, list)| (position, Grants::new(list))).collect(),
            column_count: lists.columns.len(),
        }
    }
}
