//! Random small worlds: valid catalogs whose names come from pools so small that everything meets everything.
//!
//! Strategies draw names freely from the pools, without asking what else is in the world; [`settle`] then
//! turns references to absent things into references to present ones. So there are no chains of dependent
//! strategies, and a failing world shrinks part by part.

use std::collections::BTreeSet;
use std::fmt::Debug;

use domesday_model::condition::{Atom, Condition, TagTarget, Template};
use domesday_model::{
    AppliesTo, Attributes, Catalog, Column, ColumnSelector, DataPolicy, DataProduct, DataSource,
    DataSourceStatus, Declared, Domain, Group, Individuals, Instant, Level, Mask, Policy, PolicyKind,
    PolicyState, ProductAsset, ProductStatus, Request, RequestStatus, RequestType, Scope, Selector, Target,
    User, UserStatus,
};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::pools::{
    COLUMNS, DATA_POLICIES, DOMAINS, GROUP_TEMPLATES, GROUPS, HELD_VALUES, KEYS, POLICIES, PRODUCTS,
    REQUESTS, SELECTOR_KEYS, SOURCES, SelectorKey, TAGS, USERS, VALUE_TEMPLATES,
};
use super::print::Printed;
use super::settle::settle;

/// The instant of every world.
pub(crate) fn at() -> Instant {
    Instant::from_micros(1_767_225_600_000_000)
}

/// A valid catalog of one to six users, one to five data sources and what governs them.
pub(crate) fn world() -> impl Strategy<Value = Printed> {
    let people = (parts(GROUPS, 0.7, group()), parts(USERS, 0.6, user()));
    let assets = (parts(SOURCES, 0.5, source()), parts(PRODUCTS, 0.6, product()));
    let rules = (vec(policy(), 0..=POLICIES.len()), vec(data_policy(), 0..=DATA_POLICIES.len()));
    (people, assets, rules, vec(request(), 0..=REQUESTS.len())).prop_map(
        |((groups, users), (sources, products), (policies, data_policies), requests)| {
            let domain = |name: &str| Domain { name: name.into(), description: None, permissions: vec![] };
            let mut catalog = Catalog {
                groups: named(&GROUPS, groups, |group, name| group.name = name),
                users: named(&USERS, users, |user, name| user.username = name),
                domains: declared(DOMAINS.map(domain)),
                data_sources: named(&SOURCES, sources, |source, name| source.name = name),
                data_products: named(&PRODUCTS, products, |product, name| product.name = name),
                policies: named(&POLICIES, present(policies), |policy, name| policy.name = name),
                data_policies: named(&DATA_POLICIES, present(data_policies), |p, name| p.name = name),
                requests: named(&REQUESTS, present(requests), |request, name| request.id = name),
                ..Catalog::default()
            };
            settle(&mut catalog);
            Printed(catalog)
        },
    )
}

/// One optional part for each name, so that what remains keeps its name while others shrink away.
fn parts<T: Clone + Debug, const N: usize>(
    names: [&'static str; N],
    probability: f64,
    part: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<Option<T>>> {
    vec(weighted(probability, part), names.len())
}

fn present<T>(parts: Vec<T>) -> Vec<Option<T>> {
    parts.into_iter().map(Some).collect()
}

fn named<T>(names: &[&str], parts: Vec<Option<T>>, name: fn(&mut T, String)) -> Vec<Declared<T>> {
    let named = names.iter().zip(parts).filter_map(|(text, part)| {
        let mut part = part?;
        name(&mut part, (*text).to_owned());
        Some(part)
    });
    declared(named)
}

fn declared<T>(specs: impl IntoIterator<Item = T>) -> Vec<Declared<T>> {
    specs.into_iter().map(|spec| Declared::new(spec, "world.json")).collect()
}

/// Between `from` and `to` of the names in the pool, as any collection.
fn some<C: FromIterator<String> + Debug>(
    pool: &'static [&'static str],
    from: usize,
    to: usize,
) -> impl Strategy<Value = C> {
    subsequence(pool, from..=to).prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn one(pool: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(pool).prop_map(str::to_owned)
}

fn maybe(probability: f64, pool: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    weighted(probability, one(pool))
}

/// `usual`, or one of the others, each tenth to fifth time.
fn mostly<T: Clone + Debug + 'static>(usual: T, others: Vec<T>) -> impl Strategy<Value = T> {
    prop_oneof![8 => Just(usual), 2 => select(others)]
}

fn attributes() -> impl Strategy<Value = Attributes> {
    (some(&HELD_VALUES, 0, 2), some(&HELD_VALUES, 0, 1)).prop_map(|(region, clearance)| {
        let entries = KEYS.map(str::to_owned).into_iter().zip([region, clearance]);
        entries.filter(|(_, values): &(_, BTreeSet<_>)| !values.is_empty()).collect()
    })
}

fn group() -> impl Strategy<Value = Group> {
    attributes().prop_map(|attributes| Group { name: String::new(), description: None, attributes })
}

fn user() -> impl Strategy<Value = User> {
    const MEMBERSHIPS: [&str; 7] = ["PII", "FIN.GL", "ada", "okta", "@tables", "ops@eu", "All Users"];
    let status = mostly(UserStatus::Active, vec![UserStatus::Disabled]);
    (status, one(&["builtin", "okta"]), some(&MEMBERSHIPS, 0, 3), attributes()).prop_map(
        |(status, identity_provider, groups, attributes)| User {
            status,
            identity_provider,
            groups,
            attributes,
            ..User::named("")
        },
    )
}

fn source() -> impl Strategy<Value = DataSource> {
    const OPT_IN: [&str; 8] = ["P9", "P8", "P7", "P6", "P5", "M9", "P4", "M7"];
    let place = (
        one(&["snowflake", "postgres"]),
        maybe(0.7, &["okta", "h.eu"]),
        maybe(0.7, &["FIN", "PII"]),
        maybe(0.7, &["GL", "PII", ""]),
        maybe(0.7, &["ada", "T_1", "ops"]),
    );
    let governance = (
        maybe(0.6, &DOMAINS),
        some(&USERS, 0, 2),
        mostly(DataSourceStatus::Enabled, vec![DataSourceStatus::Disabled]),
        some(&TAGS, 0, 2),
        some(&OPT_IN, 0, 8),
        maybe(0.8, &POLICIES),
    );
    (place, governance, parts(COLUMNS, 0.5, some(&TAGS, 0, 2))).prop_map(|(place, governance, columns)| {
        let (platform, host, database, schema, table) = place;
        let (domain, owners, status, tags, opt_in_policies, level_choice) = governance;
        let column = |(name, tags): (&str, Option<_>)| {
            Some(Column {
                name: name.to_owned(),
                data_type: "STRING".to_owned(),
                nullable: true,
                tags: tags?,
                description: None,
            })
        };
        let columns = COLUMNS.into_iter().zip(columns).filter_map(column).collect();
        let (name, created_at) = (String::new(), None);
        DataSource {
            name,
            platform,
            host,
            database,
            schema,
            table,
            domain,
            owners,
            status,
            tags,
            columns,
            opt_in_policies,
            level_choice,
            created_at,
        }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let target = || select(&TagTarget::ALL[..]);
    let in_groups = vec(one(&GROUP_TEMPLATES).prop_map(Template::new), 1..=2);
    let atom = prop_oneof![
        3 => in_groups.prop_map(Atom::InGroups),
        4 => (one(&KEYS), one(&VALUE_TEMPLATES))
            .prop_map(|(key, value)| Atom::HasAttribute { key, value: Template::new(value) }),
        2 => (one(&KEYS), target()).prop_map(|(key, target)| Atom::HasTagAsAttribute { key, target }),
        2 => target().prop_map(|target| Atom::HasTagAsGroup { target }),
    ];
    atom.prop_map(Condition::Atom).prop_recursive(3, 6, 3, |inner| {
        let children = || vec(inner.clone(), 2..=3);
        prop_oneof![
            inner.clone().prop_map(Condition::not),
            children().prop_map(Condition::and),
            children().prop_map(Condition::or),
        ]
    })
}

/// A mapping of `appliesTo` with one key or two, rarely with an empty list.
fn selector() -> impl Strategy<Value = Selector> {
    let list = prop_oneof![12 => vec(any::<Index>(), 1..=2), 1 => Just(vec![])];
    let key = (0..SELECTOR_KEYS.len(), list);
    vec(key, 1..=2).prop_map(|keys| {
        let mut selector = Selector::default();
        for (key, entries) in keys {
            let SelectorKey { field, pool, .. } = &SELECTOR_KEYS[key];
            let entries = entries.into_iter().map(|entry| pool[entry.index(pool.len())].to_owned());
            *field(&mut selector) = Some(entries.collect());
        }
        selector
    })
}

fn applies_to() -> impl Strategy<Value = AppliesTo> {
    let sources = || {
        prop_oneof![12 => some(&SOURCES, 1, 3), 1 => Just(vec![])]
            .prop_map(|names| Selector { data_sources: Some(names), ..Selector::default() })
    };
    let except = vec(prop_oneof![4 => selector(), 1 => sources()], 0..=2);
    let excepting = (weighted(0.7, selector()), except)
        .prop_map(|(selector, except)| Selector { except, ..selector.unwrap_or_default() });
    // Named, and selected by a property as well: global, and both must hold.
    let both = (sources(), selector())
        .prop_map(|(named, selector)| Selector { data_sources: named.data_sources, ..selector });
    prop_oneof![
        8 => Just(AppliesTo::All),
        2 => Just(AppliesTo::OptIn),
        2 => selector().prop_map(|selector| AppliesTo::Any(vec![selector])),
        1 => both.prop_map(|selector| AppliesTo::Any(vec![selector])),
        2 => excepting.prop_map(|selector| AppliesTo::Any(vec![selector])),
        2 => vec(sources(), 1..=2).prop_map(AppliesTo::Any),
        2 => vec(prop_oneof![selector(), sources()], 0..=2).prop_map(AppliesTo::Any),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    const NAMED: [&str; 3] = ["PII", "okta", "All Users"];
    let entitlements = || condition().prop_map(|condition| Level::Entitlements { condition });
    let individuals = || {
        (some(&USERS, 0, 3), some(&NAMED, 0, 1))
            .prop_map(|(users, groups)| Level::Individuals { individuals: Individuals { users, groups } })
    };
    let grant = prop_oneof![
        4 => entitlements(),
        3 => individuals(),
        3 => Just(Level::Anyone),
        4 => Just(Level::Approval),
    ];
    let guardrail = prop_oneof![3 => entitlements(), 1 => individuals()];
    let decision = prop_oneof![
        5 => grant.prop_map(|level| (PolicyKind::Grant, level)),
        2 => guardrail.prop_map(|level| (PolicyKind::Guardrail, level)),
    ];
    let scope = prop_oneof![3 => Just(Scope::Read), 2 => Just(Scope::Write)];
    let state = mostly(PolicyState::Active, vec![PolicyState::Staged, PolicyState::Disabled]);
    (decision, scope, applies_to(), state).prop_map(|((kind, level), scope, applies_to, state)| Policy {
        name: String::new(),
        kind,
        scope,
        level,
        applies_to,
        owner: None,
        state,
        created_at: None,
    })
}

fn data_policy() -> impl Strategy<Value = DataPolicy> {
    let columns = (some(&TAGS, 0, 2), some(&["email*", "i?", "*", "email", "ID"], 0, 2))
        .prop_map(|(tagged, names)| ColumnSelector { tagged, names });
    let state = mostly(PolicyState::Active, vec![PolicyState::Staged, PolicyState::Disabled]);
    (columns, applies_to(), weighted(0.7, condition()), state).prop_map(
        |(columns, applies_to, except, state)| DataPolicy {
            name: String::new(),
            mask: Mask::Null,
            columns,
            applies_to,
            except,
            state,
            owner: None,
            created_at: None,
        },
    )
}

fn product() -> impl Strategy<Value = DataProduct> {
    let assets = (some::<Vec<_>>(&SOURCES, 0, 4), weighted(0.3, some::<Vec<_>>(&COLUMNS, 0, 2)));
    let status = prop_oneof![3 => Just(ProductStatus::Published), 1 => Just(ProductStatus::Suspended)];
    (assets, status, one(&USERS)).prop_map(|((sources, columns), status, created_by)| DataProduct {
        name: String::new(),
        description: None,
        domains: [].into(),
        sme: None,
        created_by,
        status,
        data_sources: sources
            .into_iter()
            .map(|name| ProductAsset { name, columns: columns.clone() })
            .collect(),
        form: None,
        agreements: [].into(),
    })
}

fn request() -> impl Strategy<Value = Request> {
    use RequestStatus::{Approved, Canceled, Denied, Pending, Revoked};
    let kind = prop_oneof![2 => Just(RequestType::DataAccess), 1 => Just(RequestType::MaskingException)];
    let target = prop_oneof![
        one(&SOURCES).prop_map(Target::DataSource),
        one(&PRODUCTS).prop_map(Target::DataProduct),
    ];
    let scope = prop_oneof![Just(Scope::Read), Just(Scope::Write)];
    let what = (kind, target, scope, some(&COLUMNS, 0, 2));
    // A few users ask for much, so that several requests stand behind one access.
    let user = prop_oneof![3 => one(&["zoe", "ada"]), 1 => one(&USERS)];
    let who = (user, weighted(0.2, one(&USERS)));
    let status = mostly(Approved, vec![Pending, Denied, Canceled, Revoked]);
    // Ends before, at and after the instant of the world; made before or after it, which says nothing.
    let end = weighted(0.7, select(&[-86_400_000_000, -1, 0, 1, 86_400_000_000, 86_400_000_000][..]));
    let from_at = |offset: i64| Instant::from_micros(at().as_micros() + offset);
    let made = select(&[-172_800_000_000, 172_800_000_000][..]);
    (what, who, status, end, made).prop_map(move |(what, (user, requester), status, end, made)| {
        let (kind, target, scope, columns) = what;
        Request {
            id: String::new(),
            kind,
            user,
            requester,
            target,
            columns,
            scope,
            status,
            answers: [].into(),
            created_at: from_at(made),
            updated_at: None,
            expires_at: end.map(from_at),
            determinations: vec![],
            agreements: vec![],
        }
    })
}
