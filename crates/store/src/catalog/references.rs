//! The objects that an object refers to, and the kinds that can refer to it.
//!
//! This mirrors the lookups of [`validate`](domesday_model::validate::validate). A reference that is forgotten here is
//! reported as missing although it exists; no dangling reference is accepted.

use std::collections::BTreeSet;

use domesday_model::condition::Atom;
use domesday_model::{Catalog, Condition, Individuals, Kind, Level, Selector, Target};

use domesday_model::AppliesTo;

/// Returns the names that the objects of a catalog refer to, by kind.
pub(crate) fn references(catalog: &Catalog) -> BTreeSet<(Kind, String)> {
    let mut found = References::default();
    found.people(catalog);
    found.assets(catalog);
    found.policies(catalog);
    found.requests(catalog);
    found.0
}

/// Returns the kinds whose objects can refer to one of this kind.
pub(crate) fn referring_kinds(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Tenant | Kind::Request | Kind::Connection => &[],
        Kind::Tag => &[Kind::DataSource, Kind::Policy, Kind::DataPolicy],
        Kind::Group => &[Kind::User, Kind::Policy, Kind::DataPolicy, Kind::RequestForm],
        Kind::User => &[
            Kind::User,
            Kind::Domain,
            Kind::DataSource,
            Kind::Policy,
            Kind::DataPolicy,
            Kind::RequestForm,
            Kind::DataProduct,
            Kind::Request,
        ],
        Kind::Domain => &[Kind::DataSource, Kind::Policy, Kind::DataPolicy, Kind::DataProduct],
        Kind::DataSource => &[Kind::Policy, Kind::DataPolicy, Kind::DataProduct, Kind::Request],
        Kind::Policy | Kind::DataPolicy => &[Kind::DataSource],
        Kind::Agreement => &[Kind::DataProduct, Kind::Request],
        Kind::RequestForm => &[Kind::DataProduct],
        Kind::DataProduct => &[Kind::Request],
    }
}

#[derive(Default)]
struct References(BTreeSet<(Kind, String)>);

impl References {
    fn add<'n>(&mut self, kind: Kind, names: impl IntoIterator<Item = &'n String>) {
        self.0.extend(names.into_iter().map(|name| (kind, name.clone())));
    }

    fn people(&mut self, catalog: &Catalog) {
        for user in &catalog.users {
            self.add(Kind::Group, &user.groups);
            self.add(Kind::User, &user.manager);
        }
        for domain in &catalog.domains {
            self.add(Kind::User, domain.permissions.iter().map(|permission| &permission.user));
        }
    }

    fn assets(&mut self, catalog: &Catalog) {
        for source in &catalog.data_sources {
            self.add(Kind::Domain, &source.domain);
            self.add(Kind::User, &source.owners);
            self.add(Kind::Tag, &source.tags);
            self.add(Kind::Policy, &source.level_choice);
            self.add(Kind::Policy, &source.opt_in_policies);
            self.add(Kind::DataPolicy, &source.opt_in_policies);
            self.add(Kind::Tag, source.columns.iter().flat_map(|column| &column.tags));
        }
        for product in &catalog.data_products {
            self.add(Kind::Domain, &product.domains);
            self.add(Kind::User, product.sme.iter().chain([&product.created_by]));
            self.add(Kind::RequestForm, &product.form);
            self.add(Kind::Agreement, &product.agreements);
            self.add(Kind::DataSource, product.data_sources.iter().map(|asset| &asset.name));
        }
    }

    fn policies(&mut self, catalog: &Catalog) {
        for policy in &catalog.policies {
            self.add(Kind::User, &policy.owner);
            self.applies_to(&policy.applies_to);
            match &policy.level {
                Level::Entitlements { condition } => self.condition(condition),
                Level::Individuals { individuals: Individuals { users, groups } } => {
                    self.add(Kind::User, users);
                    self.add(Kind::Group, groups);
                }
                Level::Anyone | Level::Approval => {}
            }
        }
        for policy in &catalog.data_policies {
            self.add(Kind::User, &policy.owner);
            self.applies_to(&policy.applies_to);
            self.add(Kind::Tag, &policy.columns.tagged);
            policy.except.iter().for_each(|except| self.condition(except));
        }
    }

    fn requests(&mut self, catalog: &Catalog) {
        for form in &catalog.request_forms {
            for step in &form.review {
                self.add(Kind::User, &step.approvers.users);
                self.add(Kind::Group, &step.approvers.groups);
            }
        }
        for request in &catalog.requests {
            self.add(Kind::User, [&request.user].into_iter().chain(&request.requester));
            match &request.target {
                Target::DataProduct(name) => self.add(Kind::DataProduct, [name]),
                Target::DataSource(name) => self.add(Kind::DataSource, [name]),
            }
            self.add(Kind::User, request.determinations.iter().map(|determination| &determination.by));
            self.add(Kind::Agreement, request.agreements.iter().map(|accepted| &accepted.name));
            self.add(Kind::User, request.agreements.iter().map(|accepted| &accepted.accepted_by));
        }
    }

    fn condition(&mut self, condition: &Condition) {
        for atom in condition.atoms() {
            let Atom::InGroups(groups) = atom else { continue };
            let named = groups.iter().filter_map(|group| group.literal());
            self.0.extend(named.map(|group| (Kind::Group, group.into_owned())));
        }
    }

    fn applies_to(&mut self, applies_to: &AppliesTo) {
        if let AppliesTo::Any(selectors) = applies_to {
            selectors.iter().for_each(|selector| self.selector(selector));
        }
    }

    fn selector(&mut self, selector: &Selector) {
        self.add(Kind::Tag, selector.tagged.iter().chain(&selector.columns_tagged).flatten());
        self.add(Kind::DataSource, selector.data_sources.iter().flatten());
        // Patterns are not names, and match no object.
        self.add(Kind::Domain, selector.domains.iter().flatten());
        self.add(Kind::User, selector.owners.iter().flatten());
        selector.except.iter().for_each(|except| self.selector(except));
    }
}
