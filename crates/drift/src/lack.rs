//! What a user without access lacks.

use domesday_model::privileges::{RelationIx, RoleIx};
use domesday_model::{Scope, UserIx};

use crate::access_lists::relation_list;
use crate::drift::Drift;
use crate::kinds::Lack;
use crate::relation_holders::wanted;

impl Drift {
    /// Returns what a user lacks to reach a relation; `role` is the first of theirs that may log in.
    pub(crate) fn lack(
        &self,
        user: UserIx,
        role: Option<RoleIx>,
        relation: RelationIx,
        scope: Scope,
    ) -> Lack {
        let Some(role) = role else {
            let roles = self.roles_of(user);
            let has_login = |role: &&RoleIx| self.privileges().roles[role.get()].can_login;
            return match (roles.iter().find(has_login), roles.first()) {
                (Some(expired), _) => Lack::ValidUntil(*expired),
                (None, Some(first)) => Lack::Login(*first),
                (None, None) => Lack::Role,
            };
        };
        let of_relation = &self.privileges().relations[relation.get()];
        let usage = &self.usage[of_relation.schema.get()];
        let whole = relation_list(of_relation);
        let (on_whole, on_column) = wanted(scope);
        let holds_any = |role: RoleIx| {
            let mut columns = of_relation.columns.iter().filter_map(|column| column.access_list.as_deref());
            self.reach.predefined(scope).contains(role.get())
                || self.reach.holds(role, &whole, on_whole)
                || columns.any(|list| self.reach.holds(role, list, on_column))
        };
        let (mut has_usage, mut has_privilege, mut has_both) = (false, false, false);
        for acted in self.reach.acts_as(role) {
            let (uses, holds) = (usage.contains(acted.get()), holds_any(*acted));
            has_usage |= uses;
            has_privilege |= holds;
            has_both |= uses && holds;
        }
        Lack::Privileges {
            role,
            connect: !self.connect.contains(role.get()),
            usage: !has_usage,
            privilege: !has_privilege || (has_usage && !has_both),
        }
    }
}
