//! Deciding, cancelling and revoking a request.

use domesday_model::limits::{DURATION_DAYS, MAX_ANSWER_CHARS};
use domesday_model::{
    ApprovalDuration, Determination, DeterminationStatus, Instant, Kind, Permission, Request, RequestStatus,
};
use domesday_store::{IfMatch, Store, StoredObject};

use crate::caller::Caller;
use crate::error::ServiceError;

use super::review::{DecisionRight, READERS, ReviewReader, parse_request};

/// A decision on a pending request.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Whether the request is approved; else it is denied.
    pub is_approved: bool,
    /// Why.
    pub reason: Option<String>,
    /// For how many days of 24 hours the approval is valid; without end when this and `duration` are absent.
    pub duration_days: Option<i64>,
    /// For how long the approval is valid, as an ISO 8601 duration.
    pub duration: Option<String>,
}

/// Changes a request: reads it, checks and writes in the transaction of the caller.
fn change(
    store: &mut Store,
    caller: &Caller,
    id: &str,
    now: Instant,
    edit: impl FnOnce(&mut Store, &mut Request) -> Result<(), ServiceError>,
) -> Result<StoredObject, ServiceError> {
    let none = || ServiceError::not_found(format!("there is no request `{id}`"));
    let stored = store.object(Kind::Request, id)?.ok_or_else(none)?;
    let mut request = parse_request(&stored)?;
    edit(store, &mut request)?;
    request.updated_at = Some(now);
    let precondition = IfMatch::Etag(&stored.etag);
    Ok(caller.change(now, |change| store.put_object(Kind::Request, &request, precondition, change))?)
}

/// Refuses what is only done to a pending request, saying who decided it.
fn check_pending(request: &Request) -> Result<(), ServiceError> {
    let word = match request.status {
        RequestStatus::Pending => return Ok(()),
        RequestStatus::Approved => "approved",
        RequestStatus::Denied => "denied",
        RequestStatus::Canceled => "canceled",
        RequestStatus::Revoked => "revoked",
    };
    let last = request.determinations.last().filter(|_| request.status != RequestStatus::Canceled);
    let by = last.map(|last| format!(" on {} by `{}`", last.at, last.by)).unwrap_or_default();
    Err(ServiceError::conflict(format!("the request `{}` was already {word}{by}", request.id)))
}

/// Returns the username under which a caller decides.
fn decider(caller: &Caller, request: &Request) -> Result<String, ServiceError> {
    let Some(by) = caller.user.clone() else {
        return Err(ServiceError::forbidden(
            "the administrator is no user, and who decided must be one: use a user's key",
        ));
    };
    // Nor with a key that they made for another user.
    let maker = caller.made_by.as_ref().and_then(|maker| maker.username.as_deref());
    if request.is_party(&by) || maker.is_some_and(|maker| request.is_party(maker)) {
        return Err(ServiceError::forbidden("nobody decides a request that they made or that is for them"));
    }
    Ok(by)
}

/// Cancels a pending request: the user who made it, the one it is for, or with GOVERNANCE.
///
/// # Errors
/// When the caller is none of them, or the request is no longer pending.
pub fn cancel(
    store: &mut Store,
    caller: &Caller,
    id: &str,
    now: Instant,
) -> Result<StoredObject, ServiceError> {
    change(store, caller, id, now, |_, request| {
        check_cancel(caller, request)?;
        request.status = RequestStatus::Canceled;
        Ok(())
    })
}

fn check_cancel(caller: &Caller, request: &Request) -> Result<(), ServiceError> {
    let is_party = caller.user.as_deref().is_some_and(|username| request.is_party(username));
    if !is_party && !caller.has(Permission::Governance) {
        return Err(ServiceError::forbidden(
            "a request is canceled by the user who made it, the one it is for, or with GOVERNANCE",
        ));
    }
    check_pending(request)
}

impl Decision {
    /// Checks what can be checked without the request.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when a duration or the reason is not valid.
    pub fn check(self) -> Result<CheckedDecision, ServiceError> {
        if self.duration_days.is_some_and(|days| !DURATION_DAYS.contains(&days)) {
            let (first, last) = (DURATION_DAYS.start(), DURATION_DAYS.end());
            return Err(ServiceError::invalid(format!("`durationDays` must be from {first} to {last}")));
        }
        if self.duration_days.is_some() && self.duration.is_some() {
            return Err(ServiceError::invalid("give one of `durationDays` and `duration`, not both"));
        }
        let duration = self.duration.as_deref().map(str::parse::<ApprovalDuration>).transpose();
        let duration = duration.map_err(|error| ServiceError::invalid(format!("`duration`: {error}")))?;
        check_reason(self.reason.as_deref())?;
        Ok(CheckedDecision { decision: self, duration })
    }
}

/// A decision that is valid by itself.
#[derive(Debug, Clone)]
pub struct CheckedDecision {
    decision: Decision,
    duration: Option<ApprovalDuration>,
}

/// Decides a pending request: an approver of the pending review step, or with GOVERNANCE, which decides for good.
///
/// # Errors
/// When the caller may not decide it, or it is no longer pending.
pub fn decide(
    store: &mut Store,
    caller: &Caller,
    id: &str,
    decision: CheckedDecision,
    now: Instant,
) -> Result<StoredObject, ServiceError> {
    let CheckedDecision { decision, duration } = decision;
    change(store, caller, id, now, |store, request| {
        let mut reviews = ReviewReader::default();
        let (by, right) = check_decision(store, &mut reviews, caller, request)?;
        let status = match decision.is_approved {
            true => DeterminationStatus::Approved,
            false => DeterminationStatus::Denied,
        };
        let Decision { reason, duration_days, .. } = decision;
        request.determinations.push(Determination { by, status, reason, duration_days, duration, at: now });
        if !decision.is_approved {
            request.status = RequestStatus::Denied;
        } else if right == DecisionRight::Governance || reviews.state(store, request)?.current.is_none() {
            request.status = RequestStatus::Approved;
            // Of several durations the shortest applies.
            request.expires_at = request.determinations.iter().filter_map(|given| given.end_from(now)).min();
        }
        Ok(())
    })
}

/// Returns the username under which a caller decides a request, and by which right.
fn check_decision(
    store: &mut Store,
    reviews: &mut ReviewReader,
    caller: &Caller,
    request: &Request,
) -> Result<(String, DecisionRight), ServiceError> {
    let by = decider(caller, request)?;
    let right = reviews.decision_right(store, caller, request)?;
    if right == DecisionRight::None {
        return Err(refusal(store, caller, request)?);
    }
    check_pending(request)?;
    Ok((by, right))
}

/// Returns why a caller may not decide a request: more to those who may see it than to others.
fn refusal(store: &mut Store, caller: &Caller, request: &Request) -> Result<ServiceError, ServiceError> {
    let username = caller.user.as_deref().unwrap_or_default();
    let sees = caller.has_any(READERS) || store.has_part_in_request(&request.id, username, false)?;
    if sees {
        check_pending(request)?;
    }
    Ok(ServiceError::forbidden(
        "this request is decided by the approvers of its present review step, or with GOVERNANCE",
    ))
}

/// Revokes an approved request, which ends the access that it gives: an approver of any step of its review, or with
/// GOVERNANCE.
///
/// # Errors
/// When the caller may not, no reason is given, or the request is not approved or has expired.
pub fn revoke(
    store: &mut Store,
    caller: &Caller,
    id: &str,
    reason: String,
    now: Instant,
) -> Result<StoredObject, ServiceError> {
    change(store, caller, id, now, |store, request| {
        let by = check_revocation(store, caller, request, now)?;
        request.determinations.push(Determination {
            by,
            status: DeterminationStatus::Revoked,
            reason: Some(reason),
            duration_days: None,
            duration: None,
            at: now,
        });
        request.status = RequestStatus::Revoked;
        Ok(())
    })
}

/// Returns the username under which a caller revokes a request.
fn check_revocation(
    store: &mut Store,
    caller: &Caller,
    request: &Request,
    now: Instant,
) -> Result<String, ServiceError> {
    let by = decider(caller, request)?;
    if !caller.has(Permission::Governance)
        && !ReviewReader::default().is_approver(store, caller, &request.target)?
    {
        return Err(ServiceError::forbidden(
            "a request is revoked by an approver of its review, or with GOVERNANCE",
        ));
    }
    if request.status != RequestStatus::Approved {
        let detail = "only an approved request can be revoked";
        return Err(match check_pending(request) {
            Ok(()) => ServiceError::conflict(format!("the request `{}` is pending; {detail}", request.id)),
            Err(decided) => decided,
        });
    }
    if !request.is_in_force(now) {
        let end = request.expires_at.map(|end| end.to_string()).unwrap_or_default();
        return Err(ServiceError::conflict(format!("the request `{}` expired on {end}", request.id)));
    }
    Ok(by)
}

/// What a caller may do with a request at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestRights {
    /// Whether they may decide it.
    pub decides: bool,
    /// Whether their approval decides it for good, whatever step is pending.
    pub decides_for_good: bool,
    /// Whether they may cancel it.
    pub cancels: bool,
    /// Whether they may revoke it.
    pub revokes: bool,
}

/// Returns what a caller may do with a request at present.
///
/// # Errors
/// When the store fails.
pub fn find_rights(
    store: &mut Store,
    caller: &Caller,
    request: &Request,
    now: Instant,
) -> Result<RequestRights, ServiceError> {
    fn allowed<T>(checked: Result<T, ServiceError>) -> Result<Option<T>, ServiceError> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(ServiceError::Forbidden { .. } | ServiceError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    let decision = allowed(check_decision(store, &mut ReviewReader::default(), caller, request))?;
    Ok(RequestRights {
        decides: decision.is_some(),
        decides_for_good: decision.is_some_and(|(_, right)| right == DecisionRight::Governance),
        cancels: allowed(check_cancel(caller, request))?.is_some(),
        revokes: allowed(check_revocation(store, caller, request, now))?.is_some(),
    })
}

/// Checks the reason of a revocation.
///
/// # Errors
/// [`ServiceError::Invalid`] when it is empty or too long.
pub fn check_revocation_reason(reason: &str) -> Result<(), ServiceError> {
    if reason.trim().is_empty() {
        return Err(ServiceError::invalid("`reason` is empty; say why the request is revoked"));
    }
    check_reason(Some(reason))
}

fn check_reason(reason: Option<&str>) -> Result<(), ServiceError> {
    if reason.is_some_and(|reason| reason.chars().count() > MAX_ANSWER_CHARS) {
        return Err(ServiceError::invalid(format!("`reason` is longer than {MAX_ANSWER_CHARS} characters")));
    }
    Ok(())
}
