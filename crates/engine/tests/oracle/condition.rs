//! Texts and conditions: globs, dotted names, variables and the four atoms (`docs/access.md`, "Condition language").

use std::collections::BTreeSet;

use domesday_model::condition::{Atom, Condition, TagTarget};
use domesday_model::{DataSource, User};

use super::evaluate::World;

/// `docs/catalog.md`, `appliesTo`: globs over the whole text, `*` any run, `?` one character, all else itself.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    fn matches(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            // Two stars in a row say no more than one; trying them apart would take forever.
            Some(('*', rest)) if rest.first() == Some(&'*') => matches(rest, text),
            Some(('*', rest)) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
            Some((wanted, rest)) => {
                !text.is_empty() && (*wanted == '?' || *wanted == text[0]) && matches(rest, &text[1..])
            }
        }
    }
    matches(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}

/// "Tags have dotted ancestry: naming `PII` reaches `PII.Contact`."
pub(crate) fn reaches(name: &str, tag: &str) -> bool {
    tag == name || tag.starts_with(&format!("{name}."))
}

/// `@hasAttribute`: the held value equals the wanted one, or is `*`, or ends in `.*` and the rest is a proper
/// dotted ancestor of the wanted one.
pub(crate) fn agrees(held: &str, wanted: &str) -> bool {
    let below = held.ends_with(".*") && wanted.starts_with(&format!("{}.", &held[..held.len() - 2]));
    held == wanted || held == "*" || below
}

/// "In the strings of `@isInGroups` and in the value of `@hasAttribute`, the variables are replaced; a
/// variable ends at the first character that is not a letter, digit or `_`; any other `@` stands for itself
/// and `@@` is always a plain `@`." `None` when a variable's data source has no such field.
///
/// Choice: letters and digits are those of Unicode (`char::is_alphanumeric`); what is put in is not read
/// again.
pub(crate) fn substitute(template: &str, user: &User, source: &DataSource) -> Option<String> {
    let characters: Vec<char> = template.chars().collect();
    let mut text = String::new();
    let mut at = 0;
    while at < characters.len() {
        if characters[at] != '@' {
            text.push(characters[at]);
            at += 1;
            continue;
        }
        if characters.get(at + 1) == Some(&'@') {
            text.push('@');
            at += 2;
            continue;
        }
        let name: String =
            characters[at + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
        let field = match name.as_str() {
            "hostname" => source.host.as_ref(),
            "database" => source.database.as_ref(),
            "schema" => source.schema.as_ref(),
            "table" => source.table.as_ref(),
            "username" => Some(&user.username),
            "iam" => Some(&user.identity_provider),
            _ => {
                text.push('@');
                at += 1;
                continue;
            }
        };
        text.push_str(field?);
        at += 1 + name.chars().count();
    }
    Some(text)
}

/// The tags an atom looks at. Choice: `'column'` means the tags of any column of the data source, in the
/// condition of a grant and in the `except` of a data policy alike.
fn tags(source: &DataSource, target: TagTarget) -> BTreeSet<&str> {
    match target {
        TagTarget::DataSource => source.tags.iter().map(String::as_str).collect(),
        TagTarget::Column => source.columns.iter().flat_map(|c| c.tags.iter().map(String::as_str)).collect(),
    }
}

impl<'c> World<'c> {
    /// "A user's groups are their own and `All Users`." Asked of active users only.
    pub(crate) fn groups_of(&self, user: &'c User) -> BTreeSet<&'c str> {
        user.groups.iter().map(String::as_str).chain(["All Users"]).collect()
    }

    /// "Their attributes are their own united with those of their groups."
    pub(crate) fn values_of(&self, user: &'c User, key: &str) -> BTreeSet<&'c str> {
        let mut values: BTreeSet<&str> = BTreeSet::new();
        values.extend(user.attributes.get(key).into_iter().flatten().map(String::as_str));
        for group in self.catalog.groups.iter().filter(|group| user.groups.contains(&group.name)) {
            values.extend(group.spec.attributes.get(key).into_iter().flatten().map(String::as_str));
        }
        values
    }

    /// Whether a condition holds for a user and a data source.
    pub(crate) fn holds(&self, condition: &Condition, user: &'c User, source: &DataSource) -> bool {
        match condition {
            Condition::Atom(atom) => self.atom_holds(atom, user, source),
            Condition::Not(inner) => !self.holds(inner, user, source),
            Condition::And(children) => children.iter().all(|child| self.holds(child, user, source)),
            Condition::Or(children) => children.iter().any(|child| self.holds(child, user, source)),
        }
    }

    /// The table of atoms. An absent variable makes the atom around it false, whatever its other strings.
    pub(crate) fn atom_holds(&self, atom: &Atom, user: &'c User, source: &DataSource) -> bool {
        let groups = self.groups_of(user);
        match atom {
            Atom::InGroups(names) => names.iter().all(|name| {
                substitute(name.as_str(), user, source).is_some_and(|name| groups.contains(name.as_str()))
            }),
            Atom::HasAttribute { key, value } => substitute(value.as_str(), user, source)
                .is_some_and(|wanted| self.values_of(user, key).iter().any(|held| agrees(held, &wanted))),
            Atom::HasTagAsAttribute { key, target } => {
                let tags = tags(source, *target);
                self.values_of(user, key).iter().any(|value| tags.iter().any(|tag| reaches(value, tag)))
            }
            Atom::HasTagAsGroup { target } => {
                let tags = tags(source, *target);
                groups.iter().any(|group| tags.iter().any(|tag| reaches(group, tag)))
            }
        }
    }
}
