//! Reading and verifying the log.

use domesday_model::Instant;

use super::chain::{Link, hash};
use super::{AuditAnchor, AuditEntry, digest, head};
use crate::clock_skew::MAX_CLOCK_SKEW_MICROS;
use crate::database::{Row, values};
use crate::page_size::MAX_PAGE_CHARACTERS;
use crate::{Store, StoreError};

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// How many entries there are.
    pub entries: u64,
    /// The computed hash of the last entry. Stored elsewhere, it proves later that the log up to here was not rewritten.
    pub head: [u8; 32],
    /// The first fault.
    pub fault: Option<AuditFault>,
    /// The anchors that the log does not match.
    pub mismatches: Vec<AuditMismatch>,
    /// The first entry that is dated more than the clock skew before its predecessor: the clock was set back between the
    /// two. This is not a fault.
    pub clock_back: Option<u64>,
}

impl AuditReport {
    /// Returns the anchor of the last entry, to store outside of the database.
    #[must_use]
    pub fn anchor(&self) -> AuditAnchor {
        AuditAnchor { seq: self.entries, hash: self.head }
    }
}

/// An anchor that the log does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditMismatch {
    /// The anchor.
    pub anchor: AuditAnchor,
    /// The hash of the entry with this number; `None` when there is no such entry.
    pub found: Option<[u8; 32]>,
}

/// How the log was tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFault {
    /// An entry is missing: there are later ones, or the head names it.
    Missing {
        /// The number.
        seq: u64,
    },
    /// An entry was changed or replaced.
    Changed {
        /// Its number.
        seq: u64,
    },
    /// Entries were added after the head.
    Added {
        /// The first of them.
        seq: u64,
    },
}

impl Store {
    /// Returns how many entries there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audit_length(&mut self) -> Result<u64, StoreError> {
        let (seq, _) = head(&mut self.database)?;
        Ok(u64::try_from(seq).unwrap_or_default())
    }

    /// Returns up to `limit` entries after a number, oldest first. A page ends early when its values would exceed 4 Mi
    /// characters, but contains at least one entry if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audit_entries(&mut self, after: u64, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut transaction = self.database.read()?;
        let sizes = transaction.all(
            "SELECT seq, CAST(coalesce(length(before_value), 0) + coalesce(length(after_value), 0) AS BIGINT)
             FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            values![after, limit],
            |row| Ok((row.integer(0)?, usize::try_from(row.integer(1)?).unwrap_or(usize::MAX))),
        )?;
        let Some((last, _)) = fitting(&sizes).last() else { return Ok(Vec::new()) };
        transaction.all(
            "SELECT seq, at, actor, action, target, before_value, after_value, from_address, previous, hash
             FROM audit WHERE seq > ?1 AND seq <= ?2 ORDER BY seq",
            values![after, *last],
            entry,
        )
    }

    /// Recomputes every hash and reports the first fault. The log is streamed and may have any length.
    ///
    /// # Errors
    /// When the store fails. Tampering is not an error: see [`AuditReport::fault`].
    pub fn verify_audit(&mut self) -> Result<AuditReport, StoreError> {
        self.verify_audit_against(&[])
    }

    /// Verifies the log as [`Store::verify_audit`] does, and compares it with anchors that were stored elsewhere.
    ///
    /// # Errors
    /// As [`Store::verify_audit`]; an anchor that does not match is in [`AuditReport::mismatches`].
    pub fn verify_audit_against(&mut self, anchors: &[AuditAnchor]) -> Result<AuditReport, StoreError> {
        let mut transaction = self.database.read()?;
        let (last, last_hash) = head(&mut transaction)?;
        let (mut entries, mut expected, mut previous, mut fault) = (0_u64, 1_i64, [0; 32], None);
        let (mut before, mut clock_back) = (i64::MIN, None);
        // The empty log before the first entry is an anchor too.
        let mut found: Vec<Option<[u8; 32]>> =
            anchors.iter().map(|anchor| (anchor.seq == 0).then_some([0; 32])).collect();
        transaction.each(
            "SELECT seq, at, actor, action, target, before_value, after_value, from_address, previous, hash
             FROM audit ORDER BY seq",
            &[],
            &mut |row| {
                let (seq, at) = (row.integer(0)?, row.integer(1)?);
                let computed = hash(&Link {
                    previous: &previous,
                    seq,
                    at,
                    actor: row.text(2)?,
                    action: row.text(3)?,
                    target: row.text(4)?,
                    before: row.maybe_text(5)?,
                    after: row.maybe_text(6)?,
                    from: row.maybe_text(7)?,
                });
                if fault.is_none() {
                    if seq != expected {
                        fault = Some(AuditFault::Missing { seq: number(expected) });
                    } else if seq > last {
                        fault = Some(AuditFault::Added { seq: number(seq) });
                    } else if digest(row.bytes(8)?) != previous || digest(row.bytes(9)?) != computed {
                        fault = Some(AuditFault::Changed { seq: number(seq) });
                    }
                }
                if clock_back.is_none() && at < before.saturating_sub(MAX_CLOCK_SKEW_MICROS) {
                    clock_back = Some(number(seq));
                }
                for (anchor, found) in anchors.iter().zip(&mut found) {
                    if anchor.seq == number(seq) {
                        *found = Some(computed);
                    }
                }
                entries += 1;
                expected = seq.saturating_add(1);
                previous = computed;
                before = at;
                Ok(())
            },
        )?;
        let fault = fault.or(if expected <= last {
            Some(AuditFault::Missing { seq: number(expected) })
        } else {
            (previous != last_hash).then_some(AuditFault::Changed { seq: number(last) })
        });
        let mismatches = anchors.iter().zip(found).filter(|(anchor, found)| *found != Some(anchor.hash));
        let mismatches = mismatches.map(|(anchor, found)| AuditMismatch { anchor: *anchor, found }).collect();
        Ok(AuditReport { entries, head: previous, fault, mismatches, clock_back })
    }
}

/// Returns the first entries, each with its size, that fit a page.
pub(super) fn fitting(sizes: &[(i64, usize)]) -> &[(i64, usize)] {
    let mut characters: usize = 0;
    let fitting = sizes.iter().enumerate().take_while(|(position, (_, size))| {
        characters = characters.saturating_add(*size);
        *position == 0 || characters <= MAX_PAGE_CHARACTERS
    });
    &sizes[..fitting.count()]
}

pub(super) fn entry(row: &Row<'_>) -> Result<AuditEntry, StoreError> {
    let json = |column: usize| -> Result<_, StoreError> {
        Ok(row.maybe_text(column)?.map(|text| {
            // A value that is no JSON any more is shown as text; verification reports it.
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }))
    };
    Ok(AuditEntry {
        seq: number(row.integer(0)?),
        at: Instant::from_micros(row.integer(1)?),
        actor: row.text(2)?.to_owned(),
        action: row.text(3)?.to_owned(),
        target: row.text(4)?.to_owned(),
        before: json(5)?,
        after: json(6)?,
        from: row.maybe_text(7)?.map(str::to_owned),
        previous: digest(row.bytes(8)?),
        hash: digest(row.bytes(9)?),
    })
}

fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or_default()
}
