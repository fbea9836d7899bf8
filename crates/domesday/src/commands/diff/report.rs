//! The result of a comparison.

use std::collections::BTreeMap;

use domesday_engine::{Difference, EffectCounts};
use domesday_sources::Diagnostic;
use serde::Serialize;

/// The result: the JSON document, and what is printed of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'a> {
    pub(super) gained: usize,
    /// Only with `--max-gained`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<Limit>,
    pub(super) counts: &'a EffectCounts,
    pub(super) by_policy: &'a BTreeMap<&'a str, EffectCounts>,
    pub(super) by_data_source: &'a BTreeMap<&'a str, EffectCounts>,
    pub(super) by_user: &'a BTreeMap<&'a str, EffectCounts>,
    #[serde(flatten)]
    pub(super) difference: &'a Difference<'a>,
    /// The warnings of the catalog directories.
    pub(super) warnings: &'a [Diagnostic],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limit {
    pub(super) max_gained: usize,
    pub(super) passed: bool,
}
