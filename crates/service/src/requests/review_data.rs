//! What reviews need of the catalog, read from the store or from a snapshot in memory.

use std::collections::{BTreeSet, HashMap};

use domesday_model::{
    Attributes, DataProduct, DataSource, Domain, Group, GroupIx, Kind, RequestForm, Reviewer, Snapshot,
    Symbol,
};
use domesday_store::Store;
use serde::de::DeserializeOwned;

use crate::caller::user_by_name;
use crate::error::ServiceError;

/// Reads an object of the catalog as the model has it.
pub(crate) fn read_object<T: DeserializeOwned>(
    store: &mut Store,
    kind: Kind,
    name: &str,
) -> Result<Option<T>, ServiceError> {
    let stored = store.object(kind, name)?;
    let read = stored.map(|stored| serde_json::from_str(&stored.text)).transpose();
    read.map_err(|error| ServiceError::internal(&error))
}

/// What reviews need of the catalog: read from the store, or from a snapshot in memory.
pub(crate) trait ReviewData {
    /// Returns a data product.
    fn product(&mut self, name: &str) -> Result<Option<DataProduct>, ServiceError>;

    /// Returns a request form.
    fn form(&mut self, name: &str) -> Result<Option<RequestForm>, ServiceError>;

    /// Returns the owners and the domain of a data source.
    fn data_source(&mut self, name: &str) -> Result<Option<OwnedSource>, ServiceError>;

    /// Returns a domain.
    fn domain(&mut self, name: &str) -> Result<Option<Domain>, ServiceError>;

    /// Returns a user as a reviewer. `groups` has the attributes of groups that were looked up before.
    fn reviewer(
        &mut self,
        username: &str,
        groups: &mut HashMap<String, Attributes>,
    ) -> Result<Option<Reviewer>, ServiceError>;
}

/// The owners and the domain of a data source.
#[derive(Debug)]
pub(crate) struct OwnedSource {
    pub(crate) owners: BTreeSet<String>,
    pub(crate) domain: Option<String>,
}

impl ReviewData for Store {
    fn product(&mut self, name: &str) -> Result<Option<DataProduct>, ServiceError> {
        read_object(self, Kind::DataProduct, name)
    }

    fn form(&mut self, name: &str) -> Result<Option<RequestForm>, ServiceError> {
        read_object(self, Kind::RequestForm, name)
    }

    fn data_source(&mut self, name: &str) -> Result<Option<OwnedSource>, ServiceError> {
        let source: Option<DataSource> = read_object(self, Kind::DataSource, name)?;
        Ok(source.map(|DataSource { owners, domain, .. }| OwnedSource { owners, domain }))
    }

    fn domain(&mut self, name: &str) -> Result<Option<Domain>, ServiceError> {
        read_object(self, Kind::Domain, name)
    }

    fn reviewer(
        &mut self,
        username: &str,
        groups: &mut HashMap<String, Attributes>,
    ) -> Result<Option<Reviewer>, ServiceError> {
        let Some(user) = user_by_name(self, username)? else { return Ok(None) };
        let mut attributes = user.attributes;
        for name in &user.groups {
            if !groups.contains_key(name) {
                let group: Option<Group> = read_object(self, Kind::Group, name)?;
                groups.insert(name.clone(), group.map(|group| group.attributes).unwrap_or_default());
            }
            for (key, values) in &groups[name] {
                attributes.entry(key.clone()).or_default().extend(values.iter().cloned());
            }
        }
        let (permissions, groups) = (user.permissions, user.groups);
        Ok(Some(Reviewer { username: username.to_owned(), permissions, groups, attributes }))
    }
}

impl ReviewData for &Snapshot {
    fn product(&mut self, name: &str) -> Result<Option<DataProduct>, ServiceError> {
        Ok(self.data_product(name).map(|product| product.spec.clone()))
    }

    fn form(&mut self, name: &str) -> Result<Option<RequestForm>, ServiceError> {
        Ok(self.request_forms.iter().find(|form| form.spec.name == name).map(|form| form.spec.clone()))
    }

    fn data_source(&mut self, name: &str) -> Result<Option<OwnedSource>, ServiceError> {
        Ok(Snapshot::data_source(self, name).map(|source| {
            let source = &self.data_sources[source.get()];
            let owners = source.owners.iter().map(|owner| self.users[owner.get()].username.to_string());
            let domain = source.domain.map(|domain| self.domains[domain.get()].spec.name.clone());
            OwnedSource { owners: owners.collect(), domain }
        }))
    }

    fn domain(&mut self, name: &str) -> Result<Option<Domain>, ServiceError> {
        Ok(Snapshot::domain(self, name).map(|domain| self.domains[domain.get()].spec.clone()))
    }

    fn reviewer(
        &mut self,
        username: &str,
        _groups: &mut HashMap<String, Attributes>,
    ) -> Result<Option<Reviewer>, ServiceError> {
        let Some(user) = self.user(username) else { return Ok(None) };
        let record = &self.users[user.get()];
        let mut attributes = Attributes::new();
        for (key, value) in self.attributes_of(user) {
            let text = |symbol: Symbol| self.symbols.text(symbol).to_owned();
            attributes.entry(text(key)).or_default().insert(text(value));
        }
        let group = |group: &GroupIx| self.groups[group.get()].name.to_string();
        Ok(Some(Reviewer {
            username: username.to_owned(),
            permissions: record.permissions.iter().copied().collect(),
            groups: record.groups.iter().map(group).collect(),
            attributes,
        }))
    }
}
