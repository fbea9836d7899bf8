//! The two large kinds of a snapshot, each added by a builder of its own, so that two threads can.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Names, Provenance, Snapshot, SnapshotColumn, SnapshotDataSource, SnapshotError, SnapshotUser, Symbol,
    Symbols, dangling,
};
use crate::document::{AttributeTexts, ColumnDocument, DataSourceDocument, Text, Texts, UserDocument};
use crate::{
    ALL_USERS, ColumnId, ColumnIx, DataPolicyIx, DataSourceId, DataSourceIx, DomainIx, GroupIx, Kind,
    PolicyIx, TagIx, UserId, UserIx,
};

/// What is known of users and data sources by name only, until all users are there.
#[derive(Debug, Default)]
pub(super) struct Unresolved {
    pub(super) managers: Vec<(UserIx, Box<str>)>,
    pub(super) owners: Vec<(DataSourceIx, Box<[Box<str>]>)>,
    /// The types of columns, which become symbols of the snapshot in the end.
    pub(super) types: Symbols,
}

/// Adds users to a snapshot.
#[derive(Debug)]
pub struct UserBuilder<'b> {
    pub(super) tenant_id: Uuid,
    pub(super) groups: &'b Names<GroupIx>,
    pub(super) symbols: &'b mut Symbols,
    pub(super) users: &'b mut Vec<SnapshotUser>,
    pub(super) managers: &'b mut Vec<(UserIx, Box<str>)>,
}

impl UserBuilder<'_> {
    /// Adds a user.
    ///
    /// # Errors
    /// When a group is unknown.
    pub fn add(
        &mut self,
        id: UserId,
        user: &UserDocument<'_>,
        provenance: Provenance,
    ) -> Result<(), SnapshotError> {
        let index = UserIx::at(self.users.len());
        let by = || format!("user `{}`", &*user.username);
        let groups = user.groups.iter().filter(|name| &***name != ALL_USERS);
        let groups =
            groups.map(|name| find(self.groups, Kind::Group, name, &by)).collect::<Result<_, _>>()?;
        if let Some(manager) = &user.manager {
            self.managers.push((index, (**manager).into()));
        }
        let attributes = pairs(self.symbols, &user.attributes);
        let identity_provider = self.symbols.intern(&user.identity_provider);
        self.users.push(SnapshotUser {
            id,
            global_id: user.global_id(self.tenant_id),
            username: (*user.username).into(),
            name: user.name.as_deref().unwrap_or(&user.username).into(),
            email: boxed(user.email.as_ref()),
            identity_provider,
            status: user.status,
            groups,
            attributes,
            permissions: user.permissions.as_slice().into(),
            employee_number: boxed(user.employee_number.as_ref()),
            department: boxed(user.department.as_ref()),
            title: boxed(user.title.as_ref()),
            manager: None,
            leaving_date: user.leaving_date,
            created_at: provenance.created_at,
            since: provenance.since,
            givers: provenance.givers,
            absent_since: provenance.absent_since,
        });
        Ok(())
    }
}

/// Adds data sources to a snapshot.
#[derive(Debug)]
pub struct DataSourceBuilder<'b> {
    pub(super) tags: &'b Names<TagIx>,
    pub(super) domains: &'b Names<DomainIx>,
    pub(super) policies: &'b Names<PolicyIx>,
    pub(super) data_policies: &'b Names<DataPolicyIx>,
    pub(super) types: &'b mut Symbols,
    pub(super) columns: &'b mut Vec<SnapshotColumn>,
    pub(super) data_sources: &'b mut Vec<SnapshotDataSource>,
    pub(super) owners: &'b mut Vec<(DataSourceIx, Box<[Box<str>]>)>,
}

impl DataSourceBuilder<'_> {
    /// Adds a data source with the ids of its columns, in their order.
    ///
    /// # Errors
    /// When its domain, a tag or a policy is unknown.
    ///
    /// # Panics
    /// When there is not one id per column.
    pub fn add(
        &mut self,
        id: DataSourceId,
        source: &DataSourceDocument<'_>,
        column_ids: &[ColumnId],
        provenance: Provenance,
    ) -> Result<(), SnapshotError> {
        assert_eq!(column_ids.len(), source.columns.len(), "one id per column");
        let by = || format!("data source `{}`", &*source.name);
        let start = self.columns.len();
        for (column, id) in source.columns.iter().zip(column_ids) {
            let ColumnDocument { name, data_type, nullable, tags, description } = column;
            let column = SnapshotColumn {
                id: *id,
                name: (**name).into(),
                data_type: self.types.intern(data_type),
                nullable: *nullable,
                tags: self.tags_of(tags, &by)?,
                description: boxed(description.as_ref()),
            };
            self.columns.push(column);
        }
        let domain = source.domain.as_deref().map(|name| find(self.domains, Kind::Domain, name, &by));
        let level_choice = source.level_choice.as_deref();
        let level_choice =
            level_choice.map(|name| find(self.policies, Kind::Policy, name, &by)).transpose()?;
        let tags = self.tags_of(&source.tags, &by)?;
        let opt_ins = || source.opt_in_policies.iter();
        if !source.owners.is_empty() {
            let index = DataSourceIx::at(self.data_sources.len());
            self.owners.push((index, source.owners.iter().map(|owner| (**owner).into()).collect()));
        }
        self.data_sources.push(SnapshotDataSource {
            id,
            name: (*source.name).into(),
            platform: (*source.platform).into(),
            host: boxed(source.host.as_ref()),
            database: boxed(source.database.as_ref()),
            schema: boxed(source.schema.as_ref()),
            table: boxed(source.table.as_ref()),
            domain: domain.transpose()?,
            owners: Box::default(),
            status: source.status,
            tags,
            columns: ColumnIx::at(start).0..ColumnIx::at(self.columns.len()).0,
            opt_in_policies: opt_ins().filter_map(|name| self.policies.get(&**name).copied()).collect(),
            opt_in_data_policies: opt_ins()
                .filter_map(|name| self.data_policies.get(&**name).copied())
                .collect(),
            level_choice,
            created_at: provenance.created_at,
            since: provenance.since,
            givers: provenance.givers,
            absent_since: provenance.absent_since,
        });
        Ok(())
    }

    fn tags_of(&self, names: &Texts<'_>, by: &dyn Fn() -> String) -> Result<Box<[TagIx]>, SnapshotError> {
        names.iter().map(|name| find(self.tags, Kind::Tag, name, by)).collect()
    }
}

impl Unresolved {
    /// Gives users their managers, data sources their owners, and columns their types.
    pub(super) fn resolve(self, snapshot: &mut Snapshot) -> Result<(), SnapshotError> {
        let Snapshot { users, data_sources, columns, names, symbols, .. } = snapshot;
        let (users, data_sources) = (Arc::make_mut(users), Arc::make_mut(data_sources));
        let (columns, symbols) = (Arc::make_mut(columns), Arc::make_mut(symbols));
        let by_username = users.iter().enumerate();
        names.users =
            Arc::new(by_username.map(|(at, user)| (user.username.clone(), UserIx::at(at))).collect());
        let sources = data_sources.iter().enumerate();
        names.data_sources =
            Arc::new(sources.map(|(at, source)| (source.name.clone(), DataSourceIx::at(at))).collect());
        for (user, manager) in self.managers {
            let by = || format!("user `{}`", users[user.get()].username);
            let found = find(&names.users, Kind::User, &manager, &by)?;
            users[user.get()].manager = Some(found);
        }
        for (source, owners) in self.owners {
            let by = || format!("data source `{}`", data_sources[source.get()].name);
            let owners = owners.iter().map(|owner| find(&names.users, Kind::User, owner, &by));
            let mut owners = owners.collect::<Result<Box<[_]>, _>>()?;
            owners.sort_unstable();
            data_sources[source.get()].owners = owners;
        }
        let types = symbols.add_all(&self.types);
        columns.iter_mut().for_each(|column| column.data_type = types[column.data_type.position()]);
        Ok(())
    }
}

/// What a name stands for.
pub(super) fn find<I: Copy>(
    names: &Names<I>,
    kind: Kind,
    name: &str,
    by: &dyn Fn() -> String,
) -> Result<I, SnapshotError> {
    names.get(name).copied().ok_or_else(|| dangling(kind, name, by()))
}

fn boxed(text: Option<&Text<'_>>) -> Option<Box<str>> {
    text.map(|text| (**text).into())
}

/// Attributes as pairs of key and value, sorted by text.
pub(super) fn pairs(symbols: &mut Symbols, attributes: &AttributeTexts<'_>) -> Box<[(Symbol, Symbol)]> {
    let mut pairs = Vec::with_capacity(attributes.iter().map(|(_, values)| values.len()).sum());
    for (key, values) in attributes.iter() {
        let key = symbols.intern(key);
        pairs.extend(values.iter().map(|value| (key, symbols.intern(value))));
    }
    pairs.into()
}
