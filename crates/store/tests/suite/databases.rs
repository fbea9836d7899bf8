//! Databases for the tests, one of its own for each test.

use domesday_store::Store;
use tempfile::TempDir;

/// A database, empty at first and gone with the test.
pub(crate) struct Database {
    dir: TempDir,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// One more connection to the database.
    pub(crate) fn open(&self) -> Store {
        Store::open(&self.file()).unwrap()
    }

    /// Opens a copy of the database in which somebody ran `sql` behind the store's back.
    pub(crate) fn tampered(&self, sql: &str, look: impl FnOnce(&mut Store)) {
        let copy = self.dir.path().join("copy.db");
        let original = rusqlite::Connection::open(self.file()).unwrap();
        original.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        look(&mut Store::open(&copy).unwrap());
        std::fs::remove_file(copy).unwrap();
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("store.db")
    }
}

/// Runs each function named as a test on each database.
macro_rules! on_each_database {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(&crate::databases::Database::sqlite());
            })*
        }
    };
}
pub(crate) use on_each_database;
