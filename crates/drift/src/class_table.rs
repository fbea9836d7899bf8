//! The outcomes of one source class, by user.

use domesday_engine::{ClassIx, ColumnOutcome, Outcome, Outcomes};
use domesday_model::{FastMap, PolicyIx, Scope, UserIx};

/// What policies say of one user and scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// There is no outcome.
    None,
    /// The outcome is GRANTED.
    Granted,
    /// The outcome is BLOCKED.
    Blocked,
}

/// The outcomes of one source class. The empty table stands for a disabled data source, which has none.
#[derive(Debug, Default)]
pub(crate) struct ClassTable {
    /// By scope, then user: the position in `reasons`, `NO_REASON` where there is no outcome.
    reason_of: [Box<[u32]>; 2],
    /// By scope: the outcome of each reason, and the guardrails that block.
    reasons: [Vec<(Ruling, Box<[PolicyIx]>)>; 2],
    /// Readers for whom some slot is masked, with the position in `masks`.
    mask_of: FastMap<UserIx, u32>,
    /// Distinct sets of masked slots, ascending.
    masks: Vec<Box<[u32]>>,
}

const NO_REASON: u32 = u32::MAX;

impl ClassTable {
    /// Evaluates a class.
    pub(crate) fn new(outcomes: &Outcomes, class: ClassIx) -> Self {
        let users = outcomes.snapshot().users.len();
        let class = outcomes.class(class);
        let mut table = Self::default();
        for scope in Scope::ALL {
            let of_scope = class.scope(scope);
            let mut reason_of = vec![NO_REASON; users];
            for (user, reason) in of_scope.users.iter().zip(&of_scope.reason_of) {
                reason_of[user.get()] = *reason;
            }
            table.reason_of[scope.index()] = reason_of.into();
            table.reasons[scope.index()] = of_scope
                .reasons
                .iter()
                .map(|reason| match reason.outcome {
                    Outcome::Granted => (Ruling::Granted, Box::default()),
                    Outcome::Blocked => (Ruling::Blocked, reason.guardrails.clone()),
                })
                .collect();
        }
        let columns = &class.columns;
        let is_masked: Vec<bool> =
            columns.reasons.iter().map(|reason| reason.outcome == ColumnOutcome::Masked).collect();
        let mut known: FastMap<Box<[u32]>, u32> = FastMap::default();
        for (row, user) in columns.users.iter().enumerate() {
            let slots = (0_u32..).zip(&columns.slots);
            let masked = slots.filter(|(_, reasons)| is_masked[reasons[row] as usize]);
            let masked: Box<[u32]> = masked.map(|(slot, _)| slot).collect();
            if masked.is_empty() {
                continue;
            }
            let next = u32::try_from(table.masks.len()).unwrap_or(u32::MAX);
            let mask = *known.entry(masked).or_insert_with_key(|masked| {
                table.masks.push(masked.clone());
                next
            });
            table.mask_of.insert(*user, mask);
        }
        table
    }

    /// Returns what policies say of a user in a scope.
    pub(crate) fn ruling(&self, user: UserIx, scope: Scope) -> Ruling {
        self.reason(user, scope).map_or(Ruling::None, |(ruling, _)| *ruling)
    }

    /// Returns the guardrails that block a user in a scope.
    pub(crate) fn blocking(&self, user: UserIx, scope: Scope) -> &[PolicyIx] {
        self.reason(user, scope).map_or(&[], |(_, guardrails)| guardrails)
    }

    fn reason(&self, user: UserIx, scope: Scope) -> Option<&(Ruling, Box<[PolicyIx]>)> {
        let reason = *self.reason_of[scope.index()].get(user.get())?;
        (reason != NO_REASON).then(|| &self.reasons[scope.index()][reason as usize])
    }

    /// Returns the slots that are masked for a user, ascending; none for a user who is not granted to read.
    pub(crate) fn masked(&self, user: UserIx) -> &[u32] {
        self.mask_of.get(&user).map_or(&[], |mask| &self.masks[*mask as usize])
    }
}
