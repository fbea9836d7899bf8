//! Actual access: which role can really read or write which relation of a database, by its privileges.
//!
//! [`Privileges`](domesday_model::privileges::Privileges) are what one transaction read from a database;
//! [`ActualAccess::new`] evaluates them, with a shortest path for each access. The rules are those of `docs/drift.md`.
//! Equivalent relations form one class, and so do roles, so the cost follows the number of classes, not of pairs.
//!
//! *Invariants.* No I/O, no clock: expiry is judged at the instant of the reading.

mod access_path;
mod bit_set;
mod evaluate;
mod grantees;
mod role_graph;

pub use access_path::AccessPath;
pub use bit_set::BitSet;
pub use evaluate::{ActualAccess, RelationClass, RelationClassIx, RoleAccess};
pub use role_graph::{READ_ALL, RoleEdges, WRITE_ALL};
