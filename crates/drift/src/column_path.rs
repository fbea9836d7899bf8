//! The shortest path by which a role can read one column (`docs/drift.md`, rule 4).

use std::collections::VecDeque;

use domesday_actual::{AccessPath, READ_ALL};
use domesday_model::privileges::{Grantee, PrivilegeSet, RelationIx, RoleIx};
use domesday_model::{FastMap, FastSet};

use crate::access_lists::relation_list;
use crate::drift::Drift;

/// A role on the way: still among those that `SET ROLE` leads to, or among those inherited from.
type Step = (RoleIx, bool);

/// Returns a shortest path from a role to reading a column.
pub(crate) fn column_path(
    drift: &Drift,
    relation: RelationIx,
    role: RoleIx,
    column: u32,
) -> Option<AccessPath> {
    let of_relation = &drift.privileges().relations[relation.get()];
    let usage = &drift.usage[of_relation.schema.get()];
    let whole = relation_list(of_relation);
    let of_column = of_relation.columns[column as usize].access_list.as_deref().unwrap_or_default();
    let entries = whole.iter().chain(of_column);
    let selecting = entries.filter(|entry| entry.privileges.intersects(PrivilegeSet::SELECT));
    let grantees: FastSet<Grantee> = selecting.map(|entry| entry.grantee).collect();
    let is_public = grantees.contains(&Grantee::Public);
    let is_named =
        |role: RoleIx| grantees.contains(&Grantee::Role(role)) || drift.role_name(role) == READ_ALL;
    let has_privilege = |role: RoleIx| is_public || is_named(role) || drift.reach.is_superuser(role);

    let mut before: FastMap<Step, Step> = FastMap::default();
    let mut open: VecDeque<Step> = VecDeque::from([(role, false)]);
    let end = loop {
        let at = open.pop_front()?;
        let (here, is_inherited) = at;
        if is_inherited && has_privilege(here) {
            break at;
        }
        let edges = drift.reach.edges();
        let mut add = |step: Step, is_free: bool| {
            if step != (role, false) && !before.contains_key(&step) {
                before.insert(step, at);
                if is_free { open.push_front(step) } else { open.push_back(step) }
            }
        };
        let next = if is_inherited { &edges.inherits } else { &edges.becomes };
        next[here.get()].iter().for_each(|to| add((*to, is_inherited), false));
        // From a role with USAGE the way goes on by inheritance, which costs no step by itself.
        if !is_inherited && usage.contains(here.get()) {
            add((here, true), true);
        }
    };
    let mut roles = Vec::new();
    let mut at = end;
    while let Some(previous) = before.get(&at) {
        if previous.0 != at.0 {
            roles.push(at.0);
        }
        at = *previous;
    }
    roles.reverse();
    Some(if !roles.is_empty() {
        AccessPath::Roles(roles.into())
    } else if drift.reach.is_superuser(role) {
        AccessPath::Superuser
    } else if !is_named(role) {
        AccessPath::Public
    } else if role == of_relation.owner {
        AccessPath::Owner
    } else {
        AccessPath::Direct
    })
}
