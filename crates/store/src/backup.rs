//! Backup of a store in a file, while it is in use, and the way back.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::database::{Database, Sqlite, create_private};
use crate::{AuditReport, Store, StoreError};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// What the audit log of the copy says; never one with a fault.
    pub audit: AuditReport,
    /// Where the store that was replaced is kept.
    pub replaced: Option<PathBuf>,
}

impl Store {
    /// Writes everything, as of one instant, into a new file that only its owner may read; others go on reading
    /// and writing meanwhile. The file is a store: put in the place of the old one, or opened elsewhere, it goes
    /// on from that instant. It is there whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Backup`] when the file exists or cannot be written; [`StoreError::BackupElsewhere`] on
    /// PostgreSQL, which brings a tool for it.
    pub fn backup_to(&mut self, path: &Path) -> Result<(), StoreError> {
        let Database::Sqlite(sqlite) = &mut self.database else { return Err(StoreError::BackupElsewhere) };
        let failed = |source: io::Error| StoreError::Backup { path: path.to_owned(), source };
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let partial = beside(path, ".partial");
        let file = create_private(&partial).map_err(failed)?;
        let written = sqlite
            .copy_into(&partial)
            .and_then(|()| file.sync_all().and_then(|()| fs::rename(&partial, path)).map_err(failed));
        if written.is_err() {
            // What is left is of no use to anybody, and in the way of the next try.
            let _ = fs::remove_file(partial);
        }
        written
    }

    /// Puts a copy that [`Store::backup_to`] wrote in the place of a store, which nobody may have open. The copy is
    /// looked through first, brought up to this version, and its audit log verified; it itself stays as it is. With
    /// `replace` a store in that place is kept beside it, its name ending in `.replaced`.
    ///
    /// # Errors
    /// [`StoreError::Restore`] when the place is taken or in use, the copy is damaged or its audit log was touched;
    /// otherwise as [`Store::open_existing`]. Nothing was changed then.
    pub fn restore(copy: &Path, place: &Path, replace: bool) -> Result<RestoreReport, StoreError> {
        let failed =
            |reason: String| StoreError::Restore { copy: copy.to_owned(), place: place.to_owned(), reason };
        let said = |error: io::Error| failed(error.to_string());
        let occupied = place.exists();
        if occupied && !replace {
            return Err(failed(
                "there is a store already; keep it elsewhere, or say that it is to be replaced".into(),
            ));
        }
        let replaced = beside(place, ".replaced");
        if occupied {
            if replaced.exists() {
                return Err(failed(format!(
                    "{} is there from an earlier time; move it away",
                    replaced.display()
                )));
            }
            // The last one who closes a store takes its log with it: where one remains, somebody has the store open.
            // Whether it can be read is another matter: a damaged one is what copies are kept for.
            let _ = Sqlite::open(place, false).and_then(|store| store.pragma("user_version"));
            let log = beside(place, "-wal");
            if log.exists() {
                let reason = "is there: another process has the store open, or it is damaged; stop the service, and if \
                              none runs, move the store, its -wal and its -shm file away";
                return Err(failed(format!("{} {reason}", log.display())));
            }
        }
        let partial = beside(place, ".partial");
        let restored = (|| {
            let mut to = create_private(&partial).map_err(said)?;
            io::copy(&mut fs::File::open(copy).map_err(said)?, &mut to).map_err(said)?;
            to.sync_all().map_err(said)?;
            let database = Sqlite::open(&partial, false)?;
            if !database.is_whole()? {
                return Err(failed("the copy is damaged".into()));
            }
            if database.is_empty()? {
                return Err(failed("the copy is empty".into()));
            }
            drop(database);
            let mut store = Self::open_existing(&partial)?;
            let audit = store.verify_audit()?;
            drop(store);
            if audit.fault.is_some() {
                return Err(failed(
                    "its audit log is not as it was written; `domesday audit verify` says where".into(),
                ));
            }
            if occupied {
                fs::rename(place, &replaced).map_err(said)?;
            }
            fs::rename(&partial, place).map_err(said)?;
            Ok(RestoreReport { audit, replaced: occupied.then_some(replaced) })
        })();
        if restored.is_err() {
            for rest in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(beside(&partial, rest));
            }
        }
        restored
    }
}

/// A path that goes on where another ends.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
