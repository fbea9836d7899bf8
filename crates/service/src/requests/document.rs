//! Requests as documents: one read, one written as a whole, and those of a catalog that is applied over HTTP.
//!
//! Decisions are evidence. A document changes neither what a request asks for, for whom and by whom, nor its status,
//! decisions, agreements and dates; these change through [`decide`](super::decide) alone. Only the operator, who has the
//! administrator's key, imports requests that were decided elsewhere, under ids that do not exist yet.

use domesday_model::{Catalog, Declared, Instant, Kind, Permission, Request, RequestStatus};
use domesday_store::{Store, StoredObject};
use serde_json::json;

use crate::caller::Caller;
use crate::error::ServiceError;
use crate::precondition::Precondition;

use super::create::check_limits;
use super::review::{DecisionRight, READERS, ReviewReader, parse_request};

/// Returns a request if the caller may read it: the user who made it, the one it is for, those who decided it, those who
/// may decide it now, and with AUDIT or GOVERNANCE anybody.
///
/// # Errors
/// When they may not, whether it exists or not; when there is none.
pub fn read(store: &mut Store, caller: &Caller, id: &str) -> Result<StoredObject, ServiceError> {
    let reads_all = caller.has_any(READERS);
    let refused = || ServiceError::lacks_any(READERS);
    let none = || match reads_all {
        true => ServiceError::not_found(format!("there is no request `{id}`")),
        false => refused(),
    };
    let stored = store.object(Kind::Request, id)?.ok_or_else(none)?;
    // Approvers read what they decided in their role, which a narrowed key does not carry.
    let only_party = caller.user_with_roles().is_none();
    let username = caller.user.clone().unwrap_or_default();
    if !reads_all && !store.has_part_in_request(id, &username, only_party)? {
        let request = parse_request(&stored)?;
        let is_pending = request.status == RequestStatus::Pending;
        let mut reviews = ReviewReader::default();
        if !is_pending || reviews.decision_right(store, caller, &request)? == DecisionRight::None {
            return Err(refused());
        }
    }
    Ok(stored)
}

/// Writes a request as a document; returns it, and whether there was none before.
///
/// # Errors
/// When the document changes what only decisions change, or the precondition is not met.
pub fn put(
    store: &mut Store,
    caller: &Caller,
    document: Request,
    precondition: &Precondition,
    now: Instant,
) -> Result<(StoredObject, bool), ServiceError> {
    let precondition = precondition.as_if_match()?;
    let before = store.object(Kind::Request, &document.id)?;
    let before = before.map(|stored| parse_request(&stored)).transpose()?;
    let request = merge_document(caller, before.as_ref(), document, now)?;
    if before.is_none() && !may_import(caller) {
        check_limits(store, caller, &request)?;
    }
    let stored =
        caller.change(now, |change| store.put_object(Kind::Request, &request, precondition, change))?;
    Ok((stored, before.is_none()))
}

/// Deletes a request that nobody has decided; the operator deletes others, too.
///
/// # Errors
/// When it was decided, there is none, or the precondition is not met.
pub fn delete(
    store: &mut Store,
    caller: &Caller,
    id: &str,
    precondition: &Precondition,
    now: Instant,
) -> Result<(), ServiceError> {
    let precondition = precondition.as_if_match()?;
    if let Some(stored) = store.object(Kind::Request, id)?
        && !may_import(caller)
        && parse_request(&stored)?.is_decided()
    {
        return Err(ServiceError::conflict(format!(
            "the request `{id}` was decided, and decisions are evidence: revoke it to end the access it gives"
        )));
    }
    Ok(caller.change(now, |change| store.delete_object(Kind::Request, id, precondition, change))?)
}

/// Checks the requests of a catalog before it is applied over HTTP, and completes them as [`put`] does. When
/// the apply prunes, decided requests that it does not declare stay.
pub(crate) fn prepare_apply(
    store: &mut Store,
    caller: &Caller,
    catalog: &mut Catalog,
    prune: bool,
    now: Instant,
) -> Result<(), ServiceError> {
    let mut problems = Vec::new();
    for declared in &mut catalog.requests {
        let id = declared.spec.id.clone();
        let before = store.object(Kind::Request, &id)?.map(|stored| parse_request(&stored)).transpose()?;
        match merge_document(caller, before.as_ref(), declared.spec.clone(), now) {
            Ok(request) => declared.spec = request,
            Err(error) => {
                problems.push(json!({ "kind": "requests", "name": id, "message": error.to_string() }));
            }
        }
    }
    if !problems.is_empty() {
        let count = problems.len();
        return Err(ServiceError::invalid("requests of the catalog cannot be written this way")
            .with_problems(problems, count));
    }
    if prune && !may_import(caller) {
        let declared: std::collections::HashSet<_> =
            catalog.requests.iter().map(|request| request.id.clone()).collect();
        let mut after: Option<String> = None;
        loop {
            let page = store.object_page(Kind::Request, after.as_deref(), 500)?;
            let Some(last) = page.objects.last() else { break };
            after = Some(last.name.clone());
            for stored in &page.objects {
                let request = parse_request(stored)?;
                if request.is_decided() && !declared.contains(&request.id) {
                    catalog.requests.push(Declared::new(request, stored.origin.as_str()));
                }
            }
        }
    }
    Ok(())
}

/// Whether the caller may import requests: the operator, with a key that was not narrowed.
fn may_import(caller: &Caller) -> bool {
    caller.is_operator() && caller.has(Permission::Governance)
}

/// Returns the request that a document makes of the stored one.
fn merge_document(
    caller: &Caller,
    before: Option<&Request>,
    mut document: Request,
    now: Instant,
) -> Result<Request, ServiceError> {
    let Some(before) = before else {
        if may_import(caller) {
            return Ok(document);
        }
        check_new(caller, &mut document)?;
        return Ok(document);
    };
    if let Some(field) = changed_field(before, &document) {
        return Err(ServiceError::invalid(format!(
            "`{field}` of the request `{}` cannot be written: what a request asks for, its status, decisions, \
             agreements and dates change only when it is decided, canceled or revoked",
            before.id
        ))
        .with("field", field));
    }
    document.updated_at = if document.answers == before.answers { before.updated_at } else { Some(now) };
    Ok(document)
}

/// Checks a new request that a user makes by a document: as one made by asking, it is pending, in their own name, with no
/// agreement accepted for somebody else.
fn check_new(caller: &Caller, request: &mut Request) -> Result<(), ServiceError> {
    if request.status != RequestStatus::Pending || request.is_decided() {
        return Err(ServiceError::forbidden(
            "a request that is already decided is imported by the operator: with `domesday apply` or the \
             administrator's key",
        ));
    }
    let username = caller.user.as_deref().unwrap_or_default();
    if request.requester.is_none() && request.user != username {
        // The user who made it must not decide it.
        request.requester = Some(username.to_owned());
    }
    if request.made_by() != username {
        return Err(ServiceError::invalid(
            "`requester` must be yourself; only the operator makes requests for others",
        ));
    }
    if request.agreements.iter().any(|accepted| accepted.accepted_by != username) {
        return Err(ServiceError::invalid(
            "`agreements` are accepted by yourself; nobody accepts for somebody else",
        ));
    }
    Ok(())
}

/// Returns the first field that a document changes and may not.
fn changed_field(before: &Request, after: &Request) -> Option<&'static str> {
    let dates = after.updated_at.is_some() && after.updated_at != before.updated_at;
    let differs = [
        ("type", before.kind != after.kind),
        ("user", before.user != after.user),
        ("requester", before.made_by() != after.made_by()),
        ("target", before.target != after.target),
        ("columns", before.columns != after.columns),
        ("scope", before.scope != after.scope),
        ("status", before.status != after.status),
        ("determinations", before.determinations != after.determinations),
        ("agreements", before.agreements != after.agreements),
        ("createdAt", before.created_at != after.created_at),
        ("updatedAt", dates),
        ("expiresAt", before.expires_at != after.expires_at),
    ];
    differs.into_iter().find(|(_, differs)| *differs).map(|(field, _)| field)
}
