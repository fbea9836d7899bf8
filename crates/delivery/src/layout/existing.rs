//! The objects that are at a destination before a run, as far as the run must know them.

use domesday_model::Instant;
use domesday_tables::{SCHEMA_FOLDER, TABLES, Table};

use super::key_kind::KeyKind;
use super::layouts::{Layout, Slot};
use super::run_keys::{RunKeys, kept_manifests_prefix, manifest_key, version_prefix};
use crate::{DeliveryError, Destination, Listing};

impl RunKeys {
    /// Lists the objects at a destination that concern a run at an instant: every part of an earlier run that it must
    /// replace, and the manifests.
    ///
    /// # Errors
    /// When the destination cannot be listed.
    pub fn list_existing(
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

/// Whether a run writes such a key. Only those are kept of a listing: there may be any number of others.
fn is_written_by_runs(key: &str) -> bool {
    KeyKind::parse(key).is_some()
}

/// Returns the prefixes to list: one where that is cheap; in the history, whose other days do not concern the run, for
/// each table the folder of the day and those of the other layouts, and the manifests.
fn listed_prefixes(layout: Layout, at: Instant) -> Vec<String> {
    match layout {
        Layout::Latest | Layout::Swap => vec![version_prefix()],
        Layout::History => {
            let places = RunKeys::new(layout, Slot::A, at);
            let folder = |table: &Table| format!("{SCHEMA_FOLDER}/{}/", table.name);
            let tables = TABLES.iter().flat_map(|table| {
                let others = ["part-", "slot="].map(|begin| format!("{}{begin}", folder(table)));
                [places.table_prefix(table.name)].into_iter().chain(others)
            });
            tables.chain([manifest_key(), kept_manifests_prefix()]).collect()
        }
    }
}
