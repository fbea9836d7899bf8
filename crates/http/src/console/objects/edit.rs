//! Creating and editing objects: the same documents in the same functions as with the API.

use std::sync::Arc;

use axum::response::Response;
use domesday_model::Instant;
use domesday_service::caller::Caller;
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_service::permissions::objects::{check_change, write_permit};
use domesday_service::{Precondition, ServiceError, objects};
use domesday_store::{Store, StoredObject};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failures::Refusal;
use super::fields::{changed_keys, merge};
use super::form::{Draft, parse, render};
use super::origins::Origins;
use super::subject::Subject;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::paths::named_path;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// What creating an object leaves for the form being sent again.
#[derive(Debug, Serialize, Deserialize)]
struct CreatedObject {
    id: i64,
    name: String,
}

/// Shows the form of a new object.
pub(super) async fn ask_new(
    subject: &'static Subject,
    app: &App,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    write_permit(subject.kind).check(&signed_in.caller)?;
    render(subject, app, signed_in, Draft { object: None, given: &[], sent: None, columns_page: 1 }).await
}

/// Creates an object.
pub(super) async fn create(
    subject: &'static Subject,
    app: App,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let permit = write_permit(subject.kind);
    permit.check(&signed_in.caller)?;
    let refuse = |signed_in, refusal| {
        let draft = Draft { object: None, given: &[], sent: Some((&form, refusal)), columns_page: 1 };
        render(subject, &app, signed_in, draft)
    };
    let (document, errors) = merge(subject, &json!({}), &form);
    let document =
        if errors.is_empty() { parse(subject, &document) } else { Err(Refusal::of_fields(errors)) };
    let document = match document {
        Ok(document) => document,
        Err(refusal) => return refuse(signed_in, refusal).await,
    };
    let body = document.to_string();
    let key = IdempotencyKey::new(form.get("once"), &signed_in.caller, subject.path, body.as_bytes());
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
        create_once(store, &sealer, Some(&key), now, |store| -> Result<_, ServiceError> {
            let written = objects::create(store, caller, subject.kind, &document, now)?;
            Ok(CreatedObject { id: written.object.id, name: written.object.name })
        })
    };
    match app.service.write(signed_in.caller_for(permit), work).await {
        Ok(CreatedObject { id, name }) => {
            let path = if subject.is_numbered {
                format!("{}/{id}", subject.path)
            } else {
                named_path(subject.path, &name)
            };
            Ok(see_other(&format!("{path}?created")))
        }
        Err(error) => {
            let refusal = Refusal::of_error(subject, error)?;
            refuse(signed_in, refusal).await
        }
    }
}

/// Finds an object that the caller may edit, with the values that connections give.
async fn find(
    subject: &'static Subject,
    app: &App,
    signed_in: &SignedIn,
    key: String,
) -> Result<(StoredObject, Vec<String>), Failure> {
    write_permit(subject.kind).check(&signed_in.caller)?;
    let caller = signed_in.caller.clone();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let object = subject.find(store, &caller, &key)?;
        check_change(store, &caller, subject.kind, Some(&object), Some(&object.document))?;
        let given = Origins::read(store, &object)?.map(|origins| origins.given(subject));
        Ok((object, given.unwrap_or_default()))
    };
    app.service.pool.with(read).await
}

/// Shows the form of an object.
pub(super) async fn ask(
    subject: &'static Subject,
    app: App,
    key: String,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let (object, given) = find(subject, &app, &signed_in, key).await?;
    let columns_page = query.get("columns").parse().unwrap_or(1);
    render(subject, &app, signed_in, Draft { object: Some(&object), given: &given, sent: None, columns_page })
        .await
}

/// Saves what was sent, unless somebody else changed the object in the meantime.
pub(super) async fn save(
    subject: &'static Subject,
    app: App,
    key: String,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (object, given) = find(subject, &app, &signed_in, key).await?;
    let refusal = match write(subject, &app, &signed_in, &object, &form).await? {
        Ok(saved) => return Ok(see_other(&saved)),
        Err(refusal) => refusal,
    };
    let draft = Draft { object: Some(&object), given: &given, sent: Some((&form, refusal)), columns_page: 1 };
    render(subject, &app, signed_in, draft).await
}

/// Writes what was sent, and returns the page that shows it.
async fn write(
    subject: &'static Subject,
    app: &App,
    signed_in: &SignedIn,
    object: &StoredObject,
    form: &Form,
) -> Result<Result<String, Refusal>, Failure> {
    let etag = form.get("etag").to_owned();
    if etag != object.etag {
        // What was sent is a change of what was shown, and means nothing for another state.
        return Ok(Err(Refusal::outdated()));
    }
    let (document, errors) = merge(subject, &object.document, form);
    if !errors.is_empty() {
        return Ok(Err(Refusal::of_fields(errors)));
    }
    let document = match parse(subject, &document) {
        Ok(document) => document,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let precondition = Precondition::Etag(etag);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
        objects::put(store, caller, subject.kind, &document, &precondition, now)
    };
    match app.service.write(signed_in.caller_for(write_permit(subject.kind)), work).await {
        Ok(written) => {
            if let Ok(page) = form.get("then").parse::<usize>() {
                // The next page of the columns is edited.
                let path = subject.object_path(&written.object);
                return Ok(Ok(format!("{path}/edit?columns={page}#columns")));
            }
            let changed = changed_keys(subject, &object.document, &written.object.document);
            Ok(Ok(format!("{}?saved={}", subject.object_path(&written.object), changed.join(","))))
        }
        Err(error) => Refusal::of_error(subject, error).map(Err),
    }
}
