//! What evaluation says: outcomes by class, never rows.
//!
//! Data sources that share everything evaluation can see form one *source class*; within a class and scope,
//! users with the same outcome for the same reasons form one *reason class*. A row of the policy-outcomes
//! table is a pair of a source and a user with the user's reason class; who wants rows (the encoder in
//! `tables`) expands the classes, in the order data source, scope, user, a source's column rows last.

use domesday_model::{ColumnIx, DataPolicyIx, DataSourceIx, Instant, PolicyIx, RequestIx, Scope, UserIx};

/// Position of a source class in its [`Outcomes`](crate::Outcomes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassIx(pub u32);

/// One enabled data source with the class whose outcomes are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOutcomes {
    /// The data source.
    pub source: DataSourceIx,
    /// Its class.
    pub class: ClassIx,
    /// Its columns with at least one applying data policy, in ordinal order: the column that each slot of
    /// [`ColumnOutcomes`] stands for. As many as the class has slots.
    pub columns: Box<[ColumnIx]>,
}

/// Everything evaluation says about the sources of one class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassOutcomes {
    /// Who may read.
    pub read: ScopeOutcomes,
    /// Who may write.
    pub write: ScopeOutcomes,
    /// Who sees which column how.
    pub columns: ColumnOutcomes,
}

impl ClassOutcomes {
    /// The outcomes of one scope.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> &ScopeOutcomes {
        match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
        }
    }

    /// How many rows of policy-outcomes each source of the class has.
    #[must_use]
    pub fn rows_per_source(&self) -> usize {
        self.read.users.len() + self.write.users.len() + self.columns.users.len() * self.columns.slots.len()
    }
}

/// The users whom something reaches in one scope, each with a reason class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeOutcomes {
    /// All grants and guardrails of the scope in one readable line; also the `merged_policy` of column rows
    /// (from the read scope).
    pub merged_policy: String,
    /// Users granted, blocked or not, ascending.
    pub users: Vec<UserIx>,
    /// For each of `users`, the position of their reason in `reasons`.
    pub reason_of: Vec<u32>,
    /// The distinct reasons.
    pub reasons: Vec<Reason>,
}

/// Whether a user whom something reaches gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Granted and eligible.
    Granted,
    /// Granted, but a guardrail does not admit them.
    Blocked,
}

/// Why somebody has access: the parts of the `reason` field (design.md, rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Because {
    /// Some grant other than of level approval admits.
    pub policy: bool,
    /// They own the data source.
    pub owner: bool,
    /// An approved request stands behind it.
    pub request: bool,
}

/// One reason class of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason {
    /// Granted or blocked.
    pub outcome: Outcome,
    /// The grants that admit, in id order.
    pub grants: Box<[PolicyIx]>,
    /// All guardrails of the scope when granted, those that do not admit when blocked, in id order.
    pub guardrails: Box<[PolicyIx]>,
    /// Why.
    pub because: Because,
    /// Of the requests among the reasons, the one that ends last.
    pub request: Option<RequestIx>,
    /// When access ends by itself.
    pub expires_at: Option<Instant>,
}

/// How the readers of a class see its columns with a mask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnOutcomes {
    /// The users granted to read, ascending; empty when there are no slots.
    pub users: Vec<UserIx>,
    /// For each slot, for each of `users`, the position of their reason in `reasons`. Slot `n` stands for
    /// the `n`th of [`SourceOutcomes::columns`].
    pub slots: Vec<Vec<u32>>,
    /// The distinct reasons.
    pub reasons: Vec<ColumnReason>,
}

/// Whether a user sees a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnOutcome {
    /// A mask applies.
    Masked,
    /// Every mask excepts them, or a masking exception does.
    Unmasked,
}

/// One reason class of columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnReason {
    /// Masked or clear.
    pub outcome: ColumnOutcome,
    /// The data policies that mask when masked, all that apply when clear, in id order.
    pub data_policies: Box<[DataPolicyIx]>,
    /// `policy`, or `request` when clear only by a masking exception.
    pub because: Because,
    /// The masking exception that was needed, the one that ends last.
    pub request: Option<RequestIx>,
    /// When that exception ends.
    pub expires_at: Option<Instant>,
}

/// Something a run should tell its operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Warning {
    /// Global grants of one scope disagree on the level, and the data source's `levelChoice` names none of
    /// them: the most restrictive level wins (design.md, rule 2).
    UnsettledConflict {
        /// Where.
        source: DataSourceIx,
        /// The scope of the grants.
        scope: Scope,
        /// The grants in conflict, in id order.
        policies: Box<[PolicyIx]>,
    },
    /// A data source's `levelChoice` names a policy that is in no conflict there.
    IdleLevelChoice {
        /// Where.
        source: DataSourceIx,
        /// The policy named.
        policy: PolicyIx,
    },
}
