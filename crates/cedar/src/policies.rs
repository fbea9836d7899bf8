//! The policies, and the data sources to which each applies.

use std::fmt::Write;

use domesday_model::{
    AppliesTo, Individuals, Level, Policy, PolicyKind, PolicyState, Scope, Selector, Snapshot,
    SnapshotDataSource, dotted_ancestors, glob_matches,
};

use crate::conditions::{Templates, expression};
use crate::literals::{entity, like, set, string};

/// What ownership, products and status decide, whatever the policies say (`docs/access.md` rules 5 and 7).
const RIGHTS: &str = r#"
@id("owner") @kind("right")
permit (principal, action, resource) when { resource.owners.contains(principal) };

@id("product-read") @kind("right")
permit (principal, action == Domesday::Action::"Read", resource)
when { principal.productRead.contains(resource) };

@id("product-write") @kind("right")
permit (principal, action == Domesday::Action::"Write", resource)
when { principal.productWrite.contains(resource) };

@id("disabled-user") @kind("status")
forbid (principal, action, resource) unless { principal.active };

@id("disabled-source") @kind("status")
forbid (principal, action, resource) unless { resource.enabled };
"#;

pub(crate) fn policies(snapshot: &Snapshot, templates: &Templates) -> String {
    let mut text = RIGHTS.trim_start().to_owned();
    for record in snapshot.policies.iter().filter(|policy| policy.spec.state == PolicyState::Active) {
        let policy = &record.spec;
        let kind = match policy.kind {
            PolicyKind::Grant => "grant",
            PolicyKind::Guardrail => "guardrail",
        };
        let _ = write!(
            text,
            "\n@id(\"policy-{}\") @name({}) @kind(\"{kind}\")\n",
            record.id,
            string(&policy.name)
        );
        let target = selection_expression(snapshot, policy);
        match policy.kind {
            PolicyKind::Grant => {
                let action = if policy.scope == Scope::Read { READ } else { READ_AND_WRITE };
                let silenced = format!("!resource.silenced.contains({})", string(&policy.name));
                for (scope, action) in actions(policy, action) {
                    let admits = admission_expression(snapshot, templates, policy, scope);
                    let _ = write!(
                        text,
                        "permit (principal, {action}, resource)\nwhen {{ {target} }}\nwhen {{ {silenced} }}\nwhen {{ {admits} }};\n"
                    );
                }
            }
            PolicyKind::Guardrail => {
                let action = if policy.scope == Scope::Read { READ_AND_WRITE } else { WRITE };
                let admits = admission_expression(snapshot, templates, policy, policy.scope);
                let _ = write!(
                    text,
                    "forbid (principal, {action}, resource)\nwhen {{ {target} }}\nunless {{ {admits} }};\n"
                );
            }
        }
    }
    text
}

const READ: &str = "action == Domesday::Action::\"Read\"";
const WRITE: &str = "action == Domesday::Action::\"Write\"";
const READ_AND_WRITE: &str = "action in [Domesday::Action::\"Read\", Domesday::Action::\"Write\"]";

/// Returns the scopes and actions of a policy. A grant by approval reads another attribute in each scope; every other
/// level is one policy.
fn actions(policy: &Policy, action: &'static str) -> Vec<(Scope, &'static str)> {
    match (&policy.level, policy.scope) {
        (Level::Approval, Scope::Write) => vec![(Scope::Read, READ), (Scope::Write, WRITE)],
        _ => vec![(policy.scope, action)],
    }
}

/// Translates whom a policy admits in a scope (`docs/access.md` rule 4).
fn admission_expression(snapshot: &Snapshot, templates: &Templates, policy: &Policy, scope: Scope) -> String {
    match &policy.level {
        Level::Anyone => "true".to_owned(),
        Level::Approval => match scope {
            Scope::Read => "principal.coveredRead.contains(resource)".to_owned(),
            Scope::Write => "principal.coveredWrite.contains(resource)".to_owned(),
        },
        Level::Entitlements { condition } => expression(snapshot, templates, condition),
        Level::Individuals { individuals: Individuals { users, groups } } => {
            let users = users.iter().map(|user| format!("principal == {}", entity("User", user)));
            let groups = groups.iter().map(|group| format!("principal in {}", entity("Group", group)));
            users.chain(groups).collect::<Vec<_>>().join(" || ")
        }
    }
}

/// Translates to which data sources a policy applies.
fn selection_expression(snapshot: &Snapshot, policy: &Policy) -> String {
    match &policy.applies_to {
        AppliesTo::All => "true".to_owned(),
        AppliesTo::OptIn => format!("resource.optIn.contains({})", string(&policy.name)),
        AppliesTo::Any(selectors) => any_selector(snapshot, selectors),
    }
}

fn any_selector(snapshot: &Snapshot, selectors: &[Selector]) -> String {
    match selectors {
        [] => "false".to_owned(),
        [one] => selector_expression(snapshot, one),
        many => many
            .iter()
            .map(|one| format!("({})", selector_expression(snapshot, one)))
            .collect::<Vec<_>>()
            .join(" || "),
    }
}

fn selector_expression(snapshot: &Snapshot, selector: &Selector) -> String {
    let mut parts = Vec::new();
    let tags = [("tags", &selector.tagged), ("columnTags", &selector.columns_tagged)];
    for (attribute, wanted) in tags {
        match wanted.as_deref() {
            None => {}
            Some([]) => parts.push("false".to_owned()),
            Some(names) => {
                parts.push(format!(
                    "resource.{attribute}.containsAny({})",
                    set(names.iter().map(String::as_str))
                ));
            }
        }
    }
    let domains: Vec<&str> = snapshot.domains.iter().map(|domain| domain.spec.name.as_str()).collect();
    let of = |field: fn(&SnapshotDataSource) -> Option<&str>| -> Vec<&str> {
        snapshot.data_sources.iter().filter_map(field).collect()
    };
    let fields = [
        ("platform", false, &selector.platforms, of(|source| Some(&source.platform))),
        ("name", false, &selector.names, of(|source| Some(&source.name))),
        ("domain", true, &selector.domains, domains),
        ("host", true, &selector.hosts, of(|source| source.host.as_deref())),
        ("database", true, &selector.databases, of(|source| source.database.as_deref())),
        ("schema", true, &selector.schemas, of(|source| source.schema.as_deref())),
        ("table", true, &selector.tables, of(|source| source.table.as_deref())),
    ];
    for (attribute, optional, patterns, known) in fields {
        let Some(patterns) = patterns else { continue };
        let there = if optional { format!("resource has {attribute} && ") } else { String::new() };
        let matches =
            patterns.iter().map(|pattern| glob_expression(&format!("resource.{attribute}"), pattern, &known));
        let matches: Vec<_> = matches.collect();
        let matches = if matches.is_empty() { "false".to_owned() } else { matches.join(" || ") };
        parts.push(format!("{there}({matches})"));
    }
    if let Some(patterns) = &selector.owners {
        let matching = |username: &&str| patterns.iter().any(|pattern| glob_matches(pattern, username));
        let names = snapshot.users.iter().map(|user| &*user.username).filter(matching);
        let owners: Vec<_> = names.map(|name| entity("User", name)).collect();
        parts.push(if owners.is_empty() {
            "false".to_owned()
        } else {
            format!("resource.owners.containsAny([{}])", owners.join(", "))
        });
    }
    if let Some(names) = &selector.data_sources {
        let names: Vec<_> =
            names.iter().map(|name| format!("resource == {}", entity("DataSource", name))).collect();
        parts.push(if names.is_empty() { "false".to_owned() } else { format!("({})", names.join(" || ")) });
    }
    if !selector.except.is_empty() {
        parts.push(format!("!({})", any_selector(snapshot, &selector.except)));
    }
    if parts.is_empty() { "true".to_owned() } else { parts.join(" && ") }
}

/// Translates a glob over a field. Cedar's `like` has no `?`, so a pattern with one lists what it matches today.
fn glob_expression(field: &str, pattern: &str, known: &[&str]) -> String {
    if !pattern.contains('?') {
        return if pattern.contains('*') {
            format!("{field} like {}", like(pattern))
        } else {
            format!("{field} == {}", string(pattern))
        };
    }
    let mut matching: Vec<_> = known.iter().copied().filter(|text| glob_matches(pattern, text)).collect();
    matching.sort_unstable();
    matching.dedup();
    if matching.is_empty() { "false".to_owned() } else { format!("{}.contains({field})", set(matching)) }
}

/// Whether a policy applies to a data source, evaluated here for what Cedar cannot express (`docs/access.md` rule 2).
pub(crate) fn applies(snapshot: &Snapshot, policy: &Policy, source: &SnapshotDataSource) -> bool {
    match &policy.applies_to {
        AppliesTo::All => true,
        AppliesTo::OptIn => {
            source.opt_in_policies.iter().any(|opted| snapshot.policies[opted.get()].spec.name == policy.name)
        }
        AppliesTo::Any(selectors) => {
            selectors.iter().any(|selector| selector_matches(snapshot, selector, source))
        }
    }
}

fn selector_matches(snapshot: &Snapshot, selector: &Selector, source: &SnapshotDataSource) -> bool {
    let names = |tags: &[domesday_model::TagIx]| -> Vec<String> {
        let names = tags.iter().map(|tag| &snapshot.tags[tag.get()].spec.name);
        names.flat_map(|name| dotted_ancestors(name).chain([name.as_str()]).map(str::to_owned)).collect()
    };
    let any_tag = |wanted: &Option<Vec<String>>, held: Vec<String>| {
        wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|name| held.contains(name)))
    };
    let any_glob = |patterns: &Option<Vec<String>>, texts: &[&str]| {
        patterns.as_ref().is_none_or(|patterns| {
            patterns.iter().any(|pattern| texts.iter().any(|text| glob_matches(pattern, text)))
        })
    };
    let columns = &snapshot.columns[source.columns.start as usize..source.columns.end as usize];
    let column_tags: Vec<_> = columns.iter().flat_map(|column| column.tags.iter().copied()).collect();
    let owners: Vec<&str> =
        source.owners.iter().map(|owner| &*snapshot.users[owner.get()].username).collect();
    let domain = source.domain.map(|domain| snapshot.domains[domain.get()].spec.name.as_str());
    any_tag(&selector.tagged, names(&source.tags))
        && any_tag(&selector.columns_tagged, names(&column_tags))
        && any_glob(&selector.domains, domain.as_slice())
        && any_glob(&selector.owners, &owners)
        && any_glob(&selector.platforms, &[&source.platform])
        && any_glob(&selector.hosts, source.host.as_deref().as_slice())
        && any_glob(&selector.databases, source.database.as_deref().as_slice())
        && any_glob(&selector.schemas, source.schema.as_deref().as_slice())
        && any_glob(&selector.tables, source.table.as_deref().as_slice())
        && any_glob(&selector.names, &[&source.name])
        && selector.data_sources.as_ref().is_none_or(|names| names.iter().any(|name| **name == *source.name))
        && !selector.except.iter().any(|except| selector_matches(snapshot, except, source))
}
