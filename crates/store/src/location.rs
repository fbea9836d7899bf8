//! The location of a store, as the command line, the environment and configuration files name it.

use std::fmt;
use std::path::{Path, PathBuf};

use domesday_model::{has_url_query, url_scheme};
use secrecy::{ExposeSecret, SecretString};

use crate::database::Server;
use crate::{Store, StoreError};

/// The location of a store. Printing it never shows a password.
#[derive(Clone)]
pub enum StoreLocation {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL server, shared by several replicas.
    Server(ServerUrl),
}

/// The URL of a PostgreSQL server, parsed without errors.
#[derive(Clone)]
pub struct ServerUrl {
    url: SecretString,
    /// The server without the password.
    shown: String,
}

impl StoreLocation {
    /// Parses `PATH`, `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`. Over a network, connections use TLS and
    /// verify the server's certificate (`sslmode=verify-full`), unless the URL has `sslmode=disable`;
    /// `sslrootcert=FILE` names the trusted authorities.
    ///
    /// ```
    /// use domesday_store::StoreLocation;
    ///
    /// let shared = StoreLocation::parse("postgres://ada:lovelace@db.example:5432/governance")?;
    /// assert_eq!(shared.to_string(), "db.example:5432 (database governance, user ada)");
    /// assert_eq!(StoreLocation::parse("sqlite:governance.db")?.to_string(), "governance.db");
    /// assert!(StoreLocation::parse("mysql://db.example/governance").is_err());
    /// # Ok::<(), domesday_store::StoreError>(())
    /// ```
    ///
    /// # Errors
    /// When a URL names no database of a known kind, is malformed, or names certificates that cannot be read. No error
    /// repeats any part of it.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || url_scheme(path).is_some() || has_url_query(path) {
                return Err(StoreError::UnknownUrl);
            }
            return Ok(Self::File(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = SecretString::from(text);
            let shown = Server::parse(&url)?.to_string();
            return Ok(Self::Server(ServerUrl { url, shown }));
        }
        // Treated as a path, a misspelled URL would create a file named after it, password included.
        match url_scheme(text) {
            None if !text.trim().is_empty() => Ok(Self::File(text.into())),
            _ => Err(StoreError::UnknownUrl),
        }
    }

    /// Returns the file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }

    /// Whether there may be a store: the file exists, or it is a server.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.file().is_none_or(Path::exists)
    }

    /// Opens the store; creates or migrates it as [`Store::open`] does.
    ///
    /// # Errors
    /// As [`Store::open`], and when the server cannot be reached.
    pub fn open(&self) -> Result<Store, StoreError> {
        match self {
            Self::File(path) => Store::open(path),
            Self::Server(server) => Store::open_server(&server.url),
        }
    }

    /// Opens an existing store; migrates it as [`Store::open_existing`] does.
    ///
    /// # Errors
    /// As [`StoreLocation::open`], and [`StoreError::NoStore`] when there is none.
    pub fn open_existing(&self) -> Result<Store, StoreError> {
        match self {
            Self::File(path) => Store::open_existing(path),
            Self::Server(_) => {
                let mut store = self.open_unmigrated()?;
                store.migrate()?;
                Ok(store)
            }
        }
    }

    /// Opens an existing store without migrating it, as [`Store::open_unmigrated`] does.
    ///
    /// # Errors
    /// As [`StoreLocation::open_existing`].
    pub fn open_unmigrated(&self) -> Result<Store, StoreError> {
        match self {
            Self::File(path) => Store::open_unmigrated(path),
            Self::Server(server) => Store::open_server_unmigrated(&server.url)?
                .ok_or_else(|| StoreError::NoStore { place: server.shown.clone() }),
        }
    }
}

impl Store {
    /// Opens the store that a URL names; creates or migrates it as [`Store::open`] does.
    ///
    /// # Errors
    /// As [`StoreLocation::parse`] and [`StoreLocation::open`].
    pub fn connect(url: &SecretString) -> Result<Self, StoreError> {
        StoreLocation::parse(url.expose_secret())?.open()
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(server) => f.write_str(&server.shown),
        }
    }
}

impl fmt::Debug for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "SQLite file {}", path.display()),
            Self::Server(server) => write!(f, "PostgreSQL server {}", server.shown),
        }
    }
}

impl ServerUrl {
    /// Returns the whole URL with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let location =
            StoreLocation::parse("postgres://ada:secret-word@db.example:6432/governance?sslmode=disable")
                .unwrap();
        let StoreLocation::Server(server) = &location else { panic!("it is a server") };
        let printed = format!("{location} {location:?} {server:?}");
        assert!(printed.contains("db.example:6432") && !printed.contains("secret-word"), "{printed}");
        for wrong in ["postgres://ada:secret-word@db.example:port/x", "http://ada:secret-word@db.example/"] {
            let error = StoreLocation::parse(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret-word"), "{error:?}");
        }
    }

    #[test]
    fn files_are_named_plainly_or_by_url() {
        for text in ["dir/governance.db", "sqlite:dir/governance.db", "sqlite://dir/governance.db"] {
            assert_eq!(StoreLocation::parse(text).unwrap().file(), Some(Path::new("dir/governance.db")));
        }
        for (text, path) in [
            ("sqlite:/srv/a:b.db", "/srv/a:b.db"),
            ("./a:b.db", "./a:b.db"),
            ("sqlite:./a:b.db", "./a:b.db"),
            ("/srv/what?.db", "/srv/what?.db"),
        ] {
            assert_eq!(StoreLocation::parse(text).unwrap().file(), Some(Path::new(path)), "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_url_and_is_none_is_no_file() {
        for text in [
            "",
            " ",
            "postgres:/db.example/governance",
            "postgres:db.example",
            "postgres//ada:secret-word@db.example/governance",
            "POSTGRES://ada:secret-word@db.example/governance",
            " postgres://ada:secret-word@db.example/governance",
            "postgresql+psycopg2://ada:secret-word@db.example/governance",
            "SQLITE:governance.db",
            "sqlite3:governance.db",
            "sqlite:",
            "sqlite://",
            "sqlite:postgres://ada:secret-word@db.example/governance",
            "sqlite:governance.db?mode=ro",
            "file:governance.db",
            "file:///srv/governance.db",
            "s3://bucket/governance.db",
            "jdbc:postgresql://db.example/governance",
            "a:b.db",
        ] {
            let error = StoreLocation::parse(text).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret-word"), "{error:?}");
        }
    }
}
