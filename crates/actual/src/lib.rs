//! What people can really reach: the privileges that a platform holds, evaluated, and compared with policy.
//!
//! [`Privileges`] are what one transaction read from a database; [`ActualAccess::new`] works out which role can read
//! or write which relation, and by what way. The rules are those of `docs/drift.md`. Relations that are alike form one
//! class and so do roles, so the cost follows the number of classes, not of pairs.
//!
//! *Invariants.* No I/O, no clock: expiry is judged at [`Privileges::observed_at`].

mod bits;
mod evaluate;
mod objects;
mod privileges;
mod roles;
mod via;

pub use evaluate::{ActualAccess, RelationClass, RelationClassIx, RoleAccess};
pub use privileges::{
    AccessEntry, Column, Database, Grantee, Membership, PrivilegeSet, Privileges, Relation, RelationIx,
    RelationKind, Role, RoleIx, Schema, SchemaIx,
};
pub use via::Via;
