//! Types for ids and indices, so that a user's number is never used as a policy's.
//!
//! An *id* is assigned by the store at an object's first apply and is never changed or reused. An *index* is a
//! position in a list of one snapshot and has no meaning outside of that snapshot.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Returns the position as a slice index.
            #[must_use]
            pub fn get(self) -> usize {
                self.0 as usize
            }

            /// Creates the index of a position. Lists of a snapshot have fewer than 2^32 entries.
            ///
            /// # Panics
            /// When `position` does not fit 32 bits.
            #[must_use]
            pub fn at(position: usize) -> Self {
                Self(u32::try_from(position).expect("lists of a snapshot stay below 2^32 entries"))
            }
        }
    )*};
}

id! {
    /// A user's numeric id.
    UserId,
    /// A group's numeric id.
    GroupId,
    /// A tag's numeric id.
    TagId,
    /// A domain's numeric id.
    DomainId,
    /// A data source's numeric id.
    DataSourceId,
    /// A column's numeric id, unique over all data sources.
    ColumnId,
    /// A policy's numeric id; subscription and data policies share one id space.
    PolicyId,
    /// A data use agreement's numeric id.
    AgreementId,
    /// A request form's numeric id.
    RequestFormId,
    /// A data product's numeric id.
    DataProductId,
}

index! {
    /// Position in [`Snapshot::users`](crate::Snapshot::users).
    UserIx,
    /// Position in [`Snapshot::groups`](crate::Snapshot::groups).
    GroupIx,
    /// Position in [`Snapshot::tags`](crate::Snapshot::tags).
    TagIx,
    /// Position in [`Snapshot::domains`](crate::Snapshot::domains).
    DomainIx,
    /// Position in [`Snapshot::data_sources`](crate::Snapshot::data_sources).
    DataSourceIx,
    /// Position in [`Snapshot::columns`](crate::Snapshot::columns).
    ColumnIx,
    /// Position in [`Snapshot::policies`](crate::Snapshot::policies).
    PolicyIx,
    /// Position in [`Snapshot::data_policies`](crate::Snapshot::data_policies).
    DataPolicyIx,
    /// Position in [`Snapshot::requests`](crate::Snapshot::requests).
    RequestIx,
}

impl GroupIx {
    /// The built-in group `All Users`, the first of every snapshot.
    pub const ALL_USERS: Self = Self(0);
}
