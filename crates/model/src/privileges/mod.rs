//! Privileges as PostgreSQL stores them: roles, memberships, owners and access lists of one database.
//!
//! The reader of a connection fills these types from the catalog tables in one transaction; evaluation reads nothing
//! else. Positions in the lists are the identity of roles, schemas and relations.

mod identify;
mod observed;

use serde::{Deserialize, Serialize};

use crate::Instant;
pub use identify::{Person, RoleOwners};
pub use observed::{ObservedDatabase, POSTGRES_PLATFORM};

macro_rules! position {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The position as a slice index.
            #[must_use]
            pub fn get(self) -> usize {
                self.0 as usize
            }

            /// The index of a position.
            ///
            /// # Panics
            /// When `position` does not fit 32 bits.
            #[must_use]
            pub fn from_position(position: usize) -> Self {
                Self(u32::try_from(position).expect("a database has fewer than 2^32 objects of a kind"))
            }
        }
    )*};
}

position! {
    /// Position in [`Privileges::roles`].
    RoleIx,
    /// Position in [`Privileges::schemas`].
    SchemaIx,
    /// Position in [`Privileges::relations`].
    RelationIx,
}

/// The privileges of one database as one transaction read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges {
    /// The server's major version, such as 15.
    pub server_version: u32,
    /// The instant at which the expiry of passwords is judged.
    pub observed_at: Instant,
    /// The database itself.
    pub database: Database,
    /// Every role of the cluster.
    pub roles: Vec<Role>,
    /// Every membership of the cluster.
    pub memberships: Vec<Membership>,
    /// The schemas that were read.
    pub schemas: Vec<Schema>,
    /// Their tables, views, materialised views and foreign tables; partitions are left out.
    pub relations: Vec<Relation>,
}

impl Privileges {
    /// Returns everything but the instant of the reading, to be compared with another reading or hashed.
    #[must_use]
    pub fn facts(&self) -> impl Serialize + '_ {
        let Self { server_version, observed_at: _, database, roles, memberships, schemas, relations } = self;
        (server_version, database, roles, memberships, schemas, relations)
    }

    /// Whether the password of some role has expired at one of two instants and not at the other, so that the same facts
    /// mean something else.
    #[must_use]
    pub fn expiry_differs(&self, one: Instant, other: Instant) -> bool {
        self.roles.iter().any(|role| role.is_expired(one) != role.is_expired(other))
    }

    /// Whether every position refers to something: they were read from where they could have been changed.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let is_role = |role: RoleIx| role.get() < self.roles.len();
        let are_roles = |list: &Option<Vec<AccessEntry>>| {
            list.iter().flatten().all(|entry| {
                let is_grantee = match entry.grantee {
                    Grantee::Public => true,
                    Grantee::Role(role) => is_role(role),
                };
                is_grantee && is_role(entry.grantor)
            })
        };
        is_role(self.database.owner)
            && are_roles(&self.database.access_list)
            && self.memberships.iter().all(|it| is_role(it.role) && is_role(it.member))
            && self.schemas.iter().all(|it| is_role(it.owner) && are_roles(&it.access_list))
            && self.relations.iter().all(|it| {
                it.schema.get() < self.schemas.len()
                    && is_role(it.owner)
                    && are_roles(&it.access_list)
                    && it.columns.iter().all(|column| are_roles(&column.access_list))
            })
    }
}

/// The database that a connection reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: RoleIx,
    /// Its access list; `None` stands for the defaults.
    pub access_list: Option<Vec<AccessEntry>>,
}

/// A role: a user or a group in PostgreSQL's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Attribute LOGIN.
    pub can_login: bool,
    /// Attribute INHERIT, which decides up to version 15.
    pub inherits: bool,
    /// Attribute SUPERUSER.
    pub is_superuser: bool,
    /// Attribute BYPASSRLS.
    pub bypasses_row_security: bool,
    /// `VALID UNTIL`; `None` when the password never expires.
    pub valid_until: Option<Instant>,
}

/// One role's membership in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The role that has the member.
    pub role: RoleIx,
    /// The member.
    pub member: RoleIx,
    /// The INHERIT option, which decides from version 16.
    pub inherits: bool,
    /// The SET option, which decides from version 16.
    pub can_set: bool,
}

/// A schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: RoleIx,
    /// Its access list; `None` stands for the defaults.
    pub access_list: Option<Vec<AccessEntry>>,
}

/// What kind of relation something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RelationKind {
    /// An ordinary table.
    Table,
    /// A partitioned table, which stands for its partitions.
    PartitionedTable,
    /// A foreign table.
    ForeignTable,
    /// A view.
    View,
    /// A materialised view.
    MaterializedView,
}

impl RelationKind {
    /// Whether a mask can be expressed by column privileges. A view may mask by itself, so what it shows says nothing
    /// about the columns behind it.
    #[must_use]
    pub fn is_maskable(self) -> bool {
        matches!(self, Self::Table | Self::PartitionedTable | Self::ForeignTable)
    }
}

/// A table, view or foreign table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its schema.
    pub schema: SchemaIx,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: RelationKind,
    /// Its owner.
    pub owner: RoleIx,
    /// Its access list; `None` stands for the defaults.
    pub access_list: Option<Vec<AccessEntry>>,
    /// Its columns in ordinal order, dropped ones left out.
    pub columns: Vec<Column>,
    /// Whether row security is enabled.
    pub has_row_security: bool,
    /// Whether row security binds the owner too (FORCE).
    pub forces_row_security: bool,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its own access list; `None` and empty mean the same: no privilege.
    pub access_list: Option<Vec<AccessEntry>>,
}

/// Who an entry of an access list grants to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grantee {
    /// Everybody.
    Public,
    /// One role.
    Role(RoleIx),
}

/// One entry of an access list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccessEntry {
    /// Who receives the privileges.
    pub grantee: Grantee,
    /// Who granted them.
    pub grantor: RoleIx,
    /// The privileges.
    pub privileges: PrivilegeSet,
    /// Those of them that the grantee may grant further.
    pub grant_options: PrivilegeSet,
}

/// A set of privileges. Those that decide nothing here (REFERENCES, TRIGGER, CREATE …) have no member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrivilegeSet(pub u8);

impl PrivilegeSet {
    /// No privilege.
    pub const NONE: Self = Self(0);
    /// SELECT.
    pub const SELECT: Self = Self(1);
    /// INSERT.
    pub const INSERT: Self = Self(1 << 1);
    /// UPDATE.
    pub const UPDATE: Self = Self(1 << 2);
    /// DELETE.
    pub const DELETE: Self = Self(1 << 3);
    /// TRUNCATE.
    pub const TRUNCATE: Self = Self(1 << 4);
    /// USAGE of a schema.
    pub const USAGE: Self = Self(1 << 5);
    /// CONNECT to a database.
    pub const CONNECT: Self = Self(1 << 6);

    /// Every privilege on relations.
    pub const RELATION: Self = Self(0b1_1111);
    /// What counts as writing a relation.
    pub const WRITE: Self = Self(0b1_1110);
    /// What counts as writing a column.
    pub const WRITE_COLUMN: Self = Self(0b110);

    /// The privileges in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The privileges of this set that the other lacks.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The privileges that both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the sets share a privilege.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.intersection(other).0 != 0
    }

    /// The single privileges with their SQL names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMES: [&str; 7] = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "USAGE", "CONNECT"];
        NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
    }
}

impl Role {
    /// Whether the role may log in by password at an instant. Other ways to authenticate are not read.
    #[must_use]
    pub fn may_log_in(&self, at: Instant) -> bool {
        self.can_login && !self.is_expired(at)
    }

    /// Whether the role's password has expired at an instant.
    #[must_use]
    pub fn is_expired(&self, at: Instant) -> bool {
        self.valid_until.is_some_and(|until| until < at)
    }
}
