//! The findings of drift that are known already, so that only new ones are reported.

use std::collections::BTreeMap;

use crate::database::values;
use crate::{NewMessage, Store, StoreError};

use super::outbox;

/// How many hashes are stored of a connection at most: 800 kB.
const MAX_KNOWN: usize = 100_000;

/// The findings of a database that are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriftState {
    /// How many there are of each kind.
    pub counts: BTreeMap<String, u64>,
    /// A hash of the identity of each, ascending; of very many the smallest.
    known: Vec<u64>,
    is_complete: bool,
}

impl DriftState {
    /// Creates a state from the hashes of all findings, in any order.
    #[must_use]
    pub fn new(counts: BTreeMap<String, u64>, mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        let is_complete = hashes.len() <= MAX_KNOWN;
        hashes.truncate(MAX_KNOWN);
        Self { counts, known: hashes, is_complete }
    }

    /// Whether a finding is known. Above the largest stored hash of an incomplete state every one counts as known, so that
    /// nothing is reported as new that was there before.
    #[must_use]
    pub fn has(&self, hash: u64) -> bool {
        self.known.binary_search(&hash).is_ok()
            || !self.is_complete && self.known.last().is_none_or(|last| hash > *last)
    }
}

impl Store {
    /// Returns what is known of a connection's database; none before it was first compared.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drift_state(&mut self, connection: &str) -> Result<Option<DriftState>, StoreError> {
        let sql = "SELECT counts, known, is_complete FROM drift_state WHERE connection = ?1";
        self.database.first(sql, values![connection], |row| {
            let (hashes, _) = row.bytes(1)?.as_chunks::<8>();
            Ok(DriftState {
                counts: serde_json::from_str(row.text(0)?).unwrap_or_default(),
                known: hashes.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect(),
                is_complete: row.integer(2)? != 0,
            })
        })
    }

    /// Returns the findings by connection and kind, as they were last counted by any replica.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drift_counts(&mut self) -> Result<BTreeMap<String, BTreeMap<String, u64>>, StoreError> {
        let counts = self.database.all("SELECT connection, counts FROM drift_state", &[], |row| {
            Ok((row.text(0)?.to_owned(), serde_json::from_str(row.text(1)?).unwrap_or_default()))
        })?;
        Ok(counts.into_iter().collect())
    }

    /// Stores what is known of a connection's database, and the message about what is new in it; nothing when the connection
    /// has no database any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn write_drift_state(
        &mut self,
        connection: &str,
        state: &DriftState,
        message: Option<&NewMessage>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let sql = "SELECT 1 FROM observed_database WHERE connection = ?1";
        if transaction.first(sql, values![connection], |_| Ok(()))?.is_none() {
            return transaction.commit();
        }
        let counts = serde_json::to_string(&state.counts).unwrap_or_else(|_| "{}".to_owned());
        let known: Vec<u8> = state.known.iter().flat_map(|hash| hash.to_be_bytes()).collect();
        transaction.execute(
            "INSERT INTO drift_state (connection, counts, known, is_complete) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (connection) DO UPDATE SET counts = excluded.counts, known = excluded.known,
                 is_complete = excluded.is_complete",
            values![connection, &counts, &known[..], i64::from(state.is_complete)],
        )?;
        if let Some(message) = message {
            outbox::add(&mut transaction, message)?;
        }
        transaction.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_findings_none_counts_as_new_that_was_there() {
        let few = DriftState::new(BTreeMap::new(), vec![9, 3, 3]);
        assert!(few.has(3) && few.has(9) && !few.has(4) && !few.has(10));
        let many = DriftState::new(BTreeMap::new(), (0..200_000).map(|number| number * 2).collect());
        assert!(many.has(0) && !many.has(1) && many.has(399_998) && many.has(399_999));
    }
}
