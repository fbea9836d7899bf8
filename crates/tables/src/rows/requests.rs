//! access-requests, request-determinations and request-duas.

use domesday_model::{
    DeterminationStatus, Instant, Request, RequestForm, RequestStatus, RequestType, Review, ReviewState,
    ReviewSubject, Target,
};

use super::policy_text::{GOVERNANCE, all_of, criteria};
use super::{RowContext, Rows};
use crate::{EncodeError, hex, sha256};

/// Returns the requests in the order of their ids; a snapshot has them in the order declared.
fn requests_by_id<'a>(world: &RowContext<'a>) -> Vec<&'a Request> {
    let mut requests: Vec<_> = world.snapshot.requests.iter().collect();
    requests.sort_by(|one, other| one.id.cmp(&other.id));
    requests
}

fn describe(request: &Request) -> impl Fn() -> String + '_ {
    || format!("request `{}`", request.id)
}

pub(crate) fn access_requests(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for request in requests_by_id(world) {
        let product = world.product_of(request)?;
        let form = form(world, request)?;
        let source = match &request.target {
            Target::DataSource(name) => world.data_source(name),
            Target::DataProduct(_) => None,
        };
        let source = source.map(|ix| world.snapshot.data_sources[ix.get()].id.0);
        let requester = request.requester.as_ref().unwrap_or(&request.user);
        let answers = serde_json::to_string(&request.answers).expect("answers are JSON under text keys");
        rows.row()
            .text("request_id", &request.id)
            .text("request_type", request_type(request.kind))
            .text("status", status(request, world.snapshot.at))
            .uuid("requester_global_user_id", world.user(requester, describe(request))?)
            .uuid("global_user_id", world.user(&request.user, describe(request))?)
            .optional_text("data_product_id", product.map(|product| product.id.to_string()).as_deref())
            .optional_integer("datasource_id", source)
            .text("scope", request.scope.as_str())
            .optional_text("form_name", form.map(|form| form.name.as_str()))
            .optional_integer("form_version", form.map(|form| form.version))
            .text("answers", &answers)
            .instant("created_at", request.created_at)
            .instant("updated_at", request.updated_at.unwrap_or(request.created_at))
            .optional_instant("expires_at", request.expires_at)
            .end()?;
    }
    Ok(())
}

/// Returns the request form of the data product that a request is for.
fn form<'a>(world: &RowContext<'a>, request: &Request) -> Result<Option<&'a RequestForm>, EncodeError> {
    let product = world.product_of(request)?;
    Ok(product.map(|product| world.form_of(&product.spec)).transpose()?.flatten())
}

fn request_type(kind: RequestType) -> &'static str {
    match kind {
        RequestType::DataAccess => "DATA_ACCESS",
        RequestType::MaskingException => "MASKING_EXCEPTION",
    }
}

/// Returns the status. An approval is EXPIRED from the instant of its end on (`docs/access.md` rule 3: the end must be
/// after the snapshot's instant).
fn status(request: &Request, at: Instant) -> &'static str {
    match request.status {
        RequestStatus::Pending => "PENDING",
        RequestStatus::Approved if request.is_in_force(at) => "APPROVED",
        RequestStatus::Approved => "EXPIRED",
        RequestStatus::Denied => "DENIED",
        RequestStatus::Canceled => "CANCELED",
        RequestStatus::Revoked => "REVOKED",
    }
}

pub(crate) fn request_determinations(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for request in requests_by_id(world) {
        let review = Review::new(form(world, request)?);
        let state = replay(world, request, &review)?;
        for (position, determination) in request.determinations.iter().enumerate() {
            let step = &review.steps()[state.steps[position]];
            rows.row()
                .text("determination_id", &format!("{}/{}", request.id, position + 1))
                .text("request_id", &request.id)
                .text("status", determination_status(determination.status))
                .optional_uuid(
                    "decided_by_global_user_id",
                    Some(world.user(&determination.by, describe(request))?),
                )
                .text("criteria", &criteria(step))
                .optional_text("reason", determination.reason.as_deref())
                .optional_integer("duration_seconds", determination.duration_seconds())
                .instant("created_at", determination.at)
                .instant("updated_at", determination.at)
                .end()?;
        }
        if request.status == RequestStatus::Pending {
            let before = request.determinations[..state.before].last();
            let since = before.map_or(request.created_at, |decision| decision.at);
            rows.row()
                .text("determination_id", &format!("{}/pending", request.id))
                .text("request_id", &request.id)
                .text("status", "PENDING")
                .optional_uuid("decided_by_global_user_id", None)
                .text("criteria", &pending_criteria(request, &review, &state))
                .optional_text("reason", None)
                .optional_integer("duration_seconds", None)
                .instant("created_at", since)
                .instant("updated_at", request.determinations.last().map_or(since, |last| last.at.max(since)))
                .end()?;
        }
    }
    Ok(())
}

/// Replays the decisions of a request with the permissions of the reviewers at the snapshot's instant.
fn replay(
    world: &RowContext<'_>,
    request: &Request,
    review: &Review<'_>,
) -> Result<ReviewState, EncodeError> {
    if request.determinations.is_empty() {
        // There is no reviewer to look up.
        return review.replay(request, &ReviewSubject::default(), &mut |_| Ok(None));
    }
    let subject = world.review_subject(request)?;
    review.replay(request, &subject, &mut |username| Ok(world.reviewer(username)))
}

/// Returns who may decide a pending request now, as text.
fn pending_criteria(request: &Request, review: &Review<'_>, state: &ReviewState) -> String {
    let Some(current) = state.current else {
        // Every step is complete, as after a change of the form: only GOVERNANCE can still decide.
        return GOVERNANCE.to_owned();
    };
    if state.missing.is_empty() {
        return criteria(&review.steps()[current]);
    }
    // A user who may not decide their own request leaves the step to GOVERNANCE.
    if state.missing.iter().any(|username| request.is_party(username)) {
        return GOVERNANCE.to_owned();
    }
    all_of(&state.missing)
}

fn determination_status(status: DeterminationStatus) -> &'static str {
    match status {
        DeterminationStatus::Approved => "APPROVED",
        DeterminationStatus::Denied => "DENIED",
        DeterminationStatus::Pending => "PENDING",
        DeterminationStatus::Blocked => "BLOCKED",
        DeterminationStatus::Canceled => "CANCELED",
        DeterminationStatus::Revoked => "REVOKED",
    }
}

pub(crate) fn request_duas(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for request in requests_by_id(world) {
        let mut accepted: Vec<_> = request.agreements.iter().collect();
        accepted.sort_by_key(|accepted| (&accepted.name, accepted.version, accepted.accepted_at));
        for accepted in accepted {
            let agreement = world.agreement(&accepted.name, describe(request))?;
            let text = world.snapshot.agreement_texts.get(&(accepted.name.clone(), accepted.version));
            rows.row()
                .text("request_id", &request.id)
                .text("dua_id", &agreement.id.to_string())
                .text("dua_name", &accepted.name)
                .integer("dua_version", accepted.version)
                .boolean("accepted", true)
                .optional_uuid(
                    "accepted_by_global_user_id",
                    Some(world.user(&accepted.accepted_by, describe(request))?),
                )
                .optional_instant("accepted_at", Some(accepted.accepted_at))
                .text("dua_sha256", &text.map(|text| hex(&sha256(text.as_bytes()))).unwrap_or_default())
                .end()?;
        }
    }
    Ok(())
}
