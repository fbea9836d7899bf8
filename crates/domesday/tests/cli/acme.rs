//! The example company, and the facts of it that were worked out by hand.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The instant at which the facts are true.
pub(crate) const AT: &str = "2026-11-24T02:00:00Z";

/// What the example company expects for one user, data source and scope, or for one column of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fact {
    pub(crate) user: String,
    pub(crate) data_source: String,
    pub(crate) column: Option<String>,
    pub(crate) scope: String,
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) why: String,
}

/// Returns every fact.
pub(crate) fn facts() -> Vec<Fact> {
    serde_json::from_str(include_str!("../data/acme-expected.json")).expect("the facts are well formed")
}

/// Returns the directory of the example's catalog.
pub(crate) fn catalog() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme")
}
