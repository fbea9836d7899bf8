//! The column outcomes of one source class: how readers see its masked columns (`docs/access.md` rules 8 and 9).

use domesday_model::{FastMap, RequestIx, Snapshot, UserIx};

use crate::condition::Bindings;
use crate::outcomes::{ColumnOutcome, ColumnOutcomes, ColumnReason, ReasonParts, ScopeOutcomes};
use crate::reason_classes::{MembershipCache, ReasonInterner, group_by_sets};
use crate::request_coverage::last_to_end;
use crate::source_classes::{MaskedColumn, SourceClass};
use crate::user_classes::UserClasses;
use crate::user_set::UserSet;

/// Evaluates the masked columns of a class for the users who are granted to read.
pub(crate) fn column_outcomes(
    snapshot: &Snapshot,
    bindings: &Bindings,
    user_classes: Option<&UserClasses>,
    class: &SourceClass,
    read: &ScopeOutcomes,
) -> ColumnOutcomes {
    if class.columns.is_empty() {
        return ColumnOutcomes::default();
    }
    let users: Vec<UserIx> = read.granted_users().collect();
    let mut reasons = ReasonInterner::default();
    // Columns with the same masks and exceptions are common: they are evaluated once.
    let mut evaluated: FastMap<&MaskedColumn, Vec<u32>> = FastMap::default();
    let mut slots: Vec<Vec<u32>> = class
        .columns
        .iter()
        .map(|column| {
            let evaluate =
                || reasons_of_column(snapshot, bindings, user_classes, column, &users, &mut reasons);
            evaluated.entry(column).or_insert_with(evaluate).clone()
        })
        .collect();
    let mut all: Vec<u32> = slots.iter().flatten().copied().collect();
    let reasons = reasons.into_used(&mut all);
    let mut renumbered = all.into_iter();
    slots.iter_mut().flatten().zip(&mut renumbered).for_each(|(reason, new)| *reason = new);
    ColumnOutcomes { users, slots, reasons }
}

/// Returns the position of each user's reason.
fn reasons_of_column(
    snapshot: &Snapshot,
    bindings: &Bindings,
    user_classes: Option<&UserClasses>,
    column: &MaskedColumn,
    users: &[UserIx],
    reasons: &mut ReasonInterner<ColumnReason>,
) -> Vec<u32> {
    let excepted: Vec<UserSet> = column
        .masks
        .iter()
        .map(|mask| match mask.except {
            Some(binding) => bindings.with_users(snapshot, binding, UserSet::clone),
            None => UserSet::empty(snapshot.users.len()),
        })
        .collect();
    let sets: Vec<&UserSet> = excepted.iter().collect();
    let mut reason_of = {
        let mut cache = MembershipCache::new(&sets);
        let reason = |user: UserIx| column_reason(snapshot, column, &excepted, user, None);
        let position = |user: UserIx| cache.position(user, |user| reasons.intern(reason(user)));
        match user_classes {
            Some(classes) => classes.positions(users, position),
            None => group_by_sets(users, &sets, position),
        }
    };
    for (position, user) in
        column.exceptions.iter().filter_map(|(user, _)| Some((users.binary_search(user).ok()?, user)))
    {
        let of_user =
            column.exceptions.iter().filter(|(other, _)| other == user).map(|(_, request)| *request);
        let exception = last_to_end(snapshot, of_user);
        reason_of[position] = reasons.intern(column_reason(snapshot, column, &excepted, *user, exception));
    }
    reason_of
}

/// Works out how one reader sees a column (`docs/access.md` rules 8 and 9). `exception` is their masking exception for it.
fn column_reason(
    snapshot: &Snapshot,
    column: &MaskedColumn,
    excepted: &[UserSet],
    user: UserIx,
    exception: Option<RequestIx>,
) -> ColumnReason {
    let masking: Box<[_]> = column
        .masks
        .iter()
        .zip(excepted)
        .filter(|(_, excepted)| !excepted.contains(user))
        .map(|(mask, _)| mask.policy)
        .collect();
    let needed = exception.filter(|_| !masking.is_empty());
    let parts = ReasonParts { policy: needed.is_none(), owner: false, request: needed.is_some() };
    let (outcome, data_policies) = if masking.is_empty() || needed.is_some() {
        (ColumnOutcome::Unmasked, column.masks.iter().map(|mask| mask.policy).collect())
    } else {
        (ColumnOutcome::Masked, masking)
    };
    ColumnReason {
        outcome,
        data_policies,
        parts,
        request: needed,
        expires_at: needed.and_then(|request| snapshot.requests[request.get()].expires_at),
    }
}
