//! Whether policies admit one user to one data source.

use domesday_model::{DataPolicyIx, Individuals, Level, Policy, PolicyIx, PolicyKind, Scope, Snapshot};

use super::scope::counts_in_scope;
use crate::condition::{PairEvaluator, StoredUser, UserView};
use crate::source_classes::SourceClass;

/// A user of whom something can be assumed beyond what a snapshot contains.
pub(crate) trait AssumedUser: UserView {
    /// Whether the user is assumed to be named in a policy of level `individuals`.
    fn is_assumed_named(&self, policy: &Policy) -> bool;

    /// Whether a request for the data source, or for a data product that contains it, is assumed to be approved.
    fn has_assumed_approval(&self) -> bool;

    /// Whether a request for a data product that contains the data source is assumed to be approved.
    fn has_assumed_product(&self) -> bool;
}

impl AssumedUser for StoredUser<'_> {
    fn is_assumed_named(&self, _policy: &Policy) -> bool {
        false
    }

    fn has_assumed_approval(&self) -> bool {
        false
    }

    fn has_assumed_product(&self) -> bool {
        false
    }
}

/// Judges one user at a data source of a class, in one scope. Does not ask whether user and source are enabled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairAdmission<'a, U> {
    pub(crate) class: &'a SourceClass,
    pub(crate) scope: Scope,
    pub(crate) pair: PairEvaluator<'a, U>,
}

impl<U: AssumedUser> PairAdmission<'_, U> {
    /// Whether a policy admits the user (`docs/access.md` rule 4), silenced or not.
    pub(crate) fn admits(&self, policy: PolicyIx) -> bool {
        let PairEvaluator { snapshot, user, .. } = &self.pair;
        let policy = &snapshot.policies[policy.get()].spec;
        match &policy.level {
            Level::Anyone => true,
            Level::Approval => {
                user.has_assumed_approval()
                    || self.class.coverage_in(self.scope).any(|cover| cover.user == user.ix())
            }
            Level::Individuals { individuals } => {
                user.is_assumed_named(policy) || is_named(snapshot, user, individuals)
            }
            Level::Entitlements { condition } => self.pair.holds(condition),
        }
    }

    /// Whether the user is granted access (`docs/access.md` rule 5).
    pub(crate) fn is_granted(&self) -> bool {
        let user = &self.pair.user;
        let mut coverage = self.class.coverage_in(self.scope);
        user.has_assumed_product()
            || coverage.any(|cover| cover.by_product && cover.user == user.ix())
            || self.class.owners.contains(&user.ix())
            || self.policies(PolicyKind::Grant).any(|grant| self.admits(grant))
    }

    /// Whether every guardrail admits the user (`docs/access.md` rule 6).
    pub(crate) fn is_eligible(&self) -> bool {
        self.policies(PolicyKind::Guardrail).all(|guardrail| self.admits(guardrail))
    }

    /// Whether a data policy excepts the user (`docs/access.md` rule 8).
    pub(crate) fn is_excepted(&self, policy: DataPolicyIx) -> bool {
        let except = self.pair.snapshot.data_policies[policy.get()].spec.except.as_ref();
        except.is_some_and(|except| self.pair.holds(except))
    }

    /// Returns the policies of a kind that count for the scope and are not silenced.
    pub(crate) fn policies(&self, kind: PolicyKind) -> impl Iterator<Item = PolicyIx> + '_ {
        let spec = |policy: PolicyIx| &self.pair.snapshot.policies[policy.get()].spec;
        let counting =
            move |policy: PolicyIx| spec(policy).kind == kind && counts_in_scope(spec(policy), self.scope);
        self.class
            .policies
            .iter()
            .filter(move |applied| !applied.silenced && counting(applied.policy))
            .map(|applied| applied.policy)
    }
}

fn is_named(snapshot: &Snapshot, user: &impl UserView, individuals: &Individuals) -> bool {
    individuals.users.contains(&*snapshot.users[user.ix().get()].username)
        || individuals.groups.iter().any(|group| user.is_in_group(group))
}
