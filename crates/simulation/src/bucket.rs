//! The bucket, and what is known of the summary in it.

use std::collections::BTreeMap;

use domesday_tables::Manifest;

use crate::content::{Content, Named};

/// Who sends a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) replica: usize,
    /// The coroutine; later attempts have greater numbers.
    pub(crate) attempt: u64,
}

impl Caller {
    /// Whether it is an attempt at a run, and no verification of a destination.
    pub(crate) fn is_attempt(self) -> bool {
        self.attempt < FIRST_VERIFICATION
    }
}

/// Coroutines from here on verify a destination.
pub(crate) const FIRST_VERIFICATION: u64 = 1 << 62;

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    /// In seconds.
    pub(crate) modified: i64,
    pub(crate) content: Content,
    /// The bytes, where somebody wants to have the bucket in the end.
    pub(crate) body: Option<Vec<u8>>,
}

/// The bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// By their key below the path.
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) summary: Summary,
    /// Whether the bytes of objects are kept.
    pub(crate) keeps_bodies: bool,
}

/// What is known of the summary in the bucket.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// What the `snapshot` row names, and how many rows each table has of it.
    pub(crate) named: Option<(Named, Vec<i64>)>,
    /// The newest manifest and its digest.
    pub(crate) manifest: Option<(Box<Manifest>, String)>,
    /// When each attempt called first.
    pub(crate) first_calls: BTreeMap<u64, i64>,
    /// The last attempt after which the files of two may lie beside each other, as is documented for clocks that
    /// disagree.
    pub(crate) tainted_by: Option<u64>,
    /// When a client was told that the run under way is cancelled.
    pub(crate) cancelled_at: Option<i64>,
}

impl Summary {
    /// Whether the files of two attempts may lie beside each other.
    pub(crate) fn is_tainted(&self) -> bool {
        self.tainted_by.is_some()
    }
}
