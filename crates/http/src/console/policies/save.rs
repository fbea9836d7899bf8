//! Writing policies, as the API writes them.

use std::sync::Arc;

use domesday_model::{Instant, Kind};
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_service::objects;
use domesday_service::permissions::objects::check_kind;
use domesday_service::{Precondition, ServiceError};
use domesday_store::{Store, StoreError};
use serde_json::Value;

use super::PATH;
use crate::state::AppState;

/// A policy that was written.
pub(super) struct Saved {
    pub(super) id: i64,
    pub(super) is_new: bool,
}

fn writer(caller: &Caller) -> Caller {
    // The service decides by the document who may write it.
    Caller { permit: Permit::AnyKey, ..caller.clone() }
}

/// Creates a policy, once for each form.
pub(super) async fn create(
    app: &AppState,
    caller: &Caller,
    kind: Kind,
    document: Value,
    once: &str,
) -> Result<Saved, ServiceError> {
    let key = IdempotencyKey::new(once, caller, PATH, format!("{kind} {document}").as_bytes());
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
        check_kind(store, caller, kind)?;
        let mut revisions = None;
        let id = create_once(store, &sealer, Some(&key), now, |store| -> Result<i64, ServiceError> {
            let written = objects::create(store, caller, kind, &document, now)?;
            revisions = Some(written.revisions);
            Ok(written.object.id)
        })?;
        Ok((id, revisions))
    };
    let (id, revisions) = app.service.write(writer(caller), work).await?;
    if let Some(revisions) = revisions {
        app.service.policy_warnings.record_write(kind, revisions);
    }
    Ok(Saved { id, is_new: true })
}

/// Replaces a policy that has an entity tag.
pub(super) async fn replace(
    app: &AppState,
    caller: &Caller,
    kind: Kind,
    document: Value,
    etag: &str,
) -> Result<Saved, ServiceError> {
    let precondition = Precondition::Etag(etag.to_owned());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
        objects::put(store, caller, kind, &document, &precondition, now)
    };
    let written = app.service.write(writer(caller), work).await?;
    app.service.policy_warnings.record_write(kind, written.revisions);
    Ok(Saved { id: written.object.id, is_new: false })
}

/// Removes a policy that has an entity tag.
pub(super) async fn remove(
    app: &AppState,
    caller: &Caller,
    kind: Kind,
    name: String,
    etag: &str,
) -> Result<(), ServiceError> {
    let precondition = Precondition::Etag(etag.to_owned());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), ServiceError> {
        objects::delete(store, caller, kind, &name, &precondition, now)
    };
    app.service.write(writer(caller), work).await
}

/// Whether a change was refused because somebody else made one before.
pub(super) fn is_changed_meanwhile(error: &ServiceError) -> bool {
    matches!(
        error,
        ServiceError::PreconditionFailed(_) | ServiceError::Store(StoreError::Precondition { .. })
    )
}
