//! The result of a verification as the log shows it.

use domesday_store::{AuditFault, AuditReport};

use crate::console::times::counted;

/// The result of a verification.
pub(super) struct VerificationView {
    pub(super) is_intact: bool,
    pub(super) text: String,
    /// What is remarkable and no fault; empty when there is nothing.
    pub(super) note: String,
    /// The number and the hash of the last entry, to store elsewhere.
    pub(super) anchor: String,
}

impl VerificationView {
    pub(super) fn new(report: &AuditReport) -> Self {
        let entries = counted(report.entries, "entry", "entries");
        let text = match report.fault {
            None => format!("The audit log is intact: {entries}, none missing, changed or added."),
            Some(AuditFault::Missing { seq }) => {
                format!("The audit log was tampered with: entry {seq} is missing.")
            }
            Some(AuditFault::Changed { seq }) => {
                format!("The audit log was tampered with: entry {seq} was changed.")
            }
            Some(AuditFault::Added { seq }) => {
                format!("The audit log was tampered with: entry {seq} was not written by Domesday.")
            }
        };
        let note = report.clock_back.map_or_else(String::new, |seq| {
            format!(
                "Entry {seq} is dated before entry {}: the clock was set back, or a catalog was applied with an earlier \
                 time.",
                seq.saturating_sub(1)
            )
        });
        Self { is_intact: report.fault.is_none(), text, note, anchor: report.anchor().to_string() }
    }
}
