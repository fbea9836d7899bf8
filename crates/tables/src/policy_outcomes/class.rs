//! One class made ready for its sources: its reasons as the texts of rows, its outcomes counted.

use domesday_engine::{Because, ClassOutcomes, ColumnOutcome, ColumnReason, Outcome, Reason, ScopeOutcomes};
use domesday_model::{DataPolicyIx, Instant, PolicyIx, RequestIx, Snapshot};

use super::OutcomeCounts;
use crate::json;

/// A class and what every row of it says.
pub(super) struct PreparedClass {
    pub(super) outcomes: ClassOutcomes,
    /// The texts of the reasons of the read scope, the write scope and the columns.
    pub(super) read: Vec<ReasonText>,
    pub(super) write: Vec<ReasonText>,
    pub(super) columns: Vec<ReasonText>,
    /// The rows of each of its sources.
    pub(super) counts: OutcomeCounts,
    /// How many users are GRANTED READ.
    pub(super) readers: usize,
}

/// What a reason puts into a row.
pub(super) struct ReasonText {
    pub(super) outcome: &'static str,
    pub(super) grants: String,
    pub(super) guardrails: String,
    pub(super) data_policies: String,
    pub(super) reason: &'static str,
    pub(super) request: Option<String>,
    pub(super) expires_at: Option<Instant>,
}

impl PreparedClass {
    pub(super) fn of(snapshot: &Snapshot, outcomes: ClassOutcomes) -> Self {
        let of_scope = |scope: &ScopeOutcomes| {
            scope.reasons.iter().map(|reason| ReasonText::of_table(snapshot, reason)).collect::<Vec<_>>()
        };
        let (read, write) = (of_scope(&outcomes.read), of_scope(&outcomes.write));
        let columns = outcomes.columns.reasons.iter();
        let columns = columns.map(|reason| ReasonText::of_column(snapshot, reason)).collect();
        let mut class = Self { outcomes, read, write, columns, counts: OutcomeCounts::default(), readers: 0 };
        class.count();
        class
    }

    fn count(&mut self) {
        let granted = |scope: &ScopeOutcomes| {
            let is_granted: Vec<_> =
                scope.reasons.iter().map(|reason| reason.outcome == Outcome::Granted).collect();
            scope.reason_of.iter().filter(|reason| is_granted[**reason as usize]).count()
        };
        let (read, write) = (granted(&self.outcomes.read), granted(&self.outcomes.write));
        let columns = &self.outcomes.columns;
        let is_masked: Vec<_> =
            columns.reasons.iter().map(|reason| reason.outcome == ColumnOutcome::Masked).collect();
        let masked = columns.slots.iter().flatten().filter(|reason| is_masked[**reason as usize]).count();
        let table_rows = self.outcomes.read.users.len() + self.outcomes.write.users.len();
        let column_rows = columns.users.len() * columns.slots.len();
        self.readers = read;
        self.counts = OutcomeCounts {
            granted: (read + write) as u64,
            blocked: (table_rows - read - write) as u64,
            masked: masked as u64,
            unmasked: (column_rows - masked) as u64,
        };
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let numbers = 2 * (self.outcomes.read.users.len() + self.outcomes.write.users.len())
            + self.outcomes.columns.users.len() * (1 + self.outcomes.columns.slots.len());
        let texts = self.read.iter().chain(&self.write).chain(&self.columns);
        let text =
            |text: &ReasonText| text.grants.len() + text.guardrails.len() + text.data_policies.len() + 256;
        numbers * size_of::<u32>() + texts.map(text).sum::<usize>()
    }
}

impl ReasonText {
    fn of_table(snapshot: &Snapshot, reason: &Reason) -> Self {
        Self {
            outcome: match reason.outcome {
                Outcome::Granted => "GRANTED",
                Outcome::Blocked => "BLOCKED",
            },
            grants: policy_ids(snapshot, &reason.grants),
            guardrails: policy_ids(snapshot, &reason.guardrails),
            data_policies: json::numbers([]),
            reason: because(reason.because),
            request: request_id(snapshot, reason.request),
            expires_at: reason.expires_at,
        }
    }

    fn of_column(snapshot: &Snapshot, reason: &ColumnReason) -> Self {
        Self {
            outcome: match reason.outcome {
                ColumnOutcome::Masked => "MASKED",
                ColumnOutcome::Unmasked => "UNMASKED",
            },
            grants: json::numbers([]),
            guardrails: json::numbers([]),
            data_policies: data_policy_ids(snapshot, &reason.data_policies),
            reason: because(reason.because),
            request: request_id(snapshot, reason.request),
            expires_at: reason.expires_at,
        }
    }
}

fn policy_ids(snapshot: &Snapshot, policies: &[PolicyIx]) -> String {
    sorted(policies.iter().map(|ix| snapshot.policies[ix.get()].id.0).collect())
}

fn data_policy_ids(snapshot: &Snapshot, policies: &[DataPolicyIx]) -> String {
    sorted(policies.iter().map(|ix| snapshot.data_policies[ix.get()].id.0).collect())
}

fn sorted(mut ids: Vec<i64>) -> String {
    ids.sort_unstable();
    json::numbers(ids)
}

fn request_id(snapshot: &Snapshot, request: Option<RequestIx>) -> Option<String> {
    request.map(|ix| snapshot.requests[ix.get()].id.clone())
}

/// The `reason` field (rule 9).
fn because(because: Because) -> &'static str {
    let Because { policy, owner, request } = because;
    match (policy, owner, request) {
        (true, false, false) => "POLICY",
        (false, true, false) => "OWNER",
        (false, false, true) => "REQUEST",
        (true, true, false) => "POLICY+OWNER",
        (true, false, true) => "POLICY+REQUEST",
        (false, true, true) => "OWNER+REQUEST",
        (true, true, true) => "POLICY+OWNER+REQUEST",
        (false, false, false) => "",
    }
}
