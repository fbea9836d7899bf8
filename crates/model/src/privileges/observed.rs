//! A database as one of its connections last read it.

use serde::{Deserialize, Serialize};

use super::{Privileges, RelationIx};
use crate::{DataSourceIx, Identification, Snapshot};

/// The privileges of a database as a connection last read them, with what tells to whom its roles belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedDatabase {
    /// The connection, by name.
    pub connection: String,
    /// The host of its data sources, with `:port` where that is not the usual one.
    pub host: String,
    /// Which role belongs to which user; the first that matches counts (`docs/drift.md`, rule 7).
    pub identify: Vec<Identification>,
    /// What one transaction read. Its relations are those that the connection lists as data sources.
    pub privileges: Privileges,
}

/// The platform of data sources that are relations of PostgreSQL.
pub const POSTGRES_PLATFORM: &str = "postgres";

impl ObservedDatabase {
    /// Returns the data source of each relation, by where it is; none for one that the snapshot does not have.
    #[must_use]
    pub fn data_sources(&self, snapshot: &Snapshot) -> Vec<Option<DataSourceIx>> {
        let Privileges { database, schemas, relations, .. } = &self.privileges;
        let mut by_place = crate::FastMap::<(&str, &str), DataSourceIx>::default();
        for (position, source) in snapshot.data_sources.iter().enumerate() {
            let is_here = &*source.platform == POSTGRES_PLATFORM
                && source.host.as_deref() == Some(self.host.as_str())
                && source.database.as_deref() == Some(database.name.as_str());
            if is_here && let (Some(schema), Some(table)) = (&source.schema, &source.table) {
                by_place.insert((schema, table), DataSourceIx::at(position));
            }
        }
        let find = |relation: &super::Relation| {
            let schema = schemas[relation.schema.get()].name.as_str();
            by_place.get(&(schema, relation.name.as_str())).copied()
        };
        relations.iter().map(find).collect()
    }

    /// Returns the name of a relation with its schema.
    #[must_use]
    pub fn relation_name(&self, relation: RelationIx) -> (&str, &str) {
        let relation = &self.privileges.relations[relation.get()];
        (&self.privileges.schemas[relation.schema.get()].name, &relation.name)
    }
}
