//! What a change of access lists does to every role: which findings it repairs, and whom it would harm.

use std::collections::BTreeSet;

use domesday_model::privileges::{Grantee, RelationIx, RoleIx};
use domesday_model::{FastSet, Scope, UserIx};

use super::decision::Harm;
use super::planner::Planner;
use super::state::{State, Trial};
use crate::grants::{Grants, RelationGrants};
use crate::judge::Judge;
use crate::kinds::FindingKind;
use crate::relation_groups::GroupFinding;
use crate::role_reach::{Place, Reach};

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

/// The access lists before and after a change.
struct Places<'a> {
    before: Place<'a>,
    after: Place<'a>,
}

impl Planner<'_> {
    /// Returns the findings that a change repairs.
    ///
    /// # Errors
    /// When a role's access changes that no finding is about, or a finding would come.
    pub(crate) fn effect(
        &self,
        state: &State,
        trial: &Trial,
        reaching: Reaching,
    ) -> Result<Vec<Repaired>, Harm> {
        let affected = self.affected(&trial.grantees);
        let is_wide = trial.usage.is_some() || trial.connect.is_some();
        let mut repaired = Vec::new();
        let places = self.places(state, trial, trial.group, trial.relation.as_ref());
        if is_wide {
            self.check_losers(state, trial, &affected, &places)?;
        }
        self.effect_on_group(trial.group, &affected, &places, &mut repaired)?;
        if is_wide && reaching == Reaching::Group {
            let moved = self.moved(trial, &places);
            for group in self.near_groups(trial).filter(|group| *group != trial.group) {
                let places = self.places(state, trial, group, None);
                if self.concerns(moved.as_deref(), &places) {
                    self.effect_on_group(group, &affected, &places, &mut repaired)?;
                }
            }
            self.effect_on_bystanders(state, trial, &affected, moved.as_deref())?;
        }
        Ok(repaired)
    }

    /// Returns whom a change of the schema and the database harms by itself, by group; what it does to relations that are
    /// no data source is none of a group. Two are enough: of any group it is then known whether others are harmed.
    pub(crate) fn wide_effects(&self, state: &State, trial: &Trial) -> Vec<(Option<usize>, Harm)> {
        let affected = self.affected(&trial.grantees);
        let moved = self.moved(trial, &self.places(state, trial, trial.group, None));
        let in_groups = self.near_groups(trial).filter_map(|group| {
            let places = self.places(state, trial, group, None);
            if !self.concerns(moved.as_deref(), &places) {
                return None;
            }
            let harm = self.effect_on_group(group, &affected, &places, &mut Vec::new()).err()?;
            Some((Some(group), harm))
        });
        let of_others = || {
            let harm = self.effect_on_bystanders(state, trial, &affected, moved.as_deref()).err()?;
            Some((None, harm))
        };
        in_groups.chain(std::iter::once_with(of_others).flatten()).take(2).collect()
    }

    /// The groups that a change of the schema or the database may concern.
    fn near_groups(&self, trial: &Trial) -> impl Iterator<Item = usize> {
        let groups = self.drift.groups.iter().enumerate();
        groups.filter(|(_, group)| self.is_near(trial, group.relations[0].0)).map(|(position, _)| position)
    }

    fn is_near(&self, trial: &Trial, relation: RelationIx) -> bool {
        trial.connect.is_some() || self.drift.privileges().relations[relation.get()].schema == trial.schema
    }

    /// Returns the roles that hold USAGE of the schema before a change or after it, and not both; none where CONNECT changes,
    /// which everything depends on.
    fn moved(&self, trial: &Trial, places: &Places<'_>) -> Option<Vec<RoleIx>> {
        if trial.connect.is_some() {
            return None;
        }
        let reach = &self.drift.reach;
        let is_moved =
            |role: &RoleIx| reach.holds_usage(*role, places.before) != reach.holds_usage(*role, places.after);
        Some(self.reaching(&trial.grantees).into_iter().filter(is_moved).collect())
    }

    /// Whether a change of the schema or the database may change what somebody can do with a relation: one of the roles that
    /// gain or lose USAGE has privileges on it.
    fn concerns(&self, moved: Option<&[RoleIx]>, places: &Places<'_>) -> bool {
        let reach = &self.drift.reach;
        let holds =
            |role: &RoleIx| Scope::ALL.iter().any(|scope| reach.holds_any(*role, *scope, places.before));
        moved.is_none_or(|moved| moved.iter().any(holds))
    }

    fn effect_on_bystanders(
        &self,
        state: &State,
        trial: &Trial,
        affected: &[RoleIx],
        moved: Option<&[RoleIx]>,
    ) -> Result<(), Harm> {
        for (relation, grants) in &self.bystanders {
            if !self.is_near(trial, *relation) {
                continue;
            }
            let places = self.places_of(state, trial, *relation, grants, grants);
            if !self.concerns(moved, &places) {
                continue;
            }
            let change = self.changes(affected, &places).next();
            if let Some((role, scope, before, _)) = change {
                return Err(Harm { role, relation: *relation, scope, is_gain: before.is_none() });
            }
        }
        Ok(())
    }

    /// Returns the roles that may log in and reach a grantee by memberships, in ascending order.
    fn affected(&self, grantees: &BTreeSet<Grantee>) -> Vec<RoleIx> {
        let mut roles = self.reaching(grantees);
        roles.retain(|role| self.drift.reach.may_log_in(*role));
        roles
    }

    /// Returns the grantees and the roles that reach one by memberships, in ascending order.
    fn reaching(&self, grantees: &BTreeSet<Grantee>) -> Vec<RoleIx> {
        if grantees.contains(&Grantee::Public) {
            return (0..self.drift.user_of.len()).map(RoleIx::from_position).collect();
        }
        let mut found: BTreeSet<RoleIx> = BTreeSet::new();
        let mut open: Vec<RoleIx> = grantees
            .iter()
            .filter_map(|grantee| match grantee {
                Grantee::Public => None,
                Grantee::Role(role) => Some(*role),
            })
            .collect();
        while let Some(role) = open.pop() {
            if found.insert(role) {
                open.extend(&self.members[role.get()]);
            }
        }
        found.into_iter().collect()
    }

    fn places<'a>(
        &'a self,
        state: &'a State,
        trial: &'a Trial,
        group: usize,
        relation: Option<&'a (crate::grants::RelationLists, RelationGrants)>,
    ) -> Places<'a> {
        let before = &state.relations[group].1;
        let after = relation.map_or(before, |(_, grants)| grants);
        self.places_of(state, trial, self.drift.groups[group].relations[0].0, before, after)
    }

    fn places_of<'a>(
        &'a self,
        state: &'a State,
        trial: &'a Trial,
        relation: RelationIx,
        before: &'a RelationGrants,
        after: &'a RelationGrants,
    ) -> Places<'a> {
        let relation = &self.drift.privileges().relations[relation.get()];
        let schema = relation.schema;
        let usage: &Grants = &state.schemas[schema.get()].1;
        let connect: &Grants = &state.database.1;
        let new_usage = trial.usage.as_ref().filter(|_| schema == trial.schema);
        Places {
            before: Place { connect, usage, grants: before, relation },
            after: Place {
                connect: trial.connect.as_ref().map_or(connect, |(_, grants)| grants),
                usage: new_usage.map_or(usage, |(_, grants)| grants),
                grants: after,
                relation,
            },
        }
    }

    /// Returns the roles whose access differs, with what they could and can.
    fn changes(
        &self,
        affected: &[RoleIx],
        places: &Places<'_>,
    ) -> impl Iterator<Item = (RoleIx, Scope, Option<Reach>, Option<Reach>)> {
        let reach = &self.drift.reach;
        affected.iter().flat_map(move |role| {
            Scope::ALL.into_iter().filter_map(move |scope| {
                let before = reach.reach(*role, scope, places.before);
                let after = reach.reach(*role, scope, places.after);
                (before != after).then_some((*role, scope, before, after))
            })
        })
    }

    fn effect_on_group(
        &self,
        group: usize,
        affected: &[RoleIx],
        places: &Places<'_>,
        repaired: &mut Vec<Repaired>,
    ) -> Result<(), Harm> {
        let of_group = &self.drift.groups[group];
        let relation = of_group.relations[0].0;
        let harm = |(role, scope, before, after): &(RoleIx, Scope, Option<Reach>, Option<Reach>)| {
            let is_gain = match (before, after) {
                (None, _) => true,
                (_, None) => false,
                (Some(before), Some(after)) => gains(before, after),
            };
            Harm { role: *role, relation, scope: *scope, is_gain }
        };
        let judge = Judge { group: of_group, table: self.table(of_group.source_class) };
        // Most changes that harm harm many, so one user is looked at after the other, and the first who is harmed ends it.
        let mut seen: FastSet<UserIx> = FastSet::default();
        for role in affected {
            let Some(user) = self.drift.user_of(*role) else {
                // A role that belongs to nobody is for somebody to decide about.
                match self.changes(std::slice::from_ref(role), places).next() {
                    Some(change) => return Err(harm(&change)),
                    None => continue,
                }
            };
            if !seen.insert(user) {
                continue;
            }
            let roles = self.drift.roles_of(user).iter().copied();
            let roles: Vec<RoleIx> = roles.filter(|role| affected.binary_search(role).is_ok()).collect();
            let changes: Vec<_> = self.changes(&roles, places).collect();
            let Some(first) = changes.first() else { continue };
            let before = self.findings(&judge, user, places.before);
            let after = self.findings(&judge, user, places.after);
            for change in &changes {
                let is_about = |it: &&GroupFinding| it.role == Some(change.0) && it.scope == change.1;
                let is_wrong = before.iter().find(is_about).is_none_or(|finding| {
                    let is_excess = matches!(finding.kind, FindingKind::Excess | FindingKind::ExcessBlocked);
                    is_excess
                        && matches!((&change.2, &change.3), (Some(before), Some(after)) if gains(before, after))
                });
                if is_wrong {
                    return Err(harm(change));
                }
            }
            if after.iter().any(|finding| !before.contains(finding)) {
                return Err(harm(first));
            }
            let gone = before.into_iter().filter(|finding| !after.contains(finding));
            repaired.extend(gone.map(|finding| (group, finding)));
        }
        Ok(())
    }

    /// Finds what differs between policy and some access lists for one user.
    fn findings(&self, judge: &Judge<'_>, user: UserIx, place: Place<'_>) -> Vec<GroupFinding> {
        let reach = &self.drift.reach;
        let roles = self.drift.roles_of(user);
        let access: Vec<[Option<Reach>; 2]> =
            roles.iter().map(|role| Scope::ALL.map(|scope| reach.reach(*role, scope, place))).collect();
        let lookup = |role: RoleIx, scope: Scope| {
            let position = roles.iter().position(|it| *it == role)?;
            let reach = access[position][scope.index()].as_ref()?;
            Some(reach.columns.as_deref())
        };
        let mut found = Vec::new();
        judge.find_for_user(user, roles, |role| reach.may_log_in(role), lookup, &mut found);
        found
    }

    /// Who loses USAGE or CONNECT must have nothing granted where it counts, or other repairs would be undone.
    fn check_losers(
        &self,
        state: &State,
        trial: &Trial,
        affected: &[RoleIx],
        places: &Places<'_>,
    ) -> Result<(), Harm> {
        let reach = &self.drift.reach;
        let relation = self.drift.groups[trial.group].relations[0].0;
        for role in affected {
            let loses = reach.acts_as(*role).iter().any(|acted| {
                reach.holds_usage(*acted, places.before) && !reach.holds_usage(*acted, places.after)
            });
            let loses_connect = reach.holds_connect(*role, &state.database.1)
                && !reach.holds_connect(*role, places.after.connect);
            if !loses && !loses_connect {
                continue;
            }
            let Some(user) = self.drift.user_of(*role) else { continue };
            let schema = (!loses_connect).then_some(trial.schema);
            if self.is_granted_in(schema, user) {
                return Err(Harm { role: *role, relation, scope: Scope::Read, is_gain: false });
            }
        }
        Ok(())
    }
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
