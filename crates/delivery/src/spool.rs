//! Where a summary is written before any of it is delivered: complete files with their digests.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::DeliveryError;

/// A directory for the files of one run. Removed with all it still holds when dropped; what a run that was killed
/// left behind, the next one removes.
#[derive(Debug)]
pub struct Spool {
    dir: TempDir,
    /// Locked as long as the spool is in use, which ends with the process however that ends.
    _lock: File,
}

/// How the directories of spools begin.
pub(crate) const PREFIX: &str = ".domesday-";

/// The file in them that is locked.
const LOCK: &str = "lock";

/// A spool this young may not have taken its lock yet.
const YOUNG: Duration = Duration::from_secs(60);

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
        let failed = |source| DeliveryError::from_io(dir, source);
        sweep(dir);
        let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(dir).map_err(failed)?;
        let lock = File::create(made.path().join(LOCK)).map_err(failed)?;
        // A file system without locks keeps what is left behind, which harms nobody.
        let _ = lock.try_lock();
        Ok(Self { dir: made, _lock: lock })
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

/// Removes the spools of processes that are no more. What cannot be removed stays.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_spool = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if !is_spool || age().is_none_or(|age| age < YOUNG) {
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
        let long_ago = SystemTime::now() - 2 * YOUNG;
        let age = |path: &Path| File::open(path).unwrap().set_modified(long_ago).unwrap();
        let in_use = Spool::within(dir.path()).unwrap();
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
        let next = Spool::within(dir.path()).unwrap();
        let is_there = |name: &str| dir.path().join(name).exists();
        assert!(!is_there(".domesday-left"));
        assert!(is_there(".domesday-young") && is_there(".domesday-foreign") && is_there("mine"));
        assert!(in_use.dir.path().exists() && next.dir.path().exists());
    }
}
