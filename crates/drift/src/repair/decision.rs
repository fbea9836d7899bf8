//! Why a finding has no repair: what somebody has to decide.

use domesday_model::Scope;
use domesday_model::privileges::{Grantee, RelationIx, RoleIx};

use crate::kinds::Lack;

/// Why a finding has no repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The role belongs to nobody.
    Unmapped(RoleIx),
    /// The user has no role that may log in.
    Lack(Lack),
    /// The role can as a superuser.
    Superuser(RoleIx),
    /// The role can as a member of a predefined role that reaches everything.
    Predefined(RoleIx),
    /// The role can as the owner of the relation.
    Owner(RoleIx),
    /// The privilege was granted by a role that can no longer take it back.
    Grantor(RoleIx),
    /// The change would touch somebody about whom nothing is found.
    Others {
        /// Whose privileges would have to change.
        grantee: Grantee,
        harm: Harm,
    },
    /// The repair contradicts that of another finding.
    Conflict,
}

/// Whom a change would harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Harm {
    /// The role whose access would change though it should not.
    pub(crate) role: RoleIx,
    /// What about.
    pub(crate) relation: RelationIx,
    pub(crate) scope: Scope,
    /// Whether the role would gain access, and not lose it.
    pub(crate) is_gain: bool,
}
