//! Checks of tags, groups, users, domains and data sources.

use std::collections::{HashMap, HashSet};

use super::names::Known;
use super::{Path, Problems};
use crate::{ALL_USERS, AppliesTo, Catalog, Excerpt, Kind};

pub(super) fn check(catalog: &Catalog, known: &Known<'_>, problems: &mut Problems) {
    for (index, tag) in catalog.tags.iter().enumerate() {
        if tag.name.split('.').any(|part| part.trim().is_empty()) {
            let message = format!(
                "expected a dotted name without empty parts such as PII.Contact, found `{}`",
                Excerpt(&tag.name)
            );
            problems.error((Kind::Tag, index), Path::root().key("name"), message);
        }
    }
    for (index, group) in catalog.groups.iter().enumerate() {
        if group.name == ALL_USERS {
            let message =
                format!("`{ALL_USERS}` is built in and holds every active user; it cannot be declared");
            problems.error((Kind::Group, index), Path::root().key("name"), message);
        }
    }
    check_users(catalog, known, problems);
    for (index, domain) in catalog.domains.iter().enumerate() {
        for (position, permission) in domain.permissions.iter().enumerate() {
            let path = Path::root().key("permissions").index(position).key("user");
            known.check(Kind::User, &permission.user, (Kind::Domain, index), path, problems);
        }
    }
    check_data_sources(catalog, known, problems);
}

fn check_users(catalog: &Catalog, known: &Known<'_>, problems: &mut Problems) {
    let mut ids = HashMap::new();
    for (index, user) in catalog.users.iter().enumerate() {
        let at = (Kind::User, index);
        known.check_set(Kind::Group, &user.groups, at, &Path::root().key("groups"), problems);
        known.check_one(Kind::User, user.manager.as_ref(), at, "manager", problems);
        if let Some(id) = user.id
            && let Some(first) = ids.insert(id, &user.username)
        {
            let message =
                format!("the id {id} is already the one of the user `{}`; ids are unique", Excerpt(first));
            problems.error(at, Path::root().key("id"), message);
        }
    }
}

fn check_data_sources(catalog: &Catalog, known: &Known<'_>, problems: &mut Problems) {
    let opt_in: HashSet<&str> = catalog
        .policies
        .iter()
        .map(|policy| (policy.name.as_str(), &policy.applies_to))
        .chain(catalog.data_policies.iter().map(|policy| (policy.name.as_str(), &policy.applies_to)))
        .filter_map(|(name, applies_to)| (*applies_to == AppliesTo::OptIn).then_some(name))
        .collect();
    for (index, source) in catalog.data_sources.iter().enumerate() {
        let at = (Kind::DataSource, index);
        known.check_one(Kind::Domain, source.domain.as_ref(), at, "domain", problems);
        known.check_set(Kind::User, &source.owners, at, &Path::root().key("owners"), problems);
        known.check_set(Kind::Tag, &source.tags, at, &Path::root().key("tags"), problems);
        known.check_one(Kind::Policy, source.level_choice.as_ref(), at, "levelChoice", problems);
        for name in &source.opt_in_policies {
            let path = Path::root().key("optInPolicies").item(name);
            if !known.has(Kind::Policy, name) && !known.has(Kind::DataPolicy, name) {
                problems.error_with(at, || (path, known.missing(Kind::Policy, name)));
            } else if !opt_in.contains(name.as_str()) && !known.is_unread_policy(name) {
                let message = format!(
                    "`{}` is not a policy with `appliesTo: optIn`, so no source can opt into it",
                    Excerpt(name)
                );
                problems.error(at, path, message);
            }
        }
        let mut columns = HashSet::new();
        for (position, column) in source.columns.iter().enumerate() {
            let path = Path::root().key("columns").index(position);
            if !columns.insert(column.name.as_str()) {
                let message =
                    format!("the column `{}` is declared twice in this data source", Excerpt(&column.name));
                problems.error(at, path.clone().key("name"), message);
            }
            known.check_set(Kind::Tag, &column.tags, at, &path.key("tags"), problems);
        }
    }
}
