//! Conditions on users as Cedar expressions.
//!
//! Cedar cannot join strings, so a template with variables becomes an attribute: of the data source when its text depends
//! on the data source only, of the user when it depends on the user only. Where it depends on both, the data source lists
//! the users for whom the atom holds.

use std::collections::BTreeMap;

use domesday_model::condition::{Atom, TagTarget, Template, Variable};
use domesday_model::{
    ALL_USERS, Condition, Level, Snapshot, SnapshotDataSource, SnapshotUser, UserIx, dotted_ancestors,
};

use crate::literals::{set, string};

/// What an atom compares the resolved text of a template with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    /// The names of the user's groups.
    Group,
    /// The user's values for this key.
    Value(String),
}

/// On what the text of a template depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TemplateOwner {
    Nobody,
    DataSource,
    User,
    Both,
}

/// The templates with variables in a snapshot's policies, each with the number in the name of its attribute.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    pub(crate) by_use: BTreeMap<(String, Wanted), usize>,
}

impl Templates {
    pub(crate) fn collect(snapshot: &Snapshot) -> Self {
        let mut templates = Self::default();
        for policy in &snapshot.policies {
            let Level::Entitlements { condition } = &policy.spec.level else { continue };
            for atom in condition.atoms() {
                match atom {
                    Atom::InGroups(groups) => {
                        groups.iter().for_each(|group| templates.add(group, Wanted::Group));
                    }
                    Atom::HasAttribute { key, value } => templates.add(value, Wanted::Value(key.clone())),
                    Atom::HasTagAsAttribute { .. } | Atom::HasTagAsGroup { .. } => {}
                }
            }
        }
        templates
    }

    fn add(&mut self, template: &Template, wanted: Wanted) {
        if template_owner(template) != TemplateOwner::Nobody {
            let next = self.by_use.len();
            self.by_use.entry((template.as_str().to_owned(), wanted)).or_insert(next);
        }
    }

    fn attribute(&self, template: &Template, wanted: &Wanted) -> String {
        format!("resolved{}", self.by_use[&(template.as_str().to_owned(), wanted.clone())])
    }
}

/// On what the text of a template depends.
pub(crate) fn template_owner(template: &Template) -> TemplateOwner {
    let user = template.variables().any(Variable::is_user);
    let source = template.variables().any(Variable::is_data_source);
    match (source, user) {
        (false, false) => TemplateOwner::Nobody,
        (true, false) => TemplateOwner::DataSource,
        (false, true) => TemplateOwner::User,
        (true, true) => TemplateOwner::Both,
    }
}

/// Resolves a template for a data source and a user, either of which may be missing.
pub(crate) fn resolve(
    snapshot: &Snapshot,
    template: &Template,
    source: Option<&SnapshotDataSource>,
    user: Option<&SnapshotUser>,
) -> Option<String> {
    let text = template.resolve(|variable| match variable {
        Variable::Hostname => source?.host.as_deref(),
        Variable::Database => source?.database.as_deref(),
        Variable::Schema => source?.schema.as_deref(),
        Variable::Table => source?.table.as_deref(),
        Variable::Username => user.map(|user| &*user.username),
        Variable::Iam => user.map(|user| snapshot.symbols.text(user.identity_provider)),
    });
    text.map(|text| text.into_owned())
}

/// Returns the strings that satisfy an atom, given the resolved text.
pub(crate) fn accepted(text: &str, wanted: &Wanted) -> Vec<String> {
    match wanted {
        Wanted::Group => vec![text.to_owned()],
        Wanted::Value(_) => {
            let below = dotted_ancestors(text).map(|ancestor| format!("{ancestor}.*"));
            [text.to_owned(), "*".to_owned()].into_iter().chain(below).collect()
        }
    }
}

/// Whether a user has any of the accepted groups or values.
pub(crate) fn has_any(snapshot: &Snapshot, user: UserIx, wanted: &Wanted, accepted: &[String]) -> bool {
    match wanted {
        Wanted::Group => {
            let groups = &snapshot.users[user.get()].groups;
            let mut names = groups.iter().map(|group| &*snapshot.groups[group.get()].name).chain([ALL_USERS]);
            names.any(|name| accepted.iter().any(|accepted| accepted == name))
        }
        Wanted::Value(key) => snapshot.attributes_of(user).any(|(held, value)| {
            snapshot.symbols.text(held) == key
                && accepted.iter().any(|accepted| accepted == snapshot.symbols.text(value))
        }),
    }
}

/// Translates a condition to a Cedar expression.
pub(crate) fn expression(snapshot: &Snapshot, templates: &Templates, condition: &Condition) -> String {
    let joined = |parts: &[Condition], operator: &str| {
        let parts: Vec<_> =
            parts.iter().map(|part| format!("({})", expression(snapshot, templates, part))).collect();
        parts.join(operator)
    };
    match condition {
        Condition::Not(inner) => format!("!({})", expression(snapshot, templates, inner)),
        Condition::And(parts) => joined(parts, " && "),
        Condition::Or(parts) => joined(parts, " || "),
        Condition::Atom(Atom::InGroups(groups)) => {
            let each =
                groups.iter().map(|group| template_expression(snapshot, templates, group, &Wanted::Group));
            each.map(|text| format!("({text})")).collect::<Vec<_>>().join(" && ")
        }
        Condition::Atom(Atom::HasAttribute { key, value }) => {
            template_expression(snapshot, templates, value, &Wanted::Value(key.clone()))
        }
        Condition::Atom(Atom::HasTagAsAttribute { key, target }) => {
            values_expression(snapshot, key, |values| {
                format!("{values}.containsAny({})", tags_attribute(*target))
            })
        }
        Condition::Atom(Atom::HasTagAsGroup { target }) => {
            format!("principal.groups.containsAny({})", tags_attribute(*target))
        }
    }
}

/// Returns the attribute with the tags and their ancestors.
fn tags_attribute(target: TagTarget) -> &'static str {
    match target {
        TagTarget::DataSource => "resource.tags",
        TagTarget::Column => "resource.columnTags",
    }
}

fn template_expression(
    snapshot: &Snapshot,
    templates: &Templates,
    template: &Template,
    wanted: &Wanted,
) -> String {
    let held = |accepted: String| match wanted {
        Wanted::Group => format!("principal.groups.containsAny({accepted})"),
        Wanted::Value(key) => {
            values_expression(snapshot, key, |values| format!("{values}.containsAny({accepted})"))
        }
    };
    if let Some(text) = template.literal() {
        return match wanted {
            Wanted::Group => format!("principal in {}", crate::literals::entity("Group", &text)),
            Wanted::Value(_) => held(set(accepted(&text, wanted).iter().map(String::as_str))),
        };
    }
    let attribute = templates.attribute(template, wanted);
    match template_owner(template) {
        TemplateOwner::Nobody => unreachable!("a template without variables is literal"),
        TemplateOwner::DataSource => {
            format!("resource has {attribute} && {}", held(format!("resource.{attribute}")))
        }
        TemplateOwner::User => {
            format!("principal has {attribute} && {}", held(format!("principal.{attribute}")))
        }
        TemplateOwner::Both => format!("resource.{attribute}.contains(principal)"),
    }
}

/// Returns an expression over a user's values for a key, or `false` where nobody has any: the schema declares only keys
/// that somebody has.
fn values_expression(snapshot: &Snapshot, key: &str, expression: impl Fn(&str) -> String) -> String {
    if !attribute_keys(snapshot).contains(&key) {
        return "false".to_owned();
    }
    let key = string(key);
    format!("principal.values has {key} && {}", expression(&format!("principal.values[{key}]")))
}

/// Returns the attribute keys that somebody has, in order.
pub(crate) fn attribute_keys(snapshot: &Snapshot) -> Vec<&str> {
    let users = (0..snapshot.users.len()).map(UserIx::at);
    let mut keys: Vec<&str> = users
        .flat_map(|user| snapshot.attributes_of(user))
        .map(|(key, _)| snapshot.symbols.text(key))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
