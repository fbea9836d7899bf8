//! Idempotency keys: a creating call that is sent again gets the result of the first, and creates nothing twice.
//!
//! Results belong to the API key that made the call, or to the session where there is none, and to its rights: a key that
//! has lost some gets none of the results from before. They are stored sealed and without secrets: a secret is shown once. Only results of success are
//! stored: a call that failed changed nothing and may be tried again. The creation and its result are one transaction of
//! the store.

use domesday_model::{Instant, Permission};
use domesday_store::{IdempotentCall, Store, StoreError};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::caller::Caller;
use crate::error::ServiceError;
use crate::seal::Sealer;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 255;

/// The rights that an API key had when it got a result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rights {
    permissions: Vec<Permission>,
    roles: bool,
}

/// A result with the rights that it was given under.
#[derive(Debug, Serialize, Deserialize)]
struct StoredResult<T> {
    rights: Rights,
    #[serde(rename = "answer")]
    result: T,
}

/// An idempotency key, with the call that it stands for and the rights that the call is made with.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    owner: String,
    rights: Rights,
    key: String,
    hash: [u8; 32],
}

impl IdempotencyKey {
    /// Returns the key of a caller's call, which the path of its route and its body distinguish from other calls.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`] when the key is not 1 to [`MAX_KEY_BYTES`] characters of visible ASCII.
    pub fn new(key: &str, caller: &Caller, path: &str, body: &[u8]) -> Result<Self, InvalidIdempotencyKey> {
        let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !is_visible {
            return Err(InvalidIdempotencyKey);
        }
        let mut hash = Sha256::new();
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path);
        hash.update(body);
        Ok(Self {
            owner: caller.credential().to_string(),
            rights: Rights { permissions: caller.permissions.clone(), roles: caller.roles },
            key: key.to_owned(),
            hash: hash.finalize().into(),
        })
    }

    fn as_store_call(&self) -> IdempotentCall<'_> {
        IdempotentCall { owner: &self.owner, key: &self.key, request_hash: &self.hash }
    }

    /// The name of the record that the stored result is sealed for.
    fn record(&self) -> String {
        format!("answer:{}:{}", self.owner, self.key)
    }
}

/// An idempotency key that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key must be 1 to {MAX_KEY_BYTES} characters of visible ASCII")]
pub struct InvalidIdempotencyKey;

/// Creates something, once for each idempotency key: the same call at the same time waits for the first and gets the
/// same result.
///
/// # Errors
/// What `create` fails with; [`ServiceError::Forbidden`] when the result was given under rights that the caller has no
/// more; when the key was used for another call.
pub fn create_once<T, E>(
    store: &mut Store,
    sealer: &Sealer,
    key: Option<&IdempotencyKey>,
    now: Instant,
    create: impl FnOnce(&mut Store) -> Result<T, E>,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<StoreError> + From<ServiceError>,
{
    let Some(key) = key else { return create(store) };
    let record = key.record();
    let mut first = None;
    let sealed = store.create_once(&key.as_store_call(), now, |store| -> Result<_, E> {
        let stored = StoredResult { rights: key.rights.clone(), result: create(store)? };
        let text = serde_json::to_vec(&stored).expect("a result is plain data");
        first = Some(stored.result);
        sealer.seal(&record, &text).map_err(|error| ServiceError::internal(&error).into())
    })?;
    if let Some(result) = first {
        return Ok(result);
    }
    let opened = sealer.open(&record, &sealed).map_err(|error| ServiceError::internal(&error))?;
    let stored: StoredResult<T> =
        serde_json::from_slice(opened.expose_secret()).map_err(|error| ServiceError::internal(&error))?;
    let has = |permission| key.rights.permissions.contains(permission);
    if !stored.rights.permissions.iter().all(has) || (stored.rights.roles && !key.rights.roles) {
        return Err(ServiceError::forbidden(
            "this call was answered when its API key could do more than it can now; the answer is not repeated",
        )
        .into());
    }
    Ok(stored.result)
}
