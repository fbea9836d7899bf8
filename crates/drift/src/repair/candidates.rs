//! The statements that could repair a finding, best first. Whether they do, and whom else they touch, is for
//! [`effect`](super::effect) to say.

use std::collections::BTreeSet;

use domesday_actual::BitSet;
use domesday_model::privileges::{AccessEntry, Grantee, PrivilegeSet, RoleIx};
use domesday_model::{Scope, UserIx};

use super::access_list::is_own_grantor;
use super::decision::Decision;
use super::planner::Planner;
use super::single_revokes::SingleRevokes;
use super::state::{Draft, State};
use super::statement::{Action, Object, Statement};
use crate::access_lists::RelationLists;
use crate::drift::scope_privileges;
use crate::judge::Judge;
use crate::kinds::FindingKind;
use crate::relation_groups::GroupFinding;
use crate::relation_holders::{Place, wanted};
use crate::role_reach::RoleReach;

/// How many roles are tried to grant something to: a role may be able to become thousands.
const MOST_TARGETS: usize = 16;

/// A finding of a group with the state that it is to be repaired in.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) planner: &'a Planner<'a>,
    pub(crate) state: &'a State<'a>,
    pub(crate) group: usize,
    pub(crate) finding: GroupFinding,
    /// What single revocations do in this state, if it is the one that was read.
    pub(crate) revokes: Option<&'a SingleRevokes<'a>>,
}

/// Where a privilege can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Relation,
    Usage,
    Connect,
}

impl<'a> Case<'a> {
    /// Returns one candidate, or why there is none of its kind; `None` after the last.
    pub(crate) fn candidate(&self, number: usize) -> Option<Result<Draft<'a>, Decision>> {
        let GroupFinding { kind, role, user, .. } = self.finding;
        match (kind, role, user) {
            (FindingKind::Excess | FindingKind::ExcessBlocked, Some(role), _) => {
                let cut = *[Cut::Relation, Cut::Usage, Cut::Connect].get(number)?;
                Some(self.cut(role, cut))
            }
            (FindingKind::UnmaskedColumn, Some(role), Some(user)) => self.mask(role, user, number),
            (FindingKind::Partial, Some(role), _) => self.add_column(role, number).map(Ok),
            (FindingKind::Missing, Some(role), Some(user)) => self.complete(role, user, number).map(Ok),
            (FindingKind::Missing, None, Some(user)) => {
                let relation = self.planner.drift.groups[self.group].relations[0].0;
                let lack = self.planner.drift.lack(user, None, relation, self.finding.scope);
                (number == 0).then_some(Err(Decision::Lack(lack)))
            }
            (_, Some(role), _) => (number == 0).then_some(Err(Decision::Unmapped(role))),
            _ => None,
        }
    }

    fn draft(&self) -> Draft<'a> {
        Draft::new(self.state, self.group)
    }

    fn place(&self) -> Place<'a> {
        self.state.place(self.group)
    }

    /// Revokes everything by which a role can, on one level.
    fn cut(&self, role: RoleIx, cut: Cut) -> Result<Draft<'a>, Decision> {
        let (reach, place) = (&self.planner.drift.reach, self.place());
        let privileges = self.planner.drift.privileges();
        let scope = self.finding.scope;
        let acts_as = reach.acts_as(role).iter().copied();
        let acting: Vec<RoleIx> = match cut {
            Cut::Connect => vec![role],
            Cut::Relation => acts_as.filter(|acted| place.holds_usage(*acted)).collect(),
            Cut::Usage => acts_as.filter(|acted| place.holds_any(*acted, scope)).collect(),
        };
        for acted in &acting {
            let is_needed = cut == Cut::Relation || cut == Cut::Connect || place.holds_usage(*acted);
            if is_needed && reach.is_superuser(*acted) {
                return Err(Decision::Superuser(*acted));
            }
            let is_predefined = match (cut, scope) {
                (Cut::Connect, _) => false,
                (Cut::Usage, _) => reach.reads_all(*acted) || reach.writes_all(*acted),
                (Cut::Relation, scope) => reach.predefined(scope).contains(acted.get()),
            };
            if is_predefined {
                return Err(Decision::Predefined(*acted));
            }
        }
        let (owner, object, cut_set) = match cut {
            Cut::Relation => (place.relation.owner, Object::Relation, wanted(scope).0),
            Cut::Usage => {
                let schema = &privileges.schemas[place.relation.schema.get()];
                (schema.owner, Object::Schema, PrivilegeSet::USAGE)
            }
            Cut::Connect => (privileges.database.owner, Object::Database, PrivilegeSet::CONNECT),
        };
        let inherited = Inherited::new(reach, &acting);
        let mut draft = self.draft();
        let relevant = |draft: &Draft<'_>| -> Vec<AccessEntry> {
            let is_relevant = |it: &AccessEntry| it.privileges.intersects(cut_set) && inherited.concerns(it);
            entries_of(draft, cut).filter(is_relevant).collect()
        };
        let revoke = |draft: &Draft<'_>, entry: AccessEntry| {
            let of_grantee = entries_of(draft, cut)
                .filter(|it| it.grantee == entry.grantee && it.grantor == entry.grantor);
            let held = of_grantee.fold(PrivilegeSet::NONE, |sum, entry| sum.union(entry.privileges));
            self.revoke(draft, entry, held.intersection(cut_set), object.clone(), owner)
        };
        let mut entries = relevant(&draft);
        if entries.iter().any(|entry| entry.grantee == Grantee::Role(owner)) {
            return Err(Decision::Owner(owner));
        }
        if let Some(known) = self.revokes {
            entries.sort_unstable_by_key(|entry| order(entry, owner));
            for entry in &entries {
                let alone = revoke(&draft, *entry).ok();
                if let Some(harm) = alone.and_then(|statement| known.harm(statement)) {
                    return Err(Decision::Others { grantee: entry.grantee, harm });
                }
            }
        }
        while let Some(next) = entries.into_iter().min_by_key(|entry| order(entry, owner)) {
            draft.push(revoke(&draft, next)?);
            entries = relevant(&draft);
        }
        Ok(draft)
    }

    /// Returns the REVOKE of an entry, by its grantor.
    fn revoke(
        &self,
        draft: &Draft<'_>,
        entry: AccessEntry,
        privileges: PrivilegeSet,
        object: Object,
        owner: RoleIx,
    ) -> Result<Statement, Decision> {
        let reach = &self.planner.drift.reach;
        if entry.grantor == owner {
            let action = Action::Revoke { grantor: None, is_cascading: false };
            return Ok(Statement { action, privileges, object, grantee: entry.grantee });
        }
        let grantor = entry.grantor;
        let list: &[AccessEntry] = match object {
            Object::Database => &draft.connect,
            Object::Schema => &draft.usage,
            Object::Relation | Object::Columns(_) => &draft.lists.whole,
        };
        // A role finds a relation only with USAGE of its schema.
        let is_found =
            matches!(object, Object::Database | Object::Schema) || self.place().holds_usage(grantor);
        if !is_found || !is_own_grantor(list, reach, owner, grantor, privileges) {
            return Err(Decision::Grantor(grantor));
        }
        let action = Action::Revoke { grantor: Some(grantor), is_cascading: false };
        Ok(Statement { action, privileges, object, grantee: entry.grantee })
    }

    /// Takes masked columns from a role: all that are masked for the user, then only the one that the finding is about.
    fn mask(&self, role: RoleIx, user: UserIx, number: usize) -> Option<Result<Draft<'a>, Decision>> {
        let planner = self.planner;
        let group = &planner.drift.groups[self.group];
        let column = self.finding.column?;
        let masked = Judge { group, table: planner.table(group.source_class) }.masked(user);
        let columns = match number {
            0 => masked,
            1 if masked.len() > 1 => vec![column],
            _ => return None,
        };
        let mut draft = self.draft();
        let (reach, place) = (&planner.drift.reach, self.place());
        let acts_as = reach.acts_as(role).iter().copied();
        let acting: Vec<RoleIx> = acts_as.filter(|acted| place.holds_usage(*acted)).collect();
        Some(self.take_columns(&mut draft, &acting, &columns).map(|()| draft))
    }

    /// Revokes SELECT on columns from everything by which some roles read them, and grants the other columns again.
    fn take_columns(&self, draft: &mut Draft<'a>, acting: &[RoleIx], taken: &[u32]) -> Result<(), Decision> {
        let reach = &self.planner.drift.reach;
        let owner = self.place().relation.owner;
        for acted in acting {
            if reach.is_superuser(*acted) {
                return Err(Decision::Superuser(*acted));
            }
            if reach.reads_all(*acted) {
                return Err(Decision::Predefined(*acted));
            }
        }
        let inherited = Inherited::new(reach, acting);
        let is_relevant = |entry: &&AccessEntry| {
            entry.privileges.intersects(PrivilegeSet::SELECT) && inherited.concerns(entry)
        };
        let before = draft.lists.clone();
        loop {
            let of_whole = draft.lists.whole.iter().filter(is_relevant);
            let of_whole = of_whole.min_by_key(|entry| order(entry, owner)).copied();
            let of_columns = || {
                taken.iter().flat_map(|column| {
                    let list = draft.lists.columns[*column as usize].iter().filter(is_relevant);
                    list.map(|entry| (*entry, *column))
                })
            };
            let of_column = of_columns().min_by_key(|(entry, _)| order(entry, owner));
            let (entry, object) = match (of_whole, of_column) {
                (Some(entry), _) => (entry, Object::Relation),
                (None, Some((entry, _))) => {
                    let same = of_columns().filter(|(other, _)| {
                        other.grantee == entry.grantee && other.grantor == entry.grantor
                    });
                    (entry, Object::Columns(same.map(|(_, column)| column).collect()))
                }
                (None, None) => break,
            };
            if entry.grantee == Grantee::Role(owner) {
                return Err(Decision::Owner(owner));
            }
            let statement = self.revoke(draft, entry, PrivilegeSet::SELECT, object, owner)?;
            draft.push(statement);
        }
        for (grantee, columns) in lost_columns(&before, &draft.lists) {
            let columns: Vec<u32> = columns.into_iter().filter(|column| !taken.contains(column)).collect();
            if !columns.is_empty() {
                draft.push(Statement {
                    action: Action::Grant,
                    privileges: PrivilegeSet::SELECT,
                    object: Object::Columns(columns),
                    grantee,
                });
            }
        }
        Ok(())
    }

    /// Grants the column that lacks: to the role itself, else to a role that it may become.
    fn add_column(&self, role: RoleIx, number: usize) -> Option<Draft<'a>> {
        let (reach, place) = (&self.planner.drift.reach, self.place());
        let column = self.finding.column?;
        let has_usage = |role: &RoleIx| place.holds_usage(*role);
        // One statement before two.
        let mut targets: Vec<RoleIx> = reach.acts_as(role).iter().copied().filter(has_usage).collect();
        if !has_usage(&role) {
            targets.push(role);
        }
        let target = *targets.get(number).filter(|_| number < MOST_TARGETS)?;
        let mut draft = self.draft();
        if !has_usage(&target) {
            draft.push(Statement::grant(PrivilegeSet::USAGE, Object::Schema, target));
        }
        draft.push(Statement::grant(PrivilegeSet::SELECT, Object::Columns(vec![column]), target));
        Some(draft)
    }

    /// Grants what a role lacks: to itself, else to a role that it may become.
    fn complete(&self, role: RoleIx, user: UserIx, number: usize) -> Option<Draft<'a>> {
        let reach = &self.planner.drift.reach;
        let target = *reach.acts_as(role).get(number).filter(|_| number < MOST_TARGETS)?;
        let mut draft = self.draft();
        if !self.place().holds_connect(role) {
            draft.push(Statement::grant(PrivilegeSet::CONNECT, Object::Database, role));
        }
        if !self.place().holds_usage(target) {
            draft.push(Statement::grant(PrivilegeSet::USAGE, Object::Schema, target));
        }
        match self.finding.scope {
            Scope::Write => {
                if !self.place().holds_any(target, Scope::Write) {
                    draft.push(Statement::grant(scope_privileges(Scope::Write), Object::Relation, target));
                }
            }
            Scope::Read => self.complete_reading(&mut draft, target, user),
        }
        Some(draft)
    }

    fn complete_reading(&self, draft: &mut Draft<'a>, target: RoleIx, user: UserIx) {
        let place = self.place();
        let group = &self.planner.drift.groups[self.group];
        let masked = if group.is_maskable {
            Judge { group, table: self.planner.table(group.source_class) }.masked(user)
        } else {
            Vec::new()
        };
        let is_whole = place.holds_whole(target, Scope::Read);
        let held = |column: &u32| place.holds_column(target, Scope::Read, *column);
        let all = 0..RoleIx::from_position(place.relation.columns.len()).0;
        if masked.iter().any(held) {
            // Privileges without USAGE, which would become a finding of their own.
            let before = draft.clone();
            if self.take_columns(draft, &[target], &masked).is_err() {
                *draft = before;
            }
        }
        if is_whole {
            return;
        }
        let holds_none = !all.clone().any(|column| held(&column));
        if masked.is_empty() && holds_none {
            draft.push(Statement::grant(PrivilegeSet::SELECT, Object::Relation, target));
            return;
        }
        let due: Vec<u32> = all.filter(|column| !masked.contains(column) && !held(column)).collect();
        if !due.is_empty() {
            draft.push(Statement::grant(PrivilegeSet::SELECT, Object::Columns(due), target));
        }
    }
}

/// Iterates over the entries on one level; on a relation those of columns count too.
fn entries_of<'d>(draft: &'d Draft<'_>, cut: Cut) -> impl Iterator<Item = AccessEntry> + 'd {
    let (list, columns): (&[AccessEntry], &[Vec<AccessEntry>]) = match cut {
        Cut::Relation => (&draft.lists.whole, &draft.lists.columns),
        Cut::Usage => (&draft.usage, &[]),
        Cut::Connect => (&draft.connect, &[]),
    };
    list.iter().chain(columns.iter().flatten()).copied()
}

/// Returns for each grantee the columns that it could select by its entries and no longer can.
fn lost_columns(before: &RelationLists, after: &RelationLists) -> Vec<(Grantee, Vec<u32>)> {
    let selects = |list: &[AccessEntry], grantee: Grantee| {
        list.iter().any(|it| it.grantee == grantee && it.privileges.intersects(PrivilegeSet::SELECT))
    };
    let can = |lists: &RelationLists, grantee: Grantee, column: usize| {
        selects(&lists.whole, grantee) || selects(&lists.columns[column], grantee)
    };
    let changed =
        std::iter::once((&before.whole, &after.whole)).chain(before.columns.iter().zip(&after.columns));
    let entries = changed.filter(|(before, after)| before != after).flat_map(|(before, _)| before);
    let grantees: BTreeSet<Grantee> = entries.map(|entry| entry.grantee).collect();
    let lost = grantees.into_iter().map(|grantee| {
        let columns = (0..).zip(0..before.columns.len());
        let lost =
            columns.filter(|(_, column)| can(before, grantee, *column) && !can(after, grantee, *column));
        (grantee, lost.map(|(position, _)| position).collect::<Vec<u32>>())
    });
    lost.filter(|(_, columns)| !columns.is_empty()).collect()
}

/// The roles whose privileges some roles have by inheritance.
struct Inherited(BitSet);

impl Inherited {
    fn new(reach: &RoleReach, by: &[RoleIx]) -> Self {
        let mut roles = BitSet::new(reach.len());
        by.iter().flat_map(|role| reach.inherits(*role)).for_each(|role| roles.insert(role.get()));
        Self(roles)
    }

    /// Whether one of the heirs has privileges by an entry of an access list.
    fn concerns(&self, entry: &AccessEntry) -> bool {
        match entry.grantee {
            Grantee::Public => true,
            Grantee::Role(grantee) => self.0.contains(grantee.get()),
        }
    }
}

/// The order in which entries are revoked: what the owner granted first, since that may cascade.
fn order(entry: &AccessEntry, owner: RoleIx) -> (bool, RoleIx) {
    (entry.grantor != owner, entry.grantor)
}

/// Whose privileges a draft changes first, to name in a comment.
pub(crate) fn first_grantee(statements: &[Statement]) -> Option<Grantee> {
    let revokes = statements.iter().find(|statement| matches!(statement.action, Action::Revoke { .. }));
    revokes.or_else(|| statements.first()).map(|statement| statement.grantee)
}
