//! Credentials that are kept until shortly before they expire.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::credentials_value::Credentials;
use crate::DeliveryError;

/// How long before their end credentials are fetched again.
const REFRESH_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// A cache of one set of credentials.
#[derive(Debug, Default)]
pub(super) struct CachedCredentials(Mutex<Option<Arc<Credentials>>>);

impl CachedCredentials {
    /// Returns the cached credentials, or fetches new ones when there are none or they expire soon. One thread
    /// fetches, the others wait for what it gets.
    ///
    /// # Errors
    /// When fetching fails.
    pub(super) fn get(
        &self,
        now: Timestamp,
        fetch: impl FnOnce() -> Result<Credentials, DeliveryError>,
    ) -> Result<Arc<Credentials>, DeliveryError> {
        let mut cached = self.lock();
        let is_fresh = |credentials: &Arc<Credentials>| {
            credentials.expires_at.is_none_or(|end| now.duration_until(end) > REFRESH_BEFORE)
        };
        if let Some(credentials) = cached.as_ref().filter(|credentials| is_fresh(credentials)) {
            return Ok(Arc::clone(credentials));
        }
        let fetched = Arc::new(fetch()?);
        *cached = Some(Arc::clone(&fetched));
        Ok(fetched)
    }

    /// Removes credentials that were refused, unless another thread has replaced them already.
    pub(super) fn invalidate(&self, refused: &Credentials) {
        let mut cached = self.lock();
        if cached.as_ref().is_some_and(|cached| cached.access_key_id == refused.access_key_id) {
            *cached = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Credentials>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_kept_until_shortly_before_their_end() {
        let cache = CachedCredentials::default();
        let end: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let fetch = |id: &str| {
            Ok(Credentials {
                access_key_id: id.to_owned(),
                secret_access_key: "s".into(),
                session_token: None,
                expires_at: Some(end),
            })
        };
        let at = |minutes: i64| end - SignedDuration::from_mins(minutes);
        assert_eq!(cache.get(at(60), || fetch("first")).unwrap().access_key_id, "first");
        assert_eq!(cache.get(at(6), || fetch("second")).unwrap().access_key_id, "first");
        assert_eq!(cache.get(at(5), || fetch("second")).unwrap().access_key_id, "second");
        let second = fetch("second").unwrap();
        cache.invalidate(&second);
        assert_eq!(cache.get(at(60), || fetch("third")).unwrap().access_key_id, "third");
        cache.invalidate(&second);
        assert_eq!(cache.get(at(60), || fetch("fourth")).unwrap().access_key_id, "third");
    }
}
