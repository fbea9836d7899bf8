//! Everything as it stood at one instant: ids given, names resolved, ready to evaluate.
//!
//! A snapshot is built by adding the store's objects kind by kind in [`Kind`] order (policies before data
//! sources, which refer to them), each list in id order. The heavy kinds are kept compact, with indices and
//! interned symbols in place of names; policies, products, forms and requests are few and keep the form in
//! which they were declared. Immutable once built; shared by threads without locks.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ALL_USERS, Agreement, AgreementId, Catalog, Column, ColumnId, ColumnIx, DataPolicy, DataPolicyIx,
    DataProduct, DataProductId, DataSource, DataSourceId, DataSourceIx, DataSourceStatus, Domain, DomainId,
    DomainIx, Group, GroupId, GroupIx, Instant, Kind, Permission, Policy, PolicyId, PolicyIx, Request,
    RequestForm, RequestFormId, Tag, TagId, TagIx, Tenant, User, UserId, UserIx, UserStatus,
};

/// A string interned in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

/// The strings interned in one snapshot: attribute keys and values, and column types.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    texts: Vec<Box<str>>,
    by_text: HashMap<Box<str>, Symbol>,
}

impl Symbols {
    fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.by_text.get(text) {
            return *symbol;
        }
        let symbol =
            Symbol(u32::try_from(self.texts.len()).expect("a snapshot interns fewer than 2^32 strings"));
        self.texts.push(text.into());
        self.by_text.insert(text.into(), symbol);
        symbol
    }

    /// The symbol of a text, if the snapshot holds it.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied()
    }

    /// The text of a symbol of this snapshot.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol.0 as usize]
    }
}

/// When parts of an object came to it, where that is later than the object itself.
///
/// Keys name the part: `group:NAME`, `attribute:KEY=VALUE`, `permission:NAME`, `tag:NAME`, `column:NAME`,
/// `column:NAME/tag:NAME`, `asset:SOURCE`. A part without a key is as old as its object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Since(pub BTreeMap<String, Instant>);

impl Since {
    /// When the part came, `object` being when its object did.
    #[must_use]
    pub fn of(&self, part: &str, object: Instant) -> Instant {
        if self.0.is_empty() { object } else { self.0.get(part).copied().unwrap_or(object) }
    }
}

/// An object's history as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// When it was created: as declared, else its first apply.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// A file's path inside the catalog, or `api`.
    pub origin: Box<str>,
    /// When its parts came, where later.
    pub since: Since,
}

/// An object kept as declared, with its id and history.
#[derive(Debug, Clone)]
pub struct Record<I, T> {
    /// The id the store gave.
    pub id: I,
    /// As declared.
    pub spec: T,
    /// Its history.
    pub provenance: Provenance,
}

/// A group. The first of a snapshot is the built-in `All Users`, with id 0.
#[derive(Debug, Clone)]
pub struct SnapshotGroup {
    /// The id the store gave.
    pub id: GroupId,
    /// Name.
    pub name: Box<str>,
    /// Attribute pairs (key, value), sorted by text.
    pub attributes: Box<[(Symbol, Symbol)]>,
    /// Its history.
    pub provenance: Provenance,
}

/// A user.
#[derive(Debug, Clone)]
pub struct SnapshotUser {
    /// The id the store gave.
    pub id: UserId,
    /// `global_user_id`.
    pub global_id: Uuid,
    /// Unique name.
    pub username: Box<str>,
    /// Display name.
    pub name: Box<str>,
    /// E-mail address.
    pub email: Option<Box<str>>,
    /// Identity provider.
    pub identity_provider: Symbol,
    /// Active or disabled.
    pub status: UserStatus,
    /// Groups other than `All Users`, in name order.
    pub groups: Box<[GroupIx]>,
    /// The user's own attribute pairs (key, value), sorted by text.
    pub attributes: Box<[(Symbol, Symbol)]>,
    /// Permissions in order of their names.
    pub permissions: Box<[Permission]>,
    /// HR's number.
    pub employee_number: Option<Box<str>>,
    /// Department.
    pub department: Option<Box<str>>,
    /// Job title.
    pub title: Option<Box<str>>,
    /// Manager.
    pub manager: Option<UserIx>,
    /// When the account was made.
    pub created_at: Instant,
    /// When its parts came, where later.
    pub since: Since,
}

/// A data source.
#[derive(Debug, Clone)]
pub struct SnapshotDataSource {
    /// The id the store gave.
    pub id: DataSourceId,
    /// Unique name.
    pub name: Box<str>,
    /// Platform.
    pub platform: Box<str>,
    /// Host.
    pub host: Option<Box<str>>,
    /// Database.
    pub database: Option<Box<str>>,
    /// Schema.
    pub schema: Option<Box<str>>,
    /// Table.
    pub table: Option<Box<str>>,
    /// Domain.
    pub domain: Option<DomainIx>,
    /// Owners in index order.
    pub owners: Box<[UserIx]>,
    /// Enabled or disabled.
    pub status: DataSourceStatus,
    /// Tags of the source itself, in name order.
    pub tags: Box<[TagIx]>,
    /// Its columns, as a range of [`Snapshot::columns`], in ordinal order.
    pub columns: Range<u32>,
    /// Subscription policies it opted into.
    pub opt_in_policies: Box<[PolicyIx]>,
    /// Data policies it opted into.
    pub opt_in_data_policies: Box<[DataPolicyIx]>,
    /// The policy that settles a conflict of levels.
    pub level_choice: Option<PolicyIx>,
    /// When it was registered.
    pub created_at: Instant,
    /// When its parts came, where later.
    pub since: Since,
}

/// A column.
#[derive(Debug, Clone)]
pub struct SnapshotColumn {
    /// The id the store gave.
    pub id: ColumnId,
    /// Name.
    pub name: Box<str>,
    /// The platform's type name.
    pub data_type: Symbol,
    /// Whether it takes nulls.
    pub nullable: bool,
    /// Tags, in name order.
    pub tags: Box<[TagIx]>,
    /// What it holds.
    pub description: Option<Box<str>>,
}

/// The catalog at one instant, with ids given and names resolved.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The instant.
    pub at: Instant,
    /// The tenant; its id is always there.
    pub tenant: Tenant,
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// SHA-256 of what was read, over every object with its id and history.
    pub digest: [u8; 32],
    /// Interned strings.
    pub symbols: Symbols,
    /// Tags, implied ancestors included, in id order.
    pub tags: Vec<Record<TagId, Tag>>,
    /// Groups in id order, `All Users` first.
    pub groups: Vec<SnapshotGroup>,
    /// Users in id order.
    pub users: Vec<SnapshotUser>,
    /// Domains in id order.
    pub domains: Vec<Record<DomainId, Domain>>,
    /// Data sources in id order.
    pub data_sources: Vec<SnapshotDataSource>,
    /// Columns, those of one data source together.
    pub columns: Vec<SnapshotColumn>,
    /// Subscription policies in id order.
    pub policies: Vec<Record<PolicyId, Policy>>,
    /// Data policies in id order.
    pub data_policies: Vec<Record<PolicyId, DataPolicy>>,
    /// Agreements in id order.
    pub agreements: Vec<Record<AgreementId, Agreement>>,
    /// Texts of agreements by (name, version), older versions that the store still knows included.
    pub agreement_texts: BTreeMap<(String, i64), String>,
    /// Request forms in id order.
    pub request_forms: Vec<Record<RequestFormId, RequestForm>>,
    /// Data products in id order.
    pub data_products: Vec<Record<DataProductId, DataProduct>>,
    /// Requests in the order declared.
    pub requests: Vec<Request>,
    names: Names,
}

#[derive(Debug, Clone, Default)]
struct Names {
    tags: HashMap<Box<str>, TagIx>,
    groups: HashMap<Box<str>, GroupIx>,
    users: HashMap<Box<str>, UserIx>,
    domains: HashMap<Box<str>, DomainIx>,
    data_sources: HashMap<Box<str>, DataSourceIx>,
    policies: HashMap<Box<str>, PolicyIx>,
    data_policies: HashMap<Box<str>, DataPolicyIx>,
    products: HashMap<Box<str>, usize>,
}

impl Snapshot {
    /// The index of a tag by full name.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<TagIx> {
        self.names.tags.get(name).copied()
    }

    /// The index of a group by name, `All Users` included.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<GroupIx> {
        self.names.groups.get(name).copied()
    }

    /// The index of a user by username.
    #[must_use]
    pub fn user(&self, username: &str) -> Option<UserIx> {
        self.names.users.get(username).copied()
    }

    /// The index of a domain by name.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<DomainIx> {
        self.names.domains.get(name).copied()
    }

    /// The index of a data source by name.
    #[must_use]
    pub fn data_source(&self, name: &str) -> Option<DataSourceIx> {
        self.names.data_sources.get(name).copied()
    }

    /// The index of a subscription policy by name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<PolicyIx> {
        self.names.policies.get(name).copied()
    }

    /// The index of a data policy by name.
    #[must_use]
    pub fn data_policy(&self, name: &str) -> Option<DataPolicyIx> {
        self.names.data_policies.get(name).copied()
    }

    /// A data product by name.
    #[must_use]
    pub fn data_product(&self, name: &str) -> Option<&Record<DataProductId, DataProduct>> {
        self.names.products.get(name).map(|position| &self.data_products[*position])
    }

    /// The columns of a data source with their indices, in ordinal order.
    pub fn columns_of(
        &self,
        source: DataSourceIx,
    ) -> impl ExactSizeIterator<Item = (ColumnIx, &SnapshotColumn)> {
        let range = self.data_sources[source.get()].columns.clone();
        let start = range.start as usize;
        let columns = &self.columns[start..range.end as usize];
        columns.iter().enumerate().map(move |(offset, column)| (ColumnIx::at(start + offset), column))
    }

    /// Whether a user is active at the snapshot's instant.
    #[must_use]
    pub fn is_active(&self, user: UserIx) -> bool {
        self.users[user.get()].status == UserStatus::Active
    }

    /// A user's effective attribute pairs: their own and those of their groups (`All Users` has none).
    pub fn attributes_of(&self, user: UserIx) -> impl Iterator<Item = (Symbol, Symbol)> + '_ {
        let user = &self.users[user.get()];
        let inherited = user.groups.iter().flat_map(|group| self.groups[group.get()].attributes.iter());
        user.attributes.iter().chain(inherited).copied()
    }

    /// The snapshot that a store holding just this valid catalog since `at` would give, with ids from 1 in
    /// catalog order. The tenant's id is derived from its name when none is declared.
    ///
    /// # Errors
    /// When a name refers to nothing; [`validate`](crate::validate::validate) says so with positions.
    pub fn of_catalog(catalog: &Catalog, at: Instant) -> Result<Self, SnapshotError> {
        let tenant = catalog.tenant.as_ref().map_or_else(
            || Tenant { name: "default".to_owned(), time_zone: "UTC".to_owned(), id: None },
            |declared| declared.spec.clone(),
        );
        let mut build = SnapshotBuilder::new(at, tenant);
        let ids = || 1_i64..;
        let provenance = |origin: &str, created_at: Option<Instant>| Provenance {
            created_at: created_at.unwrap_or(at),
            updated_at: created_at.unwrap_or(at),
            origin: origin.into(),
            since: Since::default(),
        };
        for (id, tag) in ids().zip(catalog.tags_with_implied()) {
            let provenance = provenance(&tag.origin, None);
            build.tag(TagId(id), tag.spec, provenance);
        }
        for (id, group) in ids().zip(&catalog.groups) {
            build.group(GroupId(id), &group.spec, provenance(&group.origin, None));
        }
        for (id, user) in ids().zip(&catalog.users) {
            build.user(UserId(id), &user.spec, provenance(&user.origin, user.created_at))?;
        }
        for (id, domain) in ids().zip(&catalog.domains) {
            build.domain(DomainId(id), domain.spec.clone(), provenance(&domain.origin, None));
        }
        let mut policy_ids = ids();
        for (id, policy) in policy_ids.by_ref().zip(&catalog.policies) {
            build.policy(PolicyId(id), policy.spec.clone(), provenance(&policy.origin, policy.created_at));
        }
        let first = i64::try_from(catalog.policies.len()).unwrap_or(i64::MAX - 1) + 1;
        for (id, policy) in (first..).zip(&catalog.data_policies) {
            build.data_policy(
                PolicyId(id),
                policy.spec.clone(),
                provenance(&policy.origin, policy.created_at),
            );
        }
        let mut column_ids = ids();
        for (id, source) in ids().zip(&catalog.data_sources) {
            let columns: Vec<_> = column_ids.by_ref().take(source.columns.len()).map(ColumnId).collect();
            let provenance = provenance(&source.origin, source.created_at);
            build.data_source(DataSourceId(id), &source.spec, &columns, provenance)?;
        }
        for (id, agreement) in ids().zip(&catalog.agreements) {
            build.agreement(AgreementId(id), agreement.spec.clone(), provenance(&agreement.origin, None));
        }
        for (id, form) in ids().zip(&catalog.request_forms) {
            build.request_form(RequestFormId(id), form.spec.clone(), provenance(&form.origin, None));
        }
        for (id, product) in ids().zip(&catalog.data_products) {
            build.data_product(DataProductId(id), product.spec.clone(), provenance(&product.origin, None));
        }
        for request in &catalog.requests {
            build.request(request.spec.clone());
        }
        build.finish([0; 32])
    }
}

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
