//! The identity that the service has for AWS, which the owner of a role names in its trust policy.

use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{Environment, ServiceIdentity};
use tokio::sync::Mutex;

use crate::error::ServiceError;

/// How long an answer of STS is used: a process changes its identity seldom, and set-up asks for it several times.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The last identity found. Behind a mutex, so that one lookup at a time occupies a thread.
#[derive(Debug, Default)]
pub struct IdentityCache(Mutex<Option<CachedIdentity>>);

#[derive(Debug)]
struct CachedIdentity {
    region: String,
    endpoint: Option<String>,
    found_at: Stopwatch,
    identity: ServiceIdentity,
}

impl IdentityCache {
    /// Returns the identity of the service, as the STS of a region or of an endpoint reports it.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when the service has no credentials of its own, or there is no STS to ask.
    pub async fn identity(
        &self,
        region: &str,
        endpoint: Option<&str>,
    ) -> Result<ServiceIdentity, ServiceError> {
        let mut cached = self.0.lock().await;
        if let Some(cached) = cached.as_ref()
            && (cached.region.as_str(), cached.endpoint.as_deref()) == (region, endpoint)
            && cached.found_at.elapsed() < MAX_AGE
        {
            return Ok(cached.identity.clone());
        }
        let (region, endpoint) = (region.to_owned(), endpoint.map(str::to_owned));
        let place = (region.clone(), endpoint.clone());
        let ask = move || {
            domesday_delivery::service_identity(&region, endpoint.as_deref(), Environment::from_process())
        };
        let found = tokio::task::spawn_blocking(ask).await.map_err(|error| ServiceError::internal(&error))?;
        let identity = found.map_err(|error| {
            let message = format!("the service does not know its own identity: {}", error.problem());
            ServiceError::invalid(message).with("fix", error.fix())
        })?;
        let (region, endpoint) = place;
        *cached =
            Some(CachedIdentity { region, endpoint, found_at: Stopwatch::now(), identity: identity.clone() });
        Ok(identity)
    }
}
