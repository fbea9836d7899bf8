//! The snapshot of a catalog's files, without a store.

use super::{Provenance, Snapshot, SnapshotBuilder, SnapshotError};
use crate::document::{DataSourceDocument, UserDocument};
use crate::{
    AgreementId, Catalog, ColumnId, DataProductId, DataSourceId, Declared, DomainId, FastSet, GroupId,
    Instant, PolicyId, RequestFormId, TagId, Tenant, UserId,
};

impl Snapshot {
    /// Builds the snapshot of a store that contains only this valid catalog, since `at`, with ids from 1 in
    /// catalog order. The tenant's id is derived from its name when none is declared.
    ///
    /// # Errors
    /// When a name refers to nothing; [`validate`](crate::validate::validate) reports that with positions.
    pub fn of_catalog(catalog: &Catalog, at: Instant) -> Result<Self, SnapshotError> {
        let tenant = catalog.tenant.as_ref().map_or_else(
            || Tenant { name: "default".to_owned(), time_zone: "UTC".to_owned(), id: None },
            |declared| declared.spec.clone(),
        );
        let mut build = SnapshotBuilder::new(at, tenant);
        let ids = || 1_i64..;
        let provenance =
            |origin: &str, created_at: Option<Instant>| Provenance::new(created_at.unwrap_or(at), origin);
        for (id, tag) in ids().zip(catalog.tags_with_implied()) {
            let provenance = provenance(&tag.origin, None);
            build.tag(TagId(id), tag.spec, provenance);
        }
        for (id, group) in ids().zip(&catalog.groups) {
            build.group(GroupId(id), &group.spec, provenance(&group.origin, None));
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
        let (mut users, mut data_sources) = build.parts();
        let listed = Listed::of(catalog);
        for (id, user) in ids().zip(&catalog.users) {
            let provenance = provenance(&user.origin, user.created_at);
            let mut document = UserDocument::from(&user.spec);
            if let Some(listed) = &listed {
                document.groups.retain(|group| listed.groups.contains(&**group));
                document.manager = document.manager.filter(|manager| listed.people.contains(&**manager));
            }
            users.add(UserId(id), &document, provenance)?;
        }
        let mut column_ids = ids();
        for (id, source) in ids().zip(&catalog.data_sources) {
            let columns: Vec<_> = column_ids.by_ref().take(source.columns.len()).map(ColumnId).collect();
            let provenance = provenance(&source.origin, source.created_at);
            let mut document = DataSourceDocument::from(&source.spec);
            if let Some(listed) = &listed {
                document.owners.retain(|owner| listed.people.contains(&**owner));
            }
            data_sources.add(DataSourceId(id), &document, &columns, provenance)?;
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

/// What the files list themselves, where they declare connections: what only a connection lists is left out until it does.
struct Listed<'a> {
    groups: FastSet<&'a str>,
    people: FastSet<&'a str>,
}

impl<'a> Listed<'a> {
    /// Returns none where every reference is to something in the files.
    fn of(catalog: &'a Catalog) -> Option<Self> {
        (!catalog.connections.is_empty()).then(|| Self {
            groups: names_of(&catalog.groups, |it| &it.name),
            people: names_of(&catalog.users, |it| &it.username),
        })
    }
}

/// Returns the names of declared objects.
fn names_of<T>(declared: &[Declared<T>], name: impl Fn(&T) -> &str) -> FastSet<&str> {
    declared.iter().map(|object| name(&object.spec)).collect()
}
