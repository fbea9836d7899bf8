//! Decisions on a request: approving, denying, canceling and revoking it.

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::{Instant, Request};
use domesday_service::ServiceError;
use domesday_service::caller::{Caller, Permit};
use domesday_service::requests::decide::{
    self as decisions, Decision, RequestRights, check_revocation_reason, find_rights,
};
use domesday_service::requests::document;
use domesday_store::Store;

use super::show::{SentDecision, render};
use super::status::subject;
use crate::console::confirm::{Confirmation, ReasonField};
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::paths::request_path;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::{App, AppState};

/// Leads from the address of a form that was sent to the request.
pub(super) async fn to_request(Path(id): Path<String>) -> Response {
    see_other(&request_path(&id))
}

fn to_done(id: &str, done: &str) -> Response {
    see_other(&format!("{}?done={done}", request_path(id)))
}

/// Approves or denies a request.
pub(super) async fn decide(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (request, rights) = load(&app, &signed_in, &id).await?;
    let (reason, days) = (form.get("reason").replace("\r\n", "\n"), form.get("duration").to_owned());
    let is_approved = match form.get("decision") {
        "approve" => true,
        "deny" => false,
        _ => return Err(ServiceError::invalid("choose whether to approve or to deny the request").into()),
    };
    let mut sent =
        SentDecision { duration: Some(days.clone()), reason: reason.clone(), ..SentDecision::default() };
    if !is_approved && reason.is_empty() && rights.decides {
        sent.reason_error = format!("Say why: {} will read it.", request.user);
        return render(&app, signed_in, &id, sent, "").await;
    }
    let duration_days = match (is_approved, days.as_str()) {
        (false, _) | (true, "") => None,
        (true, days) => match days.parse() {
            Ok(days) => Some(days),
            Err(_) => return Err(ServiceError::invalid("the duration is not a number of days").into()),
        },
    };
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    let decision = match (Decision { is_approved, reason, duration_days, duration: None }).check() {
        Ok(decision) => decision,
        Err(error) if rights.decides => {
            sent.problem = sentence(&error.to_string());
            return render(&app, signed_in, &id, sent, "").await;
        }
        Err(error) => return Err(error.into()),
    };
    let decided = id.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        decisions::decide(store, caller, &decided, decision, now)?;
        Ok(())
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok(to_done(&id, if is_approved { "approved" } else { "denied" }))
}

/// Returns a request, and what the caller may do with it.
async fn load(app: &AppState, signed_in: &SignedIn, id: &str) -> Result<(Request, RequestRights), Failure> {
    let (caller, id, now) = (signed_in.caller.clone(), id.to_owned(), app.service.now());
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let stored = document::read(store, &caller, &id)?;
        let request: Request =
            serde_json::from_str(&stored.text).map_err(|error| ServiceError::internal(&error))?;
        let rights = find_rights(store, &caller, &request, now)?;
        Ok((request, rights))
    };
    app.service.pool.with(read).await
}

/// Asks whether a request is to be canceled.
pub(super) async fn confirm_cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (request, rights) = load(&app, &signed_in, &id).await?;
    if !rights.cancels {
        return Err(ServiceError::forbidden(
            "a request is canceled while it is pending: by the user who made it, the one it is for, or with GOVERNANCE",
        )
        .into());
    }
    let path = request_path(&request.id);
    let question = Confirmation {
        title: format!("Cancel the request for {}?", subject(&request)),
        text: format!(
            "Nobody decides it any more, and the decisions so far count for nothing. To have access, {} has to ask again.",
            request.user
        ),
        action: format!("{path}/cancel"),
        back: path,
        verb: "Cancel the request",
        back_text: "Keep it",
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// Cancels a request.
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let canceled = id.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        decisions::cancel(store, caller, &canceled, now)?;
        Ok(())
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok(to_done(&id, "canceled"))
}

fn not_revocable() -> Failure {
    ServiceError::forbidden(
        "an approved request is revoked by an approver of its review, or with GOVERNANCE, but not by who made it or whom \
         it is for",
    )
    .into()
}

fn revocation(request: &Request, reason: ReasonField) -> Confirmation {
    let path = request_path(&request.id);
    Confirmation {
        title: format!("Revoke the request for {}?", subject(request)),
        text: format!(
            "The access that it gives {} ends at once. A revoked request cannot be approved again.",
            request.user
        ),
        action: format!("{path}/revoke"),
        back: path,
        verb: "Revoke",
        reason: Some(ReasonField { label: "Reason", ..reason }),
        ..Confirmation::default()
    }
}

/// Asks whether a request is to be revoked, and why.
pub(super) async fn confirm_revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (request, rights) = load(&app, &signed_in, &id).await?;
    if !rights.revokes {
        return Err(not_revocable());
    }
    Ok(revocation(&request, ReasonField::default()).ask(signed_in.shell))
}

/// Revokes a request.
pub(super) async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let reason = form.get("reason").replace("\r\n", "\n");
    if let Err(error) = check_revocation_reason(&reason) {
        let (request, rights) = load(&app, &signed_in, &id).await?;
        if !rights.revokes {
            return Err(not_revocable());
        }
        let error = if reason.is_empty() {
            format!("Say why: {} will read it.", request.user)
        } else {
            sentence(&error.to_string())
        };
        let field = ReasonField { value: reason, error, ..ReasonField::default() };
        return Ok(revocation(&request, field).ask(signed_in.shell));
    }
    let revoked = id.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        decisions::revoke(store, caller, &revoked, reason, now)?;
        Ok(())
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok(to_done(&id, "revoked"))
}
