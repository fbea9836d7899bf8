//! One class prepared for encoding: its reasons as the values of rows, its outcomes counted.

use domesday_engine::{
    ClassOutcomes, ColumnOutcome, ColumnReason, Outcome, Reason, ReasonParts, ScopeOutcomes,
};
use domesday_model::{DataPolicyIx, Instant, PolicyIx, RequestIx, Scope, Snapshot};

use super::OutcomeCounts;
use crate::json;

/// The parts of a data source's rows, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Section {
    /// Table rows of one scope.
    Table(Scope),
    /// Column rows.
    Columns,
}

impl Section {
    pub(super) const ALL: [Self; 3] = [Self::Table(Scope::Read), Self::Table(Scope::Write), Self::Columns];

    /// Returns the scope that its rows state.
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Table(scope) => scope,
            Self::Columns => Scope::Read,
        }
    }
}

/// The fields whose values depend on the reason, in the order of [`ReasonValues`].
pub(super) const REASON_FIELDS: [&str; 7] = [
    "outcome",
    "grant_policy_ids",
    "guardrail_policy_ids",
    "data_policy_ids",
    "reason",
    "request_id",
    "expires_at",
];

/// The values of a reason by field: text as it is, instants as eight bytes of microseconds.
pub(super) type ReasonValues = [Option<Vec<u8>>; REASON_FIELDS.len()];

/// A class and the values of its rows.
pub(super) struct PreparedClass {
    pub(super) outcomes: ClassOutcomes,
    /// The values of the reasons of the read scope, the write scope and the columns.
    read: Vec<ReasonValues>,
    write: Vec<ReasonValues>,
    columns: Vec<ReasonValues>,
    /// The rows of each of its sources.
    pub(super) counts: OutcomeCounts,
    /// How many users are GRANTED READ.
    pub(super) readers: usize,
}

impl PreparedClass {
    pub(super) fn new(snapshot: &Snapshot, outcomes: ClassOutcomes) -> Self {
        let of_scope = |scope: &ScopeOutcomes| {
            scope.reasons.iter().map(|reason| table_row_values(snapshot, reason)).collect::<Vec<_>>()
        };
        let (read, write) = (of_scope(&outcomes.read), of_scope(&outcomes.write));
        let columns = outcomes.columns.reasons.iter();
        let columns = columns.map(|reason| column_row_values(snapshot, reason)).collect();
        let mut class = Self { outcomes, read, write, columns, counts: OutcomeCounts::default(), readers: 0 };
        class.count();
        class
    }

    /// Returns the number of rows of each of its sources.
    pub(super) fn rows(&self) -> usize {
        self.outcomes.rows_per_source()
    }

    /// Returns the number of rows of a section.
    pub(super) fn section_rows(&self, section: Section) -> usize {
        match section {
            Section::Table(scope) => self.outcomes.scope(scope).users.len(),
            Section::Columns => self.outcomes.columns.users.len() * self.outcomes.columns.slots.len(),
        }
    }

    /// Returns the values of a section's reasons.
    pub(super) fn reasons(&self, section: Section) -> &[ReasonValues] {
        match section {
            Section::Table(Scope::Read) => &self.read,
            Section::Table(Scope::Write) => &self.write,
            Section::Columns => &self.columns,
        }
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

    /// Estimates how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let numbers = 2 * (self.outcomes.read.users.len() + self.outcomes.write.users.len())
            + self.outcomes.columns.users.len() * (1 + self.outcomes.columns.slots.len());
        let reasons = self.read.len() + self.write.len() + self.columns.len();
        numbers * size_of::<u32>() + reasons * 2 * size_of::<ReasonValues>()
    }
}

fn table_row_values(snapshot: &Snapshot, reason: &Reason) -> ReasonValues {
    [
        text(reason.outcome.as_str()),
        text(&policy_ids(snapshot, &reason.grants)),
        text(&policy_ids(snapshot, &reason.guardrails)),
        text(&json::numbers([])),
        text(reason_text(reason.parts)),
        request_id(snapshot, reason.request),
        instant(reason.expires_at),
    ]
}

fn column_row_values(snapshot: &Snapshot, reason: &ColumnReason) -> ReasonValues {
    [
        text(reason.outcome.as_str()),
        text(&json::numbers([])),
        text(&json::numbers([])),
        text(&data_policy_ids(snapshot, &reason.data_policies)),
        text(reason_text(reason.parts)),
        request_id(snapshot, reason.request),
        instant(reason.expires_at),
    ]
}

fn text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn instant(instant: Option<Instant>) -> Option<Vec<u8>> {
    instant.map(|instant| instant.as_micros().to_le_bytes().to_vec())
}

fn policy_ids(snapshot: &Snapshot, policies: &[PolicyIx]) -> String {
    sorted_ids(policies.iter().map(|ix| snapshot.policies[ix.get()].id.0).collect())
}

fn data_policy_ids(snapshot: &Snapshot, policies: &[DataPolicyIx]) -> String {
    sorted_ids(policies.iter().map(|ix| snapshot.data_policies[ix.get()].id.0).collect())
}

fn sorted_ids(mut ids: Vec<i64>) -> String {
    ids.sort_unstable();
    json::numbers(ids)
}

fn request_id(snapshot: &Snapshot, request: Option<RequestIx>) -> Option<Vec<u8>> {
    request.and_then(|ix| text(&snapshot.requests[ix.get()].id))
}

/// Returns the `reason` field (`docs/access.md` rule 9).
fn reason_text(parts: ReasonParts) -> &'static str {
    let ReasonParts { policy, owner, request } = parts;
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
