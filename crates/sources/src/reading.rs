//! What one complete read of a system of record found.

use std::collections::BTreeSet;

use domesday_model::privileges::ObservedDatabase;
use domesday_model::{DataSource, Group, User};

/// Everything that a connection listed, as one consistent read found it. A read that could not be completed is an error of
/// the reader and never a `Reading`: a page lost on the way must not look like people who left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The users, each with the groups that this source gives.
    pub users: Vec<Listed<User>>,
    /// The groups, those that a user names included.
    pub groups: Vec<Listed<Group>>,
    /// The data sources with their columns.
    pub data_sources: Vec<Listed<DataSource>>,
    /// The keys of data sources of which the source does not know every column: where another connection lists them,
    /// these add tags and descriptions alone.
    pub partial_columns: BTreeSet<String>,
    /// The privileges of the database, where one was read.
    pub privileges: Option<Box<ObservedDatabase>>,
    /// How many entries the source itself counts, where it has such a number.
    pub own_count: Option<u64>,
    /// Entries that were left out, each with the reason.
    pub skipped: Vec<Skipped>,
    /// What whoever runs the connection should know, and nothing else depends on.
    pub warnings: Vec<String>,
    /// SHA-256 over what was read, in an order that does not depend on the source's.
    pub sha256: [u8; 32],
}

/// An object as a source lists it. Only the fields that the source gives are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What the source identifies the object by when it is renamed, such as an `entryUUID`; none when only the name does.
    pub key: Option<String>,
    /// The object.
    pub object: T,
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The entry, as the source names it.
    pub entry: String,
    /// Why, in one sentence.
    pub reason: String,
}
