//! The entities: users, groups and data sources with the attributes that the policies read.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::condition::Template;
use domesday_model::{
    ALL_USERS, DataSourceStatus, LevelKind, PolicyKind, PolicyState, ProductStatus, RequestType, Scope,
    Snapshot, SnapshotDataSource, TagIx, Target, UserIx, UserStatus, dotted_ancestors,
};
use serde_json::{Map, Value, json};

use crate::conditions::{TemplateOwner, Templates, accepted, has_any, resolve, template_owner};
use crate::policies::applies;

pub(crate) fn entities(snapshot: &Snapshot, templates: &Templates) -> Value {
    let mut list: Vec<Value> = snapshot
        .groups
        .iter()
        .map(|group| json!({ "uid": uid("Group", &group.name), "attrs": {}, "parents": [] }))
        .collect();
    let covered = covered_sources(snapshot);
    list.extend(
        (0..snapshot.users.len()).map(|position| user(snapshot, templates, UserIx::at(position), &covered)),
    );
    list.extend(snapshot.data_sources.iter().map(|source| data_source(snapshot, templates, source)));
    Value::Array(list)
}

fn uid(kind: &str, id: &str) -> Value {
    json!({ "type": format!("Domesday::{kind}"), "id": id })
}

fn entity_reference(kind: &str, id: &str) -> Value {
    json!({ "__entity": uid(kind, id) })
}

fn user(snapshot: &Snapshot, templates: &Templates, ix: UserIx, covered: &Covered<'_>) -> Value {
    let user = &snapshot.users[ix.get()];
    let groups: Vec<&str> =
        user.groups.iter().map(|group| &*snapshot.groups[group.get()].name).chain([ALL_USERS]).collect();
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in snapshot.attributes_of(ix) {
        values.entry(snapshot.symbols.text(key)).or_default().insert(snapshot.symbols.text(value));
    }
    let sources = |product_only: bool, scope: Scope| -> Vec<Value> {
        let covered = covered.get(&*user.username).into_iter().flatten();
        let names: BTreeSet<&str> = covered
            .filter(|cover| (!product_only || cover.product) && (scope == Scope::Read || cover.write))
            .map(|cover| cover.source)
            .collect();
        names.into_iter().map(|name| entity_reference("DataSource", name)).collect()
    };
    let mut attrs = Map::new();
    attrs.insert("active".into(), (user.status == UserStatus::Active).into());
    attrs.insert("groups".into(), json!(groups));
    attrs.insert("values".into(), json!(values));
    attrs.insert("coveredRead".into(), sources(false, Scope::Read).into());
    attrs.insert("coveredWrite".into(), sources(false, Scope::Write).into());
    attrs.insert("productRead".into(), sources(true, Scope::Read).into());
    attrs.insert("productWrite".into(), sources(true, Scope::Write).into());
    for ((text, wanted), number) in &templates.by_use {
        let template = Template::new(text.as_str());
        if template_owner(&template) == TemplateOwner::User
            && let Some(text) = resolve(snapshot, &template, None, Some(user))
        {
            attrs.insert(format!("resolved{number}"), json!(accepted(&text, wanted)));
        }
    }
    let parents: Vec<_> = groups.iter().map(|group| uid("Group", group)).collect();
    json!({ "uid": uid("User", &user.username), "attrs": attrs, "parents": parents })
}

fn data_source(snapshot: &Snapshot, templates: &Templates, source: &SnapshotDataSource) -> Value {
    let mut attrs = Map::new();
    attrs.insert("enabled".into(), (source.status == DataSourceStatus::Enabled).into());
    attrs.insert("name".into(), json!(source.name));
    attrs.insert("platform".into(), json!(source.platform));
    let domain = source.domain.map(|domain| snapshot.domains[domain.get()].spec.name.as_str());
    let fields = [
        ("host", source.host.as_deref()),
        ("database", source.database.as_deref()),
        ("schema", source.schema.as_deref()),
        ("table", source.table.as_deref()),
        ("domain", domain),
    ];
    for (name, text) in fields {
        if let Some(text) = text {
            attrs.insert(name.into(), text.into());
        }
    }
    let owners =
        source.owners.iter().map(|owner| entity_reference("User", &snapshot.users[owner.get()].username));
    attrs.insert("owners".into(), owners.collect());
    attrs.insert("tags".into(), json!(with_ancestors(snapshot, source.tags.iter())));
    let columns = &snapshot.columns[source.columns.start as usize..source.columns.end as usize];
    let column_tags = columns.iter().flat_map(|column| column.tags.iter());
    attrs.insert("columnTags".into(), json!(with_ancestors(snapshot, column_tags)));
    let opted =
        source.opt_in_policies.iter().map(|policy| snapshot.policies[policy.get()].spec.name.as_str());
    attrs.insert("optIn".into(), json!(opted.collect::<BTreeSet<_>>()));
    attrs.insert("silenced".into(), json!(silenced_grants(snapshot, source)));
    for ((text, wanted), number) in &templates.by_use {
        let template = Template::new(text.as_str());
        let attribute = format!("resolved{number}");
        match template_owner(&template) {
            TemplateOwner::Nobody | TemplateOwner::User => {}
            TemplateOwner::DataSource => {
                if let Some(text) = resolve(snapshot, &template, Some(source), None) {
                    attrs.insert(attribute, json!(accepted(&text, wanted)));
                }
            }
            TemplateOwner::Both => {
                let holds = |user: &UserIx| {
                    let text = resolve(snapshot, &template, Some(source), Some(&snapshot.users[user.get()]));
                    text.is_some_and(|text| has_any(snapshot, *user, wanted, &accepted(&text, wanted)))
                };
                let users = (0..snapshot.users.len()).map(UserIx::at).filter(holds);
                let users = users.map(|user| entity_reference("User", &snapshot.users[user.get()].username));
                attrs.insert(attribute, users.collect());
            }
        }
    }
    json!({ "uid": uid("DataSource", &source.name), "attrs": attrs, "parents": [] })
}

/// Returns tags with all their ancestors.
fn with_ancestors<'a>(snapshot: &'a Snapshot, tags: impl Iterator<Item = &'a TagIx>) -> BTreeSet<&'a str> {
    tags.map(|tag| snapshot.tags[tag.get()].spec.name.as_str())
        .flat_map(|name| std::iter::once(name).chain(dotted_ancestors(name)))
        .collect()
}

/// A data source that a request covers for a user.
struct Cover<'s> {
    source: &'s str,
    product: bool,
    write: bool,
}

type Covered<'s> = BTreeMap<&'s str, Vec<Cover<'s>>>;

/// Finds the data sources that requests cover, by username (`docs/access.md` rule 3).
fn covered_sources(snapshot: &Snapshot) -> Covered<'_> {
    let mut covered = Covered::new();
    for request in &snapshot.requests {
        if request.kind != RequestType::DataAccess || !request.is_in_force(snapshot.at) {
            continue;
        }
        let write = request.scope == Scope::Write;
        let of_user = covered.entry(&request.user).or_default();
        match &request.target {
            Target::DataSource(source) => of_user.push(Cover { source, product: false, write }),
            Target::DataProduct(name) => {
                let product =
                    snapshot.data_product(name).filter(|p| p.spec.status == ProductStatus::Published);
                for asset in product.into_iter().flat_map(|product| &product.spec.data_sources) {
                    of_user.push(Cover { source: &asset.name, product: true, write });
                }
            }
        }
    }
    covered
}

/// Returns the names of the grants that a conflict of levels silences at a source (`docs/access.md` rule 2).
fn silenced_grants<'s>(snapshot: &'s Snapshot, source: &SnapshotDataSource) -> BTreeSet<&'s str> {
    let mut silenced = BTreeSet::new();
    let strictness = |level: LevelKind| match level {
        LevelKind::Individuals => 3,
        LevelKind::Approval => 2,
        LevelKind::Anyone => 1,
        LevelKind::Entitlements => 0,
    };
    for scope in Scope::ALL {
        let rivals: Vec<_> = snapshot
            .policies
            .iter()
            .map(|policy| &policy.spec)
            .filter(|policy| policy.kind == PolicyKind::Grant && policy.state == PolicyState::Active)
            .filter(|policy| policy.scope == scope && policy.level.kind() != LevelKind::Entitlements)
            .filter(|policy| !policy.applies_to.is_local() && applies(snapshot, policy, source))
            .collect();
        let choice = source.level_choice.map(|choice| &snapshot.policies[choice.get()].spec.name);
        let chosen =
            rivals.iter().find(|policy| Some(&policy.name) == choice).map(|policy| policy.level.kind());
        let strictest =
            rivals.iter().map(|policy| policy.level.kind()).max_by_key(|level| strictness(*level));
        let wins = chosen.or(strictest);
        silenced.extend(rivals.iter().filter(|p| Some(p.level.kind()) != wins).map(|p| p.name.as_str()));
    }
    silenced
}
