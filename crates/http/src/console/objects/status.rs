//! Disabling and enabling users and data sources.

use axum::response::Response;
use domesday_model::Instant;
use domesday_service::caller::Caller;
use domesday_service::permissions::objects::write_permit;
use domesday_service::{Precondition, ServiceError, objects};
use domesday_store::{Store, StoredObject};
use serde_json::Value;

use super::subject::Subject;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// Returns the other status of an object, and its document with it; none when its kind has no status.
pub(super) fn with_status(subject: &'static Subject, object: &StoredObject) -> Option<(&'static str, Value)> {
    let states = subject.states?;
    let status = states[usize::from(!subject.is_disabled(object))];
    let mut document = object.document.clone();
    document["status"] = status.into();
    Some((status, document))
}

/// Disables or enables an object, as the button that was pressed says.
pub(super) async fn set(
    subject: &'static Subject,
    app: App,
    key: String,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let permit = write_permit(subject.kind);
    permit.check(&signed_in.caller)?;
    let wanted =
        subject.states.and_then(|states| states.into_iter().find(|state| *state == form.get("status")));
    let wanted = wanted.ok_or_else(|| ServiceError::invalid("the status is not one of this kind"))?;
    let precondition = Precondition::Etag(form.get("etag").to_owned());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        let mut document = subject.find(store, caller, &key)?.document;
        document["status"] = wanted.into();
        let written = objects::put(store, caller, subject.kind, &document, &precondition, now)?;
        Ok(written.object)
    };
    let object = app.service.write(signed_in.caller_for(permit), work).await?;
    Ok(see_other(&format!("{}?status", subject.object_path(&object))))
}
