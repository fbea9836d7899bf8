//! Conditions that nobody satisfies, and parts of them that most likely mean something else than intended.

use std::collections::HashSet;

use domesday_model::Condition;
use domesday_model::condition::{Atom, Template, Variable};

use super::names::NameList;
use super::policy::{DraftList, PolicyReview, matches};
use super::{SearchText, WarningKind};
use crate::condition::ConditionInputs;
use crate::selection::{PolicyRef, SourceSelection};

/// At how many different data sources a condition is evaluated before it is assumed that somebody satisfies it.
const MAX_SOURCES: usize = 4096;

/// The same for a condition that is evaluated user by user.
const MAX_SOURCES_BY_USER: usize = 16;

impl PolicyReview<'_, '_> {
    /// Adds warnings about attributes, values and groups in a condition that nobody has.
    pub(super) fn condition<'p>(&self, condition: &'p Condition, field: &str, found: &mut DraftList<'p>) {
        let mut seen = HashSet::new();
        for atom in condition.atoms().filter(|atom| seen.insert(*atom)) {
            match atom {
                Atom::InGroups(groups) => {
                    for group in groups {
                        if has_variables(group) && self.snapshot.group(group.as_str()).is_some() {
                            add_variable_in_name(group, "a group with exactly this name", field, found);
                        }
                    }
                }
                Atom::HasAttribute { key, value } => match self.attribute(key, field, found) {
                    Some(symbol) if !has_variables(value) => {
                        let literal = value.literal();
                        if literal.is_some_and(|wanted| !self.names.has_value(symbol, &wanted)) {
                            let text = value.as_str();
                            let message = format!("nobody has the value `{text}` of the attribute `{key}`");
                            let similar_to = Some(SearchText { list: NameList::Values(symbol), text });
                            found.add(WarningKind::UnknownValue, field, message, similar_to).needs_similar =
                                true;
                        }
                    }
                    Some(symbol) if self.names.has_exact_value(symbol, value.as_str()) => {
                        let what = format!("a value of `{key}` with exactly this text");
                        add_variable_in_name(value, &what, field, found);
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

    /// Returns the attribute of a key; adds a warning if nobody has it.
    fn attribute<'p>(
        &self,
        key: &'p str,
        field: &str,
        found: &mut DraftList<'p>,
    ) -> Option<domesday_model::Symbol> {
        let attribute = self.names.attribute(key);
        if attribute.is_none() && !self.snapshot.users.is_empty() {
            let message = format!("no user or group has the attribute `{key}`");
            let similar_to = Some(SearchText { list: NameList::AttributeKeys, text: key });
            found.add(WarningKind::UnknownAttribute, field, message, similar_to);
        }
        attribute
    }

    /// Whether a condition holds for any active user at any data source to which the policy applies. Bounded: for a
    /// condition that differs at very many data sources it is assumed.
    pub(super) fn is_satisfiable(
        &self,
        condition: &Condition,
        selection: &SourceSelection<'_>,
        policy_ref: Option<PolicyRef>,
    ) -> bool {
        let inputs = ConditionInputs::find(condition);
        let by_user = condition.atoms().any(|atom| match atom {
            Atom::InGroups(groups) => groups.iter().any(depends_on_user),
            Atom::HasAttribute { value, .. } => depends_on_user(value),
            Atom::HasTagAsAttribute { .. } | Atom::HasTagAsGroup { .. } => false,
        });
        let most = if by_user { MAX_SOURCES_BY_USER } else { MAX_SOURCES };
        let mut seen = HashSet::new();
        for candidate in self.candidates().iter().filter(|one| matches(selection, policy_ref, one)) {
            let source = candidate.source();
            if !seen.insert(self.bindings.source_inputs(inputs, source)) {
                continue;
            }
            if seen.len() > most
                || !self.bindings.evaluator(self.snapshot).users_of(condition, source).is_empty()
            {
                return true;
            }
        }
        false
    }

    /// Returns why nobody satisfies a condition, where one part of it explains it.
    pub(super) fn unsatisfied_because(&self, condition: &Condition) -> Option<String> {
        let parts = match condition {
            Condition::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        for part in parts {
            match part {
                Condition::Atom(Atom::InGroups(groups)) => {
                    let literal = groups.iter().filter_map(Template::literal);
                    let mut known = literal.filter_map(|name| Some((self.snapshot.group(&name)?, name)));
                    let empty = known.find(|(ix, _)| self.bindings.users().in_group(*ix).is_empty());
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

fn depends_on_user(template: &Template) -> bool {
    template.variables().any(Variable::is_user)
}

/// Adds a warning about a variable in a text that is an existing name as well.
fn add_variable_in_name<'p>(template: &'p Template, what: &str, field: &str, found: &mut DraftList<'p>) {
    let text = template.as_str();
    let variables: Vec<_> = template.variables().map(|variable| format!("`{variable}`")).collect();
    let verb = if variables.len() == 1 { "is a variable" } else { "are variables" };
    let message = format!("{} in `{text}` {verb}, and there is {what}", variables.join(" and "));
    let escaped = text.replace("@@", "@").replace('@', "@@");
    found.add(WarningKind::VariableInName, field, message, None).warning.hint =
        Some(format!("write `{escaped}` to name it"));
}
