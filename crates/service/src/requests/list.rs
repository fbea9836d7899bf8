//! Requests by who has a part in them: one's own, those that wait for one's decision, and all for those who may read
//! them. Requests that the caller may not see are not read.

use std::collections::BTreeSet;

use domesday_model::{Permission, RequestStatus};
use domesday_store::{ObjectPage, Store, StoreError};

use crate::caller::Caller;
use crate::error::ServiceError;

use super::review::{DecisionRight, READERS, ReviewReader};

/// The caller's part in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPart {
    /// Made by them, or for them.
    Own,
    /// Theirs to decide now.
    Review,
}

/// Returns a page of the requests that the caller may read, by id.
///
/// # Errors
/// When the store fails.
pub fn page(
    store: &mut Store,
    caller: &Caller,
    part: Option<RequestPart>,
    status: Option<RequestStatus>,
    after: Option<&str>,
    limit: usize,
) -> Result<ObjectPage, ServiceError> {
    if part.is_none() && caller.has_any(READERS) {
        return Ok(store.request_page(status, after, limit)?);
    }
    let names = visible_names(store, caller, part, status)?;
    Ok(store.requests_named(&names, after, limit)?)
}

/// Returns the ids of the requests in which the caller has a part.
fn visible_names(
    store: &mut Store,
    caller: &Caller,
    part: Option<RequestPart>,
    status: Option<RequestStatus>,
) -> Result<BTreeSet<String>, ServiceError> {
    let Some(username) = caller.user.as_deref() else { return Ok(BTreeSet::new()) };
    let mut names = match part {
        Some(RequestPart::Own) => store.request_names(username, true, status)?,
        Some(RequestPart::Review) => BTreeSet::new(),
        // Approvers read what they decided in their role, which a narrowed key does not carry.
        None => store.request_names(username, caller.user_with_roles().is_none(), status)?,
    };
    let waiting =
        part != Some(RequestPart::Own) && status.is_none_or(|status| status == RequestStatus::Pending);
    if waiting {
        names.extend(decidable_names(store, caller)?);
    }
    Ok(names)
}

/// Returns the ids of the pending requests that the caller may decide. Requests are read only where the caller is an approver
/// of some step of the review.
fn decidable_names(store: &mut Store, caller: &Caller) -> Result<Vec<String>, ServiceError> {
    let mut reviews = ReviewReader::default();
    let governs = caller.has(Permission::Governance);
    let mut names = Vec::new();
    for target in store.pending_targets()? {
        if !governs && !reviews.is_approver(store, caller, &target)? {
            continue;
        }
        let mut pending = Vec::new();
        store.each_pending_request(&target, &mut |mut request| {
            // Only what the review looks at: answers may be large, and there may be many requests.
            request.answers.clear();
            pending.push(request);
            Ok::<_, StoreError>(())
        })?;
        for request in pending {
            if reviews.decision_right(store, caller, &request)? != DecisionRight::None {
                names.push(request.id);
            }
        }
    }
    Ok(names)
}
