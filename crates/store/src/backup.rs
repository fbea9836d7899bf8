//! Backup of a store in a file, while it is in use. Restoring is opening the copy.

use std::io;
use std::path::Path;

use crate::database::{Database, create_private};
use crate::{Store, StoreError};

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
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        let file = create_private(partial).map_err(failed)?;
        let written = sqlite
            .copy_into(partial)
            .and_then(|()| file.sync_all().and_then(|()| std::fs::rename(partial, path)).map_err(failed));
        if written.is_err() {
            // What is left is of no use to anybody, and in the way of the next try.
            let _ = std::fs::remove_file(partial);
        }
        written
    }
}
