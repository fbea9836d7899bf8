//! Rule 8 for one class: who sees which masked column how.

use domesday_model::{FastMap, RequestIx, Snapshot, UserIx};

use crate::admit::{OfMembers, Reasons, ends_last, grouped};
use crate::classes::{Class, Slot};
use crate::condition::Conditions;
use crate::outcomes::{Because, ColumnOutcome, ColumnOutcomes, ColumnReason, Outcome, ScopeOutcomes};
use crate::user_classes::UserClasses;
use crate::users::UserSet;

/// The column outcomes of a class for the users granted to read.
pub(crate) fn column_outcomes(
    snapshot: &Snapshot,
    conditions: &Conditions,
    alike: Option<&UserClasses>,
    class: &Class,
    read: &ScopeOutcomes,
) -> ColumnOutcomes {
    if class.slots.is_empty() {
        return ColumnOutcomes::default();
    }
    let granted = |reason: u32| read.reasons[reason as usize].outcome == Outcome::Granted;
    let readers = read.users.iter().zip(&read.reason_of).filter(|(_, reason)| granted(**reason));
    let users: Vec<UserIx> = readers.map(|(user, _)| *user).collect();
    let mut reasons = Reasons::default();
    // Columns with the same masks and exceptions are common: each such slot is evaluated once.
    let mut evaluated: FastMap<&Slot, Vec<u32>> = FastMap::default();
    let mut slots: Vec<Vec<u32>> = class
        .slots
        .iter()
        .map(|slot| {
            let evaluate = || slot_reasons(snapshot, conditions, alike, slot, &users, &mut reasons);
            evaluated.entry(slot).or_insert_with(evaluate).clone()
        })
        .collect();
    let mut all: Vec<u32> = slots.iter().flatten().copied().collect();
    let reasons = reasons.used(&mut all);
    let mut renumbered = all.into_iter();
    slots.iter_mut().flatten().zip(&mut renumbered).for_each(|(reason, new)| *reason = new);
    ColumnOutcomes { users, slots, reasons }
}

fn slot_reasons(
    snapshot: &Snapshot,
    conditions: &Conditions,
    alike: Option<&UserClasses>,
    slot: &Slot,
    users: &[UserIx],
    reasons: &mut Reasons<ColumnReason>,
) -> Vec<u32> {
    let excepted: Vec<UserSet> = slot
        .masks
        .iter()
        .map(|mask| match mask.except {
            Some(binding) => conditions.with_users(snapshot, binding, UserSet::clone),
            None => UserSet::empty(snapshot.users.len()),
        })
        .collect();
    let sets: Vec<&UserSet> = excepted.iter().collect();
    let mut reason_of = {
        let mut of_members = OfMembers::of(&sets);
        let reason = |user: UserIx| column_reason(snapshot, slot, &excepted, user, None);
        let of_any = |user: UserIx| of_members.position(user, |user| reasons.intern(reason(user)));
        match alike {
            Some(alike) => alike.positions(users, of_any),
            None => grouped(users, &sets, of_any),
        }
    };
    for (position, user) in
        slot.exceptions.iter().filter_map(|(user, _)| Some((users.binary_search(user).ok()?, user)))
    {
        let own = slot.exceptions.iter().filter(|(other, _)| other == user).map(|(_, request)| *request);
        let exception = ends_last(snapshot, own);
        reason_of[position] = reasons.intern(column_reason(snapshot, slot, &excepted, *user, exception));
    }
    reason_of
}

/// Rules 8 and 9 for one reader of one column, `exception` being their masking exception.
fn column_reason(
    snapshot: &Snapshot,
    slot: &Slot,
    excepted: &[UserSet],
    user: UserIx,
    exception: Option<RequestIx>,
) -> ColumnReason {
    let masking: Box<[_]> = slot
        .masks
        .iter()
        .zip(excepted)
        .filter(|(_, excepted)| !excepted.contains(user))
        .map(|(mask, _)| mask.policy)
        .collect();
    let needed = exception.filter(|_| !masking.is_empty());
    let because = Because { policy: needed.is_none(), owner: false, request: needed.is_some() };
    let (outcome, data_policies) = if masking.is_empty() || needed.is_some() {
        (ColumnOutcome::Unmasked, slot.masks.iter().map(|mask| mask.policy).collect())
    } else {
        (ColumnOutcome::Masked, masking)
    };
    ColumnReason {
        outcome,
        data_policies,
        because,
        request: needed,
        expires_at: needed.and_then(|request| snapshot.requests[request.get()].expires_at),
    }
}
