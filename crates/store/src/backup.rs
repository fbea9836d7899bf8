//! Backup and restore of a store in an SQLite file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::database::{Database, Sqlite, create_private};
use crate::{AuditReport, Store, StoreError};

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The verification of the backup's audit log, which has no fault.
    pub audit: AuditReport,
    /// The path of the store that was replaced.
    pub replaced: Option<PathBuf>,
}

impl Store {
    /// Writes a consistent copy of the store into a new file that only its owner may read, while others read and write.
    /// The file is a store of its own. It is written whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Backup`] when the file exists or cannot be written; [`StoreError::BackupElsewhere`] on
    /// PostgreSQL, which has tools for it.
    pub fn backup_to(&mut self, path: &Path) -> Result<(), StoreError> {
        let Database::Sqlite(sqlite) = &mut self.database else { return Err(StoreError::BackupElsewhere) };
        let failed = |source: io::Error| StoreError::Backup { path: path.to_owned(), source };
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let partial = with_suffix(path, ".partial");
        let file = create_private(&partial).map_err(failed)?;
        let written = sqlite
            .copy_into(&partial)
            .and_then(|()| file.sync_all().and_then(|()| fs::rename(&partial, path)).map_err(failed));
        if written.is_err() {
            // A partial file is useless, and would be in the way of the next attempt.
            let _ = fs::remove_file(partial);
        }
        written
    }

    /// Restores a store from a file that [`Store::backup_to`] wrote. No process may have the store open. The backup is
    /// checked first, migrated to this version, and its audit log verified; the file itself is not changed. With
    /// `replace`, an existing store is renamed to end in `.replaced`.
    ///
    /// # Errors
    /// [`StoreError::Restore`] when there is a store already or it is in use, the backup is damaged or its audit log was
    /// tampered with; otherwise as [`Store::open_existing`]. Nothing is changed then.
    pub fn restore(copy: &Path, place: &Path, replace: bool) -> Result<RestoreReport, StoreError> {
        let failed =
            |reason: String| StoreError::Restore { copy: copy.to_owned(), place: place.to_owned(), reason };
        let io_failed = |error: io::Error| failed(error.to_string());
        let occupied = place.exists();
        if occupied && !replace {
            return Err(failed(
                "a store already exists there; move it away, or replace it with `--replace`".into(),
            ));
        }
        let replaced = with_suffix(place, ".replaced");
        if occupied {
            if replaced.exists() {
                return Err(failed(format!("{} already exists; move it away", replaced.display())));
            }
            // The last process that closes a store deletes its write-ahead log: where one remains, a process has the store
            // open. The store need not be readable: a damaged one is what backups are for.
            let _ = Sqlite::open(place, false).and_then(|store| store.pragma("user_version"));
            let log = with_suffix(place, "-wal");
            if log.exists() {
                let reason = "exists: another process has the store open, or it is damaged; stop the service, and if \
                              none runs, move the store, its -wal and its -shm file away";
                return Err(failed(format!("{} {reason}", log.display())));
            }
        }
        let partial = with_suffix(place, ".partial");
        let restored = (|| {
            let mut to = create_private(&partial).map_err(io_failed)?;
            io::copy(&mut fs::File::open(copy).map_err(io_failed)?, &mut to).map_err(io_failed)?;
            to.sync_all().map_err(io_failed)?;
            let database = Sqlite::open(&partial, false)?;
            if !database.is_intact()? {
                return Err(failed("the backup is damaged".into()));
            }
            if database.is_empty()? {
                return Err(failed("the backup is empty".into()));
            }
            drop(database);
            let mut store = Self::open_existing(&partial)?;
            let audit = store.verify_audit()?;
            drop(store);
            if audit.fault.is_some() {
                return Err(failed(
                    "its audit log was tampered with; `domesday audit verify` shows where".into(),
                ));
            }
            if occupied {
                fs::rename(place, &replaced).map_err(io_failed)?;
            }
            fs::rename(&partial, place).map_err(io_failed)?;
            Ok(RestoreReport { audit, replaced: occupied.then_some(replaced) })
        })();
        if restored.is_err() {
            for rest in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(with_suffix(&partial, rest));
            }
        }
        restored
    }
}

/// Appends a suffix to the name of a file.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
