//! What a user without access lacks.

use domesday_model::privileges::{RelationIx, RoleIx};
use domesday_model::{Scope, UserIx};

use crate::drift::Drift;
use crate::grants::{RelationGrants, RelationLists};
use crate::kinds::Lack;
use crate::role_reach::Place;

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
        let grants = RelationGrants::new(&RelationLists::new(of_relation));
        let usage = &self.usage[of_relation.schema.get()];
        let place = Place { connect: &self.connect, usage, grants: &grants, relation: of_relation };
        let acts_as = self.reach.acts_as(role).iter();
        let has_usage = acts_as.clone().any(|acted| self.reach.holds_usage(*acted, place));
        let has_privilege = acts_as.clone().any(|acted| self.reach.holds_any(*acted, scope, place));
        let has_both = acts_as
            .clone()
            .any(|acted| self.reach.holds_usage(*acted, place) && self.reach.holds_any(*acted, scope, place));
        Lack::Privileges {
            role,
            connect: !self.reach.holds_connect(role, &self.connect),
            usage: !has_usage,
            privilege: !has_privilege || (has_usage && !has_both),
        }
    }
}
