//! Conditions that nobody satisfies, and parts of them that say something else than what was most likely meant.

use std::collections::HashSet;

use domesday_model::Condition;
use domesday_model::condition::{Atom, Template, Variable};

use super::names::List;
use super::policy::{Found, Review, matches};
use super::{Near, NoticeKind};
use crate::applies::{Asking, Target};
use crate::condition::Needs;

/// At how many different data sources a condition is evaluated before it counts as one that somebody satisfies.
const EVALUATED: usize = 4096;

/// The same for a condition that is evaluated user by user.
const EVALUATED_BY_USER: usize = 16;

impl Review<'_, '_> {
    /// Adds what a condition says about attributes, values and groups that nobody has.
    pub(super) fn condition<'p>(&self, condition: &'p Condition, field: &str, found: &mut Found<'p>) {
        let mut seen = HashSet::new();
        for atom in condition.atoms().filter(|atom| seen.insert(*atom)) {
            match atom {
                Atom::InGroups(groups) => {
                    for group in groups {
                        if has_variables(group) && self.snapshot.group(group.as_str()).is_some() {
                            variable_in_name(group, "a group with exactly this name", field, found);
                        }
                    }
                }
                Atom::HasAttribute { key, value } => match self.attribute(key, field, found) {
                    Some(symbol) if !has_variables(value) => {
                        let literal = value.literal();
                        if literal.is_some_and(|wanted| !self.names.has_value(symbol, &wanted)) {
                            let text = value.as_str();
                            let message = format!("nobody has the value `{text}` of the attribute `{key}`");
                            let near = Some(Near { list: List::Values(symbol), text });
                            found.add(NoticeKind::UnknownValue, field, message, near).needs_near = true;
                        }
                    }
                    Some(symbol) if self.names.has_exact_value(symbol, value.as_str()) => {
                        let what = format!("a value of `{key}` with exactly this text");
                        variable_in_name(value, &what, field, found);
                    }
                    Some(_) | None => {}
                },
                Atom::HasTagAsAttribute { key, .. } => {
                    self.attribute(key, field, found);
                }
                Atom::HasTagAsGroup { .. } => {}
            }
        }
    }

    /// The attribute of a key; adds that nobody has it.
    fn attribute<'p>(
        &self,
        key: &'p str,
        field: &str,
        found: &mut Found<'p>,
    ) -> Option<domesday_model::Symbol> {
        let attribute = self.names.attribute(key);
        if attribute.is_none() && !self.snapshot.users.is_empty() {
            let message = format!("no user or group has the attribute `{key}`");
            let near = Some(Near { list: List::AttributeKeys, text: key });
            found.add(NoticeKind::UnknownAttribute, field, message, near);
        }
        attribute
    }

    /// Whether a condition holds for any active user at any data source that the policy applies to. Bounded: of a
    /// condition that differs at very many data sources it is assumed.
    pub(super) fn holds_for_somebody(
        &self,
        condition: &Condition,
        target: &Target<'_>,
        asking: Option<Asking>,
    ) -> bool {
        let needs = Needs::of(condition);
        let by_user = condition.atoms().any(|atom| match atom {
            Atom::InGroups(groups) => groups.iter().any(is_by_user),
            Atom::HasAttribute { value, .. } => is_by_user(value),
            Atom::HasTagAsAttribute { .. } | Atom::HasTagAsGroup { .. } => false,
        });
        let most = if by_user { EVALUATED_BY_USER } else { EVALUATED };
        let mut seen = HashSet::new();
        for candidate in self.candidates().iter().filter(|one| matches(target, asking, one)) {
            let source = candidate.source();
            if !seen.insert(self.conditions.surroundings_seen(needs, source)) {
                continue;
            }
            if seen.len() > most
                || !self.conditions.evaluator(self.snapshot).evaluate(condition, source).is_empty()
            {
                return true;
            }
        }
        false
    }

    /// Why nobody satisfies a condition, where one part of it is enough to say so.
    pub(super) fn nobody(&self, condition: &Condition) -> Option<String> {
        let parts = match condition {
            Condition::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        for part in parts {
            match part {
                Condition::Atom(Atom::InGroups(groups)) => {
                    let literal = groups.iter().filter_map(Template::literal);
                    let mut known = literal.filter_map(|name| Some((self.snapshot.group(&name)?, name)));
                    let empty = known.find(|(ix, _)| self.conditions.index().in_group(*ix).is_empty());
                    if let Some((_, name)) = empty {
                        return Some(format!("the group `{name}` has no active member"));
                    }
                }
                Condition::Atom(Atom::HasAttribute { key, .. } | Atom::HasTagAsAttribute { key, .. })
                    if self.names.attribute(key).is_none() =>
                {
                    return Some(format!("no user or group has the attribute `{key}`"));
                }
                Condition::Atom(Atom::HasAttribute { key, value }) => {
                    let symbol = self.names.attribute(key)?;
                    if let Some(wanted) = value.literal()
                        && !self.names.has_value(symbol, &wanted)
                    {
                        return Some(format!("nobody has the value `{wanted}` of the attribute `{key}`"));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

fn has_variables(template: &Template) -> bool {
    template.variables().next().is_some()
}

fn is_by_user(template: &Template) -> bool {
    template.variables().any(Variable::is_user)
}

fn variable_in_name<'p>(template: &'p Template, what: &str, field: &str, found: &mut Found<'p>) {
    let text = template.as_str();
    let variables: Vec<_> = template.variables().map(|variable| format!("`{variable}`")).collect();
    let verb = if variables.len() == 1 { "is a variable" } else { "are variables" };
    let message = format!("{} in `{text}` {verb}, and there is {what}", variables.join(" and "));
    let escaped = text.replace("@@", "@").replace('@', "@@");
    found.add(NoticeKind::VariableInName, field, message, None).notice.hint =
        Some(format!("write `{escaped}` to name it"));
}
