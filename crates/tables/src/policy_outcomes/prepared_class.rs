//! One class prepared for encoding: its reasons as the values of rows, its outcomes counted.

use domesday_engine::{
    ClassOutcomes, ColumnOutcome, ColumnReason, Outcome, Reason, ReasonParts, ScopeOutcomes,
};
use domesday_model::{DataPolicyIx, Instant, PolicyIx, RequestIx, Scope, Snapshot};

use super::OutcomeCounts;
use super::class_shape::{ClassShape, HasShape, SectionShape};
use super::section::{ReasonValues, Section};
use crate::json;

/// A class and the values of its rows.
pub(super) struct PreparedClass {
    pub(super) outcomes: ClassOutcomes,
    /// The values of the reasons of the read scope, the write scope and the columns.
    read: Vec<ReasonValues>,
    write: Vec<ReasonValues>,
    columns: Vec<ReasonValues>,
    shape: ClassShape,
}

impl HasShape for PreparedClass {
    fn shape(&self) -> &ClassShape {
        &self.shape
    }
}

impl PreparedClass {
    pub(super) fn new(snapshot: &Snapshot, outcomes: ClassOutcomes) -> Self {
        let of_scope = |scope: &ScopeOutcomes| {
            scope.reasons.iter().map(|reason| table_row_values(snapshot, reason)).collect::<Vec<_>>()
        };
        let (read, write) = (of_scope(&outcomes.read), of_scope(&outcomes.write));
        let columns = outcomes.columns.reasons.iter();
        let columns = columns.map(|reason| column_row_values(snapshot, reason)).collect();
        let mut class = Self { outcomes, read, write, columns, shape: ClassShape::default() };
        class.shape = class.measure();
        class
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

    fn measure(&self) -> ClassShape {
        let ClassOutcomes { read, write, columns } = &self.outcomes;
        let of_read = count_rows(read.reasons.len(), [&read.reason_of]);
        let of_write = count_rows(write.reasons.len(), [&write.reason_of]);
        let of_columns = count_rows(columns.reasons.len(), &columns.slots);
        let granted = |scope: &ScopeOutcomes, rows: &[u64]| {
            let reasons = scope.reasons.iter().zip(rows);
            let granted = reasons.filter(|(reason, _)| reason.outcome == Outcome::Granted);
            granted.map(|(_, rows)| *rows).sum::<u64>()
        };
        let masked = columns.reasons.iter().zip(&of_columns);
        let masked = masked.filter(|(reason, _)| reason.outcome == ColumnOutcome::Masked);
        let masked: u64 = masked.map(|(_, rows)| *rows).sum();
        let (readers, writers) = (granted(read, &of_read), granted(write, &of_write));
        let reasons = || self.read.iter().chain(&self.write).chain(&self.columns);
        let value_bytes = reasons().flatten().flatten().map(Vec::len).sum::<usize>();
        ClassShape {
            sections: [
                SectionShape::new(&self.read, &of_read),
                SectionShape::new(&self.write, &of_write),
                SectionShape::new(&self.columns, &of_columns),
            ],
            slots: columns.slots.len(),
            reasons: reasons().count(),
            text_bytes: value_bytes + read.merged_policy.len() + write.merged_policy.len(),
            counts: OutcomeCounts {
                granted: readers + writers,
                blocked: (read.users.len() + write.users.len()) as u64 - readers - writers,
                masked,
                unmasked: (columns.users.len() * columns.slots.len()) as u64 - masked,
            },
            readers: readers as usize,
        }
    }

    /// Returns its shape alone.
    pub(super) fn into_shape(self) -> ClassShape {
        self.shape
    }

    /// Estimates how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let numbers = 2 * (self.outcomes.read.users.len() + self.outcomes.write.users.len())
            + self.outcomes.columns.users.len() * (1 + self.outcomes.columns.slots.len());
        let reasons = self.read.len() + self.write.len() + self.columns.len();
        numbers * size_of::<u32>() + reasons * 2 * size_of::<ReasonValues>()
    }
}

/// How many rows are counted at once: neighbours often have the same reason, and a counter that was just written is slow
/// to read.
const LANES: usize = 4;

/// Counts the rows of each reason.
fn count_rows<'r>(reasons: usize, lists: impl IntoIterator<Item = &'r Vec<u32>>) -> Vec<u64> {
    let mut rows = vec![[0; LANES]; reasons];
    for reason_of in lists {
        let (chunks, rest) = reason_of.as_chunks::<LANES>();
        for chunk in chunks {
            (0..LANES).for_each(|lane| rows[chunk[lane] as usize][lane] += 1);
        }
        rest.iter().for_each(|reason| rows[*reason as usize][0] += 1);
    }
    rows.iter().map(|lanes| lanes.iter().sum()).collect()
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
