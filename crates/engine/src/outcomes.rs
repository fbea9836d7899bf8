//! The result of evaluation: outcomes by class, never rows.
//!
//! Data sources that share everything that evaluation can see form one *source class*; within a class and scope,
//! users with the same outcome for the same reasons form one *reason class*. A row of the policy-outcomes
//! table is a pair of a source and a user with the user's reason class. The encoder in `tables` expands the classes to
//! rows, in the order data source, scope, user, with a source's column rows last.

use domesday_model::{ColumnIx, DataPolicyIx, DataSourceIx, Instant, PolicyIx, RequestIx, Scope, UserIx};
use serde::{Serialize, Serializer};

/// Position of a source class in its [`Outcomes`](crate::Outcomes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassIx(pub u32);

/// One enabled data source with its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOutcomes {
    /// The data source.
    pub source: DataSourceIx,
    /// Its class.
    pub class: ClassIx,
    /// Its columns with at least one applying data policy, in ordinal order: the columns that the slots of
    /// [`ColumnOutcomes`] are about. There are as many as the class has slots.
    pub columns: Box<[ColumnIx]>,
}

/// The outcomes of the sources of one class.
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
    /// Returns the outcomes of one scope.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> &ScopeOutcomes {
        match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
        }
    }

    /// Returns how many rows of policy-outcomes each source of the class has.
    #[must_use]
    pub fn rows_per_source(&self) -> usize {
        self.read.users.len() + self.write.users.len() + self.columns.users.len() * self.columns.slots.len()
    }
}

/// The users who are granted access in one scope, blocked or not, each with a reason class.
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

impl ScopeOutcomes {
    /// Returns the reason of a user; `None` for a user who is not granted access.
    #[must_use]
    pub fn reason(&self, user: UserIx) -> Option<&Reason> {
        let row = self.users.binary_search(&user).ok()?;
        Some(&self.reasons[self.reason_of[row] as usize])
    }

    /// Returns the users whose outcome is [`Outcome::Granted`], ascending.
    pub fn granted_users(&self) -> impl Iterator<Item = UserIx> + '_ {
        let is_granted = |reason: u32| self.reasons[reason as usize].outcome == Outcome::Granted;
        let users = self.users.iter().zip(&self.reason_of);
        users.filter(move |(_, reason)| is_granted(**reason)).map(|(user, _)| *user)
    }
}

/// Whether a user who is granted access can use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Granted and eligible.
    Granted,
    /// Granted, but a guardrail does not admit them.
    Blocked,
}

impl Outcome {
    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "GRANTED",
            Self::Blocked => "BLOCKED",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The parts of the `reason` field (`docs/access.md` rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ReasonParts {
    /// Some grant other than of level approval admits.
    pub policy: bool,
    /// They own the data source.
    pub owner: bool,
    /// It rests on an approved request.
    pub request: bool,
}

/// One part of the `reason` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonPart {
    /// See [`ReasonParts::policy`].
    Policy,
    /// See [`ReasonParts::owner`].
    Owner,
    /// See [`ReasonParts::request`].
    Request,
}

impl ReasonPart {
    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "POLICY",
            Self::Owner => "OWNER",
            Self::Request => "REQUEST",
        }
    }
}

impl Serialize for ReasonPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl ReasonParts {
    /// Returns the parts in the order of the field.
    pub fn iter(self) -> impl Iterator<Item = ReasonPart> {
        let parts = [
            (self.policy, ReasonPart::Policy),
            (self.owner, ReasonPart::Owner),
            (self.request, ReasonPart::Request),
        ];
        parts.into_iter().filter_map(|(is_set, part)| is_set.then_some(part))
    }
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
    /// The parts of the `reason` field.
    pub parts: ReasonParts,
    /// Of the requests among the reasons, the one that ends last.
    pub request: Option<RequestIx>,
    /// When access ends by itself.
    pub expires_at: Option<Instant>,
}

/// How the readers of a class see its masked columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnOutcomes {
    /// The users granted to read, ascending; empty when there are no slots.
    pub users: Vec<UserIx>,
    /// For each slot, for each of `users`, the position of their reason in `reasons`. Slot `n` is about the `n`th of
    /// [`SourceOutcomes::columns`].
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

impl ColumnOutcome {
    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Masked => "MASKED",
            Self::Unmasked => "UNMASKED",
        }
    }
}

/// One reason class of columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnReason {
    /// Masked or unmasked.
    pub outcome: ColumnOutcome,
    /// The data policies that mask when masked, all that apply when unmasked, in id order.
    pub data_policies: Box<[DataPolicyIx]>,
    /// `policy`, or `request` when unmasked only by a masking exception.
    pub parts: ReasonParts,
    /// The masking exception that was needed, the one that ends last.
    pub request: Option<RequestIx>,
    /// When that exception ends.
    pub expires_at: Option<Instant>,
}

/// A conflict of levels to settle, or a choice that settles none (`docs/access.md` rule 2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LevelWarning {
    /// Global grants of one scope disagree on the level, and the data source's `levelChoice` names none of
    /// them: the most restrictive level counts.
    UnsettledConflict {
        /// The data source.
        source: DataSourceIx,
        /// The scope of the grants.
        scope: Scope,
        /// The grants in conflict, in id order.
        policies: Box<[PolicyIx]>,
    },
    /// A data source's `levelChoice` names a policy that is in no conflict there.
    IdleLevelChoice {
        /// The data source.
        source: DataSourceIx,
        /// The policy named.
        policy: PolicyIx,
    },
}
