//! Databases for the tests, one of its own for each test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use domesday_store::{Store, StoreError, StoreLocation};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::postgres_server::Server;

/// A database, empty at first.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres { server: &'static Server, name: String },
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = Server::shared();
        let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
        // Sorted as people sort by default: the store must not depend on it.
        server.run(
            "postgres",
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C.UTF-8'"
            ),
        );
        Self::Postgres { server, name }
    }

    /// One more connection to the database.
    pub(crate) fn open(&self) -> Store {
        self.try_open().unwrap()
    }

    /// One more connection, or why there is none.
    pub(crate) fn try_open(&self) -> Result<Store, StoreError> {
        match self {
            Self::Sqlite(dir) => Store::open(&file(dir)),
            Self::Postgres { server, name } => Store::connect(&server.url(name)),
        }
    }

    /// Where the database is, as a user names it.
    pub(crate) fn location(&self) -> StoreLocation {
        match self {
            Self::Sqlite(dir) => StoreLocation::File(file(dir)),
            Self::Postgres { server, name } => {
                StoreLocation::parse(server.url(name).expose_secret()).unwrap()
            }
        }
    }

    /// The integer that a query behind the store's back gives.
    pub(crate) fn integer(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(dir) => {
                rusqlite::Connection::open(file(dir)).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Self::Postgres { server, name } => server.client(name).query_one(sql, &[]).unwrap().get(0),
        }
    }

    /// Runs `sql` behind the store's back.
    pub(crate) fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(dir) => rusqlite::Connection::open(file(dir)).unwrap().execute_batch(sql).unwrap(),
            Self::Postgres { server, name } => server.run(name, sql),
        }
    }

    /// Opens a copy of the database, to which nobody is connected, in which somebody ran `sql`.
    pub(crate) fn tampered(&self, sql: &str, look: impl FnOnce(&mut Store)) {
        let copy = match self {
            Self::Sqlite(dir) => {
                let copy = Self::sqlite();
                let Self::Sqlite(copy_dir) = &copy else { unreachable!() };
                let original = rusqlite::Connection::open(file(dir)).unwrap();
                original.execute("VACUUM INTO ?1", [file(copy_dir).to_str().unwrap()]).unwrap();
                copy
            }
            Self::Postgres { server, name } => {
                let copy = format!("{name}_copy");
                server.run("postgres", &format!("DROP DATABASE IF EXISTS {copy} WITH (FORCE)"));
                server.run_until_done("postgres", &format!("CREATE DATABASE {copy} TEMPLATE {name}"));
                Self::Postgres { server, name: copy }
            }
        };
        copy.run(sql);
        look(&mut copy.open());
    }
}

fn file(dir: &TempDir) -> PathBuf {
    dir.path().join("store.db")
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

        mod postgres {
            $(#[test]
            fn $name() {
                super::$name(&crate::databases::Database::postgres());
            })*
        }
    };
}
pub(crate) use on_each_database;
