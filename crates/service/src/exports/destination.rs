//! The destinations of exports: opened with their secrets, and verified, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use domesday_delivery::{
    AssumedRole, CallContext, CancelReason, CancellationToken, DeliveryError, DestinationConfig, Environment,
    RetryPolicy, S3Access, S3Config, SigningIdentity, TenantName, Verification, verify,
};
use domesday_model::Tenant;
use domesday_store::SealedSecret;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::ServiceError;
use crate::machine::{BlockingWork, Machine};
use crate::seal::{Sealer, export_record};
use crate::signals::Signals;

use super::configuration::{
    Configuration, Credentials, DestinationConfiguration, S3Configuration, StoredExport,
};

/// How many destinations are verified at a time: each may hang for as long as a verification may take.
const MAX_VERIFICATIONS: usize = 4;

/// How long a verification waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// When to come back while too many verifications are under way: one takes 45 seconds at most.
const RETRY_AFTER: Duration = Duration::from_secs(15);

/// Opens and verifies the destinations of exports. Clones share it.
#[derive(Debug, Clone)]
pub struct Destinations {
    sealer: Arc<Sealer>,
    allowed_endpoints: Arc<[String]>,
    attempts: u32,
    verifications: Arc<Semaphore>,
    signals: Arc<Signals>,
    machine: Machine,
}

impl Destinations {
    /// Returns the destinations that a configuration of the service allows.
    #[must_use]
    pub fn new(config: &Config, sealer: Arc<Sealer>, signals: Arc<Signals>) -> Self {
        Self {
            sealer,
            allowed_endpoints: config.allowed_endpoints.clone().into(),
            attempts: config.delivery_attempts,
            verifications: Arc::new(Semaphore::new(MAX_VERIFICATIONS)),
            signals,
            machine: Machine::default(),
        }
    }

    /// The same, reached from a machine.
    #[must_use]
    pub(crate) fn on(self, machine: Machine) -> Self {
        Self { machine, ..self }
    }

    /// Checks that the operator allows the endpoint of a configuration, if it names one.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when they do not.
    pub fn check_endpoint(&self, configuration: &Configuration) -> Result<(), ServiceError> {
        configuration.check_endpoint(&self.allowed_endpoints)
    }

    /// Returns the destination of a stored configuration, with its secret.
    ///
    /// # Errors
    /// When the configuration or its secret cannot be used.
    pub fn destination(&self, stored: &StoredExport) -> Result<Arc<dyn DestinationConfig>, ServiceError> {
        // The operator may have shortened the list since.
        self.check_endpoint(&stored.configuration)?;
        let secret = self.secret(stored)?;
        let retry_policy = RetryPolicy { attempts: self.attempts, ..RetryPolicy::default() };
        build_destination(&stored.configuration.destination, secret, retry_policy)
            .map_err(|error| configuration_error(&error))
    }

    /// Returns the secret of a stored configuration, if it has one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn secret(&self, stored: &StoredExport) -> Result<Option<SecretString>, ServiceError> {
        let Some(secret) = &stored.secret else { return Ok(None) };
        let opened = self.sealer.open(&export_record(&stored.id), &secret.sealed).map_err(|error| {
            tracing::error!(%error, "the secret of an export cannot be opened");
            ServiceError::unavailable(format!("the secret of this export cannot be opened: {error}"))
        })?;
        let text = String::from_utf8(opened.expose_secret().clone())
            .map_err(|error| ServiceError::internal(&error))?;
        Ok(Some(text.into()))
    }

    /// Seals the secret of an export.
    pub(super) fn seal(&self, export: &str, secret: &SecretString) -> Result<SealedSecret, ServiceError> {
        let sealed = self.sealer.seal_secret(&export_record(export), secret.expose_secret().as_bytes());
        sealed.map_err(|error| ServiceError::internal(&error))
    }

    /// Verifies a destination. It ends early when the caller drops the future, or the service stops.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] when too many are under way.
    pub async fn verify(
        &self,
        destination: Arc<dyn DestinationConfig>,
        tenant: TenantName,
    ) -> Result<Verification, ServiceError> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, self.verifications.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| ServiceError::Busy {
            message: "as many destinations as can be are being verified just now; try again in a moment"
                .to_owned(),
            retry_after: RETRY_AFTER,
        })?;
        let turn = turn.map_err(|error| ServiceError::internal(&error))?;
        let signals = Arc::clone(&self.signals);
        let cancellation =
            CancellationToken::with_check(move || signals.is_stopping().then_some(CancelReason::Shutdown));
        let _cancel = CancelOnDrop(cancellation.clone());
        let call_context = CallContext { cancellation, ..self.machine.call_context() };
        let work = move || {
            // The turn ends with the work, not with the call that waits for it.
            let _turn = turn;
            verify(&*destination, &tenant, &call_context)
        };
        self.machine.run_blocking(BlockingWork::Verification, work).await
    }
}

/// Cancels work when its caller has gone.
struct CancelOnDrop(CancellationToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel(CancelReason::Requested);
    }
}

/// Returns the destination that a configuration names; `patience` is how often its calls are repeated.
///
/// # Errors
/// When a field cannot be what it names, or the secret of the access key is missing.
pub fn build_destination(
    destination: &DestinationConfiguration,
    secret: Option<SecretString>,
    retry_policy: RetryPolicy,
) -> Result<Arc<dyn DestinationConfig>, DeliveryError> {
    let DestinationConfiguration::S3(S3Configuration { bucket, credentials }) = destination;
    let settings = bucket.settings()?;
    let (identity, role) = match (credentials, secret) {
        (Credentials::AccessKey { id }, Some(secret)) => (SigningIdentity::access_key(id, secret)?, None),
        (Credentials::AccessKey { id }, None) => {
            let message =
                format!("no secret is stored for the access key `{id}`; set `secretAccessKey` again");
            return Err(DeliveryError::Configuration { message });
        }
        (Credentials::Role { arn }, _) => (SigningIdentity::Ambient, Some(AssumedRole::new(arn, None)?)),
    };
    let access = S3Access { retry_policy, ..S3Access::new(identity, role, Environment::from_process()) };
    Ok(Arc::new(S3Config::new(settings, access)))
}

/// Returns the tenant as a destination knows it.
#[must_use]
pub fn tenant_name(tenant: &Tenant) -> TenantName {
    TenantName { id: tenant.id.unwrap_or_else(|| tenant.derived_id()), name: tenant.name.clone() }
}

/// Returns the error of a configuration that cannot be one.
#[must_use]
pub fn configuration_error(error: &DeliveryError) -> ServiceError {
    ServiceError::invalid(error.problem()).with("fix", error.fix())
}
