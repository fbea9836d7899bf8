//! What can go wrong with the store, by what to do about it.

use std::path::PathBuf;

use domesday_model::validate::Problem;
use domesday_model::{Kind, SnapshotError};
use uuid::Uuid;

/// Why the store could not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the store {path}: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is a database of something else.
    #[error("this database is not a Domesday store; name another file")]
    Foreign,
    /// A newer Domesday wrote the store.
    #[error("the store has schema version {found}, this Domesday knows up to {known}; use a newer Domesday")]
    TooNew {
        /// The store's version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The catalog names another tenant than the store's.
    #[error(
        "the store belongs to the tenant {stored}, the catalog declares {declared}; a tenant's id never changes"
    )]
    OtherTenant {
        /// The id in the store.
        stored: Uuid,
        /// The id in the catalog.
        declared: Uuid,
    },
    /// What the catalog leaves in place would no longer fit what it changes.
    #[error(
        "applying this would leave the store inconsistent; declare these objects too, or apply with --prune:\n{}",
        list(problems)
    )]
    Inconsistent {
        /// What would be wrong with objects that only the store holds.
        problems: Vec<(String, Problem)>,
    },
    /// A document in the store cannot be read.
    #[error("the store's {kind} `{name}` cannot be read: {source}")]
    Document {
        /// The object's kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An object in the store refers to nothing.
    #[error("the store is not consistent: {0}")]
    Snapshot(#[from] SnapshotError),
    /// There is nothing to take a snapshot of.
    #[error("the store is empty; bring a catalog in with `domesday apply DIR`")]
    Empty,
    /// SQLite failed.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

fn list(problems: &[(String, Problem)]) -> String {
    let lines = problems
        .iter()
        .map(|(name, problem)| format!("  {} `{name}`: {}: {}", problem.kind, problem.path, problem.message));
    lines.collect::<Vec<_>>().join("\n")
}
