//! What a destination is: something that can be listed and that takes a summary's files.
//!
//! Two methods, since that is all the rights there are (specification, section 4, "Layout in the bucket"): no
//! destination can read back, delete or rename what was delivered before.

use domesday_model::Instant;

use crate::{DeliveryError, SpooledFile};

/// A place for summaries: a local directory or a prefix of an S3 bucket.
pub trait Destination {
    /// What lies under a prefix such as `v1/`, in the order of keys. Nothing there is an empty listing.
    ///
    /// # Errors
    /// When the destination cannot be listed.
    fn list(&self, prefix: &str) -> Result<Listing, DeliveryError> {
        self.list_where(prefix, &|_| true)
    }

    /// The same, but keeps only objects whose key is wanted: others may lie beside them in any number.
    ///
    /// # Errors
    /// When the destination cannot be listed, or more lies there than any summary has.
    fn list_where(&self, prefix: &str, is_wanted: &dyn Fn(&str) -> bool) -> Result<Listing, DeliveryError>;

    /// Puts files in place, wave after wave; the files of one wave in any order or at once. Each file appears
    /// whole or not at all, and no wave begins before the one before it is complete. `progress` is told each
    /// time how many files are in place.
    ///
    /// # Errors
    /// When a file cannot be put; those after it are then not put.
    fn deliver(
        &mut self,
        waves: &[Vec<SpooledFile>],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Receipt, DeliveryError>;
}

/// What lies at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The objects in the order of their keys, which are relative to the destination.
    pub objects: Vec<Listed>,
    /// The destination's own time when it was listed, to compare `modified` with; unknown when it tells none.
    pub at: Option<Instant>,
    /// The step in which the destination counts `modified`, in microseconds.
    pub clock_step: i64,
}

impl Listing {
    /// The object of a key.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<&Listed> {
        self.objects.iter().find(|object| object.key == key)
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key, relative to the destination.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last put, by the destination's clock.
    pub modified: Instant,
    /// What changes with its content: the `ETag` of S3, time and size of a local file.
    pub mark: Option<String>,
}

/// A delivery that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Files put.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Attempts that failed and were made again.
    pub retries: usize,
    /// The [mark](Listed::mark) of the last file, the manifest.
    pub last_mark: Option<String>,
}
