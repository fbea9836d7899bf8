//! Explanations, nearest ways, merged policies and comparisons say what the rows say, over generated worlds.

#[path = "../oracle/mod.rs"]
#[allow(dead_code, reason = "of the oracle only worlds and rows are used here")]
mod oracle;

mod differences;
mod merged;
mod rows;
mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;

use domesday_engine::Access;
use domesday_model::{Catalog, DataSourceIx, Scope, Snapshot, UserIx};

use oracle::generate::at;
use oracle::row::{Row, Verdict};

fn snapshot(catalog: &Catalog) -> Arc<Snapshot> {
    Arc::new(Snapshot::of_catalog(catalog, at()).expect("generated catalogs are valid"))
}

/// The oracle's table rows by user, source and scope.
fn rows(catalog: &Catalog) -> BTreeMap<(String, String, Scope), Row> {
    let rows = oracle::evaluate::evaluate(catalog, at()).into_iter().filter(|row| row.column.is_none());
    rows.map(|row| ((row.user.clone(), row.source.clone(), row.scope), row)).collect()
}

/// The oracle's column rows by user, source and column.
fn column_rows(catalog: &Catalog) -> BTreeMap<(String, String, String), Row> {
    let rows = oracle::evaluate::evaluate(catalog, at()).into_iter();
    rows.filter_map(|row| Some(((row.user.clone(), row.source.clone(), row.column.clone()?), row))).collect()
}

fn access_of(row: Option<&Row>) -> Access {
    match row.map(|row| row.verdict) {
        None => Access::None,
        Some(Verdict::Granted) => Access::Granted,
        Some(Verdict::Blocked) => Access::Blocked,
        Some(Verdict::Masked | Verdict::Unmasked) => unreachable!("only columns are masked"),
    }
}

/// Every pair of a user and a data source of a snapshot, in every scope.
fn pairs(snapshot: &Snapshot) -> impl Iterator<Item = (UserIx, DataSourceIx, Scope)> + '_ {
    let users = (0..snapshot.users.len()).map(UserIx::at);
    users.flat_map(move |user| {
        let sources = (0..snapshot.data_sources.len()).map(DataSourceIx::at);
        sources.flat_map(move |source| Scope::ALL.map(move |scope| (user, source, scope)))
    })
}
