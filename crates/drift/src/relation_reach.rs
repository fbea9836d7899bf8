//! Who reaches a relation, from access lists that may be hypothetical (`docs/drift.md`, rules 1 to 5).

use std::sync::Arc;

use domesday_actual::BitSet;
use domesday_model::Scope;
use domesday_model::privileges::RoleIx;

use crate::relation_holders::{Place, SharedSet, find_column};
use crate::role_reach::RoleReach;

/// What a role can do with a relation in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The positions of the columns, ascending; `None` means all.
    pub(crate) columns: Option<Vec<u32>>,
    pub(crate) is_row_filtered: bool,
}

/// The roles that reach a relation.
#[derive(Debug, Clone)]
pub(crate) struct RelationReach {
    scopes: [ScopeReach; 2],
}

#[derive(Debug, Clone)]
struct ScopeReach {
    /// Those that reach all of it by privileges on the relation.
    by_whole: SharedSet,
    /// Those that reach all of it.
    whole: SharedSet,
    /// Those that reach each column by its own grants, by position of the column.
    columns: Vec<(u32, SharedSet)>,
    /// Those of both that row security does not bind, where the relation has any.
    unfiltered: Option<BitSet>,
}

/// Who reaches a relation or a column by some holders.
struct Known<'k> {
    holders: &'k SharedSet,
    reaching: &'k SharedSet,
}

impl RelationReach {
    /// Evaluates who reaches a relation (rules 2, 3 and 5).
    pub(crate) fn new(reach: &RoleReach, place: Place<'_>) -> Self {
        Self { scopes: Scope::ALL.map(|scope| ScopeReach::new(reach, place, scope, |_| None)) }
    }

    /// Evaluates who reaches a relation after a change: what did not change is shared, and of the rest only the roles are
    /// looked at that act as one which holds more or less than before.
    pub(crate) fn after(&self, reach: &RoleReach, before: Place<'_>, after: Place<'_>) -> Self {
        if !std::ptr::eq(before.usage, after.usage) || !std::ptr::eq(before.connect, after.connect) {
            return Self::new(reach, after);
        }
        let scope = |scope: Scope| {
            let (old, holders) = (&self.scopes[scope.index()], before.holders.scope(scope));
            ScopeReach::new(reach, after, scope, |column| match column {
                None => Some(Known { holders: &holders.whole, reaching: &old.by_whole }),
                Some(column) => {
                    let reaching = find_column(&old.columns, column)?;
                    Some(Known { holders: holders.column(column)?, reaching })
                }
            })
        };
        Self { scopes: Scope::ALL.map(scope) }
    }

    /// Returns what a role can do with the relation in a scope.
    pub(crate) fn of_role(&self, role: RoleIx, scope: Scope) -> Option<Reach> {
        let of_scope = &self.scopes[scope.index()];
        let columns = if of_scope.whole.contains(role.get()) {
            None
        } else {
            let columns = of_scope.columns.iter().filter(|(_, roles)| roles.contains(role.get()));
            Some(columns.map(|(position, _)| *position).collect::<Vec<u32>>())
        };
        if columns.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        let is_row_filtered = of_scope.unfiltered.as_ref().is_some_and(|roles| !roles.contains(role.get()));
        Some(Reach { columns, is_row_filtered })
    }

    /// Returns the roles that reach something else by another evaluation of the same relation.
    pub(crate) fn changed(&self, other: &Self, reach: &RoleReach) -> BitSet {
        let mut changed = BitSet::new(reach.len());
        for (one, other) in self.scopes.iter().zip(&other.scopes) {
            one.add_changed(other, reach, &mut changed);
        }
        changed
    }
}

impl ScopeReach {
    /// Evaluates one scope. `known` returns for the relation or a column who reaches it with the same USAGE and CONNECT by
    /// other holders.
    fn new<'k>(
        reach: &RoleReach,
        place: Place<'_>,
        scope: Scope,
        known: impl Fn(Option<u32>) -> Option<Known<'k>>,
    ) -> Self {
        let holders = place.holders.scope(scope);
        let reaching = |holders: BitSet| {
            let acting = holders.intersection(place.usage);
            reach.actors_of(&acting).intersection(&reach.logins).intersection(place.connect)
        };
        let reaching_by = |column: Option<u32>, holders: &SharedSet| {
            let Some(known) = known(column) else { return Arc::new(reaching(BitSet::clone(holders))) };
            if Arc::ptr_eq(known.holders, holders) {
                return Arc::clone(known.reaching);
            }
            let mut now = BitSet::clone(known.reaching);
            let lost = BitSet::clone(known.holders).difference(holders).intersection(place.usage);
            let is_acting = |role: &RoleIx| holders.contains(role.get()) && place.usage.contains(role.get());
            for role in reach.actors_of(&lost).iter() {
                if !reach.acts_as(RoleIx::from_position(role)).iter().any(is_acting) {
                    now.remove(role);
                }
            }
            let added = BitSet::clone(holders).difference(known.holders);
            if !added.is_empty() {
                now.union(&reaching(added));
            }
            Arc::new(now)
        };
        let by_whole = reaching_by(None, &holders.whole);
        let columns = holders.columns.iter();
        let columns: Vec<(u32, SharedSet)> =
            columns.map(|(position, holders)| (*position, reaching_by(Some(*position), holders))).collect();
        let mut whole = Arc::clone(&by_whole);
        // A reader of each column reads the relation.
        if scope == Scope::Read
            && columns.len() == place.holders.column_count
            && let Some(((_, first), others)) = columns.split_first()
        {
            let mut every = BitSet::clone(first);
            others.iter().for_each(|(_, roles)| every.intersect(roles));
            Arc::make_mut(&mut whole).union(&every);
        }
        let unfiltered = place.relation.has_row_security.then(|| {
            let relation = place.relation;
            let free = reach.free_of_row_security(relation.owner, relation.forces_row_security);
            let mut unfiltered = reaching(BitSet::clone(&holders.any).intersection(&free));
            let mut can = BitSet::clone(&whole);
            columns.iter().for_each(|(_, roles)| can.union(roles));
            unfiltered.intersect(&can);
            unfiltered
        });
        Self { by_whole, whole, columns, unfiltered }
    }

    /// Adds the roles that reach something else by another evaluation.
    fn add_changed(&self, other: &Self, reach: &RoleReach, to: &mut BitSet) {
        let mut of_columns: Option<BitSet> = None;
        for (position, roles) in &self.columns {
            let after = find_column(&other.columns, *position);
            if after.is_some_and(|after| Arc::ptr_eq(roles, after)) {
                continue;
            }
            let of_columns = of_columns.get_or_insert_with(|| BitSet::new(reach.len()));
            match after {
                Some(after) => of_columns.add_difference(roles, after),
                None => of_columns.union(roles),
            }
        }
        let added =
            other.columns.iter().filter(|(position, _)| find_column(&self.columns, *position).is_none());
        for (_, roles) in added {
            of_columns.get_or_insert_with(|| BitSet::new(reach.len())).union(roles);
        }
        if let Some(mut of_columns) = of_columns {
            // Who reaches all of it before and after has no use for columns.
            of_columns.subtract(&BitSet::clone(&self.whole).intersection(&other.whole));
            to.union(&of_columns);
        }
        to.add_difference(&self.whole, &other.whole);
        if let (Some(one), Some(other)) = (&self.unfiltered, &other.unfiltered) {
            to.add_difference(one, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use domesday_actual::ActualAccess;
    use domesday_model::privileges::{PrivilegeSet, RelationIx};

    use super::*;
    use crate::access_lists::{RelationLists, database_list, schema_list};
    use crate::relation_holders::RelationHolders;
    use crate::repair::fixtures::{Random, random_database};

    #[test]
    fn one_role_reaches_what_the_evaluation_of_all_says() {
        let (mut reached, mut by_columns, mut filtered) = (0, 0, 0);
        for seed in 0..600 {
            let found = random_database(&mut Random(seed));
            let (access, reach) = (ActualAccess::new(&found), RoleReach::new(&found));
            let connect = reach.connect_holders(&database_list(&found));
            for (position, relation) in found.relations.iter().enumerate() {
                let holders = RelationHolders::new(&reach, &RelationLists::new(relation));
                let usage = reach.usage_holders(&schema_list(&found.schemas[relation.schema.get()]));
                let place = Place { connect: &connect, usage: &usage, holders: &holders, relation };
                let reached_by = RelationReach::new(&reach, place);
                let class = access.class_of[RelationIx::from_position(position).get()];
                for role in (0..found.roles.len()).map(RoleIx::from_position) {
                    for scope in Scope::ALL {
                        let wanted = access.role_access(class, scope, role).map(|access| Reach {
                            columns: access.columns.as_deref().map(<[u32]>::to_vec),
                            is_row_filtered: access.is_row_filtered,
                        });
                        let one = reached_by.of_role(role, scope);
                        assert_eq!(one, wanted, "seed {seed}, {role:?}, {scope:?}, {relation:?}");
                        reached += usize::from(one.is_some());
                        by_columns += usize::from(one.as_ref().is_some_and(|one| one.columns.is_some()));
                        filtered += usize::from(one.is_some_and(|one| one.is_row_filtered));
                    }
                }
            }
        }
        assert!(reached > 1_000 && by_columns > 100 && filtered > 100, "{reached} {by_columns} {filtered}");
    }

    #[test]
    fn what_a_change_leaves_or_adds_is_what_an_evaluation_from_nothing_says() {
        let (mut gains, mut losses) = (0, 0);
        for seed in 0..1_500 {
            let random = &mut Random(seed);
            let found = random_database(random);
            let reach = RoleReach::new(&found);
            let connect = reach.connect_holders(&database_list(&found));
            for relation in &found.relations {
                let usage = reach.usage_holders(&schema_list(&found.schemas[relation.schema.get()]));
                let lists = RelationLists::new(relation);
                let mut changed = lists.clone();
                let list = match random.below(3) {
                    0 => &mut changed.whole,
                    column => &mut changed.columns[column as usize - 1],
                };
                if random.chance(40) && !list.is_empty() {
                    list.remove(random.below(u32::try_from(list.len()).unwrap()) as usize);
                } else {
                    list.extend(random.list(9, PrivilegeSet::RELATION).unwrap_or_default());
                }
                let place = |holders| Place { connect: &connect, usage: &usage, holders, relation };
                let holders = RelationHolders::new(&reach, &lists);
                let (grown, fresh) =
                    (holders.after(&reach, &lists, &changed), RelationHolders::new(&reach, &changed));
                let before = RelationReach::new(&reach, place(&holders));
                let after = before.after(&reach, place(&holders), place(&grown));
                let wanted = RelationReach::new(&reach, place(&fresh));
                let differs = before.changed(&after, &reach);
                for role in (0..found.roles.len()).map(RoleIx::from_position) {
                    let mut is_changed = false;
                    for scope in Scope::ALL {
                        let (old, new) = (before.of_role(role, scope), after.of_role(role, scope));
                        assert_eq!(new, wanted.of_role(role, scope), "seed {seed}, {role:?}, {scope:?}");
                        assert_eq!(
                            place(&grown).holds_any(role, scope),
                            place(&fresh).holds_any(role, scope)
                        );
                        is_changed |= old != new;
                        gains += usize::from(old.is_none() && new.is_some());
                        losses += usize::from(old.is_some() && new.is_none());
                    }
                    assert_eq!(differs.contains(role.get()), is_changed, "seed {seed}, {role:?}");
                }
            }
        }
        assert!(gains > 500 && losses > 100, "{gains} {losses}");
    }
}
