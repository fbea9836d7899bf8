//! Building a snapshot, object by object.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parts::{DataSourceBuilder, Unresolved, UserBuilder, pairs};
use super::{AllNames, Provenance, Record, Snapshot, SnapshotGroup};
use crate::document::AttributeTexts;
use crate::privileges::ObservedDatabase;
use crate::{
    ALL_USERS, Agreement, AgreementId, DataPolicy, DataPolicyIx, DataProduct, DataProductId, Domain,
    DomainId, DomainIx, FastMap, Group, GroupId, GroupIx, Instant, Kind, Policy, PolicyId, PolicyIx, Request,
    RequestForm, RequestFormId, Tag, TagId, TagIx, Tenant, UserId,
};

/// Why a snapshot could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// A name refers to nothing: the store's content is not consistent.
    #[error("{by} refers to the {kind} `{name}`, which does not exist")]
    Dangling {
        /// The kind referred to.
        kind: Kind,
        /// The missing name.
        name: String,
        /// The object that refers to it.
        by: String,
    },
}

/// Builds a [`Snapshot`] object by object: tags, groups, domains, policies and data policies, then users and data
/// sources ([`SnapshotBuilder::parts`]) and the rest; within a kind in id order.
#[derive(Debug)]
pub struct SnapshotBuilder {
    snapshot: Snapshot,
    unresolved: Unresolved,
    /// Whether the inventory is that of another snapshot, whose names are resolved.
    has_inventory: bool,
}

impl SnapshotBuilder {
    /// Creates a builder of a snapshot at an instant. A tenant without an id gets the UUIDv5 of its name.
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
                symbols: Arc::default(),
                tags: Vec::new(),
                groups: Vec::new(),
                users: Arc::default(),
                domains: Vec::new(),
                data_sources: Arc::default(),
                columns: Arc::default(),
                policies: Vec::new(),
                data_policies: Vec::new(),
                agreements: Vec::new(),
                agreement_texts: BTreeMap::new(),
                request_forms: Vec::new(),
                data_products: Vec::new(),
                requests: Vec::new(),
                last_seen: FastMap::default(),
                databases: Vec::new(),
                names: AllNames::default(),
            },
            unresolved: Unresolved::default(),
            has_inventory: false,
        };
        let everyone = Group { name: ALL_USERS.to_owned(), description: None, attributes: BTreeMap::new() };
        build.group(GroupId(0), &everyone, Provenance::new(at, "builtin"));
        build
    }

    /// A snapshot at an instant with the inventory of another: its tenant, tags, groups, users, domains and data sources.
    /// Policies and the other kinds are added as to an empty one; [`SnapshotBuilder::keeps_policies_of`] then says whether
    /// the inventory still fits them.
    #[must_use]
    pub fn with_inventory(at: Instant, base: &Snapshot) -> Self {
        let mut build = Self::new(at, base.tenant.clone());
        // `All Users` is as old as the snapshot.
        let everyone = build.snapshot.groups.remove(0);
        build.snapshot = Snapshot {
            symbols: Arc::clone(&base.symbols),
            tags: base.tags.clone(),
            groups: std::iter::once(everyone).chain(base.groups.iter().skip(1).cloned()).collect(),
            users: Arc::clone(&base.users),
            domains: base.domains.clone(),
            data_sources: Arc::clone(&base.data_sources),
            columns: Arc::clone(&base.columns),
            names: AllNames {
                tags: base.names.tags.clone(),
                groups: base.names.groups.clone(),
                users: Arc::clone(&base.names.users),
                domains: base.names.domains.clone(),
                data_sources: Arc::clone(&base.names.data_sources),
                ..AllNames::default()
            },
            ..build.snapshot
        };
        build.has_inventory = true;
        build
    }

    /// Whether the data sources of another snapshot refer to the policies added so far as to its own: they refer to them
    /// by position, so those of `base` must come first, and a further one must not have a name that was there.
    #[must_use]
    pub fn keeps_policies_of(&self, base: &Snapshot) -> bool {
        let (policies, data_policies) = (&self.snapshot.policies, &self.snapshot.data_policies);
        let is_prefix = policies.iter().zip(&base.policies).all(|(now, before)| now.id == before.id)
            && data_policies.iter().zip(&base.data_policies).all(|(now, before)| now.id == before.id);
        let is_new = |name: &str| base.policy(name).is_none() && base.data_policy(name).is_none();
        is_prefix
            && policies.iter().skip(base.policies.len()).all(|policy| is_new(&policy.spec.name))
            && data_policies.iter().skip(base.data_policies.len()).all(|policy| is_new(&policy.spec.name))
    }

    /// Adds a tag; its ancestors are added as tags of their own.
    pub fn tag(&mut self, id: TagId, tag: Tag, provenance: Provenance) {
        let index = TagIx::at(self.snapshot.tags.len());
        self.snapshot.names.tags.insert(tag.name.as_str().into(), index);
        self.snapshot.tags.push(Record { id, spec: tag, provenance });
    }

    /// Adds a group.
    pub fn group(&mut self, id: GroupId, group: &Group, provenance: Provenance) {
        let index = GroupIx::at(self.snapshot.groups.len());
        let attributes =
            pairs(Arc::make_mut(&mut self.snapshot.symbols), &AttributeTexts::from(&group.attributes));
        self.snapshot.names.groups.insert(group.name.as_str().into(), index);
        self.snapshot.groups.push(SnapshotGroup {
            id,
            name: group.name.as_str().into(),
            attributes,
            provenance,
        });
    }

    /// Returns builders of the two large kinds, which two threads can use in parallel. Groups, tags, domains and policies
    /// must have been added: users and data sources refer to them.
    pub fn parts(&mut self) -> (UserBuilder<'_>, DataSourceBuilder<'_>) {
        let Snapshot { tenant_id, symbols, users, data_sources, columns, names, .. } = &mut self.snapshot;
        let AllNames { groups, tags, domains, policies, data_policies, .. } = names;
        let Unresolved { managers, owners, types } = &mut self.unresolved;
        (
            UserBuilder {
                tenant_id: *tenant_id,
                groups,
                symbols: Arc::make_mut(symbols),
                users: Arc::make_mut(users),
                managers,
            },
            DataSourceBuilder {
                tags,
                domains,
                policies,
                data_policies,
                types,
                columns: Arc::make_mut(columns),
                data_sources: Arc::make_mut(data_sources),
                owners,
            },
        )
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

    /// Adds when a user last used an API key or a session; of several times the last counts.
    pub fn last_seen(&mut self, user: UserId, at: Instant) {
        let last = self.snapshot.last_seen.entry(user).or_insert(at);
        *last = at.max(*last);
    }

    /// Adds a database that a connection read, after those of the connections before it.
    pub fn database(&mut self, database: Arc<ObservedDatabase>) {
        self.snapshot.databases.push(database);
    }

    /// The snapshot, `digest` being the SHA-256 of what it was read from.
    ///
    /// # Errors
    /// When a manager, an owner or what a request names is unknown.
    pub fn finish(mut self, digest: [u8; 32]) -> Result<Snapshot, SnapshotError> {
        if !self.has_inventory {
            self.unresolved.resolve(&mut self.snapshot)?;
        }
        self.snapshot.check_requests()?;
        self.snapshot.digest = digest;
        Ok(self.snapshot)
    }
}

impl Snapshot {
    /// Checks that what requests name exists.
    pub(super) fn check_requests(&self) -> Result<(), SnapshotError> {
        for request in &self.requests {
            let by = || format!("request `{}`", request.id);
            for user in [Some(&request.user), request.requester.as_ref()].into_iter().flatten() {
                self.user(user).ok_or_else(|| dangling(Kind::User, user, by()))?;
            }
            match &request.target {
                crate::Target::DataProduct(name) => {
                    self.data_product(name).ok_or_else(|| dangling(Kind::DataProduct, name, by()))?;
                }
                // Files may name a data source before a connection lists it.
                crate::Target::DataSource(_) => {}
            }
        }
        Ok(())
    }
}

pub(super) fn dangling(kind: Kind, name: &str, by: String) -> SnapshotError {
    SnapshotError::Dangling { kind, name: name.to_owned(), by }
}
