//! Policies and approvers as text: the fields `who`, `object`, `policy` and `criteria`.

use std::collections::BTreeSet;

use domesday_model::condition::{Atom, TagTarget};
use domesday_model::{AppliesTo, Approvers, Condition, Individuals, Level, Need, Owners, ReviewStep};

/// Returns whom a subscription policy targets.
pub(crate) fn who(level: &Level) -> String {
    match level {
        Level::Anyone => "everyone".to_owned(),
        Level::Approval => "approved requesters".to_owned(),
        Level::Entitlements { condition } => Targets::find(condition, true).to_string(),
        Level::Individuals { individuals: Individuals { users, groups } } => {
            let mut targets = Targets::default();
            targets.groups.extend(groups.iter().cloned());
            targets.users.extend(users.iter().cloned());
            targets.to_string()
        }
    }
}

/// Returns for whom a data policy masks: everyone whom its exception does not describe.
pub(crate) fn masked_who(except: Option<&Condition>) -> String {
    except.map_or_else(|| "everyone".to_owned(), |except| Targets::find(except, false).to_string())
}

/// Returns what a subscription policy requires of a user.
pub(crate) fn policy_text(name: &str, level: &Level) -> String {
    match level {
        Level::Anyone => "ANYONE".to_owned(),
        Level::Approval => "APPROVED".to_owned(),
        Level::Entitlements { condition } => condition.to_string(),
        Level::Individuals { .. } => format!("NAMED IN '{}'", name.replace('\'', "''")),
    }
}

/// Returns the condition of the users for whom a data policy masks.
pub(crate) fn masked_policy(except: Option<&Condition>) -> String {
    except.map_or_else(|| "ANYONE".to_owned(), |except| Condition::not(except.clone()).to_string())
}

/// Returns the tags by which a policy selects data sources and columns, without those of an `except`.
pub(crate) fn targeted_tags(applies_to: &AppliesTo, column_tags: &[String]) -> String {
    let mut tags: BTreeSet<&str> = column_tags.iter().map(String::as_str).collect();
    if let AppliesTo::Any(selectors) = applies_to {
        for selector in selectors {
            let of_selector = [&selector.tagged, &selector.columns_tagged];
            tags.extend(of_selector.into_iter().flatten().flatten().map(String::as_str));
        }
    }
    tags.into_iter().collect::<Vec<_>>().join(", ")
}

/// Who decides a request when no approver of its step may.
pub(crate) const GOVERNANCE: &str = "permission GOVERNANCE";

/// Returns who may decide a request, from the approvers of one step of its review.
pub(crate) fn criteria(step: &ReviewStep) -> String {
    let ReviewStep { approvers, need } = step;
    let Approvers { permissions, domain_permissions, users, groups, attributes, owners } = approvers;
    if *need == Need::All && !users.is_empty() {
        return all_of(users);
    }
    let mut names: Vec<_> = permissions.iter().map(|permission| permission.as_str()).collect();
    names.sort_unstable();
    let mut any: Vec<String> = names.into_iter().map(|name| format!("permission {name}")).collect();
    any.extend(domain_permissions.iter().map(|name| format!("domain permission {name}")));
    any.extend(users.iter().map(|user| format!("user {user}")));
    any.extend(groups.iter().map(|group| format!("group {group}")));
    let attributes = attributes.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
    any.extend(attributes.map(|(key, value)| format!("attribute {key}={value}")));
    match owners {
        Owners::None => {}
        Owners::Every => any.push("owners".to_owned()),
        Owners::Any => any.push("owners of any data source".to_owned()),
    }
    if any.is_empty() { "nobody".to_owned() } else { any.join(" or ") }
}

/// Returns users who must all decide.
pub(crate) fn all_of(users: &BTreeSet<String>) -> String {
    users.iter().map(|user| format!("user {user}")).collect::<Vec<_>>().join(" and ")
}

/// The groups, attributes and users that a policy names; those under an odd number of `NOT` are separate.
#[derive(Default)]
struct Targets {
    groups: BTreeSet<String>,
    attributes: BTreeSet<String>,
    users: BTreeSet<String>,
    not_groups: BTreeSet<String>,
    not_attributes: BTreeSet<String>,
}

impl Targets {
    /// Finds the targets of a condition, or of its negation.
    fn find(condition: &Condition, wanted: bool) -> Self {
        let mut targets = Self::default();
        targets.add(condition, wanted);
        targets
    }

    fn add(&mut self, condition: &Condition, wanted: bool) {
        match condition {
            Condition::Atom(atom) => self.add_atom(atom, wanted),
            Condition::Not(child) => self.add(child, !wanted),
            Condition::And(children) | Condition::Or(children) => {
                children.iter().for_each(|child| self.add(child, wanted));
            }
        }
    }

    fn add_atom(&mut self, atom: &Atom, wanted: bool) {
        let (groups, attributes) = if wanted {
            (&mut self.groups, &mut self.attributes)
        } else {
            (&mut self.not_groups, &mut self.not_attributes)
        };
        match atom {
            Atom::InGroups(names) => groups.extend(names.iter().map(|name| name.as_str().to_owned())),
            Atom::HasAttribute { key, value } => {
                attributes.insert(format!("{key}={}", value.as_str()));
            }
            Atom::HasTagAsAttribute { key, target } => {
                attributes.insert(format!("{key}={}", tag_placeholder(*target)));
            }
            Atom::HasTagAsGroup { target } => {
                groups.insert(tag_placeholder(*target).to_owned());
            }
        }
    }
}

impl std::fmt::Display for Targets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            ("groups", &self.groups),
            ("attributes", &self.attributes),
            ("users", &self.users),
            ("not groups", &self.not_groups),
            ("not attributes", &self.not_attributes),
        ];
        let mut separator = "";
        for (label, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            write!(f, "{separator}{label}: {}", names.join(", "))?;
            separator = "; ";
        }
        Ok(())
    }
}

/// Returns the text for a name that is a tag of the data source or column.
fn tag_placeholder(target: TagTarget) -> &'static str {
    match target {
        TagTarget::DataSource => "<tag of the data source>",
        TagTarget::Column => "<tag of a column>",
    }
}

#[cfg(test)]
mod tests {
    use domesday_model::Review;
    use serde_json::{Value, json};

    use super::*;

    fn level(json: Value) -> Level {
        serde_json::from_value(json).unwrap()
    }

    fn condition(text: &str) -> Condition {
        text.parse().unwrap()
    }

    #[test]
    fn who_names_what_a_condition_names() {
        let table = [
            ("@isInGroups('Audit', 'Analysts')", "groups: Analysts, Audit"),
            ("@hasAttribute('Region', 'EU')", "attributes: Region=EU"),
            (
                "@isInGroups('A') AND (@hasAttribute('k', 'v') OR NOT @isInGroups('B'))",
                "groups: A; attributes: k=v; not groups: B",
            ),
            ("NOT NOT @isInGroups('A')", "groups: A"),
            ("NOT (@isInGroups('A') OR NOT @hasAttribute('k', 'v'))", "attributes: k=v; not groups: A"),
            (
                "@hasTagAsAttribute('Clearance', 'column') OR @hasTagAsGroup('dataSource')",
                "groups: <tag of the data source>; attributes: Clearance=<tag of a column>",
            ),
            ("@isInGroups('@schema-readers') OR @isInGroups('@schema-readers')", "groups: @schema-readers"),
        ];
        for (text, expected) in table {
            let level = Level::Entitlements { condition: condition(text) };
            assert_eq!(who(&level), expected, "{text}");
            assert_eq!(policy_text("p", &level), text);
        }
    }

    #[test]
    fn who_at_the_other_levels() {
        assert_eq!(who(&Level::Anyone), "everyone");
        assert_eq!(who(&Level::Approval), "approved requesters");
        let named =
            json!({ "level": "individuals", "individuals": { "users": ["ada"], "groups": ["Audit"] } });
        assert_eq!(who(&level(named.clone())), "groups: Audit; users: ada");
        assert_eq!(policy_text("Ada's", &level(named)), "NAMED IN 'Ada''s'");
        assert_eq!(policy_text("p", &Level::Anyone), "ANYONE");
        assert_eq!(policy_text("p", &Level::Approval), "APPROVED");
    }

    #[test]
    fn masks_speak_of_those_masked() {
        assert_eq!((masked_who(None), masked_policy(None)), ("everyone".into(), "ANYONE".into()));
        let except = condition("@isInGroups('Privacy') OR NOT @isInGroups('Staff')");
        assert_eq!(masked_who(Some(&except)), "groups: Staff; not groups: Privacy");
        let policy = masked_policy(Some(&except));
        assert_eq!(policy, "NOT (@isInGroups('Privacy') OR NOT @isInGroups('Staff'))");
    }

    #[test]
    fn tags_are_those_selected_by() {
        let of = |applies_to: Value, columns: &[&str]| {
            let columns: Vec<_> = columns.iter().map(|tag| (*tag).to_owned()).collect();
            targeted_tags(&serde_json::from_value(applies_to).unwrap(), &columns)
        };
        assert_eq!(of(json!("all"), &[]), "");
        assert_eq!(of(json!("optIn"), &["PII.Contact", "PII.Bank"]), "PII.Bank, PII.Contact");
        let selectors = json!([
            { "tagged": ["Finance"], "except": [{ "tagged": ["Finance.Open"] }] },
            { "columnsTagged": ["PII.Contact"], "domains": ["Sales"] },
        ]);
        assert_eq!(of(selectors, &["PII.Contact"]), "Finance, PII.Contact");
    }

    #[test]
    fn criteria_name_the_approvers_of_the_step() {
        let step = |json: Value| criteria(&serde_json::from_value(json).unwrap());
        let without_form = Review::new(None);
        assert_eq!(criteria(&without_form.steps()[0]), "permission GOVERNANCE or owners");
        let approvers = json!({
            "permissions": ["GOVERNANCE", "AUDIT"], "users": ["bob", "ada"], "groups": ["Stewards"],
            "attributes": { "Team": ["Data"] }, "owners": true, "domainPermissions": ["MANAGE_POLICIES"],
        });
        assert_eq!(
            step(json!({ "approvers": approvers })),
            "permission AUDIT or permission GOVERNANCE or domain permission MANAGE_POLICIES or user ada or user bob \
             or group Stewards or attribute Team=Data or owners"
        );
        assert_eq!(
            step(json!({ "approvers": { "users": ["bob", "ada"], "owners": true }, "need": "all" })),
            "user ada and user bob"
        );
        assert_eq!(step(json!({ "approvers": { "owners": "any" } })), "owners of any data source");
        assert_eq!(step(json!({ "approvers": {}, "need": "all" })), "nobody");
    }
}
