//! Saving and deleting an export: a configuration is saved only when its destination takes what a run would put.

use std::sync::Arc;

use domesday_delivery::{RetryPolicy, Verification};
use domesday_model::{Instant, Tenant};
use domesday_store::{NewAuditEntry, RunRecord, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::caller::{self, Caller};
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::pool::Pool;
use crate::precondition::Precondition;
use crate::signals::Signals;
use crate::webhook::run_message;

use super::configuration::{Configuration, DEFAULT_EXPORT, StoredExport};
use super::destination::{Destinations, build_destination, configuration_error, tenant_name};
use super::patch::ExportPatch;
use super::request::{ExportRequest, Secret};

/// What a precondition is about, for messages.
const SUBJECT: &str = "the export configuration";

/// The exports of the service. Clones share them.
#[derive(Debug, Clone)]
pub struct Exports {
    pool: Pool,
    clock: Clock,
    destinations: Destinations,
    signals: Arc<Signals>,
    /// Whether somebody receives messages about runs.
    has_webhook: bool,
}

/// The last verification of a saved configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastVerification {
    /// When it ended.
    pub at: Instant,
    /// Its checks.
    pub verification: Verification,
    /// What was verified: another destination may be configured since.
    configuration: Configuration,
}

/// An export as it is stored, with the tenant whose summary it delivers.
#[derive(Debug)]
pub struct SavedExport {
    /// The export.
    pub export: StoredExport,
    /// The tenant.
    pub tenant: Tenant,
    /// Whether the call that returns it created it.
    pub is_new: bool,
    /// The last verification of its destination.
    pub last_verification: Option<LastVerification>,
}

/// A configuration that is to be saved.
struct Change {
    request: ExportRequest,
    /// Whether it was made of the stored one.
    is_patch: bool,
}

impl Exports {
    pub(crate) fn new(
        pool: Pool,
        clock: Clock,
        destinations: Destinations,
        signals: Arc<Signals>,
        has_webhook: bool,
    ) -> Self {
        Self { pool, clock, destinations, signals, has_webhook }
    }

    /// Returns the export, if one is configured, and the tenant.
    ///
    /// # Errors
    /// When the store fails or has no tenant yet.
    pub async fn stored(&self) -> Result<(Option<StoredExport>, Tenant), ServiceError> {
        let read = |store: &mut Store| -> Result<_, ServiceError> {
            Ok((store.export(DEFAULT_EXPORT)?, store.tenant()?))
        };
        let (export, tenant) = self.pool.with(read).await?;
        let (tenant, _) = tenant.ok_or_else(|| ServiceError::unavailable("there is no tenant yet"))?;
        Ok((export, tenant))
    }

    /// Returns the export.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when none is configured.
    pub async fn get(&self) -> Result<SavedExport, ServiceError> {
        let (export, tenant) = self.stored().await?;
        let export = export.ok_or_else(not_configured)?;
        let last_verification = self.last_verification(&export.configuration).await?;
        Ok(SavedExport { export, tenant, is_new: false, last_verification })
    }

    /// Verifies and saves a whole configuration.
    ///
    /// # Errors
    /// When the configuration is not valid, its destination fails the verification, or the precondition is not met.
    pub async fn put(
        &self,
        caller: Caller,
        precondition: &Precondition,
        request: ExportRequest,
    ) -> Result<SavedExport, ServiceError> {
        let (stored, tenant) = self.stored().await?;
        self.save(caller, precondition, Change { request, is_patch: false }, stored, tenant).await
    }

    /// Verifies and saves a change of some fields.
    ///
    /// # Errors
    /// As [`Exports::put`], and [`ServiceError::NotFound`] when none is configured.
    pub async fn patch(
        &self,
        caller: Caller,
        precondition: &Precondition,
        patch: ExportPatch,
    ) -> Result<SavedExport, ServiceError> {
        let (stored, tenant) = self.stored().await?;
        let request = patch.apply(&stored.as_ref().ok_or_else(not_configured)?.configuration)?;
        self.save(caller, precondition, Change { request, is_patch: true }, stored, tenant).await
    }

    /// Saves a configuration. Its destination is verified before, unless it is the stored one: where only the schedule or
    /// the layout changes, there is nothing to ask it.
    async fn save(
        &self,
        caller: Caller,
        precondition: &Precondition,
        Change { request, is_patch }: Change,
        stored: Option<StoredExport>,
        tenant: Tenant,
    ) -> Result<SavedExport, ServiceError> {
        precondition.check(stored.as_ref().map(|stored| stored.etag.as_str()), SUBJECT)?;
        let (configuration, secret) = self.read_request(request, stored.as_ref())?;
        let before = stored.as_ref().map(|stored| &stored.configuration);
        let has_new_secret = matches!(secret, Secret::Given(_));
        if before == Some(&configuration)
            && !has_new_secret
            && let Some(export) = stored
        {
            let last_verification = self.last_verification(&export.configuration).await?;
            return Ok(SavedExport { export, tenant, is_new: false, last_verification });
        }
        let is_verified = before.is_some_and(|before| configuration.has_same_destination(before));
        // What is taken from the stored configuration (fields, the secret, the proof that the destination works) is right
        // for no other.
        let is_based = is_patch || matches!(secret, Secret::Kept) || (is_verified && !has_new_secret);
        let based_on = stored.as_ref().filter(|_| is_based).map(|stored| stored.etag.clone());
        let mut verified = None;
        if has_new_secret || !is_verified {
            // Before the transaction begins: what the network does must hold up no other writer.
            let verification = self.verify_with(&configuration, &secret, stored.as_ref(), &tenant).await?;
            if !verification.ok {
                self.record_refusal(caller, &configuration, &verification).await?;
                return Err(ServiceError::DestinationRefused { checks: verification.checks });
            }
            verified = Some(self.verified_now(&configuration, &verification));
        }
        let sealed = match &secret {
            Secret::None => None,
            Secret::Kept => stored.and_then(|stored| stored.secret),
            Secret::Given(secret) => Some(self.destinations.seal(DEFAULT_EXPORT, secret)?),
        };
        let precondition = precondition.clone();
        let save = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
            let expected = precondition.as_if_match()?;
            let found: Option<StoredExport> = store.export(DEFAULT_EXPORT)?;
            if based_on.is_some() && found.as_ref().map(|found| &found.etag) != based_on.as_ref() {
                // The precondition of the call comes first.
                precondition.check(found.as_ref().map(|found| found.etag.as_str()), SUBJECT)?;
                return Err(ServiceError::conflict(
                    "the export configuration was changed by somebody else meanwhile; send the request again",
                ));
            }
            let export = caller.change(now, |change| {
                store.put_export(DEFAULT_EXPORT, &configuration, sealed.as_ref(), expected, change)
            })?;
            if let Some(verified) = &verified {
                store.set_export_verification(DEFAULT_EXPORT, &json!(verified))?;
            }
            let last_verification = read_last_verification(store, &export.configuration)?;
            Ok((export, found.is_none(), last_verification))
        };
        let (export, is_new, last_verification) =
            caller::write(&self.pool, &self.clock, caller, save).await?;
        self.signals.scheduler_wake.notify_one();
        Ok(SavedExport { export, tenant, is_new, last_verification })
    }

    /// Returns the configuration of a request and its secret, with what it keeps of the stored one.
    fn read_request(
        &self,
        request: ExportRequest,
        stored: Option<&StoredExport>,
    ) -> Result<(Configuration, Secret), ServiceError> {
        let with_secret = stored.filter(|stored| stored.secret.is_some());
        let (configuration, secret) = request.split(with_secret.map(|stored| &stored.configuration))?;
        self.destinations.check_endpoint(&configuration)?;
        Ok((configuration, secret))
    }

    async fn verify_with(
        &self,
        configuration: &Configuration,
        secret: &Secret,
        stored: Option<&StoredExport>,
        tenant: &Tenant,
    ) -> Result<Verification, ServiceError> {
        let secret = match (secret, stored) {
            (Secret::Given(secret), _) => Some(secret.clone()),
            (Secret::Kept, Some(stored)) => self.destinations.secret(stored)?,
            (Secret::Kept | Secret::None, _) => None,
        };
        let destination = build_destination(&configuration.destination, secret, RetryPolicy::default())
            .map_err(|error| configuration_error(&error))?;
        self.destinations.verify(destination, tenant_name(tenant)).await
    }

    /// Records in the audit log that a destination failed its verification.
    async fn record_refusal(
        &self,
        caller: Caller,
        configuration: &Configuration,
        verification: &Verification,
    ) -> Result<(), ServiceError> {
        let refused = json!({ "configuration": configuration.document(), "checks": verification.checks });
        let record = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), ServiceError> {
            let target = format!("exports/{DEFAULT_EXPORT}");
            let entry =
                NewAuditEntry { action: "refuse", target: &target, before: None, after: Some(&refused) };
            caller.change(now, |change| store.append_audit(entry, change)).map(drop)?;
            Ok(())
        };
        caller::write(&self.pool, &self.clock, caller, record).await
    }

    /// Verifies a destination and saves nothing: that of a request, or of the stored configuration.
    ///
    /// # Errors
    /// When the configuration is not valid, or none is configured. Failed checks are no error.
    pub async fn verify(&self, request: Option<ExportRequest>) -> Result<Verification, ServiceError> {
        let (stored, tenant) = self.stored().await?;
        if let Some(request) = request {
            let (configuration, secret) = self.read_request(request, stored.as_ref())?;
            return self.verify_with(&configuration, &secret, stored.as_ref(), &tenant).await;
        }
        let stored = stored.ok_or_else(not_configured)?;
        let destination = self.destinations.destination(&stored)?;
        let verification = self.destinations.verify(destination, tenant_name(&tenant)).await?;
        let verified = json!(self.verified_now(&stored.configuration, &verification));
        let write = move |store: &mut Store| -> Result<_, ServiceError> {
            Ok(store.set_export_verification(DEFAULT_EXPORT, &verified)?)
        };
        if let Err(problem) = self.pool.with(write).await {
            // The caller has the answer all the same.
            tracing::warn!(%problem, "the verification of the export could not be stored");
        }
        Ok(verification)
    }

    /// Returns the last verification of a saved configuration, by whichever replica.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_verification(
        &self,
        configuration: &Configuration,
    ) -> Result<Option<LastVerification>, ServiceError> {
        let configuration = configuration.clone();
        self.pool.with(move |store: &mut Store| read_last_verification(store, &configuration)).await
    }

    fn verified_now(&self, configuration: &Configuration, verification: &Verification) -> LastVerification {
        LastVerification {
            at: self.clock.now(),
            verification: verification.clone(),
            configuration: configuration.clone(),
        }
    }

    /// Deletes the export and its secret, and cancels its run, if there is one.
    ///
    /// # Errors
    /// When none is configured, or the precondition is not met.
    pub async fn delete(&self, caller: Caller, precondition: Precondition) -> Result<(), ServiceError> {
        let has_webhook = self.has_webhook;
        let delete = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), ServiceError> {
            let expected = precondition.as_if_match()?;
            caller.change(now, |change| store.delete_export(DEFAULT_EXPORT, expected, change))?;
            // In the same transaction: nobody can begin another attempt in between.
            for run in store.unfinished_runs(DEFAULT_EXPORT)? {
                let message = |run: &RunRecord| run_message(has_webhook, run, now);
                caller.change(now, |change| store.cancel_run(run.id, change, message))?;
            }
            Ok(())
        };
        caller::write(&self.pool, &self.clock, caller, delete).await?;
        self.signals.cancel_wake.notify_one();
        self.signals.scheduler_wake.notify_one();
        self.signals.webhook_wake.notify_one();
        Ok(())
    }
}

/// Reads the last verification; none when it was of another destination. One that an earlier version wrote in another form
/// is none either.
fn read_last_verification(
    store: &mut Store,
    configuration: &Configuration,
) -> Result<Option<LastVerification>, ServiceError> {
    let last = store.export_verification(DEFAULT_EXPORT)?;
    let last = last.and_then(|last| serde_json::from_value::<LastVerification>(last).ok());
    Ok(last.filter(|last| last.configuration.has_same_destination(configuration)))
}

fn not_configured() -> ServiceError {
    ServiceError::not_found("no export is configured; PUT one to /api/v1/access-summary/export")
}
