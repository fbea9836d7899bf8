//! What is already at a destination, as far as a run must know it.

use domesday_model::Instant;
use domesday_tables::{SCHEMA_FOLDER, TABLES, Table};

use super::key_kind::KeyKind;
use super::layouts::{Layout, Slot};
use super::run_keys::{Places, kept_manifests_prefix, manifest_key, version_prefix};
use crate::{DeliveryError, Destination, Listing};

impl Places {
    /// What lies at a destination, as far as a run at an instant must know: every part of an earlier run that it
    /// must replace, and the manifest.
    ///
    /// # Errors
    /// When the destination cannot be listed.
    pub fn existing(
        destination: &dyn Destination,
        layout: Layout,
        at: Instant,
    ) -> Result<Listing, DeliveryError> {
        let mut prefixes = listed_prefixes(layout, at).into_iter();
        let mut listing =
            destination.list_where(&prefixes.next().unwrap_or_default(), &is_written_by_runs)?;
        for prefix in prefixes {
            listing.objects.extend(destination.list_where(&prefix, &is_written_by_runs)?.objects);
        }
        Ok(listing)
    }
}

/// Whether a run writes such a key. Only those are kept of a listing: others may lie beside them in any number.
fn is_written_by_runs(key: &str) -> bool {
    KeyKind::parse(key).is_some()
}

/// The prefixes that hold it: one where that is cheap; in the history, whose other days are no concern of
/// today, for each table today's folder and those of the other layouts, and the manifests.
fn listed_prefixes(layout: Layout, at: Instant) -> Vec<String> {
    match layout {
        Layout::Latest | Layout::Swap => vec![version_prefix()],
        Layout::History => {
            let places = Places::new(layout, Slot::A, at);
            let folder = |table: &Table| format!("{SCHEMA_FOLDER}/{}/", table.name);
            let tables = TABLES.iter().flat_map(|table| {
                let others = ["part-", "slot="].map(|begin| format!("{}{begin}", folder(table)));
                [places.table_prefix(table.name)].into_iter().chain(others)
            });
            tables.chain([manifest_key(), kept_manifests_prefix()]).collect()
        }
    }
}
