//! The report of a sync: what the record says of a read, beside what it changed.

use domesday_sources::reading::Reading;
use domesday_store::{FieldChange, Listing, ListingOutcome, SyncAction};
use serde_json::{Map, Value, json};

/// How many skipped entries, and how many warnings, the record of a sync names. All are counted.
const MOST_NAMED: usize = 200;

/// What a record says of a read beside what it changed.
#[derive(Debug, Clone, Default)]
pub struct ReadSummary {
    own_count: Option<u64>,
    skipped: Vec<(String, String)>,
    warnings: Vec<String>,
    sha256: [u8; 32],
}

/// Splits a reading into what the store takes over, and what the record says of it.
#[must_use]
pub fn listing_of(reading: Reading) -> (Listing, ReadSummary) {
    let Reading {
        users,
        groups,
        data_sources,
        partial_columns,
        privileges,
        own_count,
        skipped,
        warnings,
        sha256,
    } = reading;
    let listing = Listing {
        groups: groups.into_iter().map(|listed| (listed.key, listed.object)).collect(),
        users: users.into_iter().map(|listed| (listed.key, listed.object)).collect(),
        data_sources: data_sources.into_iter().map(|listed| (listed.key, listed.object)).collect(),
        partial_columns: partial_columns.into_iter().collect(),
        privileges: privileges.map(|it| *it),
    };
    let skipped = skipped.into_iter().map(|skipped| (skipped.entry, skipped.reason)).collect();
    (listing, ReadSummary { own_count, skipped, warnings, sha256 })
}

/// Returns the report of a sync: counts, reasons and the digest.
#[must_use]
pub fn report_of(read: &ReadSummary, outcome: &ListingOutcome, dry_run: bool) -> Value {
    let mut counts = Map::new();
    for (kind, it) in &outcome.counts {
        let counted = json!({
            "read": it.read, "created": it.created, "changed": it.changed, "unchanged": it.unchanged,
            "gone": it.gone, "skipped": it.skipped,
        });
        counts.insert(kind.key().to_owned(), counted);
    }
    let skipped: Vec<_> = read.skipped.iter().chain(&outcome.skipped).collect();
    let warnings: Vec<_> = read.warnings.iter().chain(&outcome.warnings).collect();
    let named: Vec<_> = skipped
        .iter()
        .take(MOST_NAMED)
        .map(|(entry, reason)| json!({ "entry": entry, "reason": reason }))
        .collect();
    let mut report = json!({
        "isComplete": true,
        "counts": counts,
        "ownCount": read.own_count,
        "sha256": read.sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "skippedCount": skipped.len(),
        "skipped": named,
        "warnings": warnings.iter().take(MOST_NAMED).collect::<Vec<_>>(),
    });
    if let Some(refusal) = &outcome.refusal {
        report["refusal"] =
            json!({ "kind": refusal.kind.key(), "gone": refusal.gone, "present": refusal.present });
        report["error"] = format!(
            "{} of {} {}s would be gone, which is more than the connection allows; nothing was changed. If they really are \
             gone, sync again and accept it",
            refusal.gone,
            refusal.present,
            refusal.kind
        )
        .into();
    }
    if dry_run {
        report["changes"] = outcome
            .changes
            .iter()
            .map(|it| {
                let (action, fields): (_, &[FieldChange]) = match &it.action {
                    SyncAction::Create => ("create", &[]),
                    SyncAction::Change(fields) => ("change", fields),
                    SyncAction::Gone(fields) => ("gone", fields),
                };
                json!({ "kind": it.kind.key(), "name": it.name, "action": action, "fields": fields })
            })
            .collect();
    }
    report
}
