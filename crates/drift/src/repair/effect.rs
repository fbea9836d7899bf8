//! What a change of access lists does to every role: which findings it repairs, and whom it would harm.

use std::sync::PoisonError;

use domesday_actual::BitSet;
use domesday_model::privileges::{RelationIx, RoleIx};
use domesday_model::{FastSet, Scope, UserIx};

use super::decision::Harm;
use super::planner::Planner;
use super::state::{Draft, ObjectState, State, Trial};
use super::statement::Statement;
use crate::judge::Judge;
use crate::kinds::FindingKind;
use crate::relation_groups::GroupFinding;
use crate::relation_reach::{Reach, RelationReach};

/// How far a relation of a trial stands for its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaching {
    /// The statements are run for one relation of the group.
    OneRelation,
    /// They are run for each of them.
    Group,
}

/// A finding of a group that a change repairs.
pub(crate) type Repaired = (usize, GroupFinding);

/// What a role could and can do in a scope, where that differs.
struct Change {
    role: RoleIx,
    scope: Scope,
    before: Option<Reach>,
    after: Option<Reach>,
}

impl Change {
    fn is_gain(&self) -> bool {
        match (&self.before, &self.after) {
            (None, _) => true,
            (_, None) => false,
            (Some(before), Some(after)) => gains(before, after),
        }
    }

    fn harm(&self, relation: RelationIx) -> Harm {
        Harm { role: self.role, relation, scope: self.scope, is_gain: self.is_gain() }
    }
}

impl Planner<'_> {
    /// Returns the findings that a change repairs.
    ///
    /// # Errors
    /// When a role's access changes that no finding is about, or a finding would come.
    pub(crate) fn effect(
        &self,
        state: &State<'_>,
        trial: &Trial,
        reaching: Reaching,
    ) -> Result<Vec<Repaired>, Harm> {
        let mut repaired = Vec::new();
        if trial.is_wide() {
            self.check_losers(state, trial)?;
        }
        self.effect_on_group(state, trial, trial.group, &mut repaired)?;
        if trial.is_wide() && reaching == Reaching::Group {
            let moved = self.moved(state, trial);
            for group in self.concerned_groups(state, trial, moved.as_ref()).filter(|it| *it != trial.group) {
                self.effect_on_group(state, trial, group, &mut repaired)?;
            }
            self.effect_on_bystanders(state, trial, moved.as_ref())?;
        }
        Ok(repaired)
    }

    /// Returns whom a change of the schema and the database harms by itself, by group; what it does to relations that are
    /// no data source is none of a group. Two are enough: of any group it is then known whether others are harmed.
    pub(crate) fn wide_effects(&self, state: &State<'_>, trial: &Trial) -> Vec<(Option<usize>, Harm)> {
        let moved = self.moved(state, trial);
        let in_groups = self.concerned_groups(state, trial, moved.as_ref()).filter_map(|group| {
            let harm = self.effect_on_group(state, trial, group, &mut Vec::new()).err()?;
            Some((Some(group), harm))
        });
        let of_others = || {
            let harm = self.effect_on_bystanders(state, trial, moved.as_ref()).err()?;
            Some((None, harm))
        };
        in_groups.chain(std::iter::once_with(of_others).flatten()).take(2).collect()
    }

    /// Whom the statements on the schema and the database harm in other groups, so that more need not be tried.
    ///
    /// # Errors
    /// When they harm somebody.
    pub(crate) fn wide_harm(
        &self,
        state: &State<'_>,
        group: usize,
        wide: Vec<Statement>,
    ) -> Result<(), Harm> {
        if wide.is_empty() {
            return Ok(());
        }
        let relation = self.drift.groups[group].relations[0].0;
        let schema = self.drift.schema_of(relation);
        let key = (schema, wide);
        let lock = || self.wide_harms.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&key).cloned();
        let harms = known.unwrap_or_else(|| {
            let mut draft = Draft::new(state, group);
            key.1.iter().for_each(|statement| draft.push(statement.clone()));
            let (_, trial) = draft.finish(state);
            let harms = self.wide_effects(state, &trial);
            lock().insert(key, harms.clone());
            harms
        });
        let is_alone = self.drift.groups[group].relations.len() == 1;
        let other = harms.iter().find(|(harmed, _)| !is_alone || *harmed != Some(group));
        other.map_or(Ok(()), |(_, harm)| Err(*harm))
    }

    /// Returns the roles that hold USAGE of the schema before a change or after it, and not both; none where CONNECT changes,
    /// which everything depends on.
    fn moved(&self, state: &State<'_>, trial: &Trial) -> Option<BitSet> {
        if trial.connect.is_some() {
            return None;
        }
        let mut moved = BitSet::new(self.drift.reach.len());
        if let Some(usage) = &trial.usage {
            moved.add_difference(&state.schema(trial.schema).holders, &usage.holders);
        }
        Some(moved)
    }

    /// The groups in which a change of the schema or the database may change what somebody can do: one of the roles that gain
    /// or lose USAGE has privileges there.
    fn concerned_groups(
        &self,
        state: &State<'_>,
        trial: &Trial,
        moved: Option<&BitSet>,
    ) -> impl Iterator<Item = usize> {
        let near = self.near_groups(trial);
        near.filter(move |group| moved.is_none_or(|moved| state.holders(*group).are_among(moved)))
    }

    /// Takes over what a trial changed.
    pub(crate) fn apply(&self, state: &mut State<'_>, trial: Trial) {
        let moved = self.moved(state, &trial);
        let concerned: Vec<usize> = if trial.is_wide() {
            self.concerned_groups(state, &trial, moved.as_ref()).collect()
        } else {
            Vec::new()
        };
        state.apply(trial, &concerned);
    }

    fn effect_on_bystanders(
        &self,
        state: &State<'_>,
        trial: &Trial,
        moved: Option<&BitSet>,
    ) -> Result<(), Harm> {
        for (relation, holders) in &self.bystanders {
            let is_near = trial.connect.is_some() || self.drift.schema_of(*relation) == trial.schema;
            if !is_near || moved.is_some_and(|moved| !holders.are_among(moved)) {
                continue;
            }
            let place = state.place_of(*relation, holders);
            let before = RelationReach::new(&self.drift.reach, place);
            let after = trial.reach_after(self.drift, None, place, &before);
            let changed = before.changed(&after, &self.drift.reach);
            if let Some(change) = changed
                .iter()
                .find_map(|role| changes_of(RoleIx::from_position(role), &before, &after).next())
            {
                return Err(change.harm(*relation));
            }
        }
        Ok(())
    }

    fn effect_on_group(
        &self,
        state: &State<'_>,
        trial: &Trial,
        group: usize,
        repaired: &mut Vec<Repaired>,
    ) -> Result<(), Harm> {
        let of_group = &self.drift.groups[group];
        let relation = of_group.relations[0].0;
        let before = state.reach(group);
        let after = trial.reach_after(self.drift, Some(group), state.place(group), before);
        let changed = before.changed(&after, &self.drift.reach);
        let judge = Judge { group: of_group, table: self.table(of_group.source_class) };
        // Most changes that harm harm many, so one user is looked at after the other, and the first who is harmed ends it.
        let mut seen: FastSet<UserIx> = FastSet::default();
        for role in changed.iter().map(RoleIx::from_position) {
            let Some(user) = self.drift.user_of(role) else {
                // A role that belongs to nobody is for somebody to decide about.
                match changes_of(role, before, &after).next() {
                    Some(change) => return Err(change.harm(relation)),
                    None => continue,
                }
            };
            if !seen.insert(user) {
                continue;
            }
            let roles = self.drift.roles_of(user).iter().filter(|role| changed.contains(role.get()));
            let changes: Vec<Change> = roles.flat_map(|role| changes_of(*role, before, &after)).collect();
            let Some(first) = changes.first() else { continue };
            let found = self.findings(&judge, user, before);
            for change in &changes {
                let is_about = |it: &&GroupFinding| it.role == Some(change.role) && it.scope == change.scope;
                let is_wrong = found.iter().find(is_about).is_none_or(|finding| {
                    let is_excess = matches!(finding.kind, FindingKind::Excess | FindingKind::ExcessBlocked);
                    is_excess && change.before.is_some() && change.after.is_some() && change.is_gain()
                });
                if is_wrong {
                    return Err(change.harm(relation));
                }
            }
            let left = self.findings(&judge, user, &after);
            if left.iter().any(|finding| !found.contains(finding)) {
                return Err(first.harm(relation));
            }
            let gone = found.into_iter().filter(|finding| !left.contains(finding));
            repaired.extend(gone.map(|finding| (group, finding)));
        }
        Ok(())
    }

    /// Finds what differs between policy and access for one user.
    fn findings(&self, judge: &Judge<'_>, user: UserIx, reach: &RelationReach) -> Vec<GroupFinding> {
        let roles = self.drift.roles_of(user);
        let access: Vec<[Option<Reach>; 2]> =
            roles.iter().map(|role| Scope::ALL.map(|scope| reach.of_role(*role, scope))).collect();
        let lookup = |role: RoleIx, scope: Scope| {
            let position = roles.iter().position(|it| *it == role)?;
            let reach = access[position][scope.index()].as_ref()?;
            Some(reach.columns.as_deref())
        };
        let mut found = Vec::new();
        judge.find_for_user(user, roles, |role| self.drift.reach.may_log_in(role), lookup, &mut found);
        found
    }

    /// Who loses USAGE or CONNECT must have nothing granted where it counts, or other repairs would be undone.
    fn check_losers(&self, state: &State<'_>, trial: &Trial) -> Result<(), Harm> {
        let reach = &self.drift.reach;
        let relation = self.drift.groups[trial.group].relations[0].0;
        let lost = |before: &BitSet, after: Option<&ObjectState>| {
            let mut lost = after.map_or_else(|| BitSet::new(reach.len()), |_| before.clone());
            after.iter().for_each(|after| lost.subtract(&after.holders));
            lost
        };
        let of_connect = lost(&state.database().holders, trial.connect.as_ref());
        let of_usage = lost(&state.schema(trial.schema).holders, trial.usage.as_ref());
        let losers = reach.actors_of(&of_usage).into_union(&of_connect).intersection(&reach.logins);
        for role in losers.iter().map(RoleIx::from_position) {
            let Some(user) = self.drift.user_of(role) else { continue };
            let schema = (!of_connect.contains(role.get())).then_some(trial.schema);
            if self.is_granted_in(schema, user) {
                return Err(Harm { role, relation, scope: Scope::Read, is_gain: false });
            }
        }
        Ok(())
    }
}

/// Returns where what a role can do differs.
fn changes_of<'a>(
    role: RoleIx,
    before: &'a RelationReach,
    after: &'a RelationReach,
) -> impl Iterator<Item = Change> + 'a {
    Scope::ALL.into_iter().filter_map(move |scope| {
        let (before, after) = (before.of_role(role, scope), after.of_role(role, scope));
        (before != after).then_some(Change { role, scope, before, after })
    })
}

/// Whether access grew in some column, or is no longer limited to some rows.
fn gains(before: &Reach, after: &Reach) -> bool {
    let columns = match (&before.columns, &after.columns) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after.iter().any(|column| !before.contains(column)),
    };
    columns || (before.is_row_filtered && !after.is_row_filtered)
}
