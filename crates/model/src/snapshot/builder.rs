//! Building a snapshot, object by object.

use std::collections::BTreeMap;

use super::{
    Names, Provenance, Record, Since, Snapshot, SnapshotColumn, SnapshotDataSource, SnapshotGroup,
    SnapshotUser, Symbol, Symbols,
};
use crate::{
    ALL_USERS, Agreement, AgreementId, Column, ColumnId, ColumnIx, DataPolicy, DataPolicyIx, DataProduct,
    DataProductId, DataSource, DataSourceId, DataSourceIx, Domain, DomainId, DomainIx, Group, GroupId,
    GroupIx, Instant, Kind, Policy, PolicyId, PolicyIx, Request, RequestForm, RequestFormId, Tag, TagId,
    TagIx, Tenant, User, UserId, UserIx,
};

/// Why a snapshot could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A name refers to nothing: the store's content is not consistent.
    #[error("{by} refers to the {kind} `{name}`, which does not exist")]
    Dangling {
        /// The kind referred to.
        kind: Kind,
        /// The name that nothing has.
        name: String,
        /// Who refers to it.
        by: String,
    },
}

/// Builds a [`Snapshot`] object by object: tags, groups, users, domains, policies, data policies, data
/// sources, then the rest; within a kind in id order.
#[derive(Debug)]
pub struct SnapshotBuilder {
    snapshot: Snapshot,
    managers: Vec<(UserIx, String)>,
}

impl SnapshotBuilder {
    /// An empty snapshot at an instant. A tenant without an id gets the UUIDv5 of its name.
    #[must_use]
    pub fn new(at: Instant, mut tenant: Tenant) -> Self {
        let tenant_id = tenant.id.unwrap_or_else(|| tenant.derived_id());
        tenant.id = Some(tenant_id);
        let mut build = Self {
            snapshot: Snapshot {
                at,
                tenant,
                tenant_id,
                digest: [0; 32],
                symbols: Symbols::default(),
                tags: Vec::new(),
                groups: Vec::new(),
                users: Vec::new(),
                domains: Vec::new(),
                data_sources: Vec::new(),
                columns: Vec::new(),
                policies: Vec::new(),
                data_policies: Vec::new(),
                agreements: Vec::new(),
                agreement_texts: BTreeMap::new(),
                request_forms: Vec::new(),
                data_products: Vec::new(),
                requests: Vec::new(),
                names: Names::default(),
            },
            managers: Vec::new(),
        };
        let everyone = Group { name: ALL_USERS.to_owned(), description: None, attributes: BTreeMap::new() };
        let provenance =
            Provenance { created_at: at, updated_at: at, origin: "builtin".into(), since: Since::default() };
        build.group(GroupId(0), &everyone, provenance);
        build
    }

    /// Adds a tag; its ancestors come as tags of their own.
    pub fn tag(&mut self, id: TagId, tag: Tag, provenance: Provenance) {
        let index = TagIx::at(self.snapshot.tags.len());
        self.snapshot.names.tags.insert(tag.name.as_str().into(), index);
        self.snapshot.tags.push(Record { id, spec: tag, provenance });
    }

    /// Adds a group.
    pub fn group(&mut self, id: GroupId, group: &Group, provenance: Provenance) {
        let index = GroupIx::at(self.snapshot.groups.len());
        let attributes = self.pairs(&group.attributes);
        self.snapshot.names.groups.insert(group.name.as_str().into(), index);
        self.snapshot.groups.push(SnapshotGroup {
            id,
            name: group.name.as_str().into(),
            attributes,
            provenance,
        });
    }

    /// Adds a user.
    ///
    /// # Errors
    /// When a group is unknown.
    pub fn user(&mut self, id: UserId, user: &User, provenance: Provenance) -> Result<(), SnapshotError> {
        let index = UserIx::at(self.snapshot.users.len());
        let by = || format!("user `{}`", user.username);
        let groups = user
            .groups
            .iter()
            .filter(|name| *name != ALL_USERS)
            .map(|name| self.snapshot.group(name).ok_or_else(|| dangling(Kind::Group, name, by())))
            .collect::<Result<_, _>>()?;
        if let Some(manager) = &user.manager {
            self.managers.push((index, manager.clone()));
        }
        let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
        let attributes = self.pairs(&user.attributes);
        let identity_provider = self.snapshot.symbols.intern(&user.identity_provider);
        self.snapshot.names.users.insert(user.username.as_str().into(), index);
        self.snapshot.users.push(SnapshotUser {
            id,
            global_id: user.global_id(self.snapshot.tenant_id),
            username: user.username.as_str().into(),
            name: user.name.as_deref().unwrap_or(&user.username).into(),
            email: boxed(&user.email),
            identity_provider,
            status: user.status,
            groups,
            attributes,
            permissions: user.permissions.iter().copied().collect(),
            employee_number: boxed(&user.employee_number),
            department: boxed(&user.department),
            title: boxed(&user.title),
            manager: None,
            created_at: provenance.created_at,
            since: provenance.since,
        });
        Ok(())
    }

    /// Adds a domain.
    pub fn domain(&mut self, id: DomainId, domain: Domain, provenance: Provenance) {
        let index = DomainIx::at(self.snapshot.domains.len());
        self.snapshot.names.domains.insert(domain.name.as_str().into(), index);
        self.snapshot.domains.push(Record { id, spec: domain, provenance });
    }

    /// Adds a subscription policy.
    pub fn policy(&mut self, id: PolicyId, policy: Policy, provenance: Provenance) {
        let index = PolicyIx::at(self.snapshot.policies.len());
        self.snapshot.names.policies.insert(policy.name.as_str().into(), index);
        self.snapshot.policies.push(Record { id, spec: policy, provenance });
    }

    /// Adds a data policy.
    pub fn data_policy(&mut self, id: PolicyId, policy: DataPolicy, provenance: Provenance) {
        let index = DataPolicyIx::at(self.snapshot.data_policies.len());
        self.snapshot.names.data_policies.insert(policy.name.as_str().into(), index);
        self.snapshot.data_policies.push(Record { id, spec: policy, provenance });
    }

    /// Adds a data source with the ids of its columns, in their order.
    ///
    /// # Errors
    /// When its domain, an owner, a tag or a policy is unknown.
    ///
    /// # Panics
    /// When there is not one id per column.
    pub fn data_source(
        &mut self,
        id: DataSourceId,
        source: &DataSource,
        column_ids: &[ColumnId],
        provenance: Provenance,
    ) -> Result<(), SnapshotError> {
        assert_eq!(column_ids.len(), source.columns.len(), "one id per column");
        let by = || format!("data source `{}`", source.name);
        let start = self.snapshot.columns.len();
        for (column, id) in source.columns.iter().zip(column_ids) {
            let Column { name, data_type, nullable, tags, description } = column;
            let tags = self.tags_of(tags, &by)?;
            let data_type = self.snapshot.symbols.intern(data_type);
            self.snapshot.columns.push(SnapshotColumn {
                id: *id,
                name: name.as_str().into(),
                data_type,
                nullable: *nullable,
                tags,
                description: description.as_deref().map(Box::from),
            });
        }
        let domain = match &source.domain {
            Some(name) => Some(self.snapshot.domain(name).ok_or_else(|| dangling(Kind::Domain, name, by()))?),
            None => None,
        };
        let mut owners: Vec<_> = source
            .owners
            .iter()
            .map(|name| self.snapshot.user(name).ok_or_else(|| dangling(Kind::User, name, by())))
            .collect::<Result<_, _>>()?;
        owners.sort_unstable();
        let level_choice = match &source.level_choice {
            Some(name) => Some(self.snapshot.policy(name).ok_or_else(|| dangling(Kind::Policy, name, by()))?),
            None => None,
        };
        let index = DataSourceIx::at(self.snapshot.data_sources.len());
        let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
        let tags = self.tags_of(&source.tags, &by)?;
        self.snapshot.names.data_sources.insert(source.name.as_str().into(), index);
        self.snapshot.data_sources.push(SnapshotDataSource {
            id,
            name: source.name.as_str().into(),
            platform: source.platform.as_str().into(),
            host: boxed(&source.host),
            database: boxed(&source.database),
            schema: boxed(&source.schema),
            table: boxed(&source.table),
            domain,
            owners: owners.into(),
            status: source.status,
            tags,
            columns: ColumnIx::at(start).0..ColumnIx::at(self.snapshot.columns.len()).0,
            opt_in_policies: source
                .opt_in_policies
                .iter()
                .filter_map(|name| self.snapshot.policy(name))
                .collect(),
            opt_in_data_policies: source
                .opt_in_policies
                .iter()
                .filter_map(|name| self.snapshot.data_policy(name))
                .collect(),
            level_choice,
            created_at: provenance.created_at,
            since: provenance.since,
        });
        Ok(())
    }

    /// Adds an agreement.
    pub fn agreement(&mut self, id: AgreementId, agreement: Agreement, provenance: Provenance) {
        self.agreement_text(&agreement.name, agreement.version, &agreement.text);
        self.snapshot.agreements.push(Record { id, spec: agreement, provenance });
    }

    /// Adds the text of an older version of an agreement.
    pub fn agreement_text(&mut self, name: &str, version: i64, text: &str) {
        self.snapshot.agreement_texts.insert((name.to_owned(), version), text.to_owned());
    }

    /// Adds a request form.
    pub fn request_form(&mut self, id: RequestFormId, form: RequestForm, provenance: Provenance) {
        self.snapshot.request_forms.push(Record { id, spec: form, provenance });
    }

    /// Adds a data product.
    pub fn data_product(&mut self, id: DataProductId, product: DataProduct, provenance: Provenance) {
        let position = self.snapshot.data_products.len();
        self.snapshot.names.products.insert(product.name.as_str().into(), position);
        self.snapshot.data_products.push(Record { id, spec: product, provenance });
    }

    /// Adds a request.
    pub fn request(&mut self, request: Request) {
        self.snapshot.requests.push(request);
    }

    /// The snapshot, `digest` being the SHA-256 of what it was read from.
    ///
    /// # Errors
    /// When a manager or what a request names is unknown.
    pub fn finish(mut self, digest: [u8; 32]) -> Result<Snapshot, SnapshotError> {
        for (user, manager) in std::mem::take(&mut self.managers) {
            let found = self.snapshot.user(&manager).ok_or_else(|| {
                let by = format!("user `{}`", self.snapshot.users[user.get()].username);
                dangling(Kind::User, &manager, by)
            })?;
            self.snapshot.users[user.get()].manager = Some(found);
        }
        for request in &self.snapshot.requests {
            let by = || format!("request `{}`", request.id);
            for user in [Some(&request.user), request.requester.as_ref()].into_iter().flatten() {
                self.snapshot.user(user).ok_or_else(|| dangling(Kind::User, user, by()))?;
            }
            match &request.target {
                crate::Target::DataProduct(name) => {
                    self.snapshot
                        .data_product(name)
                        .ok_or_else(|| dangling(Kind::DataProduct, name, by()))?;
                }
                crate::Target::DataSource(name) => {
                    self.snapshot.data_source(name).ok_or_else(|| dangling(Kind::DataSource, name, by()))?;
                }
            }
        }
        self.snapshot.digest = digest;
        Ok(self.snapshot)
    }

    fn pairs(&mut self, attributes: &crate::Attributes) -> Box<[(Symbol, Symbol)]> {
        let symbols = &mut self.snapshot.symbols;
        let mut pairs = Vec::with_capacity(attributes.values().map(std::collections::BTreeSet::len).sum());
        for (key, values) in attributes {
            let key = symbols.intern(key);
            pairs.extend(values.iter().map(|value| (key, symbols.intern(value))));
        }
        pairs.into()
    }

    fn tags_of(
        &self,
        names: &std::collections::BTreeSet<String>,
        by: &dyn Fn() -> String,
    ) -> Result<Box<[TagIx]>, SnapshotError> {
        names
            .iter()
            .map(|name| self.snapshot.tag(name).ok_or_else(|| dangling(Kind::Tag, name, by())))
            .collect()
    }
}

fn dangling(kind: Kind, name: &str, by: String) -> SnapshotError {
    SnapshotError::Dangling { kind, name: name.to_owned(), by }
}
