//! Decisions as sentences.

use domesday_model::privileges::{Grantee, RoleIx};

use super::decision::Decision;
use crate::detail::verb;
use crate::drift::Drift;
use crate::kinds::Lack;
use crate::text::name;

impl Decision {
    /// Returns what has to be decided, as a sentence without control characters.
    pub(crate) fn text(&self, drift: &Drift) -> String {
        let role_name = |role: RoleIx| name(drift.role_name(role));
        match *self {
            Self::Unmapped(role) => {
                format!(
                    "Decide to whom role {0} belongs, and add it to `identify`; or drop {0}.",
                    role_name(role)
                )
            }
            Self::Lack(Lack::Role) => {
                "Decide which role is theirs: create one, or add it to `identify`.".to_owned()
            }
            Self::Lack(Lack::Login(role)) => {
                format!("Decide whether role {0} may log in: ALTER ROLE … LOGIN.", role_name(role))
            }
            Self::Lack(Lack::ValidUntil(role)) => {
                format!(
                    "Decide whether role {0} gets a new password: ALTER ROLE … VALID UNTIL.",
                    role_name(role)
                )
            }
            Self::Lack(Lack::Privileges { role, .. }) => {
                format!("Decide how role {} gets the privilege.", role_name(role))
            }
            Self::Superuser(role) => {
                format!(
                    "Decide whether role {} stays a superuser: privileges do not bind it.",
                    role_name(role)
                )
            }
            Self::Predefined(role) => {
                format!(
                    "Decide whether role {} stays a member of pg_read_all_data or pg_write_all_data, which reach every relation.",
                    role_name(role)
                )
            }
            Self::Owner(role) => {
                format!(
                    "Decide whether role {} stays the owner: an owner can grant itself what is revoked.",
                    role_name(role)
                )
            }
            Self::Grantor(role) => {
                format!(
                    "Decide about the grant by role {}, which cannot revoke it: grant the role its grant option or USAGE again, then revoke.",
                    role_name(role)
                )
            }
            Self::Others { grantee, harm } => {
                let grantee = match grantee {
                    Grantee::Public => "PUBLIC".to_owned(),
                    Grantee::Role(role) => role_name(role),
                };
                let change = if harm.is_gain { "give" } else { "change" };
                format!(
                    "Decide about the privileges of {grantee}: changing them would {change} what role {} can {} of {}.",
                    role_name(harm.role),
                    verb(harm.scope),
                    drift.relation_name(harm.relation)
                )
            }
            Self::Conflict => "Decide after the other repairs: this one contradicts one of them.".to_owned(),
        }
    }
}
