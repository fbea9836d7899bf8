//! Reading a destination back: for those who check a summary, never for a delivery.

use std::io::Write;

use crate::DeliveryError;

/// An object at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key, relative to the destination.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is instead of a file, such as a symbolic link; it is never followed.
    pub why_unreadable: Option<&'static str>,
}

/// A destination that is read.
pub trait SummaryReader {
    /// Lists every object at the destination.
    ///
    /// # Errors
    /// When it cannot be listed.
    fn objects(&self) -> Result<Vec<StoredObject>, DeliveryError>;

    /// Copies an object into a writer; returns `false` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, key: &str, into: &mut dyn Write) -> Result<bool, DeliveryError>;
}
