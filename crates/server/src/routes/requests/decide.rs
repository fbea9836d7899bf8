//! Deciding, canceling and revoking a request.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::limits::{DURATION_DAYS, MAX_ANSWER_CHARS};
use domesday_model::{
    ApprovalDuration, Determination, DeterminationStatus, Instant, Kind, Permission, Request, RequestStatus,
};
use domesday_store::{IfMatch, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::{self, Caller};
use crate::problem::Problem;
use crate::route::{Path, Text, parse};
use crate::service::App;

use super::super::review::{Reviews, Say};
use super::list::READERS;
use super::view::{RequestView, model};

/// A decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Decision {
    /// Yes or no.
    status: Verdict,
    /// Why.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "String")]
    reason: Option<String>,
    /// For how many days of 24 hours the approval holds; without end when this and `duration` are absent.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "i64", range(min = 1, max = 36_500))]
    duration_days: Option<i64>,
    /// For how long the approval holds, as an ISO 8601 duration such as PT12H, P2W, P3M or P1Y; months and years are
    /// those of the calendar in UTC.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "String")]
    duration: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Approved,
    Denied,
}

/// A revocation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    /// Why.
    #[schemars(length(min = 1, max = 10_000))]
    reason: String,
}

/// Changes a request: reads it, checks and writes in one transaction.
async fn change(
    app: App,
    caller: Caller,
    id: String,
    edit: impl FnOnce(&mut Store, &Caller, &mut Request, Instant) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let none = || Problem::not_found(format!("there is no request `{id}`"));
        let stored = store.object(Kind::Request, &id)?.ok_or_else(none)?;
        let mut request = model(&stored)?;
        edit(store, caller, &mut request, now)?;
        request.updated_at = Some(now);
        let expected = IfMatch::Etag(&stored.etag);
        let stored =
            caller.change(now, |change| store.put_object(Kind::Request, &request, expected, change))?;
        Ok((stored, now))
    };
    let (stored, now) = caller::write(&app, caller, work).await?;
    Ok(RequestView::read(&app, stored, now).await?.response(StatusCode::OK))
}

/// Refuses what is only done to a pending request, saying who decided it.
fn check_pending(request: &Request) -> Result<(), Problem> {
    let word = match request.status {
        RequestStatus::Pending => return Ok(()),
        RequestStatus::Approved => "approved",
        RequestStatus::Denied => "denied",
        RequestStatus::Canceled => "canceled",
        RequestStatus::Revoked => "revoked",
    };
    let last = request.determinations.last().filter(|_| request.status != RequestStatus::Canceled);
    let by = last.map(|last| format!(" on {} by `{}`", last.at, last.by)).unwrap_or_default();
    Err(Problem::conflict(format!("the request `{}` was already {word}{by}", request.id)))
}

/// The username under which a caller decides.
fn decider(caller: &Caller, request: &Request) -> Result<String, Problem> {
    let Some(by) = caller.user.clone() else {
        return Err(Problem::forbidden(
            "the administrator is no user, and who decided must be one: use a user's key",
        ));
    };
    // Nor with a key that they made for another user.
    let maker = caller.made_by.as_ref().and_then(|maker| maker.username.as_deref());
    if request.is_party(&by) || maker.is_some_and(|maker| request.is_party(maker)) {
        return Err(Problem::forbidden("nobody decides a request that they made or that is for them"));
    }
    Ok(by)
}

pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    change(app, caller, id, |_, caller, request, _| {
        let is_party = caller.user.as_deref().is_some_and(|username| request.is_party(username));
        if !is_party && !caller.has(Permission::Governance) {
            return Err(Problem::forbidden(
                "a request is canceled by the user who made it, the one it is for, or with GOVERNANCE",
            ));
        }
        check_pending(request)?;
        request.status = RequestStatus::Canceled;
        Ok(())
    })
    .await
}

pub(super) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let decision: Decision = parse(&text)?;
    if decision.duration_days.is_some_and(|days| !DURATION_DAYS.contains(&days)) {
        let (first, last) = (DURATION_DAYS.start(), DURATION_DAYS.end());
        return Err(Problem::invalid(format!("`durationDays` must be from {first} to {last}")));
    }
    if decision.duration_days.is_some() && decision.duration.is_some() {
        return Err(Problem::invalid("give one of `durationDays` and `duration`, not both"));
    }
    let duration = decision.duration.as_deref().map(str::parse::<ApprovalDuration>).transpose();
    let duration = duration.map_err(|error| Problem::invalid(format!("`duration`: {error}")))?;
    check_reason(decision.reason.as_deref())?;
    change(app, caller, id, move |store, caller, request, now| {
        let mut reviews = Reviews::default();
        let by = decider(caller, request)?;
        let say = reviews.say(store, caller, request)?;
        if say == Say::Nothing {
            return Err(refusal(store, caller, request)?);
        }
        check_pending(request)?;
        request.determinations.push(Determination {
            by,
            status: match decision.status {
                Verdict::Approved => DeterminationStatus::Approved,
                Verdict::Denied => DeterminationStatus::Denied,
            },
            reason: decision.reason,
            duration_days: decision.duration_days,
            duration,
            at: now,
        });
        match decision.status {
            Verdict::Denied => request.status = RequestStatus::Denied,
            Verdict::Approved => {
                if say == Say::Governance || reviews.state(store, request)?.current.is_none() {
                    request.status = RequestStatus::Approved;
                    // Of several durations the shortest holds.
                    request.expires_at =
                        request.determinations.iter().filter_map(|given| given.end_from(now)).min();
                }
            }
        }
        Ok(())
    })
    .await
}

/// Why somebody has no say: who may see the request is told more than who may not.
fn refusal(store: &mut Store, caller: &Caller, request: &Request) -> Result<Problem, Problem> {
    let username = caller.user.as_deref().unwrap_or_default();
    let sees = caller.has_any(READERS) || store.has_part_in_request(&request.id, username, false)?;
    if sees {
        check_pending(request)?;
    }
    Ok(Problem::forbidden(
        "this request is decided by the approvers of its present review step, or with GOVERNANCE",
    ))
}

pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let revocation: Revocation = parse(&text)?;
    if revocation.reason.trim().is_empty() {
        return Err(Problem::invalid("`reason` is empty; say why the request is revoked"));
    }
    check_reason(Some(&revocation.reason))?;
    change(app, caller, id, move |store, caller, request, now| {
        let by = decider(caller, request)?;
        if !caller.has(Permission::Governance)
            && !Reviews::default().is_concerned(store, caller, &request.target)?
        {
            return Err(Problem::forbidden(
                "a request is revoked by an approver of its review, or with GOVERNANCE",
            ));
        }
        if request.status != RequestStatus::Approved {
            let detail = "only an approved request can be revoked";
            return Err(match check_pending(request) {
                Ok(()) => Problem::conflict(format!("the request `{}` is pending; {detail}", request.id)),
                Err(decided) => decided,
            });
        }
        if !request.is_in_force(now) {
            let end = request.expires_at.map(|end| end.to_string()).unwrap_or_default();
            return Err(Problem::conflict(format!("the request `{}` expired on {end}", request.id)));
        }
        request.determinations.push(Determination {
            by,
            status: DeterminationStatus::Revoked,
            reason: Some(revocation.reason),
            duration_days: None,
            duration: None,
            at: now,
        });
        request.status = RequestStatus::Revoked;
        Ok(())
    })
    .await
}

fn check_reason(reason: Option<&str>) -> Result<(), Problem> {
    if reason.is_some_and(|reason| reason.chars().count() > MAX_ANSWER_CHARS) {
        return Err(Problem::invalid(format!("`reason` is longer than {MAX_ANSWER_CHARS} characters")));
    }
    Ok(())
}
