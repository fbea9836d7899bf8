//! Makes a drawn catalog valid: what refers to something absent is made to refer to something present.

use std::collections::BTreeSet;

use domesday_model::condition::{Atom, Condition, Template};
use domesday_model::{
    AppliesTo, Catalog, DataSource, Declared, Level, RequestType, Selector, Tag, Target, User,
};

/// Names that exist.
struct Present(Vec<String>);

impl Present {
    fn of<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        Self(names.into_iter().cloned().collect())
    }

    /// The name itself when it exists, else always the same other one; there must be one.
    fn settle(&self, name: &mut String) {
        if !self.0.contains(name) {
            let other = name.bytes().map(usize::from).sum::<usize>() % self.0.len();
            *name = self.0[other].clone();
        }
    }

    fn settle_set(&self, names: &mut BTreeSet<String>) {
        *names = std::mem::take(names)
            .into_iter()
            .map(|mut name| {
                self.settle(&mut name);
                name
            })
            .collect();
    }

    /// The same for a list of globs: only what holds no wildcard is a name.
    fn settle_globs(&self, globs: Option<&mut Vec<String>>) {
        for glob in globs.into_iter().flatten().filter(|glob| !glob.contains(['*', '?'])) {
            self.settle(glob);
        }
    }
}

/// Makes `catalog` valid.
pub(crate) fn settle(catalog: &mut Catalog) {
    if catalog.users.is_empty() {
        catalog.users.push(Declared::new(User::named("ada"), "world.json"));
    }
    if catalog.data_sources.is_empty() {
        catalog.data_sources.push(Declared::new(plain_source("Orders"), "world.json"));
    }
    let users = Present::of(catalog.users.iter().map(|user| &user.username));
    let everyone = "All Users".to_owned();
    let groups = Present::of(catalog.groups.iter().map(|group| &group.name).chain([&everyone]));
    let sources = Present::of(catalog.data_sources.iter().map(|source| &source.name));
    let domains = Present::of(catalog.domains.iter().map(|domain| &domain.name));

    for user in &mut catalog.users {
        groups.settle_set(&mut user.spec.groups);
    }
    for policy in &mut catalog.policies {
        settle_applies_to(&mut policy.spec.applies_to, &users, &sources, &domains);
        match &mut policy.spec.level {
            Level::Entitlements { condition } => settle_condition(condition, &groups),
            Level::Individuals { individuals } => {
                users.settle_set(&mut individuals.users);
                groups.settle_set(&mut individuals.groups);
                if individuals.users.is_empty() && individuals.groups.is_empty() {
                    individuals.users.insert(users.0[0].clone());
                }
            }
            Level::Anyone | Level::Approval => {}
        }
    }
    for policy in &mut catalog.data_policies {
        settle_applies_to(&mut policy.spec.applies_to, &users, &sources, &domains);
        if let Some(except) = &mut policy.spec.except {
            settle_condition(except, &groups);
        }
        if policy.spec.columns.tagged.is_empty() && policy.spec.columns.names.is_empty() {
            policy.spec.columns.names.push("*".to_owned());
        }
    }
    settle_sources(catalog, &users);
    settle_requests(catalog, &users, &sources);
    declare_tags(catalog);
}

fn plain_source(name: &str) -> DataSource {
    serde_json::from_value(serde_json::json!({ "name": name, "platform": "snowflake" }))
        .expect("a data source needs no more")
}

/// A group named outright must exist; what a variable becomes need not.
fn settle_condition(condition: &mut Condition, groups: &Present) {
    match condition {
        Condition::Not(inner) => settle_condition(inner, groups),
        Condition::And(children) | Condition::Or(children) => {
            children.iter_mut().for_each(|child| settle_condition(child, groups));
        }
        Condition::Atom(Atom::InGroups(names)) => {
            for template in names {
                let Some(name) = template.literal().map(String::from) else { continue };
                let mut settled = name.clone();
                groups.settle(&mut settled);
                if settled != name {
                    *template = Template::new(settled.replace('@', "@@"));
                }
            }
        }
        Condition::Atom(_) => {}
    }
}

fn settle_applies_to(applies_to: &mut AppliesTo, users: &Present, sources: &Present, domains: &Present) {
    if let AppliesTo::Any(selectors) = applies_to {
        selectors.iter_mut().for_each(|selector| settle_selector(selector, users, sources, domains));
    }
}

fn settle_selector(selector: &mut Selector, users: &Present, sources: &Present, domains: &Present) {
    users.settle_globs(selector.owners.as_mut());
    domains.settle_globs(selector.domains.as_mut());
    for name in selector.data_sources.iter_mut().flatten() {
        sources.settle(name);
    }
    for except in &mut selector.except {
        settle_selector(except, users, sources, domains);
    }
    if *selector == Selector::default() {
        selector.names = Some(vec!["*".to_owned()]);
    }
}

fn settle_sources(catalog: &mut Catalog, users: &Present) {
    let policies = Present::of(catalog.policies.iter().map(|policy| &policy.name));
    let subscription = catalog.policies.iter().map(|policy| (&policy.name, &policy.applies_to));
    let masking = catalog.data_policies.iter().map(|policy| (&policy.name, &policy.applies_to));
    let opt_in: BTreeSet<&String> = subscription
        .chain(masking)
        .filter(|(_, applies_to)| **applies_to == AppliesTo::OptIn)
        .map(|(name, _)| name)
        .collect();
    for source in &mut catalog.data_sources {
        users.settle_set(&mut source.spec.owners);
        source.spec.opt_in_policies.retain(|name| opt_in.contains(name));
        match &mut source.spec.level_choice {
            Some(choice) if !policies.0.is_empty() => policies.settle(choice),
            choice => *choice = None,
        }
    }
}

fn settle_requests(catalog: &mut Catalog, users: &Present, sources: &Present) {
    let columns_of = |source: &str| -> Vec<String> {
        let mut found = catalog.data_sources.iter().filter(|known| known.name == source);
        found.next().into_iter().flat_map(|s| s.columns.iter().map(|column| column.name.clone())).collect()
    };
    for product in &mut catalog.data_products {
        users.settle(&mut product.spec.created_by);
        product.spec.data_sources.retain(|asset| sources.0.contains(&asset.name));
        for asset in &mut product.spec.data_sources {
            let columns = columns_of(&asset.name);
            if let Some(kept) = &mut asset.columns {
                kept.retain(|column| columns.contains(column));
            }
        }
    }
    let products = Present::of(catalog.data_products.iter().map(|product| &product.name));
    for request in &mut catalog.requests {
        let request = &mut request.spec;
        users.settle(&mut request.user);
        if let Some(requester) = &mut request.requester {
            users.settle(requester);
        }
        if let Target::DataProduct(name) = &mut request.target {
            if products.0.is_empty() || request.kind == RequestType::MaskingException {
                request.target = Target::DataSource(name.clone());
            } else {
                products.settle(name);
            }
        }
        // Columns of a data access request are a warning only, and mean nothing.
        if let Target::DataSource(name) = &mut request.target {
            sources.settle(name);
            let columns = columns_of(name);
            request.columns.retain(|column| columns.contains(column));
            if request.kind == RequestType::MaskingException && request.columns.is_empty() {
                match columns.first() {
                    Some(column) => drop(request.columns.insert(column.clone())),
                    None => request.kind = RequestType::DataAccess,
                }
            }
        } else {
            request.columns.clear();
        }
    }
}

/// Declares the tags in use, and no others.
fn declare_tags(catalog: &mut Catalog) {
    fn of_selectors<'a>(selectors: &'a [Selector], tags: &mut BTreeSet<&'a String>) {
        for selector in selectors {
            tags.extend(selector.tagged.iter().chain(&selector.columns_tagged).flatten());
            of_selectors(&selector.except, tags);
        }
    }
    let mut tags = BTreeSet::new();
    for source in &catalog.data_sources {
        tags.extend(source.tags.iter().chain(source.columns.iter().flat_map(|column| &column.tags)));
    }
    for policy in &catalog.data_policies {
        tags.extend(&policy.columns.tagged);
    }
    let scopes = catalog.policies.iter().map(|policy| &policy.applies_to);
    for applies_to in scopes.chain(catalog.data_policies.iter().map(|policy| &policy.applies_to)) {
        if let AppliesTo::Any(selectors) = applies_to {
            of_selectors(selectors, &mut tags);
        }
    }
    let declare = |name: &String| Declared::new(Tag { name: name.clone(), description: None }, "world.json");
    catalog.tags = tags.into_iter().map(declare).collect();
}
