//! A snapshot: the catalog at one instant, with ids and with references as indices, ready to evaluate.
//!
//! It is built by adding the store's objects kind by kind ([`SnapshotBuilder`]), each list in id order. The large kinds
//! are compact, with indices and interned symbols instead of names; policies, products, forms and requests are few and
//! are stored as declared. A snapshot is immutable once built, and shared by threads without locks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::layers::Givers;
use crate::privileges::ObservedDatabase;
use crate::{
    Agreement, AgreementId, ColumnId, ColumnIx, DataPolicy, DataPolicyIx, DataProduct, DataProductId,
    DataSourceId, DataSourceIx, DataSourceStatus, Domain, DomainId, DomainIx, FastMap, GroupId, GroupIx,
    Instant, Permission, Policy, PolicyId, PolicyIx, Request, RequestForm, RequestFormId, Tag, TagId, TagIx,
    Tenant, UserId, UserIx, UserStatus,
};

mod builder;
mod file;
mod of_catalog;
mod parts;
mod symbols;

use builder::dangling;
pub use builder::{SnapshotBuilder, SnapshotError};
pub use file::SnapshotFileError;
pub use parts::{DataSourceBuilder, UserBuilder};
pub use symbols::{Symbol, Symbols};

/// When parts of an object were added, where that is later than the object itself.
///
/// Keys name the part: `group:NAME`, `attribute:KEY=VALUE`, `permission:NAME`, `tag:NAME`, `column:NAME`,
/// `column:NAME/tag:NAME`, `asset:SOURCE`. A part without a key is as old as its object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Since(pub BTreeMap<String, Instant>);

impl Since {
    /// Returns when a part was added; `object` is when its object was.
    #[must_use]
    pub fn part_since(&self, part: &str, object: Instant) -> Instant {
        if self.0.is_empty() { object } else { self.0.get(part).copied().unwrap_or(object) }
    }
}

/// An object's history in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// When it was created: as declared, else its first apply.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// A file's path inside the catalog, or `api`.
    pub origin: Box<str>,
    /// When its parts were added, where later.
    pub since: Since,
    /// Who gave them.
    pub givers: Givers,
    /// Since when no connection lists it any more.
    pub absent_since: Option<Instant>,
}

impl Provenance {
    /// Creates the history of an object that did not change since it was created, and that files describe.
    #[must_use]
    pub fn new(created_at: Instant, origin: &str) -> Self {
        Self {
            created_at,
            updated_at: created_at,
            origin: origin.into(),
            since: Since::default(),
            givers: Givers::default(),
            absent_since: None,
        }
    }
}

/// An object as declared, with its id and history.
#[derive(Debug, Clone)]
pub struct Record<I, T> {
    /// The id that the store assigned.
    pub id: I,
    /// As declared.
    pub spec: T,
    /// Its history.
    pub provenance: Provenance,
}

/// A group. The first of a snapshot is the built-in `All Users`, with id 0.
#[derive(Debug, Clone)]
pub struct SnapshotGroup {
    /// The id that the store assigned.
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
    /// The id that the store assigned.
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
    /// The employee number.
    pub employee_number: Option<Box<str>>,
    /// Department.
    pub department: Option<Box<str>>,
    /// Job title.
    pub title: Option<Box<str>>,
    /// Manager.
    pub manager: Option<UserIx>,
    /// When the account was created.
    pub created_at: Instant,
    /// When its parts were added, where later.
    pub since: Since,
    /// Who gave its entitlements.
    pub givers: Givers,
    /// Since when no connection lists the user any more.
    pub absent_since: Option<Instant>,
    /// When the person leaves or left, as the system of record states it.
    pub leaving_date: Option<Instant>,
}

/// A data source.
#[derive(Debug, Clone)]
pub struct SnapshotDataSource {
    /// The id that the store assigned.
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
    /// When its parts were added, where later.
    pub since: Since,
    /// Who applied its tags.
    pub givers: Givers,
    /// Since when no connection lists the source any more.
    pub absent_since: Option<Instant>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct SnapshotColumn {
    /// The id that the store assigned.
    pub id: ColumnId,
    /// Name.
    pub name: Box<str>,
    /// The platform's type name.
    pub data_type: Symbol,
    /// Whether it is nullable.
    pub nullable: bool,
    /// Tags, in name order.
    pub tags: Box<[TagIx]>,
    /// What it contains.
    pub description: Option<Box<str>>,
}

/// The catalog at one instant, with ids and resolved references.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The instant.
    pub at: Instant,
    /// The tenant; its id is always set.
    pub tenant: Tenant,
    /// The tenant's id.
    pub tenant_id: Uuid,
    /// SHA-256 of what was read, over every object with its id and history.
    pub digest: [u8; 32],
    /// Interned strings.
    pub symbols: Arc<Symbols>,
    /// Tags, implied ancestors included, in id order.
    pub tags: Vec<Record<TagId, Tag>>,
    /// Groups in id order, `All Users` first.
    pub groups: Vec<SnapshotGroup>,
    /// Users in id order. Shared by snapshots between which none of the inventory changed
    /// ([`SnapshotBuilder::with_inventory`]), as are the other large lists.
    pub users: Arc<Vec<SnapshotUser>>,
    /// Domains in id order.
    pub domains: Vec<Record<DomainId, Domain>>,
    /// Data sources in id order.
    pub data_sources: Arc<Vec<SnapshotDataSource>>,
    /// Columns, those of one data source together.
    pub columns: Arc<Vec<SnapshotColumn>>,
    /// Subscription policies in id order.
    pub policies: Vec<Record<PolicyId, Policy>>,
    /// Data policies in id order.
    pub data_policies: Vec<Record<PolicyId, DataPolicy>>,
    /// Agreements in id order.
    pub agreements: Vec<Record<AgreementId, Agreement>>,
    /// Texts of agreements by (name, version), older versions that are still stored included.
    pub agreement_texts: BTreeMap<(String, i64), String>,
    /// Request forms in id order.
    pub request_forms: Vec<Record<RequestFormId, RequestForm>>,
    /// Data products in id order.
    pub data_products: Vec<Record<DataProductId, DataProduct>>,
    /// Requests in the order declared.
    pub requests: Vec<Request>,
    /// When users last used an API key or a session. No part of what the digest is of.
    pub last_seen: FastMap<UserId, Instant>,
    /// The databases that connections read, in the order of the connections.
    pub databases: Vec<Arc<ObservedDatabase>>,
    names: AllNames,
}

/// Indices by name.
type Names<I> = FastMap<Box<str>, I>;

#[derive(Debug, Clone, Default)]
struct AllNames {
    tags: Names<TagIx>,
    groups: Names<GroupIx>,
    users: Arc<Names<UserIx>>,
    domains: Names<DomainIx>,
    data_sources: Arc<Names<DataSourceIx>>,
    policies: Names<PolicyIx>,
    data_policies: Names<DataPolicyIx>,
    products: Names<usize>,
}

impl Snapshot {
    /// Returns the index of a tag by full name.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<TagIx> {
        self.names.tags.get(name).copied()
    }

    /// Returns the index of a group by name, `All Users` included.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<GroupIx> {
        self.names.groups.get(name).copied()
    }

    /// Returns the index of a user by username.
    #[must_use]
    pub fn user(&self, username: &str) -> Option<UserIx> {
        self.names.users.get(username).copied()
    }

    /// Returns the index of a domain by name.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<DomainIx> {
        self.names.domains.get(name).copied()
    }

    /// Returns the index of a data source by name.
    #[must_use]
    pub fn data_source(&self, name: &str) -> Option<DataSourceIx> {
        self.names.data_sources.get(name).copied()
    }

    /// Returns the index of a subscription policy by name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<PolicyIx> {
        self.names.policies.get(name).copied()
    }

    /// Returns the index of a data policy by name.
    #[must_use]
    pub fn data_policy(&self, name: &str) -> Option<DataPolicyIx> {
        self.names.data_policies.get(name).copied()
    }

    /// Returns a data product by name.
    #[must_use]
    pub fn data_product(&self, name: &str) -> Option<&Record<DataProductId, DataProduct>> {
        self.names.products.get(name).map(|position| &self.data_products[*position])
    }

    /// Returns the columns of a data source with their indices, in ordinal order.
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

    /// Returns a user's effective attribute pairs: their own and those of their groups (`All Users` has none).
    pub fn attributes_of(&self, user: UserIx) -> impl Iterator<Item = (Symbol, Symbol)> + '_ {
        let user = &self.users[user.get()];
        let inherited = user.groups.iter().flat_map(|group| self.groups[group.get()].attributes.iter());
        user.attributes.iter().chain(inherited).copied()
    }
}
