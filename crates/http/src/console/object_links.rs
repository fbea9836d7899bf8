//! Links from one object to another, for those who may read the other.

use domesday_model::{DataSourceIx, DomainIx, GroupIx, Kind, PolicyKind, Snapshot, TagIx, UserIx};
use domesday_service::caller::Caller;
use domesday_service::evaluation::NamingPolicies;
use domesday_service::permissions::objects::read_permit;

use super::link::Link;
use super::listing::{Cell, RowView, address};
use super::paths::{domain_path, named_path, product_path, request_path};
use super::times::Calendar;

/// Links for a caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links<'v> {
    pub(super) snapshot: &'v Snapshot,
    pub(super) caller: &'v Caller,
    pub(super) calendar: &'v Calendar,
}

impl<'v> Links<'v> {
    pub(super) fn new(snapshot: &'v Snapshot, caller: &'v Caller, calendar: &'v Calendar) -> Self {
        Self { snapshot, caller, calendar }
    }

    /// Whether the caller may read every object of a kind.
    pub(super) fn may_read(&self, kind: Kind) -> bool {
        read_permit(kind).check(self.caller).is_ok()
    }

    /// A user by display name; by username alone for those who may not read users.
    pub(super) fn user(&self, user: UserIx) -> Link {
        let user = &self.snapshot.users[user.get()];
        if self.may_read(Kind::User) {
            Link::new(&*user.name, format!("/console/users/{}", user.id.0))
        } else {
            Link::plain(&*user.username)
        }
    }

    pub(super) fn username(&self, username: &str) -> Link {
        self.snapshot.user(username).map_or_else(|| Link::plain(username), |user| self.user(user))
    }

    pub(super) fn group(&self, group: GroupIx) -> Link {
        let name = &*self.snapshot.groups[group.get()].name;
        // The built-in group, the first one, has no page.
        if group.get() > 0 && self.may_read(Kind::Group) {
            Link::new(name, named_path("/console/groups", name))
        } else {
            Link::plain(name)
        }
    }

    pub(super) fn tag(&self, tag: TagIx) -> Link {
        let name = self.snapshot.tags[tag.get()].spec.name.as_str();
        if self.may_read(Kind::Tag) {
            Link::new(name, named_path("/console/tags", name))
        } else {
            Link::plain(name)
        }
    }

    pub(super) fn data_source(&self, source: DataSourceIx) -> Link {
        let source = &self.snapshot.data_sources[source.get()];
        if self.may_read(Kind::DataSource) {
            Link::new(&*source.name, format!("/console/data-sources/{}", source.id.0))
        } else {
            Link::plain(&*source.name)
        }
    }

    pub(super) fn domain(&self, domain: DomainIx) -> Link {
        let name = self.snapshot.domains[domain.get()].spec.name.as_str();
        if self.may_read(Kind::Domain) { Link::new(name, domain_path(name)) } else { Link::plain(name) }
    }

    /// A policy of either kind, by name.
    pub(super) fn policy(&self, name: &str) -> Link {
        match self.policy_path(name).filter(|_| self.may_read(Kind::Policy)) {
            Some(path) => Link::new(name, path),
            None => Link::plain(name),
        }
    }

    fn policy_path(&self, name: &str) -> Option<String> {
        let policies = self.snapshot.policy(name).map(|policy| self.snapshot.policies[policy.get()].id);
        let id = policies.or_else(|| {
            let policy = self.snapshot.data_policy(name)?;
            Some(self.snapshot.data_policies[policy.get()].id)
        });
        id.map(|id| format!("/console/policies/{}", id.0))
    }

    /// What an entry of the audit log names as `KIND/NAME`; it leads to the page of what exists still.
    pub(super) fn target(&self, target: &str) -> Link {
        let Some((kind, name)) = target.split_once('/') else { return Link::plain(target) };
        let snapshot = self.snapshot;
        let found = match kind {
            "users" => snapshot.user(name).map(|user| {
                let id = snapshot.users[user.get()].id.0;
                (Kind::User, format!("/console/users/{id}"))
            }),
            "dataSources" => snapshot.data_source(name).map(|source| {
                let id = snapshot.data_sources[source.get()].id.0;
                (Kind::DataSource, format!("/console/data-sources/{id}"))
            }),
            "groups" => snapshot.group(name).map(|_| (Kind::Group, named_path("/console/groups", name))),
            "tags" => snapshot.tag(name).map(|_| (Kind::Tag, named_path("/console/tags", name))),
            "domains" => snapshot.domain(name).map(|_| (Kind::Domain, domain_path(name))),
            "dataProducts" => {
                snapshot.data_product(name).map(|product| (Kind::DataProduct, product_path(product.id.0)))
            }
            "requests" => {
                let is_there = snapshot.requests.iter().any(|request| request.id == name);
                is_there.then(|| (Kind::Request, request_path(name)))
            }
            "policies" | "dataPolicies" => self.policy_path(name).map(|path| (Kind::Policy, path)),
            _ => None,
        };
        match found.filter(|(kind, _)| self.may_read(*kind)) {
            Some((_, href)) => Link::new(name, href),
            None => Link::plain(name),
        }
    }

    /// The policies that name something, as rows.
    pub(super) fn policies(&self, found: &NamingPolicies) -> Vec<RowView> {
        let row = |name: &str, kind: &'static str| RowView {
            name: self.policy(name),
            is_code: false,
            note: String::new(),
            cells: vec![("", Cell::text(kind))],
        };
        let policies = found.policies.iter().map(|policy| {
            let policy = &self.snapshot.policies[policy.get()].spec;
            row(
                &policy.name,
                match policy.kind {
                    PolicyKind::Grant => "Grant",
                    PolicyKind::Guardrail => "Guardrail",
                },
            )
        });
        let data_policies = found.data_policies.iter();
        let data_policies = data_policies
            .map(|policy| row(&self.snapshot.data_policies[policy.get()].spec.name, "Data policy"));
        policies.chain(data_policies).collect()
    }
}

/// The address of a list with one filter.
pub(super) fn filtered(path: &str, name: &'static str, value: &str) -> String {
    address(path, std::iter::once((name, value)))
}
