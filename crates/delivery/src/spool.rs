//! Where a summary is written before any of it is delivered: complete files with their digests.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::DeliveryError;

/// A directory for the files of one run. Removed with all it still holds when dropped.
#[derive(Debug)]
pub struct Spool {
    dir: TempDir,
}

/// A complete file of a spool, on its way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledFile {
    /// Where it goes, with `/` between parts, relative to the destination.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes as they were written: what arrives is compared with it.
    pub sha256: [u8; 32],
}

impl Spool {
    /// A new spool inside a directory, hidden there under a name of its own.
    ///
    /// # Errors
    /// When the directory takes no files.
    pub fn within(dir: &Path) -> Result<Self, DeliveryError> {
        let made = tempfile::Builder::new().prefix(".domesday-").tempdir_in(dir);
        Ok(Self { dir: made.map_err(|source| DeliveryError::from_io(dir, source))? })
    }

    /// A new file for a key.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self, key: &str) -> io::Result<File> {
        File::create(self.file_of(key))
    }

    /// The file of a key, complete, with its size and digest.
    #[must_use]
    pub fn complete(&self, key: &str, bytes: u64, sha256: [u8; 32]) -> SpooledFile {
        SpooledFile { key: key.to_owned(), path: self.file_of(key), bytes, sha256 }
    }

    /// The directory that holds the spool.
    #[must_use]
    pub fn parent(&self) -> &Path {
        self.dir.path().parent().unwrap_or(self.dir.path())
    }

    fn file_of(&self, key: &str) -> PathBuf {
        self.dir.path().join(key.replace('/', "__"))
    }
}
