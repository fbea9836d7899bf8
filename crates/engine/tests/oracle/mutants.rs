//! Worlds with one thing changed: where the rows change too, that thing decided something.
//!
//! Only the oracle sees these worlds, so they need not be valid.

use domesday_model::{
    AppliesTo, Catalog, DataSource, DataSourceStatus, Instant, PolicyState, ProductStatus, RequestStatus,
    RequestType, Scope, Selector, User, UserStatus,
};

use super::evaluate::{applies, evaluate, is_local};
use super::pools::SELECTOR_KEYS;
use super::row::Row;

type Change = fn(&mut Catalog, Instant);

/// Each thing that can decide, and how to take it away.
const CHANGES: [(&str, Change); 26] = [
    ("disabled user", |world, _| users(world, |user| user.status = UserStatus::Active)),
    ("disabled source", |world, _| sources(world, |source| source.status = DataSourceStatus::Enabled)),
    ("staged policy", |world, _| activate(world, PolicyState::Staged)),
    ("disabled policy", |world, _| activate(world, PolicyState::Disabled)),
    ("staged data policy", |world, _| activate_data_policies(world, PolicyState::Staged)),
    ("disabled data policy", |world, _| activate_data_policies(world, PolicyState::Disabled)),
    ("level choice", |world, _| sources(world, |source| source.level_choice = None)),
    ("conflict of levels", |world, _| make_local(world)),
    ("local policy in no conflict", |world, _| make_global(world)),
    ("opt in", |world, _| sources(world, |source| source.opt_in_policies.clear())),
    ("owner", |world, _| sources(world, |source| source.owners.clear())),
    ("attribute of a group", |world, _| {
        world.groups.iter_mut().for_each(|group| group.spec.attributes.clear());
    }),
    ("value *", |world, _| drop_values(world, |value| value == "*")),
    ("value ending in .*", |world, _| drop_values(world, |value| value.ends_with(".*"))),
    ("request expired before", |world, at| extend(world, |end| end < at)),
    ("request expires at the instant", |world, at| extend(world, |end| end == at)),
    ("request still in force", |world, at| {
        for request in world.requests.iter_mut().filter(|request| request.expires_at > Some(at)) {
            request.spec.expires_at = Some(at);
        }
    }),
    ("request not approved", |world, _| {
        world.requests.iter_mut().for_each(|request| request.spec.status = RequestStatus::Approved);
    }),
    ("request of scope read", |world, _| scope_requests(world, Scope::Write)),
    ("request of scope write", |world, _| scope_requests(world, Scope::Read)),
    ("masking exception", |world, _| {
        world.requests.retain(|request| request.kind != RequestType::MaskingException);
    }),
    ("published product", |world, _| set_products(world, ProductStatus::Suspended)),
    ("suspended product", |world, _| set_products(world, ProductStatus::Published)),
    ("columns by tag", |world, _| {
        world.data_policies.iter_mut().for_each(|policy| policy.spec.columns.tagged.clear());
    }),
    ("columns by name", |world, _| {
        world.data_policies.iter_mut().for_each(|policy| policy.spec.columns.names.clear());
    }),
    ("except of a data policy", |world, _| {
        world.data_policies.iter_mut().for_each(|policy| policy.spec.except = None);
    }),
];

/// The things without which the world would have other rows than `rows`.
pub(crate) fn decisive(world: &Catalog, at: Instant, rows: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |name: &str, changed: &Catalog| {
        if changed != world && evaluate(changed, at) != rows {
            found.push(name.to_owned());
        }
    };
    for (name, change) in CHANGES {
        let mut changed = world.clone();
        change(&mut changed, at);
        check(name, &changed);
    }
    for key in SELECTOR_KEYS {
        let mut changed = world.clone();
        selectors(&mut changed, |selector| *(key.field)(selector) = None);
        check(&format!("appliesTo {}", key.name), &changed);
    }
    let mut changed = world.clone();
    selectors(&mut changed, |selector| selector.data_sources = None);
    check("appliesTo dataSources", &changed);
    let mut changed = world.clone();
    selectors(&mut changed, |selector| selector.except.clear());
    check("appliesTo except", &changed);
    let mut changed = world.clone();
    selectors(&mut changed, |selector| {
        for key in SELECTOR_KEYS {
            let list = (key.field)(selector);
            *list = list.take().filter(|list| !list.is_empty());
        }
    });
    check("appliesTo with an empty list", &changed);
    found
}

fn users(world: &mut Catalog, change: fn(&mut User)) {
    world.users.iter_mut().for_each(|user| change(&mut user.spec));
}

fn sources(world: &mut Catalog, change: fn(&mut DataSource)) {
    world.data_sources.iter_mut().for_each(|source| change(&mut source.spec));
}

fn activate(world: &mut Catalog, from: PolicyState) {
    for policy in world.policies.iter_mut().filter(|policy| policy.state == from) {
        policy.spec.state = PolicyState::Active;
    }
}

fn activate_data_policies(world: &mut Catalog, from: PolicyState) {
    for policy in world.data_policies.iter_mut().filter(|policy| policy.state == from) {
        policy.spec.state = PolicyState::Active;
    }
}

/// Makes every policy name the sources it applies to: nothing is left to be in conflict.
fn make_local(world: &mut Catalog) {
    for policy in &mut world.policies {
        let bound =
            world.data_sources.iter().filter(|s| applies(&policy.spec.name, &policy.spec.applies_to, s));
        let names = bound.map(|source| source.name.clone()).collect();
        let selector = Selector { data_sources: Some(names), ..Selector::default() };
        policy.spec.applies_to = AppliesTo::Any(vec![selector]);
    }
}

/// Makes every local policy select the same sources by their names as globs (the pool has no wildcard in it).
fn make_global(world: &mut Catalog) {
    for policy in world.policies.iter_mut().filter(|policy| is_local(&policy.applies_to)) {
        if let AppliesTo::Any(selectors) = &mut policy.spec.applies_to {
            selectors.iter_mut().for_each(|selector| selector.names = selector.data_sources.take());
        }
    }
}

fn drop_values(world: &mut Catalog, unwanted: fn(&str) -> bool) {
    let of_users = world.users.iter_mut().map(|user| &mut user.spec.attributes);
    let of_groups = world.groups.iter_mut().map(|group| &mut group.spec.attributes);
    for values in of_users.chain(of_groups).flat_map(|attributes| attributes.values_mut()) {
        values.retain(|value| !unwanted(value));
    }
}

/// Makes requests endless whose end is such.
fn extend(world: &mut Catalog, such: impl Fn(Instant) -> bool) {
    for request in world.requests.iter_mut().filter(|request| request.expires_at.is_some_and(&such)) {
        request.spec.expires_at = None;
    }
}

fn scope_requests(world: &mut Catalog, scope: Scope) {
    world.requests.iter_mut().for_each(|request| request.spec.scope = scope);
}

fn set_products(world: &mut Catalog, status: ProductStatus) {
    world.data_products.iter_mut().for_each(|product| product.spec.status = status);
}

/// Changes every mapping of every policy, those under `except` left as they are.
fn selectors(world: &mut Catalog, mut change: impl FnMut(&mut Selector)) {
    let subscription = world.policies.iter_mut().map(|policy| &mut policy.spec.applies_to);
    let masking = world.data_policies.iter_mut().map(|policy| &mut policy.spec.applies_to);
    for applies_to in subscription.chain(masking) {
        if let AppliesTo::Any(selectors) = applies_to {
            selectors.iter_mut().for_each(&mut change);
        }
    }
}
