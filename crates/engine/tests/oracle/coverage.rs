//! What the generated worlds exercise, counted from the worlds and the oracle's rows, so that a generator
//! that makes dull worlds is found out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domesday_model::condition::{Atom, Condition};
use domesday_model::{
    AppliesTo, Catalog, DataSource, Instant, Level, Policy, PolicyState, Scope, Target, User,
};

use super::condition::{agrees, reaches, substitute};
use super::evaluate::{World, applies, evaluate};
use super::expected::BY_RULE;
use super::mutants::decisive;
use super::row::{Row, Verdict};

/// In how many worlds each thing occurred.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) worlds: usize,
    counts: BTreeMap<String, usize>,
}

impl Coverage {
    /// Counts one world.
    pub(crate) fn add(&mut self, catalog: &Catalog, at: Instant) {
        let rows = evaluate(catalog, at);
        let mut seen = Seen { world: World { catalog, at }, found: BTreeSet::new() };
        seen.conditions();
        seen.conflicts();
        seen.requests();
        seen.selectors();
        rows.iter().for_each(|row| seen.row(row));
        seen.found.extend(decisive(catalog, at, &rows).into_iter().map(|name| format!("decisive: {name}")));
        self.worlds += 1;
        for name in seen.found {
            *self.counts.entry(name).or_default() += 1;
        }
    }

    /// In how many worlds something occurred.
    pub(crate) fn of(&self, name: &str) -> usize {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// What of [`BY_RULE`] occurred in fewer than `least` worlds, with its rule.
    pub(crate) fn rare(&self, least: usize) -> Vec<String> {
        let all = BY_RULE.iter().flat_map(|(rule, names)| names.iter().map(move |name| (rule, name)));
        let rare = all.filter(|(_, name)| self.of(name) < least);
        rare.map(|(rule, name)| format!("rule {rule}: {name}: {} worlds", self.of(name))).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "of {} worlds:", self.worlds)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "{count:6} {name}"))
    }
}

/// What occurred in one world.
struct Seen<'c> {
    world: World<'c>,
    found: BTreeSet<String>,
}

impl<'c> Seen<'c> {
    fn note(&mut self, holds: bool, name: &str) {
        if holds && !self.found.contains(name) {
            self.found.insert(name.to_owned());
        }
    }

    /// Each pair of an active user and an enabled source.
    fn pairs(&self) -> Vec<(&'c User, &'c DataSource)> {
        let world = self.world;
        world
            .enabled_sources()
            .flat_map(|source| world.active_users().map(move |user| (user, source)))
            .collect()
    }

    fn policy(&self, name: &str) -> &'c Policy {
        let mut policies = self.world.catalog.policies.iter().filter(|policy| policy.name == name);
        &policies.next().expect("rows name policies of the world").spec
    }

    /// Atoms that came to be asked, each true and false, with what made them so.
    fn conditions(&mut self) {
        let catalog = self.world.catalog;
        let subscription = catalog.policies.iter().filter(|policy| policy.state == PolicyState::Active);
        let subscription = subscription.filter_map(|policy| match &policy.spec.level {
            Level::Entitlements { condition } => {
                Some((&policy.spec.name, &policy.spec.applies_to, condition))
            }
            _ => None,
        });
        let masking = catalog.data_policies.iter().filter(|policy| policy.state == PolicyState::Active);
        let masking = masking.filter_map(|policy| {
            policy.spec.except.as_ref().map(|except| (&policy.spec.name, &policy.spec.applies_to, except))
        });
        let asked: Vec<_> = subscription.chain(masking).collect();
        for (user, source) in self.pairs() {
            for (name, applies_to, condition) in &asked {
                if applies(name, applies_to, source) {
                    let holds = self.world.holds(condition, user, source);
                    let operator = match condition {
                        Condition::Atom(_) => "atom alone",
                        Condition::Not(_) => "NOT",
                        Condition::And(_) => "AND",
                        Condition::Or(_) => "OR",
                    };
                    self.note(true, &format!("condition {operator} {holds}"));
                    condition.atoms().for_each(|atom| self.atom(atom, user, source));
                }
            }
        }
    }

    fn atom(&mut self, atom: &Atom, user: &'c User, source: &'c DataSource) {
        let holds = self.world.atom_holds(atom, user, source);
        let templates = match atom {
            Atom::InGroups(names) => {
                self.note(true, &format!("atom isInGroups {holds}"));
                self.note(holds && names.len() > 1, "several groups, in all of them");
                self.note(holds && names[0].as_str() == "All Users", "in All Users");
                names.as_slice()
            }
            Atom::HasAttribute { key, value } => {
                self.note(true, &format!("atom hasAttribute {holds}"));
                if let Some(wanted) = substitute(value.as_str(), user, source) {
                    for held in self.world.values_of(user, key) {
                        self.note(held == wanted, "value equal");
                        self.note(held == "*" && wanted != "*", "value *");
                        self.note(held != "*" && held != wanted && agrees(held, &wanted), "value below .*");
                        self.note(format!("{wanted}.*") == held, "value no ancestor of itself");
                        self.note(held.ends_with(".*") && held == wanted, "value .* equal");
                    }
                }
                std::slice::from_ref(value)
            }
            Atom::HasTagAsAttribute { target, .. } => {
                self.note(true, &format!("atom hasTagAsAttribute {target} {holds}"));
                &[]
            }
            Atom::HasTagAsGroup { target } => {
                self.note(true, &format!("atom hasTagAsGroup {target} {holds}"));
                &[]
            }
        };
        for template in templates {
            self.note(holds && template.as_str().contains("@@"), "doubled @ in a true atom");
            self.note(substitute(template.as_str(), user, source).is_none(), "variable absent");
            for variable in template.variables() {
                self.note(holds, &format!("variable {variable} in a true atom"));
            }
        }
    }

    fn conflicts(&mut self) {
        let world = self.world;
        for source in world.enabled_sources() {
            let found = [Scope::Read, Scope::Write].map(|scope| world.conflict(source, scope));
            let chosen = found.iter().flatten().any(|conflict| conflict.settled);
            let idle = source.level_choice.is_some() && !chosen;
            self.note(idle && found.iter().flatten().count() > 0, "level choice beside a conflict");
            self.note(idle && found.iter().all(Option::is_none), "level choice without a conflict");
            self.note(chosen && found.iter().flatten().count() == 2, "level choice settles one of two");
            for conflict in found.iter().flatten() {
                let settled = if conflict.settled { "settled" } else { "unsettled" };
                self.note(true, &format!("conflict {settled}: {:?} counts", conflict.counts));
            }
        }
    }

    fn requests(&mut self) {
        let world = self.world;
        for (user, source) in self.pairs() {
            for scope in [Scope::Read, Scope::Write] {
                let covering = world.covering(user, source, scope);
                let reasons = world.reason_requests(user, source, scope);
                let is_product = |target: &Target| matches!(target, Target::DataProduct(_));
                let grants = world.grants_for(source, scope);
                let approvals: Vec<_> =
                    grants.iter().filter(|grant| matches!(grant.level, Level::Approval)).collect();
                let silenced = approvals.iter().filter(|grant| world.is_silenced(grant, source)).count();
                let products = covering.iter().filter(|request| is_product(&request.target)).count();
                self.note(!covering.is_empty() && approvals.is_empty(), "request without an approval grant");
                self.note(
                    !covering.is_empty() && silenced > 0 && silenced == approvals.len(),
                    "request and a silenced approval grant",
                );
                self.note(silenced < approvals.len() && products > 0, "product request by an approval grant");
                self.note(approvals.is_empty() && products > 0, "product request alone");
                self.note(reasons.len() < covering.len() && !reasons.is_empty(), "product requests only");
                for (position, left) in reasons.iter().enumerate() {
                    for right in &reasons[position + 1..] {
                        let ends = (left.expires_at, right.expires_at);
                        self.note(ends == (None, None), "requests without end tie");
                        self.note(ends.0 == ends.1 && ends.0.is_some(), "requests with equal ends tie");
                        self.note(ends.0.is_some() != ends.1.is_some(), "no end is last of all");
                        self.note(ends.0 == ends.1 && left.id > right.id, "tie not in catalog order");
                    }
                }
            }
        }
    }

    /// Names that reach tags below them, in `appliesTo` and in columns.
    fn selectors(&mut self) {
        let world = self.world;
        let below = |name: &str, tag: &str| name != tag && reaches(name, tag);
        for source in world.enabled_sources() {
            for policy in &world.catalog.policies {
                let AppliesTo::Any(selectors) = &policy.spec.applies_to else { continue };
                let named = selectors.iter().flat_map(|selector| selector.tagged.iter().flatten());
                let reached = named.into_iter().any(|name| source.tags.iter().any(|tag| below(name, tag)));
                self.note(reached, "tagged reaches below");
            }
            for column in &source.columns {
                for policy in world.data_policies_for(source, column) {
                    let named = &policy.columns.tagged;
                    let reached = named.iter().any(|name| column.tags.iter().any(|tag| below(name, tag)));
                    self.note(reached, "columns tagged reaches below");
                }
            }
        }
    }

    fn row(&mut self, row: &Row) {
        self.note(true, &format!("row {:?} by {}", row.verdict, row.reason));
        self.note(row.expires_at.is_some(), &format!("row {:?} ends", row.verdict));
        self.note(row.request.is_some() && row.expires_at.is_none(), "row with a request does not end");
        self.note(row.grants.len() > 1, "several grants admit");
        for name in &row.grants {
            let level = self.policy(name).level.kind().as_str();
            self.note(true, &format!("admitted by {level}"));
        }
        let of_scope = |name: &String, scope| self.policy(name).scope == scope;
        let write_grants = row.grants.iter().any(|name| of_scope(name, Scope::Write));
        let read_guardrails = row.guardrails.iter().any(|name| of_scope(name, Scope::Read));
        self.note(row.scope == Scope::Read && write_grants, "write grant lets read");
        let blocked = row.verdict == Verdict::Blocked;
        self.note(blocked && row.scope == Scope::Write && read_guardrails, "read guardrail blocks write");
        self.note(blocked && row.guardrails.len() > 1, "several guardrails block");
        let Some((user, source)) = self
            .pairs()
            .into_iter()
            .find(|(user, source)| user.username == row.user && source.name == row.source)
        else {
            return;
        };
        let passed = self.world.guardrails_for(source, row.scope).len() > row.guardrails.len();
        self.note(blocked && passed, "some guardrails block");
        let Some(column) = source.columns.iter().find(|column| row.column.as_ref() == Some(&column.name))
        else {
            return;
        };
        let applying = self.world.data_policies_for(source, column).len();
        self.note(row.data_policies.len() > 1, &format!("several data policies {:?}", row.verdict));
        self.note(row.data_policies.len() < applying, "masked by some of several");
        let excepted = !self.world.exceptions(user, source, column).is_empty();
        self.note(excepted && row.reason == "POLICY", "exception not needed");
    }
}
