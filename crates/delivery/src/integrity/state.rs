//! A check under way: what is at the destination, and what was found so far.

use std::collections::{BTreeMap, HashSet};

use domesday_tables::{Manifest, hex, sha256};

use super::reader::{BoundedReader, Content};
use super::report::{ChainStart, IntegrityOptions, IntegrityReport, printable};
use crate::layout::manifest_key;
use crate::{DeliveryError, Layout, RunKeys, Slot, StoredObject};

/// The largest manifest that is read: an entry takes some 300 bytes, and a summary has at most some tens of thousands
/// of files.
pub(super) const MAX_MANIFEST_BYTES: u64 = 32 << 20;

/// A check under way.
pub(super) struct IntegrityCheck {
    pub(super) reader: BoundedReader,
    pub(super) objects: BTreeMap<String, StoredObject>,
    pub(super) newest: Manifest,
    /// Keys that a manifest names, and that were compared with the newest that does.
    pub(super) claimed: HashSet<String>,
    pub(super) report: IntegrityReport,
}

impl IntegrityCheck {
    /// Lists the objects and reads the newest manifest.
    ///
    /// # Errors
    /// When the destination or the manifest cannot be read.
    pub(super) fn open(
        reader: BoundedReader,
        destination: String,
        options: &IntegrityOptions,
    ) -> Result<Self, DeliveryError> {
        let unusable = |message: String| DeliveryError::Configuration { message };
        let objects: BTreeMap<_, _> =
            reader.objects()?.into_iter().map(|found| (found.key.clone(), found)).collect();
        let key = manifest_key();
        let Some(found) = objects.get(&key) else {
            return Err(unusable(format!("there is no {key} at {destination}; nothing was delivered there")));
        };
        let bytes = match reader.content(found, MAX_MANIFEST_BYTES)? {
            Content::Whole(bytes) => bytes,
            Content::Unreadable(why) => {
                return Err(unusable(format!("the manifest at {destination} cannot be read: {why}")));
            }
        };
        let newest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| unusable(format!("the manifest at {destination} cannot be read: {error}")))?;
        let at = newest.snapshot.instant.to_string();
        let mut report = IntegrityReport {
            destination,
            ok: true,
            manifest_sha256: hex(&sha256(&bytes)),
            expected_sha256: options.expected.clone(),
            snapshot_at: at.clone(),
            layout: printable(&newest.layout),
            objects: objects.len(),
            files: 0,
            bytes: 0,
            links: 0,
            chain_begins: ChainStart::Start { at },
            forgotten: 0,
            unlinked: Vec::new(),
            notes: Vec::new(),
            not_checked: Vec::new(),
            problems: Vec::new(),
        };
        if newest.to_json().as_bytes() != bytes {
            report.problem(
                "the manifest contains more than this version writes, or is written in another way"
                    .to_owned(),
            );
        }
        Ok(Self { reader, objects, newest, claimed: HashSet::from([key]), report })
    }
}

/// Returns the keys that a manifest's run wrote, as far as what it states is valid.
pub(super) fn run_keys(manifest: &Manifest) -> Result<RunKeys, String> {
    let layout: Layout = manifest.layout.parse()?;
    let slot = match (layout, manifest.slot.as_deref()) {
        (Layout::Swap, Some(slot)) => slot.parse()?,
        (Layout::Swap, None) => return Err("it names no slot".to_owned()),
        (_, None) => Slot::A,
        (_, Some(_)) => return Err(format!("it names a slot in the layout `{layout}`")),
    };
    Ok(RunKeys::new(layout, slot, manifest.snapshot.instant))
}
