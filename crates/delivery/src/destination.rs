//! A destination at work: it is listed, and it receives a summary's files.
//!
//! Two methods, since a delivery has no other rights: it cannot read back, delete or rename what was delivered before.

use domesday_model::Instant;

use crate::{DeliveryError, SpooledFile};

/// A place for summaries: a local directory or a prefix of an S3 bucket.
pub trait Destination {
    /// Lists the objects under a prefix such as `v1/`, in the order of keys. Without any object the listing is empty.
    ///
    /// # Errors
    /// When the destination cannot be listed.
    fn list(&self, prefix: &str) -> Result<Listing, DeliveryError> {
        self.list_where(prefix, &|_| true)
    }

    /// Lists only objects whose key is wanted: there may be any number of others.
    ///
    /// # Errors
    /// When the destination cannot be listed, or has more objects than any summary.
    fn list_where(&self, prefix: &str, is_wanted: &dyn Fn(&str) -> bool) -> Result<Listing, DeliveryError>;

    /// Puts files in place, wave after wave; the files of one wave in any order or at the same time. Each file appears
    /// whole or not at all, and no wave begins before the previous one is complete. `progress` receives the number of
    /// files in place.
    ///
    /// # Errors
    /// When a file cannot be put; those after it are then not put.
    fn deliver(
        &mut self,
        waves: &[Vec<SpooledFile>],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Receipt, DeliveryError>;
}

/// The objects at a destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The objects in the order of their keys, which are relative to the destination.
    pub objects: Vec<ListedObject>,
    /// The destination's own time when it was listed, to compare `modified` with; `None` when it reports none.
    pub server_time: Option<Instant>,
    /// The resolution of `modified`, in microseconds.
    pub time_resolution_micros: i64,
}

impl Listing {
    /// Returns the object of a key.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<&ListedObject> {
        self.objects.iter().find(|object| object.key == key)
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key, relative to the destination.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last put, by the destination's clock.
    pub modified: Instant,
    /// The entity tag, which changes with the content: the `ETag` of S3, time and size of a local file.
    pub etag: Option<String>,
}

/// A delivery that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Files put.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Attempts that failed and were repeated.
    pub retries: usize,
    /// The [entity tag](ListedObject::etag) of the last file, the manifest.
    pub last_etag: Option<String>,
}
