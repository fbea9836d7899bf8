//! Idempotency keys: a creating call that is repeated gets the response of the first call, and creates nothing.
//!
//! The change and the response are stored in one transaction. Of two concurrent calls, the second waits for the first and
//! gets its response; a crash leaves neither the change nor the response.

use domesday_model::Instant;

use crate::database::values;
use crate::{Store, StoreError};

/// A creating call with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct IdempotentCall<'a> {
    /// The caller, by their API key. The idempotency keys of different callers are independent.
    pub owner: &'a str,
    /// The idempotency key.
    pub key: &'a str,
    /// The hash of the request, which detects a key that is reused for a different request.
    pub request_hash: &'a [u8; 32],
}

impl Store {
    /// Returns the stored response of a call, or runs `create` and stores its response. The changes of `create` are
    /// committed together with the response, or not at all when it fails. The response is stored as it is: one that
    /// contains a secret must be sealed.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] when the key was used for a different request; those of `create`.
    pub fn create_once<E: From<StoreError>>(
        &mut self,
        call: &IdempotentCall<'_>,
        at: Instant,
        create: impl FnOnce(&mut Self) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        // Checked first: a stored response needs no write lock.
        if let Some(response) = self.stored_response(call)? {
            return Ok(response);
        }
        self.exclusive_transaction(|store| {
            // A concurrent call may have stored one while this call waited for the lock.
            if let Some(response) = store.stored_response(call)? {
                return Ok(response);
            }
            let response = create(store)?;
            store.database.execute(
                "INSERT INTO idempotency (owner, key, request_hash, response, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                values![call.owner, call.key, &call.request_hash[..], &response[..], at.as_micros()],
            )?;
            Ok(response)
        })
    }

    fn stored_response(&mut self, call: &IdempotentCall<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT request_hash, response FROM idempotency WHERE owner = ?1 AND key = ?2";
        let found = self.database.first(sql, values![call.owner, call.key], |row| {
            Ok((row.bytes(0)? == call.request_hash, row.bytes(1)?.to_vec()))
        })?;
        match found {
            Some((false, _)) => Err(StoreError::KeyReused),
            found => Ok(found.map(|(_, response)| response)),
        }
    }

    /// Deletes responses older than an instant, and returns how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_responses(&mut self, before: Instant) -> Result<u64, StoreError> {
        self.database.execute("DELETE FROM idempotency WHERE created_at < ?1", values![before.as_micros()])
    }
}
