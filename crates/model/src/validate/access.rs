//! Checks of policies, forms, products and requests.

use std::collections::{HashMap, HashSet};

use super::names::Known;
use super::{Path, Problems};
use crate::condition::Atom;
use crate::{
    AppliesTo, Approvers, Catalog, ColumnSelector, Condition, Excerpt, Individuals, Kind, Level, Need,
    PolicyKind, RequestType, Selector, Target,
};

pub(super) fn check_policies(catalog: &Catalog, known: &Known<'_>, problems: &mut Problems) {
    for (index, policy) in catalog.policies.iter().enumerate() {
        let at = (Kind::Policy, index);
        known.check_one(Kind::User, policy.owner.as_ref(), at, "owner", problems);
        check_applies_to(&policy.applies_to, at, known, problems);
        match &policy.level {
            Level::Entitlements { condition } => check_condition(condition, "condition", at, known, problems),
            Level::Individuals { individuals } => check_individuals(individuals, at, known, problems),
            Level::Anyone | Level::Approval => {
                if policy.kind == PolicyKind::Guardrail {
                    let message = "a guardrail's level is `entitlements` or `individuals`";
                    problems.error(at, Path::root().key("level"), message);
                }
            }
        }
    }
    for (index, policy) in catalog.data_policies.iter().enumerate() {
        let at = (Kind::DataPolicy, index);
        known.check_one(Kind::User, policy.owner.as_ref(), at, "owner", problems);
        check_applies_to(&policy.applies_to, at, known, problems);
        let ColumnSelector { tagged, names } = &policy.columns;
        if tagged.is_empty() && names.is_empty() {
            let message = "the policy masks no column: give `tagged` or `names` at least one entry";
            problems.error(at, Path::root().key("columns"), message);
        }
        for (position, tag) in tagged.iter().enumerate() {
            let path = Path::root().key("columns").key("tagged").index(position);
            known.check(Kind::Tag, tag, at, path, problems);
        }
        if let Some(except) = &policy.except {
            check_condition(except, "except", at, known, problems);
        }
    }
}

fn check_individuals(
    individuals: &Individuals,
    at: (Kind, usize),
    known: &Known<'_>,
    problems: &mut Problems,
) {
    let path = Path::root().key("individuals");
    if individuals.users.is_empty() && individuals.groups.is_empty() {
        problems.error(at, path.clone(), "nobody is named: give `users` or `groups` at least one entry");
    }
    known.check_set(Kind::User, &individuals.users, at, &path.clone().key("users"), problems);
    known.check_set(Kind::Group, &individuals.groups, at, &path.key("groups"), problems);
}

/// Groups that a condition names outright must exist; a name with a variable is known only per data source.
fn check_condition(
    condition: &Condition,
    field: &str,
    at: (Kind, usize),
    known: &Known<'_>,
    problems: &mut Problems,
) {
    for atom in condition.atoms() {
        let Atom::InGroups(groups) = atom else { continue };
        for group in groups.iter().filter_map(|group| group.literal()) {
            known.check(Kind::Group, &group, at, Path::root().key(field), problems);
        }
    }
}

fn check_applies_to(applies_to: &AppliesTo, at: (Kind, usize), known: &Known<'_>, problems: &mut Problems) {
    if let AppliesTo::Any(selectors) = applies_to {
        check_selectors(selectors, &Path::root().key("appliesTo"), at, known, problems);
    }
}

fn check_selectors(
    selectors: &[Selector],
    path: &Path,
    at: (Kind, usize),
    known: &Known<'_>,
    problems: &mut Problems,
) {
    for (position, selector) in selectors.iter().enumerate() {
        let path = path.clone().index(position);
        let exact = [
            ("tagged", Kind::Tag, &selector.tagged),
            ("columnsTagged", Kind::Tag, &selector.columns_tagged),
            ("dataSources", Kind::DataSource, &selector.data_sources),
        ];
        for (key, kind, names) in exact {
            for name in names.iter().flatten() {
                known.check(kind, name, at, path.clone().key(key).item(name), problems);
            }
        }
        let globs = [("domains", Kind::Domain, &selector.domains), ("owners", Kind::User, &selector.owners)];
        for (key, kind, patterns) in globs {
            for name in patterns.iter().flatten().filter(|pattern| !pattern.contains(['*', '?'])) {
                known.check(kind, name, at, path.clone().key(key).item(name), problems);
            }
        }
        if *selector == Selector::default() {
            problems.error(
                at,
                path.clone(),
                "an empty mapping selects nothing in particular; write `all` to mean all",
            );
        }
        check_selectors(&selector.except, &path.key("except"), at, known, problems);
    }
}

pub(super) fn check_requests(catalog: &Catalog, known: &Known<'_>, problems: &mut Problems) {
    for (index, form) in catalog.request_forms.iter().enumerate() {
        for (position, step) in form.review.iter().enumerate() {
            let path = Path::root().key("review").index(position).key("approvers");
            let Approvers { users, groups, .. } = &step.approvers;
            let at = (Kind::RequestForm, index);
            if step.need == Need::All && users.is_empty() {
                let message =
                    "`need: all` means every user under `users`; none is named, so one approval suffices";
                problems.warning(at, Path::root().key("review").index(position).key("need"), message);
            }
            known.check_set(Kind::User, users, at, &path.clone().key("users"), problems);
            known.check_set(Kind::Group, groups, at, &path.key("groups"), problems);
        }
    }
    check_products(catalog, known, problems);
    let mut newest_versions = HashMap::new();
    for agreement in &catalog.agreements {
        newest_versions.entry(agreement.name.as_str()).or_insert(agreement.version);
    }
    for (index, request) in catalog.requests.iter().enumerate() {
        let at = (Kind::Request, index);
        let root = Path::root;
        known.check(Kind::User, &request.user, at, root().key("user"), problems);
        known.check_one(Kind::User, request.requester.as_ref(), at, "requester", problems);
        match &request.target {
            Target::DataProduct(name) => {
                known.check(Kind::DataProduct, name, at, root().key("dataProduct"), problems);
                if request.kind == RequestType::MaskingException {
                    let message = "a masking exception names a data source and columns, not a product";
                    problems.error(at, root().key("dataProduct"), message);
                }
            }
            Target::DataSource(name) => {
                known.check(Kind::DataSource, name, at, root().key("dataSource"), problems);
                for column in &request.columns {
                    known.check_column(name, column, at, root().key("columns").item(column), problems);
                }
            }
        }
        if request.kind == RequestType::MaskingException && request.columns.is_empty() {
            problems.error(
                at,
                root().key("columns"),
                "a masking exception needs `columns`: those to see clear",
            );
        }
        if request.kind == RequestType::DataAccess && !request.columns.is_empty() {
            let message =
                "`columns` means nothing for data access; only a masking exception is about columns";
            problems.warning(at, root().key("columns"), message);
        }
        for (position, determination) in request.determinations.iter().enumerate() {
            let path = root().key("determinations").index(position).key("by");
            known.check(Kind::User, &determination.by, at, path, problems);
        }
        for (position, accepted) in request.agreements.iter().enumerate() {
            let path = root().key("agreements").index(position);
            known.check(Kind::Agreement, &accepted.name, at, path.clone().key("name"), problems);
            known.check(Kind::User, &accepted.accepted_by, at, path.clone().key("acceptedBy"), problems);
            let newest = newest_versions.get(accepted.name.as_str());
            if let Some(newest) = newest.filter(|newest| accepted.version > **newest) {
                let message = format!(
                    "version {} of `{}` does not exist yet; the newest is {newest}",
                    accepted.version,
                    Excerpt(&accepted.name)
                );
                problems.error(at, path.key("version"), message);
            }
        }
    }
}

fn check_products(catalog: &Catalog, known: &Known<'_>, problems: &mut Problems) {
    for (index, product) in catalog.data_products.iter().enumerate() {
        let at = (Kind::DataProduct, index);
        known.check_set(Kind::Domain, &product.domains, at, &Path::root().key("domains"), problems);
        known.check_one(Kind::User, product.sme.as_ref(), at, "sme", problems);
        known.check(Kind::User, &product.created_by, at, Path::root().key("createdBy"), problems);
        known.check_one(Kind::RequestForm, product.form.as_ref(), at, "form", problems);
        known.check_set(Kind::Agreement, &product.agreements, at, &Path::root().key("agreements"), problems);
        let mut seen = HashSet::new();
        for (position, asset) in product.data_sources.iter().enumerate() {
            let path = Path::root().key("dataSources").index(position);
            known.check(Kind::DataSource, &asset.name, at, path.clone(), problems);
            if !seen.insert(asset.name.as_str()) {
                let message =
                    format!("the data source `{}` is listed twice in this product", Excerpt(&asset.name));
                problems.error(at, path.clone(), message);
            }
            for column in asset.columns.iter().flatten() {
                let path = path.clone().key("columns").item(column);
                known.check_column(&asset.name, column, at, path, problems);
            }
        }
    }
}
