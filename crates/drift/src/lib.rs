//! Drift: where what people can reach in a database differs from what policies say (`docs/drift.md`), and the SQL that
//! repairs it.
//!
//! [`Drift::new`] compares the outcomes of a snapshot with the privileges that a connection read. Relations with the same
//! actual access and the same outcomes form one [`RelationGroup`] and are compared once; findings exist one by one only
//! where a caller iterates over them.
//!
//! *Invariants.* No I/O and no clock, and no SQL is run: the repair is text for the person who answers for the database.

mod access_lists;
mod class_table;
mod column_path;
mod detail;
mod drift;
mod finding;
mod judge;
mod kinds;
mod lack;
mod pair;
mod relation_groups;
mod relation_holders;
mod relation_reach;
mod repair;
mod role_reach;
mod template;
mod text;

pub use drift::{AccessRow, Drift};
pub use finding::Finding;
pub use kinds::{FindingKind, Lack};
pub use pair::{PairAccess, ScopeAccess};
pub use relation_groups::RelationGroup;
pub use repair::quote_identifier;
pub use template::{RelationNames, Template};
