//! The kinds of findings, and of what is lacking.

use std::fmt;

use domesday_model::privileges::RoleIx;
use serde::{Serialize, Serializer};

/// A kind of difference between policy and database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A role of a user can, though the user has no outcome.
    Excess,
    /// A role of a user can, though the outcome is BLOCKED.
    ExcessBlocked,
    /// A role of a user can read a column that is MASKED for them.
    UnmaskedColumn,
    /// The outcome is GRANTED and no role of the user can.
    Missing,
    /// The user is granted to read and can, but not this column.
    Partial,
    /// A role that belongs to nobody can.
    Unmapped,
}

impl FindingKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Excess,
        Self::ExcessBlocked,
        Self::UnmaskedColumn,
        Self::Missing,
        Self::Partial,
        Self::Unmapped,
    ];

    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Excess => "EXCESS",
            Self::ExcessBlocked => "EXCESS_BLOCKED",
            Self::UnmaskedColumn => "UNMASKED_COLUMN",
            Self::Missing => "MISSING",
            Self::Partial => "PARTIAL",
            Self::Unmapped => "UNMAPPED",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a user who is granted access lacks in the database (`docs/drift.md`, kind MISSING).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lack {
    /// No role belongs to the user.
    Role,
    /// No role of theirs has LOGIN; the first of them.
    Login(RoleIx),
    /// Every role of theirs with LOGIN has expired (`VALID UNTIL`); the first of them.
    ValidUntil(RoleIx),
    /// The first role that may log in lacks privileges.
    Privileges {
        /// The role.
        role: RoleIx,
        /// CONNECT on the database.
        connect: bool,
        /// USAGE of the schema: neither the role nor one that it may become holds it.
        usage: bool,
        /// The privilege on the relation and on each column: neither the role nor one that it may become holds it, or
        /// none of those that hold USAGE.
        privilege: bool,
    },
}
