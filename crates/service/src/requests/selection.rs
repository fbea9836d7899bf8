//! Requests of an evaluation by who has a part in them: what [`super::list`] reads from the store, found in memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use domesday_model::{Permission, Request, RequestStatus, Snapshot};

use super::list::RequestPart;
use super::review::{DecisionRight, READERS, ReviewReader};
use crate::caller::Caller;
use crate::error::ServiceError;
use crate::evaluation::Evaluation;

/// For how many API keys an evaluation remembers what waits for their users.
const MAX_REMEMBERED: usize = 10_000;

/// Returns the requests that the caller may read and in which they have a part, as positions in the snapshot.
///
/// # Errors
/// When the computation fails.
pub fn select(
    evaluation: &Evaluation,
    caller: &Caller,
    part: Option<RequestPart>,
) -> Result<Vec<usize>, ServiceError> {
    if part == Some(RequestPart::Review) {
        return Ok(waiting(evaluation, caller)?.to_vec());
    }
    let requests = &evaluation.snapshot().requests;
    if part.is_none() && caller.has_any(READERS) {
        return Ok((0..requests.len()).collect());
    }
    let Some(username) = caller.user.as_deref() else { return Ok(Vec::new()) };
    // Approvers read what they decided in their role, which a narrowed key does not carry.
    let reads_decided = part.is_none() && caller.user_with_roles().is_some();
    let has_part = |request: &Request| {
        request.is_party(username)
            || (reads_decided && request.determinations.iter().any(|given| given.by == username))
    };
    let own = requests.iter().enumerate().filter(|(_, request)| has_part(request));
    let mut found: Vec<usize> = own.map(|(position, _)| position).collect();
    if part.is_none() {
        found.extend(waiting(evaluation, caller)?.iter());
        found.sort_unstable();
        found.dedup();
    }
    Ok(found)
}

/// Returns the pending requests that the caller may decide now, as positions in the snapshot. The evaluation remembers
/// them: a count is shown on every page.
///
/// # Errors
/// When the computation fails.
pub fn waiting(evaluation: &Evaluation, caller: &Caller) -> Result<Arc<[usize]>, ServiceError> {
    let lock = || evaluation.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    // What the caller may decide follows from the key or the session, and the catalog.
    if let Some(known) = lock().get(&caller.credential()) {
        return Ok(Arc::clone(known));
    }
    let found: Arc<[usize]> = find_waiting(evaluation.snapshot(), caller)?.into();
    let mut remembered = lock();
    if remembered.len() < MAX_REMEMBERED {
        remembered.insert(caller.credential(), Arc::clone(&found));
    }
    Ok(found)
}

fn find_waiting(snapshot: &Snapshot, caller: &Caller) -> Result<Vec<usize>, ServiceError> {
    if caller.user.is_none() {
        return Ok(Vec::new());
    }
    let mut data = snapshot;
    let mut reviews = ReviewReader::default();
    let governs = caller.has(Permission::Governance);
    // Whether the caller is an approver of some step, by target.
    let mut concerns: HashMap<String, bool> = HashMap::new();
    let mut found = Vec::new();
    let pending = snapshot.requests.iter().enumerate();
    for (position, request) in pending.filter(|(_, request)| request.status == RequestStatus::Pending) {
        let target = serde_json::to_string(&request.target).expect("a target is plain data");
        let is_concerned = match concerns.get(&target) {
            Some(known) => *known,
            None => {
                let is_concerned = governs || reviews.is_approver(&mut data, caller, &request.target)?;
                concerns.insert(target, is_concerned);
                is_concerned
            }
        };
        if is_concerned && reviews.decision_right(&mut data, caller, request)? != DecisionRight::None {
            found.push(position);
        }
    }
    Ok(found)
}
