//! The spool: files are written here completely, with their digests, before any of them is delivered.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::DeliveryError;

/// A directory for the files of one run. Dropping it removes it with all its files; the spool of a run that was killed is
/// removed by the next one.
#[derive(Debug)]
pub struct Spool {
    dir: TempDir,
    /// Locked while the spool is in use; the lock ends with the process, however that ends.
    _lock: File,
}

/// The prefix of the names of spools.
pub(crate) const PREFIX: &str = ".domesday-";

/// The name of the file that is locked.
const LOCK: &str = "lock";

/// A younger spool may not be locked yet.
const MIN_AGE: Duration = Duration::from_secs(60);

/// A complete file of a spool, on its way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledFile {
    /// Where it goes, with `/` between parts, relative to the destination.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes as they were written, to compare with what arrives.
    pub sha256: [u8; 32],
}

impl Spool {
    /// Creates a spool inside a directory, with a hidden name of its own.
    ///
    /// # Errors
    /// When no file can be created in the directory.
    pub fn create_in(dir: &Path) -> Result<Self, DeliveryError> {
        let failed = |source| DeliveryError::from_io(dir, source);
        remove_abandoned(dir);
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(dir).map_err(failed)?;
        let lock = File::create(made.path().join(LOCK)).map_err(failed)?;
        // On a file system without locks, abandoned spools remain.
        let _ = lock.try_lock();
        Ok(Self { dir: made, _lock: lock })
    }

    /// Creates the file of a key.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&self, key: &str) -> io::Result<File> {
        File::create(self.path_of(key))
    }

    /// Returns the complete file of a key, with its size and digest.
    #[must_use]
    pub fn complete(&self, key: &str, bytes: u64, sha256: [u8; 32]) -> SpooledFile {
        SpooledFile { key: key.to_owned(), path: self.path_of(key), bytes, sha256 }
    }

    /// Returns the directory that contains the spool.
    #[must_use]
    pub fn parent(&self) -> &Path {
        self.dir.path().parent().unwrap_or(self.dir.path())
    }

    fn path_of(&self, key: &str) -> PathBuf {
        self.dir.path().join(key.replace('/', "__"))
    }
}

/// Removes the spools of processes that no longer run, as far as they can be removed.
fn remove_abandoned(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_spool = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if !is_spool || age().is_none_or(|age| age < MIN_AGE) {
            continue;
        }
        let lock = File::options().write(true).open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::now() - 2 * MIN_AGE;
        let age = |path: &Path| File::open(path).unwrap().set_modified(long_ago).unwrap();
        let in_use = Spool::create_in(dir.path()).unwrap();
        age(in_use.dir.path());
        for name in [".domesday-left", ".domesday-young", ".domesday-foreign", "mine"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in [".domesday-left", ".domesday-young", "mine"] {
            fs::write(dir.path().join(name).join(LOCK), "").unwrap();
        }
        for name in [".domesday-left", ".domesday-foreign", "mine"] {
            age(&dir.path().join(name));
        }
        let next = Spool::create_in(dir.path()).unwrap();
        let is_there = |name: &str| dir.path().join(name).exists();
        assert!(!is_there(".domesday-left"));
        assert!(is_there(".domesday-young") && is_there(".domesday-foreign") && is_there("mine"));
        assert!(in_use.dir.path().exists() && next.dir.path().exists());
    }
}
